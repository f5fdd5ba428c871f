"""Naive habits of human beginners, for games in which stones fall into columns.

They are easy to beat once understood, and that is what they are for: an agent that loses to one of them has a hole
in its play that random opponents do not find. The three are those of a public Connect Four + RLlib project.
"""

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.memory import GameMemory
from imagents.errors import InputError
from imagents.players.base import Player, first_legal
from imagents.randomness import draw, make_generator
from imagents.seats import is_asked


class SameColumnPlayer(Player):
    """One random column for the whole game; another one, again for good, once that is full.

    Args:
      game: the rules.
      seat: the seat to play.
      name: its name.
      seed: of its own generator.
      batch_size: number of parallel games B.
    """

    def __init__(self, game: BoardGame, seat: int, name: str = "same_column", seed: int = 0, batch_size: int = 1):
        super().__init__(seat, name)
        _check_columns(game, name)
        self._generator = make_generator(seed, f"{name}/{seat}")
        self._memory = GameMemory(game, seat, batch_size)
        self._column = tf.Variable(tf.zeros([batch_size], tf.int32), trainable=False)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        legal_moves = time_step.observation["legal_moves"]
        column = self._column.read_value()
        stays = ~self._memory.is_new_game(time_step) & _at(legal_moves, column)
        column = tf.where(stays, column, draw(self._generator, legal_moves))
        my_turn = is_asked(time_step, self.seat)
        self._column.assign(tf.where(my_turn, column, self._column.read_value()))
        self._memory.remember(time_step, column, my_turn)
        return column


class LinearPlayer(Player):
    """Columns from left to right: its n-th stone goes into the n-th column, or into the next one that is open."""

    def __init__(self, game: BoardGame, seat: int, name: str = "linear"):
        super().__init__(seat, name)
        _check_columns(game, name)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        board, legal_moves = time_step.observation["board"], time_step.observation["legal_moves"]
        played = tf.reduce_sum(tf.cast(board == self.seat + 1, tf.int32), axis=[1, 2])
        num_columns = legal_moves.shape[1]
        order = (played[:, tf.newaxis] + tf.range(num_columns)) % num_columns  # [B, columns], the wanted one first
        return _at(order, first_legal(tf.gather(legal_moves, order, batch_dims=1)))


class BeatLastPlayer(Player):
    """The column that the opponent has just played; a random one at the start of a game, or if that is full.

    Args: as for `SameColumnPlayer`.
    """

    def __init__(self, game: BoardGame, seat: int, name: str = "beat_last", seed: int = 0, batch_size: int = 1):
        super().__init__(seat, name)
        _check_columns(game, name)
        self._generator = make_generator(seed, f"{name}/{seat}")
        self._memory = GameMemory(game, seat, batch_size)
        heights = tf.zeros([batch_size, game.columns], tf.int32)
        self._heights = tf.Variable(heights, trainable=False)  # the opponent's stones per column, at the last move

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        board, legal_moves = time_step.observation["board"], time_step.observation["legal_moves"]
        new_game = self._memory.is_new_game(time_step)[:, tf.newaxis]
        heights = tf.reduce_sum(tf.cast(board == 2 - self.seat, tf.int32), axis=1)  # [B, columns]
        fresh = heights - tf.where(new_game, 0, self._heights.read_value())
        last = tf.argmax(fresh, axis=1, output_type=tf.int32)
        # After a random opening, several stones are new and nobody knows which was the last.
        copies = (tf.reduce_sum(fresh, axis=1) == 1) & _at(legal_moves, last)
        column = tf.where(copies, last, draw(self._generator, legal_moves))
        my_turn = is_asked(time_step, self.seat)
        self._heights.assign(tf.where(my_turn[:, tf.newaxis], heights, self._heights.read_value()))
        self._memory.remember(time_step, column, my_turn)
        return column


def _at(values: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """`values[b, index[b]]` for each game: `[B, N]`, int32 `[B]` -> `[B]`."""
    return tf.gather(values, index, batch_dims=1)


def _check_columns(game: BoardGame, name: str) -> None:
    if not game.gravity:
        raise InputError(f"{name} plays games in which stones fall into columns, and {game.name} is none")
