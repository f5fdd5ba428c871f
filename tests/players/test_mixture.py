"""Every game draws its player by weight, and keeps it."""

import numpy as np
import pytest

from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.memory import GameMemory
from imagents.environments.boards.players.columns import SameColumnPlayer
from imagents.players.base import FirstLegalPlayer, Player, RandomPlayer
from imagents.players.mixture import MixturePlayer, parse_mixture
from imagents.players.names import make_player
from imagents.seats import PASS


class AlwaysColumn(Player):
    """Plays one column, as long as it is open."""

    def __init__(self, column, seat=0):
        super().__init__(seat, f"column {column}")
        self._column = column

    def choose(self, time_step):
        return 0 * time_step.observation["seat"] + self._column


def test_games_draw_by_weight_and_keep_their_player_to_the_end():
    members = [AlwaysColumn(0), AlwaysColumn(1), AlwaysColumn(2)]
    mixture = MixturePlayer(members, [1, 2, 5], GameMemory(CONNECT_FOUR, 0, 800), batch_size=800)
    environment = BoardGameEnvironment(CONNECT_FOUR, 800, first_mover="seat_0")
    opponent = AlwaysColumn(6, seat=1)
    time_step, rows = environment.reset(), []
    for _ in range(4):  # the fourth stone on top of the others wins
        rows.append(mixture.act(time_step).numpy())
        environment.step(rows[-1])
        time_step = environment.step(opponent.act(environment.current_time_step()))
    assert (np.stack(rows) == rows[0]).all()
    np.testing.assert_array_equal(mixture.drawn, rows[0])
    np.testing.assert_allclose(np.bincount(rows[0]) / 800, [1 / 8, 2 / 8, 5 / 8], atol=0.06)
    again = mixture.act(environment.reset()).numpy()
    assert 0.35 < (again == rows[0]).mean() < 0.6  # drawn anew: 30 of 64 are the same by chance


def test_a_member_with_a_memory_keeps_its_habit_in_its_games():
    members = [SameColumnPlayer(CONNECT_FOUR, 0, batch_size=300), RandomPlayer(0)]
    mixture = MixturePlayer(members, [1, 1], GameMemory(CONNECT_FOUR, 0, 300), batch_size=300)
    environment = BoardGameEnvironment(CONNECT_FOUR, 300, first_mover="seat_0")
    time_step, moves = environment.reset(), []
    for _ in range(3):
        moves.append(mixture.act(time_step).numpy())
        environment.step(moves[-1])
        time_step = environment.step(make_player("random", CONNECT_FOUR, 1).act(environment.current_time_step()))
    same = (np.stack(moves) == moves[0]).all(axis=0)
    assert same[mixture.drawn.numpy() == 0].all()
    assert same[mixture.drawn.numpy() == 1].mean() < 0.15


def test_passes_when_it_is_not_its_turn(at):
    mixture = make_player("random,first_legal", TIC_TAC_TOE, seat=1, batch_size=2)
    assert (mixture.act(at(TIC_TAC_TOE, "... ... ...", "X.O ... ...", seat=0)).numpy() == PASS).all()


def test_passes_on_what_training_tells_it():
    class Listener(FirstLegalPlayer):
        def after_chunk(self, metrics):
            return {"heard": metrics["player_1_wins"]}

    mixture = MixturePlayer([Listener(1), RandomPlayer(1)], [1, 1], GameMemory(TIC_TAC_TOE, 1, 1))
    assert mixture.after_chunk({"player_1_wins": 0.5}) == {"heard": 0.5}


@pytest.mark.parametrize(
    "text, members",
    [
        ("random=1,heuristic=3", [("random", 1), ("heuristic", 3)]),
        ("random, heuristic:0.25", [("random", 1), ("heuristic:0.25", 1)]),
        ("minimax:2=0.5,perfect", [("minimax:2", 0.5), ("perfect", 1)]),
        ("outputs/lr=0.1/run:player_1=2,random", [("outputs/lr=0.1/run:player_1", 2), ("random", 1)]),
    ],
)
def test_mixtures_are_spelled_with_weights(text, members):
    assert parse_mixture(text) == members


@pytest.mark.parametrize("text", ["random=1,", "random=many,linear", "random=0,linear", "=3,random", "random=nan,x"])
def test_mixtures_without_names_or_weights_are_refused(text):
    with pytest.raises(ValueError, match="is no NAME=WEIGHT with a weight above 0, as in heuristic=3"):
        parse_mixture(text)


def test_members_of_different_seats_or_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="sit at one seat"):
        MixturePlayer([RandomPlayer(0), RandomPlayer(1)], [1, 1], GameMemory(TIC_TAC_TOE, 0, 1))
    with pytest.raises(ValueError, match=r"weights = \[1\]: one number above 0 is needed for each member"):
        MixturePlayer([RandomPlayer(0), FirstLegalPlayer(0)], [1], GameMemory(TIC_TAC_TOE, 0, 1))
