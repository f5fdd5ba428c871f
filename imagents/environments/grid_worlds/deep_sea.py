"""Deep sea (Osband et al. 2017, https://arxiv.org/abs/1703.07608) as bsuite 0.3.6 has it: a test of deep exploration.

A diver begins in the top left cell of N x N and goes down a row in each of N steps, to the left or to the right. Which
of the two actions is right differs from cell to cell, by a mapping that is always the same. Going right costs .01 / N,
and right in the bottom right cell pays 1: only who went right in every row comes there. Random play finds it once in
2 ** N episodes. An episode with a step to the left is a bad one; the sea counts as solved as soon as less than 9 out of
10 episodes of a training so far were bad.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.drawing import INK, MARK, SEATS, Picture
from imagents.environments.native import Native, as_actions, check_room
from imagents.evaluation.returns import Returns, returns_text
from imagents.motivation import Dynamics
from imagents.seats import variables_for

_SURFACE, _BOTTOM, _SAND = (190, 225, 245), (28, 66, 120), "#e5d3a4"  # of a picture
MAPPING_SEED, COST = 42, 0.01  # bsuite's; the cost of all steps to the right together


class State(NamedTuple):
    """Everything.

    row, column: int32 `[B]`, row N after the last step; is_bad: bool `[B]`, whether the diver has gone left;
    reward: float32 `[B]`; episodes, bad_episodes: int64 `[]`, how many have ended in all copies since the sea was made;
    solved: int64 `[]`, the number of the episode, from 1, at which it was solved, 0 if there is none.
    """

    row: tf.Tensor
    column: tf.Tensor
    is_bad: tf.Tensor
    reward: tf.Tensor
    episodes: tf.Tensor
    bad_episodes: tf.Tensor
    solved: tf.Tensor


def right_actions(size: int) -> np.ndarray:
    """The action that goes right in each cell, 0 or 1, int32 `[N, N]`."""
    return np.random.RandomState(MAPPING_SEED).binomial(1, 0.5, [size, size]).astype(np.int32)


def dynamics(size: int) -> Dynamics:
    """Where both actions lead from each cell, `size` x row + column, and from the end, the last one, which stays."""
    cells = np.arange(size**2)
    row, column = cells // size, cells % size
    goes_right = right_actions(size).reshape(-1, 1) == np.arange(2)
    column = np.clip(column[:, np.newaxis] + np.where(goes_right, 1, -1), 0, size - 1)
    after = np.where(row[:, np.newaxis] == size - 1, size**2, (row[:, np.newaxis] + 1) * size + column)

    def number(view):
        flat = tf.reshape(view, [-1, size**2])
        is_over = ~tf.reduce_any(flat, axis=1)
        return tf.where(is_over, size**2, tf.argmax(tf.cast(flat, tf.int32), axis=1, output_type=tf.int32))

    return Dynamics(np.concatenate([after, [[size**2] * 2]]), number)


class DeepSeaEnvironment(Native):
    """A `TFEnvironment` of B seas for one agent, who sees where the diver is: bool `[B, N, N]`, all False at the end.

    An episode has N steps, and ends (discount 0). Copies that end in the same step count in their order.

    Args:
      batch_size: number of copies B.
      size: rows and columns N.

    Raises:
      InputError: for a batch size below 1, or for which there is no memory.
    """

    def __init__(self, batch_size: int = 1, size: int = 20):
        check_room(batch_size, f"seas of size = {size}", size**2)
        super().__init__(
            ts.time_step_spec(tf.TensorSpec([size, size], tf.bool, "observation")),
            tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1, name="action"),
            batch_size,
        )
        self._size, self._right = size, right_actions(size)
        self._state = variables_for(State(*self._first(), *[tf.zeros([], tf.int64)] * 3))

    def solved_episode(self) -> int | None:
        """The number of the episode, from 1, at which less than 0.9 of all so far were bad for the first time."""
        return int(self._state.solved) or None

    def text(self, copy: int = 0) -> str:
        """A copy as lines of cells: the diver, and dots."""
        seen = self.current_time_step().observation[copy].numpy()
        return "\n".join(" ".join("o" if cell else "." for cell in row) for row in seen)

    def picture(self, copy: int = 0) -> Picture:
        """A sea, darker further down; the treasure lies in its last cell, and below is the ground of it."""
        row, column, _, reward = (x[copy].numpy().item() for x in self.get_state()[:4])
        size, cell = self._size, max(16, 320 // self._size)
        picture = Picture(size * cell, (size + 1) * cell, _SAND, label=f"a diver in row {row}, column {column}")
        for depth in range(size):
            share = depth / (size - 1)
            water = "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(_SURFACE, _BOTTOM))
            picture.rectangle(0, depth * cell, size * cell, (depth + 1) * cell, water)
        for line in range(1, size):
            picture.line(line * cell, 0, line * cell, size * cell, "#ffffff", 0.5)
        left, top = (size - 0.85) * cell, (size - 0.7) * cell
        picture.rectangle(left, top, left + 0.7 * cell, top + 0.5 * cell, MARK, INK, cell / 16)
        is_found = row == size and reward > 0.5
        x, y = (column + 0.5) * cell, (row + 0.5) * cell
        picture.circle(x, y, 0.36 * cell, MARK if is_found else SEATS[0], "#ffffff", cell / 12)
        return picture

    def _first(self) -> tuple[tf.Tensor, ...]:
        """Row, column, is_bad and reward as an episode begins."""
        none = tf.zeros([self.batch_size], tf.int32)
        return none, none, none > 0, tf.zeros([self.batch_size])

    def _reset(self) -> ts.TimeStep:
        self.set_state(State(*self._first(), *self.get_state()[4:]))
        return self.current_time_step()

    def _step(self, action) -> ts.TimeStep:
        action = as_actions(action, self.batch_size)
        before = self.get_state()
        over = before.row == self._size
        moved = self._moved(before, action)
        counts = _counted(before, moved.row == self._size, moved.is_bad)
        begun = (tf.where(over, x, y) for x, y in zip(self._first(), moved[:4]))
        self.set_state(State(*begun, *counts))
        return self.current_time_step()

    def _moved(self, before: State, action: tf.Tensor) -> State:
        """A step further, in copies that are not over."""
        row, column, last = before.row, before.column, self._size - 1
        goes_right = action == tf.gather_nd(self._right, tf.stack([tf.minimum(row, last), column], axis=1))
        reward = tf.where(goes_right, tf.where(column == last, 1.0, 0.0) - COST / self._size, 0.0)
        column = tf.clip_by_value(tf.where(goes_right, column + 1, column - 1), 0, last)
        return before._replace(row=row + 1, column=column, is_bad=before.is_bad | ~goes_right, reward=reward)

    def _current_time_step(self) -> ts.TimeStep:
        state, cells = self.get_state(), tf.range(self._size)
        is_last = state.row == self._size
        down, right = (x[:, tf.newaxis] == cells for x in (state.row, state.column))
        return ts.TimeStep(
            step_type=tf.where(state.row == 0, ts.StepType.FIRST, tf.where(is_last, ts.StepType.LAST, ts.StepType.MID)),
            reward=state.reward,
            discount=tf.where(is_last, 0.0, 1.0),
            observation=down[:, :, tf.newaxis] & right[:, tf.newaxis],
        )


def _counted(state: State, ended: tf.Tensor, is_bad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Episodes, bad ones and the one that solved it, once those of `ended`, bool `[B]`, are counted in their order."""
    episodes = state.episodes + tf.cumsum(tf.cast(ended, tf.int64))
    bad_episodes = state.bad_episodes + tf.cumsum(tf.cast(ended & is_bad, tf.int64))
    solves = ended & (10 * bad_episodes < 9 * episodes)
    first = tf.reduce_min(tf.where(solves, episodes, tf.int64.max))
    is_new = (state.solved == 0) & tf.reduce_any(solves)
    return episodes[-1], bad_episodes[-1], tf.where(is_new, first, state.solved)


class Strength(Returns):
    """Greedy episodes, in an environment of their own, and in a training the episode that solved the sea.

    Args:
      environment, players, episodes, xla: as for `Returns`.
      solved: says at which episode the training's sea was solved; None where there is no training.
    """

    def __init__(self, environment, players, episodes: int | None, xla: bool, solved=None):
        super().__init__(environment, players, episodes or 100, xla)
        self._solved = solved

    def report(self) -> dict[str, dict]:
        """By agent: as of `Returns`, and in a training `solved_episode`, None if there is none."""
        solved = {"solved_episode": self._solved()} if self._solved else {}
        return {name: values | solved for name, values in super().report().items()}

    @staticmethod
    def text(report: dict[str, dict]) -> str:
        """A report as people read it, in 80 columns."""
        lines = [returns_text(report)]
        for values in report.values():
            if "solved_episode" in values:
                lines.append(f"solved at episode {values['solved_episode']}" if values["solved_episode"]
                             else "not solved: in 9 of 10 episodes or more it went left")  # fmt: skip
        return "\n".join(lines)
