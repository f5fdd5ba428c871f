"""Named randomness: every owner has a generator of its own, made from (seed, owner's name).

No generator is shared, so adding an agent or an evaluation never shifts the numbers
that another owner draws, and each generator travels in the checkpoint with its owner.
"""

import hashlib

import tensorflow as tf


def make_seed(seed: int, owner: str) -> int:
    """A 31-bit seed for `owner`; other owners and other seeds get unrelated ones."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{owner}".encode()).digest()[:4], "big") >> 1


def make_generator(seed: int, owner: str) -> tf.random.Generator:
    """A Philox generator for `owner`, the same in every process."""
    return tf.random.Generator.from_seed(make_seed(seed, owner), alg="philox")


def uniform(generator: tf.random.Generator, shape) -> tf.Tensor:
    """Random float32 numbers in [0, 1) with 24 random bits each.

    Unlike `generator.uniform`, the same ones eagerly, in a graph and under XLA, which
    turns random bits into numbers in another way than TensorFlow.
    """
    bits = generator.uniform_full_int(shape, tf.uint32)
    return tf.cast(tf.bitwise.right_shift(bits, 8), tf.float32) * 2.0**-24
