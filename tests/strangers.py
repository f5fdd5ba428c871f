"""What a researcher may bring: environments and agents of their own, as functions that `MODULE:FUNCTION` names."""

import numpy as np
import tensorflow as tf
from tf_agents.environments import batched_py_environment, py_environment, tf_environment, tf_py_environment
from tf_agents.specs import array_spec, tensor_spec
from tf_agents.trajectories import time_step as ts
from worlds import F, L, M, Row, Scripted

import imagents

_LENGTH, _LIMIT = 4, 7  # places of a walk, and steps of an episode at most


class Walk(py_environment.PyEnvironment):
    """From the middle to the right end, which pays 1; after seven steps it is cut off."""

    def __init__(self, seed=0):
        super().__init__(handle_auto_reset=True)
        self._random = np.random.default_rng(seed)

    def observation_spec(self):
        return array_spec.BoundedArraySpec([_LENGTH], np.float32, 0.0, 1.0, "place")

    def action_spec(self):
        return array_spec.BoundedArraySpec([], np.int64, 1, 2, "step")

    def _shown(self):
        return np.eye(_LENGTH, dtype=np.float32)[self._place]

    def _reset(self):
        self._place, self._steps = self._random.integers(2), 0
        return ts.restart(self._shown())

    def _step(self, action):
        self._place, self._steps = max(0, self._place + (1 if action == 2 else -1)), self._steps + 1
        if self._place == _LENGTH - 1:
            return ts.termination(self._shown(), 1.0)
        if self._steps == _LIMIT:
            return ts.truncation(self._shown(), 0.0)
        return ts.transition(self._shown(), 0.0)


class NativeWalk(tf_environment.TFEnvironment):
    """The same as tensor functions, with plain variables: no checkpoint sees them."""

    def __init__(self, batch_size=1, seed=0):
        spec = ts.time_step_spec(tensor_spec.BoundedTensorSpec([_LENGTH], tf.float32, 0.0, 1.0, "place"))
        super().__init__(spec, tensor_spec.BoundedTensorSpec([], tf.int64, 1, 2, "step"), batch_size)
        self._generator = imagents.make_generator(seed, "walk")
        self._place = tf.Variable(tf.zeros([batch_size], tf.int64), trainable=False)
        self._steps = tf.Variable(tf.zeros([batch_size], tf.int32), trainable=False)

    def _starts(self):
        return self._generator.uniform([self.batch_size], maxval=2, dtype=tf.int64)

    def _reset(self):
        self._place.assign(self._starts())
        self._steps.assign(tf.zeros_like(self._steps))
        return self._current_time_step()

    def _step(self, action):
        over = self._current_time_step().is_last()
        moved = tf.maximum(self._place + 2 * action - 3, 0)
        self._place.assign(tf.where(over, self._starts(), moved))
        self._steps.assign(tf.where(over, 0, self._steps + 1))
        return self._current_time_step()

    def _current_time_step(self):
        place, steps = self._place.read_value(), self._steps.read_value()
        home = place == _LENGTH - 1
        last = tf.where(home | (steps == _LIMIT), L, M)
        return ts.TimeStep(
            step_type=tf.where(steps == 0, F, last),
            reward=tf.cast(home, tf.float32),
            discount=1.0 - tf.cast(home, tf.float32),
            observation=tf.one_hot(place, _LENGTH),
        )


class KeptWalk(NativeWalk, tf.Module):
    """The same with a state that can be asked for, so that checkpoints hold it."""

    def __init__(self, batch_size=1, seed=0):
        tf.Module.__init__(self, name="walk")
        NativeWalk.__init__(self, batch_size, seed)

    def get_state(self):
        return self._place.read_value(), self._steps.read_value()

    def set_state(self, state):
        self._place.assign(state[0])
        self._steps.assign(state[1])


def single(batch_size, seed):
    """A PyEnvironment, of which TF-Agents makes one copy."""
    return tf_py_environment.TFPyEnvironment(Walk(seed))


def batched(batch_size, seed):
    """PyEnvironments side by side."""
    walks = [Walk(seed + i) for i in range(batch_size)]
    return tf_py_environment.TFPyEnvironment(batched_py_environment.BatchedPyEnvironment(walks, multithreading=False))


def native(batch_size, seed):
    return NativeWalk(batch_size, seed)


def kept(batch_size, seed):
    return KeptWalk(batch_size, seed)


def one_too_many(batch_size, seed):
    return KeptWalk(batch_size + 1, seed)


def nothing(batch_size, seed):
    """Forgets to wrap it."""
    return Walk(seed)


# Three seats that act all at once; seat 1 dies and is born again, seat 2 comes late.
_LIVES = [
    #   asked      reward         step_types  discounts
    Row([0, 1], [0, 0, 0], [F, F, F], [1, 1, 1]),
    Row([0, 1], [1, 2, 0], [M, M, F], [1, 1, 1]),
    Row([0], [1, 3, 0], [M, L, F], [1, 0, 1]),
    Row([0, 1, 2], [1, 0, 0], [M, F, F], [1, 1, 1]),
    Row([], [1, 4, 5], [L, L, L], [0, 1, 0]),
]


def three(batch_size, seed):
    """Seats with specs of their own."""
    return Scripted(_LIVES, batch_size)


def two(batch_size, seed):
    """Two seats that act once, at once, and are paid 3 and 1."""
    return Scripted([Row([0, 1], [0, 0]), Row([], [3, 1])], batch_size, alike=True)


def three_alike(batch_size, seed):
    """Seats with the same specs."""
    return Scripted(_LIVES, batch_size, alike=True)


def three_agents(environment, seed):
    """One who is paid as the environment has it, one who likes to live, one who counts and sees only that."""
    return [
        imagents.IMAgent(environment, seat=0, seed=seed, sample_batch_size=4),
        imagents.IMAgent(environment, seat=1, seed=seed, sample_batch_size=4, name="hedonist",
                         reward_fn=lambda time_step, seat, state: tf.ones_like(time_step.discount)),
        imagents.IMAgent(environment, seat=2, seed=seed, sample_batch_size=4, initial_state=0.0,
                         state_fn=lambda state, time_step, seat: state + 1.0,
                         observation_fn=lambda observation, seat, state: state[:, tf.newaxis]),
    ]  # fmt: skip


def no_agents(environment, seed):
    return None
