"""The yardstick plays by the rules, and says how fast it is."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.environments import utils
from tf_agents.environments.tf_py_environment import TFPyEnvironment

from benchmarks.tutorial_loop import GAMES, BoardGame, TutorialLoop, measure, second_player_reward

DRAWN_TIC_TAC_TOE = [0, 1, 2, 4, 3, 5, 7, 6, 8]


def board_text(time_step) -> str:
    return "\n".join("".join(".XO"[cell] for cell in row) for row in time_step.observation)


def play(game: str, positions: list[int], first: int = 1):
    """Plays `positions` in turn, checks that nothing ended before the last of them, and returns its time step."""
    env = BoardGame(*GAMES[game])
    time_step = env.reset()
    for ply, position in enumerate(positions):
        assert not time_step.is_last()
        value = first if ply % 2 == 0 else 3 - first
        time_step = env.step({"position": np.array(position, np.int32), "value": np.array(value, np.int32)})
        assert time_step.is_last() or time_step.reward == 0.0
    return time_step


@pytest.mark.parametrize("game", GAMES)
def test_the_environment_keeps_its_specs(game):
    env = BoardGame(*GAMES[game])
    utils.validate_py_environment(env, episodes=20)
    assert not np.any(env.reset().observation)


@pytest.mark.parametrize(("game", "lines"), [("tic_tac_toe", 8), ("connect_four", 69)])
def test_the_number_of_winning_lines(game, lines):
    assert len(BoardGame(*GAMES[game])._lines) == lines


@pytest.mark.parametrize(
    ("game", "positions", "board"),
    [
        ("tic_tac_toe", [0, 3, 1, 4, 2], "XXX\nOO.\n..."),
        ("tic_tac_toe", [0, 1, 3, 2, 6], "XOO\nX..\nX.."),
        ("tic_tac_toe", [2, 0, 4, 1, 6], "OOX\n.X.\nX.."),
        # a win on the very last cell is a win, not a draw
        ("tic_tac_toe", [0, 1, 2, 3, 4, 5, 7, 6, 8], "XOX\nOXO\nOXX"),
        ("connect_four", [0, 0, 1, 1, 2, 2, 3], ".......\n.......\n.......\n.......\nOOO....\nXXXX..."),
        ("connect_four", [6, 0, 6, 0, 6, 0, 6], ".......\n.......\n......X\nO.....X\nO.....X\nO.....X"),
        (
            "connect_four",
            [0, 1, 1, 2, 2, 3, 2, 3, 3, 0, 3],
            ".......\n.......\n...X...\n..XX...\nOXXO...\nXOOO...",
        ),
        (
            "connect_four",
            [6, 5, 5, 4, 4, 3, 4, 3, 3, 6, 3],
            ".......\n.......\n...X...\n...XX..\n...OXXO\n...OOOX",
        ),
    ],
)
def test_a_line_wins_for_whoever_completes_it(game, positions, board):
    time_step = play(game, positions, first=1)
    assert time_step.is_last()
    assert time_step.reward == 1.0
    assert board_text(time_step) == board

    time_step = play(game, positions, first=2)
    assert time_step.is_last()
    assert time_step.reward == -1.0
    assert board_text(time_step) == board.translate(str.maketrans("XO", "OX"))


def test_a_line_does_not_go_round_the_edge():
    # ....... row 4      X X X are the last three of row 5, O O O lie on them;
    # XX..XXX row 5      the next X begins row 5 on the left.
    time_step = play("connect_four", [4, 4, 5, 5, 6, 6, 0, 1, 0])
    assert not time_step.is_last()


@pytest.mark.parametrize("first", [1, 2])
def test_a_full_board_without_a_line_is_a_draw(first):
    time_step = play("tic_tac_toe", DRAWN_TIC_TAC_TOE, first)
    assert time_step.is_last()
    assert time_step.reward == 0.0
    if first == 1:
        assert board_text(time_step) == "XOX\nXOO\nOXX"

    # Column after column. One stone set aside in column 4 lets the second mover begin columns 2 and 3, so that no four
    # neighbouring columns are alike and no four alternate.
    columns = [0] * 6 + [1] * 6 + [4] + [2] * 6 + [3] * 6 + [4] * 5 + [5] * 6 + [6] * 6
    time_step = play("connect_four", columns, first)
    assert time_step.is_last()
    assert time_step.reward == 0.0
    if first == 1:
        assert board_text(time_step) == "\n".join(["OOXXOOO", "XXOOXXX"] * 3)


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize(("game", "positions"), [("tic_tac_toe", [4, 4]), ("connect_four", [3] * 7)])
def test_an_illegal_move_ends_the_game_and_costs_its_maker_5(game, positions, first):
    before = play(game, positions[:-1], first)
    time_step = play(game, positions, first)
    assert time_step.is_last()
    assert time_step.reward == -5.0
    assert time_step.discount == 0.0
    assert board_text(time_step) == board_text(before)


def test_the_step_after_the_end_begins_the_next_game():
    move = {"position": tf.constant([4]), "value": tf.constant([1])}
    with contextlib.closing(TFPyEnvironment(BoardGame(*GAMES["tic_tac_toe"]))) as env:
        env.reset()
        assert env.step(move).observation.numpy().sum() == 1
        assert env.step(move).is_last()
        time_step = env.step(move)
    assert time_step.is_first()
    assert not np.any(time_step.observation)


def test_the_second_player_sees_rewards_the_other_way_round():
    rewards = second_player_reward(tf.constant([1.0, -1.0, 0.0, -5.0]))
    np.testing.assert_array_equal(rewards, [-1.0, 1.0, 0.0, -5.0])


def test_one_iteration_plays_ten_games_and_trains_both_players():
    with contextlib.closing(TutorialLoop("tic_tac_toe", seed=0)) as loop:
        weights = [[w.numpy() for w in player._q_network.trainable_weights] for player in loop._players]
        plies = loop.iteration()

    assert len(loop.returns) == 10
    assert {r for returns in loop.returns for r in returns} <= {1.0, 0.0, -5.0}  # a loser never sees its loss
    assert sum(int(player._buffer.num_frames()) for player in loop._players) == plies
    assert np.all(np.isfinite(loop.losses)) and np.shape(loop.losses) == (1, 2)
    for player, before in zip(loop._players, weights, strict=True):
        after = player._q_network.trainable_weights
        assert int(player.train_step_counter) == 1
        assert any(np.any(new.numpy() != old) for new, old in zip(after, before, strict=True))


@pytest.mark.slow
def test_measure_gives_figures_that_agree_with_each_other():
    figures = measure("tic_tac_toe", seconds=2.0)
    assert figures["system"] == "tutorial loop"
    assert figures["game"] == "tic_tac_toe"
    assert figures["seconds"] >= 2.0
    assert figures["plies"] > 0
    assert figures["plies_per_second"] == pytest.approx(figures["plies"] / figures["seconds"])
    iterations = figures["trained_samples_per_second"] * figures["seconds"] / (2 * 512)
    assert iterations == pytest.approx(round(iterations)) and iterations >= 1
    assert 20 <= figures["plies"] / iterations <= 90  # ten games of 2 to 9 plies
