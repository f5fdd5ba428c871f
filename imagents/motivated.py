"""What an agent is paid from within, as settings: which motivations it holds, each with its weight.

What they are is in `imagents.motivation`; see docs/motivation.md. This module imports no TensorFlow.
"""

import dataclasses
import math
from typing import Any, ClassVar

from imagents.values import check

MOTIVATIONS = {  # name: what makes it, resolved when asked
    "counts": "imagents.motivation.counts:Counts",
    "episodic_counts": "imagents.motivation.counts:EpisodicCounts",
}
_SETTINGS = {  # those of one motivation, by their names there
    "counts": {"optimism": "counts_optimism"},
}


@dataclasses.dataclass(frozen=True)
class Motivated:
    """What every agent that learns understands of its motivations."""

    motivation: str = ""
    """What pays an agent from within, each with its weight: NAME[:WEIGHT], several with commas, such as
    counts:0.1,rnd:0.5; none, or nothing, for the environment's reward alone."""
    counts_optimism: float = 0.0
    """Of counts: what an action that was never taken is hoped to be worth besides, in units of reward, where it is
    chosen and in targets; a fourth of that once it was taken, a ninth then (Rashid et al. 2020). 0 switches it off."""

    free: ClassVar[dict[str, tuple]] = {"motivation": (), "counts_optimism": (0.0,)}

    def __post_init__(self):
        check("counts_optimism", 0 <= self.counts_optimism < math.inf, self.counts_optimism, "at least 0 is needed")
        chosen = [name for name, _ in self.motivations]
        check("motivation", len({*chosen}) == len(chosen), self.motivation, "each counts once, with one weight")
        check("counts_optimism", not self.counts_optimism or "counts" in chosen, self.counts_optimism,
              "it is for the motivation counts")  # fmt: skip

    @property
    def motivations(self) -> tuple[tuple[str, float], ...]:
        """Each name with its weight.

        Raises:
          InputError: for another name, or for what is no weight.
        """
        words = [] if self.motivation in ("", "none") else self.motivation.split(",")
        return tuple(map(_parsed, words))

    @property
    def motivation_settings(self) -> dict[str, dict[str, Any]]:
        """The settings of each motivation that has some, by its name."""
        return {
            name: {own: getattr(self, setting) for own, setting in _SETTINGS.get(name, {}).items()}
            for name, _ in self.motivations
        }


def _parsed(word: str) -> tuple[str, float]:
    name, colon, text = word.strip().partition(":")
    check("motivation", name in MOTIVATIONS, name, f"choose {', '.join(MOTIVATIONS)}, with commas between, each with a "
          "weight if not 1, such as counts:0.1; or none")  # fmt: skip
    try:
        weight = float(text) if colon else 1.0
    except ValueError:
        weight = math.nan
    check("motivation", math.isfinite(weight), word, f"a weight is a number, such as {name}:0.1")
    return name, weight
