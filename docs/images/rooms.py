"""Draws docs/_static/rooms.svg, who imports whom: python docs/images/rooms.py (nothing but Python).

The rooms are the rows of the table in docs/architecture.md, from its top to its bottom; the arrows are what stands in
the code. From a room a line runs to the left, to the columns of the rooms that it imports; these lead up.
"""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = ROOT / "imagents"
PICTURE = ROOT / "docs" / "_static" / "rooms.svg"

_STEP, _HEIGHT, _MARGIN = 34, 26, 14  # pixels: from one room to the next, of a box, around everything
_LETTER = 7.9  # the width of one
_COLOURS = ("#1b6ca8", "#d95f02", "#5b7f2b", "#8a4fa3")  # in turn, so that neighbours differ
_SAYS = ("A dot: the room at the right end of its line", "imports the one at the top of its arrow.")


def rooms() -> list[list[str]]:
    """The rows of the table: the modules and folders of each room, as imports name them."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = re.search(r"^## Rooms$.*?^\| room .*?\n\|[-|]+\n(.*?)^$", text, re.DOTALL | re.MULTILINE)[1]
    rows = [re.findall(r"`([\w/.]+)`", line.split("|")[1]) for line in table.splitlines()]
    return [
        [f"imagents.{name.removesuffix('.py').strip('/').replace('/', '.')}".removesuffix(".__init__") for name in row]
        for row in rows
    ]


def imports() -> dict[str, set[str]]:
    """By module of the package: the modules of the package that it imports, wherever in its code."""
    paths = {path.relative_to(ROOT).with_suffix(""): path for path in PACKAGE.rglob("*.py")}
    modules = {".".join(name.parts).removesuffix(".__init__"): path for name, path in paths.items()}
    found = {}
    for module, path in modules.items():
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names |= {n if (n := f"{node.module}.{a.name}") in modules else node.module for a in node.names}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        found[module] = names & set(modules) - {module}
    return found


def row_of(module: str, known: list[list[str]]) -> int:
    """The row of the room that a module is in: that of the longest name that it begins with."""
    names = {name: row for row, names in enumerate(known) for name in names}
    return names[max((name for name in names if f"{module}.".startswith(f"{name}.")), key=len)]


def arrows() -> set[tuple[int, int]]:
    """Who imports whom, as rows of the table: (importing, imported)."""
    known = rooms()
    pairs = {(row_of(a, known), row_of(b, known)) for a, targets in imports().items() for b in targets}
    return {(a, b) for a, b in pairs if a != b}


def svg() -> str:
    """The picture, light in light and dark pages alike: a box per room, one below and to the right of the other."""
    names = [", ".join(map(_words, row)) for row in rooms()]
    widths = [round(_LETTER * len(name)) + 20 for name in names]
    left = [_MARGIN + _STEP * row for row in range(len(names))]
    top = [_MARGIN + _STEP * row for row in range(len(names))]
    width = max(map(sum, zip(left, widths))) + _MARGIN
    height = top[-1] + _HEIGHT + _MARGIN
    column = [x + _STEP // 2 - 4 for x in left]  # where the arrows to a room come together
    middle = [y + _HEIGHT // 2 for y in top]
    pairs, lines, dots, boxes = sorted(arrows()), [], [], []
    for row, name in enumerate(names):
        wanted, wanting = [b for a, b in pairs if a == row], [a for a, b in pairs if b == row]
        colour = _COLOURS[row % len(_COLOURS)]
        if wanted:
            lines.append(f'<path class="own" d="M{left[row]} {middle[row]}H{column[min(wanted)]}"/>')
        if wanting:
            lines.append(
                f'<path class="up" d="M{column[row]} {middle[max(wanting)]}V{top[row] + _HEIGHT + 1}" '
                f'stroke="{colour}" marker-end="url(#tip{row % len(_COLOURS)})"/>'
            )
        dots += [f'<circle cx="{column[row]}" cy="{middle[a]}" r="4" fill="{colour}"/>' for a in wanting]
        boxes.append(
            f'<rect x="{left[row]}" y="{top[row]}" width="{widths[row]}" height="{_HEIGHT}" rx="6" stroke="{colour}"/>'
            f'<text x="{left[row] + 10}" y="{middle[row] + 5}">{name}</text>'
        )
    tips = [
        f'<marker id="tip{i}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" orient="auto">'
        f'<path d="M0 0 10 5 0 10z" fill="{colour}"/></marker>'
        for i, colour in enumerate(_COLOURS)
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="The rooms of '
        f'imagents, one below the other: {"; ".join(names)}. Every arrow leads from a room to one above it.">',
        "<!-- python docs/images/rooms.py -->",
        "<style>.up{fill:none;stroke-width:2} .own{stroke:#b9b3a6;stroke-width:1.5} rect{fill:#fff;stroke-width:1.5}"
        " text{font:13px ui-monospace,monospace;fill:#222} .say{font:15px system-ui,sans-serif}</style>",
        *tips,
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="12" style="fill:#fbfaf7" stroke="#ddd"/>',
        *(f'<text class="say" x="{width - _MARGIN - 4}" y="{middle[row]}" text-anchor="end">{text}</text>'
          for row, text in enumerate(_SAYS, 1)),
        *lines, *dots, *boxes,
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _words(module: str) -> str:
    """A room's name as the table has it."""
    name = module.removeprefix("imagents").strip(".").replace(".", "/") or "__init__"
    return f"{name}/" if (PACKAGE / name).is_dir() else f"{name}.py"


if __name__ == "__main__":
    PICTURE.write_text(svg())
