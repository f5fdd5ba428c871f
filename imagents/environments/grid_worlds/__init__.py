"""Worlds of cells, in tensors: players look for food together, and a diver for the one treasure."""
