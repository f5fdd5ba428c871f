"""A perspective: what an agent makes of the time steps that everybody is shown.

The environment shows every agent the same. An agent's view, reward, actions and internal state are its own: plain
functions of tensors with a leading batch dimension, traced when training is compiled. Nothing here has variables.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.seats import for_each_copy, is_numbered, lived, own_action_spec, own_legal_moves, own_view, shows


class Sight(NamedTuple):
    """What an agent sees before it decides.

    view: nest of tensors `[B, ...]`, its own; legal_moves: bool `[B, num_actions]`, () where all moves are legal.
    """

    view: Any
    legal_moves: Any


def view_of(observation):
    """The bare view of a `Sight`, or of what is one already."""
    return observation.view if isinstance(observation, Sight) else observation


ObservationFn = Callable[[Any, int, Any], Any]
"""(observation, seat, state) -> the agent's view: nests of tensors `[B, ...]`, `state` the internal one."""

RewardFn = Callable[[ts.TimeStep, int, Any], tf.Tensor]
"""(time_step, seat, state) -> the agent's reward, float32 `[B]`; the time step's own is `[B]`, or `[B, N]` by seat."""

ActionFn = Callable[[tf.Tensor, int, Any], tf.Tensor]
"""(action, seat, state) -> the environment's action: both `[B]` and of one type."""

StateFn = Callable[[Any, ts.TimeStep, int], Any]
"""(state, time_step, seat) -> the next internal state, a nest of tensors `[B, ...]`; called for every time step.

Reward and state functions are given the time step as the seat lives it: its own step type and discount."""


def own_stones(observation, seat: int, state) -> tf.Tensor:
    """The default view of a board: own stones and the opponent's, bool `[B, 2, rows, columns]`."""
    del state
    return observation["board"][:, tf.newaxis] == np.reshape([seat + 1, 2 - seat], [2, 1, 1])


def own_reward(time_step: ts.TimeStep, seat: int, state) -> tf.Tensor:
    """The default reward: the seat's share of the environment's, float32 `[B]`."""
    del state
    return time_step.reward[:, seat] if len(time_step.reward.shape) == 2 else time_step.reward


class Perspective:
    """An agent's own side of an environment, as functions.

    Args:
      time_step_spec: the environment's.
      action_spec: the environment's; of a tuple the seat's own part.
      seat: the agent's seat.
      batch_size: of the example that every transform is tried with.
      owner: whom to name when a transform returns something that does not fit.
      observation_fn: makes its view; `own_stones` of a board and `imagents.seats.own_view` elsewhere if None.
      reward_fn: makes its reward.
      action_fn: makes its actions; as they are if None.
      initial_state: nest of values of the internal state of one copy of the environment.
      state_fn: moves that on; it stays as it is if None.

    Attributes:
      seat: the agent's seat.
      action_spec: of its own actions: one integer, from 0 as algorithms count; or D floats, of which -1 to 1 mean the
        environment's bounds.
      environment_action_spec: of what is done, which may begin elsewhere, or have another shape.
      acts_as_it_chooses: whether each of its own actions is the environment's of the same place.
      sight_spec: `Sight` of specs, without the batch dimension.
      state_spec: nest of specs of the internal state of one copy.

    Raises:
      InputError: if a transform returns something that does not fit, in one sentence.
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: tensor_spec.BoundedTensorSpec,
        seat: int = 0,
        batch_size: int = 1,
        owner: str = "agent",
        *,
        observation_fn: ObservationFn | None = None,
        reward_fn: RewardFn = own_reward,
        action_fn: ActionFn | None = None,
        initial_state=(),
        state_fn: StateFn | None = None,
    ):
        self.seat = seat
        if state_fn is not None and not tf.nest.flatten(initial_state):
            raise InputError(f"{owner}: state_fn without initial_state: give the internal state of one copy")
        default = own_stones if shows(time_step_spec.observation, "board") else own_view
        self._observation_fn = observation_fn or default
        self._reward_fn = reward_fn
        self.acts_as_it_chooses = action_fn is None
        self._action_fn = action_fn or (lambda action, seat, state: action)
        self._state_fn = state_fn or (lambda state, time_step, seat: state)
        _check_arguments(owner, "observation_fn", self._observation_fn, "observation, seat, state")
        _check_arguments(owner, "reward_fn", self._reward_fn, "time_step, seat, state")
        _check_arguments(owner, "action_fn", self._action_fn, "action, seat, state")
        _check_arguments(owner, "state_fn", self._state_fn, "state, time_step, seat")
        self._initial_state = tf.nest.map_structure(tf.convert_to_tensor, initial_state)
        spec = self.environment_action_spec = _one_tensor(owner, own_action_spec(action_spec, seat))
        self._is_numbered = is_numbered(spec)
        if self._is_numbered:
            self._first_action, least, most, shape = int(spec.minimum), 0, spec.maximum - spec.minimum, []
        else:
            least, most, shape = -np.inf, np.inf, [spec.shape.num_elements()]
        self.action_spec = tensor_spec.BoundedTensorSpec(shape, spec.dtype, least, most, spec.name)
        self.state_spec = _specs(self._initial_state)
        self.sight_spec = self._checked(owner, batch_size, time_step_spec)

    def initial_state(self, batch_size: int):
        """The internal state of B copies as they begin: nest of tensors `[B, ...]`."""
        return for_each_copy(self._initial_state, batch_size)

    def next_state(self, state, time_step: ts.TimeStep):
        """The internal state once a time step has been seen."""
        return self._state_fn(state, lived(time_step, self.seat), self.seat)

    def sight(self, time_step: ts.TimeStep, state) -> Sight:
        """What the agent sees in a time step."""
        observation = time_step.observation
        view = self._observation_fn(observation, self.seat, state)
        return Sight(view, own_legal_moves(observation, self.seat))

    def reward(self, time_step: ts.TimeStep, state) -> tf.Tensor:
        """What a time step pays the agent, float32 `[B]`: nothing where its life begins."""
        time_step = lived(time_step, self.seat)
        return tf.where(time_step.is_first(), 0.0, self._reward_fn(time_step, self.seat, state))

    def action(self, action: tf.Tensor, state) -> tf.Tensor:
        """What is done when the agent has chosen `action`, `[B]`; of floats, `[B, D]`, what is within the bounds."""
        if not self._is_numbered:
            action = _within(self.environment_action_spec, action)
        elif self._first_action:
            action += self._first_action
        return self._action_fn(action, self.seat, state)

    def _checked(self, owner: str, size: int, time_step_spec: ts.TimeStep) -> Sight:
        """Calls every transform once, says what is wrong with what it returns, and returns the spec of what is seen."""
        example = _example(time_step_spec, size)
        state = self.initial_state(size)
        sight = self.sight(example, state)
        for x in tf.nest.flatten(sight.view):
            if not tf.is_tensor(x) or len(x.shape) < 1 or x.shape[0] != size:
                raise InputError(f"{owner}: observation_fn returned {_described(x)}: tensors [{size}, ...] are needed")
        reward = self._reward_fn(lived(example, self.seat), self.seat, state)
        _check_tensor(f"{owner}: reward_fn", reward, (size,), tf.float32)
        action = self.action(tf.zeros([size, *self.action_spec.shape], self.action_spec.dtype), state)
        shape = (size, *self.environment_action_spec.shape)
        _check_tensor(f"{owner}: action_fn", action, shape, self.action_spec.dtype)
        next_state = self.next_state(state, example)
        try:
            tf.nest.assert_same_structure(state, next_state)
        except (TypeError, ValueError):
            raise InputError(
                f"{owner}: state_fn returned the structure {next_state!r}: it has to return one like initial_state"
            ) from None
        for before, after in zip(tf.nest.flatten(state), tf.nest.flatten(next_state)):
            _check_tensor(f"{owner}: state_fn", after, tuple(before.shape), before.dtype)
        legal_moves = own_legal_moves(time_step_spec.observation, self.seat)
        if self._observation_fn is own_view:  # with the bounds that the environment gives its numbers
            return Sight(own_view(time_step_spec.observation, self.seat), legal_moves)
        return Sight(_specs(tf.nest.map_structure(lambda x: x[0], sight.view)), legal_moves)


def _one_tensor(owner: str, spec) -> tensor_spec.BoundedTensorSpec:
    """The spec of an agent's own actions, if they are what the algorithms here take."""
    if is_numbered(spec):
        return spec
    fits = isinstance(spec, tf.TensorSpec) and spec.dtype == tf.float32 and hasattr(spec, "maximum")
    if not (fits and spec.shape.num_elements()):
        raise InputError(f"{owner}: its actions are {spec}: agents here choose one bounded integer, or float32 numbers "
                         "of one shape")  # fmt: skip
    return spec


