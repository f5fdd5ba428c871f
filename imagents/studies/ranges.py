"""What a searched setting may be."""

import dataclasses
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from imagents.values import check

_DIGITS = 4  # of a number that is tried, so that people can read and repeat it
_FACTORS = (0.8, 1.25)


@dataclasses.dataclass(frozen=True)
class Range:
    """What a setting may be: `log` and `uniform`, numbers between two; `int`, whole ones; `choice`, one of a list."""

    name: str
    kind: str
    values: Sequence

    @classmethod
    def of(cls, name: str, content: Any) -> "Range":
        """The one that a table such as `{ log = [1e-4, 1e-2] }` describes."""
        kinds = "{ log = [A, B] }, { uniform = [A, B] }, { int = [A, B] } or { choice = [...] } is needed"
        check(f"search: {name}", isinstance(content, Mapping) and len(content) == 1, content, kinds)
        ((kind, values),) = content.items()
        check(f"search: {name}", kind in ("log", "uniform", "int", "choice"), content, kinds)
        check(f"search: {name}", isinstance(values, (list, tuple)), content, kinds)
        if kind == "choice":
            check(f"search: {name}", len(values) > 1, content, "at least two values to choose from are needed")
            return cls(name, kind, tuple(values))
        number, values = (int, whole(values)) if kind == "int" else ((int, float), values)
        fits = len(values) == 2 and all(isinstance(v, number) and not isinstance(v, bool) for v in values)
        fits = fits and all(map(math.isfinite, values)) and values[0] < values[1]
        needed = f"two {'whole ' if kind == 'int' else ''}numbers, the smaller one first, are needed"
        check(f"search: {name}", fits, content, needed)
        check(f"search: {name}", kind != "log" or values[0] > 0, content, "a range of log begins above 0")
        return cls(name, kind, tuple(values))

    def at(self, share: float):
        """The value at a share of the range, 0 to below 1."""
        if self.kind == "choice":
            return self.values[int(share * len(self.values))]
        low, high = self.values
        if self.kind == "int":
            return low + int(share * (high + 1 - low))
        return self.readable(low * (high / low) ** share if self.kind == "log" else low + (high - low) * share)

    def near(self, value: float, random: random.Random) -> float:
        """A number somewhat less or more."""
        return self.readable(value * random.choice(_FACTORS))

    def readable(self, value: float) -> float:
        """The value with few digits, in the range."""
        return min(max(float(f"{value:.{_DIGITS}g}"), float(self.values[0])), float(self.values[1]))


def whole(value):
    """Whole floats, such as 1e6, as integers, also in lists."""
    if isinstance(value, (list, tuple)):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
