"""Optimism: how much an error counts for a learner whose partner is still learning.

What an action was worth with a partner that explores says little about what it will be worth with the same partner
later, so an independent learner may count bad news less than good news. Three rules on the TD error, alone or together:

    hysteretic     bad news moves a value by a smaller step               Matignon et al. 2007, Hysteretic Q-learning
    distributed    bad news does not move it at all                      Lauer and Riedmiller 2000
    lenient        bad news is forgiven at random, the less often the    Panait et al. 2008; Palmer et al. 2018,
                   more an action has been tried in a state              https://arxiv.org/abs/1707.04402
"""

import numpy as np
import tensorflow as tf

from imagents.number import Number
from imagents.process import check_memory
from imagents.randomness import make_generator, uniform
from imagents.settings import Learning
from imagents.xla import row_sums

OPTIMISM = ("hysteretic", "distributed", "lenient_temperature", "lenient_decay", "lenient_moderation")  # its settings


class Optimism(tf.Module):
    """The share of an error that a learner counts, and the temperatures that it depends on.

    Args:
      settings: those of an algorithm.
      num_states, num_actions: of the temperatures, one per action and state; of no account unless it is lenient.
      seed: of what is forgiven.
    """

    def __init__(self, settings: Learning, num_states: int, num_actions: int, seed: int = 0):
        super().__init__(name="optimism")
        self._below = Number(0.0 if settings.distributed else settings.hysteretic)
        self._decay, self._moderation = Number(settings.lenient_decay), Number(settings.lenient_moderation)
        self._temperatures = None
        if settings.lenient_temperature:
            check_memory(f"a temperature for each of {num_states} states", 4 * num_states * num_actions)
            start = tf.fill([num_states, num_actions], settings.lenient_temperature)
            self._temperatures = tf.Variable(start, trainable=False)
            self._generator = make_generator(seed, "leniency")

    def shares(self, errors: tf.Tensor, states: tf.Tensor, actions: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
        """How much of each error counts; actions that are learned from cool down.

        Args:
          errors: float32 `[N]`, target minus value.
          states: int32 `[N]`, less than `num_states`.
          actions: integers `[N]`.
          counts: bool `[N]`, False in rows that are not there.

        Returns:
          float32 `[N]`, 0 to 1.
        """
        below = tf.fill(tf.shape(errors), self._below)
        if self._temperatures is not None:
            index = tf.stack([states, tf.cast(actions, tf.int32)], axis=1)
            temperatures = self._temperatures.read_value()
            heat = self._moderation * tf.gather_nd(temperatures, index)
            below = tf.where(uniform(self._generator, errors.shape) < 1.0 - tf.exp(-heat), 0.0, below)
            tried = tf.scatter_nd(index, tf.cast(counts, tf.float32), temperatures.shape)
            self._temperatures.assign(temperatures * self._decay**tried)
        return tf.where(errors < 0.0, below, 1.0)


def hashed(view, buckets: int) -> tf.Tensor:
    """A number below `buckets`, a power of 2, for each of N views, int32 `[N]`: equal views have equal ones."""
    return _shifted(digest(view), 32 - (buckets - 1).bit_length())


def digest(view) -> tf.Tensor:
    """32 bits for each of N views, int32 `[N]`: equal views have equal ones, and others seldom do."""
    total, rng = tf.zeros([], tf.int32), np.random.default_rng(0)
    for leaf in tf.nest.flatten(view):
        flat = tf.reshape(leaf, [leaf.shape[0], -1])
        factors = 2 * rng.integers(-(2**30), 2**30, flat.shape[1], np.int32) + 1  # with odd ones no bit is lost
        if leaf.dtype.is_bool:
            total += row_sums(tf.where(flat, factors * _folded(tf.ones([])), 0))
        else:
            total += row_sums(_folded(tf.cast(flat, tf.float32)) * factors)
    return total


def buckets_of(digests: tf.Tensor, buckets: int, hashes: int) -> tf.Tensor:
    """Numbers below `buckets`, a power of 2, by so many hashes of digests, int32 `[N]` -> int32 `[hashes, N]`."""
    factors = 2 * np.random.default_rng(1).integers(-(2**30), 2**30, [2, hashes, 1], np.int32) + 1
    words = digests * factors[0]
    words = tf.bitwise.bitwise_xor(words, _shifted(words, 15)) * factors[1]
    return _shifted(words, 32 - (buckets - 1).bit_length())


def _folded(numbers: tf.Tensor) -> tf.Tensor:
    """The bits of float32 numbers, of which small ones have their ones in the highest, all over 32 bits."""
    words = tf.bitcast(numbers, tf.int32)
    for by in (15, 13):
        words = tf.bitwise.bitwise_xor(words, _shifted(words, by))
    return words


def _shifted(words: tf.Tensor, by: int) -> tf.Tensor:
    return tf.bitcast(tf.bitwise.right_shift(tf.bitcast(words, tf.uint32), tf.constant(by, tf.uint32)), tf.int32)
