"""Copies of a world as one TF-Agents environment, written in Python: training runs as a graph, not under XLA."""

import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.bridges.worlds import LAST, Description, Leaf, layout, leaves
from imagents.environments.native import check_actions
from imagents.errors import InputError
from imagents.process import check_tensorflow
from imagents.randomness import make_seed
from imagents.seats import assign, values_of, variables_for

_SAID = set()  # notes that were said in this process


class BridgedEnvironment(tf_environment.TFEnvironment, tf.Module):
    """A `TFEnvironment` of B copies that are stepped in Python, as `imagents.seats` has it.

    The observation of an agent alone whose view is one array, without legal moves, is that array; else it is a
    dictionary of `views` and whatever else there is. Every episode is seeded by (seed, copy, number of the episode in
    that copy). The numbers are in a checkpoint, and nothing else is: a resume begins new episodes, the same ones every
    time.

    Args:
      name: what it is called in messages.
      description: what the world says of itself.
      copies: B of them, `imagents.bridges.workers.side_by_side` or what has their methods.
      batch_size: number of copies B.
      seed: of the episodes.

    Attributes:
      runs_in_python: True.
      failure: the error of a copy, which TensorFlow's own hides in a graph; None without one.
    """

    runs_in_python = True

    def __init__(self, name: str, description: Description, copies, batch_size: int, seed: int = 0):
        check_tensorflow()
        for note in description.notes:
            if (name, note) not in _SAID:
                _SAID.add((name, note))
                warnings.warn(f"{name}: {note}", stacklevel=3)
        tf.Module.__init__(self, name="environment")
        if description.form != "alone":
            self.num_seats = description.num_seats
        reward = layout(description)[1].shape
        actions = tuple(_specs(nest, "action") for nest in description.actions)
        tf_environment.TFEnvironment.__init__(
            self,
            ts.time_step_spec(_observation_spec(description), tf.TensorSpec(reward, tf.float32, "reward")),
            actions if description.form == "at once" else actions[0],
            batch_size,
        )
        self._title, self._seed, self._env = name, make_seed(seed, "environment"), copies
        self._dtypes = [tf.as_dtype(leaf.dtype) for leaf in layout(description)]
        self._shapes = [[batch_size, *leaf.shape] for leaf in layout(description)]
        self._num_actions = len(leaves(description.actions)) if description.form == "at once" else 1
        self._begun = tf.Variable(tf.zeros([batch_size], tf.int64), trainable=False)  # episodes
        zeros = [tf.zeros(shape, dtype) for shape, dtype in zip(self._shapes, self._dtypes)]
        self._shown = _Untracked(variables_for(self._time_step(zeros)))
        self.failure = None
        self._over = None  # which copies are at their last time step, in Python; None before the first reset

    def seed(self, seed: int) -> None:
        """Begins the count of episodes anew, under another seed, from the next reset on."""
        self._seed = make_seed(seed, "environment")
        self._begun.assign(tf.zeros_like(self._begun))

    def render(self):
        """Shows copy 0, as the environment itself does."""
        self.current_time_step()
        return self._env.render()

    def frame(self, copy: int = 0) -> np.ndarray:
        """A picture of copy 0, uint8 `[H, W, 3]`, where the environment renders such.

        Raises:
          InputError: where it does not, or for another copy.
        """
        if copy:
            raise InputError(f"copy = {copy}: an environment in Python shows copy 0")
        self.current_time_step()
        return self._env.frame()

    def close(self) -> None:
        """Ends the processes, and frees what the environments hold."""
        self._env.close()

    def _current_time_step(self) -> ts.TimeStep:
        if self._over is None:
            with tf.init_scope():
                self.reset()
        return values_of(self._shown.variables)

    def _reset(self) -> ts.TimeStep:
        nothing = [tf.zeros([self.batch_size, *spec.shape], spec.dtype) for spec in tf.nest.flatten(self.action_spec())]
        return self._called(self._begin, nothing, tf.ones([self.batch_size], tf.int64))

    def _step(self, action) -> ts.TimeStep:
        if self._over is None:
            with tf.init_scope():
                self.reset()
        over = tf.cast(values_of(self._shown.variables.step_type) == LAST, tf.int64)
        spec = self.action_spec()
        specs, actions = tf.nest.flatten(spec), [action] if isinstance(spec, tf.TypeSpec) else tf.nest.flatten(action)
        actions = [tf.cast(x, spec.dtype) for x, spec in zip(actions, specs, strict=True)]
        for x, spec in zip(actions, specs):
            check_actions(x, [self.batch_size, *spec.shape], f"one for each of the {self.batch_size} copies")
        return self._called(self._advance, actions, over)

    def _called(self, function: Callable, actions: list[tf.Tensor], beginning: tf.Tensor) -> ts.TimeStep:
        inputs = [self._begun.read_value(), *actions]
        if tf.executing_eagerly():
            arrays = [tf.convert_to_tensor(array) for array in function(*(x.numpy() for x in inputs))]
        else:
            arrays = tf.numpy_function(function, inputs, self._dtypes)
        self._begun.assign_add(beginning)
        time_step = self._time_step([tf.ensure_shape(x, shape) for x, shape in zip(arrays, self._shapes)])
        assign(self._shown.variables, time_step)
        return time_step

    def _time_step(self, arrays: list[tf.Tensor]) -> ts.TimeStep:
        step_type, reward, discount, *shown = arrays
        observation = tf.nest.pack_sequence_as(self.time_step_spec().observation, shown)
        return ts.TimeStep(step_type, reward, discount, observation)

    # In Python

    def _begin(self, begun: np.ndarray, *actions: np.ndarray) -> list[np.ndarray]:
        self._over = np.ones(self.batch_size, bool)
        return self._advance(begun, *actions)

    def _advance(self, begun: np.ndarray, *actions: np.ndarray) -> list[np.ndarray]:
        seeds = np.full(self.batch_size, -1, np.int64)
        for copy in np.flatnonzero(self._over).tolist():
            seeds[copy] = make_seed(self._seed, f"copy {copy}, episode {begun[copy]}")
        try:
            shown = self._env.advance(actions, seeds)
        except Exception as error:
            self.failure = error
            raise
        self._over = shown[0] == LAST
        return shown


class _Untracked:
    """Holds variables that no checkpoint sees: what is shown is what the copies are at, not what they were at."""

    def __init__(self, variables):
        self.variables = variables


def _observation_spec(description: Description):
    views = tuple(_specs(nest, "view") for nest in description.views)
    if description.form == "alone" and isinstance(description.views[0], Leaf) and not any(description.legal):
        return views[0]
    seats, observation = [description.num_seats], {"views": views}
    if any(description.legal):
        masks = tuple(tf.TensorSpec([count], tf.bool, "legal_moves") if count else () for count in description.legal)
        observation["legal_moves"] = masks
    if description.asks:
        observation["acts"] = tf.TensorSpec(seats, tf.bool, "acts")
    if description.lives:
        observation["step_types"] = tf.TensorSpec(seats, tf.int32, "step_types")
        observation["discounts"] = tf.TensorSpec(seats, tf.float32, "discounts")
    return observation


def _specs(nest, name: str):
    if isinstance(nest, dict):
        return {key: _specs(part, f"{name}_{key}") for key, part in nest.items()}
    if isinstance(nest, tuple):
        return tuple(_specs(part, f"{name}_{i}") for i, part in enumerate(nest))
    if nest.low is None:
        return tf.TensorSpec(nest.shape, nest.dtype, name)
    return tensor_spec.BoundedTensorSpec(nest.shape, nest.dtype, nest.low, nest.high, name)
