"""The environment against a plain-Python game, against TF-Agents' own checks, and move by move on drawn boards."""

import contextlib
import random

import numpy as np
import pytest
import tensorflow as tf
from oracle import DRAW, FIRST, ILLEGAL, LAST, MID, PASS, RUNNING, PlainGame, read_boards
from tf_agents.drivers import dynamic_episode_driver
from tf_agents.environments import tf_py_environment
from tf_agents.environments import utils as environment_utils
from tf_agents.policies import random_tf_policy
from tf_agents.specs import array_spec, tensor_spec
from tf_agents.utils import nest_utils

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import BoardGameEnvironment, Rewards, time_step_at
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.py_environment import BoardGamePyEnvironment

GOMOKU = BoardGame("gomoku", rows=8, columns=8, k=4, gravity=False)  # cell 63 is the sign of an int64


def stepper(environment, mode):
    if mode == "eager":
        return environment.step
    return tf.function(environment.step, autograph=False, jit_compile=mode == "compiled")


def numpy(nest):
    return tf.nest.map_structure(lambda x: x.numpy(), nest)


def assert_equal(nest, other):
    tf.nest.map_structure(np.testing.assert_array_equal, nest, other)


def chi_square(counts):
    """Pearson's statistic of counts that should all be equal."""
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)


def shows(time_step, game=0):
    """Step type, rewards of both seats, discount, board and seat to move of one of the parallel games."""
    seen = numpy(tf.nest.map_structure(lambda x: x[game], time_step))
    return (
        int(seen.step_type),
        seen.reward.tolist(),
        float(seen.discount),
        seen.observation["board"].tolist(),
        int(seen.observation["seat"]),
    )


# Random games against a game in plain Python


@pytest.mark.parametrize(("game", "steps"), [(TIC_TAC_TOE, 80), (CONNECT_FOUR, 110), (GOMOKU, 120)])
def test_random_games_are_those_of_plain_python_eagerly_in_a_graph_and_compiled(game, steps):
    """1 action in 10 passes and 1 in 40 is any number; games begin again as they end."""
    rng, batch_size, outcomes = random.Random(0), 40, []
    environments = {
        mode: BoardGameEnvironment(game, batch_size, first_mover="alternate") for mode in ("eager", "graph", "compiled")
    }
    step = {mode: stepper(environment, mode) for mode, environment in environments.items()}
    for environment in environments.values():
        environment.reset()
    begins = [0] * batch_size
    games = [PlainGame(game, 0) for _ in range(batch_size)]
    for _ in range(steps):
        actions = []
        for plain in games:
            moves = [action for action, legal in enumerate(plain.legal_moves()) if legal]
            kind = rng.random()
            any_number = kind < 0.025 or not moves
            actions.append(
                rng.randrange(-3, game.num_actions + 3) if any_number else PASS if kind < 0.125 else rng.choice(moves)
            )
        time_steps = {mode: numpy(step[mode](tf.constant(actions))) for mode in step}
        for i, action in enumerate(actions):
            if games[i].step_type == LAST:
                outcomes.append(games[i].outcome)
                begins[i] = 1 - begins[i]
                games[i] = PlainGame(game, begins[i])
            else:
                games[i].step(action)
        step_type, reward, discount, board, seat = map(np.array, zip(*(plain.shows() for plain in games), strict=True))
        for mode, time_step in time_steps.items():
            assert_equal(
                (time_step, environments[mode].outcome()),
                (
                    time_step._replace(
                        step_type=step_type,
                        reward=reward,
                        discount=discount,
                        observation={
                            "board": board,
                            "legal_moves": np.array([plain.legal_moves() for plain in games]),
                            "seat": seat,
                        },
                    ),
                    np.array([plain.outcome for plain in games]),
                ),
            )
    assert {0, 1, ILLEGAL} <= set(outcomes) and len(outcomes) > batch_size
    assert game is not TIC_TAC_TOE or DRAW in outcomes


