"""Imports imagents before any test can import TensorFlow, which then starts in Keras 2 mode."""

import imagents  # noqa: F401
