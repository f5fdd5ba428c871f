"""Games as animations: a GIF by Pillow, or an MP4 by ffmpeg. In a notebook:

    import imagents

    imagents.record(imagents.watch("5x5x4", ["heuristic", "minimax:2"]))
"""

import base64
import dataclasses
import io
import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imagents.environments.boards.drawing import COLOURS
from imagents.environments.boards.record import Record, side_name
from imagents.errors import InputError
from imagents.files import check_name, reason, replacing

_CELL, _CAPTION, _SMOOTH = 64, 40, 2  # pixels; everything is drawn _SMOOTH times as large, and shrunk
_GROUND, _INK, _WON, _LAST = ("#f4f4f4", "#10233a"), "#222222", "#ffd166", "#dddddd"
_END_SECONDS = 2.5  # the last position stays a while
FORMATS = (".gif", ".mp4")


@dataclasses.dataclass(frozen=True)
class Animation:
    """A game as pictures, which a notebook shows.

    Attributes:
      frames: one picture per position, from the empty board to the last.
      seconds: how long each of them stays.
    """

    frames: tuple[Image.Image, ...]
    seconds: tuple[float, ...]

    def gif(self) -> bytes:
        """The animation as a GIF that repeats for ever."""
        colours = self.frames[-1].quantize(64)  # the last position has them all; one palette makes small files
        first, *others = [frame.quantize(palette=colours, dither=Image.Dither.NONE) for frame in self.frames]
        file = io.BytesIO()
        milliseconds = [round(1000 * seconds) for seconds in self.seconds]
        first.save(file, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
        return file.getvalue()

    def save(self, path: str | os.PathLike) -> pathlib.Path:
        """Writes a GIF or an MP4, as the name ends; whole or not at all.

        Raises:
          InputError: if the name ends otherwise, or ffmpeg is missing.
          OSError: if the file cannot be written, in one sentence.
        """
        path = check_format(path)
        try:
            with replacing(path) as writing:
                writing.write_bytes(self.gif()) if path.suffix.lower() == ".gif" else self._write_mp4(writing)
        except OSError as error:
            raise OSError(f"{path} cannot be written: {reason(error)}") from None
        return path

    def _repr_html_(self) -> str:
        return f'<img alt="a game, move by move" src="data:image/gif;base64,{base64.b64encode(self.gif()).decode()}">'

    def _write_mp4(self, path: pathlib.Path) -> None:
        width, height = self.frames[0].size
        rate = 20  # frames per second
        command = [shutil.which("ffmpeg"), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{width}x{height}", "-r", str(rate), "-i", "-", "-pix_fmt", "yuv420p"]
        command += ["-f", "mp4", f"file:{path}"]
        pixels = b"".join(f.tobytes() * max(1, round(rate * s)) for f, s in zip(self.frames, self.seconds, strict=True))
        done = subprocess.run(command, input=pixels, capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise OSError(f"ffmpeg: {said[-1]}")


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


def check_format(path: str | os.PathLike) -> pathlib.Path:
    """A path that can be recorded to.

    Raises:
      InputError: if its name does not end in one of `FORMATS` or cannot be made, its folder is missing, or ffmpeg is,
        which writes MP4.
    """
    check_name(path)
    path = pathlib.Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: a recording is a .gif or an .mp4 file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file")
    if path.suffix.lower() == ".mp4" and not shutil.which("ffmpeg"):
        raise InputError(f"{path}: MP4 needs ffmpeg, which is not installed; choose .gif, or apt-get install ffmpeg")
    return path


def draw(game: Record, names: Sequence[str] = ("", "")) -> Image.Image:
    """A position as a picture, with who plays and how it stands above the board."""
    rules, cell = game.game, _CELL * _SMOOTH
    width, top = max(rules.columns, 6) * cell, _CAPTION * _SMOOTH
    left = (width - rules.columns * cell) // 2
    image = Image.new("RGB", (width, top + rules.rows * cell), "#ffffff")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(17 * _SMOOTH)
    pen.text((width / 2, top / 2), _caption(game, names, pen, font, width), _INK, font, anchor="mm")
    right, bottom = left + rules.columns * cell - 1, top + rules.rows * cell - 1
    pen.rectangle((left, top, right, bottom), fill=_GROUND[rules.gravity])
    last = game.cells[-1] if game.cells else None
    for number, stone in enumerate(game.board.ravel()):
        row, column = divmod(number, rules.columns)
        box = np.array([0, 0, cell, cell]) + np.tile([left + column * cell, top + row * cell], 2)
        _draw_cell(pen, rules.gravity, box, int(stone), number in game.winners, number == last)
    return image.resize((width // _SMOOTH, image.height // _SMOOTH), Image.Resampling.LANCZOS)


def _draw_cell(pen: ImageDraw.ImageDraw, is_disc: bool, box: np.ndarray, stone: int, won: bool, last: bool) -> None:
    def inner(margin: int) -> tuple:
        return tuple(map(int, box + np.array([1, 1, -1, -1]) * margin * _SMOOTH))

    if is_disc:
        pen.ellipse(inner(6), COLOURS[stone], _WON if won else None, width=6 * _SMOOTH)
        if last and not won:
            pen.ellipse(inner(26), "#ffffff")
        return
    pen.rectangle(inner(3), _WON if won else _LAST if last else _GROUND[0])
    pen.rectangle(inner(0), outline="#999999", width=_SMOOTH)
    if stone == 1:
        x0, y0, x1, y1 = inner(16)
        for line in ((x0, y0, x1, y1), (x0, y1, x1, y0)):
            pen.line(line, COLOURS[1], width=7 * _SMOOTH)
    if stone == 2:
        pen.ellipse(inner(14), outline=COLOURS[2], width=7 * _SMOOTH)


def _caption(game: Record, names: Sequence[str], pen: ImageDraw.ImageDraw, font, width: int) -> str:
    sides = [side_name(game.game, seat) for seat in (0, 1)]
    if game.winner is not None:
        name = names[game.winner]
        text = f"{sides[game.winner]}{f' ({name})' if name else ''} wins"
    elif game.is_over:
        text = "a draw"
    elif any(names):
        text = " - ".join(f"{side}: {name}" for side, name in zip(sides, names, strict=True))
    else:
        text = f"{sides[game.seat]} to move"
    while len(text) > 1 and pen.textlength(text, font) > 0.96 * width:
        text = text[:-2] + "…"
    return text
