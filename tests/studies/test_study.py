"""A study is settings times seeds, each an ordinary run; the same command goes on, and trains nothing twice."""

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
from small import timeless

from imagents import cli
from imagents.config import TrainConfig
from imagents.runs.run import Run
from imagents.studies import local
from imagents.studies.study import Study, find_runs
from imagents.studies.summary import curves, finished, study_results, summary
from imagents.studies.worker import Worker
from imagents.training.experiment import train

BASE = dict(environment="climbing", algorithm="tabular", steps=8, rounds_per_chunk=8, execution="eager")
TEXT = """
seeds = 2
[base]
environment = "climbing"
algorithm = "tabular"
steps = 8e0
rounds_per_chunk = 8
execution = "eager"
[grid]
hysteretic = [1.0, 0.1]
"""


class AtOnce:
    """A worker in this process."""

    def __init__(self, log, copy_to):
        self._worker = Worker()

    def ask(self, job):
        return self._worker.answer(job.to_dict())

    def end(self):
        pass


@pytest.fixture
def command(capsys, monkeypatch):
    """Runs `imagents study` with these words, training in this process; returns its status, and what it said."""
    monkeypatch.setattr(local, "Process", AtOnce)

    def run(*words) -> tuple[int, str]:
        status = cli.main(["study", "--workers", "1", *map(str, words)])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


@pytest.fixture
def file(tmp_path, monkeypatch) -> pathlib.Path:
    """A file that describes a small study, in the present folder."""
    monkeypatch.chdir(tmp_path)
    path = pathlib.Path("climb.toml")
    path.write_text(TEXT)
    return path


def changed(file, before, after) -> pathlib.Path:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    return file


# What is asked


def test_a_grid_is_crossed_and_every_seed_has_all_settings():
    study = Study(BASE, {"hysteretic": [1.0, 0.1], "learning_rate": [0.1, 0.2]}, seeds=[4, 7])
    names = [f"hysteretic={h}, learning_rate={rate}" for h in ("1", "0.1") for rate in ("0.1", "0.2")]
    assert list(study.configs) == names
    assert [(run.setting, run.seed) for run in study.runs()] == [(name, seed) for seed in (4, 7) for name in names]
    assert study.runs()[-1].config == TrainConfig(**BASE, hysteretic=0.1, learning_rate=0.2, seed=7)


def test_named_settings_are_not_crossed_with_each_other():
    study = Study(BASE, {"discount": [0.5, 1]}, [{"name": "plain"}, {"name": "patient", "hysteretic": 0.1}])
    assert list(study.configs) == [f"{name}, discount={d}" for name in ("plain", "patient") for d in ("0.5", "1")]
    assert [config.algorithm.hysteretic for config in study.configs.values()] == [1, 1, 0.1, 0.1]


def test_a_value_may_be_a_list_and_a_preset_is_a_setting():
    base = {"environment": "tic_tac_toe", "preset": "perfect"}
    study = Study(base, {"hidden_layers": [[128, 128], [64]], "algorithms": [["dqn", "double_dqn"]]})
    assert list(study.configs)[0] == "hidden_layers=128x128, algorithms=dqnxdouble_dqn"
    config = study.configs["hidden_layers=64, algorithms=dqnxdouble_dqn"]
    assert config.algorithm.hidden_layers == (64,) and config.algorithm_of("player_2").name == "double_dqn"
    assert config.training.steps == TrainConfig("tic_tac_toe", preset="perfect").training.steps


def test_a_run_is_its_settings_and_its_seed_whatever_its_place_and_its_budget():
    one = Study(BASE, {"hysteretic": [1.0, 0.1]}, seeds=2)
    other = Study(BASE | {"steps": 80}, {"hysteretic": [0.1, 0.5, 1.0]}, seeds=[1, 5])
    assert {run.identity for run in one.runs()} & {run.identity for run in other.runs()} == {
        run.identity for run in one.runs() if run.seed == 1
    }


def test_it_is_what_its_folder_says_it_was():
    study = Study(BASE, {"hysteretic": [1.0, 0.1]}, [{"name": "one"}], 3)
    assert Study(**study.to_dict()).runs() == study.runs()


