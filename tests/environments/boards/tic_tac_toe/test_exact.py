"""The exact tables against a plain recursive minimax, and the measurements against published and hand-counted ones."""

import functools
import subprocess
import sys
import time

import numpy as np
import pytest

from imagents.environments.boards.tic_tac_toe import exact

LINES = ["012", "345", "678", "036", "147", "258", "048", "246"]


# An independent brute force: a board is a string of nine of "X", "O" and ".", X moves first.


def winner(board):
    for line in LINES:
        stones = {board[int(cell)] for cell in line}
        if len(stones) == 1 and stones != {"."}:
            return stones.pop()
    return None


def mover(board):
    return "XO"[(9 - board.count(".")) % 2]


def children(board):
    return {cell: board[:cell] + mover(board) + board[cell + 1 :] for cell in range(9) if board[cell] == "."}


@functools.cache
def minimax(board):
    """The game's value for X."""
    if winner(board):
        return 1 if winner(board) == "X" else -1
    if "." not in board:
        return 0
    return (max if mover(board) == "X" else min)(map(minimax, children(board).values()))


@functools.cache
def decision_positions():
    reached, queue = set(), ["." * 9]
    while queue:
        board = queue.pop()
        if board not in reached and not winner(board) and "." in board:
            reached.add(board)
            queue.extend(children(board).values())
    return reached


def game_results(agents_move, agent, board="." * 9):
    """Plays `agents_move(board)` for the agent ("X" or "O") against every legal reply; yields "X", "O" or "draw"."""
    if winner(board) or "." not in board:
        yield winner(board) or "draw"
    elif mover(board) != agent:
        for child in children(board).values():
            yield from game_results(agents_move, agent, child)
    elif agents_move(board) not in children(board):
        yield "XO".replace(agent, "")
    else:
        yield from game_results(agents_move, agent, children(board)[agents_move(board)])


def row_of(drawing):
    """The table's row of a position drawn as three words of X, O and "."."""
    board = drawing.replace(" ", "")
    own = np.array([stone == mover(board) for stone in board])
    empty = np.array([stone == "." for stone in board])
    return int(exact.positions().index[exact.position_code(own, ~own & ~empty)])


def drawing_of(row):
    table = exact.positions()
    own, opponent = ("XO", "OX")[table.ply[row] % 2]
    pairs = zip(table.own[row], table.opponent[row], strict=True)
    return "".join(own if is_own else opponent if is_opponent else "." for is_own, is_opponent in pairs)


def deterministic(seed, allowed):
    """An arbitrary allowed move in every position: int `[4520]`."""
    return np.where(allowed, np.random.default_rng(seed).random(allowed.shape), -1.0).argmax(axis=1)


class TestPositions:
    def test_are_those_that_play_can_reach(self):
        drawings = {drawing_of(row) for row in range(exact.NUM_POSITIONS)}
        assert len(drawings) == len(exact.positions().ply) == 4520
        assert drawings == decision_positions()

    def test_per_ply(self):
        # With the 958 positions that end a game, the well-known 5,478.
        assert np.bincount(exact.positions().ply).tolist() == [1, 9, 72, 252, 756, 1140, 1372, 696, 222]

    def test_values_are_those_of_minimax(self):
        table = exact.positions()
        for row in range(exact.NUM_POSITIONS):
            board = drawing_of(row)
            sign = 1 if mover(board) == "X" else -1
            assert table.value[row] == sign * minimax(board), board
            values = {cell: sign * minimax(child) for cell, child in children(board).items()}
            assert table.action_value[row].tolist() == [values.get(cell, exact.ILLEGAL) for cell in range(9)], board

    def test_moves_lead_where_they_should(self):
        table = exact.positions()
        for row in range(exact.NUM_POSITIONS):
            board = drawing_of(row)
            for cell, child in children(board).items():
                assert table.wins[row, cell] == (winner(child) is not None)
                following = table.next_index[row, cell]
                if child in decision_positions():
                    assert drawing_of(following) == child
                else:
                    assert following == -1
        assert (table.next_index[~table.legal] == -1).all()
        assert not table.wins[~table.legal].any()

    def test_start_is_drawn_whatever_the_first_move(self):
        assert row_of("... ... ...") == 0
        assert exact.positions().action_value[0].tolist() == [0] * 9

    @pytest.mark.parametrize(
        "drawing, optimal",
        [
            ("XX. OO. ...", [2]),  # X wins
            ("XX. .O. ...", [2]),  # O has to block
            ("X.. .O. ..X", [1, 3, 5, 7]),  # a corner would lose to a fork
            ("X.. ... ...", [4]),  # only the centre holds against a corner
            ("X.X ... OO.", [1, 8]),  # X wins at once, or blocks and wins two plies later: the value is the same
        ],
    )
    def test_optimal_moves(self, drawing, optimal):
        assert np.flatnonzero(exact.positions().optimal[row_of(drawing)]).tolist() == optimal

    def test_boards_show_the_mover_in_its_seats_colour(self):
        table = exact.positions()
        for seat in (0, 1):
            boards = table.boards(seat)
            assert boards.shape == (4520, 3, 3) and boards.dtype == np.int8
            cells = boards.reshape(-1, 9)
            assert ((cells == seat + 1) == table.own).all()
            assert ((cells == 2 - seat) == table.opponent).all()
        with pytest.raises(ValueError, match="seat = 2: seats are 0 and 1"):
            table.boards(2)

    def test_critical_positions(self):
        assert exact.positions().critical.sum() == 3191

    def test_cannot_be_changed_by_accident(self):
        with pytest.raises(ValueError, match="read-only"):
            exact.positions().value[0] = 1