@pytest.mark.parametrize("first_mover", ["random", "alternate"])
def test_openings_and_first_movers_are_the_same_eagerly_in_a_graph_and_compiled(first_mover):
    rng = np.random.default_rng(0)
    environments = {
        mode: BoardGameEnvironment(CONNECT_FOUR, 64, first_mover=first_mover, opening_plies=3, seed=3)
        for mode in ("eager", "graph", "compiled")
    }
    step = {mode: stepper(environment, mode) for mode, environment in environments.items()}
    for environment in environments.values():
        environment.reset()
    for _ in range(40):
        action = tf.constant(rng.integers(0, 7, 64))
        eager, graph, compiled = (numpy(step[mode](action)) for mode in step)
        assert_equal(eager, graph)
        assert_equal(eager, compiled)


# One game, move by move


def test_a_game_of_tic_tac_toe_from_its_first_time_step_to_the_next_games():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    nothing = [0.0, 0.0]
    assert shows(environment.reset()) == (FIRST, nothing, 1.0, [[0, 0, 0], [0, 0, 0], [0, 0, 0]], 0)
    assert shows(environment.step([4])) == (MID, nothing, 1.0, [[0, 0, 0], [0, 1, 0], [0, 0, 0]], 1)
    assert shows(environment.step([0])) == (MID, nothing, 1.0, [[2, 0, 0], [0, 1, 0], [0, 0, 0]], 0)
    assert shows(environment.step([2])) == (MID, nothing, 1.0, [[2, 0, 1], [0, 1, 0], [0, 0, 0]], 1)
    assert shows(environment.step([8])) == (MID, nothing, 1.0, [[2, 0, 1], [0, 1, 0], [0, 0, 2]], 0)
    assert environment.outcome().numpy().tolist() == [RUNNING]
    assert shows(environment.step([6])) == (LAST, [1.0, -1.0], 0.0, [[2, 0, 1], [0, 1, 0], [1, 0, 2]], 1)
    assert environment.outcome().numpy().tolist() == [0]
    assert shows(environment.current_time_step())[:3] == (LAST, [1.0, -1.0], 0.0)
    assert shows(environment.step([6])) == (FIRST, nothing, 1.0, [[0, 0, 0], [0, 0, 0], [0, 0, 0]], 0)
    assert environment.outcome().numpy().tolist() == [RUNNING]


WIN_OR_DRAW = """
    X O X
    X O O
    O X .
"""
WIN_ON_THE_LAST_CELL = """
    X O X
    O X O
    O X .
"""
O_TO_WIN = """
    X X O
    X O .
    . . .
"""


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_the_end_of_a_game_pays_what_rewards_say(mode):
    """Four games side by side: a draw, a win on the very last cell, a win of seat 1, and an illegal move of seat 1."""
    rewards = Rewards(win=2.0, loss=-3.0, draw=0.5, illegal=-7.0)
    environment = BoardGameEnvironment(TIC_TAC_TOE, 4, rewards=rewards)
    environment.set_board(read_boards(WIN_OR_DRAW, WIN_ON_THE_LAST_CELL, O_TO_WIN, O_TO_WIN), [0, 0, 1, 1])
    time_step = stepper(environment, mode)([8, 8, 6, 0])
    assert time_step.reward.numpy().tolist() == [[0.5, 0.5], [2.0, -3.0], [-3.0, 2.0], [0.0, -7.0]]
    assert time_step.discount.numpy().tolist() == [0.0, 0.0, 0.0, 0.0]
    assert environment.outcome().numpy().tolist() == [DRAW, 0, 1, ILLEGAL]


def test_an_illegal_move_ends_the_game_with_minus_five_and_leaves_the_board():
    environment = BoardGameEnvironment(TIC_TAC_TOE, 2)
    environment.set_board(read_boards(O_TO_WIN, WIN_OR_DRAW), [1, 0])
    first, second = read_boards(O_TO_WIN, WIN_OR_DRAW).tolist()
    assert shows(environment.step([0, 9]), 0) == (LAST, [0.0, -5.0], 0.0, first, 0)
    assert shows(environment.current_time_step(), 1) == (LAST, [-5.0, 0.0], 0.0, second, 1)


