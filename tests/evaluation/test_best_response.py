"""A learned best response gets what is known to be the most, where that is known; and how one is asked for."""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf
from small import untrained_run

from imagents import InputError, cli
from imagents.config import TrainConfig, environment_settings
from imagents.environments.cards.measures import uniform_policy, value_of
from imagents.environments.cards.players import TablePlayer, equilibrium
from imagents.environments.cards.rules import KUHN
from imagents.evaluation import best_response, report
from imagents.evaluation.best_response import BestResponse, learn_best_response, response_text
from imagents.evaluation.report import evaluate_run, report_text
from imagents.players.names import make_player


def players_of(name: str, opponent: str) -> list:
    face = environment_settings(name)
    spec = face.build(1, 0).action_spec()
    copies = best_response.COPIES
    return [make_player(opponent, face, seat, 5, copies, action_spec=spec) for seat in range(face.num_seats)]


@pytest.fixture
def small(monkeypatch):
    """Less of everything, and nothing to compile."""
    settings = {"COPIES": 32, "_ROUNDS": 60, "_RATES": (1e-2,), "_NEWEST": 2}
    for name, value in settings.items():
        monkeypatch.setattr(best_response, name, value)
        if hasattr(report, name):
            monkeypatch.setattr(report, name, value)


# Where the most is known


