"""Trainings on other people's machines."""