def test_illegal_moves_can_be_refused_with_an_error_that_changes_nothing():
    environment = BoardGameEnvironment(TIC_TAC_TOE, 2, illegal_move="error")
    before = numpy(environment.set_board(read_boards(O_TO_WIN, O_TO_WIN), 1))
    with pytest.raises(ValueError, match="^move 4 is illegal in game 1: legal moves are 5, 6, 7, 8$"):
        environment.step([5, 4])
    assert_equal(numpy(environment.current_time_step()), before)
    assert environment.step([6, PASS]).reward.numpy().tolist() == [[-1.0, 1.0], [0.0, 0.0]]
    assert shows(environment.step([4, 5]))[0] == FIRST  # the move after a game's end is ignored, whatever it is

    environment.set_board(read_boards(O_TO_WIN, O_TO_WIN), 1)
    compiled = stepper(environment, "compiled")([5, 4])
    assert compiled.reward.numpy().tolist() == [[0.0, 0.0], [0.0, -5.0]]


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_pass_leaves_a_running_game_as_it_is(mode):
    environment = BoardGameEnvironment(TIC_TAC_TOE, 3, first_mover="seat_1")
    environment.set_board(read_boards(O_TO_WIN, O_TO_WIN, ". . .\n. . .\n. . ."), 1)
    step = stepper(environment, mode)
    before = numpy(environment.current_time_step())
    assert_equal(numpy(step([PASS, PASS, PASS])), before)  # the third game's step stays FIRST
    after = step([PASS, 6, PASS])
    assert shows(after, 0) == (MID, [0.0, 0.0], 1.0, read_boards(O_TO_WIN)[0].tolist(), 1)
    assert shows(after, 1)[:3] == (LAST, [-1.0, 1.0], 0.0)
    after = step([PASS, PASS, 4])
    assert shows(after, 1) == (FIRST, [0.0, 0.0], 1.0, [[0] * 3] * 3, 1)  # a game that is over begins again
    assert shows(after, 2) == (MID, [0.0, 0.0], 1.0, [[0] * 3, [0, 2, 0], [0] * 3], 0)


@pytest.mark.parametrize("action", [[[0, 1]], [0], [0, 1, 2], 0])
def test_one_action_per_game_is_needed(action):
    environment = BoardGameEnvironment(TIC_TAC_TOE, 2)
    shape = tuple(np.shape(action))
    with pytest.raises(ValueError) as error:
        environment.step(action)
    assert str(error.value) == (
        f"actions have shape {shape}: one action for each of the 2 parallel games is needed, shape (2,)"
    )


def test_the_tallies_say_how_each_game_of_the_step_ended():
    """Five games side by side: seat 0 wins, seat 1 wins, a draw, an illegal move of seat 1, and one that goes on."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 5)
    assert environment.tallies == ("player_1_wins", "player_2_wins", "draws", "illegal")
    environment.set_board(read_boards(WIN_ON_THE_LAST_CELL, O_TO_WIN, WIN_OR_DRAW, O_TO_WIN, O_TO_WIN), [0, 1, 0, 1, 1])
    for step in map(lambda mode: stepper(environment, mode), ("eager", "graph", "compiled")):
        state = environment.get_state()
        assert not environment.tally().numpy().any()
        step([8, 6, 8, 0, 5])
        np.testing.assert_array_equal(environment.tally(), np.eye(5, 4, dtype=bool))
        step([0] * 5)  # new games, but for the last one, in which cell 0 is taken
        np.testing.assert_array_equal(environment.tally()[:4], np.zeros([4, 4]))
        assert environment.tally()[4].numpy().tolist() == [False, False, False, True]
        environment.set_state(state)


# How games begin


def test_the_first_mover_is_drawn_for_each_game():
    environment = BoardGameEnvironment(TIC_TAC_TOE, 2000, first_mover="random")
    first, second = (environment.reset().observation["seat"].numpy() for _ in range(2))
    assert 900 < first.sum() < 1100 and 900 < second.sum() < 1100  # half of 2,000, within 4.5 standard deviations
    assert 900 < (first != second).sum() < 1100
    assert set(first) == {0, 1}


@pytest.mark.parametrize(("first_mover", "seat"), [("seat_0", 0), ("seat_1", 1)])
def test_the_first_mover_can_be_one_seat(first_mover, seat):
    environment = BoardGameEnvironment(TIC_TAC_TOE, 50, first_mover=first_mover, opening_plies=4)
    for _ in range(3):
        observation = environment.reset().observation
        plies = np.count_nonzero(observation["board"], axis=(1, 2))
        np.testing.assert_array_equal(observation["seat"], (seat + plies) % 2)


def test_seats_can_begin_a_games_successors_in_turn():
    """Of two parallel games the first ends again and again, by an illegal move, while the other waits."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 2, first_mover="alternate")
    seats = [environment.reset().observation["seat"].numpy().tolist()]
    for _ in range(3):
        environment.step([9, PASS])
        seats.append(environment.step([0, PASS]).observation["seat"].numpy().tolist())
    assert seats == [[0, 0], [1, 0], [0, 0], [1, 0]]


