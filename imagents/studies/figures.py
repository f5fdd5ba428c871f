"""The figures of a study: for its page, and as PDF files for a column of a paper."""

import contextlib
import math
import pathlib
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import matplotlib
import matplotlib.figure
import matplotlib.ticker
import numpy as np
import pandas as pd
import seaborn as sns

from imagents.evaluation.matches import wilson_interval
from imagents.files import replacing
from imagents.plotting.style import STYLE, RunFigure, save
from imagents.plotting.words import words
from imagents.studies import statistics
from imagents.studies.crossplay import MEASURES, CrossPlay

# Fonts are embedded whole (type 42), as publishers ask for.
PAPER = STYLE | sns.plotting_context("paper", font_scale=0.85) | {"pdf.fonttype": 42, "axes.titlesize": 8}
_COLOURS = ("#1b6ca8", "#d95f02", "#1a7f4e", "#a2356b", "#7a5cb8", "#6b6b6b", "#b58900", "#2aa1a1")
_DASHES = ("-", "--", "-.", ":")
_COLUMN, _PAGE = 3.35, 8.0  # inches: of a paper's column, and of a page on a screen
_LONGEST_NAME = 42  # letters of a setting's name, in a legend beside others
_MOST_PANELS = 12
_MOST_TICKS = 10

Draw = Callable[..., RunFigure]  # draws a figure, for a paper if it is called with True


def write_figures(folder: pathlib.Path, draws: Mapping[str, Draw], pdf: bool) -> None:
    """Writes each figure as NAME.png, and if asked as NAME.pdf, whole or not at all."""
    for name, draw in draws.items():
        save(draw(False), folder / f"{name}.png")
        if pdf:
            with matplotlib.rc_context(PAPER), replacing(folder / f"{name}.pdf") as unfinished:
                matplotlib.figure.Figure.savefig(draw(True), unfinished, format="pdf", metadata={"CreationDate": None})


