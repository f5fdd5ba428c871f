"""Worlds to live in: a file or a folder each, with everything about it inside."""