@pytest.mark.parametrize("text, sentence", [
    ("seeds = 0", "seeds = []: at least one, and different ones, are needed"),
    ("seeds = [1, 1]", "seeds = [1, 1]: at least one, and different ones, are needed"),
    ("seeds = [-1]", "seed = -1: a whole number of at least 0 is needed"),
    ("seeds = 'three'", "seeds = 'three': a number of seeds, or a list of them, is needed"),
    ("base = 3", "base = 3: settings by their names are needed"),
    ("[base]\nseed = 3", "seed = 3: seeds says which there are"),
    ("[base]\nhysterical = 3", "unknown setting 'hysterical': did you mean hysteretic? the settings are environment"),
    ("[base]\nsteps = 'many'", "steps = 'many': int is needed"),
    ("[grid]\nhysteretic = 1.0", "grid: hysteretic = 1.0: a list of values is needed"),
    ("[[settings]]\nsteps = 3", "settings: the names are [None]: each needs one of its own"),
    ("[grid]\ndiscount = [1]\n[[settings]]\nname = 'a'\ndiscount = 1", "grid: discount is a setting of a, too"),
    ("[gird]\nhysteretic = [1]", "unknown part 'gird': a study has seeds, base, grid, settings, search, budget"),
    ("seeds = ", "climb.toml is no TOML file: "),
])  # fmt: skip
def test_bad_input_is_one_sentence_and_nothing_is_made(command, file, text, sentence):
    file.write_text(text)
    status, said = command(file)
    assert status == 2 and said.startswith("imagents study: climb.toml") and sentence in said
    assert said.count("\n") == 1 and not os.path.exists("outputs")


def test_a_file_that_is_not_there(command, file):
    assert command("gone.toml") == (2, "imagents study: gone.toml cannot be read: No such file or directory\n")


# Training


def test_the_same_command_trains_what_is_missing_and_nothing_twice(command, file):
    status, said = command(file)
    assert status == 0 and said.startswith("4 runs, 0 finished: outputs/climb\n")
    assert "done: outputs/climb/report.html\n" in said and said.endswith("4 of 4: hysteretic=0.1, seed 1: finished\n")
    folder = pathlib.Path("outputs/climb")
    names = {path.name for path in (folder / "runs").iterdir()}
    assert names == {f"hysteretic={value}-seed-{seed}" for value in ("1", "0.1") for seed in range(2)}
    before = {path: (path / "metrics.csv").stat().st_mtime_ns for path in (folder / "runs").iterdir()}
    changed(file, "seeds = 2", "seeds = [9, 1, 0]")  # another order, and one more
    changed(file, "[1.0, 0.1]", "[0.5, 0.1, 1.0]")
    status, said = command(file)
    assert status == 0 and said.startswith("9 runs, 4 finished")
    assert before == {path: (path / "metrics.csv").stat().st_mtime_ns for path in before}
    assert len(find_runs(folder)) == 9 and len(pd.read_csv(folder / "summary.csv")["setting"].unique()) == 3


def test_a_larger_budget_goes_on_and_every_other_change_is_refused(command, file):
    command(file)
    changed(file, "8e0", "16")
    status, said = command(file)
    assert status == 0 and said.startswith("4 runs, 0 finished")
    assert {len(Run(found.path).metrics()) for found in find_runs(pathlib.Path("outputs/climb")).values()} == {5}
    for before, after, sentence in (
        ("16", "8", "steps = 8: the runs of hysteretic=1 in outputs/climb have 16, and a study keeps that"),
        ("rounds_per_chunk = 8", "rounds_per_chunk = 20", "rounds_per_chunk = 20: the runs of hysteretic=1 in "),
        ('"climbing"', '"penalty"', "environment = 'penalty': the runs of hysteretic=1 in outputs/climb have 'climb"),
    ):
        text = file.read_text()
        status, said = command(changed(file, before, after))
        assert status == 2 and sentence in said
        file.write_text(text)


def test_a_dry_run_lists_what_is_missing_and_what_it_costs(command, file):
    status, said = command(file, "--dry-run")
    assert status == 0 and said.count("to train  ") == 4 and said.endswith("4 runs to train\n")
    assert not os.path.exists("outputs")
    changed(file, "seeds = 2", "seeds = 1")
    command(file)
    changed(file, "seeds = 1", "seeds = 2")
    said = command(file, "--dry-run")[1]
    assert said.count("finished  ") == 2 and said.count("to train  ") == 2 and "2 runs to train, about " in said


