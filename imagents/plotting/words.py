"""How figures and reports write names and numbers."""

from collections.abc import Sequence

_MOST_LETTERS = 60  # of a name
_PHRASES = {  # of what a report has, by parts of its name
    "exact": "", "optimal_share": "optimal moves", "optimal_share_critical": "optimal moves where one can be wrong",
    "lines": "lines of play", "losing_lines": "lost lines of play", "random": "against random moves",
    "best_response": "against a best response", "positions": "in labelled positions",
    "return": "mean return while exploring", "own_return": "all that it was paid while exploring",
    "wins": "wins while exploring", "win": "won", "draw": "drawn",
}  # fmt: skip


def words(name: str) -> str:
    """A name of the code as people write it, cut where it would fill a figure; MODULE:FUNCTION stays as it is."""
    cut = name if len(name) <= _MOST_LETTERS else f"{name[:_MOST_LETTERS]}…"
    return cut if ":" in name else cut.replace("_", " ")


def phrase(name: str) -> str:
    """What people call a figure of a report whose parts are named after each other: `exact, random_first, win`."""
    parts = []
    for part in name.split(", "):
        what, _, turn = part.rpartition("_")
        what, case = (what, f"moving {turn}") if turn in ("first", "second") else (part, "")
        parts += [_PHRASES.get(what, words(what)), case]
    return ", ".join(filter(None, parts)).replace(", loss", ", lost")


def abridged(names: Sequence[str], letters: int) -> list[str]:
    """Names of so many letters at most, `…` for what is left out of long ones; of more, if they would not differ."""
    for kept in sorted(range(letters), key=lambda kept: abs(kept - letters // 2)):  # of a name's beginning
        short = [name if len(name) <= letters else f"{name[:kept]}…{name[len(name) + kept + 1 - letters :]}"
                 for name in names]  # fmt: skip
        if len(set(short)) == len(set(names)):
            return short
    return abridged(names, letters + 1)


def lasting(seconds: float) -> str:
    """A length of time, roughly: 57 s, 3 min, 2.5 h, in the largest unit of which it has two."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f}".removesuffix(".0") + " h"


def size(num_bytes: float) -> str:
    """How much of a disk, roughly: 300 kB, 8.5 MB, 12 GB."""
    power = min(3, max(1, (len(f"{num_bytes:.0f}") - 1) // 3))
    value = num_bytes / 1000**power
    return f"{value:,.{0 if value >= 10 else 1}f} {' kMG'[power]}B"


def shown(value: float, kind: str) -> str:
    """A value of a measure of this kind: share, count or number."""
    return {"share": f"{100 * value:.1f} %", "count": f"{value:,.0f}", "number": f"{value:,.4g}"}[kind]
