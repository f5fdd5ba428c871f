"""The connect-four solver: the exact score of every move, from bitbully with its opening book.

bitbully (https://github.com/MarkusThill/BitBully) is licensed under AGPL-3.0, which is why it is an optional extra
that nothing else here needs. Needs no TensorFlow. It may take up to a second in the opening and does not let other
threads run meanwhile, so a page asks a process of its own: run as a module, this answers questions from its input.
"""

import contextlib
import functools
import importlib.util
import json
import subprocess
import sys
import threading

import numpy as np

from imagents.errors import InputError

_ROWS, _COLUMNS = 6, 7


def check_installed() -> None:
    """Raises an InputError that says how to install the solver, if it is not."""
    if any(importlib.util.find_spec(name) is None for name in ("bitbully", "bitbully_databases")):
        raise InputError(
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
      InputError: if no game leads to that board.
    """
    own, other = board == seat + 1, board == 2 - seat
    if own.sum() == other.sum():  # the first mover is to move
        first, second = own, other
    else:
        first, second = other, own
    return np.array(_scores((first + 2 * second).astype(np.int8).tobytes()))


scores.is_slow = True


@functools.lru_cache(maxsize=100_000)
def _scores(board: bytes) -> tuple[int, ...]:
    from bitbully import bitbully_core

    cells = np.frombuffer(board, np.int8).reshape(_ROWS, _COLUMNS)
    position = bitbully_core.BoardCore()
    if not position.setBoard(cells[::-1].T.tolist()):  # columns of cells, from the bottom up
        raise InputError(f"no game of connect four leads to this board:\n{cells}")
    return tuple(_solver().scoreMoves(position))


@functools.cache
def _solver():
    """Loads the opening book, which takes a moment and some 150 MB."""
    from bitbully import BitBully

    return BitBully()._core  # its wrapper sorts the scores, which takes longer than solving late positions


def find(apart: bool = False):
    """The solver, board and seat -> scores; None if it is not installed. `apart`: in a process of its own."""
    try:
        check_installed()
    except InputError:
        return None
    return SolverProcess() if apart else scores


class SolverProcess:
    """The connect-four solver in a process of its own, which starts with the first question; any thread may ask.

    A process that was killed is begun again, and asked again what it did not answer.

    Raises:
      InputError: if the solver is not installed.
    """

    is_slow = True

    def __init__(self):
        check_installed()
        self._known = functools.lru_cache(maxsize=100_000)(self._ask)
        self._lock = threading.Lock()
        self._process = None

    def __call__(self, board: np.ndarray, seat: int) -> np.ndarray:
        return np.array(self._known(tuple(map(int, np.ravel(board))), seat))

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def _ask(self, cells: tuple[int, ...], seat: int) -> list[int]:
        question = json.dumps([cells, seat])
        with self._lock:
            answer = self._answer(question) or self._answer(question)
        if not answer:
            raise RuntimeError(f"the solver's process ended twice over [board, seat] = {question}")
        found = json.loads(answer)
        if isinstance(found, str):
            raise InputError(found)
        return found

    def _answer(self, question: str) -> str:
        """The process' answer, a line; "" if it ended before that."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "imagents.environments.boards.connect_four.solver"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
                start_new_session=True,  # Ctrl-C is not for it: it ends when its input does
            )  # fmt: skip
        try:
            print(question, file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer.endswith("\n"):
            return answer
        self._end()
        return ""

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with contextlib.suppress(BrokenPipeError):  # a question that nobody read
                process.stdin.close()
            process.stdout.close()
            process.wait()


def _answer_lines() -> None:
    """Answers questions, a line each: [[42 cells], seat] -> the scores, or a sentence if there are none."""
    for line in sys.stdin:
        cells, seat = json.loads(line)
        try:
            found = scores(np.array(cells).reshape(_ROWS, _COLUMNS), seat).tolist()
        except InputError as error:
            found = str(error)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    _answer_lines()
