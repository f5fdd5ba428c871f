"""What every player has in common.

A player chooses a move for its seat in a batch of games at once. It is a plain function of the environment's time
step wherever it can be, so that it compiles with whatever plays it, and it draws from a generator of its own.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.randomness import draw, make_generator
from imagents.seats import PASS, is_asked


class Player(tf.Module):
    """Base of players that do not learn.

    Args:
      seat: the seat it plays, 0 or 1.
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

    @property
    def name(self) -> str:
        """Any text, unlike other modules' names."""
        return self._player_name

    def act(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """Actions int32 `[B]`; `PASS` where it is the other seat's turn."""
        del collect  # there is nothing to learn from
        return tf.where(is_asked(time_step, self.seat), self.choose(time_step), PASS)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        """A legal action int32 `[B]`; what it is where it is not this player's turn does not matter."""
        raise NotImplementedError

    def after_chunk(self, metrics: dict[str, float]) -> dict[str, float]:
        """Called after every chunk of a training, with its metrics; returns metrics to add."""
        del metrics
        return {}


class RandomPlayer(Player):
    """Every legal move with the same probability."""

    def __init__(self, seat: int, name: str = "random", seed: int = 0):
        super().__init__(seat, name)
        self._generator = make_generator(seed, f"{name}/{seat}")

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        return draw(self._generator, time_step.observation["legal_moves"])


class FirstLegalPlayer(Player):
    """The legal move of the lowest number."""

    def __init__(self, seat: int, name: str = "first_legal"):
        super().__init__(seat, name)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        return first_legal(time_step.observation["legal_moves"])


def first_legal(legal_moves: tf.Tensor) -> tf.Tensor:
    """The first True of each row: bool `[B, num_actions]` -> int32 `[B]`."""
    return tf.argmax(legal_moves, axis=1, output_type=tf.int32)


def in_python(function: Callable[..., np.ndarray], *tensors: tf.Tensor, dtype, shape) -> tf.Tensor:
    """Calls a numpy function: at once in eager use, as a node of the graph in a compiled one (not under XLA)."""
    if tf.executing_eagerly():
        result = tf.convert_to_tensor(function(*(tensor.numpy() for tensor in tensors)), dtype)
    else:
        result = tf.numpy_function(function, tensors, dtype)
    return tf.ensure_shape(result, shape)
