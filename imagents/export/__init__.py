"""Agents as models that need neither imagents nor TF-Agents, and back."""
