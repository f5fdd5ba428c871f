"""A thousand trainings by one compiled program are a thousand trainings."""

import json

import pytest

import imagents
from benchmarks.many import CELLS, trainings
from imagents.config import TrainConfig
from imagents.evaluation.matches import wilson_interval

_WARM = dict(exploration="boltzmann", exploration_start=5.0, exploration_end=5.0, exploration_decay=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [dict(hysteretic=0.5), dict(algorithm="dqn", hidden_layers=(4,), batch_size=4)])
def test_each_is_to_the_last_bit_what_imagents_train_makes_of_its_seed(tmp_path, settings):
    """At a temperature what is played shows every bit of what was learned."""
    config = TrainConfig("climbing", steps=100, rounds_per_chunk=100, execution="graph", **_WARM, **settings)
    found = [*trainings(config, (3, 4))]
    for seed, report in zip((3, 4), found):
        run = imagents.train(config.replace(seed=seed), tmp_path / str(seed), quiet=True)
        assert json.loads((run.path / "evaluation.json").read_text())["agents"] == report
    assert found[0] != found[1]


def test_every_cell_is_a_training_that_can_be_had():
    for cell in CELLS.values():
        config = TrainConfig(**cell.settings)
        assert cell.measure in config.environment.measures and config.training.parallel_games == 1


@pytest.mark.parametrize(
    "count, total, expected", [(0, 10, (0, 0.2775)), (5, 10, (0.2366, 0.7634)), (10, 10, (0.7225, 1))]
)
def test_an_interval_is_wilsons(count, total, expected):
    """As statsmodels' proportion_confint(count, total, method="wilson") has them."""
    assert wilson_interval(count, total) == pytest.approx(expected, abs=1e-4)
