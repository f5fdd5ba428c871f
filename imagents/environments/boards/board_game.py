"""Rules of k-in-a-row board games as pure tensor functions over a batch of games.

One description (rows, columns, k, gravity) covers tic-tac-toe, connect four and
their relatives up to 64 cells. A side's stones are one int64 bitboard per game;
bit ``row * columns + column`` is a cell, row 0 is the top row:

    tic-tac-toe      connect four (gravity: stones fall to the largest row)
     0 1 2            0  1  2  3  4  5  6
     3 4 5            7  8  9 10 11 12 13
     6 7 8            ...
                     35 36 37 38 39 40 41

Nothing here knows agents, time steps or variables, so the same functions run
eagerly, in a graph and under XLA.
"""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from imagents.environments.boards.grid import Grid
from imagents.xla import bits, from_bits


class Position(NamedTuple):
    """B positions side by side.

    stones: int64 `[B, 2]`, one bitboard per seat.
    seat: int32 `[B]`, the seat to move, 0 or 1.
    """

    stones: tf.Tensor
    seat: tf.Tensor


@dataclasses.dataclass(frozen=True)
class BoardGame(Grid):
    """A k-in-a-row game: a `Grid` with rules as tensor functions."""

    def start(self, seat: tf.Tensor) -> Position:
        """Empty boards; `seat` int32 `[B]` moves first."""
        return Position(tf.zeros([tf.shape(seat)[0], 2], tf.int64), tf.cast(seat, tf.int32))

    def legal_moves(self, stones: tf.Tensor) -> tf.Tensor:
        """Which actions place a stone. bool `[B, num_actions]`.

        Under gravity a column is open while its top cell is empty; the top cells
        are bits 0 to columns - 1, so one rule serves both kinds of game.
        """
        occupied = stones[:, 0] | stones[:, 1]
        return ~bits(occupied, self.num_actions)

    def play(self, position: Position, action: tf.Tensor) -> Position:
        """The seat to move places a stone; the other seat moves next.

        Args:
          position: B positions.
          action: int32 `[B]`. A move that is not legal places nothing.
        """
        stones, seat = position
        occupied = stones[:, 0] | stones[:, 1]
        landing = ~occupied & self._mask(range(self.num_cells))
        file = tf.constant(self._mask([0]), tf.int64)
        if self.gravity:  # only where the cell below is taken, or on the floor
            floor = self._mask(range(self.num_cells - self.columns, self.num_cells))
            landing &= tf.bitwise.right_shift(occupied, self._shift(self.columns)) | floor
            file = tf.constant(self._mask(range(0, self.num_cells, self.columns)), tf.int64)
        in_range = (action >= 0) & (action < self.num_actions)
        shift = tf.cast(tf.where(in_range, action, 0), tf.int64)
        stone = landing & tf.bitwise.left_shift(file, shift)
        stone = tf.where(in_range, stone, tf.zeros_like(stone))
        mover = tf.cast(seat[:, tf.newaxis] == [0, 1], tf.int64)  # [B, 2]
        return Position(stones | stone[:, tf.newaxis] * mover, 1 - seat)

    def has_line(self, stones: tf.Tensor) -> tf.Tensor:
        """Whether a bitboard, int64 `[...]`, holds k in a row. bool `[...]`."""
        lines = tf.zeros_like(stones)
        for row_step, column_step in ((0, 1), (1, 0), (1, 1), (1, -1)):
            starts = self._line_starts(row_step, column_step)
            if not starts:
                continue
            line, length = stones, 1  # bit set: `length` stones in a row begin there
            while length < self.k:
                step = min(length, self.k - length)
                shift = self._shift(step * (row_step * self.columns + column_step))
                line &= tf.bitwise.right_shift(line, shift)
                length += step
            lines |= line & self._mask(starts)
        return lines != 0

    def is_full(self, stones: tf.Tensor) -> tf.Tensor:
        """Whether no cell is empty. int64 `[B, 2]` -> bool `[B]`."""
        return stones[:, 0] | stones[:, 1] == self._mask(range(self.num_cells))

    def planes(self, stones: tf.Tensor) -> tf.Tensor:
        """Each seat's stones. int64 `[B, 2]` -> bool `[B, 2, rows, columns]`."""
        return tf.reshape(bits(stones, self.num_cells), [-1, 2, self.rows, self.columns])

    def board(self, stones: tf.Tensor) -> tf.Tensor:
        """Boards as people read them: 0 empty, 1 seat 0's stones, 2 seat 1's.

        Args:
          stones: int64 `[B, 2]`.

        Returns:
          int32 `[B, rows, columns]`, row 0 at the top.
        """
        first, second = (bits(stones[:, seat], self.num_cells) for seat in (0, 1))
        cells = tf.where(first, 1, tf.where(second, 2, 0))  # [B, cells]
        return tf.reshape(cells, [-1, self.rows, self.columns])

    def stones(self, board: tf.Tensor) -> tf.Tensor:
        """The inverse of `board`: integers `[B, rows, columns]` -> int64 `[B, 2]`."""
        cells = tf.reshape(tf.cast(board, tf.int64), [-1, 1, self.num_cells])
        return from_bits(cells == [[1], [2]], tf.int64)

    @staticmethod
    def _mask(cells) -> int:
        """A bitboard as the int64 constant with the same bits (cell 63 is the sign)."""
        mask = sum(1 << cell for cell in cells)
        return mask - (1 << 64) if mask >> 63 else mask

    @staticmethod
    def _shift(distance: int) -> tf.Tensor:
        # The sign bit is smeared by an arithmetic shift only into cells from which no
        # line of k and no stone below starts, so `_line_starts` and the board mask hide it.
        return tf.constant(distance, tf.int64)