def test_openings_have_zero_to_n_plies_with_equal_probability():
    environment = BoardGameEnvironment(TIC_TAC_TOE, 5000, opening_plies=4, seed=1)  # no game ends within 4 plies
    plies = np.count_nonzero(environment.reset().observation["board"], axis=(1, 2))
    counts = np.bincount(plies, minlength=5)
    assert len(counts) == 5 and chi_square(counts) < 18.5  # 99.9 % of 4 degrees of freedom


def test_the_plies_of_an_opening_are_drawn_one_by_one_among_the_legal_moves():
    """Of all openings of two plies each of the 9 x 8 comes up equally often."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 18_000, opening_plies=2, first_mover="seat_0", seed=2)
    board = environment.reset().observation["board"].numpy().reshape(-1, 9)
    board = board[np.count_nonzero(board, axis=1) == 2]
    counts = np.zeros([9, 9])
    np.add.at(counts, ((board == 1).argmax(axis=1), (board == 2).argmax(axis=1)), 1)
    assert 5700 < counts.sum() < 6300 and not counts.diagonal().any()
    assert 40.0 < chi_square(counts[~np.eye(9, dtype=bool)]) < 112.3  # 0.1 % and 99.9 % of 71 degrees of freedom


@pytest.mark.parametrize(("game", "opening_plies"), [(TIC_TAC_TOE, 8), (CONNECT_FOUR, 41), (CONNECT_FOUR, 12)])
def test_an_opening_is_a_running_game_that_could_have_been_played(game, opening_plies):
    environment = BoardGameEnvironment(game, 500, first_mover="seat_0", opening_plies=opening_plies)
    time_step = numpy(environment.reset())
    board, seat = time_step.observation["board"], time_step.observation["seat"]
    assert np.all(time_step.step_type == FIRST) and np.all(time_step.observation["legal_moves"].any(axis=1))
    assert np.all(environment.outcome() == RUNNING)
    stones_0, stones_1 = (board == 1).sum(axis=(1, 2)), (board == 2).sum(axis=(1, 2))
    np.testing.assert_array_equal(stones_0 - stones_1, seat)  # seat 0 began
    assert np.all(stones_0 + stones_1 <= opening_plies) and (stones_0 + stones_1).max() > opening_plies / 3
    for i in range(500):
        plain = PlainGame(game, 0, board[i])
        assert not plain.has_line(1) and not plain.has_line(2)
        if game.gravity:
            assert all(below for cell, below in zip(plain.cells, plain.cells[game.columns :]) if cell)


def test_the_ply_after_an_opening_can_win():
    """Six plies are enough for three X of a line when seat 0 began: the next may win on the first step."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 300, first_mover="seat_0", opening_plies=6, seed=4)
    observation = numpy(environment.reset().observation)
    wins = 0
    for cell in range(9):
        state = environment.get_state()
        time_step = numpy(environment.step([cell] * 300))
        for i in range(300):
            plain = PlainGame(TIC_TAC_TOE, int(observation["seat"][i]), observation["board"][i])
            plain.step(cell)
            assert time_step.reward[i].tolist() == plain.reward
            wins += plain.outcome in (0, 1)
        environment.set_state(state)
    assert wins > 50


