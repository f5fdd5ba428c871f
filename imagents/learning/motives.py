"""Motives: what an agent is paid from within, beside what the environment pays it.

A motivation pays in one of two ways. What it *feels* belongs to the moment: it is paid with the time step, and is part
of the decision under way like any reward. A *bonus* is of a whole decision, and of how the agent sees such decisions
now: it is computed when the decision is learned from (sampled from a replay, or taken as a rollout), each time anew,
and before the motivation learns from that decision itself; so no memory holds one that is out of date.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.policies import greedy_policy, tf_policy
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.learning.decisions import Decision
from imagents.learning.perspective import Sight, view_of
from imagents.learning.tabular import TiesAtRandom
from imagents.number import Number


class Place(NamedTuple):
    """Where a motivation is at home.

    owner: the agent's name; seat, num_seats: its seat, and how many there are; batch_size: number of copies B;
    sight_spec: `Sight` of specs of one copy; action_spec: of its own actions; state_spec: of its internal state;
    seed: of whatever is drawn.
    """

    owner: str
    seat: int
    num_seats: int
    batch_size: int
    sight_spec: Sight
    action_spec: Any
    state_spec: Any
    seed: int


class Moment(NamedTuple):
    """A time step, as an agent takes it in.

    time_step: the environment's, `[B]`, as the agent lives it; counts: bool `[B]`, where something is paid: not where a
    life begins or a copy was held; asked: bool `[B]`, where it decides next; sight: what it sees; before, after: its
    internal state until then, and from then on.
    """

    time_step: ts.TimeStep
    counts: tf.Tensor
    asked: tf.Tensor
    sight: Sight
    before: Any
    after: Any


class Motivation(tf.Module):
    """A source of reward inside an agent: what it overrides is what it does, and by itself it does nothing.

    Everything that it has learned is in variables of its own, which checkpoints hold. It is the agent's own, also where
    agents share an algorithm, and is told of nothing but what its agent sees, does and lives through.

    Attributes:
      bonus: None, or what decisions pay now, a function of N of them, a `Decision`: float32 `[N]`. It changes nothing.
      felt: None, or what it feels, a function of a `Moment`: float32 `[B]`, paid where that counts. It is called for
        every time step, and may change variables of its own.
      hopes: None, or what actions may be worth besides, a function of N views: float32 `[N, num_actions]`.
    """

    bonus: Callable[[Decision], tf.Tensor] | None = None
    felt: Callable[[Moment], tf.Tensor] | None = None
    hopes: Callable[[Any], tf.Tensor] | None = None

    def note_decisions(self, asked: tf.Tensor, sight: Sight, action: tf.Tensor) -> None:
        """The agent decides in the copies of `asked`, bool `[B]`."""

    def learn(self, decisions: Decision, counts: tf.Tensor) -> None:
        """Learns from N decisions, of which those of `counts` are there, bool `[N]`."""


def check_others(place: Place, name: str) -> None:
    """Raises an InputError if nobody else is there whom a motivation of that name could regard."""
    if place.num_seats < 2:
        raise InputError(f"{place.owner}: {name} is about what others are paid, and there is one seat")


class Motives(tf.Module):
    """All motivations of an agent, each with its weight, and what they paid.

    Args:
      place: where they are at home.
      motivations: pairs of what makes a motivation of a `Place`, and its weight.

    Attributes:
      parts, names: the motivations, and what they are called, in their order.
    """

    def __init__(self, place: Place, motivations: Sequence[tuple[Callable[[Place], Motivation], float]]):
        super().__init__(name="motives")
        self.parts = [make(place) for make, _ in motivations]
        self._weights = [Number(float(weight)) for _, weight in motivations]
        self.names = [part.name for part in self.parts]
        if len({*self.names}) < len(self.names):
            raise InputError(f"{place.owner}: its motivations are {', '.join(self.names)}: each counts once")
        # Since the sums were emptied: what each paid, without its weight, and the decisions that closed.
        self._paid = [tf.Variable(0.0, trainable=False) for _ in self.parts]
        self._decisions = tf.Variable(tf.zeros([], tf.int64), trainable=False)

    def __bool__(self) -> bool:
        return bool(self.parts)

    def hopeful(self, policy: tf_policy.TFPolicy, seed: int) -> tf_policy.TFPolicy:
        """What is greedy, in the same way as a policy, over Q values and hopes; that policy itself if there are none.
        """
        if self.hopes is None:
            return policy
        own = Hopeful(policy.wrapped_policy, self.hopes)
        made = TiesAtRandom(own, seed) if isinstance(policy, TiesAtRandom) else greedy_policy.GreedyPolicy(own)
        made._automatic_state_reset = False  # nothing is forgotten at a FIRST of the environment's
        return made

    @property
    def hopes(self) -> Callable[[Any], tf.Tensor] | None:
        """What is hoped of actions in N views besides, float32 `[N, num_actions]`; None if nothing is."""
        return next((part.hopes for part in self.parts if part.hopes), None)

    @property
    def pays_decisions(self) -> bool:
        """Whether there are bonuses, of whole decisions."""
        return any(part.bonus for part in self.parts)

    def note_decisions(self, asked: tf.Tensor, sight: Sight, action: tf.Tensor) -> None:
        """The agent decides in the copies of `asked`, bool `[B]`."""
        for part in self.parts:
            part.note_decisions(asked, sight, action)

    def felt(self, moment: Moment) -> tf.Tensor:
        """What is felt at a moment; weighted, float32 `[B]`."""
        total = tf.zeros(moment.counts.shape)
        for i, part in enumerate(self.parts):
            if part.felt is not None:
                paid = tf.where(moment.counts, part.felt(moment), 0.0)
                self._paid[i].assign_add(tf.reduce_sum(paid))
                total += self._weights[i] * paid
        return total

    def note_closed(self, decision: Callable[[], Decision], closes: tf.Tensor) -> tf.Tensor:
        """Takes in that decisions have closed in the copies of `closes`, bool `[B]`.

        Returns:
          The bonuses that they would be paid now; weighted, float32 `[B]`.
        """
        self._decisions.assign_add(tf.reduce_sum(tf.cast(closes, tf.int64)))
        total = tf.zeros(closes.shape)
        if self.pays_decisions:
            decision = decision()
            for i, paid in self._bonuses(decision):
                paid = tf.where(closes, paid, 0.0)
                self._paid[i].assign_add(tf.reduce_sum(paid))
                total += self._weights[i] * paid
        return total

    def pay(self, decisions: Decision, counts: tf.Tensor) -> Decision:
        """N decisions with their bonuses, of which those of `counts` are there, bool `[N]`; then these are learned."""
        reward = decisions.reward
        for i, bonus in self._bonuses(decisions):
            reward += tf.where(counts, self._weights[i] * bonus, 0.0)
        for part in self.parts:
            part.learn(decisions, counts)
        return decisions._replace(reward=reward)

    def _bonuses(self, decisions: Decision) -> list[tuple[int, tf.Tensor]]:
        return [(i, part.bonus(decisions)) for i, part in enumerate(self.parts) if part.bonus]

    def empty_sums(self) -> None:
        """Begins to count anew what is paid."""
        for variable in (*self._paid, self._decisions):
            variable.assign(tf.zeros_like(variable))

    def means(self) -> dict[str, float]:
        """What each motivation has paid per decision since then, without its weight, by name; NaN if there was none."""
        count = int(self._decisions)
        return {name: float(x) / count if count else float("nan") for name, x in zip(self.names, self._paid)}


class Hopeful(tf_policy.TFPolicy):
    """A policy of Q values to which is added what is hoped of actions besides.

    Args:
      policy: that policy.
      hopes: from N views to float32 `[N, num_actions]`.
    """

    def __init__(self, policy: tf_policy.TFPolicy, hopes: Callable):
        super().__init__(
            policy.time_step_spec,
            policy.action_spec,
            policy_state_spec=policy.policy_state_spec,
            automatic_state_reset=False,
            clip=False,
        )
        self._policy, self._hopes = policy, hopes

    def _variables(self):
        return self._policy.variables()

    def _distribution(self, time_step, policy_state):
        step = self._policy.distribution(time_step, policy_state)
        values = step.action.logits_parameter() + self._hopes(view_of(time_step.observation))
        return step._replace(action=tfp.distributions.Categorical(values, dtype=self.action_spec.dtype))