class TestShares:
    def test_of_random_play(self):
        evaluation = exact.evaluate(exact.random_policy())
        assert evaluation.optimal_share == pytest.approx(0.580, abs=5e-4)
        assert evaluation.optimal_share_critical == pytest.approx(0.405, abs=5e-4)

    def test_of_one_mistake(self):
        moves = deterministic(0, exact.positions().optimal)
        moves[row_of("XX. .O. ...")] = 8
        evaluation = exact.evaluate(moves)
        assert evaluation.optimal_share == pytest.approx(4519 / 4520)
        assert evaluation.optimal_share_critical == pytest.approx(3190 / 3191)


class TestLines:
    def test_all_games(self):
        # The well-known 255,168 games, of which the first mover wins 131,184 and loses 77,904.
        evaluation = exact.evaluate(exact.random_policy())
        assert evaluation.lines_first == evaluation.lines_second == 255_168
        assert evaluation.losing_lines_first == 77_904
        assert evaluation.losing_lines_second == 131_184
        assert not evaluation.unbeatable

    @pytest.mark.parametrize("seed", range(5))
    def test_are_those_of_brute_force(self, seed):
        moves = deterministic(seed, exact.positions().legal)
        evaluation = exact.evaluate(moves)

        first = list(game_results(lambda board: moves[row_of(board)], "X"))
        second = list(game_results(lambda board: moves[row_of(board)], "O"))
        assert (evaluation.lines_first, evaluation.losing_lines_first) == (len(first), first.count("O"))
        assert (evaluation.lines_second, evaluation.losing_lines_second) == (len(second), second.count("X"))
        assert evaluation.losing_lines_first > 0 and evaluation.losing_lines_second > 0

    @pytest.mark.parametrize("seed", range(5))
    def test_optimal_moves_are_unbeatable(self, seed):
        evaluation = exact.evaluate(deterministic(seed, exact.positions().optimal))
        assert evaluation.losing_lines_first == evaluation.losing_lines_second == 0
        assert evaluation.unbeatable

    def test_one_mistake_can_be_beaten(self):
        moves = deterministic(0, exact.positions().optimal)
        moves[row_of("X.. ... ...")] = 1  # only the centre holds
        evaluation = exact.evaluate(moves)
        assert evaluation.losing_lines_first == 0
        assert evaluation.losing_lines_second > 0
        assert not evaluation.unbeatable

    def test_an_unlikely_mistake_counts_as_much_as_a_sure_one(self):
        policy = exact.optimal_policy()
        policy[row_of("X.. ... ...")] = 0.999 * np.eye(9)[4] + 0.001 * np.eye(9)[1]
        assert not exact.evaluate(policy).unbeatable

    def test_an_illegal_move_ends_one_line_and_loses_it(self):
        evaluation = exact.evaluate(np.zeros([4520], int))  # cell 0, always
        # Moving first: 0, any of 8 replies, and 0 again. Second: 1 line if the opponent took 0; else 8 x 7.
        assert (evaluation.lines_first, evaluation.losing_lines_first) == (8, 8)
        assert (evaluation.lines_second, evaluation.losing_lines_second) == (57, 57)
        assert evaluation.random_first == exact.Outcome(win=0, draw=0, loss=1)
        assert evaluation.optimal_share < 0.5


