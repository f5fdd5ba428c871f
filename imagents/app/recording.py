"""Games as animations. In a notebook:

    import imagents

    imagents.record(imagents.watch("5x5x4", ["heuristic", "minimax:2"]))
"""

import os
from collections.abc import Sequence

from PIL import Image

from imagents.animation import Animation, captioned
from imagents.environments.boards.drawing import picture
from imagents.environments.boards.record import Record, side_name
from imagents.errors import InputError

_END_SECONDS = 2.5  # the last position stays a while


def record(
    game: Record, path: str | os.PathLike | None = None, names: Sequence[str] = ("", ""), seconds: float = 0.7
) -> Animation:
    """A game as an animation.

    Args:
      game: the game, over or not.
      path: where to write it as well, NAME.gif or NAME.mp4; None for nowhere.
      names: the players' names, for the caption.
      seconds: how long each position stays; the last one stays longer.

    Raises:
      InputError, OSError: as `Animation.save` does.
    """
    if not seconds > 0:
        raise InputError(f"seconds = {seconds}: how long a position stays has to be more than 0")
    frames = tuple(draw(game.until(ply), names) for ply in range(len(game.moves) + 1))
    animation = Animation(frames, (seconds,) * len(game.moves) + (max(seconds, _END_SECONDS),))
    if path is not None:
        animation.save(path)
    return animation


def draw(game: Record, names: Sequence[str] = ("", "")) -> Image.Image:
    """A position as a picture, with who plays and how it stands above the board."""
    last = game.cells[-1] if game.cells else None
    return captioned(picture(game.game, game.board, last).image(), _caption(game, names), least=384)


def _caption(game: Record, names: Sequence[str]) -> str:
    sides = [side_name(game.game, seat) for seat in (0, 1)]
    if game.winner is not None:
        name = names[game.winner]
        return f"{sides[game.winner]}{f' ({name})' if name else ''} wins"
    if game.is_over:
        return "a draw"
    if any(names):
        return " - ".join(f"{side}: {name}" for side, name in zip(sides, names, strict=True))
    return f"{sides[game.seat]} to move"