def test_a_run_that_diverges_counts_as_failed_and_the_others_finish(command, file):
    file.write_text("""
seeds = 3
[base]
environment = "prisoners_dilemma"
algorithm = "dqn"
loss = "squared"
steps = 64
batch_size = 4
rounds_per_chunk = 32
warmup_rounds = 2
hidden_layers = [4]
execution = "graph"
[grid]
learning_rate = [1e-3, 1e12]
""")
    status, said = command(file)
    assert status == 1 and said.count(": finished") == 3 and said.count(": failed: ") == 3
    table = pd.read_csv("outputs/climb/summary.csv")
    of = table[(table["agent"] == "all") & (table["measure"] == "mean_return")].set_index("setting")
    well, badly = of.loc["learning_rate=0.001"], of.loc["learning_rate=1000000000000"]
    assert (well["runs"], well["failed"], badly["runs"], badly["failed"]) == (3, 0, 3, 3)
    assert np.isfinite(well["iqm"]) and badly["iqm"] == -np.inf and badly["method"] == "too many failed"
    gain = table[(table["measure"] == "nash_conv") & (table["setting"] == badly.name)]
    assert (gain["iqm"] == np.inf).all()  # of what is worse the more there is
    assert "Runs that failed" in pathlib.Path("outputs/climb/report.md").read_text()
    status, said = command(file)
    assert status == 1 and said.startswith("6 runs, 6 finished")  # nothing is tried again


