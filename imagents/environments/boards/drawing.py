"""Boards as text, as pictures, and as SVG for a page. Plain Python over one board `[rows, columns]` of 0, 1, 2."""

import html

import numpy as np

from imagents.drawing import GROUND, MARK, PALE, SEATS, Picture
from imagents.errors import InputError

_SYMBOLS = ".XO"
COLOURS = ("#ffffff", *SEATS[:2])  # empty, seat 0, seat 1: safe for colour-blind eyes
_WATER, _LAST = "#10233a", "#dddddd"
_MARKS = ("", "#f8d9c0", "#c3dbec")  # a cross and a nought on discs, for who does not see their colours
_CELL = 48  # pixels
_PALE_INK = 0.55  # how strong a value is whose number is white


def _cells(game, board) -> np.ndarray:
    board = np.asarray(board)
    if board.shape != (game.rows, game.columns):
        raise InputError(
            f"a board of {game.name} has shape ({game.rows}, {game.columns}), "
            f"not {tuple(board.shape)}"
        )
    return board


def winning_cells(game, board) -> list[int]:
    """Cell numbers of all completed lines of either side, in ascending order."""
    cells = _cells(game, board).ravel()
    return np.flatnonzero(game.in_line(cells == 1) | game.in_line(cells == 2)).tolist()


def text(game, board, last_action: int | None = None) -> str:
    """Rows of X (seat 0), O (seat 1) and dots; column numbers below under gravity.

    Args:
      game: the `BoardGame`.
      board: integers `[rows, columns]`.
      last_action: under gravity, the column to mark with ^ below the board.
    """
    board = _cells(game, board)
    lines = [" ".join(_SYMBOLS[cell] for cell in row) for row in board]
    if game.gravity:
        lines.append(" ".join(str(column % 10) for column in range(game.columns)))
        if last_action is not None:
            lines.append("  " * last_action + "^")
    return "\n".join(lines)


def picture(game, board, last: int | None = None) -> Picture:
    """A board as a picture: what `svg` shows of it, larger, for recordings.

    Args:
      game, board: as for `svg`.
      last: the cell of the last move, to mark it.
    """
    board, cell = _cells(game, board), 64
    drawn = Picture(cell * game.columns, cell * game.rows, _WATER if game.gravity else GROUND, _label(game, board))
    winners = winning_cells(game, board)
    for number, stone in enumerate(board.ravel().tolist()):
        row, column = divmod(number, game.columns)
        left, top, won = column * cell, row * cell, number in winners
        x, y = left + cell / 2, top + cell / 2
        if game.gravity:
            drawn.circle(x, y, cell / 2 - 6, COLOURS[stone], MARK if won else None, 6)
            if number == last and not won:
                drawn.circle(x, y, cell / 2 - 7, None, "#ffffff", 3)
            if stone == 1:
                drawn.line(x - 7, y - 7, x + 7, y + 7, _MARKS[1], 3)
                drawn.line(x - 7, y + 7, x + 7, y - 7, _MARKS[1], 3)
            if stone == 2:
                drawn.circle(x, y, 9, None, _MARKS[2], 3)
            continue
        fill = MARK if won else _LAST if number == last else GROUND
        drawn.rectangle(left + 3, top + 3, left + cell - 3, top + cell - 3, fill)
        drawn.rectangle(left, top, left + cell, top + cell, None, PALE)
        if stone == 1:
            drawn.line(left + 16, top + 16, left + cell - 16, top + cell - 16, COLOURS[1], 7)
            drawn.line(left + 16, top + cell - 16, left + cell - 16, top + 16, COLOURS[1], 7)
        if stone == 2:
            drawn.circle(x, y, cell / 2 - 14, None, COLOURS[2], 7)
    return drawn


