"""A study says how far it is, while its runs train."""

import subprocess
import sys
import time
import types

import pytest

from imagents.config import TrainConfig
from imagents.studies import telling
from imagents.studies.pool import Job
from imagents.studies.study import Wanted


@pytest.fixture
def job(tmp_path) -> Job:
    """A run that has trained a quarter of its budget."""
    (tmp_path / "metrics.csv").write_text("round,steps,seconds\r\n10,50,1.0\r\n20,100,2.0\r\n")
    return Job(Wanted("a", TrainConfig("climbing", algorithm="tabular", steps=400), ()), tmp_path)


def told(monkeypatch, capsys, pool, total: int) -> list[str]:
    """The first lines that are said."""
    monkeypatch.setattr(telling, "_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(telling, "_BETWEEN_LINES", 0.0)
    lines = []
    with telling.telling(pool, total):
        while len(lines) < 2:
            time.sleep(0.01)
            lines += capsys.readouterr().err.splitlines()
    return lines


def test_runs_under_way_count_by_what_they_have_trained(monkeypatch, capsys, job):
    pool = types.SimpleNamespace(under_way=[job], num_ended=3, paused={})
    assert told(monkeypatch, capsys, pool, 5)[0].startswith(" 65% 1 run under way, compiling")


def test_a_run_that_has_not_trained_yet_counts_for_nothing(monkeypatch, capsys, job):
    (job.path / "metrics.csv").unlink()
    pool = types.SimpleNamespace(under_way=[job], num_ended=1, paused={})
    assert told(monkeypatch, capsys, pool, 2)[0].startswith(" 50% 1 run under way")


@pytest.fixture
def looks(tmp_path):
    """Looks at four runs of 400 steps, of which those with a number have trained so many steps."""
    jobs = []
    for seed in range(4):
        config = TrainConfig("climbing", algorithm="tabular", steps=400, seed=seed)
        jobs.append(Job(Wanted(f"{seed}", config, ()), tmp_path / f"{seed}"))
        jobs[-1].path.mkdir()
    pace = telling.Pace(0.0)

    def look(now: float, trained: dict[int, int], ended: int = 0) -> str:
        for seed, steps in trained.items():
            if steps:
                (jobs[seed].path / "metrics.csv").write_text(f"round,steps,seconds\n1,{steps},1.0\n")
        return pace.look(now, [jobs[seed] for seed in trained], ended, 4)[1]

    return look


def test_what_is_left_is_estimated_once_something_has_trained_past_its_first_chunk(looks):
    assert looks(0, {}) == "processes start"
    assert looks(10, {0: 0, 1: 0}) == looks(40, {0: 0, 1: 0}) == "2 runs under way, compiling"
    assert looks(50, {0: 40, 1: 0}) == "2 runs under way, 1 of them compiling"
    assert looks(60, {0: 80, 1: 40}) == "2 runs under way"
    assert looks(62, {0: 100, 1: 60}) == "2 runs under way"  # 4 s of two processes are not much
    assert looks(66, {0: 120, 1: 80}) == "2 runs under way, about 105 s left"
    assert looks(90, {2: 0, 3: 0}, ended=2) == "2 runs under way, about 35 s left"  # they take over a compiled program
    assert looks(124, {3: 360}, ended=3).startswith("1 run under way, about ")
    assert looks(126, {}, ended=4) == "no run is under way"


def test_a_run_that_goes_on_compiles_first_and_one_that_ends_says_how_long_others_take(looks):
    looks(0, {0: 200})
    assert looks(20, {0: 200}) == "1 run under way, compiling"
    assert looks(30, {1: 0}, ended=1) == "1 run under way, about 60 s left"


def test_whoever_waits_for_workers_loads_no_tensorflow():
    code = "import sys, imagents.studies.running; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
