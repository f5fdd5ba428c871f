"""Perfect players never give value away: in tic-tac-toe nowhere, in connect four in no labelled position."""

import importlib.util

import numpy as np
import pytest
import tensorflow as tf
from oracle import read_board

from imagents.environments.boards.arena import Arena
from imagents.environments.boards.connect_four import positions, solver
from imagents.environments.boards.connect_four.perfect import PerfectConnectFourPlayer
from imagents.environments.boards.environment import BoardGameEnvironment, time_step_at
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.tic_tac_toe import exact
from imagents.environments.boards.tic_tac_toe.perfect import PerfectTicTacToePlayer
from imagents.players.names import make_player

needs_solver = pytest.mark.skipif(importlib.util.find_spec("bitbully") is None, reason="the extra `solver` is missing")


def row_of(drawing: str) -> int:
    """A position's row in the exact table; X begins."""
    cells = read_board(drawing).ravel()
    x_moves = (cells == 1).sum() == (cells == 2).sum()
    own, other = (cells == 1, cells == 2) if x_moves else (cells == 2, cells == 1)
    return int(exact.positions().index[exact.position_code(own, other)])


class TestTicTacToe:
    @pytest.mark.parametrize("seat", [0, 1])
    @pytest.mark.parametrize("among", ["best", "value"])
    def test_never_loses_value_in_any_of_the_4520_positions(self, seat, among):
        table = exact.positions()
        player = PerfectTicTacToePlayer(seat, among)
        time_step = time_step_at(TIC_TAC_TOE, table.boards(seat), seat)
        for _ in range(5):
            assert table.optimal[np.arange(exact.NUM_POSITIONS), player.choose(time_step)].all()

    def test_draws_uniformly_among_the_moves_that_keep_the_value(self):
        seen = np.zeros([exact.NUM_POSITIONS, 9])
        player = PerfectTicTacToePlayer(0, "value")
        act = tf.function(player.choose, jit_compile=True, autograph=False)
        time_step = time_step_at(TIC_TAC_TOE, exact.positions().boards(0), 0)
        for _ in range(300):
            seen[np.arange(exact.NUM_POSITIONS), act(time_step)] += 1 / 300
        difference = seen - exact.optimal_policy()
        assert abs(difference).max() < 0.2 and abs(difference).mean() < 0.02

    @pytest.mark.parametrize(
        "drawing, best, same_value",
        [
            ("X.X ... OO.", [1], [1, 8]),  # wins at once, or two plies later
            ("XX. .O. ...", [2], [2]),
            ("X.. ... ...", [4], [4]),
            ("... ... ...", list(range(9)), list(range(9))),
            ("XX. O.. ...", [2], [2, 4, 5, 6, 7, 8]),  # lost, but blocking lasts until X forks in the centre
        ],
    )
    def test_the_best_moves_also_win_fastest_or_lose_slowest(self, drawing, best, same_value):
        table = exact.positions()
        assert np.flatnonzero(table.best[row_of(drawing)]).tolist() == best
        assert np.flatnonzero(table.optimal[row_of(drawing)]).tolist() == same_value

    def test_plays_the_published_numbers(self):
        arena = Arena(TIC_TAC_TOE, 4000)
        match = arena.play(PerfectTicTacToePlayer(0, "value"), make_player("random", TIC_TAC_TOE, 1))
        first, second = match.moving_first, match.moving_second
        assert (first.wins / 2000, first.losses) == (pytest.approx(0.9678, abs=0.016), 0)
        assert (second.wins / 2000, second.losses) == (pytest.approx(0.7775, abs=0.037), 0)

    def test_moves_legally_in_positions_that_no_game_reaches(self, at):
        player = PerfectTicTacToePlayer(0)
        impossible = at(TIC_TAC_TOE, *["XXX XX. ..."] * 50)
        assert set(player.choose(impossible).numpy()) == {5, 6, 7, 8}


@needs_solver
class TestConnectFour:
    @pytest.mark.parametrize("name", positions.SETS)
    def test_never_loses_value_in_labelled_positions(self, name):
        self.check(name, step=50)

    @pytest.mark.slow
    @pytest.mark.parametrize("name", positions.SETS)
    def test_never_loses_value_in_any_labelled_position(self, name):
        self.check(name, step=1)

    def check(self, name, step):
        labelled = positions.load(name)
        rows = np.arange(len(labelled))[::step]
        for seat, among, allowed in ((0, "best", labelled.perfect), (1, "value", labelled.good)):
            player = PerfectConnectFourPlayer(seat, among)
            moves = player.act(time_step_at(CONNECT_FOUR, labelled.boards(seat)[rows], seat)).numpy()
            assert allowed[rows, moves].all()

    def test_draws_among_all_moves_that_qualify(self):
        labelled = positions.load("late")
        time_step = time_step_at(CONNECT_FOUR, labelled.boards(1)[:40], 1)
        player, seen = PerfectConnectFourPlayer(1, "value"), np.zeros([40, 7], bool)
        for _ in range(60):
            seen[np.arange(40), player.act(time_step)] = True
        np.testing.assert_array_equal(seen, labelled.good[:40])

    def test_scores_are_those_of_the_labels(self):
        labelled = positions.load("late")
        for row in range(0, 1000, 25):
            scores = solver.scores(labelled.boards(0)[row], 0)
            np.testing.assert_array_equal(scores[labelled.legal[row]], labelled.scores[row, labelled.legal[row]])
            assert (scores[~labelled.legal[row]] < -21).all()

    def test_wins_when_it_begins_also_in_a_graph(self):
        environment = BoardGameEnvironment(CONNECT_FOUR, 2, first_mover="seat_0")
        player, opponent = PerfectConnectFourPlayer(0), make_player("heuristic", CONNECT_FOUR, 1)

        @tf.function(autograph=False)
        def ply(number):
            time_step = environment.current_time_step()
            mine = tf.equal(number % 2, 0)
            return environment.step(tf.cond(mine, lambda: player.act(time_step), lambda: opponent.act(time_step)))

        environment.reset()
        for number in range(42):
            over = ply(tf.constant(number)).is_last().numpy()
            if over.any():
                assert environment.outcome().numpy()[over].tolist() == [0] * over.sum()
                break
        else:
            pytest.fail("nobody won")

    def test_boards_that_no_game_reaches_are_refused(self, at):
        with pytest.raises(ValueError, match="no game of connect four leads to this board"):
            PerfectConnectFourPlayer(0).act(at(CONNECT_FOUR, "......." * 5 + "XXX...."))


def test_a_missing_solver_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install bitbully bitbully-databases"):
        make_player("perfect", CONNECT_FOUR)
    make_player("perfect", TIC_TAC_TOE)


def test_games_without_a_perfect_player_are_refused():
    with pytest.raises(ValueError, match="^unknown player 'perfect': choose random, .*") as error:
        make_player("perfect", "8x8x5")
    assert str(error.value).count("perfect") == 1  # it is none of those to choose from


def test_another_way_to_draw_is_refused():
    with pytest.raises(ValueError, match="among = 'worst'"):
        PerfectTicTacToePlayer(0, "worst")
