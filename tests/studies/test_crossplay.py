"""The agents of every seed with the partners of every other one: what was played stays, and seeds are the unit."""

import json
import math
import pathlib
import shutil

import numpy as np
import pandas as pd
import pytest

from benchmarks import coverage
from imagents import cli
from imagents.errors import InputError
from imagents.evaluation import partners
from imagents.evaluation.tournament import play_tournament
from imagents.files import write_json
from imagents.studies import statistics
from imagents.studies.crossplay import gaps, play_missing, read_cross_play, reason_against
from imagents.studies.study import FAILED, Study
from imagents.studies.summary import finished
from imagents.studies.worker import Worker

BASE = dict(environment="coordination", algorithm="tabular", steps=8, rounds_per_chunk=8, execution="eager")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> pathlib.Path:
    """The folder of a study of three seeds."""
    folder, study, worker = tmp_path_factory.mktemp("studies") / "trained", Study(BASE, seeds=3), Worker()
    for run in study.runs():
        worker.train(run.config, folder / "runs" / run.folder_name)
    write_json(folder / "study.json", study.to_dict())
    return folder


@pytest.fixture
def folder(trained, tmp_path) -> pathlib.Path:
    """The same, for one test."""
    return shutil.copytree(trained, tmp_path / "study")


def play(folder: pathlib.Path, study: Study, games: int = 10) -> int:
    """Plays what is missing; returns how many pairs that were."""
    played = []
    play_missing(folder, study, finished(folder, study), games, lambda *numbers: played.append(numbers))
    assert played == [(n + 1, len(played)) for n in range(len(played))]
    return len(played)


def read(folder: pathlib.Path, study: Study):
    return read_cross_play(folder, finished(folder, study))


def test_every_pair_is_played_once_and_what_was_played_stays(folder):
    study, larger = Study(BASE, seeds=2), Study(BASE, seeds=3)
    assert play(folder, study) == 4 and play(folder, study) == 0
    [found] = read(folder, study)
    assert (found.setting, found.measure, found.games, found.seeds) == ("coordination", "mean_return", 10, (0, 1))
    assert list(found.values) == ["all", "player_1", "player_2"]
    before = pd.read_csv(folder / "crossplay.csv")
    assert not read(folder, larger)  # of seed 2 nothing is known
    assert play(folder, larger) == 9 - 4
    after = pd.read_csv(folder / "crossplay.csv")
    pd.testing.assert_frame_equal(after.iloc[: len(before)], before)
    evaluation = finished(folder, study)[1][2].path / "evaluation.json"
    write_json(evaluation, json.loads(evaluation.read_text()) | {"round": 99})  # seed 1 was trained further
    assert not read(folder, study) and play(folder, study) == 3 and play(folder, study, games=4) == 4
    assert len(read(folder, study)) == 1 and not read(folder, larger)


def test_a_table_holds_what_a_tournament_of_the_two_runs_gives(folder):
    study = Study(BASE, seeds=[0, 2])
    play(folder, study)
    [found] = read(folder, study)
    runs = [str(run.path) for _, _, run in finished(folder, study)]
    for own, other in ((0, 1), (1, 0)):
        [first, second] = play_tournament([runs[own], runs[other]], "coordination", 20).returns[0, 1]
        assert found.values["player_1"][own, other] == first.mean()
        assert found.values["player_2"][other, own] == second.mean()
    np.testing.assert_allclose(found.values["all"], (found.values["player_1"] + found.values["player_2"]) / 2)
    agent, twins, others, gap, interval = gaps(found)[1]
    table = found.values["player_1"]
    assert (agent, twins, others) == ("player_1", np.diag(table).mean(), pytest.approx((table[0, 1] + table[1, 0]) / 2))
    assert gap == pytest.approx(twins - others) and interval is None  # two seeds are an anecdote


def test_a_stop_loses_nothing_and_a_run_that_failed_is_counted(folder):
    study = Study(BASE, seeds=3)
    write_json(finished(folder, study)[1][2].path / FAILED, {"failed": "numbers became infinite"})

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play_missing(folder, study, finished(folder, study), 10, stop)
    assert not read(folder, study) and play(folder, study) == 1
    [found] = read(folder, study)
    assert (found.seeds, found.failed) == ((0, 2), 1)