class TestOutcomes:
    def percentages(self, outcome):
        return [round(100 * share, 2) for share in (outcome.win, outcome.draw, outcome.loss)]

    def test_random_against_random(self):
        outcome = exact.match(exact.random_policy(), exact.random_policy())
        assert self.percentages(outcome) == [58.49, 12.70, 28.81]

    def test_optimal_against_random(self):
        outcome = exact.match(exact.optimal_policy(), exact.random_policy())
        assert self.percentages(outcome) == [96.78, 3.22, 0]

    def test_random_against_optimal(self):
        outcome = exact.match(exact.random_policy(), exact.optimal_policy())
        assert self.percentages(outcome) == [0, 22.25, 77.75]

    def test_best_response_to_random(self):
        first = exact.match(None, exact.random_policy())
        assert self.percentages(first) == [99.48, 0.52, 0]
        # Several best responses share the value 0.9249; the one of the lowest cells wins 93.23 %.
        second = exact.match(exact.random_policy(), None).turned()
        assert self.percentages(second) == [93.23, 6.03, 0.74]
        assert second.value == pytest.approx(0.92487, abs=5e-6)

    @pytest.mark.parametrize("first, second", [("optimal", "optimal"), ("optimal", None), (None, "optimal")])
    def test_optimal_play_is_a_draw(self, first, second):
        policies = [exact.optimal_policy() if name else None for name in (first, second)]
        assert exact.match(*policies).draw == pytest.approx(1)
        assert exact.match(None, None) == exact.Outcome(win=0, draw=1, loss=0)

    def test_match_of_two_deterministic_players_is_their_one_game(self):
        table = exact.positions()
        lowest = table.legal.argmax(axis=1)
        #  0 2 4      X O X
        #  1 3 5  ->  O X O   X has the other diagonal after 7 plies
        #  6 . .      X . .
        assert exact.match(lowest, lowest) == exact.Outcome(win=1, draw=0, loss=0)

    def test_evaluation_holds_the_same_numbers_from_the_agents_side(self):
        policy, random = deterministic(3, exact.positions().legal), exact.random_policy()
        evaluation = exact.evaluate(policy)
        assert evaluation.random_first == exact.match(policy, random)
        assert evaluation.random_second == exact.match(random, policy).turned()
        assert evaluation.best_response_first == exact.match(policy, None)
        assert evaluation.best_response_second == exact.match(None, policy).turned()
        assert evaluation.best_response_first.value == -1  # it can be beaten, so the best response beats it
        assert evaluation.best_response_first.value <= evaluation.random_first.value

    def test_expected_results_are_those_of_brute_force(self):
        moves = deterministic(1, exact.positions().legal)

        def against_random(board):
            """Probabilities of (X wins, draw, O wins), the agent being X."""
            if winner(board) or "." not in board:
                return np.eye(3)[{"X": 0, None: 1, "O": 2}[winner(board)]]
            if mover(board) == "X":
                return against_random(children(board)[moves[row_of(board)]])
            return np.mean([against_random(child) for child in children(board).values()], axis=0)

        outcome = exact.evaluate(moves).random_first
        assert [outcome.win, outcome.draw, outcome.loss] == pytest.approx(against_random("." * 9).tolist())


NO_PROBABILITIES = "moves are no probabilities: every row has to be non-negative and to sum to 1"


class TestBadInput:
    @pytest.mark.parametrize(
        "moves, sentence",
        [
            (np.zeros([4519], int), r"moves are int64 \[4519\]: integers \[4520\] or probabilities \[4520, 9\] are"),
            (np.zeros([4520]), r"moves are float64 \[4520\]: integers \[4520\] or probabilities \[4520, 9\] are"),
            (np.full([4520], 9), "moves range from 9 to 9: they are 0 to 8"),
            (np.full([4520], -1), "moves range from -1 to -1: they are 0 to 8"),
            (np.zeros([4520, 9]), NO_PROBABILITIES),
            (np.full([4520, 9], np.nan), NO_PROBABILITIES),
            (np.tile([2.0, -1.0, 0, 0, 0, 0, 0, 0, 0], [4520, 1]), NO_PROBABILITIES),
        ],
    )
    def test_is_refused_in_one_sentence(self, moves, sentence):
        with pytest.raises(ValueError, match=sentence):
            exact.evaluate(moves)

    def test_a_networks_float32_probabilities_are_accepted(self):
        policy = exact.random_policy().astype(np.float32)
        assert exact.evaluate(policy).optimal_share == pytest.approx(0.580, abs=5e-4)


def test_table_and_evaluation_take_well_under_a_second():
    started = time.perf_counter()
    table = exact.positions.__wrapped__()  # builds it anew
    assert table.critical.sum() == 3191
    exact.evaluate(exact.random_policy())
    assert time.perf_counter() - started < 1


def test_needs_no_tensorflow():
    program = "import sys, imagents.environments.boards.tic_tac_toe.exact; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
