"""The connect-four solver: the exact score of every move, from bitbully with its opening book.

bitbully (https://github.com/MarkusThill/BitBully) is licensed under AGPL-3.0, which is why it is an optional extra
that nothing else here needs. Needs no TensorFlow. `python -m imagents.environments.boards.connect_four.solver` answers questions from its input.
"""

import functools
import importlib.util
import json
import sys

import numpy as np

_ROWS, _COLUMNS = 6, 7
_FULL = -1000  # bitbully's score of a move in a full column


def check_installed() -> None:
    """Raises a ValueError that says how to install the solver, if it is not."""
    if any(importlib.util.find_spec(name) is None for name in ("bitbully", "bitbully_databases")):
        raise ValueError(
            "perfect connect four needs a solver that is not installed: pip install bitbully bitbully-databases "
            "(the extra `solver`; AGPL-3.0)"
        )


def scores(board: np.ndarray, seat: int) -> np.ndarray:
    """The exact scores of all moves, on the scale of `imagents.environments.boards.connect_four.positions`.

    Args:
      board: int `[6, 7]` of 0, 1 and 2, row 0 at the top; the game goes on.
      seat: the seat to move.

    Returns:
      int `[7]`: more than 0 if the move wins (the more, the faster), less than 0 if it loses; far less where the
      column is full.

    Raises:
      ValueError: if no game leads to that board.
    """
    own, other = board == seat + 1, board == 2 - seat
    if own.sum() == other.sum():  # the first mover is to move
        first, second = own, other
    else:
        first, second = other, own
    return np.array(_scores((first + 2 * second).astype(np.int8).tobytes()))


@functools.lru_cache(maxsize=100_000)
def _scores(board: bytes) -> tuple[int, ...]:
    from bitbully import bitbully_core

    cells = np.frombuffer(board, np.int8).reshape(_ROWS, _COLUMNS)
    position = bitbully_core.BoardCore()
    if not position.setBoard(cells[::-1].T.tolist()):  # columns of cells, from the bottom up
        raise ValueError(f"no game of connect four leads to this board:\n{cells}")
    return tuple(_solver().scoreMoves(position))


@functools.cache
def _solver():
    """Loads the opening book, which takes a moment and some 150 MB."""
    from bitbully import BitBully

    return BitBully()._core  # its wrapper sorts the scores, which takes longer than solving late positions


def _answer_lines() -> None:
    """Answers questions, a line each: [[42 cells], seat] -> the scores."""
    for line in sys.stdin:
        cells, seat = json.loads(line)
        found = scores(np.array(cells).reshape(_ROWS, _COLUMNS), seat)
        print(json.dumps(found.tolist()), flush=True)


if __name__ == "__main__":
    _answer_lines()
