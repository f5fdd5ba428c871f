"""The exact verdict on positions and moves, in words."""

import importlib.util

import numpy as np
import pytest

from imagents.config import environment_settings
from imagents.environments.boards.connect_four import positions
from imagents.environments.boards.connect_four.solver import SolverProcess
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE, get_game
from imagents.environments.boards.record import Record
from imagents.environments.boards.tic_tac_toe import exact
from imagents.environments.boards.verdicts import move_scores, move_verdict, position_verdict

SCORER = environment_settings("tic_tac_toe").scorer()

needs_solver = pytest.mark.skipif(importlib.util.find_spec("bitbully") is None, reason="the extra `solver` is missing")


def record_of(board, first, game=TIC_TAC_TOE) -> Record:
    """A game that leads to a board of tic-tac-toe."""
    stones = [list(np.flatnonzero(np.ravel(board) == seat + 1)) for seat in (0, 1)]
    turns = [stones[(first + ply) % 2].pop(0) for ply in range(sum(map(len, stones)))]
    return Record(game, first, tuple(map(int, turns)))


def verdicts(moves, first=0):
    """What every move of a game of tic-tac-toe did."""
    game = Record(TIC_TAC_TOE, first, moves)
    return [move_verdict(move_scores(game.until(ply), SCORER), action) for ply, action in enumerate(moves)]


@pytest.mark.parametrize("first", [0, 1])
def test_the_scores_of_tic_tac_toe_are_those_of_the_exact_table(first):
    table = exact.positions()
    for row in range(0, len(table.ply), 37):
        seat = (first + int(table.ply[row])) % 2
        try:
            game = record_of(table.boards(seat)[row], first)
        except ValueError:
            continue  # in the order of its cells this game would have been over earlier
        assert game.seat == seat
        scores = move_scores(game, SCORER)
        np.testing.assert_array_equal(np.isnan(scores), ~table.legal[row])
        np.testing.assert_array_equal(np.sign(scores)[table.legal[row]], table.action_value[row][table.legal[row]])


def test_every_mistake_is_called_by_its_name():
    # X takes the middle, O an edge: lost. X gives the win back with 3, O blocks elsewhere and loses again.
    assert verdicts((4, 1)) == ["keeps the draw", "gives away the draw, and loses"]
    assert verdicts((4, 1, 7))[-1] == "gives away the win: now it is a draw"
    assert verdicts((4, 1, 0, 8, 6))[-1] == "keeps the win"
    assert verdicts((4, 1, 0, 8, 6, 2))[-1] == "loses, as every move did"
    assert move_verdict(move_scores(Record(TIC_TAC_TOE, 0, (4, 1, 0, 2)), SCORER), 8, wins=True) == "wins"


def test_the_position_is_judged_for_the_sides_not_for_the_mover():
    lost_for_o = Record(TIC_TAC_TOE, 0, (4, 1))
    assert position_verdict(lost_for_o, move_scores(lost_for_o, SCORER), "XO") == "X wins with perfect play"
    mirrored = Record(TIC_TAC_TOE, 1, (4, 1))
    assert position_verdict(mirrored, move_scores(mirrored, SCORER), "XO") == "O wins with perfect play"
    start = Record(TIC_TAC_TOE)
    assert position_verdict(start, move_scores(start, SCORER), "XO") == "a draw with perfect play"


def test_nobody_judges_what_nobody_can_solve(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # no solver
    for game in (CONNECT_FOUR, get_game("5x5x4")):
        assert environment_settings(game).scorer() is None and environment_settings(game).scorer(apart=True) is None
        assert move_scores(Record(game)) is None
        assert position_verdict(Record(game), None, "XO") == "" and move_verdict(None, 0) == ""


@needs_solver
def test_the_solver_judges_connect_four_in_a_process_of_its_own():
    solve = SolverProcess()
    try:
        start = Record(CONNECT_FOUR)
        assert position_verdict(start, move_scores(start, solve), "XO") == "X wins with perfect play"
        assert move_verdict(move_scores(start, solve), 3) == "keeps the win"
        assert move_verdict(move_scores(start, solve), 2) == "gives away the win: now it is a draw"
        assert move_verdict(move_scores(start, solve), 0) == "gives away the win, and loses"
        late = positions.load("late")
        for row in range(5):
            np.testing.assert_array_equal(np.sign(solve(late.boards(0)[row], 0))[late.legal[row]],
                                          np.sign(late.scores[row])[late.legal[row]])
        full = Record(CONNECT_FOUR, 0, (0,) * 6)
        assert np.flatnonzero(np.isnan(move_scores(full, solve))).tolist() == [0]
    finally:
        solve.close()