# Settings, and others of a run that takes over the program of theirs.
WARM = {
    "tabular": (
        dict(environment="penalty", algorithm="tabular", steps=1000, episode_length=3),
        dict(penalty=-30, episode_length=5, discount=0.9, hysteretic=0.2, learning_rate=0.2, exploration_start=0.7,
             exploration_end=0.1, exploration_decay=0.99),
    ),
    "boltzmann": (
        dict(environment="kuhn_poker", steps=100_000, lenient_temperature=1.0),
        dict(lenient_temperature=0.5, lenient_decay=0.9, lenient_moderation=2.0, softmax_temperature=0.3,
             exploration_start=0.4, exploration_end=0.2),
    ),
    "dqn": (
        dict(environment="cartpole", steps=2000, target_update_tau=0.5),
        dict(discount=0.9, target_update_tau=0.1, target_update_period=7, exploration_start=0.5, exploration_decay=0.9,
             epsilon_min=0.01, epsilon_max=0.2),
    ),
    "ppo": (
        dict(environment="kuhn_poker", algorithm="ppo", steps=20_000),
        dict(discount=0.9, clip=0.1, gae_lambda=0.5, gradient_clipping=0.1),
    ),
    "league": (
        dict(environment="tic_tac_toe", algorithm="double_dqn", steps=100_000, opponent="league", hysteretic=0.5),
        dict(hysteretic=0.2, league_win_rate=0.2, reward_win=0.8, reward_draw=0.1, reward_loss=-2.0,
             reward_illegal=-3.0),
    ),
    "drqn": (
        dict(environment="cartpole", algorithm="drqn", steps=2000, hidden_layers=(8,), recurrent_units=4,
             hysteretic=0.5),
        dict(hysteretic=0.2, discount=0.9),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", WARM)
def test_a_warm_worker_trains_the_run_that_a_new_process_does(tmp_path, case):
    settings, others = WARM[case]
    diverging = dict(learning_rate=1e15) if case == "dqn" else {}
    worker, programs = Worker(), []
    for path, seed, changes in (("0", 0, {}), ("1", 1, diverging), ("2", 2, others), ("again", 0, {})):
        worker.train(TrainConfig(**settings | changes, seed=seed), tmp_path / path)
        programs.append(worker._warm[1].trainer._chunk)
    assert len({*map(id, programs)}) == 1 and programs[0].experimental_get_tracing_count() == 1
    train(TrainConfig(**settings | others, seed=2), tmp_path / "fresh", quiet=True)
    for paths in (("fresh", "2"), ("0", "again")):
        assert_same(*(Run(tmp_path / path) for path in paths))
    assert not timeless(Run(tmp_path / "2")).equals(timeless(Run(tmp_path / "0")))


def assert_same(*runs: Run) -> None:
    """Two runs have the same metrics, the same evaluation, and the same in every variable of their checkpoints."""
    pd.testing.assert_frame_equal(*map(timeless, runs))
    reports = [json.loads((run.path / "evaluation.json").read_text()) for run in runs]
    assert reports[0] | {"seconds": 0} == reports[1] | {"seconds": 0}
    import tensorflow as tf

    kept = [tf.train.load_checkpoint(str(run.newest_checkpoint() / "state")) for run in runs]
    names = [name for name in kept[0].get_variable_to_shape_map() if name.endswith("VARIABLE_VALUE")]
    assert names
    for name in names:
        np.testing.assert_array_equal(*(reader.get_tensor(name) for reader in kept), err_msg=name)


# What they show


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[pathlib.Path, Study]:
    """The folder of a study that was trained, and the study."""
    folder = tmp_path_factory.mktemp("studies") / "trained"
    study = Study(BASE, {"hysteretic": [1.0, 0.1]}, seeds=3)
    for run in study.runs():
        Worker().train(run.config, folder / "runs" / run.folder_name)
    return folder, study


def test_the_summary_is_what_the_runs_measured(trained):
    folder, study = trained
    table = study_results(folder, study)
    row = table[(table["measure"] == "mean_return") & (table["setting"] == "hysteretic=0.1") & (table["seed"] == 2)]
    agents = json.loads((folder / "runs/hysteretic=0.1-seed-2/evaluation.json").read_text())["agents"]
    expected = [agent["mean_return"] for agent in agents.values()]
    assert row.set_index("agent")["value"].to_dict() == {
        "player_1": expected[0], "player_2": expected[1], "all": np.mean(expected)
    }  # fmt: skip
    found = summary(table, study)
    assert list(found["setting"].unique()) == ["hysteretic=1", "hysteretic=0.1"]
    values = table[(table["measure"] == "mean_return") & (table["agent"] == "all")]
    of = found[(found["measure"] == "mean_return") & (found["agent"] == "all")].set_index("setting")
    for name, group in values.groupby("setting"):
        assert of.loc[name, "mean"] == pytest.approx(group["value"].mean())
        assert (of.loc[name, "runs"], of.loc[name, "failed"]) == (3, 0)


def test_a_curve_is_over_the_runs_of_a_setting(trained):
    drawn = curves(finished(*trained), trained[1], "plays_a")
    assert list(drawn) == ["hysteretic=1", "hysteretic=0.1"]
    for curve in drawn.values():
        assert curve["steps"].is_monotonic_increasing and curve["value"].between(0, 1).all()
        assert (curve["low"] <= curve["value"]).all() and (curve["value"] <= curve["high"]).all()


# With processes


def processes_of(folder: pathlib.Path) -> list[int]:
    words = ["pgrep", "-f", "imagents.studies.worker"]
    found = subprocess.run(words, capture_output=True, text=True).stdout.split()
    return [int(number) for number in found if os.path.realpath(f"/proc/{number}/cwd") == os.path.realpath(folder)]


def wait_until(condition, seconds=120):
    for _ in range(10 * seconds):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


@pytest.mark.slow
def test_killed_workers_and_stops_change_nothing_of_a_study(tmp_path):
    file = tmp_path / "climb.toml"
    text = TEXT.replace("8e0", "20_000").replace("rounds_per_chunk = 8", "checkpoint_minutes = 0.01")
    file.write_text(text.replace('execution = "eager"', ""))

    def start(folder):
        words = [sys.executable, "-m", "imagents.cli", "study", "climb.toml", "--output-dir", folder]
        return subprocess.Popen(words, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ends_well(process):
        said = process.communicate()[0]
        assert process.returncode == 0, said

    ends_well(start("whole"))
    process, rows = start("parted"), lambda: [*(tmp_path / "parted/runs").glob("*/metrics.csv")]
    wait_until(rows)
    os.kill(processes_of(tmp_path)[0], signal.SIGKILL)
    wait_until(lambda: len(rows()) > 2)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[0]
    assert process.returncode == 130, said
    assert "to go on: imagents study climb.toml --output-dir parted" in said and not processes_of(tmp_path)
    process = start("parted")
    wait_until(lambda: "finished" in process.stdout.readline())
    process.kill()  # its workers notice, save and end
    process.communicate()
    wait_until(lambda: not processes_of(tmp_path))
    ends_well(start("parted"))
    for name in ("summary.csv", "report.md"):
        whole, parted = ((tmp_path / folder / name).read_text() for folder in ("whole", "parted"))
        assert parted.replace("parted", "whole") == whole
    assert len([*(tmp_path / "parted/runs").iterdir()]) == 4
