"""The results: which runs are missing, what is kept of one that ended, and how figures read."""

import pandas as pd
import pytest

from benchmarks import best_response, results, results_page
from benchmarks.results_page import Column
from imagents.studies.study import Study
from imagents.studies.worker import Worker

TINY = dict(environment="climbing", steps=20, rounds_per_chunk=20, execution="eager")


@pytest.fixture(scope="module")
def known():
    return {name: results.load(name) for name in results.names()}


def test_every_figure_is_of_a_run_that_its_study_asks_for(known):
    for study, table in known.values():
        assert set(zip(table["setting"], table["seed"])) <= {(run.setting, run.seed) for run in study.runs()}
        assert not table.duplicated(results.COLUMNS[:-1]).any()
    assert {path.stem for path in results.FIGURES.glob("*.csv")} <= set(known)


def test_every_study_is_on_the_page_and_what_is_measured_besides_is_of_one(known):
    shown = {name for section in results_page.SECTIONS for name in section.studies}
    assert shown | {"connect_four_changes", best_response.STUDY.stem} == set(known)
    assert set(results.FURTHER) <= set(known)
    assert results_page.PAGE.read_text() == results_page.page(known)


def table_of(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=results.COLUMNS)


def test_a_run_is_missing_until_its_figures_are_there_and_takes_what_others_took():
    study = Study(TINY, settings=[{"name": "a", "hysteretic": 0.5}, {"name": "b"}], seeds=2)
    table = table_of(*(("a", seed, "last", "all", "seconds", 3600.0) for seed in (0, 1)))
    table.loc[len(table)] = ("b", 0, "last", "all", "seconds", 7200.0)
    [left] = results.missing(study, table)
    assert (left.setting, left.seed) == ("b", 1)
    assert results.hours([left], table) == 2.0 and results.hours([left], table_of()) is None
    assert results.only(study, [left]).runs() == [left]


def test_of_a_grid_only_the_cells_that_are_missing_are_trained():
    study = Study(TINY, grid={"hysteretic": [0.5, 1.0]}, settings=[{"name": "a"}, {"name": "b", "steps": 8}], seeds=2)
    runs = study.runs()[2:4]
    assert [run.setting for run in runs] == ["b, hysteretic=0.5", "b, hysteretic=1"]
    assert results.only(study, runs).runs() == runs


def test_what_a_run_measured_is_kept_once_whatever_becomes_of_its_folder(tmp_path, monkeypatch):
    for name in ("FIGURES", "RUNS"):
        monkeypatch.setattr(results, name, tmp_path / name)
    monkeypatch.setattr(
        results, "FURTHER", {"tiny": (lambda run, last: {"player_1": {"more": 1.0, "mean_return": -1}},)}
    )
    study = Study(TINY, seeds=2)
    run = study.runs()[1]
    Worker().train(run.config, tmp_path / "RUNS" / "tiny" / "runs" / "one")
    table = results.collect("tiny", study, table_of())
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "FIGURES" / "tiny.csv"), table, rtol=1e-5)
    found = table[table["agent"] == "player_1"].set_index("measure")["value"]
    assert found["more"] == 1 and found["mean_return"] == -1, "what is measured afterwards stands in its place"
    assert table[table["measure"] == "steps"]["value"].to_list() == [20]
    assert [left.seed for left in results.missing(study, table)] == [0]
    assert results.collect("tiny", study, table).equals(table)


@pytest.mark.parametrize(
    "column, values, expected",
    [
        (Column("", "x"), [1, 2, 6, 7], "4.0 [1.0 to 7.0]"),
        (Column("", "x"), [1, 2, 3, 4, 5], "3.0 (1.0 to 5.0)"),
        (Column("", "x", unit="%"), [0.5, 0.75], "62.5 % [50.0 to 75.0]"),
        (Column("", "x", unit="s"), [3], "3 s"),
        (Column("", "x", scale=2, digits=3), [0.25] * 5, "0.500"),
        (Column("", "x", enough=2), [1, 2, 3], "2 of 3"),
        (Column("", "x", enough=2, at_most=True), [1, 2.5, 3], "1 of 3"),
        (Column("", "another"), [1], ""),
    ],
)
def test_a_cell_has_an_interval_from_five_runs_on(column, values, expected):
    rows = table_of(*(("a", seed, "last", "all", "x", value) for seed, value in enumerate(values)))
    assert column.cell(rows) == expected


def test_the_first_flag_and_the_first_good_play_are_those_of_the_first_rows_that_say_so(tmp_path):
    rows = [(0, "", -200.0), (100, -200.0, ""), (200, -199.5, ""), (300, -180.0, -131.0), (400, -150.0, -129.0)]
    heading = "round,steps,player_1_return,player_1_mean_return"
    late = {"flag_at": 200, "good_at": 400, "is_good": 1.0}
    for number, expected in ((5, late), (4, {"flag_at": 200, "is_good": 0.0})):
        lines = [",".join(map(str, (place, *row))) for place, row in enumerate(rows[:number])]
        (tmp_path / "metrics.csv").write_text("\r\n".join([heading, *lines, ""]))
        assert results.flags(tmp_path, last=True) == {"player_1": expected}


def test_in_the_last_fifth_rooms_are_counted_by_episode_and_what_is_seen_by_step(tmp_path):
    rows = [(0, 0, "", ""), (800, 10, 3.0, 80.0), (900, 10, "", ""), (940, 12, 1.0, 10.0), (1000, 16, 0.25, 5.0)]
    lines = [",".join(map(str, (number, *row))) for number, row in enumerate(rows)]
    (tmp_path / "metrics.csv").write_text("\r\n".join(["round,steps,episodes,doors,screen", *lines, ""]))
    found = results.last_fifth(tmp_path, last=True)["player_1"]
    assert found == {"rooms_visited": 1 + 3 / 6, "screen_in_sight": 40 / 100}  # of rows that say so
