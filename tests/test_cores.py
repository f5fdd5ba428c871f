"""How many threads a training has: few where they would wait, and what it does not change."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from imagents import cli, cores
from imagents.config import TrainConfig
from imagents.cores import FreeCores, choose_threads


@pytest.fixture
def watched(monkeypatch, tmp_path):
    """Seconds pass on a machine of four cores: how long, what this process used, what each core was idle for."""
    stat = tmp_path / "stat"
    monkeypatch.setattr(cores, "_STAT", stat)
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)

    def cores_after(elapsed, own, idle) -> FreeCores:
        now = dict(perf_counter=100.0, process_time=10.0)
        for name in now:
            monkeypatch.setattr(cores.time, name, lambda name=name: now[name])
        tick = cores.os.sysconf("SC_CLK_TCK")
        row = "cpu{} 9 9 9 {} 0 9 9 9 0 0\n".format
        stat.write_text("".join(row(i, 0) for i in ["", 0, 1, 2, 3]) + "intr 5\n")
        free = FreeCores()
        now.update(perf_counter=100.0 + elapsed, process_time=10.0 + own)
        stat.write_text(row("", 0) + "".join(row(i, round(tick * seconds)) for i, seconds in enumerate(idle)))
        return free

    return cores_after


@pytest.mark.parametrize(
    "own, idle, free",
    [
        (3.0, [0.0, 3.0, 3.0, 3.0], 4),  # nobody else
        (2.9, [0.1, 2.9, 2.8, 2.9], 4),  # this and that
        (3.0, [0.0, 0.0, 3.0, 3.0], 3),  # somebody keeps a core busy
        (1.5, [0.0, 0.0, 0.0, 0.0], 1),  # many do
        (6.0, [3.0, 3.0, 3.0, 3.0], 4),
    ],
)
def test_cores_are_free_that_are_idle_or_this_processs_own(watched, own, idle, free):
    assert watched(3.0, own, idle).count() == free


def test_all_cores_count_as_free_where_the_system_does_not_say(watched, tmp_path):
    (free := watched(3.0, 0.0, [0.0] * 4)) and (tmp_path / "stat").unlink()
    assert free.count() == 4
    assert watched(0.01, 0.0, [0.0] * 4).count() == 4  # nor in so short a time


def test_small_networks_get_one_thread_and_large_ones_all_that_are_free(watched):
    free = watched(3.0, 3.0, [0.0, 0.0, 3.0, 3.0])
    assert choose_threads(TrainConfig("tic_tac_toe", parallel_games=64, batch_size=64), free) == 1
    assert choose_threads(TrainConfig("cartpole"), free) == 1
    assert choose_threads(TrainConfig("kuhn_poker", algorithm="tabular"), free) == 1  # tables
    assert choose_threads(TrainConfig("connect_four"), free) == 3


@pytest.mark.parametrize("number", [0, 10_000])
def test_threads_that_there_are_not_are_refused(capsys, number):
    assert cli.main(["train", "--threads", str(number)]) == 2
    assert f"threads = {number}: choose 1 to {FreeCores().total}, the cores that there are" in capsys.readouterr().err


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
