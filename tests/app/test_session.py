"""Games move by move: rules, undo, looking back, the score."""

import numpy as np
import pytest

from imagents.app.session import PERSON, Session
from imagents.environments.boards.board_game import BoardGame, Position
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.record import Record
from imagents.errors import InputError

X_WINS = (0, 3, 1, 4, 2)
DRAWN = (0, 1, 2, 4, 3, 5, 7, 6, 8)


def test_stones_lie_where_they_were_played_and_fall_where_there_is_gravity():
    game = Record(CONNECT_FOUR, first=1, moves=(3, 3, 0))
    assert CONNECT_FOUR.text(game.board).splitlines()[4:6] == [". . . X . . .", "O . . O . . ."]
    assert game.cells == (38, 31, 35)
    assert game.seat == 0


def test_who_has_a_line_has_won_and_nobody_moves_any_more():
    game = Record(TIC_TAC_TOE, 0, X_WINS)
    assert (game.winner, game.winners, game.is_over, game.legal) == (0, [0, 1, 2], True, [])
    with pytest.raises(InputError, match="^this game is over: begin a new one$"):
        game.play(8)


def test_a_full_board_without_a_line_is_a_draw():
    game = Record(TIC_TAC_TOE, 0, DRAWN)
    assert game.is_over and game.winner is None


@pytest.mark.parametrize("game, moves, action, said", [
    (TIC_TAC_TOE, (4,), 4, "cell 4 is taken"),
    (TIC_TAC_TOE, (), 9, "there is no cell 9: they are 0 to 8"),
    (TIC_TAC_TOE, (), -1, "there is no cell -1: they are 0 to 8"),
    (CONNECT_FOUR, (2,) * 6, 2, "column 2 is full"),
    (CONNECT_FOUR, (), 7, "there is no column 7: they are 0 to 6"),
])
def test_a_move_that_cannot_be_played_gets_a_friendly_sentence(game, moves, action, said):
    with pytest.raises(InputError, match=f"^{said}$"):
        Record(game, 0, moves).play(action)


@pytest.mark.parametrize("game", [TIC_TAC_TOE, CONNECT_FOUR, BoardGame("5x4x3", 5, 4, 3, False),
                                  BoardGame("4x5x3-gravity", 4, 5, 3, True)], ids=lambda game: game.name)
def test_one_game_at_a_time_has_the_same_rules_as_many(game):
    random = np.random.default_rng(1)
    for _ in range(5):
        record, position = Record(game), game.start(np.array([0]))
        while not record.is_over:
            np.testing.assert_array_equal(np.flatnonzero(game.legal_moves(position.stones)[0]), record.legal)
            action = int(random.choice(record.legal))
            record, position = record.play(action), game.play(position, np.array([action]))
            position = Position(position.stones, position.seat)
            np.testing.assert_array_equal(game.board(position.stones)[0], record.board)
            assert bool(game.has_line(position.stones[0, 1 - record.seat])) == (record.winner is not None)
        assert record.winner is not None or bool(game.is_full(position.stones)[0])


def test_undo_takes_back_the_persons_last_move_and_the_answer_to_it():
    session = Session(TIC_TAC_TOE, (PERSON, "random"))
    for action in (4, 0, 8, 1):
        session.play(action)
    assert session.undo() == 2
    assert session.record.moves == (4, 0)
    assert session.undo() == 2 and session.undo() == 0


def test_undo_leaves_the_opponents_first_move_alone():
    session = Session(TIC_TAC_TOE, (PERSON, "random"), first=1)
    session.play(4)
    assert session.undo() == 0 and session.record.moves == (4,)


def test_undo_takes_back_a_single_move_where_nobody_or_everybody_is_a_person():
    for players in (("random", "random"), (PERSON, PERSON)):
        session = Session(TIC_TAC_TOE, players)
        session.play(4), session.play(0)
        assert session.undo() == 1 and session.record.moves == (4,)


def test_the_score_counts_finished_games_and_forgets_what_is_taken_back():
    session = Session(TIC_TAC_TOE, (PERSON, "random"))
    for moves in (X_WINS, DRAWN):
        for action in moves:
            session.play(action)
        session.new_game(0)
    assert session.score == [1, 0, 1]
    for action in X_WINS:
        session.play(action)
    session.undo()
    assert session.score == [1, 0, 1]
    session.new_game(1)
    assert session.score == [1, 0, 1]  # given up: counts for nobody


def test_the_latest_game_is_the_one_before_as_long_as_nobody_has_moved():
    session = Session(TIC_TAC_TOE, (PERSON, PERSON))
    session.play(4)
    session.new_game(1)
    assert session.latest.moves == (4,)
    session.play(0)
    assert session.latest.moves == (0,)


def test_an_earlier_position_is_a_record_like_any_other():
    game = Record(TIC_TAC_TOE, 0, X_WINS)
    assert game.until(4).legal == [2, 5, 6, 7, 8]
    assert game.until(0).moves == () and game.moves == X_WINS
