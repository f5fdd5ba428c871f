"""What every player has in common.

A player chooses a move for its seat in a batch of games at once. It is a plain function of the environment's time
step wherever it can be, so that it compiles with whatever plays it, and it draws from a generator of its own.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tf_agents.environments import tf_py_environment
from tf_agents.trajectories import time_step as ts

from imagents.randomness import draw, make_generator, uniform
from imagents.seats import PASS, is_asked, num_actions, own_action_spec, own_legal_moves, where_copy


class Player(tf.Module):
    """Base of players that do not learn.

    Args:
      seat: the seat it plays.
      name: its name in logs, tables and random seeds.

    Attributes:
      runs_in_python: whether it thinks in Python rather than in tensors. Such a player runs eagerly and in a plain
        graph, but cannot be compiled by XLA.
      is_heavy: whether a move takes so much arithmetic that compiling it by XLA pays off within a match.
    """

    runs_in_python = False
    is_heavy = False

    def __init__(self, seat: int, name: str):
        super().__init__()
        self._player_name = name
        self.seat = seat

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, seat {self.seat}>"

    @property
    def name(self) -> str:
        """Any text, unlike other modules' names."""
        return self._player_name

    def act(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """Actions `[B]`; `PASS` where its seat is not asked."""
        del collect  # there is nothing to learn from
        action = self.choose(time_step)
        has_parts = isinstance(action, (dict, tuple))
        action = tf.nest.map_structure(tf.convert_to_tensor, action) if has_parts else tf.convert_to_tensor(action)
        passes = tf.nest.map_structure(lambda x: tf.fill(x.shape, tf.cast(PASS, x.dtype)), action)
        return where_copy(is_asked(time_step, self.seat), action, passes)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        """A legal action `[B]`; what it is where this seat is not asked does not matter."""
        raise NotImplementedError

    def observe(self, time_step: ts.TimeStep, moved: tf.Tensor | None = None) -> None:
        """Called with every time step of a training, as `IMAgent.observe` is."""

    def begin(self, time_step: ts.TimeStep, began: tf.Tensor) -> None:
        """Called where episodes have begun without a step, bool `[B]`, as `IMAgent.begin` is."""
        self.observe(time_step, began)

    def after_chunk(self, metrics: dict[str, float]) -> dict[str, float]:
        """Called after every chunk of a training, with its metrics; returns metrics to add."""
        del metrics
        return {}


class EpisodeMemory(tf.Module):
    """Knows in which copies an episode has begun since its player last acted, from every time step that there is.

    Args:
      batch_size: number of copies B.
    """

    def __init__(self, batch_size: int):
        super().__init__(name="memory")
        self.batch_size = batch_size
        self._is_new = tf.Variable(tf.ones([batch_size], tf.bool), trainable=False)

    def observe(self, time_step: ts.TimeStep) -> None:
        """Takes in a time step, whoever acted."""
        self._is_new.assign(self._is_new.read_value() | time_step.is_first())

    def is_new_game(self, time_step: ts.TimeStep) -> tf.Tensor:
        """bool `[B]`."""
        return self._is_new.read_value() | time_step.is_first()

    def remember(self, time_step: ts.TimeStep, action: tf.Tensor, where: tf.Tensor) -> None:
        """The player acts in the copies of `where`, bool `[B]`."""
        del time_step, action
        self._is_new.assign(self._is_new.read_value() & ~where)


class RandomPlayer(Player):
    """Every legal action with the same probability; where actions are not numbered, any within their bounds.

    Args:
      seat, name: as of every player.
      seed: of its own generator.
      action_spec: the environment's; needed only where that does not show legal moves.
    """

    def __init__(self, seat: int, name: str = "random", seed: int = 0, action_spec=None):
        super().__init__(seat, name)
        self._generator = make_generator(seed, f"{name}/{seat}")
        self._spec = None if action_spec is None else own_action_spec(action_spec, seat)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        spec = self._spec
        if spec is not None and not (isinstance(spec, tf.TensorSpec) and spec.dtype.is_integer and not spec.shape.rank):
            return tf.nest.map_structure(lambda part: self._within(part, time_step.step_type.shape[0]), spec)
        return _chosen(time_step, self.seat, spec, lambda legal_moves: draw(self._generator, legal_moves))

    def _within(self, spec, batch_size: int) -> tf.Tensor:
        """Anything within the bounds of a spec; of integers each as often."""
        share, least = uniform(self._generator, [batch_size, *spec.shape]), tf.cast(spec.minimum, tf.float32)
        if spec.dtype.is_integer:
            count = tf.cast(spec.maximum, tf.float32) - least + 1.0
            return tf.cast(least + tf.minimum(tf.floor(share * count), count - 1.0), spec.dtype)
        return tf.cast(spec.minimum + share * (spec.maximum - spec.minimum), spec.dtype)

    def probabilities(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """What it plays in any number N of positions, float32 `[N, A]`, where actions are numbered."""
        del collect
        legal_moves = tf.cast(_legal_moves(time_step, self.seat, self._spec), tf.float32)
        return legal_moves / tf.reduce_sum(legal_moves, axis=1, keepdims=True)


class FirstLegalPlayer(Player):
    """The legal action of the lowest number. Arguments are as of `RandomPlayer`."""

    def __init__(self, seat: int, name: str = "first_legal", action_spec=None):
        super().__init__(seat, name)
        self._spec = None if action_spec is None else own_action_spec(action_spec, seat)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        return _chosen(time_step, self.seat, self._spec, first_legal)

    def probabilities(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """What it plays in any number N of positions, float32 `[N, A]`, where actions are numbered."""
        del collect
        legal_moves = _legal_moves(time_step, self.seat, self._spec)
        return tf.one_hot(first_legal(legal_moves), legal_moves.shape[1])


def _chosen(time_step: ts.TimeStep, seat: int, spec, choose: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """The action that `choose` chooses among the legal moves, bool `[B, A]`; among all if the time step shows none."""
    action = choose(_legal_moves(time_step, seat, spec))
    return action if spec is None else tf.cast(action, spec.dtype) + tf.cast(spec.minimum, spec.dtype)


def _legal_moves(time_step: ts.TimeStep, seat: int, spec) -> tf.Tensor:
    legal_moves = own_legal_moves(time_step.observation, seat)
    if spec is None or tf.is_tensor(legal_moves):
        return legal_moves
    return tf.ones([time_step.step_type.shape[0], num_actions(spec)], tf.bool)


def first_legal(legal_moves: tf.Tensor) -> tf.Tensor:
    """The first True of each row: bool `[B, num_actions]` -> int32 `[B]`."""
    return tf.argmax(legal_moves, axis=1, output_type=tf.int32)


def runs_in_python(environment, players: Sequence) -> bool:
    """Whether the environment or a player is written in Python, so that XLA cannot compile them."""
    in_python = isinstance(environment, tf_py_environment.TFPyEnvironment)
    return in_python or any(getattr(each, "runs_in_python", False) for each in (environment, *players))


def in_python(function: Callable[..., np.ndarray], *tensors: tf.Tensor, dtype, shape) -> tf.Tensor:
    """Calls a numpy function: at once in eager use, as a node of the graph in a compiled one (not under XLA)."""
    if tf.executing_eagerly():
        result = tf.convert_to_tensor(function(*(tensor.numpy() for tensor in tensors)), dtype)
    else:
        result = tf.numpy_function(function, tensors, dtype)
    return tf.ensure_shape(result, shape)
