"""What a training of poker measures of its players: exactly, in four policies, over all of its chunks."""

import csv
import json
import types

import numpy as np
import pytest
import tensorflow as tf
from small import stop_after, timeless

import imagents
import imagents.plotting
from imagents import cli
from imagents.config import TrainConfig, environment_settings
from imagents.environments.cards.environment import State
from imagents.environments.cards.measures import average, state_names, uniform_policy, value_of, weighted
from imagents.environments.cards.players import equilibrium
from imagents.environments.cards.rules import KUHN, LEDUC
from imagents.errors import InputError
from imagents.players.base import Player
from imagents.runs.run import Run
from imagents.training.experiment import Experiment
from imagents.training.loop import build

EPSILON = dict(exploration="epsilon", exploration_start=1.0, exploration_end=0.01, softmax_temperature=0.1)
SHORT = EPSILON | dict(algorithm="tabular", parallel_games=4, steps=100, rounds_per_chunk=4, execution="eager")
KINDS = ("greedy", "softmax", "behaviour", "average")


def strength_of(name: str, *played: np.ndarray, **settings):
    """A strength, before anything is learned, and its agents; each of them plays `played`, if that is given."""
    config = TrainConfig(name, **SHORT | settings)
    trainer = build(config)
    for policy in played:
        play(trainer.agents, policy)
    return config.environment.strength(trainer), trainer.agents


def play(agents, policy: np.ndarray) -> None:
    """Lets agents of Kuhn poker play a joint policy."""
    for agent in agents:
        own = policy[KUHN.information.seat == agent.seat]
        agent.probabilities = lambda time_step, collect=False, own=own: tf.constant(own, tf.float32)
        agent.greedy_probabilities = agent.probabilities


@pytest.mark.parametrize("name, exploitability", [("kuhn_poker", 11 / 24), ("leduc_poker", 4.747222222 / 2)])
def test_whoever_has_learned_nothing_plays_at_random_in_every_way(name, exploitability):
    strength, _ = strength_of(name)
    report = strength.report()
    assert list(report) == ["player_1", "player_2"]
    for kind in KINDS:
        for values in report.values():
            assert values[f"exploitability_{kind}"] == pytest.approx(exploitability)
            assert values[f"nash_conv_{kind}"] == pytest.approx(2 * exploitability)


def test_what_is_measured_of_each_agent_of_kuhn():
    """Whoever passes all the time loses its ante to who bets all the time, and that is the best that can be done."""
    report = strength_of("kuhn_poker", np.tile([1.0, 0.0], [12, 1]))[0].report()
    assert [values["mean_return"] for values in report.values()] == [0, 0]
    assert [values["best_response_return"] for values in report.values()] == [1, 1]
    assert [values["exploitability_greedy"] for values in report.values()] == [1, 1]


def test_the_other_player_counts_as_it_is():
    for alpha in (0, 0.25):
        [values] = strength_of("kuhn_poker", opponent=f"nash:{alpha}")[0].report().values()
        found = np.where(KUHN.information.seat[:, np.newaxis] == 0, uniform_policy(KUHN), equilibrium(alpha))
        for kind in KINDS:
            assert values[f"nash_conv_{kind}"] == pytest.approx(value_of(KUHN, found).nash_conv, abs=1e-6)


def test_softmax_is_made_of_q_values_at_the_temperature_that_is_written_beside():
    strength, agents = strength_of("kuhn_poker", softmax_temperature=0.5)
    rng = np.random.default_rng(0)
    for agent in agents:
        table = agent.algorithm._q_network.table
        table.assign(rng.normal(size=table.shape))
    values, names = strength.report()["player_1"], state_names(KUHN)
    assert values["softmax_temperature"] == 0.5
    rows = [row for row in csv.reader(strength.files()["policy.csv"].splitlines()) if row[0] == "softmax"]
    assert [row[2] for row in rows] == names
    table = agents[1].algorithm._q_network.table.numpy()
    q = table[0b01001]  # a queen after a bet, as seat 1 sees it
    expected = np.exp(q / 0.5) / np.exp(q / 0.5).sum()
    np.testing.assert_allclose([float(x) for x in rows[names.index("1b")][3:]], expected, rtol=1e-5)