def games_begun(opening_plies, half_rounds=16):
    """Seat 0 loses each game at its first move. Of each game that began: who began, its plies, who moves, who is asked.
    """
    environment = BoardGameEnvironment(TIC_TAC_TOE, 500, opening_plies=opening_plies, seed=5)
    environment.reset()
    for half_round in range(half_rounds):
        asked = half_round % 2
        began, state = environment.begin_next(asked), environment.get_state()
        assert not environment.current_time_step().is_last().numpy().any()
        plies = np.count_nonzero(environment.current_time_step().observation["board"], axis=(1, 2))
        for game in np.flatnonzero(began):
            yield int(state.first_mover[game]), int(plies[game]), int(state.seat[game]), asked
        moves = 9 if asked == 0 else tf.argmax(environment.game.legal_moves(state.stones), axis=1, output_type=tf.int32)
        environment.step(tf.where(state.seat == asked, moves, PASS))


@pytest.mark.parametrize("opening_plies", [0, 4])
def test_whoever_is_asked_next_each_seat_begins_half_of_the_games(opening_plies):
    began, plies, moves, asked = np.transpose([*games_begun(opening_plies)])
    assert len(began) > 2000 and asked.mean() > 0.8  # the winner, if whoever is asked next began
    assert 0.45 < began.mean() < 0.55
    assert 0.45 < (moves == asked)[plies == 0].mean() < 0.55
    np.testing.assert_array_equal(moves[plies > 0], asked[plies > 0])
    counts = np.bincount(plies, minlength=opening_plies + 1)
    assert len(counts) == opening_plies + 1 and chi_square(counts) < 18.5  # 99.9 % of 4 degrees of freedom


def test_games_that_go_on_stay_as_they_are_when_others_begin():
    environment = BoardGameEnvironment(TIC_TAC_TOE, 2, first_mover="seat_0")
    environment.reset()
    environment.step([9, 4])
    before = shows(environment.current_time_step(), game=1)
    assert environment.begin_next(1).numpy().tolist() == [True, False]
    assert shows(environment.current_time_step(), game=0) == (FIRST, [0, 0], 1, [[0, 0, 0]] * 3, 0)
    assert shows(environment.current_time_step(), game=1) == before
    assert environment.begin_next(1).numpy().tolist() == [False, False]


# Seeds


def beginnings(seed, count=3, **settings):
    environment = BoardGameEnvironment(CONNECT_FOUR, 40, opening_plies=8, seed=seed, **settings)
    return [numpy(environment.reset().observation) for _ in range(count)]


def test_the_same_seed_begins_the_same_games_and_another_seed_others():
    assert_equal(beginnings(seed=5), beginnings(seed=5))
    for one, other in zip(beginnings(seed=5), beginnings(seed=6), strict=True):
        assert (one["board"] != other["board"]).any() and (one["seat"] != other["seat"]).any()


def test_the_global_seed_and_other_environments_shift_nothing():
    expected = beginnings(seed=5)
    tf.random.set_seed(1)
    tf.random.uniform([10])
    beginnings(seed=1)
    assert_equal(beginnings(seed=5), expected)


def test_a_checkpoint_holds_the_games_and_the_random_numbers(tmp_path):
    environment = BoardGameEnvironment(TIC_TAC_TOE, 20, opening_plies=3, seed=1)
    environment.reset()
    environment.step([4] * 20)
    path = tf.train.Checkpoint(environment=environment).write(str(tmp_path / "checkpoint"))
    shown = numpy(environment.current_time_step())
    expected = [numpy(environment.step([action] * 20)) for action in (0, 8, 2, 6, 1, 7, 3, 5)]

    other = BoardGameEnvironment(TIC_TAC_TOE, 20, opening_plies=3, seed=2)
    tf.train.Checkpoint(environment=other).read(path).assert_consumed()
    assert_equal(numpy(other.current_time_step()), shown)
    assert_equal([numpy(other.step([action] * 20)) for action in (0, 8, 2, 6, 1, 7, 3, 5)], expected)


