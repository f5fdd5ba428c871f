"""The training tab: figures and evaluation of runs, as they are now."""

import os

import pytest

from imagents.app.trainings import Trainings
from imagents.files import write_json


@pytest.fixture
def folder(tmp_path, write_run):
    for age, name in enumerate(("old", "new")):
        write_run(tmp_path / name)
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    return tmp_path


@pytest.fixture
def trainings(folder):
    return Trainings(lambda: sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True))


def test_the_newest_run_is_shown_with_its_figures_and_measures_so_far(trainings):
    reply = trainings.training({})
    assert reply["run"] == "new"
    assert reply["html"].count('<img alt="') == 3 and reply["html"].count("data:image/png;base64,") == 3
    assert "tic tac toe, 3,000 steps so far" in reply["html"] and "<caption>So far" in reply["html"]
    assert "<th scope=row>optimal<td>0.75<td>0.5" in reply["html"]
    assert "<option selected>new</option><option>old</option>" in reply["html"]


def test_measures_have_their_titles_and_units(trainings, folder):
    share = {"title": "Optimal <moves>", "kind": "share", "chance": 0.58, "short": "opt", "case": ""}
    write_json(folder / "new" / "measures.json", {"optimal": share})
    html = trainings.training({})["html"]
    assert "<th scope=row>Optimal &lt;moves&gt;<td>75.0 %<td>50.0 %" in html and "<th scope=row>loss<td>0.5" in html
    write_json(folder / "new" / "evaluation.json", {"agents": {"player_1": {"losing_first": 3000}}})
    write_json(folder / "new" / "measures.json", {"losing_first": share | {"kind": "count", "case": "moving first"}})
    assert "Optimal &lt;moves&gt;, moving first<td>3,000" in trainings.training({})["html"]


def test_damaged_measures_leave_the_names(trainings, folder):
    (folder / "new" / "measures.json").write_text("{")
    html = trainings.training({})["html"]
    assert html.count('<img alt="') == 2  # strength is not among them
    assert "<th scope=row>optimal<td>0.75<td>0.5" in html


def test_nothing_is_sent_again_until_there_is_more(trainings, folder):
    first = trainings.training({"run": "old"})
    same = {"run": "old", "stamp": first["stamp"]}
    assert trainings.training(same) == same | {"html": None}
    with (folder / "old" / "metrics.csv").open("a") as file:
        file.write("300,9000,0.4,0.2,0.1,-0.1,0.8,0.6\n")
    assert "steps so far" in trainings.training(same)["html"]


def test_the_evaluation_at_the_end_takes_the_place_of_the_measures(trainings, folder):
    report = {"optimal_share": 0.98765, "unbeatable": True, "random_first": {"win": 0.5}, "name": "<b>"}
    write_json(folder / "new" / "evaluation.json", {"round": 1, "agents": {"player_1": report}})
    html = trainings.training({"run": "new"})["html"]
    assert "<caption>Evaluation" in html and "So far" not in html
    for row in ("optimal share<td>0.9877", "unbeatable<td>yes", "random first, win<td>0.5", "name<td>&lt;b&gt;"):
        assert row in html


@pytest.mark.parametrize("text", ["{", "[]", '{"agents": []}', '{"agents": {"player_1": 3}}'])
def test_a_damaged_evaluation_leaves_the_measures_so_far(trainings, folder, text):
    (folder / "new" / "evaluation.json").write_text(text)
    assert "<caption>So far" in trainings.training({"run": "new"})["html"]


def test_only_a_run_that_is_listed_can_be_chosen_whatever_is_asked(trainings):
    for name in ("../old", "/etc", "old/", "..", "", 3, None, ["old"], {"run": "old"}):
        assert trainings.training({"run": name})["run"] == "new"
    for request in (None, 3, [], "old", {"stamp": {"a": 1}}):
        assert trainings.training(request)["run"] == "new"


def test_runs_that_have_measured_nothing_and_folders_without_runs(tmp_path, write_run):
    assert "no run here yet" in Trainings(lambda: []).training({})["html"]
    write_run(tmp_path / "young", rows=0)
    assert "Nothing measured yet" in Trainings(lambda: [tmp_path / "young"]).training({})["html"]
    (tmp_path / "young" / "metrics.csv").write_text("round,steps\n1,")
    assert "Nothing measured yet" in Trainings(lambda: [tmp_path / "young"]).training({})["html"]
