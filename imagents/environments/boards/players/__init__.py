"""Players at boards."""