def draw_curves(panels: Mapping[str, tuple[str, Mapping[str, pd.DataFrame]]], paper: bool = False) -> RunFigure:
    """Draws the interquartile means of settings over steps, and their 95 % intervals at each point as bands.

    Args:
      panels: by title, what the axis says and the curves of settings, as `imagents.studies.summary.curves` has them.
      paper: whether for a paper.
    """
    columns = 1 if paper or len(panels) == 1 else 2
    rows = math.ceil(len(panels) / columns)
    names = list(dict.fromkeys(name for _, drawn in panels.values() for name in drawn))
    looks = dict(zip(names, _lines(len(names))))
    height = (0.72 if paper else 0.6) if len(panels) == 1 else 0.6 * rows / columns + 0.1
    with _sheet(paper, height) as (figure, letters):
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (title, (label, drawn)) in zip(grid, panels.items()):
            for name, curve in drawn.items():
                colour, dash = looks[name]
                axes.plot(curve["steps"], curve["value"], dash, color=colour, label=name)
                axes.fill_between(curve["steps"], curve["low"], curve["high"], color=colour, alpha=0.2, linewidth=0)
            axes.set_xlabel("steps")
            axes.set_ylabel(label, fontsize="medium" if columns == 1 else "small")
            axes.set_title(_wrapped(title, letters // columns), fontsize="medium", parse_math=False)
            axes.xaxis.set_major_formatter(matplotlib.ticker.EngFormatter(sep=""))
            axes.margins(x=0)
        for axes in grid[len(panels) :]:
            axes.remove()
        _add_legend(figure, names, letters)
    return figure


def draw_profiles(scores: Mapping[str, np.ndarray], label: str, less: bool = False, paper: bool = False) -> RunFigure:
    """Draws performance profiles: the share of a setting's runs that score more than each threshold.

    Args:
      scores: by setting, float `[runs]`; those of runs that failed are infinite.
      label: of the scores.
      less: whether less is better: the share of runs that score less, then.
      paper: whether for a paper.
    """
    sign = -1.0 if less else 1.0
    known = np.unique(np.concatenate(list(scores.values())))
    known = known[np.isfinite(known)]
    room = 0.05 * (np.ptp(known) or 1.0)
    thresholds = np.concatenate([[known[0] - room], known, [known[-1] + room]])
    with _sheet(paper, 0.72 if paper else 0.6) as (figure, letters):
        axes = figure.subplots()
        for (name, of), (colour, dash) in zip(scores.items(), _lines(len(scores))):
            shares = statistics.performance_profile(sign * of, sign * thresholds)
            ends = np.array([wilson_interval(round(share * len(of)), len(of)) for share in shares])
            where = "pre" if less else "post"
            axes.step(thresholds, shares, dash, where=where, color=colour, label=name)
            if len(of) >= statistics.LEAST_RUNS:
                axes.fill_between(thresholds, *ends.T, step=where, color=colour, alpha=0.15, linewidth=0)
        axes.set_xlabel(_wrapped(label, letters), parse_math=False)
        axes.set(ylabel=f"share of runs with {'less' if less else 'more'}", ylim=(-0.02, 1.02))
        axes.margins(x=0)
        _add_legend(figure, scores, letters)
    return figure


def draw_cross_play(played: Sequence[CrossPlay], paper: bool = False) -> RunFigure:
    """Draws what the agents of each seed get with the partners of each, a panel for each of the first 12 settings."""
    shown = played[:_MOST_PANELS]
    tables = [next(iter(one.values.items())) for one in shown]
    least, most = min(table.min() for _, table in tables), max(table.max() for _, table in tables)
    columns = min(1 if paper and len(shown) < 3 else 3, len(shown))
    rows = math.ceil(len(shown) / columns)
    with _sheet(paper, 0.85 * rows / columns) as (figure, _):
        panels = figure.subplots(rows, columns, squeeze=False).flat
        for axes, one, (agent, table) in zip(panels, shown, tables):
            image = axes.imshow(table, cmap="viridis", vmin=least, vmax=most, interpolation="nearest")
            every = math.ceil(len(one.seeds) / _MOST_TICKS)
            places, names = range(0, len(one.seeds), every), [str(seed) for seed in one.seeds[::every]]
            axes.set_xticks(places, names)
            axes.set_yticks(places, names)
            axes.grid(False)
            axes.set_title(_short(one.setting) if agent == "all" else f"{_short(one.setting)}: {words(agent)}")
        for axes in figure.axes[len(shown) :]:
            axes.set_axis_off()
        figure.supxlabel("seed of the partners", fontsize="medium")
        figure.supylabel("seed of the agent", fontsize="medium")
        figure.colorbar(image, ax=figure.axes, label=MEASURES[shown[0].measure], shrink=0.8)
    return figure


@contextlib.contextmanager
def _sheet(paper: bool, height: float) -> Iterator[tuple[RunFigure, int]]:
    """An empty figure, so high for its width, and how many letters go side by side below it."""
    width, letters = (_COLUMN, 17) if paper else (_PAGE, 10)  # letters of an inch
    with matplotlib.rc_context(PAPER if paper else STYLE):
        yield RunFigure(figsize=(width, width * height), layout="constrained"), int(width * letters)


def _lines(count: int) -> list[tuple[str, str]]:
    """A colour and a dash for each line."""
    return [(_COLOURS[i % len(_COLOURS)], _DASHES[i // len(_COLOURS) % len(_DASHES)]) for i in range(count)]


def _add_legend(figure: RunFigure, names: Collection[str], letters: int) -> None:
    """Names the lines below all panels, each once."""
    columns = max(1, min(3, len(names), letters // (max(map(len, names)) + 6)))
    lines = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    figure.legend([lines[name] for name in names], names, loc="outside lower center", ncols=columns, frameon=False)


def _wrapped(title: str, letters: int) -> str:
    return textwrap.fill(title, max(20, letters * 4 // 5))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
