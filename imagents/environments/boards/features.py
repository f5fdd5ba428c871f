"""Features of a board that a Q network can look at: what a stone would add to."""

import numpy as np
import tensorflow as tf

from imagents.environments.boards.grid import Grid
from imagents.errors import InputError


class LineFeatures:
    """What a stone would add to: features of a view of own and opponent's stones.

    A line of k cells is a side's own as long as the other side has no stone in it. For each
    side, for its lines that lack one stone and for those that lack two, the features say which
    empty cells lie on such a line. Under gravity they also count, for each column, such lines
    through the cell that a stone would fall to and through the cell above it, and say which
    cell that is. Multiplications by two fixed matrices, cheaper than a hidden layer.

    Args:
      game: the rules: rows, columns, k, gravity.
    """

    def __init__(self, game: Grid):
        self._game = game
        self._on_line = game.cells_on_lines()
        # An own stone counts 1, an opponent's k + 1: their sum tells how many there are of each.
        sums = [n * weight for n in (game.k - 1, game.k - 2) if n > 0 for weight in (1, game.k + 1)]
        self._sums = np.array(sums, np.float32).reshape(-1, 1, 1)

    def __call__(self, view: tf.Tensor) -> tf.Tensor:
        """The view and its features.

        Args:
          view: bool `[B, 2, rows, columns]`, own stones and the opponent's.

        Returns:
          float32 `[B, F]`.

        Raises:
          InputError: for a view of another shape.
        """
        game = self._game
        needed = [2, game.rows, game.columns]
        if tf.nest.is_nested(view) or view.shape[1:] != needed:
            raise InputError(f"line features of {game.name} need a view of shape {needed}: own stones and the other's")
        on_line = tf.cast(self._on_line, tf.float32)
        by_line = tf.concat([on_line, (game.k + 1) * on_line], axis=0)
        stones = tf.cast(tf.reshape(view, [-1, 2 * game.num_cells]), tf.float32)
        # From here on games are the last dimension, in which processors do many things at once. The product also turns
        # the stones round: it is written to memory, where XLA would do a transposition anew in everything that follows.
        matrix = tf.concat([by_line, tf.eye(2 * game.num_cells)], axis=1)
        products = tf.matmul(matrix, stones, transpose_a=True, transpose_b=True)
        sums, stones = tf.split(products, [on_line.shape[1], 2 * game.num_cells])
        empty = 1.0 - tf.add_n(tf.split(stones, 2))
        counts = tf.matmul(on_line, tf.cast(sums == self._sums, tf.float32)) * empty  # [sums, cells, B]
        features = [stones, _rows(tf.minimum(counts, 1.0))]
        if game.gravity:
            below = [[0, game.columns], [0, 0]]  # a row, under the board for one and empty for the other
            landing = empty * (1.0 - tf.pad(empty[game.columns :], below))
            above = tf.pad(landing[game.columns :], below)
            features.append(landing)
            for cells in (landing, above):
                by_cell = tf.reshape(counts * cells, [len(self._sums), game.rows, game.columns, -1])
                features.append(_rows(tf.reduce_sum(by_cell, axis=1)))
        return tf.transpose(tf.concat(features, axis=0))


def _rows(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, [x.shape[0] * x.shape[1], -1])