def test_paper_beats_rock(small):
    players = players_of("rock_paper_scissors", "always:rock")
    before = [x.numpy() for player in players for x in player.variables]
    found = learn_best_response(environment_settings("rock_paper_scissors"), players, 1, episodes=320, xla=False)
    assert (found.mean_return, found.interval, found.episodes, found.is_flat) == (1, (1, 1), 320, True)
    assert found.steps >= 3 * 32 * 30  # of each two rounds one begins an episode
    for x, y in zip(before, [x for player in players for x in player.variables], strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.slow
@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("kind", ["random", "equilibrium", "bold"])
def test_in_kuhn_poker_it_gets_what_an_exact_best_response_does(kind, seat):
    policy = {"random": uniform_policy(KUHN), "equilibrium": equilibrium(0.2),
              "bold": np.tile([0.1, 0.9], [len(KUHN.information.seat), 1])}[kind]  # fmt: skip
    players = [TablePlayer(each, kind, policy, seed=3) for each in range(2)]
    found = learn_best_response(environment_settings("kuhn_poker"), players, seat)
    most = value_of(KUHN, policy).best_responses[seat]
    error = (found.interval[1] - found.interval[0]) / 2 / 1.96
    assert found.is_flat and found.episodes >= 10_000
    assert most - 0.02 - 3 * error < found.mean_return < most + 3 * error
    assert 0.005 < error < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("opponent, most", [("random", 0), ("always:scissors", 1)])
def test_in_rock_paper_scissors_too(opponent, most):
    found = learn_best_response(
        environment_settings("rock_paper_scissors"), players_of("rock_paper_scissors", opponent), 1
    )
    assert found.mean_return == pytest.approx(most, abs=0.03) and found.interval[0] <= found.mean_return


def test_it_learns_against_any_number_of_others(small):
    """The others keep: of 3 seats who keeps gets 1 + 0, who contributes 2/3."""
    face = TrainConfig("public_goods", num_agents=3).environment
    players = [make_player("always:keep", face, seat) for seat in range(3)]
    players[1] = None
    found = learn_best_response(face, players, 1, episodes=320, xla=False)
    assert found.mean_return == pytest.approx(1)


# When it ends


@pytest.mark.parametrize(
    "means, flat",
    [
        ([0, 0, 0, 0, 0], False),  # too few to tell
        ([0, 0, 0, 0, 0, 0], True),
        ([0, 0, 0, 0, 0, 0.3], False),
        ([0, 0.5, 0.2, 0.3, 0.1, 0.515, 0.4], True),  # 0.015 above 0.5
        ([0, 0.1, 0.2, 0.3, 0.4, 0.5], False),
        ([0.9, 0, 0, 0, 0, 0], True),  # it was better: those weights are kept
    ],
)
def test_a_return_is_flat_when_the_newest_figures_are_hardly_above_those_before(means, flat):
    assert best_response._is_flat(means, standard_error=0.01) == flat


class Taught:
    """Stands for all that learns: its return follows a script, and its weight says how often it was trained."""

    name = "best_response"

    def __init__(self, script):
        self.weight, self.steps, self.script = tf.Variable(0.0), 0, script
        self.policy = self.algorithm = self.optimizer = self
        self.learning_rate, self.rates = tf.Variable(0.0), []

    def variables(self):
        return [self.weight]

    def initialize(self):
        self.rates.append(round(float(self.learning_rate), 6))

    def run(self, rounds):
        self.steps += 1
        self.weight.assign(self.steps)

    def report(self):
        return {self.name: {"mean_return": self.script[min(self.steps, len(self.script)) - 1]}}

    def standard_errors(self):
        return {self.name: 0.01}


def test_it_ends_with_the_best_weights_that_it_had():
    taught = Taught([0, 0.3, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1] + [0.2, 0.4, 0.3])
    is_flat, steps = best_response._learn(taught, taught, taught)
    assert is_flat and taught.weight == 10
    assert steps == 7 + 8 and taught.steps == steps + 1  # the others draw new numbers
    assert taught.rates == [1e-3, 1e-4, 1e-4]


def test_what_rises_for_ever_is_cut_off_and_says_so(monkeypatch):
    monkeypatch.setattr(best_response, "_MOST_CHUNKS", 9)
    taught = Taught([x / 10 for x in range(100)])
    is_flat, steps = best_response._learn(taught, taught, taught)
    assert not is_flat and steps == 18
    values = BestResponse(1.7, (1.69, 1.71), 10_240, 4_000, is_flat).to_dict()
    lines = response_text("player_1", values).splitlines()
    assert max(map(len, lines)) <= 80 and lines[-1].endswith("episodes (1.69 to 1.71); its return was still rising")


# How one is asked for


def test_an_evaluation_learns_one_against_each_agent_if_asked(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(report, "learn_best_response", functools.partial(learn_best_response, episodes=320))
    run = untrained_run(tmp_path / "run", "rock_paper_scissors", algorithm="dqn")
    assert cli.main(["evaluate", str(run.path), "--json", "--best-response", "--policy", "greedy"]) == 0
    agents = json.loads(capsys.readouterr().out)["agents"]
    for values in agents.values():
        found = values["best_response"]
        assert values["best_response_return"] == found["mean_return"] == 1  # they are greedy
        assert found["interval"] == [1, 1] and found["is_flat"] is True
        assert found["episodes"] == 320 and found["steps"] > 0
    text = report_text({"environment": "rock_paper_scissors", "policy": "greedy", "agents": agents})
    assert text.count("a best response, learned in") == 2 and max(map(len, text.splitlines())) <= 80


def test_what_is_known_exactly_stays_exact(tmp_path, monkeypatch):
    run, learned = untrained_run(tmp_path / "run", "kuhn_poker", snapshots=1, algorithm="dqn"), []

    def learn(face, players, seat, seed, xla):
        learned.append((seat, [player and player.seat for player in players], xla))
        return BestResponse(9.0, (8.0, 10.0), 100, 1000, True)

    monkeypatch.setattr(report, "learn_best_response", learn)
    agents = evaluate_run(run.snapshots()[0], best_response=True)["agents"]
    assert learned == [(1, [0, None], False), (0, [None, 1], False)]
    for values in agents.values():
        assert values["best_response_return"] < 2.1 and values["best_response"]["mean_return"] == 9


def test_where_there_are_not_two_seats_it_is_refused_before_any_work(tmp_path):
    run = untrained_run(tmp_path / "run", "cartpole")
    with pytest.raises(InputError) as error:
        report.prepare_evaluation(run.path, best_response=True)
    assert str(error.value) == ("best_response = True: cartpole has num_seats = 1, and a best response is learned to "
                                "one of two")