# Setting and reading the state


def test_a_state_that_was_read_can_be_set_again():
    environment = BoardGameEnvironment(CONNECT_FOUR, 3, first_mover="seat_0")
    environment.reset()
    environment.step([3, 2, 7])  # the third game ends by an illegal move
    state = environment.get_state()
    shown = numpy(environment.current_time_step())
    first = numpy(environment.step([3, 3, 3]))
    environment.step([0, 0, 0])

    environment.set_state(state)
    assert_equal(numpy(environment.current_time_step()), shown)
    assert environment.outcome().numpy().tolist() == [RUNNING, RUNNING, ILLEGAL]
    assert_equal(numpy(environment.step([3, 3, 3])), first)


def test_a_position_can_be_set_and_played_on():
    threat = """
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . O . . .
        . . . O . . .
        . X X X . . .
    """
    environment = BoardGameEnvironment(CONNECT_FOUR, 2, first_mover="alternate")
    shown = environment.set_board(read_boards(threat, threat), seat=[0, 0])
    assert shows(shown) == (MID, [0.0, 0.0], 1.0, read_boards(threat)[0].tolist(), 0)
    time_step = environment.step([4, 6])
    assert shows(time_step, 0)[:3] == (LAST, [1.0, -1.0], 0.0)
    assert shows(time_step, 1)[:3] == (MID, [0.0, 0.0], 1.0)
    # 5 stones lie there and seat 0 is to move: so seat 1 began, and seat 0 begins the next game.
    assert environment.step([0, 0]).observation["seat"].numpy()[0] == 0


def test_a_position_that_is_set_may_be_a_games_first_or_last():
    drawn = """
        X O X
        X O O
        O X X
    """
    won_by_both_diagonals = """
        X O X
        O X O
        X O X
    """
    won_by_seat_1 = """
        O X X
        O X .
        O . .
    """
    empty = ". . .\n. . .\n. . ."
    environment = BoardGameEnvironment(TIC_TAC_TOE, 5, rewards=Rewards(win=3.0, loss=-2.0, draw=0.25))
    time_step = environment.set_board(read_boards(empty, drawn, won_by_both_diagonals, won_by_seat_1, O_TO_WIN), 1)
    assert time_step.step_type.numpy().tolist() == [FIRST, LAST, LAST, LAST, MID]
    assert time_step.discount.numpy().tolist() == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert time_step.reward.numpy().tolist() == [[0.0, 0.0], [0.25, 0.25], [3.0, -2.0], [-2.0, 3.0], [0.0, 0.0]]
    assert environment.outcome().numpy().tolist() == [RUNNING, DRAW, 0, 1, RUNNING]


@pytest.mark.parametrize(
    ("board", "seat", "sentence"),
    [
        (np.zeros([6, 7]), 0, "boards have shape (6, 7): (2, 6, 7) is needed"),
        (np.zeros([1, 6, 7]), 0, "boards have shape (1, 6, 7): (2, 6, 7) is needed"),
        (np.full([2, 6, 7], 3), 0, "boards hold a value other than 0 (empty), 1 and 2 (the seats' stones)"),
        (np.full([2, 6, 7], 0.5), 0, "boards hold a value other than 0 (empty), 1 and 2 (the seats' stones)"),
        (
            np.eye(6, 7, dtype=int)[None].repeat(2, axis=0),
            0,
            "boards hold a stone above an empty cell: in this game stones fall",
        ),
        (np.zeros([2, 6, 7]), [0, 2], "seat = [0, 2]: seats are 0 and 1"),
        (np.zeros([2, 6, 7]), [0, 0.5], "seat = [0.0, 0.5]: seats are 0 and 1"),
        (np.zeros([2, 6, 7]), [0, 1, 0], "seat has shape (3,): one seat, or one for each of the 2 games, is needed"),
    ],
)
def test_a_position_that_does_not_fit_is_refused_in_one_sentence(board, seat, sentence):
    environment = BoardGameEnvironment(CONNECT_FOUR, 2)
    before = numpy(environment.reset())
    with pytest.raises(ValueError) as error:
        environment.set_board(board, seat)
    assert str(error.value) == sentence
    assert_equal(numpy(environment.current_time_step()), before)


