"""The exact verdict of positions and moves, about perfect play from here on, where somebody can tell."""

from collections.abc import Sequence

import numpy as np

from imagents.environments.boards.record import Record

_KEPT = {1: "keeps the win", 0: "keeps the draw", -1: "loses, as every move did"}
_LOST = {
    (1, 0): "gives away the win: now it is a draw",
    (1, -1): "gives away the win, and loses",
    (0, -1): "gives away the draw, and loses",
}


def move_scores(record: Record, scorer=None) -> np.ndarray | None:
    """What every move is worth to who is to move: float `[actions]`, its sign 1 for a win, 0 a draw, -1 a loss.

    The greater, the sooner a win or the later a loss. NaN where a move is illegal.

    Args:
      record: a game that goes on.
      scorer: the game's, `environment.scorer()`; None if there is none.

    Returns:
      None if nobody can tell.
    """
    if scorer is None:
        return None
    legal = np.isin(np.arange(record.game.num_actions), record.legal)
    return np.where(legal, scorer(record.board, record.seat), np.nan)


def position_verdict(record: Record, scores: np.ndarray | None, sides: Sequence[str]) -> str:
    """Which of the two sides wins with perfect play; "" if nobody can tell, or the game is over."""
    if scores is None or record.is_over:
        return ""
    value = np.sign(np.nanmax(scores))
    if value == 0:
        return "a draw with perfect play"
    return f"{sides[record.seat if value > 0 else 1 - record.seat]} wins with perfect play"


def move_verdict(scores: np.ndarray | None, action: int, wins: bool = False) -> str:
    """What a move did to the position before it, whose moves' scores these are; "" if nobody can tell.

    Args:
      scores: of `move_scores`.
      action: the move.
      wins: whether it completed a line.
    """
    if scores is None:
        return ""
    if wins:
        return "wins"
    before, after = int(np.sign(np.nanmax(scores))), int(np.sign(scores[action]))
    return _KEPT[after] if before == after else _LOST[before, after]
