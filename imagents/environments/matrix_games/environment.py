"""B matrix games side by side as one TF-Agents environment, in which everybody acts at once.

Its observation is a dictionary, and its reward is per seat, float32 `[B, N]`:

    views          a tuple, what each seat sees: bool `[B, N, A]`, the last joint action, one-hot, its own in the first
                   row and the others' in the order of seats after it; all False before the first play. Where actions
                   are not observed: bool `[B, 1]`, False
    last_actions   int32 `[B, N]`: for players that do not learn; -1 before the first play

`discount` is 0 at the end of a one-shot game, and 1 where a longer one is cut off.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.drawing import GROUND, MARK, Picture, seat_colour, table
from imagents.environments.native import Native, check_room, joint_actions
from imagents.errors import InputError
from imagents.number import Number
from imagents.randomness import make_generator

_GAME_BYTES = 100  # of memory that a step takes for each game, at the least


class State(NamedTuple):
    """Everything but the random numbers, per game.

    last_actions: int32 `[B, N]`, -1 before the first play; plays: int32 `[B]`, so far in the episode (in one that never
    ends 1 stands for all above); reward: float32 `[B, N]`.
    """

    last_actions: tf.Tensor
    plays: tf.Tensor
    reward: tf.Tensor


class MatrixGameEnvironment(Native):
    """A `TFEnvironment` that plays B matrix games at once.

    Args:
      payoffs: `[outcomes, A, ..., A, N]`, what each of N seats is paid for each joint action; one of the outcomes is
        drawn for every play, each as likely as any.
      batch_size: number of parallel games B.
      episode_length: plays in an episode: 1 ends after its play, more are cut off after so many, and 0 never ends.
      observe_actions: whether seats see the last joint action.
      seed: of the environment's own generator, from which outcomes are drawn.
      action_names: what people call the actions; their numbers if there are none.
    """

    def __init__(
        self,
        payoffs,
        batch_size: int = 1,
        *,
        episode_length: int = 1,
        observe_actions: bool = False,
        seed: int = 0,
        action_names: tuple[str, ...] = (),
    ):
        payoffs = np.asarray(payoffs, np.float32)
        outcomes, *actions, self.num_seats = payoffs.shape
        if actions != [actions[0]] * self.num_seats:
            raise InputError(f"payoffs have shape {payoffs.shape}: (outcomes, A, ..., A, N) with N times A is needed")
        check_room(batch_size, "parallel games", _GAME_BYTES, "game")
        self.num_actions, self._outcomes = actions[0], outcomes
        self.action_names = action_names or tuple(map(str, range(actions[0])))
        self._length, self._observe = Number(episode_length), observe_actions
        view = tf.TensorSpec([self.num_seats, self.num_actions] if observe_actions else [1], tf.bool)
        last = tensor_spec.BoundedTensorSpec([self.num_seats], tf.int32, -1, self.num_actions - 1)
        action = tensor_spec.BoundedTensorSpec([], tf.int32, 0, self.num_actions - 1, name="action")
        super().__init__(
            ts.time_step_spec(
                {"views": (view,) * self.num_seats, "last_actions": last},
                tf.TensorSpec([self.num_seats], tf.float32, "reward"),
            ),
            (action,) * self.num_seats,
            batch_size,
        )
        self._paid = Number(payoffs.reshape([-1, self.num_seats]))  # [outcomes * A ** N, N]
        self._generator = make_generator(seed, "environment")
        self._state = State(*(tf.Variable(x, trainable=False) for x in self._first_state()))

    def text(self, copy: int = 0) -> str:
        """A game as a line: what each seat did last, and was paid for it."""
        last, reward = (self.get_state()[i][copy].numpy() for i in (0, 2))
        if last[0] < 0:
            return "nothing has been played yet"
        did = (f"seat {seat}: {self.action_names[action]} {paid:+g}" for seat, (action, paid) in
               enumerate(zip(last, reward)))  # fmt: skip
        return "  ".join(did)

    def describe(self, copy: int, seat: int) -> str:
        """What a seat knows of a game, in words: what it was paid last, and if it sees it what all did."""
        last, plays, reward = (x[copy].numpy() for x in self.get_state())
        if not plays:
            return "all choose at once"
        return self.text(copy) if self._observe else f"you were paid {reward[seat]:g}"

    def picture(self, copy: int = 0) -> Picture:
        """A game as the table of what it pays, the last joint action marked; of more than two seats what each did."""
        last, reward = (self.get_state()[i][copy].numpy() for i in (0, 2))
        if self.num_seats != 2:
            return self._picture_of_many(last, reward)
        count, names = self.num_actions, self.action_names
        paid = self._paid.numpy().reshape([self._outcomes, count, count, 2])
        cells = [[_paid(paid[:, row, column]) for column in range(count)] for row in range(count)]
        width = max(110, 9 * max(len(cell) for row in cells for cell in row))
        picture = Picture(136 + width * count, 84 + 44 * count, label=self.text(copy))
        rows = [["", *names]]
        for row, name in enumerate(names):
            marks = [MARK if (row, column) == tuple(last) else GROUND for column in range(count)]
            rows.append([name, *zip(cells[row], marks)])
        picture.text(128 + width * count / 2, 16, "seat 1", fill=seat_colour(1))
        table(picture, 8, 30, [120, *[width] * count], 44, rows)
        picture.text(68, 52, "seat 0", fill=seat_colour(0))
        return picture

    def _picture_of_many(self, last: np.ndarray, reward: np.ndarray) -> Picture:
        picture = Picture(376, 16 + 32 * (self.num_seats + 1))
        rows = [["seat", "did", "was paid"]]
        for seat in range(self.num_seats):
            did = self.action_names[last[seat]] if last[seat] >= 0 else ""
            rows.append([str(seat), (did, GROUND), (f"{reward[seat]:g}" if did else "", GROUND)])
        table(picture, 8, 8, [80, 160, 120], 32, rows)
        return picture

    def _reset(self) -> ts.TimeStep:
        self.set_state(self._first_state())
        return self.current_time_step()

    def _current_time_step(self) -> ts.TimeStep:
        state = self.get_state()
        is_last = self._is_last(state.plays)
        step_type = tf.where(state.plays == 0, ts.StepType.FIRST, tf.where(is_last, ts.StepType.LAST, ts.StepType.MID))
        discount = tf.where(is_last, 0.0, 1.0) if self._length == 1 else tf.ones([self.batch_size])
        return ts.TimeStep(step_type, state.reward, discount, self.observation_after(state.last_actions))

    def _step(self, action) -> ts.TimeStep:
        actions = joint_actions(action, self.batch_size, self.num_seats, "games")
        before, first = self.get_state(), self._first_state()
        over = self._is_last(before.plays)
        each = over[:, tf.newaxis]
        actions = tf.where(each, 0, actions)  # whatever they were, a new episode begins
        if tf.executing_eagerly():
            self._check(actions)
        plays = tf.ones_like(before.plays) if self._length == 0 else before.plays + 1
        reward = tf.gather(self._paid, self._outcome(joint_index(actions, self.num_actions)))
        after = State(actions, plays, reward)
        self.set_state(
            State(
                tf.where(each, first.last_actions, after.last_actions),
                tf.where(over, first.plays, after.plays),
                tf.where(each, first.reward, after.reward),
            )
        )
        return self.current_time_step()

    def observation_after(self, last_actions: tf.Tensor) -> dict:
        """What is observed after given joint actions, int32 `[N, num_seats]` of any number N; -1 before the first."""
        if self._observe:
            shown = [tf.roll(last_actions, -seat, axis=1) for seat in range(self.num_seats)]
            views = tuple(each[..., tf.newaxis] == tf.range(self.num_actions) for each in shown)
        else:
            views = (tf.zeros([last_actions.shape[0], 1], tf.bool),) * self.num_seats
        return {"views": views, "last_actions": last_actions}

    def _outcome(self, joint: tf.Tensor) -> tf.Tensor:
        """The row of payoffs that a play draws, `[B]`."""
        if self._outcomes == 1:
            return joint
        bits = self._generator.uniform_full_int([self.batch_size], tf.uint32)
        drawn = tf.cast(tf.bitwise.right_shift(bits, 8), tf.float32) * (self._outcomes * 2.0**-24)
        return joint + tf.cast(drawn, tf.int32) * self.num_actions**self.num_seats

    def _is_last(self, plays: tf.Tensor) -> tf.Tensor:
        return plays == self._length if self._length else tf.zeros_like(plays, tf.bool)

    def _first_state(self) -> State:
        seats = [self.batch_size, self.num_seats]
        return State(tf.fill(seats, -1), tf.zeros([self.batch_size], tf.int32), tf.zeros(seats))

    def _check(self, actions: tf.Tensor) -> None:
        wrong = actions[(actions < 0) | (actions >= self.num_actions)]
        if wrong.shape[0]:
            raise InputError(f"action = {int(wrong[0])}: actions are 0 to {self.num_actions - 1}")


def _paid(outcomes: np.ndarray) -> str:
    """What a joint action pays both, `[outcomes, 2]`, as people read it: "3, 3", or "14, 14 or 0, 0" by chance."""
    return " or ".join(dict.fromkeys(f"{first:g}, {second:g}" for first, second in outcomes))


def joint_index(actions: tf.Tensor, num_actions: int) -> tf.Tensor:
    """The number of each joint action: int32 `[B, N]` -> int32 `[B]`; seat 0 counts most."""
    strides = [num_actions**power for power in reversed(range(actions.shape[1]))]
    return tf.add_n([actions[:, seat] * stride for seat, stride in enumerate(strides)])
