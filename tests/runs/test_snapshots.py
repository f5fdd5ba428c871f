"""Snapshots: few, spread over the run, and enough to play with."""

import numpy as np
import pytest
from small import small_config

from imagents import InputError
from imagents.config import run_folder
from imagents.opening import load_agents
from imagents.runs.run import Run
from imagents.runs.snapshots import save_snapshot, snapshot_steps, snapshots
from imagents.training.loop import build

SMALL = small_config()
SETTINGS = SMALL.to_dict()


@pytest.fixture
def trainer():
    return build(SMALL)


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", SMALL)


def rounds_kept(run) -> list[int]:
    return [int(path.stem) for path in snapshots(run.path)]


@pytest.mark.parametrize(
    "chunks, most, kept",
    [
        (3, 4, [10, 20, 30]),
        (4, 4, [10, 20, 30, 40]),
        (5, 4, [10, 20, 30, 40]),
        (6, 4, [20, 40, 60]),
        (9, 4, [20, 40, 60, 80]),
        (12, 4, [40, 80, 120]),
        (100, 4, [320, 640, 960]),
        (100, 8, [160, 320, 480, 640, 800, 960]),
        (5, 1, [40]),
        (5, 0, []),
    ],
)
def test_they_are_spread_evenly_and_become_sparser_as_the_run_grows(run, trainer, chunks, most, kept):
    for chunk in range(1, chunks + 1):
        save_snapshot(run.path, trainer.agents, chunk, 10 * chunk, 70 * chunk, most, SETTINGS)
    assert rounds_kept(run) == kept


def test_a_resumed_run_keeps_the_same_ones(run, trainer):
    for chunk in [*range(1, 8), *range(5, 10)]:
        save_snapshot(run.path, trainer.agents, chunk, 10 * chunk, 70 * chunk, 4, SETTINGS)
    assert rounds_kept(run) == [20, 40, 60, 80]


def test_agents_come_back_with_the_networks_they_had(run, trainer):
    for agent in trainer.agents:
        for variable in agent.policy.variables():
            variable.assign(variable + 1.0)
    save_snapshot(run.path, trainer.agents, 1, 10, 70, 4, SETTINGS)
    [path] = snapshots(run.path)
    loaded = load_agents(path)
    assert [(agent.name, agent.seat, agent.batch_size) for agent in loaded] == [("player_1", 0, 1), ("player_2", 1, 1)]
    for before, after in zip(trainer.agents, loaded):
        for x, y in zip(before.policy.variables(), after.policy.variables(), strict=True):
            np.testing.assert_array_equal(x, y)
    assert snapshot_steps(path) == 70
    assert run_folder(path) == run.path


def test_what_is_no_snapshot_is_refused(run):
    with pytest.raises(InputError, match="is not a snapshot of a run"):
        load_agents(run.path / "snapshots" / "0000000010.npz")
    with pytest.raises(InputError, match="holds no checkpoint"):
        load_agents(run.path)
