"""What is said of an agent: what it learned from, how strong it is, and on which scale it expects."""

import pytest

from imagents.app import about
from imagents.app.cast import TRAINED
from imagents.app.local import LocalCast

RATES = {"random_first": {"win_rate": 0.995}, "random_second": {"win_rate": 0.9}}


@pytest.mark.parametrize("training, evaluation, said", [
    ({"plies": 60_000_000, "opponent": "learner"}, None, "from 60 million moves of play with another learner."),
    ({"steps": 5000, "opponent": "random"}, {}, "from 5,000 moves of play with others."),
    ({"minutes": 2.5}, {"positions": {"close": {"good": 0.971}, "late": {"good": 0.99}}},
     "from 2.5 min of play with others. In close games 97.1\xa0% of its moves keep what the position is worth."),
    ({}, RATES, "from some moves of play with others. Wins 99.5\xa0% of games against random moves if it begins, "
     "90.0\xa0% if it does not."),
])  # fmt: skip
def test_who_an_agent_is(training, evaluation, said):
    assert about.who(training, evaluation) == f"Learned alone, {said}"


@pytest.mark.parametrize("training, scale", [
    ({"reward_win": 1.0, "reward_loss": -1}, (-1.0, 1.0)), ({"reward_win": 3.0, "reward_loss": 0.0}, (0.0, 3.0)),
    ({"reward_win": 1.0, "reward_loss": -1.0, "agents": "mine:make"}, None), ({"reward_win": 1.0}, None), ({}, None),
    ({"reward_win": 1.0, "reward_loss": -1.0, "player_2.motivation": "counts=1"}, None),
    ({"reward_win": -1.0, "reward_loss": 1.0}, None), ({"reward_win": "1", "reward_loss": None}, None),
])  # fmt: skip
def test_what_a_loss_and_a_win_are_worth_to_it(training, scale):
    assert about.scale(training) == scale


def test_who_the_shipped_agents_are():
    cast = LocalCast()
    tic_tac_toe, connect_four = (cast.about(game, TRAINED, 0) for game in cast.games.values())
    assert tic_tac_toe.endswith("100.0\xa0% of its moves are optimal, and nothing beats it.")
    assert connect_four.endswith("In close games 90.2\xa0% of its moves keep what the position is worth.")
    assert [cast.mind(game, TRAINED, 0).scale for game in cast.games.values()] == [(-1.0, 1.0)] * 2
    assert cast.about(next(iter(cast.games.values())), "random", 0) == ""
