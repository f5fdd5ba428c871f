"""Pictures of a few shapes, which can be an SVG or an image; and environments that draw themselves."""

import dataclasses
import html
from collections.abc import Sequence

import numpy as np

INK, PALE, GROUND, MARK = "#222222", "#999999", "#f4f4f4", "#ffd166"
SEATS = ("#d95f02", "#1b6ca8", "#1b8a5a", "#b0479a", "#8a6d00", "#5b4fa0")  # the first two are safe for all eyes
MARKERS = ("X", "o", "s", "^", "D", "v")  # beside the colours, as matplotlib names them: a cross, a nought, ...
_SMOOTH = 2  # an image is drawn so many times as large, and shrunk
_SHOWN = 8  # copies in a notebook


def seat_colour(seat: int) -> str:
    """The colour of a seat, the same everywhere."""
    return SEATS[seat % len(SEATS)]


@dataclasses.dataclass(frozen=True)
class Shape:
    """Of a picture: "rectangle" and "ellipse" fill a box (left, top, right, bottom), a "line" leads from its first two
    numbers to the others, "text" stands at two, left of them, right of them ("start", "end") or in the middle."""

    kind: str
    box: tuple[float, ...]
    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0  # pixels, of the stroke, which lies inside of a box
    text: str = ""
    anchor: str = "middle"


class Picture:
    """A picture that shapes are added to, each in front of those before it. All numbers are pixels, from the top left.

    Args:
      width, height: its size.
      ground: its background.
      label: what it shows, for who cannot see it.
    """

    def __init__(self, width: int, height: int, ground: str = "#ffffff", label: str = ""):
        self.width, self.height, self.ground, self.label = width, height, ground, label
        self.shapes: list[Shape] = []

    def rectangle(self, left, top, right, bottom, fill=None, stroke=None, width=1.0) -> None:
        """A rectangle, with its border inside."""
        self.shapes.append(Shape("rectangle", (left, top, right, bottom), fill, stroke, width))

    def circle(self, x, y, radius, fill=None, stroke=None, width=1.0) -> None:
        """A disc or a ring, with its border inside."""
        self.shapes.append(Shape("ellipse", (x - radius, y - radius, x + radius, y + radius), fill, stroke, width))

    def line(self, x0, y0, x1, y1, stroke=INK, width=1.0) -> None:
        """A straight line."""
        self.shapes.append(Shape("line", (x0, y0, x1, y1), None, stroke, width))

    def text(self, x, y, text: str, size=16.0, fill=INK, anchor="middle") -> None:
        """A line of text, its middle as high as y."""
        self.shapes.append(Shape("text", (x, y), fill, None, size, text, anchor))

    def add(self, other: "Picture", left: float, top: float) -> None:
        """Another picture, with its background, at some place of this one."""
        self.rectangle(left, top, left + other.width, top + other.height, other.ground)
        for shape in other.shapes:
            box = tuple(x + (left, top)[i % 2] for i, x in enumerate(shape.box))
            self.shapes.append(dataclasses.replace(shape, box=box))

    def svg(self) -> str:
        """The picture as an SVG document."""
        parts = [_svg(shape) for shape in self.shapes]
        ground = f'<rect width="{self.width}" height="{self.height}" fill="{self.ground}"/>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="img" aria-label="{html.escape(self.label)}">{ground}{"".join(parts)}</svg>'
        )

    def image(self):
        """The picture as a Pillow image, RGB."""
        from PIL import Image, ImageDraw

        image = Image.new("RGB", (self.width * _SMOOTH, self.height * _SMOOTH), self.ground)
        pen = ImageDraw.Draw(image)
        for shape in self.shapes:
            _draw(pen, shape)
        return image.resize((self.width, self.height), Image.Resampling.LANCZOS)

    def _repr_html_(self) -> str:
        return self.svg()


class Drawn:
    """What an environment has that draws itself; it has to have `picture` and `text`."""

    def picture(self, copy: int = 0) -> Picture:
        """One of its copies as a picture."""
        raise NotImplementedError

    def text(self, copy: int = 0) -> str:
        """One of its copies in lines of text."""
        raise NotImplementedError

    def frame(self, copy: int = 0) -> np.ndarray:
        """One of its copies as pixels, uint8 `[height, width, 3]`."""
        return np.asarray(self.picture(copy).image())

    def render(self) -> str:
        """All copies as text, one below the other."""
        return "\n\n".join(map(self.text, range(self.batch_size)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.batch_size} {'copy' if self.batch_size == 1 else 'copies'}>"

    def _repr_html_(self) -> str:
        """The first copies, side by side in a notebook."""
        return " ".join(self.picture(copy).svg() for copy in range(min(self.batch_size, _SHOWN)))


def table(picture: Picture, left: float, top: float, widths: Sequence[float], height: float, rows) -> None:
    """Draws rows of cells, each a text, or a text and a fill; all rows are `height` high."""
    for row, cells in enumerate(rows):
        x, y = left, top + row * height
        for width, cell in zip(widths, cells, strict=True):
            text, fill = (cell, None) if isinstance(cell, str) else cell
            picture.rectangle(x, y, x + width, y + height, fill, PALE)
            picture.text(x + width / 2, y + height / 2, text)
            x += width


def _draw(pen, shape: Shape) -> None:
    box, width = tuple(round(x * _SMOOTH) for x in shape.box), round(shape.width * _SMOOTH)
    if shape.kind == "text":
        from PIL import ImageFont

        anchor = {"start": "lm", "middle": "mm", "end": "rm"}[shape.anchor]
        pen.text(box, shape.text, shape.fill, ImageFont.load_default(width), anchor)
    elif shape.kind == "line":
        pen.line(box, shape.stroke, width)
    else:
        box = (*box[:2], *(max(x - 1, start) for x, start in zip(box[2:], box)))  # Pillow's ends lie within
        getattr(pen, shape.kind)(box, shape.fill, shape.stroke, width)


def _svg(shape: Shape) -> str:
    x0, y0, *end = shape.box
    if shape.kind == "text":
        return (
            f'<text x="{x0:g}" y="{y0:g}" font-size="{shape.width:g}" text-anchor="{shape.anchor}" fill="{shape.fill}" '
            f'dominant-baseline="central" font-family="system-ui, sans-serif">{html.escape(shape.text)}</text>'
        )
    if shape.kind == "line":
        places = f'x1="{x0:g}" y1="{y0:g}" x2="{end[0]:g}" y2="{end[1]:g}"'
        return f'<line {places} stroke="{shape.stroke}" stroke-width="{shape.width:g}"/>'
    inner = shape.width / 2 if shape.stroke else 0  # SVG draws a border half inside
    width, height = (max(b - a - 2 * inner, 0) for a, b in ((x0, end[0]), (y0, end[1])))
    style = f'fill="{shape.fill or "none"}"'
    style += f' stroke="{shape.stroke}" stroke-width="{shape.width:g}"' if shape.stroke else ""
    if shape.kind == "rectangle":
        return f'<rect x="{x0 + inner:g}" y="{y0 + inner:g}" width="{width:g}" height="{height:g}" {style}/>'
    centre = f'cx="{(x0 + end[0]) / 2:g}" cy="{(y0 + end[1]) / 2:g}" rx="{width / 2:g}" ry="{height / 2:g}"'
    return f"<ellipse {centre} {style}/>"
