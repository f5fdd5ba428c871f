"""What a training prints, in 80 columns."""

import sys

import pytest

from imagents.training import progress
from imagents.training.progress import Progress

OPTIMAL = {"title": "Optimal moves", "kind": "share", "chance": 0.58, "short": "opt", "case": ""}
MEASURES = {"lost": OPTIMAL | {"short": "", "kind": "count"}, "optimal": OPTIMAL, "good": OPTIMAL | {"short": "good"}}


def make_row(**more):
    row = {"round": 10, "steps": 15_900_000, "episodes": 2_000_000, "seconds": 70.0, "steps_per_second": 2_310_000.0}
    row |= {"player_1_loss": 0.0123, "player_2_loss": 0.4567, "player_1_return": 0.1, "player_2_return": -0.1}
    row |= {"player_1_wins": 0.45, "player_2_wins": 0.4, "draws": 0.15, "illegal": 0.0}
    return row | more


def printed(capsys, monkeypatch, measures, *rows, **options):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with Progress("RUN", measures, **options) as shown:
        for number, row in enumerate(rows):
            shown.update(0.25 * (number + 1), 10.0 * (number + 1), row)
    return capsys.readouterr().out.splitlines()


def test_the_first_measure_with_a_short_name_is_shown_until_it_is_measured_again(capsys, monkeypatch):
    measured = make_row(player_1_optimal=0.991, player_2_optimal=0.98, player_1_good=0.5, player_1_lost=7)
    nan = float("nan")
    rows = [make_row(), measured, make_row(player_1_optimal=nan, player_2_optimal=nan)]
    lines = printed(capsys, monkeypatch, MEASURES, *rows)
    assert lines == [
        "training in RUN",
        " 25% 15.9M 2.31M/s loss .012 .457 win% 45 40 draw% 15",  # the speed is not known yet
        " 50% 15.9M 2.31M/s loss .012 .457 win% 45 40 opt% 99 98 0:20 left",
        " 75% 15.9M 2.31M/s loss .012 .457 win% 45 40 opt% 99 98 0:10 left",
    ]


@pytest.mark.parametrize("kind, expected", [("share", "x% 1234 50"), ("count", "x 12 0"), ("number", "x 12.3 0.5")])
def test_every_kind_of_measure_has_its_unit(capsys, monkeypatch, kind, expected):
    row = make_row(player_1_size=12.34, player_2_size=0.5, player_1_full_size=3.0)
    measures = {"size": OPTIMAL | {"kind": kind, "short": "x"}}
    assert f" 45 40 {expected}" in printed(capsys, monkeypatch, measures, row)[1]


def test_an_environment_that_nobody_wins(capsys, monkeypatch):
    row = {name: value for name, value in make_row().items() if not name.endswith("_wins") and name != "draws"}
    assert printed(capsys, monkeypatch, {}, row)[1] == " 25% 15.9M 2.31M/s loss .012 .457"


def test_numbers_are_short(capsys, monkeypatch):
    texts = {0: "0", 999: "999", 999.7: "1k", 1234: "1.23k", 999_600: "1M", 2.5e9: "2.5G"}
    assert {number: progress._short(number) for number in texts} == texts


def test_the_bar_fits_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    most = make_row(steps=1.23e9, steps_per_second=12.3e6, player_1_good=1.0, player_2_good=1.0)
    most |= {"player_1_wins": 1.0, "player_2_wins": 0.0}
    with Progress("RUN", {"good": OPTIMAL | {"short": "good"}}) as shown:
        for number in range(1, 4):
            shown.update(0.01 * number, 80.0 * number, most)
    bars = capsys.readouterr().err.replace("\n", "\r").split("\r")
    assert max(map(len, bars)) <= 80
    assert "1.23G 12.3M/s loss .012 .457 win% 100 0 good% 100 100 129:20 left" in " ".join(bars)


def test_before_anything_is_learned_there_is_no_loss(capsys, monkeypatch):
    nan = float("nan")
    [_, line] = printed(capsys, monkeypatch, MEASURES, make_row(player_1_loss=nan, player_2_loss=nan))
    assert "/s loss - win%" in line


def test_a_quiet_one_says_nothing(capsys, monkeypatch):
    assert printed(capsys, monkeypatch, MEASURES, make_row(), quiet=True) == []


def test_the_first_chunk_is_shown_before_it_is_measured(capsys):
    measured = make_row(player_1_optimal=0.991, player_2_optimal=0.98)
    for options, expected in (({}, ["training in RUN", " 50% 15.9M 2.31M/s loss .012 .457 win% 45 40 draw% 15"]),
                              ({"metric_lines": True}, ["training in RUN"]), ({"quiet": True}, [])):  # fmt: skip
        with Progress("RUN", MEASURES, **options) as shown:
            shown.trained(0.5, 10.0, make_row())
            assert capsys.readouterr().out.splitlines() == expected
            shown.update(0.5, 10.0, make_row() if options else measured)
            capsys.readouterr()
            shown.trained(0.6, 12.0, make_row())
            assert not capsys.readouterr().out
    with Progress("RUN", MEASURES) as shown:
        shown.trained(1.0, 10.0, make_row())  # what comes next has it all
    assert capsys.readouterr().out.splitlines() == ["training in RUN"]


def test_machines_read_rows_that_measure_everything(capsys, monkeypatch):
    rows = make_row(player_1_optimal=float("nan")), make_row(player_1_optimal=0.5)
    lines = printed(capsys, monkeypatch, MEASURES, *rows, metric_lines=True)
    assert len(lines) == 2 and lines[1].startswith("metrics round=10 steps=1.59e+07 ")
    assert lines[1].endswith(" player_1_optimal=0.5")


@pytest.mark.parametrize(
    "is_terminal, options, shown",
    [(False, {}, ("line\n", "")), (True, {}, ("", "line\n")), (False, {"quiet": True}, ("", "")),
     (True, {"quiet": True}, ("", "")), (True, {"metric_lines": True}, ("line\n", ""))],
)  # fmt: skip
def test_a_line_is_shown_between_the_others_or_above_the_bar(is_terminal, options, shown, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with Progress("RUN", MEASURES, **options) as progress:
        capsys.readouterr()
        progress.say("line")
        said = capsys.readouterr()
    assert said.out == shown[0] and ("line\n" in said.err) == bool(shown[1])


def test_of_many_agents_the_least_and_the_greatest_are_shown():
    row = {"steps": 5000, "steps_per_second": 100.0} | {f"player_{i}_loss": i / 10 for i in range(1, 7)}
    assert " loss .100 .600 " in progress._line(row, 60.0)
    row |= {f"player_{i}_mean_return": float(i) for i in range(1, 7)}
    assert progress._strength(row, "mean_return", "return", "number") == "return 1 6"