def test_the_report_plays_it_when_asked_and_shows_it_from_then_on(folder):
    assert cli.main(["report", str(folder), "--cross-play", "--games", "4", "--pdf"]) == 0
    text = (folder / "report.md").read_text()
    assert "## Cross-play: mean return\n\n| setting | agent | with its twins | with others |" in text
    assert "Each pair met in 4 games" in text and "(crossplay.png)" in text
    assert (folder / "crossplay.pdf").read_bytes().startswith(b"%PDF")
    assert cli.main(["report", str(folder)]) == 0 and (folder / "report.md").read_text() == text


def test_who_cannot_be_exchanged_is_refused_before_anything_is_played(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(partners, "Exchange", None)
    for base, sentence in (
        (dict(environment="cartpole"), "no cross-play: cartpole has one seat, and cross-play is for agents with"),
        (dict(environment="tic_tac_toe", opponent="random"), "no cross-play: 1 of 2 players learn, and cross-play"),
    ):
        write_json(tmp_path / "study.json", Study(base).to_dict())
        assert cli.main(["report", str(tmp_path), "--cross-play"]) == 2
        assert sentence in capsys.readouterr().err
    write_json(tmp_path / "study.json", Study(BASE).to_dict())
    assert cli.main(["report", str(tmp_path), "--cross-play", "--games", "3"]) == 2
    assert "games = 3: an even number is needed" in capsys.readouterr().err
    assert reason_against(Study(BASE).configs["coordination"]) is None


def test_a_damaged_table_is_named(folder):
    (folder / "crossplay.csv").write_text("setting,agent\nx,y\n")
    with pytest.raises(InputError, match=r"crossplay.csv is damaged, .*: remove it, and --cross-play plays again"):
        read(folder, Study(BASE, seeds=2))


# The difference


def test_the_difference_is_between_the_diagonal_and_the_rest():
    assert statistics.cross_play_gap([[9, 1, 2], [3, 6, 4], [5, 6, 3]]) == pytest.approx(6 - 21 / 6)


def test_three_or_four_seeds_have_the_jackknifes_interval():
    table = [[9.0, 1.0, 2.0], [3.0, 6.0, 4.0], [5.0, 6.0, 3.0]]
    without = np.array([4.5 - 5, 6 - 3.5, 7.5 - 2])  # a seed each
    half = 4.302653 * math.sqrt(2 / 3 * ((without - without.mean()) ** 2).sum())
    found = statistics.cross_play_interval(table)
    assert found.method == "jackknife" and (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half))
    assert statistics.cross_play_interval(np.eye(2)) is None


def test_seeds_are_drawn_with_their_rows_and_columns_and_meet_no_copy_of_themselves():
    table = np.random.default_rng(1).normal(size=(5, 5))
    counts, gaps_found = np.random.default_rng(0).multinomial(5, np.full(5, 1 / 5), 2000), []
    for often in counts:
        drawn = np.repeat(np.arange(5), often)
        others = np.not_equal.outer(drawn, drawn)
        if others.any():
            of_drawn = table[np.ix_(drawn, drawn)]
            gaps_found.append(np.diag(of_drawn).mean() - of_drawn[others].mean())
    assert len(gaps_found) < 2000  # in some a seed is alone
    ends = np.quantile(gaps_found, statistics.expanded_quantiles(5), method="inverted_cdf")
    found = statistics.cross_play_interval(table, 2000)
    assert found.method == "bootstrap, expanded" and (found.low, found.high) == pytest.approx(tuple(ends))
    assert statistics.cross_play_interval(table, 2000) == found
    assert statistics.cross_play_gap(np.full([8, 8], 0.3)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name, least", [
    ("skill, conventions of one's own", (0.92, 0.915, 0.925, 0.93)),
    ("effects of agents and partners", (0.95, 0.95, 0.95, 0.95)),
    ("four conventions", (0.60, 0.95, 0.95, 0.95)),
    ("two conventions, 80/20", (0.50, 0.62, 0.88, 0.92)),  # of so few seeds often all have the same one
])  # fmt: skip
def test_intervals_of_cross_play_hold_what_they_say(name, least):
    for seeds, share in zip(coverage.RUNS, least, strict=True):
        assert coverage.of_cross_play(name, seeds, 2000, 1000) >= share, seeds