def test_returns_are_of_the_policy_that_is_followed_and_the_greedy_one_stays_greedy():
    hot = dict(exploration="boltzmann", exploration_start=1e6, exploration_end=1e6)
    strength, agents = strength_of("kuhn_poker", **hot)
    for agent in agents:
        table = agent.algorithm._q_network.table
        table.assign(np.tile([1.0, 0.0], [len(table.numpy()), 1]))  # a pass is best
        agent.follow("sampled")
    report = strength.report()
    returns = [values["mean_return"] for values in report.values()]
    assert returns == pytest.approx([0.125, -0.125], abs=1e-5)  # of random play
    assert [values["exploitability_greedy"] for values in report.values()] == [1, 1]


def test_the_average_is_over_all_chunks_by_the_players_own_reach():
    strength, agents = strength_of("kuhn_poker")
    played = [equilibrium(0.3), uniform_policy(KUHN), np.tile([0.0, 1.0], [12, 1]), equilibrium(0)]
    for policy in played:
        play(agents, policy)
        strength.note_chunk()
    expected = value_of(KUHN, average(KUHN, sum(weighted(KUHN, policy) for policy in played)))
    values = strength.report()["player_1"]
    assert values["nash_conv_average"] == pytest.approx(expected.nash_conv, abs=1e-6)
    assert values["nash_conv_greedy"] == pytest.approx(0, abs=1e-6) and values["nash_conv_average"] > 0.1


def test_behaviour_is_that_of_all_copies_together():
    """Where copies explore differently it is as if one of them was drawn before each game."""
    ladder = dict(exploration_start=0.0, exploration_end=0.0, epsilon_min=0.01, epsilon_max=0.9)
    strength, agents = strength_of("leduc_poker", algorithm="dqn", hidden_layers=(4,), batch_size=4, **ladder)
    strength.note_chunk()
    found = strength.record.behaviour.numpy()
    amounts = agents[0].exploration.amount.numpy()
    assert len(set(amounts)) == 4 and amounts[[0, -1]] == pytest.approx([0.01, 0.9])
    information, greedy = LEDUC.information, np.zeros_like(found)
    world = environment_settings("leduc_poker").build(1, 0)
    time_step = world.time_step_at(State(tf.constant(information.deal), tf.constant(information.node)))
    for agent in agents:
        own = information.seat == agent.seat
        greedy[own] = agent.probabilities(time_step).numpy()[own]
    tables = [(1 - epsilon) * greedy + epsilon * uniform_policy(LEDUC) for epsilon in amounts.astype(float)]
    expected = average(LEDUC, sum(weighted(LEDUC, table) for table in tables))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert abs(found - np.mean(tables, axis=0)).max() > 0.01


def test_an_algorithm_without_q_values_is_measured_by_its_own_probabilities():
    trainer = build(TrainConfig("kuhn_poker", algorithm="ppo", parallel_games=4, execution="eager"))
    for agent in trainer.agents:
        for variable in agent.algorithm.actor_net.variables:
            variable.assign(tf.zeros_like(variable))  # so that it plays at random
    face = environment_settings("kuhn_poker")
    strength = face.strength(trainer)
    strength.note_chunk()
    report = strength.report()["player_1"]
    for policy in ("softmax", "behaviour", "average"):
        assert report[f"nash_conv_{policy}"] == pytest.approx(11 / 12, abs=1e-6)
    assert "softmax_temperature" not in report and "(its own policy)" in face.report_text({"player_1": report})


def test_players_that_cannot_say_what_they_play_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(InputError) as error:
        Experiment(TrainConfig("kuhn_poker", opponent="random=1,first_legal=1", **SHORT), tmp_path / "run")
    assert str(error.value).startswith("players[1] = 'random=1,first_legal=1': poker is measured exactly, which needs ")
    assert str(error.value).endswith("random, first_legal, nash:ALPHA")
    assert "\n" not in str(error.value) and not (tmp_path / "run").exists()


