"""Figures of a run, drawn from the files in its folder alone.

    from imagents import plotting
    plotting.losses("outputs/tic_tac_toe-...")

Every function returns a matplotlib `Figure` that shows itself as the last line of a notebook cell. None of them
imports TensorFlow, asks for a matplotlib backend or registers with pyplot, so that figures can be drawn on any
machine, beside a training that is still running, and are freed like any other object.
"""

import io
import json
import math
import os
import pathlib
import re
from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.cm
import matplotlib.colors
import matplotlib.figure
import matplotlib.patches
import matplotlib.ticker
import numpy as np
import pandas as pd
import seaborn as sns

Run = str | os.PathLike | pd.DataFrame  # a run folder, or its metrics

_STYLE = {**sns.axes_style("whitegrid"), **sns.plotting_context("notebook"), "axes.titlesize": 13}
_PALETTE = sns.color_palette("colorblind")
_AGENT_COLOURS = [_PALETTE[index] for index in (0, 1, 2, 4, 5, 9)]  # blue and orange for player_1 and player_2
_DRAW_COLOUR, _ILLEGAL_COLOUR = "0.75", "0.2"
_Q_COLOURS = matplotlib.colormaps["PRGn"]  # safe for the colour-blind, and unlike the stones' blue and orange
_MARKED_POINTS = 40  # up to so many points a curve shows each of them, and needs no smoothing
_PERCENT = matplotlib.ticker.FuncFormatter(lambda share, _: f"{100 * share:.6g} %")

# What a strength column measures: title and y axis. Columns that are not listed get a panel of their own, too.
_MEASURES = {
    "optimal": ("Optimal moves, over all positions", "share"),
    "optimal_critical": ("Optimal moves, where some move is a mistake", "share"),
    "losing": ("Lines of play that beat the agent", "count"),
    "random": ("Wins against random play", "share"),
    "good": ("Moves that keep the game's value", "share"),
    "perfect": ("Perfect moves", "share"),
}
_RANDOM_PLAYS_SHARE = {"optimal": 0.580, "optimal_critical": 0.405}


class RunFigure(matplotlib.figure.Figure):
    """A figure that notebooks show although pyplot, whose figures must be closed by hand, does not know it."""

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, format="png", dpi=100)
        return image.getvalue()


def read_metrics(run: Run) -> pd.DataFrame:
    """Reads a run's metrics, without a last line that was cut off while it was written.

    Args:
        run: the run folder; a DataFrame is returned as it is.

    Returns:
        One row per log interval; empty fields are NaN.

    Raises:
        FileNotFoundError: if the folder has no metrics.csv.
        ValueError: if that file is not a table.
    """
    if isinstance(run, pd.DataFrame):
        return run
    path = pathlib.Path(run) / "metrics.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{run} is not a run folder: it has no metrics.csv.")
    text = path.read_text()
    complete_lines = text[: text.rfind("\n") + 1]
    try:
        return pd.read_csv(io.StringIO(complete_lines))
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path} is not a table of metrics: {str(error).strip()}") from error


@matplotlib.rc_context(_STYLE)
def losses(run: Run) -> RunFigure:
    """Draws every agent's training loss over plies, on a logarithmic axis."""
    figure, axes = _line_figure(run, "loss", "Training loss")
    axes.set(yscale="log", ylabel="loss")
    return figure


@matplotlib.rc_context(_STYLE)
def returns(run: Run) -> RunFigure:
    """Draws every agent's mean return per finished game over plies."""
    figure, axes = _line_figure(run, "return", "Returns")
    axes.axhline(0, color="0.4", linewidth=0.8, zorder=1)
    axes.set(ylabel="mean return per game")
    return figure


@matplotlib.rc_context(_STYLE)
def outcomes(run: Run) -> RunFigure:
    """Draws how games ended over plies: shares of wins, draws and illegal moves, stacked; unsmoothed as thin lines."""
    metrics = read_metrics(run)
    winners = [column.removesuffix("_wins") for column in metrics if column.endswith("_wins")]
    if not winners:
        raise ValueError("the metrics have no column that ends in _wins.")
    colours = _colours(winners)
    # Draws lie between the first two players, so that both players' shares start at an edge.
    bands = [(f"{name}_wins", f"{_words(name)} wins", colours[name]) for name in winners]
    bands.insert(1, ("draws", "draw", _DRAW_COLOUR))
    bands.append(("illegal", "illegal move", _ILLEGAL_COLOUR))

    rates = pd.DataFrame({column: _column(metrics, column) for column, _, _ in bands})
    rates.index = _column(metrics, "plies")
    rates = rates.dropna()
    figure, axes = _new_figure(run, "Outcomes")
    if len(rates):
        smooth = rates.apply(_smooth)
        labels = [f"{label}, {smooth[column].iloc[-1]:.1%}".replace("%", " %") for column, label, _ in bands]
        band_colours = [colour for _, _, colour in bands]
        axes.stackplot(rates.index, smooth.T, labels=labels, colors=band_colours, linewidth=0.5, edgecolor="white")
        if len(rates) > _MARKED_POINTS:
            axes.plot(rates.index, rates.cumsum(axis=1).iloc[:, :-1], color="0.15", linewidth=0.4, alpha=0.4)
    axes.set(ylim=(0, 1), ylabel="share of finished games")
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.grid(False)
    return _finish(figure, axes, rates.index, reverse_legend=True)


