"""A world of rooms as a picture."""

import numpy as np

from imagents.drawing import GROUND, Picture, seat_colour
from imagents.environments.grid_worlds.rooms.cells import CLOSED, GOAL, KEY, LOCKED, OPEN, WALL, colour_of, kind_of

_COLOURS = ("#d62728", "#2ca02c", "#1f77b4", "#9467bd", "#e0b400", "#8c8c8c")  # red, green, blue, purple, yellow, grey


def picture(grid: np.ndarray, agent: int, direction: int, has_key: bool, label: str) -> Picture:
    """A world.

    Args:
      grid: its cells, uint8 `[rows, columns]`, see `cells.py`.
      agent: the cell that the agent is on; direction: that it looks in: right, down, left, up.
      has_key: whether it carries a key.
      label: what there is to see, in words.
    """
    rows, columns = grid.shape
    cell = max(min(48, 640 // columns), 8)
    drawn = Picture(columns * cell, rows * cell, GROUND, label)
    for (row, column), what in np.ndenumerate(grid):
        box = (column * cell, row * cell, (column + 1) * cell, (row + 1) * cell)
        _draw_cell(drawn, box, int(kind_of(what)), _COLOURS[min(int(colour_of(what)), 5)])
    row, column = divmod(agent, columns)
    x, y, reach = (column + 0.5) * cell, (row + 0.5) * cell, 0.42 * cell
    drawn.circle(x, y, 0.34 * cell, seat_colour(0))
    across, down = ((1, 0), (0, 1), (-1, 0), (0, -1))[direction]
    drawn.line(x, y, x + reach * across, y + reach * down, "#222222", max(cell / 10, 2))
    if has_key:
        _draw_key(drawn, (x - cell / 4, y - cell / 4, x + cell / 4, y + cell / 4), _COLOURS[4])
    return drawn


def _draw_cell(drawn: Picture, box: tuple, kind: int, colour: str) -> None:
    left, top, right, bottom = box
    cell = right - left
    if kind in (WALL, GOAL):
        drawn.rectangle(*box, colour)
    if kind == KEY:
        _draw_key(drawn, (left + cell / 5, top + cell / 5, right - cell / 5, bottom - cell / 5), colour)
    if kind in (OPEN, CLOSED, LOCKED):
        drawn.rectangle(*box, "#222222")  # a grey door stands out from a grey wall
        drawn.rectangle(left + 2, top + 2, right - 2, bottom - 2, "#ffffff" if kind == OPEN else colour, colour, 2)
    if kind in (CLOSED, LOCKED):
        drawn.circle(right - cell / 4, top + cell / 2, cell / 10, "#222222")
    if kind == LOCKED:
        drawn.line(left + cell / 5, bottom - cell / 5, right - cell / 5, top + cell / 5, "#222222", max(cell / 16, 1))


def _draw_key(drawn: Picture, box: tuple, colour: str) -> None:
    left, top, right, bottom = box
    size, middle = right - left, (top + bottom) / 2
    drawn.circle(left + size / 4, middle, size / 4, None, colour, max(size / 8, 2))
    drawn.line(left + size / 2, middle, right, middle, colour, max(size / 8, 2))
    drawn.line(right - size / 10, middle, right - size / 10, middle + size / 4, colour, max(size / 8, 2))
