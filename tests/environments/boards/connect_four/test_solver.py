"""The solver in a process of its own: killed, it is begun again, and no question gets lost."""

import contextlib
import os
import signal
import sys
import threading

import numpy as np
import pytest

from imagents.environments.boards.connect_four.solver import SolverProcess
from imagents.errors import InputError

# Answers like the solver, a score of 1 for every column, but does something else first when it is asked for seat 1.
STAND_IN = """#!{python}
import os, signal, sys
for line in sys.stdin:
    if "], 1]" in line and not os.path.exists("{path}/calm"):
        {trouble}
    print("[1, 1, 1, 1, 1, 1, 1]", flush=True)
"""


@pytest.fixture
def solve(tmp_path, monkeypatch):
    """Makes solver processes of a stand-in, which is faster than the solver, and knows no position twice."""
    made = []

    def make(trouble="pass"):
        stand_in = tmp_path / "python"
        stand_in.write_text(STAND_IN.format(python=sys.executable, path=tmp_path, trouble=trouble))
        stand_in.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(stand_in))
        made.append(SolverProcess())
        return made[-1]

    pytest.importorskip("bitbully", reason="the extra `solver` is missing")
    pytest.importorskip("bitbully_databases", reason="the extra `solver` is missing")
    yield make
    for solver in made:
        solver.close()


def board(*columns):
    """Stones of alternating colours in the bottom row."""
    cells = np.zeros([6, 7], int)
    cells[5, list(columns)] = [1 + ply % 2 for ply in range(len(columns))]
    return cells


@pytest.fixture
def solver():
    pytest.importorskip("bitbully_databases", reason="the extra `solver` is missing")
    with contextlib.closing(SolverProcess()) as solver:
        yield solver


THREE = np.array([[0] * 7] * 4 + [[2, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 2, 2, 0]])  # 1 wins at once in column 3


def test_the_solver_killed_between_two_questions_is_begun_again(solver):
    assert solver(THREE, 0).argmax() == 3
    os.kill(solver._process.pid, signal.SIGKILL)
    solver._process.wait()
    assert solver(THREE[:, ::-1], 0).argmax() == 3


def test_a_board_that_no_game_leads_to_is_refused_and_harms_nothing(solver):
    floating = np.array([[1, 2, 0, 0, 0, 0, 0]] + [[0] * 7] * 5)
    with pytest.raises(InputError, match="no game of connect four leads to this board"):
        solver(floating, 0)
    process = solver._process
    assert solver(THREE, 0).argmax() == 3 and solver._process is process


@pytest.mark.parametrize("trouble", [
    "open('{path}/calm', 'w'); os.kill(os.getpid(), signal.SIGKILL)",
    "open('{path}/calm', 'w'); os._exit(0)",
    "open('{path}/calm', 'w'); print('[1, 1', end='', flush=True); os.kill(os.getpid(), signal.SIGSEGV)",
    "open('{path}/calm', 'w'); os.close(1); signal.pause()",
], ids=["killed while it answers", "ends by itself", "dies within its answer", "closes its pipe and lives on"])
def test_what_was_asked_is_asked_once_more(solve, tmp_path, trouble):
    solver = solve(trouble.replace("{path}", str(tmp_path)))
    assert solver(board(0), 1).tolist() == [1] * 7
    assert solver(board(0, 1), 0).tolist() == [1] * 7


def test_a_pipe_that_nobody_reads_is_left_for_another(solve):
    solver = solve()
    solver(board(), 0)
    solver._process.kill()
    solver._process.wait()
    solver._process.stdin.write("half a question")  # still in the buffer
    assert solver(board(3), 1).tolist() == [1] * 7


def test_killed_twice_over_one_question_it_says_so_and_answers_the_next(solve):
    solver = solve("os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(RuntimeError, match=r"ended twice over \[board, seat\] = \[\[0, 0"):
        solver(board(0), 1)
    assert solver(board(0, 1), 0).tolist() == [1] * 7


def test_threads_that_ask_while_it_is_killed_all_get_their_answers(solve, tmp_path):
    solver = solve(f"open('{tmp_path}/calm', 'w'); os.kill(os.getpid(), signal.SIGKILL)")
    found = {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: solver(board(n), 1).tolist()})) for n in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [1] * 7 for n in range(7)}
