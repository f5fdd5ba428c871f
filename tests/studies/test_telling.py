"""A study says how far it is, while its runs train."""

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
    pool = types.SimpleNamespace(under_way=[job, job], num_ended=3)
    assert told(monkeypatch, capsys, pool, 10)[0] == " 35% 2 runs under way"


def test_a_run_that_has_not_trained_yet_counts_for_nothing(monkeypatch, capsys, job):
    (job.path / "metrics.csv").unlink()
    pool = types.SimpleNamespace(under_way=[job], num_ended=1)
    assert told(monkeypatch, capsys, pool, 2)[0] == " 50% 1 run under way"


@pytest.mark.parametrize(
    "seconds, done, left, said",
    [(60.0, 0.0, 5.0, ""), (60.0, 0.5, 2.0, ", about 4 min left"), (1.0, 1.0, 1.0, ", about 1 min left"),
     (3600.0, 2.0, 5.0, ", about 2.5 h left")],
)  # fmt: skip
def test_what_is_left_is_estimated_from_what_was_trained_since_it_began(seconds, done, left, said):
    assert telling._left(seconds, done, left) == said