def test_an_agent_with_an_internal_state_is_refused():
    face = environment_settings("leduc_poker")
    agent = imagents.IMAgent(face.build(1, 0), initial_state=0, state_fn=lambda state, time_step, seat: state + 1)
    with pytest.raises(InputError, match=r"^players\[0\] = 'player_1': poker is measured exactly"):
        face.strength(types.SimpleNamespace(players=[agent, Player(1, "nobody")]))


def test_a_temperature_is_more_than_0():
    with pytest.raises(InputError, match="^softmax_temperature = 0.0: a temperature is more than 0$"):
        TrainConfig("kuhn_poker", softmax_temperature=0)


# Runs


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    few = SHORT | {"rounds_per_chunk": 8}  # to measure Leduc eagerly takes seconds
    config = TrainConfig("leduc_poker", **few, exploration_decay=0.99, snapshots=2)
    return imagents.train(config, tmp_path_factory.mktemp("poker") / "run", quiet=True)


def said_by(run: Run) -> dict:
    return json.loads((run.path / "evaluation.json").read_text())["agents"]


def test_a_run_logs_its_measures_and_draws_them(run):
    metrics = run.metrics()
    names = [f"player_{seat}_{name}" for seat in (1, 2) for name in TrainConfig("leduc_poker").measures()]
    assert np.isfinite(metrics[names].iloc[-1]).all()
    drawn = {path.name for path in (run.path / "plots").iterdir()}
    assert drawn == {"losses.png", "returns.png", "strength.png", "exploitability.png"}


def test_an_evaluation_of_a_run_or_a_checkpoint_says_what_the_run_said(run, capsys):
    """To the last digit, also of what only the training knew."""
    assert {f"exploitability_{kind}" for kind in KINDS} < set(said_by(run)["player_1"])
    for path in (run.path, run.newest_checkpoint()):
        assert imagents.evaluate_run(path)["agents"] == said_by(run)
    assert cli.main(["evaluate", str(run.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "softmax (temperature 0.1)" in " ".join(lines) and max(map(len, lines)) <= 80


def test_of_a_snapshot_nobody_knows_what_was_before_it(run, capsys):
    report = imagents.evaluate_run(run.snapshots()[0])["agents"]["player_1"]
    assert {"nash_conv_greedy", "nash_conv_softmax"} < set(report)
    assert not {"nash_conv_average", "nash_conv_behaviour"} & set(report)
    assert cli.main(["evaluate", str(run.snapshots()[0])]) == 0
    assert "average" not in capsys.readouterr().out


def test_a_resumed_run_averages_over_all_of_its_chunks(run, tmp_path, monkeypatch):
    monkeypatch.setattr(imagents.plotting, "save_all", lambda *_: [])  # which takes time
    experiment = Experiment(run.config, tmp_path / "run")
    stop_after(experiment, 1)
    part = experiment.run(quiet=True)
    assert experiment.stopped_by is not None
    resumed = imagents.train(resume=part.path, quiet=True)
    assert said_by(resumed) == said_by(run)
    assert (resumed.path / "policy.csv").read_text() == (run.path / "policy.csv").read_text()
    assert timeless(resumed).iloc[-1].equals(timeless(run).iloc[-1])


def test_open_spiel_says_the_same_of_the_policies_that_a_run_leaves(run):
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel")
    from open_spiel.python import policy as spiel_policy
    from open_spiel.python.algorithms import exploitability

    game = pyspiel.load_game("leduc_poker")
    policy = spiel_policy.TabularPolicy(game)
    rows = [*csv.DictReader((run.path / "policy.csv").read_text().splitlines())]
    for kind in KINDS:
        own = [row for row in rows if row["policy"] == kind]
        states = {row["information_state"]: [float(row[str(action)]) for action in range(3)] for row in own}
        assert set(states) == set(policy.state_lookup) and len(states) == 936
        for state, shares in states.items():
            policy.action_probability_array[policy.state_lookup[state]] = shares
        found, expected = said_by(run)["player_2"], exploitability.nash_conv(game, policy)
        assert found[f"nash_conv_{kind}"] == pytest.approx(expected, abs=1e-6)
        assert found[f"exploitability_{kind}"] == pytest.approx(expected / 2, abs=1e-6)
