"""Agents are measured untrained and often at the beginning, and nothing else is different for it."""

import numpy as np
import pandas as pd
import pytest
from small import small_config, timeless

from imagents.opening import load_agents
from imagents.training.experiment import train
from imagents.training.measuring import Measuring

# Against players that draw their moves: what is measured depends on how often it was.
CONFIG = small_config(environment="4x3x3", execution="eager", evaluate_every=5, rounds_per_chunk=2, steps=350)
MEASURES = ["player_1_random_first", "player_2_random_second"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(CONFIG, tmp_path_factory.mktemp("runs") / "run", quiet=True)


def test_agents_are_measured_untrained_and_after_1_2_and_4_chunks_and_then_as_the_settings_say(run):
    metrics = run.metrics()
    measured = metrics["round"][metrics[MEASURES[0]].notna()].tolist()
    assert measured == [0, 2, 4, 8, 10, metrics["round"].iloc[-1]]
    assert metrics["steps"].iloc[0] == 0 and np.isnan(metrics["player_1_loss"].iloc[0])


def test_all_that_is_measured_by_the_settings_is_as_it_would_be_without_that(run, tmp_path, monkeypatch):
    monkeypatch.setattr(Measuring, "beginning", lambda self, first: [])
    monkeypatch.setattr(Measuring, "_unnoticed", None)  # no chunk is early where the settings ask for all
    columns = Measuring.columns
    monkeypatch.setattr(Measuring, "columns", lambda self, chunk, apart, is_end: columns(
        self, chunk if chunk % 5 == 0 else 7, apart, is_end))  # fmt: skip
    other = timeless(train(CONFIG, tmp_path / "other", quiet=True))
    assert other["player_1_random_first"].notna().sum() == 2
    rows = timeless(run)[1:].reset_index(drop=True)
    rows.loc[other[MEASURES[0]].isna(), [name for name in rows if "_random_" in name]] = np.nan
    pd.testing.assert_frame_equal(rows, other)


def test_the_untrained_weights_are_those_that_are_measured(run):
    first, last = (load_agents(run.snapshots()[place]) for place in (0, -1))
    assert [path.stem for path in run.snapshots()[:3]] == ["0000000000", "0000000002", "0000000004"]
    assert any((x != y).any() for x, y in zip(*(
        [v.numpy() for agent in agents for v in agent.policy.variables()] for agents in (first, last)
    )))  # fmt: skip
    measured = CONFIG.environment.strength(Fake(first), CONFIG.training.seed).report()  # as that of the training began
    assert measured["player_1"]["random_first"] == run.metrics()["player_1_random_first"].iloc[0]


class Fake:
    """A training that has agents and nothing else."""

    def __init__(self, agents):
        self.agents = agents
