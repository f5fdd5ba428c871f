"""What a k-in-a-row game is, and its rules in plain Python over one board `[rows, columns]` of 0, 1, 2.

For whatever looks at one game at a time: drawings, people at a screen. `BoardGame` plays many games by tensors.
"""

import dataclasses
import functools

import numpy as np

from imagents.environments.boards import drawing
from imagents.errors import InputError

TALLIES = ("player_1_wins", "player_2_wins", "draws", "illegal")  # how games can end


@dataclasses.dataclass(frozen=True)
class Grid:
    """A k-in-a-row game.

    Attributes:
      name: what the command line calls it.
      rows: number of rows.
      columns: number of columns.
      k: how many stones in a line (row, column or diagonal) win.
      gravity: whether an action is a column in which the stone falls (connect
        four) or a cell (tic-tac-toe).

    Raises:
      InputError: if the board has more than 64 cells or no line of k fits on it.
    """

    name: str
    rows: int
    columns: int
    k: int
    gravity: bool

    def __post_init__(self):
        if self.rows < 1 or self.columns < 1 or self.num_cells > 64:
            raise InputError(
                f"a board of {self.rows} rows and {self.columns} columns is not supported: "
                "it needs at least one cell and at most 64"
            )
        if not 1 <= self.k <= max(self.rows, self.columns):
            raise InputError(
                f"k = {self.k} stones in a line do not fit on {self.rows} rows and "
                f"{self.columns} columns: choose 1 to {max(self.rows, self.columns)}"
            )

    @property
    def num_cells(self) -> int:
        return self.rows * self.columns

    @property
    def num_actions(self) -> int:
        """One action per column under gravity, else one per cell."""
        return self.columns if self.gravity else self.num_cells

    def landing(self, board: np.ndarray, action: int) -> int | None:
        """The cell number that a stone comes to by an action; None if the action is not legal there."""
        if not 0 <= action < self.num_actions:
            return None
        if not self.gravity:
            return None if board.flat[action] else action
        empty = np.flatnonzero(board[:, action] == 0)
        return int(empty[-1]) * self.columns + action if len(empty) else None

    def legal(self, board: np.ndarray) -> list[int]:
        """The actions that place a stone; as in `BoardGame.legal_moves`, whether somebody has won does not matter."""
        return [action for action in range(self.num_actions) if self.landing(board, action) is not None]

    def lines(self) -> list[list[int]]:
        """Every line of k cells, as cell numbers: 8 in tic-tac-toe, 69 in connect four."""
        return [
            [start + i * (row_step * self.columns + column_step) for i in range(self.k)]
            for row_step, column_step in ((0, 1), (1, 0), (1, 1), (1, -1))
            for start in self._line_starts(row_step, column_step)
        ]

    def cells_on_lines(self) -> np.ndarray:
        """int8 `[cells, lines]`: 1 where a cell is on a line; bytes, since exported models carry it with them."""
        matrix = np.zeros([self.num_cells, len(self.lines())], np.int8)
        for number, cells in enumerate(self.lines()):
            matrix[cells, number] = 1
        return matrix

    def in_line(self, stones: np.ndarray) -> np.ndarray:
        """Which stones of a side are part of a line of k: bool `[..., cells]` -> bool `[..., cells]`."""
        complete = ~(~stones @ self._on_line)  # [..., lines]
        return complete @ self._on_line.T

    @functools.cached_property
    def _on_line(self) -> np.ndarray:
        return self.cells_on_lines().astype(bool)

    def text(self, board, last_action: int | None = None) -> str:
        """One board `[rows, columns]` as text, with X for seat 0 and O for seat 1."""
        return drawing.text(self, board, last_action)

    def svg(self, board, **marks) -> str:
        """One board `[rows, columns]` as an SVG document; `marks` as for `drawing.svg`."""
        return drawing.svg(self, board, **marks)

    def _line_starts(self, row_step: int, column_step: int) -> list[int]:
        """Cells from which k cells in a direction stay on the board."""
        last = self.k - 1
        return [
            row * self.columns + column
            for row in range(self.rows - row_step * last)
            for column in range(self.columns)
            if 0 <= column + column_step * last < self.columns
        ]


def move_probabilities(moves: np.ndarray, num_positions: int, num_actions: int) -> np.ndarray:
    """Checks a table of moves and returns it as probabilities.

    Args:
      moves: int `[P]`, the move in every position, or `[P, A]`, the probability of every move.
      num_positions, num_actions: P and A.

    Returns:
      float64 `[P, A]`, rows sum to 1.

    Raises:
      InputError: if it is neither.
    """
    moves = np.asarray(moves)
    if moves.shape == (num_positions,) and np.issubdtype(moves.dtype, np.integer):
        if moves.min() < 0 or moves.max() >= num_actions:
            raise InputError(f"moves range from {moves.min()} to {moves.max()}: they are 0 to {num_actions - 1}")
        return np.eye(num_actions)[moves]
    if moves.shape != (num_positions, num_actions):
        needed = f"integers [{num_positions}] or probabilities [{num_positions}, {num_actions}]"
        raise InputError(f"moves are {moves.dtype} {list(moves.shape)}: {needed} are needed")
    policy = moves.astype(np.float64)
    # Written so that NaN fails; the tolerance is float32's, since probabilities often come from a network.
    if not ((policy >= 0).all() and (abs(policy.sum(axis=1) - 1) < 1e-4).all()):
        raise InputError("moves are no probabilities: every row has to be non-negative and to sum to 1")
    return policy / policy.sum(axis=1, keepdims=True)