@matplotlib.rc_context(_STYLE)
def strength(run: Run) -> RunFigure:
    """Draws every measure of strength over plies, a panel each; dashed where the agent moves second.

    Any column `<agent>_<measure>`, `<agent>_<measure>_first` or `<agent>_<measure>_second` is drawn.
    """
    metrics = read_metrics(run)
    measures = _strength_columns(metrics)
    if not measures:
        raise ValueError("the metrics have no strength columns, such as player_1_optimal or player_1_random_first.")
    columns = min(2, len(measures))
    rows = math.ceil(len(measures) / columns)
    figure, panels = _new_figure(run, "Strength", rows, columns)
    panels = np.ravel(panels)
    for axes, (measure, curves) in zip(panels, measures.items(), strict=False):  # the last panel may be left over
        _strength_panel(axes, metrics, measure, curves)
        _finish(figure, axes, _column(metrics, "plies"))
    for axes in panels[len(measures) :]:
        axes.remove()
    return figure


@matplotlib.rc_context(_STYLE)
def q_values(
    board: np.ndarray, q_values: Mapping[str, np.ndarray], seat: int | None = None, limit: float | None = None
) -> RunFigure:
    """Draws what each agent expects of every move in one position; the best move is framed.

    Args:
        board: int `[rows, cols]`, row 0 at the top: 0 empty, 1 and 2 the stones of player 1 and player 2.
        q_values: by agent's name, float `[rows * cols]` or `[rows, cols]` (a move is a cell), or `[cols]` (a move is
            a column). NaN, and whatever stands on an occupied cell or over a full column, is illegal and not drawn.
        seat: who is to move (0 or 1), for the title.
        limit: the Q value at the ends of the colour scale; default 1, or more where a Q value needs it.

    Returns:
        One panel per agent, with a common colour scale.
    """
    board = np.asarray(board)
    if board.ndim != 2 or not np.isin(board, (0, 1, 2)).all():
        raise ValueError(f"board must be [rows, cols] of 0, 1 and 2, not {board.tolist()}.")
    if not q_values:
        raise ValueError("q_values must hold at least one agent's Q values.")
    grids = {name: _q_grid(name, board, values) for name, values in q_values.items()}
    if limit is None:
        finite = np.concatenate([grid[np.isfinite(grid)] for grid in grids.values()])
        limit = max([1.0, *abs(finite)])
    colour_of = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(-limit, limit), _Q_COLOURS)

    width, height = max(3.6, 0.62 * board.shape[1]), max(3.6, 0.62 * (board.shape[0] + 1))
    figure = RunFigure(figsize=(width * len(grids) + 1.2, height + 0.7), layout="constrained")
    panels = figure.subplots(1, len(grids), squeeze=False)[0]
    for axes, (name, grid) in zip(panels, grids.items(), strict=True):
        _draw_position(axes, board, grid, colour_of)
        axes.set_title(_words(name))
    figure.colorbar(colour_of, ax=panels, label="Q value", shrink=0.75, format="%g")
    if seat is not None:
        stones = ("X", "O") if board.shape == (3, 3) else ("blue", "orange")
        figure.suptitle(f"player {seat + 1} ({stones[seat]}) to move")
    return figure


def save_all(run: str | os.PathLike) -> list[pathlib.Path]:
    """Writes every figure that the run's metrics allow as PNG files into RUN/plots.

    Files appear whole: each is written under another name first, and then renamed.

    Args:
        run: the run folder.

    Returns:
        The files, in the order losses, returns, outcomes, strength.
    """
    metrics = read_metrics(run)
    figures = {"losses": losses, "returns": returns}
    if any(column.endswith("_wins") for column in metrics):
        figures["outcomes"] = outcomes
    if _strength_columns(metrics):
        figures["strength"] = strength
    folder = pathlib.Path(run) / "plots"
    folder.mkdir(exist_ok=True)
    paths = []
    for name, draw in figures.items():
        path, unfinished = folder / f"{name}.png", folder / f".{name}.png.tmp"
        try:
            draw(run).savefig(unfinished, format="png", dpi=120)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
        paths.append(path)
    return paths


