"""How long a training trains, and what it has spent of that."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Budget:
    """A number of steps, minutes of training, or both: it is spent when one of them is."""

    steps: int | None
    minutes: float | None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Budget":
        """The one among settings."""
        return cls(settings.get("steps"), settings.get("minutes"))

    def spent(self, steps: int, seconds: float) -> float:
        """How much of it is spent after so much training, 0 to 1."""
        fractions = [0.0]
        if self.steps is not None:
            fractions.append(steps / self.steps)
        if self.minutes is not None:
            fractions.append(seconds / (60 * self.minutes))
        return min(1.0, max(fractions))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return " and ".join(f"{name} = {value}" for name, value in self.to_dict().items() if value is not None)
