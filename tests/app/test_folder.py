"""The runs in a folder: whom they put at a board, now and as they were earlier, and who that is."""

import os
import shutil

import pytest

from imagents import own
from imagents.app import folder
from imagents.app.folder import Folder, about_run
from imagents.app.local import LocalCast
from imagents.app.trainings import Trainings
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.record import Record
from imagents.files import read_json, write_json
from imagents.opening import open_path
from imagents.runs.snapshots import save_snapshot


@pytest.fixture
def young(tmp_path, make_run):
    """A run that has trained for a minute, and has snapshots of some of its rounds."""
    run = make_run(tmp_path / "young", rounds=40)
    opened = open_path(run.newest_checkpoint())
    for rounds in (10, 20, 30):
        save_snapshot(run.path, opened.agents, rounds, 8 * rounds, 10, 16, opened.config.to_dict())
    shutil.copyfile(run.path / "snapshots" / "0000000010.npz", run.path / "snapshots" / "0000000000.npz")
    rows = "".join(f"{rounds},{steps},{seconds}\r\n" for rounds, steps, seconds in
                   ((10, 8, 5.0), (20, 160, 9.0), (30, 700, 40.4), (39, 1600, 62.4)))  # fmt: skip
    (run.path / "metrics.csv").write_text(f"round,steps,seconds\r\n{rows}")
    return run.path


def test_a_run_can_be_met_as_it_was_early_in_its_learning(tmp_path, young):
    assert Folder(tmp_path).players("tic_tac_toe") == {
        "run/young": "now · young", "run/young@0000000000": "before it learned · young",
        "run/young@0000000020": "after 9 s · young", "run/young@0000000030": "after 40 s · young",
    }  # fmt: skip


def test_of_snapshots_of_the_same_age_one_can_be_met_and_none_that_is_as_old_as_the_run(tmp_path, young):
    metrics = (young / "metrics.csv").read_text().replace("40.4", "9.4")
    (young / "metrics.csv").write_text(metrics)
    ages = ["now · young", "before it learned · young", "after 9 s · young"]
    assert [*Folder(tmp_path).players("tic_tac_toe").values()] == ages
    folder._measured.cache_clear(), folder._earlier.cache_clear()
    (young / "metrics.csv").write_text(f"{metrics}40,1640,9.45\r\n")
    assert [*Folder(tmp_path).players("tic_tac_toe").values()] == [*ages[:2], "after 5 s · young"]


def test_the_newest_runs_of_a_study_can_be_met_and_a_short_name_says_which(tmp_path, make_run):
    for age, seed in enumerate((4, 3, 1, 2)):
        run = make_run(tmp_path / "outputs" / "tic_tac_toe-7" / "runs" / f"tic_tac_toe-seed-{seed}").path
        os.utime(run, (1000 + age, 1000 + age))
    write_json(run.parent.parent / "study.json", {})
    found = Folder(tmp_path / "outputs")
    labels = {f"run/tic_tac_toe-7/tic_tac_toe-seed-{seed}": f"Run 7/seed-{seed}" for seed in (2, 1, 3)}
    assert found.players("tic_tac_toe") == labels and found.runs()[0] == run
    assert found.find(next(iter(labels))) == (run, run)
    assert found.called(next(iter(labels))) == "run tic_tac_toe-7/tic_tac_toe-seed-2"
    assert len(Folder(run.parent).players("tic_tac_toe")) == 4  # where all of them are wanted
    tab = Trainings(found.runs)
    assert tab.training({"run": "tic_tac_toe-7/tic_tac_toe-seed-3"})["run"] == "tic_tac_toe-7/tic_tac_toe-seed-3"
    assert tab.training({"run": "tic_tac_toe-7/runs"})["run"] == "tic_tac_toe-7/tic_tac_toe-seed-2"


def test_a_snapshot_plays(tmp_path, young):
    cast = LocalCast(tmp_path)
    thought = cast.mind(TIC_TAC_TOE, "run/young@0000000020", 1).think(Record(TIC_TAC_TOE, 1))
    assert thought.action == int(thought.q_values.argmax())
    assert "run/young@0000000020" in cast.agents(TIC_TAC_TOE)
    assert "run/young@0000000020" not in cast.agents(CONNECT_FOUR)


def test_a_run_whose_agents_a_function_of_ones_own_makes_is_met_once_that_is_trusted(tmp_path, young, monkeypatch):
    config = read_json(young / "config.json")
    write_json(young / "config.json", config | {"agents": "__main__:make_agents"})
    assert Folder(tmp_path).players("tic_tac_toe") == {} and Folder(tmp_path).runs() == [young]
    assert LocalCast(tmp_path).agents(TIC_TAC_TOE) == ["trained"]
    monkeypatch.setitem(own._TRUSTED, "__main__:make_agents", lambda environment, seed: [])
    assert "run/young@0000000020" in Folder(tmp_path).players("tic_tac_toe")


def test_a_snapshot_says_of_which_run_it_is_and_after_how_long_a_training(tmp_path, young):
    cast, said = LocalCast(tmp_path), "Learned alone, from 160 moves of play with another learner."
    assert cast.called(TIC_TAC_TOE, "run/young@0000000020") == "run young after 9 s of training"
    assert cast.about(TIC_TAC_TOE, "run/young@0000000020", 0) == said
    assert cast.called(TIC_TAC_TOE, "run/young@0000000000") == "run young before it learned"
    assert cast.about(TIC_TAC_TOE, "run/young@0000000000", 0) == "Untrained."
    assert cast.called(TIC_TAC_TOE, "run/young") == "run young" and cast.called(TIC_TAC_TOE, "random") == "Random"


def test_without_metrics_nobody_knows_how_old_a_snapshot_is(tmp_path, young):
    (young / "metrics.csv").unlink()
    assert Folder(tmp_path).players("tic_tac_toe") == {"run/young": "Run young"}


def test_there_may_be_no_folder():
    assert Folder(None).runs() == [] and Folder(None).players("tic_tac_toe") == {}


def test_a_run_that_is_removed_while_runs_are_listed_is_left_out(tmp_path, write_run, monkeypatch):
    for name in ("going", "staying"):
        write_run(tmp_path / name)
    age = folder._age

    def remove(run):
        if run.name == "going":
            shutil.rmtree(run)
        return age(run)

    monkeypatch.setattr(folder, "_age", remove)
    assert [run.name for run in Folder(tmp_path).runs()] == ["staying"]


def test_who_an_agent_of_a_run_is_say_its_settings_and_its_evaluation(tmp_path, write_run):
    run = write_run(tmp_path / "measured", steps=3_000_000).path
    assert about_run(run, 0) == "Learned alone, from 3 million moves of play with another learner."
    exact = {"optimal_share": 0.9876, "losing_lines_first": 0, "losing_lines_second": 1}
    write_json(run / "evaluation.json", {"agents": {"player_1": {"exact": exact}}})
    assert about_run(run, 0).endswith("98.8\xa0% of its moves are optimal, and 1 line of play beats it.")
    assert about_run(run, 1).endswith("another learner.")
    (run / "evaluation.json").write_text("[]")
    assert about_run(run, 0) == ""