def _line_figure(run: Run, suffix: str, title: str):
    """Returns a figure and its axes with one curve per agent."""
    metrics = read_metrics(run)
    figure, axes = _new_figure(run, title)
    for name, colour in _colours(_agents(metrics)).items():
        _curve(axes, metrics, f"{name}_{suffix}", _words(name), colour)
    return _finish(figure, axes, _column(metrics, "plies")), axes


def _new_figure(run: Run, title: str, rows: int = 1, columns: int = 1):
    if not isinstance(run, pd.DataFrame):
        title = f"{_game(run)}: {title.lower()}"
    figure = RunFigure(figsize=(8 if columns == 1 else 12, 4.6 * rows), layout="constrained")
    figure.suptitle(title, fontsize=15)
    return figure, figure.subplots(rows, columns)


def _finish(figure: RunFigure, axes, plies: Sequence[float], reverse_legend: bool = False) -> RunFigure:
    """Adds what all panels over plies have in common: the x axis, and the legend beside the data it names."""
    most = max(plies, default=0)
    size, unit = (1e9, " (billion)") if most >= 1e9 else (1e6, " (million)") if most >= 1e6 else (1, "")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / size:,.10g}")
    axes.set(xlabel=f"plies{unit}", xlim=(0, most or 1))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(reverse=reverse_legend, loc="best", framealpha=0.9)
    else:
        axes.text(0.5, 0.5, "nothing measured yet", transform=axes.transAxes, ha="center", color="0.4")
    sns.despine(ax=axes)
    return figure


def _curve(axes, metrics: pd.DataFrame, column: str, label: str, colour) -> None:
    """Draws the measured points of a curve: all of them if they are few, else their rolling mean over thin raw ones."""
    curve = pd.DataFrame({"x": _column(metrics, "plies"), "y": _column(metrics, column)}).dropna()
    if len(curve) > _MARKED_POINTS:
        axes.plot(curve.x, curve.y, color=colour, linewidth=0.7, alpha=0.35)
        axes.plot(curve.x, _smooth(curve.y), color=colour, linewidth=2, label=label)
    elif len(curve):
        axes.plot(curve.x, curve.y, color=colour, linewidth=2, marker="o", markersize=4, clip_on=False, label=label)


def _smooth(values: pd.Series) -> pd.Series:
    window = len(values) // 20 if len(values) > _MARKED_POINTS else 1
    return values.rolling(window, min_periods=1, center=True).mean()


def _strength_columns(metrics: pd.DataFrame) -> dict[str, list[tuple[str, str, str]]]:
    """Returns (agent, mover, column) of every strength column, by measure; those of `_MEASURES` first."""
    agents = _agents(metrics)
    measures = {measure: [] for measure in _MEASURES}
    for column in metrics:
        # The longest name that fits, since one agent's name may begin with another's.
        agent = max((agent for agent in agents if column.startswith(f"{agent}_")), key=len, default=None)
        if agent is None:
            continue
        measure, mover = re.fullmatch("(.+?)(_first|_second)?", column.removeprefix(f"{agent}_")).groups()
        if measure not in ("loss", "return", "wins"):
            measures.setdefault(measure, []).append((agent, mover or "", column))
    return {measure: columns for measure, columns in measures.items() if columns}


def _strength_panel(axes, metrics: pd.DataFrame, measure: str, curves: list[tuple[str, str, str]]) -> None:
    """Draws one measure unsmoothed: its values are measured well, and a mean would hide that zero was reached."""
    title, kind = _MEASURES.get(measure, (_words(measure).capitalize(), "number"))
    axes.set_title(title)
    plies, agents = _column(metrics, "plies"), _agents(metrics)
    lowest = 1.0
    for agent, mover, column in curves:
        values = _column(metrics, column).dropna()
        if values.empty:
            continue
        last = values.iloc[-1]
        shown = {"share": f"{100 * last:.1f} %", "count": f"{last:,.0f}", "number": f"{last:.4g}"}[kind]
        label = f"{_words(agent)}{mover.replace('_', ' moving ')}: {shown}"
        width = max(1.4, 3 - 1.4 * agents.index(agent))  # the first is wider, to be seen where the curves coincide
        marker = "o" if len(values) <= _MARKED_POINTS else None
        style = {"color": _colours(agents)[agent], "linestyle": "--" if mover == "_second" else "-", "label": label}
        style |= {"linewidth": width, "marker": marker, "markersize": 2 * width, "clip_on": False}
        axes.plot(plies[values.index], values, **style)
        lowest = min(lowest, values.min())
    if kind == "share":
        if measure in _RANDOM_PLAYS_SHARE:
            level = _RANDOM_PLAYS_SHARE[measure]
            axes.axhline(level, color="0.4", linestyle=":", label=f"random play: {100 * level:.1f} %")
            lowest = min(lowest, level)
        axes.set_ylim(max(0, lowest - 0.05), 1 + 0.05 * (1 - lowest))
        axes.yaxis.set_major_formatter(_PERCENT)
    elif kind == "count":
        # Zero is the goal and has to be seen, which a purely logarithmic axis cannot show.
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(bottom=-0.2)
        axes.yaxis.set_major_formatter("{x:,.0f}")


