"""The report of a study, and of two side by side: what it says, its figures, and where it goes."""

import os
import pathlib
import shlex

import matplotlib
import numpy as np
import pandas as pd
import pytest

from imagents import cli
from imagents.commands import Train
from imagents.config import TrainConfig
from imagents.files import write_json
from imagents.flags import parse_training
from imagents.studies.crossplay import CrossPlay
from imagents.studies.figures import draw_cross_play, draw_curves, draw_profiles, write_figures
from imagents.studies.report import command_of, number, panels_of
from imagents.studies.study import Study

BASE = dict(environment="coordination", algorithm="tabular", steps=8, rounds_per_chunk=8, execution="eager")


def write_study(folder: pathlib.Path, study: Study, scores: dict[tuple[str, int], float]) -> pathlib.Path:
    """A study whose runs reached these mean returns, by setting and seed; nothing was trained."""
    for run in study.runs():
        path = folder / "runs" / run.folder_name
        path.mkdir(parents=True)
        write_json(path / "config.json", run.config.to_dict())
        score = {"mean_return": scores[run.setting, run.seed]}
        write_json(path / "evaluation.json", {"round": 8, "agents": {"player_1": score, "player_2": score}})
        rows = [f"{steps},{steps},{score['mean_return'] * steps / 8},{score['mean_return']}" for steps in (4, 8)]
        text = "round,steps,player_1_mean_return,player_2_mean_return\n" + "\n".join(rows) + "\n"
        (path / "metrics.csv").write_text(text)
    write_json(folder / "study.json", study.to_dict())
    return folder


@pytest.fixture
def two(tmp_path, monkeypatch) -> tuple[str, str]:
    """The folders of two studies: with rate 0.1 the other's runs are better, but not better than one's with 0.2."""
    monkeypatch.chdir(tmp_path)
    one = Study(BASE, {"learning_rate": [0.2, 0.1]}, seeds=4)
    other = Study(BASE, {"learning_rate": [0.1, 0.3]}, seeds=4)
    for name, study, plus in (("one", one, 0.0), ("other", other, 10.0)):
        scores = {(run.setting, run.seed): plus + run.seed for run in study.runs()}
        scores = {key: score + 100 * (key[0] == "learning_rate=0.2") for key, score in scores.items()}
        write_study(tmp_path / name, study, scores)
    return "one", "other"


def test_two_studies_are_set_side_by_side_and_like_is_compared_with_like(two, capsys):
    assert cli.main(["report", *two, "--pdf"]) == 0
    assert capsys.readouterr().out.endswith("done: outputs/one-and-other/report.html\n")
    folder = pathlib.Path("outputs/one-and-other")
    text = (folder / "report.md").read_text()
    assert text.startswith("# one and other\n") and "one: 8 of 8 runs are finished, none failed." in text
    rows = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if ": learning_rate=" in line}
    assert "P(more than its like in one)" in text and list(rows) == [
        f"{name}: learning_rate={rate}" for name, rate in (("one", 0.2), ("one", 0.1), ("other", 0.1), ("other", 0.3))
    ]
    assert " | 1.00 (0." in rows["other: learning_rate=0.1"] and " | 0.00 (0." in rows["other: learning_rate=0.3"]
    assert ".00 (" not in rows["one: learning_rate=0.1"]
    table = pd.read_csv(folder / "summary.csv")
    assert set(table["setting"]) == set(rows) and (table["runs"] == 4).all()
    assert {path.name for path in folder.iterdir()} == {
        "summary.csv", "report.md", "report.html", "curves.png", "curves.pdf", "profiles.png", "profiles.pdf"
    }  # fmt: skip
    assert not (pathlib.Path("one") / "report.md").exists()  # neither study is touched


def test_where_the_report_of_two_cannot_go_is_refused(two, capsys):
    pathlib.Path("mine").mkdir()
    pathlib.Path("mine", "thesis.tex").touch()
    for words, sentence in (
        (["one", "./one"], "two different studies are compared, in a folder that is neither of them"),
        ([*two, "--output-dir", "other"], "other: two different studies are compared"),
        ([*two, "--output-dir", "mine"], "mine holds thesis.tex: name a new folder, or that of such a comparison"),
        (["one", "--output-dir", "mine"], "--output-dir is for two studies: the report of one goes into its folder"),
        ([*two, "one"], "3 studies: a report is of one, or of two side by side"),
        (["one", "mine"], "mine is not a study's folder"),
    ):
        assert cli.main(["report", *words]) == 2
        assert sentence in capsys.readouterr().err
    assert os.listdir("mine") == ["thesis.tex"] and not os.path.exists("outputs")
    assert cli.main(["plot", "one"]) == 2  # which is for runs
    said = "one is a study's folder: imagents report one shows it, and its runs are in one/runs"
    assert said in capsys.readouterr().err


# Figures


def drawn_lines(figure) -> list[np.ndarray]:
    return [line.get_xydata() for line in figure.axes[0].get_lines()]


def test_a_profile_falls_where_runs_are_and_a_run_that_failed_gets_nowhere():
    figure = draw_profiles({"a": np.array([1.0, 2.0, 2.0, -np.inf]), "b": np.array([0.0, 4.0])}, "score")
    a, b = drawn_lines(figure)
    assert a[:, 0].tolist() == [-0.2, 0.0, 1.0, 2.0, 4.0, 4.2]
    assert a[:, 1].tolist() == [0.75, 0.75, 0.5, 0, 0, 0] and b[:, 1].tolist() == [1, 0.5, 0.5, 0.5, 0, 0]
    less = draw_profiles({"a": np.array([1.0, 2.0, 2.0, np.inf])}, "regret", less=True)
    assert drawn_lines(less)[0][:, 1].tolist() == [0, 0, 0.25, 0.75]


