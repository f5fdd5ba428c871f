"""Named randomness: every owner has a generator of its own, made from (seed, owner's name).

No generator is shared, so adding an agent or an evaluation never shifts the numbers
that another owner draws, and each generator travels in the checkpoint with its owner.
"""

import hashlib
import math

import tensorflow as tf

from imagents.errors import check_seed
from imagents.xla import running_count


def make_seed(seed: int, owner: str) -> int:
    """A 31-bit seed for `owner`; other owners and other seeds get unrelated ones."""
    check_seed(seed)
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


def normal(generator: tf.random.Generator, shape) -> tf.Tensor:
    """Random float32 numbers of mean 0 and variance 1, by Box and Muller's transform of `uniform` ones."""
    radius, angle = tf.unstack(uniform(generator, [2, *shape]))
    return tf.sqrt(-2.0 * tf.math.log(1.0 - radius)) * tf.cos(2.0 * math.pi * angle)


def sample_legal(legal_moves: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """A uniformly random legal move per game.

    Args:
      legal_moves: bool `[B, num_actions]`, at least one True per row.
      uniform: float32 `[B]` random numbers in [0, 1).

    Returns:
      int32 `[B]`.
    """
    rank = running_count(legal_moves)  # [B, num_actions], 1 at the first legal move
    count = rank[:, -1]
    skipped = tf.minimum(tf.cast(uniform * tf.cast(count, tf.float32), tf.int32), count - 1)
    return tf.reduce_sum(tf.cast(rank <= skipped[:, tf.newaxis], tf.int32), axis=1)


def draw_from(shares: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """An action per copy, each as often as its share.

    Args:
      shares: float32 `[B, num_actions]`, not negative; what they sum to does not matter.
      uniform: float32 `[B]` random numbers in [0, 1).

    Returns:
      int32 `[B]`.
    """
    sums = tf.cumsum(shares, axis=1)
    below = sums <= uniform[:, tf.newaxis] * sums[:, -1:]
    return tf.minimum(tf.reduce_sum(tf.cast(below, tf.int32), axis=1), shares.shape[1] - 1)


def draw(generator: tf.random.Generator, allowed: tf.Tensor) -> tf.Tensor:
    """One of the allowed actions per game, uniformly: bool `[B, num_actions]` -> int32 `[B]`."""
    return sample_legal(allowed, uniform(generator, [allowed.shape[0]]))
