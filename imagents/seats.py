"""Seats: who is asked to act in each of B copies of an environment, and what those do who are not."""

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

# The action that leaves a running copy as it is: no step, no reward. With it, copies in which
# another seat is asked wait while the rest of the batch moves.
PASS = -1


def is_asked(time_step: ts.TimeStep, seat: int) -> tf.Tensor:
    """Where a seat is asked to act, bool `[B]`; everybody is where the observation has no key `seat`."""
    running, observation = ~time_step.is_last(), time_step.observation
    return running & (observation["seat"] == seat) if shows(observation, "seat") else running


def shows(observation, key: str) -> bool:
    """Whether an observation, or the spec of one, is a dictionary with that key."""
    return isinstance(observation, dict) and key in observation


def where_copy(condition: tf.Tensor, x, y):
    """`tf.where` per copy, of nests of tensors: `condition` bool `[B]`, `x` and `y` `[B, ...]`."""

    def choose(a, b):
        return tf.where(tf.reshape(condition, [-1] + [1] * (len(a.shape) - 1)), a, b)

    return tf.nest.map_structure(choose, x, y)


def for_each_copy(nest, batch_size: int):
    """The same for each of B copies: a nest of tensors `[...]` -> `[B, ...]`."""
    return tf.nest.map_structure(lambda x: tf.tile(x[tf.newaxis], [batch_size] + [1] * len(x.shape)), nest)
