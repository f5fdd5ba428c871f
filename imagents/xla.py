"""Compiling by XLA: quietly."""

import functools
import os

import tensorflow as tf


@functools.cache
def start_xla() -> None:
    """Compiles a first function while nobody listens: XLA announces itself on stderr, once per process."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        tf.function(lambda: tf.constant(1) + 1, jit_compile=True)()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
