"""What an agent has earned in its life under way: from the environment, and in all."""

import tensorflow as tf
from tf_agents.trajectories import time_step as ts


class Earnings(tf.Module):
    """Sums of rewards in each of B copies, until the next life begins.

    Args:
      batch_size: number of copies B.
      can_die: whether lives differ from the episode: a dead agent's LAST then comes again and again.
    """

    def __init__(self, batch_size: int, can_die: bool):
        super().__init__(name="earnings")
        zeros = tf.zeros([batch_size])
        self._given, self._own = (tf.Variable(zeros, trainable=False) for _ in range(2))
        self._is_dead = tf.Variable(zeros != 0.0, trainable=False) if can_die else None

    @property
    def given(self) -> tf.Tensor:
        """What the environment has paid, float32 `[B]`."""
        return self._given.read_value()

    @property
    def own(self) -> tf.Tensor:
        """What the agent was paid, float32 `[B]`."""
        return self._own.read_value()

    def counts(self, time_step: ts.TimeStep, moved: tf.Tensor | None) -> tf.Tensor:
        """Where a time step pays, bool `[B]`: not where a life begins, a copy was held, or somebody is dead already."""
        counts = ~time_step.is_first() if moved is None else ~time_step.is_first() & moved
        if self._is_dead is not None:
            counts &= ~(self._is_dead.read_value() & time_step.is_last())
            self._is_dead.assign(time_step.is_last())
        return counts

    def add(self, time_step: ts.TimeStep, given: tf.Tensor, own: tf.Tensor) -> None:
        """Adds what was paid, float32 `[B]`; where a life begins nothing was."""
        for variable, paid in ((self._given, given), (self._own, own)):
            variable.assign(tf.where(time_step.is_first(), 0.0, variable.read_value() + paid))

    def reset(self) -> None:
        """Forgets the lives under way."""
        for variable in (self._given, self._own, self._is_dead):
            if variable is not None:
                variable.assign(tf.zeros_like(variable))
