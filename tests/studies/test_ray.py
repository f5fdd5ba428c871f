"""A Ray cluster trains a study as this machine does, whatever happens to its processes and nodes."""

import contextlib
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from imagents import cli
from imagents.config import load_config
from imagents.runs.run import Run
from imagents.studies.worker import Worker

TEXT = """
seeds = 3
[base]
environment = "climbing"
algorithm = "tabular"
steps = 20_000
checkpoint_minutes = 0.01
[search]
learning_rate = { log = [0.01, 1.0] }
hysteretic = { uniform = [0.05, 1.0] }
"""


def study(folder, text, *words) -> subprocess.Popen:
    """`imagents study` in a process of its own."""
    (folder / "climb.toml").write_text(text)
    words = [sys.executable, "-m", "imagents.cli", "study", "climb.toml", "--output-dir", *words]
    return subprocess.Popen(words, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_until(condition, seconds=300):
    for _ in range(10 * seconds):
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")


def training(folder) -> list[int]:
    """The processes of a cluster that train in a folder now."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (path / "cmdline").read_bytes().startswith(b"ray::Remote.train"):
                found += [int(path.name)] if (path / "cwd").samefile(folder) else []
    return found


@pytest.fixture
def cluster():
    """A cluster of three nodes, with a processor each."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        for _ in range(2):
            _add(cluster)
        yield cluster
    finally:
        cluster.shutdown()


def _add(cluster):
    for again in (True, True, False):
        try:
            return cluster.add_node(num_cpus=1)
        except Exception:  # a busy machine takes longer than Ray waits
            if not again:
                raise


def disturb(cluster, folder, text, runs) -> str:
    """Runs a study on the cluster; kills a process and a node when so many runs have begun. Returns what it said."""
    process = study(folder, text, "parted", "--engine", "ray", "--address", cluster.address)
    begun = lambda: len([*(folder / "parted/runs").glob("*/metrics.csv")])  # noqa: E731
    wait_until(lambda: begun() >= runs[0] and training(folder) or process.poll() is not None)
    os.kill(training(folder)[0], signal.SIGKILL)
    wait_until(lambda: begun() >= runs[1] or process.poll() is not None)
    node = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)
    cluster.remove_node(node, allow_graceful=False)
    assert process.poll() is None, "it ended too early to be disturbed"
    said = process.communicate()[0]
    assert process.returncode == 0, said
    return said


def assert_trained_alone(run: Run, alone: Run) -> None:
    """The run is, to the last bit and as far as it came, the other one."""
    rows, columns = run.metrics(), [*run.metrics().columns.difference(["seconds", "steps_per_second"])]
    pd.testing.assert_frame_equal(rows[columns], alone.metrics()[columns][: len(rows)])
    if not (run.path / "evaluation.json").exists():
        return
    reports = [json.loads((each.path / "evaluation.json").read_text()) for each in (run, alone)]
    assert reports[0] | {"seconds": 0} == reports[1] | {"seconds": 0}
    import tensorflow as tf

    kept = [tf.train.load_checkpoint(str(each.newest_checkpoint() / "state")) for each in (run, alone)]
    for name in kept[0].get_variable_to_shape_map():
        if name.endswith("VARIABLE_VALUE"):
            np.testing.assert_array_equal(*(reader.get_tensor(name) for reader in kept), err_msg=name)


def test_what_is_missing_for_a_cluster_is_said_before_anything_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("climb.toml").write_text(TEXT + "[budget]\ntrials = 2\n")
    assert cli.main(["study", "climb.toml", "--address", "auto"]) == 2
    assert capsys.readouterr().err == "imagents study: address = 'auto': it is for --engine ray\n"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["study", "climb.toml", "--engine", "ray"]) == 2
    assert "engine = 'ray' needs the package ray: pip install -c constraints.txt" in capsys.readouterr().err
    assert not pathlib.Path("outputs").exists()


@pytest.mark.slow
def test_nobody_listens_at_an_address(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("climb.toml").write_text(TEXT + "[budget]\ntrials = 2\n")
    assert cli.main(["study", "climb.toml", "--engine", "ray", "--address", "127.0.0.1:1"]) == 2
    assert "address = '127.0.0.1:1': no Ray cluster answers there: Connection refused" in capsys.readouterr().err
    assert not pathlib.Path("outputs").exists()


@pytest.mark.slow
def test_a_killed_process_and_a_killed_node_change_nothing_of_a_random_search(tmp_path, cluster):
    text = TEXT + "[budget]\ntrials = 5\n"
    disturb(cluster, tmp_path, text, (2, 4))
    process = study(tmp_path, text, "whole")
    said = process.communicate()[0]
    assert process.returncode == 0, said
    for name in ("summary.csv", "trials.csv"):
        assert (tmp_path / "parted" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len([*(tmp_path / "parted/runs").iterdir()]) == 5 + 3


@pytest.mark.slow
def test_no_trial_of_optuna_with_early_stopping_is_lost_or_run_twice_and_each_is_what_it_is_alone(tmp_path, cluster):
    text = TEXT + 'method = "optuna"\nearly_stopping = true\n[budget]\ntrials = 24\n'
    said = disturb(cluster, tmp_path, text, (4, 10))
    trials, runs = pd.read_csv(tmp_path / "parted/trials.csv"), sorted((tmp_path / "parted/runs").iterdir())
    assert len(trials) == 24 and set(trials["state"]) == {"finished", "stopped"} and len(runs) == 24 + 3
    assert [said.count(f"climbing, trial {number}: ") for number in range(24)] == [1] * 24
    worker = Worker()
    for path in runs:
        worker.train(load_config(path), tmp_path / "alone" / path.name)
        assert_trained_alone(Run(path), Run(tmp_path / "alone" / path.name))
