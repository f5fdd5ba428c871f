"""The cart-pole of Barto, Sutton & Anderson (1983, https://doi.org/10.1109/TSMC.1983.6313077) as CartPole-v1 has it.

A pole stands on a cart, which is pushed left (0) or right (1) in each step; the motion is Florian's
(https://coneural.org/florian/papers/05_cart_pole.pdf), in Euler steps of 20 ms. Numbers and rules are those of
Gymnasium 1.4. An episode ends (discount 0) when the pole leans more than 12 degrees or the cart leaves its track, and
is cut off (discount 1) after 500 steps. A step pays 1, also the one that ends in a fall.
"""

import math
from typing import NamedTuple

import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.drawing import INK, PALE, SEATS, Picture
from imagents.environments.native import Native, as_actions, check_room
from imagents.randomness import make_generator, uniform
from imagents.seats import variables_for, where_copy
from imagents.xla import where_any

LIMIT = 500  # steps of an episode
TRACK, LEAN = 2.4, math.radians(12)  # how far from the middle, metres, and how far from upright, radians, is no fall
_GRAVITY, _CART, _POLE, _HALF_LENGTH = 9.8, 1.0, 0.1, 0.5  # m/s2; kg; kg; m, of the pole
_FORCE, _SECONDS = 10.0, 0.02  # newtons, of a push; of a step
_START = 0.05  # each number of the first state is drawn from as far on either side of 0
_EPISODE_BYTES = 200  # of memory that a step takes for each copy, at the least


class State(NamedTuple):
    """Everything but the random numbers, per copy.

    motion: float32 `[B, 4]`: the cart's position (metres) and velocity, the pole's angle (radians) and velocity, per
    second; steps: int32 `[B]`, of the episode so far.
    """

    motion: tf.Tensor
    steps: tf.Tensor


def move(motion: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
    """The motion 20 ms later: float32 `[B, 4]`, and int32 `[B]`, 0 a push to the left, 1 to the right."""
    position, velocity, angle, turning = tf.unstack(motion, axis=1)
    force = tf.where(action == 1, _FORCE, -_FORCE)
    sine, cosine = tf.sin(angle), tf.cos(angle)
    mass, moment = _CART + _POLE, _POLE * _HALF_LENGTH
    push = (force + moment * turning**2 * sine) / mass
    angular = (_GRAVITY * sine - cosine * push) / (_HALF_LENGTH * (4 / 3 - _POLE * cosine**2 / mass))
    linear = push - moment * angular * cosine / mass
    rates = tf.stack([velocity, linear, turning, angular], axis=1)
    return motion + _SECONDS * rates


def has_fallen(motion: tf.Tensor) -> tf.Tensor:
    """Where the cart is off its track or the pole leans too far: `[B, 4]` -> bool `[B]`."""
    return (tf.abs(motion[:, 0]) > TRACK) | (tf.abs(motion[:, 2]) > LEAN)


class CartPoleEnvironment(Native):
    """A `TFEnvironment` of B carts for one agent, whose observation is the motion, float32 `[B, 4]`; see `State`.

    Args:
      batch_size: number of copies B.
      hide_velocity: whether only position and angle are seen, `[B, 2]`.
      seed: of the environment's own generator, from which episodes begin.

    Raises:
      InputError: for a batch size below 1, or for which there is no memory.
    """

    action_names = ("left", "right")

    def __init__(self, batch_size: int = 1, hide_velocity: bool = False, seed: int = 0):
        check_room(batch_size, "carts", _EPISODE_BYTES)
        self._seen = slice(0, None, 2 if hide_velocity else 1)
        observation_spec = tf.TensorSpec([2 if hide_velocity else 4], tf.float32, "observation")
        super().__init__(
            ts.time_step_spec(observation_spec),
            tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1, name="action"),
            batch_size,
        )
        self._generator = make_generator(seed, "environment")
        self._state = variables_for(self._first_state())

    def text(self, copy: int = 0) -> str:
        """A cart as two lines: where it is on its track, and how the pole leans."""
        position, _, angle, _ = self._state.motion[copy].numpy()
        place = round((min(max(position, -TRACK), TRACK) + TRACK) / (2 * TRACK) * 60)
        lean = "upright" if abs(angle) < 0.01 else f"{abs(math.degrees(angle)):.1f} degrees to the "
        lean += "" if abs(angle) < 0.01 else ("right" if angle > 0 else "left")
        return f"|{'-' * place}#{'-' * (60 - place)}|\n{position:+.2f} m, {lean}"

    def picture(self, copy: int = 0) -> Picture:
        """A cart on its track, whose ends are marked, and the pole on it."""
        position, _, angle, _ = self._state.motion[copy].numpy().tolist()
        width, ground, metre = 480, 190, 90
        picture = Picture(width, 230, label=self.text(copy))
        x, y = width / 2 + metre * position, ground - 26
        picture.line(0, ground, width, ground, PALE, 2)
        for end in (-TRACK, TRACK):
            picture.line(width / 2 + metre * end, ground, width / 2 + metre * end, ground + 12, PALE, 3)
        picture.rectangle(x - 28, y - 4, x + 28, ground - 8, INK)
        for wheel in (-16, 16):
            picture.circle(x + wheel, ground - 8, 8, PALE, INK, 2)
        length = 2 * _HALF_LENGTH * 130
        picture.line(x, y, x + length * math.sin(angle), y - length * math.cos(angle), SEATS[0], 9)
        picture.circle(x, y, 6, SEATS[1])
        return picture

    def _first_state(self) -> State:
        motion = (2 * uniform(self._generator, [self.batch_size, 4]) - 1) * _START
        return State(motion, tf.zeros([self.batch_size], tf.int32))

    def _reset(self) -> ts.TimeStep:
        self.set_state(self._first_state())
        return self.current_time_step()

    def _step(self, action) -> ts.TimeStep:
        action = as_actions(action, self.batch_size)
        before = self.get_state()
        over = self.current_time_step().is_last()
        after = State(move(before.motion, action), before.steps + 1)
        self.set_state(where_any(over, lambda: where_copy(over, self._first_state(), after), after))
        return self.current_time_step()

    def _current_time_step(self) -> ts.TimeStep:
        motion, steps = self.get_state()
        has_ended = has_fallen(motion)
        later = tf.where(has_ended | (steps == LIMIT), ts.StepType.LAST, ts.StepType.MID)
        return ts.TimeStep(
            step_type=tf.where(steps == 0, ts.StepType.FIRST, later),
            reward=tf.where(steps == 0, 0.0, 1.0),
            discount=tf.where(has_ended, 0.0, 1.0),
            observation=motion[:, self._seen],
        )
