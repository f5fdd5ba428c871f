"""Boards as text and as SVG. Plain Python over one board `[rows, columns]` of 0, 1, 2."""

import html

import numpy as np

_SYMBOLS = ".XO"
_COLOURS = ("#ffffff", "#d95f02", "#1b6ca8")  # empty, seat 0, seat 1: safe for colour-blind eyes
_CELL = 48  # pixels


def _cells(game, board) -> np.ndarray:
    board = np.asarray(board)
    if board.shape != (game.rows, game.columns):
        raise ValueError(
            f"a board of {game.name} has shape ({game.rows}, {game.columns}), "
            f"not {tuple(board.shape)}"
        )
    return board


def winning_cells(game, board) -> list[int]:
    """Cell numbers of all completed lines of either side, in ascending order."""
    flat = _cells(game, board).ravel()
    found = {c for line in game.lines() if flat[line[0]] and len(set(flat[line])) == 1 for c in line}
    return sorted(found)


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


def svg(game, board) -> str:
    """An SVG document: discs under gravity, crosses and noughts otherwise."""
    board = _cells(game, board)
    winners = set(winning_cells(game, board))
    width, height = game.columns * _CELL, game.rows * _CELL
    background = "#22577a" if game.gravity else "#f4f4f4"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{_label(game, board)}">',
        f'<rect width="{width}" height="{height}" rx="6" fill="{background}"/>',
    ]
    if not game.gravity:
        grid = [f"M0 {r * _CELL}H{width}" for r in range(1, game.rows)]
        grid += [f"M{c * _CELL} 0V{height}" for c in range(1, game.columns)]
        parts.append(f'<path d="{"".join(grid)}" stroke="#999" stroke-width="2"/>')
    for row in range(game.rows):
        for column in range(game.columns):
            mark = _disc if game.gravity else _cross_or_nought
            won = row * game.columns + column in winners
            parts.append(mark(column * _CELL, row * _CELL, int(board[row, column]), won))
    return "".join(parts) + "</svg>"


def _label(game, board) -> str:
    rows = " / ".join("".join(_SYMBOLS[cell] for cell in row) for row in board)
    return html.escape(f"{game.name.replace('_', ' ')}: {rows}")


def _disc(x: int, y: int, cell: int, won: bool) -> str:
    ring = ' stroke="#ffd166" stroke-width="5"' if won else ""
    half = _CELL // 2
    return f'<circle cx="{x + half}" cy="{y + half}" r="{half - 5}" fill="{_COLOURS[cell]}"{ring}/>'


def _cross_or_nought(x: int, y: int, cell: int, won: bool) -> str:
    if not cell:
        return ""
    style = f'fill="none" stroke="{_COLOURS[cell]}" stroke-width="{9 if won else 5}"'
    if cell == 2:
        return f'<circle cx="{x + _CELL // 2}" cy="{y + _CELL // 2}" r="{_CELL // 2 - 10}" {style}/>'
    low, high = 11, _CELL - 11
    return (
        f'<path d="M{x + low} {y + low}L{x + high} {y + high}'
        f'M{x + high} {y + low}L{x + low} {y + high}" {style} stroke-linecap="round"/>'
    )
