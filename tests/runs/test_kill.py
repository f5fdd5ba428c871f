"""Killed at any moment, nothing is lost: a run that was killed again and again ends like one that never was."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from small import small_flags, timeless

from imagents.config import ENVIRONMENTS
from imagents.runs.run import Run
from imagents.settings import ALGORITHMS, settings_of

SETTINGS = dict(
    parallel_games=32,
    batch_size=32,
    rounds_per_chunk=5,
    evaluate_every=7,
    checkpoint_minutes=0.003,
    snapshots=5,
    steps=8_000,
    execution="graph",
)
INTERVAL = 60 * SETTINGS["checkpoint_minutes"]  # seconds of training between checkpoints


class ForkServer:
    """Starts trainings in processes of their own, which share the import of TensorFlow."""

    def __init__(self):
        command = [sys.executable, str(pathlib.Path(__file__).with_name("fork_server.py"))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, path: pathlib.Path, settings: dict, own=(), kill_before: int | None = None) -> int:
        """Starts a training with these settings, or goes on with the one that is there. Returns its process id.

        Both ways it is given the flags `own`.
        """
        words = ["--resume", path] if (path / "config.json").exists() else ["--output-dir", path]
        words += [*own] if "--resume" in words else [*small_flags(**settings), *own]
        job = {"path": str(path), "words": ["train", *map(str, words)], "kill_before": kill_before}
        print(json.dumps(job), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def wait(self) -> int:
        """Waits until that training has ended. Returns 0, its exit status, or minus the signal that killed it."""
        status = int(self.process.stdout.readline())
        return -(status & 127) or status >> 8


@pytest.fixture(scope="module")
def server():
    server = ForkServer()
    yield server
    server.process.stdin.close()
    server.process.wait()
    server.process.stdout.close()


def contents(run: Run) -> dict:
    """All that a run wrote that should repeat bit for bit: everything but the time it took."""
    newest = run.newest_checkpoint()
    reader = tf.train.load_checkpoint(str(newest / "state"))
    state = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    state = {name: x for name, x in state.items() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"}
    evaluation = json.loads((run.path / "evaluation.json").read_text())
    snapshots = {path.name: dict(np.load(path)) for path in sorted((run.path / "snapshots").iterdir())}
    return {
        "files": sorted(str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.parent.name != "events"
                        and p.parent != newest.parent and p.parent.parent != newest.parent),
        "rounds": newest.name,
        "state": state,
        "snapshots": snapshots,
        "evaluation": {name: value for name, value in evaluation.items() if name != "seconds"},
    }


def assert_same_run(run: Run, other: Run) -> None:
    pd.testing.assert_frame_equal(timeless(run), timeless(other))
    tf.nest.map_structure(np.testing.assert_array_equal, contents(run), contents(other))


def wait_for(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the training does not get on"
        time.sleep(0.005)


def rows(path: pathlib.Path) -> list[list[str]]:
    """Whole rows of metrics.csv."""
    try:
        lines = (path / "metrics.csv").read_text().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [line.split(",") for line in lines[1:] if line.endswith("\n")]


def check_after_a_kill(path: pathlib.Path) -> int:
    """That no more than a checkpoint interval is lost. Returns the rounds that the newest checkpoint holds."""
    run = Run(path)
    if not run.has_begun():
        return 0
    manifest = run.check_to_resume()
    lost = [float(row[3]) - manifest["seconds"] for row in rows(path) if int(row[0]) > manifest["rounds"]]
    # The last row may be that of the chunk after which the next checkpoint was due.
    assert not lost[:-1] or lost[-2] < INTERVAL + 0.001
    return manifest["rounds"]


def newest(path: pathlib.Path) -> int:
    """The rounds of the newest checkpoint that is wholly there, 0 if none is."""
    return max((int(p.name) for p in (path / "checkpoints").glob("*") if p.name.isdigit()), default=0)


def train(server: ForkServer, path: pathlib.Path, settings: dict, own=()) -> Run:
    server.start(path, settings, own)
    assert server.wait() == 0
    return Run(path)


def kill_and_resume(server: ForkServer, path: pathlib.Path, settings: dict, moments, own=()) -> Run:
    """Kills a training at each of these moments, resumes it each time, and then lets it end.

    Args:
      server: which starts it.
      path, settings: of the run.
      own: flags that name functions of a researcher's own.
      moments: pairs of a kind and a number: ("before change", n): right before it changes a file or folder in the run
        for the n-th time, most of which belong to a checkpoint; ("after rows", n): some milliseconds after it has
        logged n more rows; ("after checkpoints", n): likewise, of checkpoints; ("after seconds", n).
    """
    reached = 0
    for kind, number in moments:
        if kind == "before change":
            server.start(path, settings, own, kill_before=number)
        else:
            before, saved = rows(path), newest(path)
            process = server.start(path, settings, own)
            if kind == "after rows":
                wait_for(lambda: len(rows(path)) < len(before) or rows(path) > before)  # noqa: B023
                count = len(rows(path))
                wait_for(lambda: len(rows(path)) >= count + int(number))  # noqa: B023
                time.sleep(number % 1)
            elif kind == "after checkpoints":
                for _ in range(int(number)):
                    wait_for(lambda: newest(path) > saved)  # noqa: B023
                    saved = newest(path)
                time.sleep(number % 1)
            else:
                time.sleep(number)
            os.kill(process, signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL, (kind, number)
        if (path / "config.json").exists():
            rounds = check_after_a_kill(path)
            assert rounds >= reached
            reached = rounds
    return train(server, path, settings, own)


@pytest.mark.slow
@pytest.mark.parametrize("environment", [name for name in ENVIRONMENTS if name.islower()])
def test_a_run_killed_while_it_writes_a_checkpoint_and_while_it_trains_ends_like_one_that_was_not(
    server, tmp_path, environment
):
    settings = SETTINGS | dict(environment=environment, algorithm="dqn")
    finished = train(server, tmp_path / "finished", settings)
    killed = kill_and_resume(server, tmp_path / "killed", settings, [("before change", 33), ("after rows", 2)])
    assert_same_run(finished, killed)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "dqn"])
def test_whatever_learns_a_killed_run_ends_like_one_that_was_not(server, tmp_path, algorithm):
    # What plays poker is measured exactly, and has no memory there.
    remembers = "recurrent_units" in settings_of(ALGORITHMS[algorithm])
    settings = SETTINGS | dict(environment="tic_tac_toe" if remembers else "kuhn_poker", algorithm=algorithm)
    if "batch_size" not in settings_of(ALGORITHMS[algorithm]):
        del settings["batch_size"]
    finished = train(server, tmp_path / "finished", settings)
    killed = kill_and_resume(server, tmp_path / "killed", settings, [("before change", 33), ("after rows", 2)])
    assert_same_run(finished, killed)


@pytest.mark.slow
def test_a_run_killed_at_fifty_random_moments_ends_like_one_that_was_not(server, tmp_path):
    rng = random.Random()  # other moments every time; a failure prints them
    kinds = {
        "before change": lambda: rng.randint(1, 60),
        "after rows": lambda: rng.randint(1, 4) + rng.random() / 20,
        "after seconds": lambda: rng.random() * 5,
    }
    moments = [(kind, kinds[kind]()) for kind in rng.choices(list(kinds), [5, 4, 1], k=50)]
    print(moments)
    settings = SETTINGS | dict(steps=150_000)
    finished = train(server, tmp_path / "finished", settings)
    assert_same_run(finished, kill_and_resume(server, tmp_path / "killed", settings, moments))


# In an environment of a researcher's own, by agents of their own


@pytest.fixture
def folder(tmp_path):
    """Where somebody works: their module `mine` is in the present folder, and nowhere else."""
    tests = pathlib.Path(__file__).parent.parent
    shutil.copy(tests / "strangers.py", tmp_path / "mine.py")
    shutil.copy(tests / "worlds.py", tmp_path)
    return tmp_path


OWN = SETTINGS | dict(parallel_games=8, batch_size=8, steps=4_000)
MOMENTS = [("after checkpoints", 2.01), ("before change", 33), ("after checkpoints", 1)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "own",
    [["--environment", "mine:kept"], ["--environment", "mine:three", "--agents", "mine:three_agents"]],
    ids=["environment", "agents"],
)
def test_a_run_of_somebodys_own_functions_killed_ends_like_one_that_was_not(server, folder, own):
    finished = train(server, folder / "finished", OWN, own)
    killed = kill_and_resume(server, folder / "killed", OWN, MOMENTS, own)
    assert_same_run(finished, killed)
    assert not (killed.path / "notes.txt").exists()


@pytest.mark.slow
@pytest.mark.parametrize("function", ["native", "batched"])
def test_where_no_state_can_be_saved_a_killed_run_goes_on_with_new_episodes_and_says_so_once_a_time(
    server, folder, function
):
    killed = kill_and_resume(server, folder / "killed", OWN, MOMENTS, ["--environment", f"mine:{function}"])
    notes = (killed.path / "notes.txt").read_text().splitlines()
    assert len(notes) == len(MOMENTS) and all("on new episodes have begun" in note for note in notes)
    metrics = killed.metrics()
    assert metrics["round"].tolist() == [*range(5, metrics["round"].iloc[-1] + 1, 5)]
    assert metrics["steps"].iloc[-1] >= OWN["steps"] > metrics["steps"].iloc[-2]
    assert metrics["steps"].is_monotonic_increasing and (killed.path / "evaluation.json").exists()