def svg(game, board, last=None, q_values=None, chosen=None, clickable=(), mover=None, names=False) -> str:
    """An SVG document: crosses and noughts, on discs under gravity; completed lines stand out.

    Args:
      game: the `BoardGame`.
      board: integers `[rows, columns]`.
      last: the cell of the last move, to mark it.
      q_values: a number per action, written where its stone would lie; None or NaN is left out.
      chosen: the action to frame.
      clickable: the actions that can be clicked: each gets an element of class `move` above the board, with the
        action as `data-move`, which keyboards reach and screen readers name.
      mover: the seat that moves there, whose stone is defined as `#stone`, for a page to draw at once where it is put:
        at `data-at` of the element that is clicked.
      names: whether each cell bears its number, where moves are cells.
    """
    board = _cells(game, board)
    winners = set(winning_cells(game, board))
    width, height = game.columns * _CELL, game.rows * _CELL
    background = "#10233a" if game.gravity else "#f4f4f4"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="{"group" if clickable else "img"}" '
        f'aria-label="{_label(game, board)}">',
        f'<rect class="ground" width="{width}" height="{height}" rx="6" fill="{background}"/>',
    ]
    if not game.gravity:
        if winners or last is not None:
            parts += [_tile(game, cell, cell in winners) for cell in sorted({*winners, last} - {None})]
        grid = [f"M0 {r * _CELL}H{width}" for r in range(1, game.rows)]
        grid += [f"M{c * _CELL} 0V{height}" for c in range(1, game.columns)]
        parts.append(f'<path class="grid" d="{"".join(grid)}" stroke="#999" stroke-width="2"/>')
    mark = _disc if game.gravity else _cross_or_nought
    for row in range(game.rows):
        for column in range(game.columns):
            cell = row * game.columns + column
            stone = mark(column * _CELL, row * _CELL, int(board[row, column]), cell in winners)
            parts.append(f'<g class="last">{stone}</g>' if cell == last else stone)
    if game.gravity and last is not None and last not in winners:
        x, y = _centre(game, last)
        parts.append(f'<circle class="latest" cx="{x}" cy="{y}" r="{_CELL // 2 - 6}" fill="none" stroke="#fff" '
                     'stroke-width="2.5"/>')
    for action in range(game.num_actions):
        cell = game.landing(board, action)
        if cell is None:
            continue
        if q_values is not None and q_values[action] is not None and q_values[action] == q_values[action]:
            parts.append(_q_value(game, cell, q_values[action]))
        if action == chosen:
            parts.append(_frame(game, cell))
    if names and not game.gravity:
        parts += [_name(game, cell, None if q_values is None or board.flat[cell] else q_values[cell])
                  for cell in range(game.num_cells)]
    if clickable and mover is not None:
        parts.append(f'<defs><g id="stone">{mark(0, 0, mover + 1, False)}</g></defs>')
    parts += [_target(game, action, game.landing(board, action)) for action in clickable]
    return "".join(parts) + "</svg>"


def _label(game, board) -> str:
    rows = " / ".join("".join(_SYMBOLS[cell] for cell in row) for row in board)
    return html.escape(f"{game.name.replace('_', ' ')}: {rows}")


def _disc(x: int, y: int, cell: int, won: bool) -> str:
    ring = ' stroke="#ffd166" stroke-width="5"' if won else ""
    half = _CELL // 2
    disc = f'<circle cx="{x + half}" cy="{y + half}" r="{half - 5}" fill="{COLOURS[cell]}"{ring}/>'
    return disc + (_mark(x + half, y + half, cell) if cell else "")


def _mark(x: int, y: int, cell: int) -> str:
    """A cross or a nought on a disc, for who does not see its colour."""
    style = f'fill="none" stroke="{_MARKS[cell]}" stroke-width="2.5" stroke-linecap="round"'
    if cell == 1:
        return f'<path class="mark" d="M{x - 5} {y - 5}l10 10m0 -10l-10 10" {style}/>'
    return f'<path class="mark" d="M{x - 6} {y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0" {style}/>'


