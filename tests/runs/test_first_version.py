"""Runs of version 0.1.0: their agents are evaluated, played and exported, and nobody trains in them."""

import hashlib
import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
from small import small_config

import imagents
from imagents import InputError, cli
from imagents.environments.boards.arena import Arena
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.files import checksum
from imagents.opening import open_path
from imagents.players.base import RandomPlayer
from imagents.runs.run import Run
from imagents.runs.snapshots import snapshot_counts
from imagents.training.experiment import Experiment, train
from imagents.training.loop import load_run

OLD_NAMES = {"environment": "game", "steps": "plies", "episodes": "games", "steps_per_second": "plies_per_second"}
VERSIONS = {"imagents": "0.1.0", "tensorflow": "2.19.1"}
REFUSED = "is a run of imagents 0.1.0, which can be evaluated, played and exported, but not resumed"


def with_old_names(values: dict) -> dict:
    return {OLD_NAMES.get(name, name): value for name, value in values.items()}


def write_old_checkpoint(path: pathlib.Path, trainer, settings: dict) -> None:
    """Each agent's TF-Agents agent was called `_learner`, and a checkpoint held the rest of the training, too."""
    saved = tf.Module()
    saved.rounds, saved.agents = trainer.rounds, [tf.Module() for _ in trainer.agents]
    for place, agent in zip(saved.agents, trainer.agents):
        place._learner, place.replay_buffer = agent.algorithm, agent.replay_buffer
    shutil.rmtree(path)
    path.mkdir()
    tf.train.Checkpoint(trainer=saved, strength=tf.Module()).write(str(path / "state"))
    manifest = {"rounds": int(trainer.rounds), "seconds": 1.5, "settings": settings, "versions": VERSIONS}
    manifest["sha256"] = {file.name: checksum(file) for file in sorted(path.iterdir())}
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest | {"sha256_of_this": digest}))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run as version 0.1.0 left it, and the trainer that it had in the end."""
    run = train(small_config(seed=3), tmp_path_factory.mktemp("runs") / "run", quiet=True)
    trainer = load_run(run.path)
    settings = with_old_names(run.config.to_dict() | {"preset": "default"})
    (run.path / "config.json").write_text(json.dumps(settings | {"versions": VERSIONS}))
    (run.path / "measures.json").unlink()
    header, rows = (run.path / "metrics.csv").read_text().split("\n", 1)
    (run.path / "metrics.csv").write_text(",".join(with_old_names(dict.fromkeys(header.split(",")))) + "\n" + rows)
    for snapshot in run.snapshots():
        np.savez(snapshot, **with_old_names(dict(np.load(snapshot))))
    for checkpoint in run.checkpoints():
        write_old_checkpoint(checkpoint, trainer, settings)
    return run.path, trainer


@pytest.fixture
def path(trained, tmp_path):
    return shutil.copytree(trained[0], tmp_path / "run")


def test_its_agents_are_those_that_were_trained(path, trained):
    opened = open_path(path)
    assert opened.config == small_config(seed=3) and opened.environment == opened.config.environment
    for agent, was in zip(opened.agents, trained[1].agents, strict=True):
        assert (agent.name, agent.seat) == (was.name, was.seat)
        for x, y in zip(agent.policy.variables(), was.policy.variables(), strict=True):
            np.testing.assert_array_equal(x, y)
    *_, snapshot = Run(path).snapshots()
    assert snapshot_counts(snapshot)[1] == int(trained[1].steps)
    for agent, was in zip(open_path(snapshot).agents, trained[1].agents, strict=True):
        for x, y in zip(agent.policy.variables(), was.policy.variables(), strict=True):
            np.testing.assert_array_equal(x, y)


def test_it_is_evaluated(path, trained, capsys):
    assert cli.main(["evaluate", str(path), "--games", "4", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    last = json.loads((path / "evaluation.json").read_text())
    for name, values in report["agents"].items():
        assert values["optimal"] == last["agents"][name]["optimal"]


def test_it_plays(path):
    for where in (path, Run(path).newest_checkpoint(), Run(path).snapshots()[0]):
        player = imagents.make_player(f"{where}:player_2", "tic_tac_toe")
        assert Arena(TIC_TAC_TOE, 10).play(player, RandomPlayer(1)).games == 10


def test_it_is_exported(path):
    folders = imagents.export_run(path)
    assert [folder.parent.name for folder in folders] == ["player_1", "player_2"]
    [exported], agent = imagents.load_agents(folders[0]), imagents.load_agents(path)[0]
    boards = np.zeros([3, 3, 3], np.int32)
    boards[1, 0, 0], boards[1, 1, 1], boards[2, 2] = 1, 2, [1, 2, 0]
    time_step = imagents.time_step_at(TIC_TAC_TOE, boards, seat=0)
    np.testing.assert_array_equal(exported.policy.action(time_step).action, agent.policy.action(time_step).action)


def test_settings_changed_by_hand_are_named(path):
    settings = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(settings | {"game": "3x3x3"}))
    with pytest.raises(InputError, match="has environment = '3x3x3', but its checkpoint .* made with 'tic_tac_toe'"):
        imagents.load_agents(path)


def test_resuming_it_is_refused_in_one_sentence_and_it_is_left_alone(path, capsys):
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file() and file.name != ".lock"}
    for refused in (
        lambda: Experiment(resume=path),
        lambda: train(resume=path, steps=500),
        lambda: load_run(path),
    ):
        with pytest.raises(InputError) as error:
            refused()
        assert str(error.value) == f"{path} {REFUSED}"
    for flags in ([], ["--steps", "500"]):
        assert cli.main(["train", "--resume", os.fspath(path), *flags]) == 2
        printed = capsys.readouterr()
        assert (printed.err, printed.out) == (f"imagents train: {path} {REFUSED}\n", "")
    assert before == {file: file.read_bytes() for file in path.rglob("*") if file.is_file() and file.name != ".lock"}
    Run(path).claim()  # nobody holds it