@pytest.mark.parametrize(("game", "opening_plies"), [(TIC_TAC_TOE, 5), (CONNECT_FOUR, 20)])
def test_time_step_at_is_what_the_environment_shows(game, opening_plies):
    environment = BoardGameEnvironment(game, 60, opening_plies=opening_plies)
    observation = numpy(environment.reset().observation)
    shown = environment.set_board(observation["board"], observation["seat"])
    running = tf.where(observation["board"].any(axis=(1, 2)))[:, 0]  # time_step_at shows the middle of games
    shown = tf.nest.map_structure(lambda x: tf.gather(x, running), shown)
    assert len(running) > 30
    at = time_step_at(game, shown.observation["board"], shown.observation["seat"])
    assert_equal(numpy(at), numpy(shown))
    assert nest_utils.is_batched_nested_tensors(at, environment.time_step_spec())


def test_time_step_at_takes_one_seat_for_all_positions():
    at = time_step_at(TIC_TAC_TOE, read_boards(O_TO_WIN, WIN_OR_DRAW), 1)
    assert at.observation["seat"].numpy().tolist() == [1, 1]
    np.testing.assert_array_equal(at.observation["legal_moves"], [np.arange(9) > 4, np.arange(9) == 8])
    assert not at.observation["legal_moves"].numpy()[0, 4]


# As TF-Agents sees it


@pytest.mark.parametrize("game", [TIC_TAC_TOE, CONNECT_FOUR, GOMOKU], ids=lambda game: game.name)
@pytest.mark.parametrize("batch_size", [1, 7])
def test_what_comes_out_is_what_the_specs_say(game, batch_size):
    environment = BoardGameEnvironment(game, batch_size, opening_plies=3)
    spec = environment.time_step_spec()
    assert environment.batched and environment.batch_size == batch_size
    assert spec.observation["board"].shape == [game.rows, game.columns] and spec.reward.shape == [2]
    assert environment.action_spec() == tensor_spec.BoundedTensorSpec([], tf.int32, 0, game.num_actions - 1, "action")
    array_specs = array_spec.add_outer_dims_nest(tensor_spec.to_nest_array_spec(spec), (batch_size,))
    rng = np.random.default_rng(0)
    for time_step in [environment.current_time_step(), environment.reset()] + [
        environment.step(rng.integers(0, game.num_actions, batch_size)) for _ in range(20)
    ]:
        assert nest_utils.is_batched_nested_tensors(time_step, spec)
        assert array_spec.check_arrays_nest(numpy(time_step), array_specs)


