"""A person is shown the board and asked until the answer is a legal move."""

import pytest
import tensorflow as tf

from imagents.environments.boards.arena import Arena
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.players.person import PersonPlayer
from imagents.players.base import FirstLegalPlayer
from imagents.seats import PASS


def person(game, seat, answers):
    asked, shown, answers = [], [], iter(answers)

    def ask(prompt):
        asked.append(prompt)
        return next(answers)

    return PersonPlayer(game, seat, ask=ask, show=shown.append), asked, shown


def test_sees_the_board_and_is_asked_again_after_an_illegal_move(at):
    player, asked, shown = person(TIC_TAC_TOE, 1, ["0", "corner", "-1", " 8 "])
    move = player.act(at(TIC_TAC_TOE, "X.. ... ...", seat=1))
    assert move.numpy().tolist() == [8] and move.dtype == tf.int32
    assert shown[0] == "X . .\n. . .\n. . ."
    assert shown[1:] == ["'0' is not a legal move", "'corner' is not a legal move", "'-1' is not a legal move"]
    assert asked == ["O to move, 1, 2, 3, 4, 5, 6, 7, 8: "] * 4


def test_is_asked_only_in_its_turn(at):
    player, asked, _ = person(CONNECT_FOUR, 0, [])
    assert player.act(at(CONNECT_FOUR, "." * 42, seat=1)).numpy().tolist() == [PASS] and not asked


def test_plays_whole_games_and_is_not_asked_after_their_end():
    """X takes the right column in both games, moving first in one of them; O fills up from the left."""
    player, asked, shown = person(TIC_TAC_TOE, 0, ["2", "8", "2", "5", "5", "8"])
    match = Arena(TIC_TAC_TOE, 2).play(player, FirstLegalPlayer(1))
    assert match.moving_first.wins == match.moving_second.wins == 1
    assert len(asked) == len(shown) == 6


def test_cannot_be_compiled_and_says_so(at):
    player, _, _ = person(TIC_TAC_TOE, 0, ["3"])
    assert player.runs_in_python
    in_a_graph = tf.function(player.act, autograph=False)
    assert in_a_graph(at(TIC_TAC_TOE, "... ... ...")).numpy().tolist() == [3]


def test_the_end_of_the_input_is_not_a_move(at):
    def ask(prompt):
        raise EOFError

    with pytest.raises(EOFError):
        PersonPlayer(TIC_TAC_TOE, 0, ask=ask, show=str).act(at(TIC_TAC_TOE, "... ... ..."))