def _cross_or_nought(x: int, y: int, cell: int, won: bool) -> str:
    if not cell:
        return ""
    style = f'fill="none" stroke="{COLOURS[cell]}" stroke-width="{8 if won else 5}"'
    if cell == 2:
        return f'<circle cx="{x + _CELL // 2}" cy="{y + _CELL // 2}" r="{_CELL // 2 - 10}" {style}/>'
    low, high = 12, _CELL - 12
    return (
        f'<path d="M{x + low} {y + low}L{x + high} {y + high}'
        f'M{x + high} {y + low}L{x + low} {y + high}" {style} stroke-linecap="round"/>'
    )


def _centre(game, cell: int) -> tuple[int, int]:
    row, column = divmod(cell, game.columns)
    return column * _CELL + _CELL // 2, row * _CELL + _CELL // 2


def _name(game, cell: int, q_value: float | None) -> str:
    """The number of a cell in its corner, readable on the tile of a value, too."""
    x, y = (part - _CELL // 2 + (4.5 if q_value is None else 6.5) for part in _centre(game, cell))
    ink = ' style="fill: #fff"' if abs(q_value or 0) > _PALE_INK else ' style="fill: #111"' if q_value else ""
    return (f'<text class="name" x="{x}" y="{y + 5}" font-size="6.5" '
            f'font-family="system-ui, sans-serif" fill="#5a5a5a"{ink} aria-hidden="true">{cell}</text>')


def _tile(game, cell: int, won: bool) -> str:
    row, column = divmod(cell, game.columns)
    kind, colour = ("won", "#ffd166") if won else ("recent", "#e2e2e2")
    return (f'<rect class="{kind}" x="{column * _CELL + 3}" y="{row * _CELL + 3}" width="{_CELL - 6}" '
            f'height="{_CELL - 6}" rx="5" fill="{colour}"/>')


def _frame(game, cell: int) -> str:
    row, column = divmod(cell, game.columns)
    half, style = _CELL // 2, 'fill="none" stroke="#111" stroke-width="2.5" stroke-dasharray="5 3"'
    x, y = column * _CELL, row * _CELL
    if game.gravity:
        return f'<circle class="chosen" cx="{x + half}" cy="{y + half}" r="{half - 7}" {style}/>'
    return f'<rect class="chosen" x="{x + 6}" y="{y + 6}" width="{_CELL - 12}" height="{_CELL - 12}" rx="4" {style}/>'


def _q_value(game, cell: int, value: float) -> str:
    """The number on green (good) or purple (bad), which the colour-blind can tell apart."""
    row, column = divmod(cell, game.columns)
    half, strength = _CELL // 2, min(1.0, abs(value))
    end = (27, 120, 55) if value > 0 else (118, 42, 131)
    colour = "#" + "".join(f"{round(255 + strength * (part - 255)):02x}" for part in end)
    x, y = column * _CELL, row * _CELL
    shape = (
        f'<circle cx="{x + half}" cy="{y + half}" r="{half - 5}" fill="{colour}"/>'
        if game.gravity
        else f'<rect x="{x + 4}" y="{y + 4}" width="{_CELL - 8}" height="{_CELL - 8}" rx="4" fill="{colour}"/>'
    )
    ink = "#fff" if strength > _PALE_INK else "#111"
    return (f'<g class="q">{shape}<text x="{x + half}" y="{y + half + 4}" font-size="10.5" text-anchor="middle" '
            f'font-family="system-ui, sans-serif" fill="{ink}">{value:+.2f}</text></g>')


def _target(game, action: int, cell: int) -> str:
    row, column = divmod(cell, game.columns)
    if game.gravity:
        area = f'x="{column * _CELL + 2}" y="2" width="{_CELL - 4}" height="{game.rows * _CELL - 4}"'
        name = f"column {column}"
    else:
        area = f'x="{column * _CELL + 2}" y="{row * _CELL + 2}" width="{_CELL - 4}" height="{_CELL - 4}"'
        name = f"cell {cell}, row {row + 1}, column {column + 1}"
    return (f'<rect class="move" data-move="{action}" data-at="{column * _CELL} {row * _CELL}" {area} rx="5" '
            f'fill="transparent" tabindex="0" role="button" aria-label="{name}"/>')
