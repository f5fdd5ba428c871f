"""Games as people play them: one game move by move, and a session of such games with undo and a score.

Nothing here knows how it is shown or who thinks. Records are immutable, so that looking back is just another record.
"""

import dataclasses
import functools

import numpy as np

from imagents.environments.boards.drawing import winning_cells
from imagents.environments.boards.grid import Grid

PERSON = "you"  # the name of a seat's player who moves by hand


@dataclasses.dataclass(frozen=True)
class Record:
    """One game, move by move.

    Attributes:
      game: the rules.
      first: the seat that moves first.
      moves: the actions so far.

    Raises:
      ValueError: if the moves break the rules.
    """

    game: Grid
    first: int = 0
    moves: tuple[int, ...] = ()

    def __post_init__(self):
        if self.first not in (0, 1):
            raise ValueError(f"first = {self.first!r}: the seats are 0 and 1")
        board = np.zeros([self.game.rows, self.game.columns], int)
        cells, winners = [], []
        for ply, action in enumerate(self.moves):
            if winners:
                raise ValueError(f"{action}: the game was over after {ply} moves")
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
          ValueError: if it cannot be played; one friendly sentence.
        """
        if self.is_over:
            raise ValueError("this game is over: begin a new one")
        return Record(self.game, self.first, (*self.moves, action))

    def until(self, ply: int) -> "Record":
        """This game as it was after `ply` moves."""
        return Record(self.game, self.first, self.moves[:ply])


def _place(game: Grid, board: np.ndarray, action: int, seat: int) -> int:
    kind = "column" if game.gravity else "cell"
    if type(action) is not int or not 0 <= action < game.num_actions:
        raise ValueError(f"there is no {kind} {action}: they are 0 to {game.num_actions - 1}")
    cell = game.landing(board, action)
    if cell is None:
        raise ValueError(f"column {action} is full" if game.gravity else f"cell {action} is taken")
    board.flat[cell] = seat + 1
    return cell


class Session:
    """Games that the same two players play, one after the other.

    Args:
      game: the rules.
      players: the name of each seat's player; `PERSON` for one who moves by hand.
      first: the seat that begins the first game.

    Attributes:
      record: the game that is on.
      score: games won by seat 0, won by seat 1, and drawn.
    """

    def __init__(self, game: Grid, players: tuple[str, str], first: int = 0):
        self.game, self.players = game, players
        self.record, self.score = Record(game, first), [0, 0, 0]
        self._before = self.record

    @property
    def is_persons_turn(self) -> bool:
        return not self.record.is_over and self.players[self.record.seat] == PERSON

    def play(self, action: int) -> None:
        """A move for whoever is to move.

        Raises:
          ValueError: if it cannot be played; one friendly sentence.
        """
        self.record = self.record.play(action)
        self._count(1)

    def new_game(self, first: int) -> None:
        """Begins another game; one that is still on counts for nobody."""
        self._before = self.latest
        self.record = Record(self.game, first)

    @property
    def latest(self) -> Record:
        """The game that is on, or the one before it if nobody has moved yet."""
        return self.record if self.record.moves else self._before

    def undo(self) -> int:
        """Takes back moves until a person is to move again, or one move if nobody is a person.

        Returns:
          How many moves were taken back; 0 if there is no move of a person's (or of anybody's) to take back.
        """
        moves = self.record.moves
        plies = [p for p in range(len(moves)) if PERSON not in self.players or self._is_person(p)]
        return self.rewind(plies[-1]) if plies else 0

    def rewind(self, ply: int) -> int:
        """Goes on from an earlier position, after `ply` moves; the result of a finished game counts no more."""
        back = len(self.record.moves) - ply
        if back > 0:
            self._count(-1)
            self.record = self.record.until(ply)
        return max(back, 0)

    def _is_person(self, ply: int) -> bool:
        return self.players[self.record.seat_at(ply)] == PERSON

    def _count(self, games: int) -> None:
        if self.record.is_over:
            winner = self.record.winner
            self.score[2 if winner is None else winner] += games


def side_name(game: Grid, seat: int) -> str:
    """What people call a side: X and O, or the colours of the discs."""
    return ("orange", "blue")[seat] if game.gravity else "XO"[seat]
