"""One game, move by move, in plain Python. Records are immutable, so that looking back is just another record."""

import dataclasses
import functools

import numpy as np

from imagents.environments.boards.drawing import winning_cells
from imagents.environments.boards.grid import Grid
from imagents.errors import InputError


@dataclasses.dataclass(frozen=True)
class Record:
    """One game, move by move.

    Attributes:
      game: the rules.
      first: the seat that moves first.
      moves: the actions so far.

    Raises:
      InputError: if the moves break the rules.
    """

    game: Grid
    first: int = 0
    moves: tuple[int, ...] = ()

    def __post_init__(self):
        if self.first not in (0, 1):
            raise InputError(f"first = {self.first!r}: the seats are 0 and 1")
        board = np.zeros([self.game.rows, self.game.columns], int)
        cells, winners = [], []
        for ply, action in enumerate(self.moves):
            if winners:
                raise InputError(f"{action}: the game was over after {ply} moves")
            cells.append(_place(self.game, board, action, self.seat_at(ply)))
            winners = winning_cells(self.game, board)
        board.flags.writeable = False
        object.__setattr__(self, "board", board)  # int [rows, columns]
        object.__setattr__(self, "cells", tuple(cells))  # where each move's stone lies
        object.__setattr__(self, "winners", winners)  # the cells of the winning line

    def seat_at(self, ply: int) -> int:
        """The seat that moves after `ply` moves."""
        return (self.first + ply) % 2

    @property
    def seat(self) -> int:
        """The seat to move."""
        return self.seat_at(len(self.moves))

    @property
    def winner(self) -> int | None:
        """The seat that has won; None if nobody has."""
        return 1 - self.seat if self.winners else None

    @property
    def is_over(self) -> bool:
        return bool(self.winners) or len(self.moves) == self.game.num_cells

    @functools.cached_property
    def legal(self) -> list[int]:
        """The actions that can be played; none once the game is over."""
        return [] if self.is_over else self.game.legal(self.board)

    def play(self, action: int) -> "Record":
        """This game after one more move.

        Raises:
          InputError: if it cannot be played; one friendly sentence.
        """
        if self.is_over:
            raise InputError("this game is over: begin a new one")
        return Record(self.game, self.first, (*self.moves, action))

    def until(self, ply: int) -> "Record":
        """This game as it was after `ply` moves."""
        return Record(self.game, self.first, self.moves[:ply])


def _place(game: Grid, board: np.ndarray, action: int, seat: int) -> int:
    kind = "column" if game.gravity else "cell"
    if type(action) is not int or not 0 <= action < game.num_actions:
        raise InputError(f"there is no {kind} {action}: they are 0 to {game.num_actions - 1}")
    cell = game.landing(board, action)
    if cell is None:
        raise InputError(f"column {action} is full" if game.gravity else f"cell {action} is taken")
    board.flat[cell] = seat + 1
    return cell


def side_name(game: Grid, seat: int) -> str:
    """What people call a side: X and O, or the colours of the discs."""
    return ("orange", "blue")[seat] if game.gravity else "XO"[seat]