def test_tf_agents_drivers_and_policies_play_it():
    """Random TF-Agents players that see the legal moves: as many wins as losses, and no illegal move."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 16)
    policy = random_tf_policy.RandomTFPolicy(
        environment.time_step_spec(),
        environment.action_spec(),
        observation_and_action_constraint_splitter=lambda seen: (seen["board"], seen["legal_moves"]),
    )
    rewards, ends = [], []

    def observer(trajectory):
        rewards.append(trajectory.reward.numpy())
        ends.append(trajectory.next_step_type.numpy() == LAST)

    dynamic_episode_driver.DynamicEpisodeDriver(environment, policy, [observer], num_episodes=64).run()
    paid = np.concatenate(rewards)[np.concatenate(ends)]
    assert len(paid) >= 64
    assert set(map(tuple, paid.tolist())) == {(1.0, -1.0), (-1.0, 1.0), (0.0, 0.0)}


@pytest.mark.parametrize("game", [TIC_TAC_TOE, CONNECT_FOUR], ids=lambda game: game.name)
@pytest.mark.parametrize("splitter", [None, lambda seen: (seen["board"], seen["legal_moves"])], ids=["any", "legal"])
def test_tf_agents_validates_the_py_environment(game, splitter):
    environment = BoardGamePyEnvironment(game)
    environment_utils.validate_py_environment(environment, 5, splitter)


@pytest.mark.parametrize("game", [TIC_TAC_TOE, CONNECT_FOUR], ids=lambda game: game.name)
@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_the_py_environment_in_tf_agents_wrapper_plays_the_same_games(game, mode):
    wrapped = tf_py_environment.TFPyEnvironment(BoardGamePyEnvironment(game, seed=7, opening_plies=2))
    environment = BoardGameEnvironment(game, seed=7, opening_plies=2)
    assert wrapped.time_step_spec() == environment.time_step_spec()
    assert wrapped.action_spec() == environment.action_spec()
    step, rng = stepper(wrapped, mode), np.random.default_rng(1)
    with contextlib.closing(wrapped):
        assert_equal(numpy(wrapped.reset()), numpy(environment.reset()))
        for _ in range(40):
            action = tf.constant(rng.integers(0, game.num_actions, 1), tf.int32)
            assert_equal(numpy(step(action)), numpy(environment.step(action)))


def test_the_py_environment_shows_one_game_without_a_batch_dimension():
    environment = BoardGamePyEnvironment(TIC_TAC_TOE, first_mover="seat_1", rewards=Rewards(illegal=-2.0))
    with pytest.raises(ValueError):
        environment.current_time_step()
    time_step = environment.reset()
    assert time_step.observation["board"].tolist() == [[0] * 3] * 3 and time_step.observation["seat"] == 1
    assert environment.step(np.int32(4)).observation["board"].tolist() == [[0] * 3, [0, 2, 0], [0] * 3]
    time_step = environment.step(np.int32(4))
    assert time_step.is_last() and time_step.reward.tolist() == [-2.0, 0.0] and time_step.discount == 0.0
    assert environment.step(np.int32(0)).is_first()
    assert environment.render() == ". . .\n. . .\n. . ."


def test_the_py_environments_state_can_be_read_and_set():
    environment = BoardGamePyEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    environment.reset()
    before = environment.step(np.int32(4))
    state = environment.get_state()
    after = environment.step(np.int32(0))
    environment.step(np.int32(0))  # illegal: the game is over
    environment.set_state(state)
    assert_equal(environment.current_time_step(), before)
    assert_equal(environment.step(np.int32(0)), after)


def test_the_py_environment_refuses_illegal_moves_if_asked():
    environment = BoardGamePyEnvironment(CONNECT_FOUR, illegal_move="error")
    environment.reset()
    with pytest.raises(ValueError, match="^move 7 is illegal in game 0: legal moves are 0, 1, 2, 3, 4, 5, 6$"):
        environment.step(np.int32(7))


# How it draws itself


def test_it_draws_all_boards_as_text_and_the_first_eight_in_a_notebook():
    environment = BoardGameEnvironment(TIC_TAC_TOE, 10)
    environment.set_board(read_boards(O_TO_WIN, WIN_OR_DRAW, *[". . .\n. . .\n. . ."] * 8), 0)
    drawings = environment.render().split("\n\n")
    assert drawings[:2] == ["X X O\nX O .\n. . .", "X O X\nX O O\nO X ."] and len(drawings) == 10
    html = environment._repr_html_()
    assert html.count("<svg") == 8 and html.count('aria-label="tic tac toe: XXO / XO. / ..."') == 1


# Bad settings


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"batch_size": 0}, "batch_size = 0: an environment needs at least 1 game"),
        ({"batch_size": -4}, "batch_size = -4: an environment needs at least 1 game"),
        ({"first_mover": "black"}, "first_mover = 'black': choose random, seat_0, seat_1 or alternate"),
        ({"opening_plies": -1}, "opening_plies = -1: tic_tac_toe takes 0 to 8"),
        ({"opening_plies": 9}, "opening_plies = 9: tic_tac_toe takes 0 to 8"),
        ({"illegal_move": "ignore"}, "illegal_move = 'ignore': choose penalty or error"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_sentence(settings, sentence):
    with pytest.raises(ValueError) as error:
        BoardGameEnvironment(TIC_TAC_TOE, **settings)
    assert str(error.value) == sentence
