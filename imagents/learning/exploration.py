"""How an agent explores, and how it grows calmer with its own experience."""

import operator
from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy

from imagents.errors import InputError
from imagents.learning.policies import LegalBoltzmannPolicy, LegalEpsilonGreedyPolicy, SampledPolicy, sees_moves
from imagents.number import Number
from imagents.randomness import make_generator


class Schedule(NamedTuple):
    """How much an agent explores as it goes on: a share of random moves, or a temperature.

    start: at first; end: in the end; decay: the factor from one own decision in a copy to the next, 0 for a straight
    line over the first half of a budget.
    """

    start: float
    end: float
    decay: float = 0.0

    def amount(self, decisions: tf.Tensor, spent: tf.Tensor) -> tf.Tensor:
        """How much it is after so many decisions in each copy, `[B]`, and such a share of the budget; float32 `[B]`."""
        if self.decay:
            return tf.maximum(self.end, self.start * self.decay ** tf.cast(decisions, tf.float32))
        line = self.start + (self.end - self.start) * tf.minimum(2.0 * spent, 1.0)
        return tf.broadcast_to(line, tf.shape(decisions))


class Exploration(tf.Module):
    """An agent's exploring policy, and how much it explores in each of B copies.

    Args:
      owner: the agent's name.
      policy: its greedy policy.
      batch_size: number of copies B.
      kind: "epsilon" for a share of random legal moves, "boltzmann" for any at a temperature.
      epsilon: that share, a number or one per copy; with a schedule the least that it becomes.
      schedule: what the share, or the temperature, is as the agent goes on.
      seed: of its own generator, with the agent's name.
      samples: whether its own distribution over actions is all the exploration that there is.

    Attributes:
      policy: the exploring policy.
    """

    def __init__(
        self,
        owner: str,
        policy: tf_policy.TFPolicy,
        batch_size: int,
        kind: Literal["epsilon", "boltzmann"],
        epsilon,
        schedule: Schedule | None,
        seed: int,
        samples: bool = False,
    ):
        super().__init__(name="exploration")
        if np.shape(epsilon) not in ((), (batch_size,)):
            given = np.shape(epsilon)
            raise InputError(f"{owner}: epsilon has shape {given}: one number or {batch_size} are needed")
        if kind not in ("epsilon", "boltzmann"):
            raise InputError(f"{owner}: exploration = {kind!r}: choose epsilon, boltzmann")
        if kind == "boltzmann" and schedule is None:
            raise InputError(f"{owner}: exploration = 'boltzmann': a schedule of the temperature is needed")
        least = np.broadcast_to(np.float32(epsilon if kind == "epsilon" else 0.0), [batch_size])
        self._least, self._amount = Number(least), tf.Variable(least, trainable=False)
        self._schedule = schedule and Schedule(*map(Number, schedule))
        if schedule is not None:
            self._decisions = tf.Variable(tf.zeros([batch_size], tf.int32), trainable=False)
            self._spent = tf.Variable(0.0, trainable=False)
        generator = make_generator(seed, f"{owner}/exploration")
        if samples:
            self.policy = SampledPolicy(policy, generator)
            return
        legal_moves = operator.attrgetter("legal_moves") if sees_moves(policy) else None
        exploring = LegalBoltzmannPolicy if kind == "boltzmann" else LegalEpsilonGreedyPolicy
        self.policy = exploring(policy, self._amount, generator, legal_moves)
        self._follow_schedule()

    @property
    def amount(self) -> tf.Tensor:
        """How much it explores now in each copy, float32 `[B]`: the share of random moves, or the temperature."""
        return self._amount.read_value()

    @property
    def last_temperature(self) -> float:
        """The temperature that it ends at; 0 where what is tried does not depend on what it is worth."""
        return float(self._schedule.end.numpy()) if isinstance(self.policy, LegalBoltzmannPolicy) else 0.0

    def note_decisions(self, asked: tf.Tensor) -> None:
        """The agent has decided in the copies of `asked`, bool `[B]`."""
        if self._schedule is not None:
            self._decisions.assign_add(tf.cast(asked, tf.int32))
            self._follow_schedule()

    def note_budget(self, spent: float) -> None:
        """Such a share of a training's budget is spent, 0 to 1."""
        if self._schedule is not None:
            self._spent.assign(spent)
            self._follow_schedule()

    def _follow_schedule(self) -> None:
        if self._schedule is not None:
            amount = self._schedule.amount(self._decisions.read_value(), self._spent.read_value())
            self._amount.assign(tf.maximum(self._least, amount))
