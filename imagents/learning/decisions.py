"""Decisions: the transitions that an agent learns from.

A decision opens when the agent acts and closes when it is next asked, or when its life
in this episode ends; what it is rewarded in between, also for what others did, is its
reward. So the loser's last decision carries the loss that the opponent's move caused,
and no transition reaches into the next episode. The discount is the environment's own: 0
where the episode ended, so that nothing is worth anything there, and 1 where a limit cut
it off, so that the last view is worth what such views are worth (Pardo et al. 2018,
https://arxiv.org/abs/1712.00378). This is the only place that builds transitions.

    time step t, asked          others are asked          asked again, or the end
         open ------------------------> ... --------------> + reward, close
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from imagents.learning.perspective import Sight
from imagents.learning.replay import FIFOReplayBuffer, RowFormat
from imagents.learning.rollouts import Rollouts
from imagents.seats import assign, values_of
from imagents.xla import join_columns


class Decision(NamedTuple):
    """A transition from one decision of an agent to its next.

    view, legal_moves: what the agent saw; action: `[B]`, what it chose; reward: float32
    `[B]`, received until the next decision or the end; discount: float32 `[B]`, the
    product of the environment's; next_view, next_legal_moves: what it saw then. Where
    the environment shows no legal moves those fields are (). So are, where order does not
    matter: log_probability, float32 `[B]`, of the action as an algorithm that learns a policy
    chose it; begins, bool `[B]`, whether nothing that the agent did led there, as in the first
    decision of a life; memory, float32 `[B, M]`, what a recurrent agent remembered before.
    """

    view: tf.Tensor
    legal_moves: tf.Tensor
    action: tf.Tensor
    log_probability: tf.Tensor
    begins: tf.Tensor
    memory: tf.Tensor
    reward: tf.Tensor
    discount: tf.Tensor
    next_view: tf.Tensor
    next_legal_moves: tf.Tensor


class Decisions(tf.Module):
    """The open decision in each of B copies, and the memory of the closed ones.

    Args:
      sight_spec, action_spec: what the agent sees and chooses in one copy.
      batch_size: number of copies B.
      make_memory: makes a `FIFOReplayBuffer` or `Rollouts` from the spec of a decision.
      in_order: whether it is `Rollouts`.
      log_probability_spec, memory_spec: of those fields of a decision.
      limits_are_ends: whether nothing is worth anything where a limit cut an episode off.
    """

    def __init__(
        self,
        sight_spec: Sight,
        action_spec,
        batch_size: int,
        make_memory: Callable[[Decision], FIFOReplayBuffer | Rollouts],
        in_order: bool = False,
        limits_are_ends: bool = False,
        log_probability_spec=(),
        memory_spec=(),
    ):
        super().__init__(name="decisions")
        number = tf.TensorSpec([], tf.float32)
        extra = log_probability_spec, tf.TensorSpec([], tf.bool) if in_order else (), memory_spec
        spec = Decision(*sight_spec, action_spec, *extra, number, number, *sight_spec)
        self.memory = make_memory(tf.nest.map_structure(lambda s: tf.TensorSpec(s.shape, s.dtype), spec))
        self._batch_size, self._limits_are_ends = batch_size, limits_are_ends
        # What is known when it opens is packed at once: later that takes XLA much longer.
        self._opening, self._closing = RowFormat(spec[:6]), RowFormat(spec[6:])
        zeros = tf.zeros([batch_size])
        self._is_open = tf.Variable(zeros != 0.0, trainable=False)
        self._opened = tf.Variable(
            tf.zeros([batch_size, self._opening.num_words], tf.int32), trainable=False
        )
        self._reward = tf.Variable(zeros, trainable=False)
        self._discount = tf.Variable(zeros, trainable=False)
        self._begins = tf.Variable(zeros == 0.0, trainable=False) if in_order else None

    def open(self, my_turn: tf.Tensor, sight: Sight, action: tf.Tensor, log_probability=(), memory=()) -> None:
        """The agent acts in the copies of `my_turn`, bool `[B]`."""
        begins = () if self._begins is None else self._begins.read_value()
        opened = self._pack(self._opening, *sight, action, log_probability, begins, memory)
        opened = tf.where(my_turn[:, tf.newaxis], opened, self._opened.read_value())
        self._opened.assign(opened)
        self._reward.assign(tf.where(my_turn, 0.0, self._reward.read_value()))
        self._discount.assign(tf.where(my_turn, 1.0, self._discount.read_value()))
        self._is_open.assign(self._is_open.read_value() | my_turn)

    def observe(self, time_step: ts.TimeStep, reward: tf.Tensor, my_turn: tf.Tensor, sight: Sight) -> tf.Tensor:
        """Adds a time step's reward to open decisions, and closes those that end with it. Returns which, bool `[B]`.

        Args:
          time_step: as the agent lives it. Decisions of a copy that begins anew are dropped.
          reward: float32 `[B]`, the agent's own.
          my_turn: bool `[B]`, copies in which the agent decides next.
          sight: what the agent sees now.
        """
        is_open = self._is_open.read_value() & ~time_step.is_first()
        closes = is_open & (time_step.is_last() | my_turn)
        reward = self._reward.read_value() + reward
        discount = self._discount.read_value() * time_step.discount
        if self._limits_are_ends:
            discount = tf.where(time_step.is_last(), 0.0, discount)
        self._close(closes, time_step.is_last(), reward, discount, sight)
        self._is_open.assign(is_open & ~closes)
        self._reward.assign(reward)
        self._discount.assign(discount)
        if self._begins is not None:
            begins = (self._begins.read_value() & ~closes) | time_step.is_first() | time_step.is_last()
            self._begins.assign(begins)
        return closes

    def closed(self, sight: Sight) -> Decision:
        """The decisions of all copies, `[B]`, as they stand with what is seen now."""
        opened = self._opening.unpack(self._opened.read_value())
        return Decision(*opened, self._reward.read_value(), self._discount.read_value(), *sight)

    def _close(self, closes: tf.Tensor, ends: tf.Tensor, reward: tf.Tensor, discount: tf.Tensor, sight: Sight) -> None:
        """The open decisions in the copies of `closes` become memories; in those of `ends` a life is over."""
        self._remember(self._opened.read_value(), (reward, discount, *sight), closes)

    def _remember(self, opened: tf.Tensor, closing: tuple, closes: tf.Tensor) -> None:
        closing = self._pack(self._closing, *closing)
        self.memory.add_rows(join_columns(opened, closing, compiled=not self.memory.in_place), mask=closes)

    def _pack(self, row_format: RowFormat, *fields) -> tf.Tensor:
        return row_format.pack(fields, self._batch_size, compiled=not self.memory.in_place)

    def drop(self) -> None:
        """Forgets the open decisions."""
        self._is_open.assign(tf.zeros_like(self._is_open))
        if self._begins is not None:
            self._begins.assign(tf.ones_like(self._begins))


class NStepDecisions(Decisions):
    """Decisions that add up the rewards of the n - 1 own ones that come next, or of as many as a life has left.

    Source: Sutton 1988. A reward counts from decision to decision, by the agent's discount.

    Args:
      n_step: n, at least 2.
      gamma: the agent's discount.
      Others: as for `Decisions`.
    """

    def __init__(self, sight_spec, action_spec, batch_size, make_memory, n_step: int, gamma, limits_are_ends=False):
        super().__init__(sight_spec, action_spec, batch_size, make_memory, False, limits_are_ends)
        self._gamma, zeros = gamma, tf.zeros([n_step, batch_size])
        self._waiting = {  # the newest first
            "there": tf.Variable(zeros != 0.0, trainable=False),
            "opened": tf.Variable(tf.zeros([*zeros.shape, self._opening.num_words], tf.int32), trainable=False),
            "reward": tf.Variable(zeros, trainable=False),
            "discount": tf.Variable(zeros, trainable=False),
        }

    def observe(self, time_step: ts.TimeStep, reward: tf.Tensor, my_turn: tf.Tensor, sight: Sight) -> tf.Tensor:
        there = self._waiting["there"]
        there.assign(there.read_value() & ~time_step.is_first())
        return super().observe(time_step, reward, my_turn, sight)

    def _close(self, closes, ends, reward, discount, sight) -> None:
        new = {"there": closes, "opened": self._opened.read_value(), "reward": reward, "discount": discount}
        old = values_of(self._waiting)
        weight = self._gamma * old["discount"]
        older = old | {"reward": old["reward"] + weight * reward, "discount": weight * discount}
        moved = {name: tf.concat([new[name][tf.newaxis], older[name][:-1]], axis=0) for name in new}
        now = {name: _where(closes, moved[name], old[name]) for name in new}
        n_step = old["reward"].shape[0]
        for i in reversed(range(n_step)):  # as they were made
            due = now["there"][i] & closes & (ends if i < n_step - 1 else True)
            self._remember(now["opened"][i], (now["reward"][i], now["discount"][i], *sight), due)
            now["there"] = tf.tensor_scatter_nd_update(now["there"], [[i]], (now["there"][i] & ~due)[tf.newaxis])
        assign(self._waiting, now)

    def drop(self) -> None:
        super().drop()
        self._waiting["there"].assign(tf.zeros_like(self._waiting["there"]))


def _where(condition: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """`tf.where` by copy, bool `[B]`, of tensors `[n, B, ...]`."""
    return tf.where(tf.reshape(condition, [1, -1] + [1] * (len(x.shape) - 2)), x, y)


def as_experience(decision: Decision, sees_moves: bool = True) -> trajectory.Trajectory:
    """TF-Agents' form of N decisions: trajectories of two steps, `[N, 2, ...]`.

    Args:
      decision: the decisions.
      sees_moves: whether the observations are a `Sight` each, where there are legal moves; else the bare view.
    """

    def pair(x, y):
        return tf.nest.map_structure(lambda x, y: tf.stack([x, y], axis=1), x, y)

    observation = pair(decision.view, decision.next_view)
    if sees_moves and tf.nest.flatten(decision.legal_moves):
        observation = Sight(observation, pair(decision.legal_moves, decision.next_legal_moves))
    mid = tf.fill(tf.shape(decision.discount), ts.StepType.MID)
    end = tf.where(decision.discount == 0.0, ts.StepType.LAST, mid)
    # What happens after the second step is not known and has no influence.
    nothing = tf.zeros_like(decision.reward)
    return trajectory.Trajectory(
        step_type=pair(mid, end),
        observation=observation,
        action=pair(decision.action, decision.action),
        policy_info=(),
        next_step_type=pair(end, mid),
        reward=pair(decision.reward, nothing),
        discount=pair(decision.discount, nothing),
    )
