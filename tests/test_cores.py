"""How many threads a training has: few where they would wait, and what it does not change."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from imagents import cli, cores
from imagents.config import TrainConfig
from imagents.cores import choose_threads


@pytest.fixture
def machine(monkeypatch):
    """A machine of four cores, on which so many threads take so long as it is told."""

    def of(seconds: dict[int, float]) -> None:
        monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
        monkeypatch.setattr(cores, "trial", lambda number: seconds[number])

    return of


def test_small_networks_get_one_thread(machine):
    machine({1: 1.0, 4: 0.3})
    assert choose_threads(TrainConfig("tic_tac_toe", parallel_games=64, batch_size=64)) == 1
    assert choose_threads(TrainConfig("cartpole")) == 1
    assert choose_threads(TrainConfig("kuhn_poker", algorithm="tabular")) == 1


def test_large_networks_get_one_for_each_core_unless_that_is_no_faster(machine):
    machine({1: 1.0, 4: 0.3})
    assert choose_threads(TrainConfig("connect_four")) == choose_threads(TrainConfig("tic_tac_toe")) == 4
    machine({1: 1.0, 4: 1.2})  # as beside other programs
    assert choose_threads(TrainConfig("connect_four")) == 1


def test_the_trial_lets_threads_do_the_same_work_and_wait_for_each_other():
    assert 0 < cores.trial(1) < 10 and 0 < cores.trial(3) < 10


@pytest.mark.parametrize("number", [0, 10_000])
def test_threads_that_there_are_not_are_refused(capsys, number):
    assert cli.main(["train", "--threads", str(number)]) == 2
    assert f"threads = {number}: choose 1 to {cores.all_cores()}, the cores that there are" in capsys.readouterr().err


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_threads(tmp_path):
    """To the last bit of every weight: products of a size that two threads share."""
    paths = [tmp_path / str(number) for number in (1, 2)]
    for number, path in enumerate(paths, 1):
        flags = f"--threads {number} --parallel-games 512 --batch-size 512 --steps 100000 --output-dir".split()
        subprocess.run([sys.executable, "-m", "imagents.cli", "train", *flags, path], check=True, capture_output=True)
    (folder, *_), (other, *_) = (sorted(path.glob("checkpoints/*/"), reverse=True) for path in paths)
    variables = [name for name, _ in tf.train.list_variables(str(folder / "state")) if "OBJECT_GRAPH" not in name]
    assert len(variables) > 10
    for name in variables:
        one, two = (tf.train.load_variable(str(each / "state"), name) for each in (folder, other))
        np.testing.assert_array_equal(one, two, name)
