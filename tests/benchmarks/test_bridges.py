"""What a round of a bridge costs is held against the package's own step; nothing here depends on the time."""

import pytest

from benchmarks import bridges


def rows(own, playing, learning=9000.0, copies=16):
    figures = {"own": own, "playing": playing, "learning": learning}
    case = dict(environment="here:X", copies=copies)
    return [case | dict(what=what, microseconds_per_round=number) for what, number in figures.items()]


@pytest.mark.parametrize(
    ("own", "playing", "said"),
    [(100, 1099, "yes (1100)"), (100, 1101, "NO (1100)"), (10_000, 12_999, "yes (13000)"),
     (10_000, 13_001, "NO (13000)")],
)  # fmt: skip
def test_a_round_adds_less_than_a_third_of_the_own_step_or_a_millisecond(own, playing, said):
    heading, line = bridges.table(rows(own, playing)).splitlines()
    assert heading.split()[-4:] == ["own", "playing", "learning", "allowed"]
    assert line.split()[:2] == ["here:X", "16"] and line.endswith(said)


def test_a_repeat_is_of_so_many_rounds_as_fill_its_time(monkeypatch):
    clock, ran = [0.0], []

    def run(rounds):
        ran.append(rounds)
        clock[0] += rounds * 0.002

    monkeypatch.setattr(bridges.time, "process_time", lambda: clock[0])
    measured = bridges.Measured(run, 1.0, what="own")
    for _ in range(3):
        measured.measure()
    assert ran[2:] == [500] * 3
    assert measured.result() == {"what": "own", "microseconds_per_round": pytest.approx(2000)}


@pytest.mark.filterwarnings("ignore:The old environment creation API")
def test_every_task_has_a_step_of_its_own_package():
    pytest.importorskip("lbforaging", reason="needs the extra oracles")
    pytest.importorskip("mpe2", reason="needs the extra pettingzoo")
    for make in bridges.TASKS.values():
        make(2)(3)
