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
        steps = [_Step(_frozen(np.zeros([self.game.rows, self.game.columns], int)))]
        for ply, action in enumerate(self.moves):
            if steps[-1].winners:
                raise InputError(f"{action}: the game was over after {ply} moves")
            steps.append(_place(self.game, steps[-1].board, action, self.seat_at(ply)))
        object.__setattr__(self, "_steps", tuple(steps))  # what came of each move, so that none is played twice

    @classmethod
    def _of(cls, before: "Record", moves: tuple[int, ...], steps: tuple["_Step", ...]) -> "Record":
        """A record of moves that have been played already."""
        record = object.__new__(cls)
        for name, value in (("game", before.game), ("first", before.first), ("moves", moves), ("_steps", steps)):
            object.__setattr__(record, name, value)
        return record

    @property
    def board(self) -> np.ndarray:
        """int `[rows, columns]`, read-only."""
        return self._steps[-1].board

    @property
    def cells(self) -> tuple[int, ...]:
        """Where each move's stone lies."""
        return tuple(step.cell for step in self._steps[1:])

    @property
    def winners(self) -> list[int]:
        """The cells of the winning line."""
        return self._steps[-1].winners

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
        step = _place(self.game, self.board, action, self.seat)
        return Record._of(self, (*self.moves, action), (*self._steps, step))

    def until(self, ply: int) -> "Record":
        """This game as it was after `ply` moves."""
        return Record._of(self, self.moves[:ply], self._steps[: ply + 1])


@dataclasses.dataclass(frozen=True)
class _Step:
    """A position, the cell of the stone that led to it, and the cells of a line that this completed."""

    board: np.ndarray
    cell: int | None = None
    winners: list[int] = dataclasses.field(default_factory=list)


def _place(game: Grid, board: np.ndarray, action: int, seat: int) -> _Step:
    kind = "column" if game.gravity else "cell"
    if type(action) is not int or not 0 <= action < game.num_actions:
        raise InputError(f"there is no {kind} {action}: they are 0 to {game.num_actions - 1}")
    cell = game.landing(board, action)
    if cell is None:
        raise InputError(f"column {action} is full" if game.gravity else f"cell {action} is taken")
    board = board.copy()
    board.flat[cell] = seat + 1
    return _Step(_frozen(board), cell, winning_cells(game, board))


def _frozen(board: np.ndarray) -> np.ndarray:
    board.flags.writeable = False
    return board


def side_name(game: Grid, seat: int) -> str:
    """What people call a side: X and O, or the colours of the discs."""
    return ("orange", "blue")[seat] if game.gravity else "XO"[seat]
