"""Figures of a run: losses, returns, how episodes ended, and how good its agents are."""

import math
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns

from imagents.config import agents_in
from imagents.errors import InputError
from imagents.plotting.reading import (
    Measures,
    Run,
    environment_name,
    loss_name,
    read_measures,
    read_metrics,
    settings_of,
    unexplained,
)
from imagents.plotting.style import (
    PERCENT,
    STYLE,
    RunFigure,
    legend_below,
    looks,
    plain_log_axis,
    save,
    steps_axis,
)
from imagents.plotting.words import shown, words

_OF_TRAINING = ("loss", "return", "own_return", "wins")  # which say nothing of strength
_DRAW_COLOUR, _ILLEGAL_COLOUR = "0.75", "0.2"
_CASE_LINES = ("-", "--", "-.", (0, (1, 1)))
_MOST_CURVES = 32  # of one kind; more could not be told from each other
_MOST_PANELS = 16
_MOST_POINTS = 2000  # of a curve, more than there are pixels
_MOST_VALUE = 1e100  # beyond it, as where a loss explodes, there is no axis
_FEW = 20  # things that are counted, up to which an axis shows all alike
_MARKED_POINTS = 40  # up to so many points a curve shows each of them, and needs no smoothing


@matplotlib.rc_context(STYLE)
def losses(run: Run) -> RunFigure:
    """Draws every agent's training loss over steps, on a logarithmic axis unless some are below 0, as policies'."""
    figure, axes = _line_figure(run, "loss", "Training loss")
    axes.set_ylabel(loss_name(run))
    if not any((np.asarray(line.get_ydata()) <= 0).any() for line in axes.get_lines()):
        axes.set_yscale("log")
        plain_log_axis(axes)
    return figure


@matplotlib.rc_context(STYLE)
def returns(run: Run) -> RunFigure:
    """Draws every agent's mean return per episode over steps; dashed all that it was paid, where that differs.

    They are episodes of the training, in which agents explore: their greedy play gets other returns.
    """
    title = f"Returns\nwhile exploring{_openings(run)}"
    figure, axes = _line_figure(run, "return", title, also=("own_return", ": all that it was paid"))
    axes.axhline(0, color="0.4", linewidth=0.8, zorder=1)
    axes.set(ylabel="mean return per episode")
    return figure


@matplotlib.rc_context(STYLE)
def outcomes(run: Run) -> RunFigure:
    """Draws how games ended over steps: shares of wins, draws and illegal moves, stacked; unsmoothed as thin lines.

    They are games of the training, in which agents explore and may begin after random moves: draws and losses there are
    no sign that agents could be beaten.
    """
    metrics = read_metrics(run)
    winners = [column.removesuffix("_wins") for column in metrics if column.endswith("_wins")][:_MOST_CURVES]
    if not winners:
        raise InputError("the metrics have no column that ends in _wins")
    # Draws lie between the first two players, so that both players' shares start at an edge.
    bands = [(f"{name}_wins", f"{words(name)} wins", colour) for name, (colour, _) in looks(winners).items()]
    bands.insert(1, ("draws", "draw", _DRAW_COLOUR))
    bands.append(("illegal", "illegal move", _ILLEGAL_COLOUR))

    rates = pd.DataFrame({column: _column(metrics, column) for column, _, _ in bands})
    rates.index = _column(metrics, "steps")
    rates = rates.dropna()
    if len(rates) == 1:  # of all that was trained: an area needs two points
        rates = pd.concat([rates.set_axis([0]), rates])
    figure, axes = _new_figure(run, f"Outcomes\nwhile exploring{_openings(run)}")
    if len(rates):
        smooth, rates = _thin(rates.apply(_smooth)), _thin(rates)
        labels = [f"{label}, {shown(smooth[column].iloc[-1], 'share')}" for column, label, _ in bands]
        band_colours = [colour for _, _, colour in bands]
        axes.stackplot(smooth.index, smooth.T, labels=labels, colors=band_colours, linewidth=0.5, edgecolor="white")
        if len(smooth) > _MARKED_POINTS:
            _name_smoothing(axes, len(rates))
            axes.plot(rates.index, rates.cumsum(axis=1).iloc[:, :-1], color="0.15", linewidth=0.4, alpha=0.4)
    axes.set(ylim=(0, 1), ylabel="share of finished games")
    axes.yaxis.set_major_formatter(PERCENT)
    axes.grid(False)
    return _finish(figure, axes, rates.index, reverse_legend=True)


def _openings(run: Run) -> str:
    return ", after random openings" if settings_of(run).get("opening_plies") else ""


