"""What tests of boards share: a k-in-a-row game in plain Python, independent of the package, and a reader of drawings.

The cells of a board are a flat sequence, row by row from the top: 0 empty, 1 seat 0's stones, 2 seat 1's. A game is
anything with `rows`, `columns`, `k` and `gravity`. Every rule is a loop over the cells.
"""

import numpy as np

FIRST, MID, LAST = 0, 1, 2
RUNNING, DRAW, ILLEGAL = -1, 2, 3
PASS = -1
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def read_board(drawing: str, game=None) -> np.ndarray:
    """A board drawn in X (seat 0), O (seat 1) and dots, as integers `[rows, columns]`; digits stand for themselves.

    A row is a line or, where there is one line only, a word. With a game, its board says where rows end.
    """
    lines = drawing.strip().splitlines()
    rows = [row.replace(" ", "") for row in (lines if len(lines) > 1 else drawing.split())]
    cells = [[".XO".index(cell) if cell in ".XO" else int(cell) for cell in row] for row in rows]
    return np.reshape(sum(cells, []), [game.rows, game.columns]) if game else np.array(cells)


def read_boards(*drawings: str, game=None) -> np.ndarray:
    """Some drawings as integers `[B, rows, columns]`."""
    return np.stack([read_board(drawing, game) for drawing in drawings])


def draw_board(board) -> str:
    """The inverse of `read_board`: a line for each row."""
    return "\n".join("".join(".XO"[cell] for cell in row) for row in board)


def num_actions(game) -> int:
    return game.columns if game.gravity else game.rows * game.columns


def landing(game, cells, action: int) -> int | None:
    """The cell where a stone comes to lie; None if the move is illegal."""
    if not 0 <= action < num_actions(game):
        return None
    column = range(action, game.rows * game.columns, game.columns)
    return next((cell for cell in (reversed(column) if game.gravity else [action]) if not cells[cell]), None)


def after(game, cells, seat: int, action: int) -> tuple | None:
    """The cells after a move; None if it is illegal."""
    cell = landing(game, cells, action)
    return None if cell is None else (*cells[:cell], 1 + seat, *cells[cell + 1 :])


def has_line(game, cells, stone: int) -> bool:
    """Whether k stones of a kind are in a row."""

    def is_stone(row, column):
        return 0 <= row < game.rows and 0 <= column < game.columns and cells[row * game.columns + column] == stone

    starts = [divmod(cell, game.columns) for cell, found in enumerate(cells) if found == stone]
    return any(
        all(is_stone(row + i * down, column + i * right) for i in range(game.k))
        for row, column in starts
        for down, right in DIRECTIONS
    )


class PlainGame:
    """One game, as an environment has to show it. It begins on any board, with the seat that is to move there."""

    def __init__(self, game, seat: int, board=None):
        self.game, self.seat = game, seat
        self.cells = (0,) * (game.rows * game.columns) if board is None else tuple(np.ravel(board).tolist())
        self.step_type, self.reward, self.outcome = FIRST, [0, 0], RUNNING

    def step(self, action: int) -> None:
        self.reward = [0, 0]
        if action == PASS:
            return
        cells, mover = after(self.game, self.cells, self.seat, action), self.seat
        self.step_type, self.seat = MID, 1 - mover
        if cells is None:
            self.step_type, self.outcome = LAST, ILLEGAL
            self.reward[mover] = -5
            return
        self.cells = cells
        if self.has_line(1 + mover):
            self.step_type, self.outcome = LAST, mover
            self.reward[mover], self.reward[1 - mover] = 1, -1
        elif all(cells):
            self.step_type, self.outcome = LAST, DRAW

    def has_line(self, stone: int) -> bool:
        return has_line(self.game, self.cells, stone)

    def board(self) -> list[list[int]]:
        return np.reshape(self.cells, [self.game.rows, self.game.columns]).tolist()

    def legal_moves(self) -> list[bool]:
        return [landing(self.game, self.cells, action) is not None for action in range(num_actions(self.game))]

    def shows(self) -> tuple:
        """Step type, rewards of both seats, discount, board and seat to move."""
        return self.step_type, self.reward, float(self.step_type != LAST), self.board(), self.seat
