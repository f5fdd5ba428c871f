"""The way of two players' policies through a run, over the replicator field of what their game pays.

The replicator dynamics are what small steps of learning come to (Tuyls, Verbeeck and Lenaerts 2003): an action spreads
as it pays more than what is played on the whole.
"""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap

from imagents.config import agents_in
from imagents.environments.matrix_games.measures import optimal
from imagents.plotting import environment_name, read_metrics
from imagents.plotting.style import PALETTE, STYLE, RunFigure
from imagents.plotting.words import words

_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])  # of the simplex
_FIELD, _EDGE = "0.78", "0.35"


@matplotlib.rc_context(STYLE)
def policy_path(game, run) -> RunFigure | None:
    """Draws how the policies of both agents went as they explored; None unless both seats learn.

    With two actions it is one path in a square, one side an agent; with three a path in a triangle for each. Arrows
    are the replicator dynamics of a single play; in a triangle, of an agent that meets its like.

    Args:
      game: the game's settings.
      run: the run folder, or its metrics.
    """
    metrics = read_metrics(run)
    agents = agents_in(metrics)
    columns = [[f"{agent}_plays_{action}" for action in game.actions] for agent in agents]
    known = [name for each in columns for name in each if name in metrics]
    if len(agents) != 2 or len(known) != 2 * len(game.actions):
        return None
    measured = metrics[known].apply(pd.to_numeric, errors="coerce").dropna()
    paths = [measured[each].to_numpy(float) for each in columns]  # [rows, A] of each
    paid = game.payoffs.mean(axis=0)
    draw = _square if len(game.actions) == 2 else _triangles
    figure = draw(game.actions, paid, paths, agents, optimal(game.payoffs).reshape(paid.shape[:-1]))
    title = "policies as they explore"
    name = game.title if isinstance(run, pd.DataFrame) else environment_name(run).capitalize()
    figure.suptitle(f"{name}: {title}", fontsize=15, parse_math=False)
    return figure


def _square(actions, paid, paths, agents, best) -> RunFigure:
    figure = RunFigure(figsize=(6.6, 6.6), layout="constrained")
    axes = figure.subplots()
    axis = np.linspace(0, 1, 33)
    p, q = np.meshgrid(axis, axis)
    first, second = paid[..., 0], paid[..., 1]
    gain_p = (first[0, 0] - first[1, 0]) * q + (first[0, 1] - first[1, 1]) * (1 - q)
    gain_q = (second[0, 0] - second[0, 1]) * p + (second[1, 0] - second[1, 1]) * (1 - p)
    _stream(axes, axis, axis, p * (1 - p) * gain_p, q * (1 - q) * gain_q)
    for i, j in np.argwhere(best) if not best.all() else ():
        _star(axes, 1 - i, 1 - j)
    _draw_path(axes, np.column_stack([paths[0][:, 0], paths[1][:, 0]]), "0.1")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    for number, (axis, label) in enumerate(((axes.xaxis, axes.set_xlabel), (axes.yaxis, axes.set_ylabel))):
        axis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
        label(f"{words(agents[number])} plays {actions[0]}", color=PALETTE[number], parse_math=False)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_color(_EDGE)
    _explain(figure, axes, columns=2)
    return figure


def _triangles(actions, paid, paths, agents, best) -> RunFigure:
    figure = RunFigure(figsize=(12, 6.2), layout="constrained")
    for number, axes in enumerate(figure.subplots(1, 2)):
        _triangle(axes, actions, np.moveaxis(paid[..., number], number, 0))
        for joint in np.argwhere(best) if not best.all() else ():
            _star(axes, *_CORNERS[joint[number]])
        _draw_path(axes, paths[number] @ _CORNERS, PALETTE[number])
        axes.set_title(words(agents[number]), color=PALETTE[number], parse_math=False)
    _explain(figure, axes, columns=4)
    return figure


def _triangle(axes, actions, pays) -> None:
    """The simplex of three actions with the field of a player who meets its like; `pays` `[own, other's]`."""
    x, y = np.linspace(-0.02, 1.02, 105), np.linspace(-0.02, 0.89, 92)
    points = np.stack(np.meshgrid(x, y), axis=-1)
    inverse = np.linalg.inv(np.column_stack([_CORNERS, np.ones(3)]))
    shares = np.concatenate([points, np.ones_like(points[..., :1])], axis=-1) @ inverse  # barycentric
    worth = shares @ pays.T
    change = shares * (worth - (shares * worth).sum(axis=-1, keepdims=True))
    inside = shares.min(axis=-1) >= -0.02  # no stream crosses an edge, but those beside it need values around them
    change = np.where(inside[..., np.newaxis], change @ _CORNERS, np.nan)
    _stream(axes, x, y, change[..., 0], change[..., 1])
    axes.add_patch(matplotlib.patches.Polygon(_CORNERS, fill=False, edgecolor=_EDGE, linewidth=1.2))
    for corner, action, place in zip(_CORNERS, actions, (("center", "top"), ("center", "top"), ("center", "bottom"))):
        offset = -0.035 if place[1] == "top" else 0.035
        axes.text(corner[0], corner[1] + offset, action, ha=place[0], va=place[1], parse_math=False)
    axes.set(xlim=(-0.06, 1.06), ylim=(-0.1, 0.97), aspect="equal")
    axes.axis("off")


def _stream(axes, x, y, dx, dy) -> None:
    axes.streamplot(x, y, dx, dy, color=_FIELD, density=1.1, linewidth=0.9, arrowsize=1.0, zorder=1)


def _star(axes, x: float, y: float) -> None:
    axes.plot([x], [y], marker="*", markersize=17, color="gold", markeredgecolor=_EDGE, clip_on=False, zorder=2)


def _draw_path(axes, points: np.ndarray, colour) -> None:
    """A path that grows darker with time, from a ring to a disc."""
    if not len(points):
        axes.text(0.5, 0.5, "nothing measured yet", transform=axes.transAxes, ha="center", color="0.4")
        return
    pale = 0.35 * np.array(matplotlib.colors.to_rgb(colour)) + 0.65
    tones = LinearSegmentedColormap.from_list("time", [pale, colour])
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    lines = LineCollection(pieces, colors=tones(np.linspace(0, 1, len(pieces))), linewidth=2.4, capstyle="round")
    lines.set(clip_on=False, zorder=3)
    axes.add_collection(lines)
    style = {"color": colour, "linestyle": "none", "markersize": 9, "clip_on": False, "zorder": 4}
    axes.plot(*points[0], marker="o", markerfacecolor="white", markeredgewidth=2, **style)
    axes.plot(*points[-1], marker="o", **style)


def _explain(figure: RunFigure, axes, columns: int) -> None:
    """A legend below the panels."""
    line = matplotlib.lines.Line2D
    marks = [
        line([], [], color="0.3", marker="o", markerfacecolor="white", linestyle="none", label="start of the run"),
        line([], [], color="0.3", marker="o", linestyle="none", label="end"),
        line([], [], color=_FIELD, marker=">", label="replicator dynamics"),
        line([], [], color="gold", marker="*", markersize=12, markeredgecolor=_EDGE, linestyle="none",
             label="pays both together the most"),
    ]  # fmt: skip
    shown = marks if any(each.get_marker() == "*" for each in axes.lines) else marks[:3]
    figure.legend(handles=shown, loc="outside lower center", ncols=columns, frameon=False)
