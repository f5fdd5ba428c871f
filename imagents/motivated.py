"""What an agent is paid from within, as settings: which motivations it holds, each with its weight.

What they are is in `imagents.motivation`; see docs/motivation.md. This module imports no TensorFlow.
"""

import dataclasses
import math
from typing import Any, ClassVar

from imagents.values import check, check_least, check_shares

MOTIVATIONS = {  # name: what makes it, resolved when asked
    "counts": "imagents.motivation.counts:Counts",
    "episodic_counts": "imagents.motivation.counts:EpisodicCounts",
    "rnd": "imagents.motivation.rnd:RND",
    "icm": "imagents.motivation.foresight:ICM",
    "learning_progress": "imagents.motivation.foresight:LearningProgress",
    "empowerment": "imagents.motivation.planner:empowerment_in",
    "drives": "imagents.motivation.drives:Drives",
    "prosocial": "imagents.motivation.regard:Prosocial",
    "inequity_aversion": "imagents.motivation.regard:InequityAversion",
}
_SETTINGS = {  # those of one motivation, by their names there
    "counts": {"optimism": "counts_optimism"},
    "empowerment": {"steps": "empowerment_steps"},
    "drives": {"hunger": "drives_hunger", "sleep": "drives_sleep"},
    "inequity_aversion": {"envy": "inequity_envy", "guilt": "inequity_guilt", "memory": "inequity_memory"},
}


@dataclasses.dataclass(frozen=True)
class Motivated:
    """What every agent that learns understands of its motivations."""

    motivation: str = ""
    """What pays an agent from within: NAME, or NAME:WEIGHT, several with commas, such as counts:0.1,rnd:0.5; none, or
    nothing, for the environment's reward alone."""
    counts_optimism: float = 0.0
    """Of counts: what an action that was never taken is hoped to be worth besides, in units of reward, where it is
    chosen and in targets; a fourth of that once it was taken, a ninth then (Rashid et al. 2020). 0 switches it off."""

    empowerment_steps: int = 3
    """Of empowerment: actions ahead, where it is known where they lead; elsewhere it is learned, one ahead."""
    drives_hunger: float = 0.01
    """Of drives: the share of its energy that an agent uses up in a step."""
    drives_sleep: float = 0.0
    """Of drives: the share of its rest that it uses up in a step awake, until it falls asleep. 0 switches it off."""
    inequity_envy: float = 5.0
    """Of inequity_aversion: what a unit that others have more costs."""
    inequity_guilt: float = 0.05
    """Of inequity_aversion: what a unit that they have less costs."""
    inequity_memory: float = 0.965
    """Of inequity_aversion: how much of what somebody had counts in the next step."""

    free: ClassVar[dict[str, tuple]] = {
        "motivation": (), "counts_optimism": (0.0,), "inequity_envy": (), "inequity_guilt": (), "inequity_memory": (),
    }  # fmt: skip

    def __post_init__(self):
        for name in ("counts_optimism", "inequity_envy", "inequity_guilt"):
            check(name, 0 <= getattr(self, name) < math.inf, getattr(self, name), "at least 0 is needed")
        check_shares(self, "drives_hunger", "drives_sleep", "inequity_memory")
        check_least(self, {"empowerment_steps": 1})
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


def check_fits(environment, algorithm: Motivated) -> None:
    """Raises an InputError if an environment, a `Face`, has nothing for a motivation of an agent."""
    names = [name for name, _ in algorithm.motivations]
    for name in ("prosocial", "inequity_aversion"):
        check("motivation", name not in names or environment.num_seats > 1, name,
              f"it is about what others are paid, and {environment.name} has one seat")  # fmt: skip
    check("motivation", "drives" not in names or environment.pays_food, "drives",
          f"{environment.name} does not say what feeds an agent, as foraging and rooms do")  # fmt: skip
    steps = algorithm.empowerment_steps
    is_right = "empowerment" not in names or steps in (1, Motivated.empowerment_steps)
    check("empowerment_steps", is_right or environment.dynamics() is not None, steps,
          f"where actions lead is not known of {environment.name}: it is learned, 1 ahead")  # fmt: skip


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
