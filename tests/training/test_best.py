"""Where a measure means the same at all times, a run keeps the checkpoint with the most of it, over resumes too."""

import errno
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from small import SMALL
from worlds import Row, Scripted

from imagents.config import TrainConfig
from imagents.opening import open_path
from imagents.runs.run import Run
from imagents.training.experiment import Experiment, train

ROWS = [Row([0], [0])] + [Row([0], [1])] * 3 + [Row([], [1])]
REPORTS = [1.0, 9.0, 5.0, 2.0, 3.0]  # what evaluations find; the second, of untrained agents, is never the best


def make(batch_size, seed):
    return Scripted(ROWS, batch_size=batch_size, alike=True)


@pytest.fixture
def config():
    return TrainConfig(make, **SMALL | {"steps": 128, "evaluate_every": 1, "rounds_per_chunk": 2})


@pytest.fixture
def found(monkeypatch):
    """What evaluations find, one after the other, and on how many rounds each was made."""
    values, rounds = iter(REPORTS), []

    class Strength(tf.Module):
        def __init__(self, trainer, seed):
            super().__init__()
            self.trainer, self.seed = trainer, seed
            self._trainer = None

        def report(self):
            rounds.append((int(self.trainer.rounds), self.seed))
            return {"player_1": {"mean_return": next(values, 0.0), "lives": 1}}

        def text(self, report):
            return ""

    monkeypatch.setattr("imagents.environments.own.OwnEnvironment.strength", lambda _, *about: Strength(*about))
    return rounds


def weights(agents):
    return [v.numpy() for agent in agents for v in agent.policy.variables()]


def test_the_best_is_kept_and_the_last_too(config, found, tmp_path):
    experiment = Experiment(config, tmp_path / "run")
    run = experiment.run(quiet=True)
    seeds = {seed for _, seed in found[:-2]}
    manifest = json.loads((run.best_checkpoint() / "manifest.json").read_text())
    assert (manifest["rounds"], manifest["measure"]) == (4, 5.0)
    assert run.newest_checkpoint().name == f"{int(experiment.trainer.rounds):010d}"
    evaluation = json.loads((run.path / "evaluation.json").read_text())
    assert evaluation["checkpoint"] == "best" and evaluation["last"]["checkpoint"] == evaluation["round"]
    # Reported on other episodes than those that chose: first the best checkpoint, then the last.
    (best, seed), (last, same) = found[-2:]
    assert (best, last) == (4, evaluation["round"]) and seed == same and seed not in seeds
    best, newest = (open_path(path).agents for path in (run.path, run.newest_checkpoint()))
    assert any((x != y).any() for x, y in zip(weights(best), weights(newest), strict=True))
    for x, y in zip(weights(open_path(run.path, last=True).agents), weights(newest), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_resumed_run_knows_how_good_the_best_was(config, found, tmp_path):
    run = Experiment(config, tmp_path / "run").run(quiet=True)
    Experiment(resume=run.path, steps=256, environment=make).run(quiet=True)  # finds 0 and less
    assert json.loads((run.best_checkpoint() / "manifest.json").read_text())["rounds"] == 4
    assert {path.name for path in (run.path / "checkpoints").iterdir()} == {
        "best", *(path.name for path in Run(run.path).checkpoints())
    }  # fmt: skip


def test_without_such_a_measure_there_is_no_best(tmp_path):
    run = train(TrainConfig("tic_tac_toe", **SMALL), tmp_path / "run", quiet=True)
    assert run.best_checkpoint() is None


def test_a_run_whose_best_was_taken_away_reports_the_last(config, found, tmp_path):
    run = Experiment(config, tmp_path / "run").run(quiet=True)
    shutil.rmtree(run.best_checkpoint())
    Experiment(resume=run.path).run(quiet=True)  # whose budget is spent: nothing is trained, and nothing chosen
    evaluation = json.loads((run.path / "evaluation.json").read_text())
    assert evaluation["checkpoint"] == evaluation["round"] and "last" not in evaluation


def test_a_best_that_cannot_be_written_is_told_as_every_other_file(config, found, tmp_path, monkeypatch):
    def full(run, *about):
        if about[-1] is not None:
            raise OSError(errno.ENOSPC, "No space left on device")

    experiment = Experiment(config, tmp_path / "run")
    monkeypatch.setattr(Run, "save", full)
    with pytest.raises(OSError, match="run cannot be written: No space left on device; what was saved is sound"):
        experiment.run(quiet=True)
