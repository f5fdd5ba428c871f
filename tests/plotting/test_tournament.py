"""Figures of a tournament show what its file says."""

import json
import subprocess
import sys

import numpy as np
import pytest

from imagents.errors import InputError
from imagents.plotting import tournament
from imagents.plotting.style import RunFigure
from imagents.plotting.tournament import elo_curve, pair_results

NAMES = ["random", "runs/a/snapshots/10.npz:player_1", "runs/a/snapshots/20.npz:player_1"]
LABELS = dict(zip(NAMES, ["random", "10:player_1", "20:player_1"]))


def pair(player, opponent, first, second):
    return {
        "player": player, "opponent": opponent, "moving_first": {"score": first}, "moving_second": {"score": second}
    }


@pytest.fixture
def content():
    elo = dict(zip(NAMES, [0.0, 120.0, 300.0]))
    return {
        "environment": "tic_tac_toe",
        "labels": LABELS,
        "ratings": {"players": {name: {"elo": x, "elo_95": [x - 20, x + 30]} for name, x in elo.items()}},
        "steps": {NAMES[1]: 1000, NAMES[2]: 2000},
        "matches": [
            pair(NAMES[0], NAMES[1], 0.5, 0.3), pair(NAMES[0], NAMES[2], 0.2, 0.1), pair(NAMES[1], NAMES[2], 0.4, 0.2)
        ],
    }


def test_the_heat_map_shows_every_pair_in_the_order_of_strength(content):
    figure = pair_results(content)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["20:player_1", "10:player_1", "random"]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "20:player_1  300", "10:player_1  120", "random  0"
    ]
    shown = axes.collections[0].get_array().reshape(3, 3)
    np.testing.assert_allclose(np.ma.filled(shown, np.nan), [[np.nan, 70, 85], [30, np.nan, 60], [15, 40, np.nan]])
    assert isinstance(figure, RunFigure)


def test_the_curve_shows_elo_over_steps_and_the_others_as_lines(content):
    axes = elo_curve(content).axes[0]
    curve, line = axes.lines
    np.testing.assert_array_equal(curve.get_xydata(), [[1000, 120], [2000, 300]])
    assert curve.get_label() == "a:player_1, and its 95 % interval" and axes.get_xlabel() == "steps"
    assert set(line.get_ydata()) == {0.0} and axes.texts[0].get_text() == "random"


def test_without_snapshots_there_is_no_curve(content):
    with pytest.raises(InputError, match="no snapshots among the players"):
        elo_curve(content | {"steps": {}})


def test_a_tournament_of_version_0_1_0_is_drawn_too(tmp_path, content):
    old = {"game": content.pop("environment"), "plies": content.pop("steps")} | content
    (tmp_path / "tournament.json").write_text(json.dumps(old))
    for source in (tmp_path, old):
        axes = elo_curve(source).axes[0]
        assert axes.get_title() == "Tic tac toe: strength over training" and axes.get_xlabel() == "steps"


def test_files_are_written_beside_the_results(tmp_path, content):
    (tmp_path / "tournament.json").write_text(json.dumps(content))
    paths = tournament.save_all(tmp_path)
    assert [path.name for path in paths] == ["results.png", "elo_curve.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    (tmp_path / "tournament.json").write_text(json.dumps(content | {"steps": {}}))
    assert [path.name for path in tournament.save_all(tmp_path)] == ["results.png"]


@pytest.mark.parametrize("text", [None, "{", "{}", "[]"])
def test_what_is_no_tournament_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "tournament.json").write_text(text)
    with pytest.raises(InputError, match="is not a tournament"):
        pair_results(tmp_path)


def test_needs_no_tensorflow():
    program = "import sys, imagents.plotting.tournament; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