def test_every_setting_has_a_panel_of_its_seeds():
    table = np.arange(9.0).reshape(3, 3)
    about = dict(measure="points", games=10, policy="greedy", seeds=(4, 5, 9), failed=0)
    played = [CrossPlay(setting=f"setting {n}", values={"player_1": table + n}, **about) for n in range(4)]
    figure = draw_cross_play(played)
    panels = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in panels] == [f"setting {n}: player 1" for n in range(4)]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["4", "5", "9"]
    assert {image.get_clim() for axes in panels for image in axes.images} == {(0.0, 11.0)}  # one scale for all
    np.testing.assert_array_equal(panels[3].images[0].get_array(), table + 3)


def test_fonts_of_a_paper_are_embedded_and_the_figure_fits_its_column(tmp_path):
    curve = pd.DataFrame({"steps": [1, 2], "value": [0.0, 1.0], "low": [0.0, 0.5], "high": [0.5, 1.0]})
    write_figures(tmp_path, {"curves": lambda paper: draw_curves({"score": ("", {"it": curve})}, paper)}, pdf=True)
    content = (tmp_path / "curves.pdf").read_bytes()
    assert b"/CIDFontType2" in content and b"/Type3" not in content and b"CreationDate" not in content
    assert draw_curves({"score": ("", {"it": curve})}, True).get_figwidth() == pytest.approx(3.35)
    assert matplotlib.rcParams["pdf.fonttype"] == 3  # as it was, for everybody else


@pytest.mark.parametrize("settings", [
    dict(environment="climbing", steps=20, hidden_layers=[4, 4], algorithms=["dqn", "tabular"]),
    dict(environment="connect_four", preset="quick", opening_plies=3),
    dict(environment="pettingzoo:classic.connect_four_v3", preset="board", steps=300),  # c51, which the line allows
])  # fmt: skip
def test_the_command_in_a_report_trains_what_the_study_trained(settings):
    study = Study(settings, seeds=[5])
    [values] = study.values.values()
    words = shlex.split(command_of(values).replace("SEED", "5"))
    flags, _ = parse_training("imagents train", words[2:], Train)
    [run] = study.runs()
    assert TrainConfig(**flags) == run.config


# What measures are called


def test_a_report_calls_measures_what_the_figures_of_a_run_call_them(tmp_path, capsys):
    study = Study(dict(environment="tic_tac_toe", steps=8, rounds_per_chunk=8, execution="eager"), seeds=3)
    for run in study.runs():
        path = tmp_path / "runs" / run.folder_name
        path.mkdir(parents=True)
        write_json(path / "config.json", run.config.to_dict())
        measured = {"optimal": 0.9, "losing_first": 3, "losing_second": 4}
        write_json(path / "evaluation.json", {"round": 8, "agents": {"player_1": measured, "player_2": measured}})
        names = [f"{agent}_{name}" for agent in ("player_1", "player_2") for name in measured]
        text = f"round,steps,{','.join(names)}\n4,4{',0.5' * 6}\n8,8{',0.6' * 6}\n"
        (path / "metrics.csv").write_text(text)
    write_json(tmp_path / "study.json", study.to_dict())
    assert cli.main(["report", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("Optimal moves, over all positions (last checkpoint):\n"
                                              "interquartile mean of the runs (its 95 % interval)\n  ")  # fmt: skip
    page = (tmp_path / "report.md").read_text()
    beaten = "## Lines of play that beat the agent, moving first"
    assert f"{beaten}\n\nA count; less is better. In summary.csv: losing_first." in page
    assert "3 of 3 runs are finished (1 setting, 3 seeds), none failed." in page
    assert "A share of 0 to 1; more is better; random play has 0.58." in page
    titles = [line for line in page.splitlines() if line.startswith("## ")]  # in the order of the curves
    assert titles[:2] == ["## Optimal moves, over all positions", beaten]
    html = (tmp_path / "report.html").read_text()
    assert '<span>--environment tic_tac_toe</span> <span>--steps 8</span>' in html  # breaks before flags alone


def test_a_table_has_room_for_few_digits():
    values = (0, 1 / 300, 0.98765, 1234.5, -12.3456, 1e-5)
    assert [number(value) for value in values] == ["0", "0.00333", "0.9877", "1,234", "-12.35", "1e-05"]


def test_each_of_the_first_measures_has_a_panel_and_each_setting_one_look_in_all():
    curve = pd.DataFrame({"steps": [1, 2], "value": [0.0, 1.0], "low": [0.0, 0.5], "high": [0.5, 1.0]})
    figure = draw_curves({"a measure": ("share", {"one": curve, "other": curve}), "$another": ("", {"other": curve})})
    assert [axes.get_title() for axes in figure.axes] == ["a measure", "$another"]
    assert figure.axes[1].get_lines()[0].get_color() == figure.axes[0].get_lines()[1].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "other"]
    panels = panels_of(Study(BASE), list("abcdef"), lambda name: {} if name == "b" else {"one": curve})
    assert list(panels) == ["a", "c", "d", "e"]