@matplotlib.rc_context(STYLE)
def strength(run: Run, measures: Measures | None = None, columns: int = 2) -> RunFigure:
    """Draws how good the agents are over steps: a panel for all measures of one title, and a kind of line per case.

    Any column `<agent>_<measure>` is drawn; one that no measure explains has a panel named after itself, in which
    `_first` and `_second` at its end are cases.

    Args:
        run: the run folder, or its metrics.
        measures: as `read_measures` gives them; None for the run's own.
        columns: of panels, at most.
    """
    metrics = read_metrics(run)
    known = read_measures(run) if measures is None else measures
    panels = _panels(metrics, known)
    if not panels:
        raise InputError("the metrics have no strength columns, such as player_1_optimal or player_1_random_first")
    title = "Strength" if {*known} != {"mean_return"} else "Greedy play"  # a return against others is no strength
    title += "" if len(panels) <= _MOST_PANELS else f", {_MOST_PANELS} of {len(panels)} measures"
    panels = dict(list(panels.items())[:_MOST_PANELS])
    columns = min(columns, len(panels))
    figure, grid = _new_figure(run, title, math.ceil(len(panels) / columns), columns)
    grid = np.ravel(grid)
    for axes, (title, curves) in zip(grid, panels.items(), strict=False):  # the last panel may be left over
        axes.set_title(title, parse_math=False)
        _scale(axes, curves, _draw_measures(axes, metrics, curves))
        _finish(figure, axes, _column(metrics, "steps"))
    for axes in grid[len(panels) :]:
        axes.remove()
    return figure


def save_all(
    run: str | os.PathLike, own: Mapping[str, Callable] | None = None, format: str = "png"
) -> list[pathlib.Path]:
    """Writes every figure that the run's metrics allow into RUN/plots.

    Args:
        run: the run folder.
        own: figures of its environment's own, as its face's `figures` gives them.
        format: of the files, one of png, pdf and svg.

    Returns:
        The files, in the order losses, returns, outcomes, strength, and its own.
    """
    metrics = read_metrics(run)
    figures = {"losses": losses, "returns": returns}
    if any(column.endswith("_wins") for column in metrics):
        figures["outcomes"] = outcomes
    if _panels(metrics, {}):
        figures["strength"] = strength
    folder = pathlib.Path(run) / "plots"
    folder.mkdir(exist_ok=True)
    drawn = ((folder / f"{name}.{format}", draw(run)) for name, draw in (figures | dict(own or {})).items())
    paths = []
    for path, figure in drawn:
        if figure is not None:
            save(figure, path)
            paths.append(path)
    return paths


def _line_figure(run: Run, suffix: str, title: str, also: tuple[str, str] = ("", "")):
    """Returns a figure and its axes with one curve per agent; and one of another column, if there it differs."""
    metrics = read_metrics(run)
    figure, axes = _new_figure(run, title)
    for name, (colour, marker) in looks(_agents(metrics)).items():
        column, other = f"{name}_{suffix}", f"{name}_{also[0]}"
        _curve(axes, metrics, column, words(name), colour, marker)
        if other in metrics and not np.allclose(_column(metrics, other), _column(metrics, column), equal_nan=True):
            _curve(axes, metrics, other, f"{words(name)}{also[1]}", colour, marker, "--")
    return _finish(figure, axes, _column(metrics, "steps")), axes


def _new_figure(run: Run, title: str, rows: int = 1, columns: int = 1):
    if not isinstance(run, pd.DataFrame):
        name = environment_name(run)
        title = f"{name if ':' in name else name.capitalize()}: {title.lower()}"
    figure = RunFigure(figsize=(8 if columns == 1 else 12, 4.6 * rows), layout="constrained")
    figure.suptitle(title, fontsize=15, parse_math=False)
    return figure, figure.subplots(rows, columns)


def _finish(figure: RunFigure, axes, steps: Sequence[float], reverse_legend: bool = False) -> RunFigure:
    """Adds what all panels over steps have in common: the x axis, and the legend below."""
    steps_axis(axes, max(steps, default=0))
    if axes.get_legend_handles_labels()[0]:
        legend_below(axes, reverse=reverse_legend)
    else:
        axes.text(0.5, 0.5, "nothing measured yet", transform=axes.transAxes, ha="center", color="0.4")
    sns.despine(ax=axes)
    return figure


def _curve(axes, metrics: pd.DataFrame, column: str, label: str, colour: str, marker: str, line: str = "-") -> None:
    """Draws the measured points of a curve: all of them if they are few, else their rolling mean over thin raw ones."""
    curve = pd.DataFrame({"x": _column(metrics, "steps"), "y": _column(metrics, column)}).dropna()
    if len(curve) > _MARKED_POINTS:
        raw, smooth = _thin(curve), _thin(curve.assign(y=_smooth(curve.y)))
        axes.plot(raw.x, raw.y, color=colour, linewidth=0.7, alpha=0.35)
        axes.plot(smooth.x, smooth.y, line, color=colour, linewidth=2, label=label, **_marked(marker, len(smooth)))
        _name_smoothing(axes, len(curve))
    elif len(curve):
        axes.plot(curve.x, curve.y, line, color=colour, linewidth=2, label=label, **_marked(marker, len(curve)))