def _within(spec: tensor_spec.BoundedTensorSpec, action: tf.Tensor) -> tf.Tensor:
    """Floats `[B, D]` as an action of that spec: -1 to 1 are its bounds, beyond which nothing is; as it is without."""
    low, high = (np.broadcast_to(x, spec.shape).astype(np.float64) for x in (spec.minimum, spec.maximum))
    bounded = (low > np.finfo(np.float32).min) & (high < np.finfo(np.float32).max)
    half = np.where(bounded, high / 2 - low / 2, 1.0).astype(np.float32)
    middle = np.where(bounded, high / 2 + low / 2, 0.0).astype(np.float32)
    action = tf.reshape(action, [-1, *spec.shape])
    return tf.clip_by_value(middle + half * action, spec.minimum, spec.maximum)


def _check_arguments(owner: str, name: str, function: Callable, arguments: str) -> None:
    try:
        inspect.signature(function).bind(*arguments.split(", "))
    except TypeError:
        raise InputError(f"{owner}: {name} takes other arguments than ({arguments})") from None
    except ValueError:  # written in C: it does not say
        pass


def _example(time_step_spec: ts.TimeStep, size: int) -> ts.TimeStep:
    """Any time step of that spec; TF-Agents draws no numbers of 8 or 16 bits."""

    def drawable(spec):
        small = spec.dtype.is_integer and spec.dtype.size < 4
        return tensor_spec.BoundedTensorSpec(spec.shape, tf.int32, 0, 1) if small else spec

    drawn = tensor_spec.sample_spec_nest(tf.nest.map_structure(drawable, time_step_spec), outer_dims=[size], seed=0)
    return tf.nest.map_structure(lambda x, spec: tf.cast(x, spec.dtype), drawn, time_step_spec)


def _specs(nest):
    return tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), nest)


def _check_tensor(owner: str, x, shape: tuple, dtype: tf.DType) -> None:
    if not tf.is_tensor(x) or tuple(x.shape) != shape or x.dtype != dtype:
        raise InputError(f"{owner} returned {_described(x)}: a {dtype.name} tensor of shape {shape} is needed")


def _described(x) -> str:
    if tf.is_tensor(x):
        return f"a {x.dtype.name} tensor of shape {tuple(x.shape)}"
    return f"{type(x).__name__} {x!r}"[:100]
