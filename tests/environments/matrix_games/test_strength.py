"""What a training of matrix games measures of its players: exactly, with every policy as it is, and nothing else."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from small import timeless

import imagents
from imagents import cli
from imagents.config import TrainConfig
from imagents.environments.matrix_games.settings import MatrixGame
from imagents.errors import InputError
from imagents.players.base import Player
from imagents.runs.run import Run
from imagents.training.experiment import Experiment
from imagents.training.loop import build

SHORT = dict(steps=12, rounds_per_chunk=4, execution="eager")


def measured(name: str, **settings) -> dict:
    """What is measured before anything is learned."""
    config = TrainConfig(name, **SHORT | settings)
    return config.environment.strength(build(config)).report()


class Fixed(Player):
    """Plays the same, whatever happened: a row of probabilities."""

    def __init__(self, seat, row):
        super().__init__(seat, f"fixed_{seat}")
        self._row = tf.constant([row], tf.float32)

    def probabilities(self, time_step, collect=False):
        return tf.tile(self._row, [time_step.step_type.shape[0], 1])


def test_whoever_has_learned_nothing_hits_the_best_joint_action_as_chance_does():
    """The first of equals would be the best one of climbing."""
    assert measured("climbing")["player_1"]["optimal_joint_share"] == pytest.approx(1 / 9)
    assert measured("penalty", num_agents=3)["player_3"]["optimal_joint_share"] == pytest.approx(2 / 27)
    assert measured("prisoners_dilemma")["player_1"]["cooperation_rate"] == pytest.approx(1 / 2)


def test_what_is_measured_of_one_shot_climbing_by_hand():
    """Against chance, player 1's actions pay -19/3, -17/3 and 5/3, and player 2's -19/3, -23/3 and 11/3."""
    report = measured("climbing")
    mean = (11 - 30 - 30 + 7 + 6 + 5) / 9
    for name, best in {"player_1": 5 / 3, "player_2": 11 / 3}.items():
        assert report[name]["mean_return"] == pytest.approx(mean)
        assert report[name]["best_response_gain"] == pytest.approx(best - mean)
        assert report[name]["nash_conv"] == pytest.approx(5 / 3 + 11 / 3 - 2 * mean)
        assert [report[name][f"plays_{action}"] for action in "abc"] == pytest.approx([1 / 3] * 3)


def test_nash_conv_counts_the_gains_of_fixed_players_too():
    report = measured("prisoners_dilemma", opponent="always:cooperate", episode_length=4)
    assert list(report) == ["player_1"]
    own = report["player_1"]
    assert own["mean_return"] == pytest.approx(4 * (3 + 5) / 2) and own["best_response_gain"] == pytest.approx(1)
    assert own["nash_conv"] == pytest.approx(1 + ((5 + 1) / 2 - (3 + 0) / 2))
    assert own["cooperation_rate"] == pytest.approx(3 / 4) and own["plays_defect"] == pytest.approx(1 / 2)


def test_a_deterministic_joint_policy_is_best_or_not():
    config = TrainConfig("climbing", **SHORT)
    for rows, share in (([[1, 0, 0], [1, 0, 0]], 1), ([[0, 0, 1], [0, 0, 1]], 0)):
        agents = build(config).agents
        for agent, row in zip(agents, rows, strict=True):
            agent.probabilities = Fixed(agent.seat, row).probabilities
        strength = config.environment.strength(types.SimpleNamespace(players=agents))
        assert [values["optimal_joint_share"] for values in strength.report().values()] == [share, share]


def test_plays_are_counted_as_agents_explore_and_all_else_as_they_are_greedy():
    config = TrainConfig("climbing", **SHORT)
    agents = build(config).agents
    for agent in agents:
        rows = {True: [0.5, 0.3, 0.2], False: [1, 0, 0]}
        agent.probabilities = lambda time_step, collect=False, rows=rows: tf.tile([rows[collect]], [10, 1])
    report = config.environment.strength(types.SimpleNamespace(players=agents)).report()["player_2"]
    assert [report[f"plays_{action}"] for action in "abc"] == pytest.approx([0.5, 0.3, 0.2])
    assert report["optimal_joint_share"] == 1


def test_a_report_is_said_in_lines_of_80_columns():
    config = TrainConfig("public_goods", **SHORT, num_agents=3)
    strength = config.environment.strength(build(config))
    lines = strength.text(strength.report()).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["player_1", "player_2", "player_3", "together"]
    assert "NashConv 1.5 a play" not in lines[0] and "cooperation" in " ".join(lines[3:])
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("opponent", ["random=1,always:0=1"])
def test_players_that_cannot_say_what_they_play_are_refused_in_one_sentence(opponent, tmp_path):
    with pytest.raises(InputError) as error:
        Experiment(TrainConfig("chicken", opponent=opponent, **SHORT), tmp_path / "run")
    assert str(error.value).startswith(f"players[1] = {opponent!r}: matrix games are measured exactly, which needs ")
    assert "\n" not in str(error.value) and not (tmp_path / "run").exists()


def test_an_agent_with_an_internal_state_is_refused():
    game = MatrixGame.__subclasses__()[0]("prisoners_dilemma")
    agent = imagents.IMAgent(game.build(1, 0), initial_state=0, state_fn=lambda state, time_step, seat: state + 1)
    with pytest.raises(InputError, match=r"^players\[0\] = 'player_1': matrix games are measured exactly"):
        game.strength(types.SimpleNamespace(players=[agent, Fixed(1, [1, 0])]))


# Runs


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    path = tmp_path_factory.mktemp("matrix") / "run"
    config = TrainConfig("prisoners_dilemma", **SHORT, episode_length=3, observe_actions=True)
    return imagents.train(config, path, quiet=True)


def test_a_run_logs_its_measures_and_draws_them(run):
    metrics = run.metrics()
    names = [f"player_{seat}_{name}" for seat in (1, 2) for name in TrainConfig("prisoners_dilemma").measures()]
    assert np.isfinite(metrics[names]).all(axis=None)
    drawn = {path.name for path in (run.path / "plots").iterdir()}
    assert drawn == {"losses.png", "returns.png", "strength.png", "policy_path.png"}


def test_the_agent_of_a_run_plays_as_it_is_in_another_one(run):
    """Frozen at seat 2, it is as good against its old opponent as it was."""
    before = json.loads((run.path / "evaluation.json").read_text())["agents"]
    trainer = build(run.config.replace(opponent=str(run.path)))
    first = imagents.load_agents(run.path)[0]
    trainer.agents[0].probabilities = first.probabilities
    [report] = run.config.environment.strength(trainer).report().values()
    assert (report["mean_return"], report["nash_conv"]) == (before["player_1"]["mean_return"],
                                                            before["player_1"]["nash_conv"])  # fmt: skip


def test_an_evaluation_of_a_run_says_what_the_run_said(run, capsys):
    """To the last digit, as nothing is drawn for it."""
    said = json.loads((run.path / "evaluation.json").read_text())["agents"]
    greedy = {agent: {n: x for n, x in values.items() if "plays_" not in n} for agent, values in said.items()}
    assert imagents.evaluate_run(run.path)["agents"] == greedy
    assert cli.main(["evaluate", str(run.path)]) == 0
    assert "together  NashConv" in capsys.readouterr().out


KILLED = """
import os, signal, sys
from imagents.config import TrainConfig
from imagents.training.experiment import Experiment
experiment = Experiment(TrainConfig("climbing_stochastic", steps=20_000, checkpoint_minutes=1e-3), sys.argv[1])
run_chunk, seen = experiment.trainer.run, []
def run(num_rounds):
    seen.append(num_rounds)
    if len(seen) == 40:
        os.kill(os.getpid(), signal.SIGKILL)
    return run_chunk(num_rounds)
experiment.trainer.run = run
experiment.run(quiet=True)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_ends_like_one_that_was_not(tmp_path):
    root = pathlib.Path(imagents.__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "killed")], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert 0 < len(Run(tmp_path / "killed").metrics()) < 80
    resumed = imagents.train(resume=tmp_path / "killed", quiet=True)
    whole = imagents.train(Run(tmp_path / "killed").config, tmp_path / "whole", quiet=True)
    pd.testing.assert_frame_equal(timeless(resumed), timeless(whole))
    reports = [json.loads((each.path / "evaluation.json").read_text())["agents"] for each in (resumed, whole)]
    assert reports[0] == reports[1]
