"""The exact verdict of positions and moves: tic-tac-toe from the table of all positions, connect four by the solver.

A verdict speaks about perfect play from here on. Connect four needs the extra `solver`; it may take up to a second in
the opening and does not let other threads run meanwhile, so a page asks a process of its own, `SolverProcess`.
"""

import functools
import json
import subprocess
import sys
import threading
from collections.abc import Sequence

import numpy as np

from imagents.app.session import Record
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.tic_tac_toe import exact

_KEPT = {1: "keeps the win", 0: "keeps the draw", -1: "loses, as every move did"}
_LOST = {
    (1, 0): "gives away the win: now it is a draw",
    (1, -1): "gives away the win, and loses",
    (0, -1): "gives away the draw, and loses",
}


def is_tic_tac_toe(game: Grid) -> bool:
    return (game.rows, game.columns, game.k, game.gravity) == (3, 3, 3, False)


def is_connect_four(game: Grid) -> bool:
    return (game.rows, game.columns, game.k, game.gravity) == (6, 7, 4, True)


def move_scores(record: Record, solve=None) -> np.ndarray | None:
    """What every move is worth to who is to move: float `[actions]`, its sign 1 for a win, 0 a draw, -1 a loss.

    The greater, the sooner a win or the later a loss. NaN where a move is illegal.

    Args:
      record: a game that goes on.
      solve: the connect-four solver, board and seat -> scores; None if there is none.

    Returns:
      None if nobody can tell.
    """
    if is_tic_tac_toe(record.game):
        scores = _tic_tac_toe(record)
    elif is_connect_four(record.game) and solve is not None:
        scores = solve(record.board, record.seat)
    else:
        return None
    legal = np.isin(np.arange(record.game.num_actions), record.legal)
    return np.where(legal, scores, np.nan)


def position_verdict(record: Record, scores: np.ndarray | None, sides: Sequence[str]) -> str:
    """Which of the two sides wins with perfect play; "" if nobody can tell, or the game is over."""
    if scores is None or record.is_over:
        return ""
    value = np.sign(np.nanmax(scores))
    if value == 0:
        return "a draw with perfect play"
    return f"{sides[record.seat if value > 0 else 1 - record.seat]} wins with perfect play"


def move_verdict(scores: np.ndarray | None, action: int) -> str:
    """What a move did to the position before it, whose moves' scores these are; "" if nobody can tell."""
    if scores is None:
        return ""
    before, after = int(np.sign(np.nanmax(scores))), int(np.sign(scores[action]))
    return _KEPT[after] if before == after else _LOST[before, after]


def _tic_tac_toe(record: Record) -> np.ndarray:
    table = exact.positions()
    board = record.board.ravel()
    own, opponent = board == record.seat + 1, board == 2 - record.seat
    row = table.index[exact.position_code(own, opponent)]
    # Among moves of the same value, those that win fastest or lose slowest are worth a little more.
    return table.action_value[row] + 0.5 * (table.action_value[row] != 0) * _best()[row]


@functools.cache
def _best() -> np.ndarray:
    return exact.best_moves(exact.positions())


def find_solver_process() -> "SolverProcess | None":
    """A `SolverProcess` if the solver is installed."""
    try:
        return SolverProcess()
    except ValueError:
        return None


class SolverProcess:
    """The connect-four solver in a process of its own, which starts with the first question; any thread may ask.

    Raises:
      ValueError: if the solver is not installed.
    """

    def __init__(self):
        from imagents.environments.boards.connect_four import solver

        solver.check_installed()
        self._known = functools.lru_cache(maxsize=100_000)(self._ask)
        self._lock = threading.Lock()
        self._process = None

    def __call__(self, board: np.ndarray, seat: int) -> np.ndarray:
        return np.array(self._known(tuple(map(int, np.ravel(board))), seat))

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            if self._process is not None:
                self._process.stdin.close()
                self._process.wait()
                self._process.stdout.close()
                self._process = None

    def _ask(self, cells: tuple[int, ...], seat: int) -> list[int]:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "imagents.environments.boards.connect_four.solver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    text=True, start_new_session=True,  # Ctrl-C is not for it: it ends when its input does
                )
            print(json.dumps([cells, seat]), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        return json.loads(answer)
