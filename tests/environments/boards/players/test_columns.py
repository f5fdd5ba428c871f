"""The naive habits: one column, left to right, copying."""

import numpy as np
import pytest
import tensorflow as tf
from oracle import draw_board

from imagents.environments.boards.arena import Arena
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.players.columns import BeatLastPlayer, LinearPlayer, SameColumnPlayer
from imagents.players.base import RandomPlayer

EMPTY = "......." * 6


def test_same_column_stays_in_its_column_for_the_whole_game_and_changes_it_with_the_game(at):
    player = SameColumnPlayer(CONNECT_FOUR, 0, batch_size=200)
    chosen = player.act(at(CONNECT_FOUR, *[EMPTY] * 200)).numpy()
    assert set(chosen) == set(range(7))
    for stones in range(1, 6):  # each game goes on with X in its column
        boards = np.zeros([200, 6, 7], int)
        for game, column in enumerate(chosen):
            boards[game, 6 - stones :, column] = 1
        drawings = map(draw_board, boards)
        np.testing.assert_array_equal(player.act(at(CONNECT_FOUR, *drawings)), chosen)
    again = player.act(at(CONNECT_FOUR, *[EMPTY] * 200)).numpy()
    assert 0.05 < (again == chosen).mean() < 0.3  # one in seven by chance


def test_same_column_takes_another_for_good_once_its_own_is_full(at):
    player = SameColumnPlayer(CONNECT_FOUR, 0)
    column = int(player.act(at(CONNECT_FOUR, EMPTY))[0])
    full = np.zeros([6, 7], int)
    full[:, column] = [2, 2, 2, 2, 2, 1]
    second = int(player.act(at(CONNECT_FOUR, draw_board(full)))[0])
    assert second != column
    full[5, second] = 1
    third = int(player.act(at(CONNECT_FOUR, draw_board(full)))[0])
    assert third == second


@pytest.mark.parametrize(
    "board, column",
    [
        (".......", 0),
        ("X......", 1),
        ("XO.X...", 2),
        ("XXXOXXO", 5),
        ("XXXOXXX", 6),
    ],
)
def test_linear_goes_from_left_to_right(at, board, column):
    assert LinearPlayer(CONNECT_FOUR, 0).choose(at(CONNECT_FOUR, "......." * 5 + board)).numpy() == [column]


def test_linear_goes_past_full_columns_and_starts_again_at_the_left(at):
    board = """
        . . . . . O O
        . . . . . X X
        . . . . . O O
        . . . . . X X
        O . . . . O O
        X . . . . O X
    """
    assert LinearPlayer(CONNECT_FOUR, 0).choose(at(CONNECT_FOUR, board)).numpy() == [0]  # the sixth stone: 5 is full
    assert LinearPlayer(CONNECT_FOUR, 1).choose(at(CONNECT_FOUR, board, seat=1)).numpy() == [1]  # the ninth


def test_beat_last_copies_the_column_that_the_opponent_just_played():
    environment = BoardGameEnvironment(CONNECT_FOUR, 64, first_mover="seat_0", seed=3)
    opponent, player = RandomPlayer(0, seed=4), BeatLastPlayer(CONNECT_FOUR, 1, batch_size=64)
    time_step, compared = environment.reset(), 0
    for _ in range(30):
        played = opponent.act(time_step).numpy()
        time_step = environment.step(played)
        open_columns = time_step.observation["legal_moves"].numpy()[np.arange(64), np.maximum(played, 0)]
        copied = player.act(time_step).numpy()
        comparable = (played >= 0) & (copied >= 0) & open_columns
        np.testing.assert_array_equal(copied[comparable], played[comparable])
        compared += comparable.sum()
        time_step = environment.step(copied)
    assert compared > 64 * 8


def test_beat_last_begins_anywhere():
    player = BeatLastPlayer(CONNECT_FOUR, 0, batch_size=200)
    environment = BoardGameEnvironment(CONNECT_FOUR, 200, first_mover="seat_0")
    assert set(player.act(environment.reset()).numpy()) == set(range(7))


def test_who_always_answers_on_top_never_has_four_first():
    """A copy of every row arises one row higher, one ply later; and diagonals change owners from row to row."""
    match = Arena(CONNECT_FOUR, 200).play(RandomPlayer(0), BeatLastPlayer(CONNECT_FOUR, 1, batch_size=200))
    assert match.moving_first.wins == 100


@pytest.mark.parametrize("player", [SameColumnPlayer, LinearPlayer, BeatLastPlayer])
def test_games_without_columns_are_refused(player):
    with pytest.raises(ValueError, match="stones fall into columns, and tic_tac_toe is none"):
        player(TIC_TAC_TOE, 0)


def test_another_number_of_games_than_it_remembers_is_refused(at):
    player = SameColumnPlayer(CONNECT_FOUR, 0, batch_size=3)
    with pytest.raises(ValueError, match="remembers 3 games and is shown 2: make it with batch_size = 2"):
        player.act(at(CONNECT_FOUR, EMPTY, EMPTY))


def test_memory_is_in_its_variables(tmp_path, at):
    """So it comes back with a checkpoint."""
    player = SameColumnPlayer(CONNECT_FOUR, 0, batch_size=50)
    column = player.act(at(CONNECT_FOUR, *[EMPTY] * 50)).numpy()
    path = tf.train.Checkpoint(player=player).write(str(tmp_path / "state"))
    restored = SameColumnPlayer(CONNECT_FOUR, 0, seed=99, batch_size=50)
    tf.train.Checkpoint(player=restored).read(path).assert_consumed()
    boards = np.zeros([50, 6, 7], int)
    boards[np.arange(50), 5, column] = 1
    drawings = map(draw_board, boards)
    np.testing.assert_array_equal(restored.act(at(CONNECT_FOUR, *drawings)), column)