def _q_grid(name: str, board: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns float `[rows, cols]`, or `[1, cols]` if moves are columns; NaN where a move is illegal."""
    values = np.asarray(values, float)
    rows, cols = board.shape
    if values.shape == (cols,):
        return np.where((board == 0).any(axis=0), values, np.nan)[None]
    if values.shape in ((rows * cols,), (rows, cols)):
        return np.where(board == 0, values.reshape(rows, cols), np.nan)
    raise ValueError(
        f"{name}'s Q values must be [{rows * cols}] (cells) or [{cols}] (columns) for this board, "
        f"not {list(values.shape)}."
    )


def _draw_position(axes, board: np.ndarray, grid: np.ndarray, colour_of: matplotlib.cm.ScalarMappable) -> None:
    """Draws stones, and Q values on the cells or, when moves are columns, in a strip over the board."""
    rows, cols = board.shape
    top = 0 if grid.shape == board.shape else -1.25
    for (row, col), stone in np.ndenumerate(board):
        _draw_cell(axes, row, col, facecolor="0.97", edgecolor="0.7")
        colour = _AGENT_COLOURS[stone - 1] if stone else "white"
        if board.shape != (3, 3):
            axes.add_patch(matplotlib.patches.Circle((col, row), 0.4, facecolor=colour, edgecolor="0.7"))
        elif stone:
            _write(axes, row, col, " XO"[stone], color=colour, fontsize=44, fontweight="bold")
    for (row, col), q_value in np.ndenumerate(grid):
        if np.isnan(q_value):
            continue
        colour = colour_of.to_rgba(q_value)
        is_best = (row, col) == np.unravel_index(np.nanargmax(grid), grid.shape)
        frame = {"edgecolor": "black", "linewidth": 3, "zorder": 2} if is_best else {"edgecolor": "0.7"}
        _draw_cell(axes, row + top, col, facecolor=colour, **frame)
        dark = np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5
        style = {"color": "white" if dark else "black", "fontweight": "bold" if is_best else "normal"}
        _write(axes, row + top, col, f"{q_value:+.2f}", fontsize=14 if cols <= 4 else 9, **style)
    axes.set(xlim=(-0.55, cols - 0.45), ylim=(rows - 0.45, top - 0.55), aspect="equal", yticks=[])
    axes.set_xticks(range(cols) if top else [])  # a column's number is its action
    axes.grid(False)
    axes.tick_params(length=0)
    sns.despine(ax=axes, left=True, bottom=True)


def _draw_cell(axes, row: float, col: float, **style) -> None:
    axes.add_patch(matplotlib.patches.Rectangle((col - 0.5, row - 0.5), 1, 1, **style))


def _write(axes, row: float, col: float, text: str, **style) -> None:
    axes.text(col, row, text, ha="center", va="center_baseline", zorder=3, **style)


def _agents(metrics: pd.DataFrame) -> list[str]:
    agents = [column.removesuffix("_loss") for column in metrics if column.endswith("_loss")]
    if not agents:
        raise ValueError("the metrics have no column that ends in _loss, which would name the agents.")
    return agents


def _colours(names: list[str]) -> dict[str, tuple]:
    """Returns each name's colour: always the same for player_1 and player_2, also where only one of them is drawn."""
    order = list(dict.fromkeys(["player_1", "player_2", *names]))
    return {name: _AGENT_COLOURS[order.index(name) % len(_AGENT_COLOURS)] for name in names}


def _column(metrics: pd.DataFrame, column: str) -> pd.Series:
    if column not in metrics:
        raise ValueError(f"the metrics have no column {column}.")
    try:
        return pd.to_numeric(metrics[column]).astype(float)
    except (ValueError, TypeError) as error:
        raise ValueError(f"the metrics' column {column} holds something that is not a number: {error}") from error


def _game(run: str | os.PathLike) -> str:
    path = pathlib.Path(run) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{run} is not a run folder: it has no config.json.")
    try:
        game = json.loads(path.read_text())["game"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not name the run's game.") from error
    return _words(str(game)).capitalize()


def _words(name: str) -> str:
    return name.replace("_", " ")
