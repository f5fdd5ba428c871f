"""What agents expect of every move in a position, as a figure on its board. Matplotlib, no TensorFlow."""

from collections.abc import Mapping

import matplotlib
import matplotlib.cm
import matplotlib.colors
import matplotlib.patches
import numpy as np
import seaborn as sns

from imagents.environments.boards.drawing import COLOURS
from imagents.errors import InputError
from imagents.plotting.style import STYLE, RunFigure
from imagents.plotting.words import words

_Q_COLOURS = matplotlib.colormaps["PRGn"]  # safe for the colour-blind, and unlike the stones' orange and blue


@matplotlib.rc_context(STYLE)
def q_values(
    board: np.ndarray, q_values: Mapping[str, np.ndarray], seat: int | None = None, limit: float | None = None
) -> RunFigure:
    """Draws what each agent expects of every move in one position; the best move is framed.

    Args:
        board: int `[rows, cols]`, row 0 at the top: 0 empty, 1 and 2 the stones of seats 0 and 1.
        q_values: by agent's name, float `[rows * cols]` or `[rows, cols]` (a move is a cell), or `[cols]` (a move is
            a column). NaN, and whatever stands on an occupied cell or over a full column, is illegal and not drawn.
        seat: who is to move (0 or 1), for the title.
        limit: the Q value at the ends of the colour scale; default 1, or more where a Q value needs it.

    Returns:
        One panel per agent, with a common colour scale.

    Raises:
        InputError: for a board, Q values or a seat that cannot be drawn.
    """
    board = np.asarray(board)
    if board.ndim != 2 or not np.isin(board, (0, 1, 2)).all():
        raise InputError(f"board must be [rows, cols] of 0, 1 and 2, not {board.tolist()}")
    if not q_values:
        raise InputError("q_values must hold at least one agent's Q values")
    if seat not in (None, 0, 1):
        raise InputError(f"seat = {seat!r}: seats are 0 and 1")
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
        axes.set_title(words(name))
    figure.colorbar(colour_of, ax=panels, label="Q value", shrink=0.75, format="%g")
    if seat is not None:
        sides = ("X", "O") if _are_cells(board, grid) else ("orange", "blue")
        figure.suptitle(f"player {seat + 1} ({sides[seat]}) to move")
    return figure


def _q_grid(name: str, board: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns float `[rows, cols]`, or `[1, cols]` if moves are columns; NaN where a move is illegal."""
    values = np.asarray(values, float)
    rows, cols = board.shape
    if values.shape == (cols,):
        return np.where((board == 0).any(axis=0), values, np.nan)[None]
    if values.shape in ((rows * cols,), (rows, cols)):
        return np.where(board == 0, values.reshape(rows, cols), np.nan)
    raise InputError(
        f"{name}'s Q values must be [{rows * cols}] (cells) or [{cols}] (columns) for this board, "
        f"not {list(values.shape)}"
    )


def _are_cells(board: np.ndarray, grid: np.ndarray) -> bool:
    """Whether a move is a cell, and stones are crosses and noughts; else it is a column, and they are discs."""
    return grid.shape == board.shape


def _draw_position(axes, board: np.ndarray, grid: np.ndarray, colour_of: matplotlib.cm.ScalarMappable) -> None:
    """Draws stones, and Q values on the cells or, when moves are columns, in a strip over the board."""
    rows, cols = board.shape
    are_cells = _are_cells(board, grid)
    top, small = 0 if are_cells else -1.25, max(board.shape) > 4
    for (row, col), stone in np.ndenumerate(board):
        _draw_cell(axes, row, col, facecolor="0.97", edgecolor="0.7")
        colour = COLOURS[stone]
        if not are_cells:
            axes.add_patch(matplotlib.patches.Circle((col, row), 0.4, facecolor=colour, edgecolor="0.7"))
        elif stone:
            _write(axes, row, col, " XO"[stone], color=colour, fontsize=28 if small else 44, fontweight="bold")
    for (row, col), q_value in np.ndenumerate(grid):
        if np.isnan(q_value):
            continue
        colour = colour_of.to_rgba(q_value)
        is_best = (row, col) == np.unravel_index(np.nanargmax(grid), grid.shape)
        frame = {"edgecolor": "black", "linewidth": 3, "zorder": 2} if is_best else {"edgecolor": "0.7"}
        _draw_cell(axes, row + top, col, facecolor=colour, **frame)
        dark = np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5
        style = {"color": "white" if dark else "black", "fontweight": "bold" if is_best else "normal"}
        _write(axes, row + top, col, f"{q_value:+.2f}", fontsize=9 if small else 14, **style)
    axes.set(xlim=(-0.55, cols - 0.45), ylim=(rows - 0.45, top - 0.55), aspect="equal", yticks=[])
    axes.set_xticks([] if are_cells else range(cols))  # a column's number is its action
    axes.grid(False)
    axes.tick_params(length=0)
    sns.despine(ax=axes, left=True, bottom=True)


def _draw_cell(axes, row: float, col: float, **style) -> None:
    axes.add_patch(matplotlib.patches.Rectangle((col - 0.5, row - 0.5), 1, 1, **style))


def _write(axes, row: float, col: float, text: str, **style) -> None:
    axes.text(col, row, text, ha="center", va="center_baseline", zorder=3, **style)
