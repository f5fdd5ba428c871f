"""Maps of a world of cells: how often agents were where, a panel each, and a way that one of them took.

    from imagents import plotting
    plotting.visit_maps({"plain": visits, "curious": others}, paths={"curious": cells})
"""

import math
from collections.abc import Mapping

import matplotlib
import matplotlib.colors
import matplotlib.patheffects
import numpy as np

from imagents.errors import InputError
from imagents.plotting.style import STYLE, RunFigure

_PANEL = 2.5  # inches
_DECADES = 4  # of shares that have colours of their own
_COLOURS, _NEVER, _WALL, _WAY = "mako_r", "#ffffff", "#8c8c8c", "#d95f02"


@matplotlib.rc_context(STYLE | {"axes.grid": False})
def visit_maps(
    visits: Mapping[str, np.ndarray],
    walls: np.ndarray | None = None,
    paths: Mapping[str, np.ndarray] | None = None,
    columns: int = 4,
) -> RunFigure:
    """Draws how often each cell of a world was visited, as a share of the visits of its panel, on a logarithmic scale.

    Cells that nobody came to are white; all panels have the same colours.

    Args:
      visits: by title, how often, any numbers `[rows, columns]` of at least 0.
      walls: bool `[rows, columns]`, cells where nobody can be, grey; none if None.
      paths: for some of these titles the cells of a way, integers `[T, 2]`, rows and columns; a dot is where it begins.
        Where the next cell is no neighbour it begins anew.
      columns: panels beside each other.

    Raises:
      InputError: if there is nothing to draw, or the shapes do not fit.
    """
    counts = {title: np.asarray(values, float) for title, values in visits.items()}
    shapes = {x.shape for x in counts.values()} | ({np.shape(walls)} if walls is not None else set())
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise InputError(f"visits of the shapes {sorted(shapes)}: one or more [rows, columns], all alike, are needed")
    shares = {title: x / max(x.sum(), 1e-12) for title, x in counts.items()}
    most = max(x.max() for x in shares.values()) or 1.0
    least = min((x[x > 0].min() for x in shares.values() if x.any()), default=most)
    norm = matplotlib.colors.LogNorm(max(min(least, most / 10), most / 10**_DECADES), most, clip=True)
    colours = matplotlib.colormaps[_COLOURS].with_extremes(bad=_NEVER)
    (height, width), columns = next(iter(shapes)), min(columns, len(counts))
    rows = math.ceil(len(counts) / columns)
    size = _PANEL * columns * min(1, width / height) + 1.7, (_PANEL * min(1, height / width) + 0.35) * rows + 0.5
    figure = RunFigure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for panel, (title, share) in zip(panels.flat, shares.items(), strict=False):
        drawn = panel.imshow(np.ma.masked_equal(share, 0), cmap=colours, norm=norm, interpolation="none")
        if walls is not None:
            solid = np.ma.masked_equal(np.asarray(walls, int), 0)
            panel.imshow(solid, cmap=matplotlib.colors.ListedColormap([_WALL]), interpolation="none")
        for way in _ways((paths or {}).get(title, ())):
            outline = [matplotlib.patheffects.withStroke(linewidth=2.6, foreground="white")]
            panel.plot(way[:, 1], way[:, 0], color=_WAY, linewidth=1.4, path_effects=outline)
            panel.plot(*way[0, ::-1], "o", color=_WAY, markersize=4, markeredgecolor="white")
        panel.set_title(title, fontsize=10, parse_math=False)
        panel.tick_params(labelsize=7, length=2, pad=1)
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_locator(matplotlib.ticker.MaxNLocator(4, integer=True))
    for panel in panels.flat[len(counts) :]:
        panel.set_axis_off()
    figure.supxlabel("column", fontsize=9)
    figure.supylabel("row", fontsize=9)
    bar = figure.colorbar(drawn, ax=panels, label="share of visits", shrink=0.9, pad=0.02)
    bar.ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.6g} %")
    bar.ax.tick_params(labelsize=8, which="both")
    return figure


def _ways(path) -> list[np.ndarray]:
    """A path in parts, within each of which cells are neighbours, also across a corner."""
    cells = np.asarray(path).reshape(-1, 2)
    jumps = np.flatnonzero(np.abs(np.diff(cells, axis=0)).max(axis=1, initial=0) > 1) + 1
    return [way for way in np.split(cells, jumps) if len(way)]