def _marked(marker: str, points: int, size: float = 6) -> dict:
    """A mark at each of few points, or at some of many: who does not see the colour sees whose curve it is."""
    return {"marker": marker, "markersize": size, "markeredgecolor": "white", "markeredgewidth": 0.5, "clip_on": False,
            "markevery": max(1, points // 8) if points > _MARKED_POINTS else 1}  # fmt: skip


def _name_smoothing(axes, rows: int) -> None:
    axes.set_title(f"thick: mean of {_window(rows)} rows; thin: each", loc="right", fontsize=9, color="0.4")


def _smooth(values: pd.Series) -> pd.Series:
    return values.rolling(_window(len(values)), min_periods=1, center=True).mean()


def _window(rows: int) -> int:
    """How many rows a mean is of."""
    return rows // 20 if rows > _MARKED_POINTS else 1


def _thin(values):
    """As many rows as can be seen, evenly, with the last one."""
    step = math.ceil(len(values) / _MOST_POINTS)
    return values.iloc[(len(values) - 1) % step :: step]


def _panels(metrics: pd.DataFrame, measures: Measures) -> dict[str, list[tuple[str, dict, str]]]:
    """Returns (agent, measure, column) of every strength column, by title; those of `measures` first."""
    agents = _agents(metrics)
    panels = {measure["title"]: [] for measure in measures.values()}
    for column in metrics:
        # The longest name that fits, since one agent's name may begin with another's.
        agent = max((agent for agent in agents if column.startswith(f"{agent}_")), key=len, default=None)
        name = column.removeprefix(f"{agent}_")
        if agent is not None and name not in _OF_TRAINING:
            measure = measures.get(name) or unexplained(name)
            panels.setdefault(measure["title"], []).append((agent, measure, column))
    return {title: curves[:_MOST_CURVES] for title, curves in panels.items() if curves}


def _draw_measures(axes, metrics: pd.DataFrame, curves: list[tuple[str, dict, str]]) -> float:
    """Draws a panel's curves unsmoothed: their values are measured well, and a mean would hide that zero was reached.

    Returns:
        The lowest value; 1 if there is none below.
    """
    steps, agents = _column(metrics, "steps"), _agents(metrics)
    cases = list(dict.fromkeys(measure["case"] for _, measure, _ in curves))
    lowest = 1.0
    for agent, measure, column in curves:
        values = _column(metrics, column).dropna()
        if values.empty:
            continue
        lowest = min(lowest, values.min())
        values = _thin(values)
        case = measure["case"]
        label = f"{words(agent)} {case}".strip() + f": {shown(values.iloc[-1], measure['kind'])}"
        width = max(1.4, 3 - 1.4 * agents.index(agent))  # the first is wider, to be seen where the curves coincide
        line = _CASE_LINES[cases.index(case) % len(_CASE_LINES)]
        colour, marker = looks(agents)[agent]
        style = {"color": colour, "linestyle": line, "label": label, "linewidth": width}
        axes.plot(steps[values.index], values, **style, **_marked(marker, len(values), 2 + 2 * width))
    return lowest


def _scale(axes, curves: list[tuple[str, dict, str]], lowest: float) -> None:
    """Gives a panel the y axis that its kind of measure needs, and random play's level where there is one."""
    kind = curves[0][1]["kind"]
    if kind == "share":
        chances = {m["case"]: m["chance"] for _, m, _ in curves if m["chance"] is not None}
        if len(set(chances.values())) == 1:  # whatever the case
            chances = {"": min(chances.values())}
        for case, chance in chances.items():
            label = f"random play {case}".strip() + f": {shown(chance, 'share')}"
            axes.axhline(chance, color="0.4", linestyle=":", label=label)
            lowest = min(lowest, chance)
        axes.set_ylim(max(0, lowest - 0.05), 1 + 0.05 * (1 - lowest))
        axes.yaxis.set_major_formatter(PERCENT)
    elif kind == "count":
        most = max((line.get_ydata().max() for line in axes.lines), default=0)
        if most <= _FEW:
            axes.set_ylim(-0.04 * max(most, 1), max(most, 1) * 1.05)
            axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6, integer=True))
        else:  # zero is the goal and has to be seen, which a purely logarithmic axis cannot show
            axes.set_yscale("symlog", linthresh=1)
            axes.set_ylim(bottom=-0.2)
            ticks = [0, *(digit * 10**power for power in range(9) for digit in (1, 3)), 10**9]
            axes.set_yticks([tick for tick in ticks if tick <= 1.5 * most])
        axes.yaxis.set_major_formatter("{x:,.0f}")


def _agents(metrics: pd.DataFrame) -> list[str]:
    agents = agents_in(metrics)
    if not agents:
        raise InputError("the metrics have no column that ends in _loss, which would name the agents")
    return agents[:_MOST_CURVES]


def _column(metrics: pd.DataFrame, column: str) -> pd.Series:
    if column not in metrics:
        raise InputError(f"the metrics have no column {column}")
    try:
        values = pd.to_numeric(metrics[column]).astype(float)
        return values.where(values.abs() < _MOST_VALUE)
    except (ValueError, TypeError) as error:
        raise InputError(f"the metrics' column {column} holds something that is not a number: {error}") from error
