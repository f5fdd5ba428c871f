"""Measurements of playing strength that can be trusted."""
