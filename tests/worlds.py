"""Small environments for tests, whose every time step is written down, so that decisions can be computed by hand."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.seats import PASS

F, M, L = (int(kind) for kind in (ts.StepType.FIRST, ts.StepType.MID, ts.StepType.LAST))


@dataclasses.dataclass(frozen=True)
class Row:
    """A time step of one copy: who is asked, what each seat is paid, and, where lives differ, each seat's own."""

    asked: Sequence[int]
    reward: Sequence[float]
    step_types: Sequence[int] | None = None
    discounts: Sequence[float] | None = None


class Scripted(tf_environment.TFEnvironment, tf.Module):
    """Copies that all live through the same script, whatever is done; the first row is FIRST, the last one LAST.

    Seat s sees the number of the row, one-hot, in its own shape `[rows + s]`, and has s + 2 actions: no two seats
    have the same specs, unless `alike`.

    Args:
      rows: the script.
      batch_size: number of copies B; copy b begins its first episode at row 0, too.
      at_once: whether actions are a tuple; else seats speak in turn.
      discounts: of the last row, one per copy; 0 is an end, 1 a cut-off.
      alike: whether all seats have 2 actions and see the same shapes.
    """

    def __init__(self, rows, batch_size=1, at_once=True, discounts=0.0, alike=False, show_time=True):
        seats, self._rows, self._at_once = len(rows[0].reward), rows, at_once
        self.num_seats, self._show_time = seats, show_time
        self._lives = rows[0].step_types is not None
        self._shapes = [len(rows) + (0 if alike else seat) for seat in range(seats)]
        numbers = [2 + (0 if alike else seat) for seat in range(seats)]
        observation = {
            "acts": tf.TensorSpec([seats], tf.bool),
            "views": tuple(tf.TensorSpec([size], tf.float32) for size in self._shapes),
        }
        if self._lives:
            observation["step_types"] = tf.TensorSpec([seats], tf.int32)
            observation["discounts"] = tf.TensorSpec([seats], tf.float32)
        actions = tuple(tensor_spec.BoundedTensorSpec([], tf.int32, 0, number - 1) for number in numbers)
        tf.Module.__init__(self, name="scripted")
        time_step_spec = ts.time_step_spec(observation, tf.TensorSpec([seats], tf.float32, "reward"))
        tf_environment.TFEnvironment.__init__(
            self, time_step_spec, actions if at_once else actions[0], batch_size
        )
        self._at = tf.Variable(tf.zeros([batch_size], tf.int32), trainable=False)
        self._held = tf.Variable(tf.zeros([batch_size], tf.bool), trainable=False)
        self._end = tf.broadcast_to(tf.constant(discounts, tf.float32), [batch_size])
        asked = [[seat in row.asked for seat in range(seats)] for row in rows]
        self._asked, self._paid = tf.constant(asked), tf.constant([row.reward for row in rows], tf.float32)
        if self._lives:
            self._step_types = tf.constant([row.step_types for row in rows], tf.int32)
            self._discounts = tf.constant([row.discounts for row in rows], tf.float32)

    def get_state(self):
        return self._at.read_value()

    def set_state(self, state):
        self._at.assign(state)

    def _reset(self):
        self._at.assign(tf.zeros_like(self._at))
        self._held.assign(tf.zeros_like(self._held))
        return self._current_time_step()

    def _step(self, action):
        at = self._at.read_value()
        is_last = at == len(self._rows) - 1
        held = tf.zeros_like(is_last) if self._at_once else ~is_last & (action == PASS)
        self._held.assign(held)
        self._at.assign(tf.where(held, at, tf.where(is_last, 0, at + 1)))
        return self._current_time_step()

    def _current_time_step(self):
        at, held = self._at.read_value(), self._held.read_value()
        is_last = at == len(self._rows) - 1
        shown = at if self._show_time else tf.zeros_like(at)
        observation = {
            "acts": tf.gather(self._asked, at),
            "views": tuple(tf.one_hot(shown, size) for size in self._shapes),
        }
        if self._lives:
            observation |= {"step_types": tf.gather(self._step_types, at), "discounts": tf.gather(self._discounts, at)}
        reward = tf.where(held[:, tf.newaxis] | (at == 0)[:, tf.newaxis], 0.0, tf.gather(self._paid, at))
        return ts.TimeStep(
            step_type=tf.where(at == 0, F, tf.where(is_last, L, M)),
            reward=reward,
            discount=tf.where(is_last, self._end, 1.0),
            observation=observation,
        )


def in_words(decision) -> list[tuple]:
    """Decisions as (row it was made at, reward, discount, row it closed at), in the order in which they closed."""
    view, next_view = (np.argmax(np.asarray(x), axis=-1).tolist() for x in (decision.view, decision.next_view))
    return list(zip(view, decision.reward.numpy().tolist(), decision.discount.numpy().tolist(), next_view, strict=True))
