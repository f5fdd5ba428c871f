"""What every player has in common.

A player chooses a move for its seat in a batch of games at once. It is a plain function of the environment's time
step wherever it can be, so that it compiles with whatever plays it, and it draws from a generator of its own.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environment import PASS
from imagents.games import BoardGame, Position, sample_legal
from imagents.randomness import make_generator, uniform


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
        return tf.where(self.is_my_turn(time_step), self.choose(time_step), PASS)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        """A legal action int32 `[B]`; what it is where it is not this player's turn does not matter."""
        raise NotImplementedError

    def is_my_turn(self, time_step: ts.TimeStep) -> tf.Tensor:
        """bool `[B]`."""
        return ~time_step.is_last() & (time_step.observation["seat"] == self.seat)

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


class GameMemory(tf.Module):
    """Knows which games go on and which have begun anew, from the stones alone.

    A game goes on if the player's stones are those that its last move left. That also holds for who is not shown
    a game's first or last time step, because it is only asked for its moves.

    Args:
      game: the rules.
      seat: the player's seat.
      batch_size: number of parallel games B.
    """

    def __init__(self, game: BoardGame, seat: int, batch_size: int):
        super().__init__(name="memory")
        self._game, self._seat, self._batch_size = game, seat, batch_size
        self._left = tf.Variable(tf.fill([batch_size], tf.constant(-1, tf.int64)), trainable=False)

    def is_new_game(self, time_step: ts.TimeStep) -> tf.Tensor:
        """bool `[B]`."""
        batch_size = time_step.step_type.shape[0]
        if batch_size != self._batch_size:
            raise ValueError(
                f"this player remembers {self._batch_size} games and is shown {batch_size}: "
                f"make it with batch_size = {batch_size}"
            )
        own = self._game.stones(time_step.observation["board"])[:, self._seat]
        return time_step.is_first() | (own != self._left.read_value())

    def remember(self, time_step: ts.TimeStep, action: tf.Tensor, where: tf.Tensor) -> None:
        """Takes in the player's moves int32 `[B]`, in the games of `where` bool `[B]`."""
        stones = self._game.stones(time_step.observation["board"])
        position = Position(stones, tf.fill(where.shape, self._seat))
        own = self._game.play(position, action).stones[:, self._seat]
        self._left.assign(tf.where(where, own, self._left.read_value()))


def draw(generator: tf.random.Generator, allowed: tf.Tensor) -> tf.Tensor:
    """One of the allowed actions per game, uniformly: bool `[B, num_actions]` -> int32 `[B]`."""
    return sample_legal(allowed, uniform(generator, [allowed.shape[0]]))


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
