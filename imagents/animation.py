"""Pictures one after the other: a GIF by Pillow, or an MP4 by ffmpeg."""

import base64
import dataclasses
import io
import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from imagents.drawing import INK
from imagents.errors import InputError
from imagents.files import check_name, reason, replacing

_CAPTION, _LETTERS, _MARGIN = 40, 17, 12  # pixels, high
_MONTAGE = 12  # frames whose colours a GIF has
FORMATS = (".gif", ".mp4")


@dataclasses.dataclass(frozen=True)
class Animation:
    """A game, or episodes of any environment, as pictures, which a notebook shows.

    Attributes:
      frames: one picture per position, from the first to the last, all of one size.
      seconds: how long each of them stays.
    """

    frames: tuple[Image.Image, ...]
    seconds: tuple[float, ...]

    def gif(self) -> bytes:
        """The animation as a GIF that repeats for ever."""
        colours = _montage(self.frames).quantize(64)  # one palette makes small files
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
        content = base64.b64encode(self.gif()).decode()
        return f'<img alt="an episode, step by step" src="data:image/gif;base64,{content}">'

    def _write_mp4(self, path: pathlib.Path) -> None:
        width, height = self.frames[0].size
        rate, counts = 20, [max(1, round(20 * seconds)) for seconds in self.seconds]  # frames per second
        if len({*self.seconds}) == 1:  # then a picture is a frame
            rate, counts = 1 / self.seconds[0], [1] * len(self.frames)
        command = [shutil.which("ffmpeg"), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{width}x{height}", "-r", f"{rate:g}", "-i", "-", "-pix_fmt", "yuv420p"]
        command += ["-f", "mp4", f"file:{path}"]
        pixels = b"".join(frame.tobytes() * count for frame, count in zip(self.frames, counts, strict=True))
        done = subprocess.run(command, input=pixels, capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise OSError(f"ffmpeg: {said[-1]}")


def _montage(frames: Sequence[Image.Image]) -> Image.Image:
    """Some of the frames below each other, the last among them: they have all colours that there are."""
    chosen = frames[:: -max(1, len(frames) // _MONTAGE)]
    width, height = frames[0].size
    whole = Image.new("RGB", (width, height * len(chosen)))
    for number, frame in enumerate(chosen):
        whole.paste(frame, (0, number * height))
    return whole


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


def captioned(image: Image.Image, caption: str, least: int = 240) -> Image.Image:
    """An image with a line of text above it, which is cut if it is too long, and a margin; of even sizes for MP4.

    Args:
      image: the image.
      caption: the text.
      least: the least width, pixels.
    """
    width = max(image.width + 2 * _MARGIN, least)
    width, height = width + width % 2, image.height + image.height % 2
    large = Image.new("RGB", (2 * width, 2 * _CAPTION), "#ffffff")
    pen, font = ImageDraw.Draw(large), ImageFont.load_default(2 * _LETTERS)
    while len(caption) > 1 and pen.textlength(caption, font) > 0.96 * large.width:
        caption = caption[:-2] + "…"
    pen.text((width, _CAPTION), caption, INK, font, anchor="mm")
    whole = Image.new("RGB", (width, _CAPTION + height + _MARGIN), "#ffffff")
    whole.paste(large.resize((width, _CAPTION), Image.Resampling.LANCZOS))
    whole.paste(image, ((width - image.width) // 2, _CAPTION))
    return whole
