"""Figures of a tournament, drawn from its tournament.json alone; like all figures here, without TensorFlow.

    from imagents import plotting
    plotting.pair_results("outputs/tournament-...")
"""

import itertools
import os
import pathlib

import matplotlib
import numpy as np
import seaborn as sns

from imagents.drawing import MARKERS, SEATS
from imagents.errors import InputError
from imagents.files import read_json
from imagents.plotting.style import STYLE, RunFigure, legend_below, save, steps_axis
from imagents.plotting.words import words

Tournament = str | os.PathLike | dict  # the folder of a tournament, its tournament.json, or what is in there

_MOST_LETTERS = 32  # of a player's label
_OLD_NAMES = {"game": "environment", "plies": "steps"}  # of version 0.1.0


def read_tournament(tournament: Tournament) -> dict:
    """Reads a tournament, or takes the dictionary; what version 0.1.0 wrote has the names of today.

    Raises:
        InputError: if there is no tournament.json, or it is damaged.
    """
    content = tournament
    if not isinstance(tournament, dict):
        path = pathlib.Path(tournament)
        path = path / "tournament.json" if os.path.isdir(path) else path
        try:
            content = read_json(path, most=2**28)
            content["ratings"]["players"], content["matches"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a tournament: {error}") from None
    return {_OLD_NAMES.get(name, name): value for name, value in content.items()}


@matplotlib.rc_context(STYLE | {"axes.grid": False})
def pair_results(tournament: Tournament) -> RunFigure:
    """Draws the share of the points that each player took from each other, as a heat map in the order of their Elo."""
    content = read_tournament(tournament)
    elo = {name: rating["elo"] for name, rating in content["ratings"]["players"].items()}
    order = sorted(elo, key=elo.get, reverse=True)
    points = np.full([len(order), len(order)], np.nan)
    for match in content["matches"]:
        row, column = order.index(match["player"]), order.index(match["opponent"])
        score = (match["moving_first"]["score"] + match["moving_second"]["score"]) / 2  # as many games of each
        points[row, column], points[column, row] = score, 1 - score
    labels = [_short(content["labels"][name]) for name in order]
    size = max(4.0, 0.62 * len(order))
    figure = RunFigure(figsize=(size + 3.2, size + 1.6), layout="constrained")
    axes = figure.subplots()
    sns.heatmap(
        100 * points,
        ax=axes,
        vmin=0,
        vmax=100,
        cmap="PRGn",
        annot=True,
        fmt=".0f",
        square=True,
        linewidths=0.5,
        xticklabels=labels,
        yticklabels=[f"{label}  {elo[name]:.0f}" for label, name in zip(labels, order, strict=True)],
        cbar_kws={"label": "share of the points (%)", "shrink": 0.7},
    )
    axes.set(xlabel="opponent", ylabel="player and its Elo")
    turns = "moving_first", "moving_second"
    games = {sum(match[turn].get("games", 0) for turn in turns) for match in content["matches"]} - {0}
    counted = f", {min(games):,} games a pair" if len(games) == 1 else ""
    axes.set_title(_title(content, "results") + counted)
    axes.tick_params(axis="x", rotation=90)
    return figure


@matplotlib.rc_context(STYLE)
def elo_curve(tournament: Tournament) -> RunFigure:
    """Draws the Elo of a run's snapshots over steps, with its 95 % interval; the other players as horizontal lines.

    Raises:
        InputError: if there are no snapshots among the players.
    """
    content = read_tournament(tournament)
    players, steps = content["ratings"]["players"], content.get("steps", {})
    if not steps:
        raise InputError("there are no snapshots among the players, so there is no curve to draw")
    curves: dict[str, list[str]] = {}  # by run and agent, the names of their snapshots
    for name in steps:
        snapshot, _, agent = name.rpartition(":")
        curves.setdefault(f"{pathlib.Path(snapshot).parent.parent.name}:{agent}", []).append(name)
    figure = RunFigure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    looks = itertools.cycle(zip(SEATS, MARKERS))
    for (colour, marker), (curve, names) in zip(looks, curves.items(), strict=False):
        names = sorted(names, key=steps.get)
        x = [steps[name] for name in names]
        low, high = np.array([players[name]["elo_95"] for name in names]).T
        axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(x, [players[name]["elo"] for name in names], color=colour, marker=marker, markersize=6,
                  markeredgecolor="white", markeredgewidth=0.5, clip_on=False, label=f"{curve}, and its 95 % interval")
    for name in players:
        if name not in steps:
            axes.axhline(players[name]["elo"], color="0.4", linestyle=":")
            axes.annotate(content["labels"][name], (1, players[name]["elo"]), xycoords=("axes fraction", "data"),
                          xytext=(4, 0), textcoords="offset points", va="center", color="0.3")
    steps_axis(axes, max(steps.values()))
    axes.set(ylabel="Elo", title=_title(content, "strength over training"))
    legend_below(axes)
    sns.despine(ax=axes)
    return figure


def save_all(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Writes every figure of a tournament that applies as a PNG file beside its tournament.json; returns the files."""
    content = read_tournament(folder)
    figures = {"results": pair_results} | ({"elo_curve": elo_curve} if content.get("steps") else {})
    for name, draw in figures.items():
        save(draw(content), pathlib.Path(folder) / f"{name}.png")
    return [pathlib.Path(folder) / f"{name}.png" for name in figures]


def _short(label: str) -> str:
    """A label that leaves room for what it stands beside; its end tells most."""
    return label if len(label) <= _MOST_LETTERS else f"…{label[1 - _MOST_LETTERS :]}"


def _title(content: dict, what: str) -> str:
    return f"{words(content['environment']).capitalize()}: {what}"
