"""The faces of poker: settings, and what is made of them."""

import dataclasses
import functools
import math
from typing import Any, ClassVar

from imagents.environments import Face, Measure
from imagents.environments.cards.measures import POLICIES
from imagents.environments.cards.rules import KUHN, LEDUC, Poker
from imagents.values import check

_CHUNKS = {"parallel_games": 256, "rounds_per_chunk": 100, "evaluate_every": 2}
_PRESET = _CHUNKS | {
    "algorithm": "tabular",
    "exploration": "boltzmann",  # which settles near an equilibrium, where epsilon goes round in circles
}
_PPO = _CHUNKS | {
    "algorithm": "ppo",
    "parallel_games": 512,
    "final_learning_rate": 1e-6,
    "minibatches": 1,
}


@dataclasses.dataclass(frozen=True)
class PokerFace(Face):
    """Poker for two, small enough for an exact measure."""

    softmax_temperature: float = 0.1
    """Of the softmax policy that is measured, in units of reward: how often it takes an action goes with exp(Q /
    temperature)."""

    free: ClassVar[dict[str, tuple]] = {"softmax_temperature": ()}
    rules: ClassVar[Poker]
    floor: ClassVar[float | None] = None
    """The least exploitability of policies that draw nothing."""
    num_seats: ClassVar[int] = 2
    measures: ClassVar[dict[str, Measure]] = {
        f"exploitability_{policy}": Measure("Exploitability of both", "number", case=policy, less_is_better=True,
                                            short="exploitability" if policy == POLICIES[0] else "")
        for policy in POLICIES
    } | {
        "mean_return": Measure("Mean return of a game, both greedy", "number", short="greedy return"),
        "best_response_return": Measure("Return of a best response to a greedy agent", "number", less_is_better=True),
    }  # fmt: skip

    def __post_init__(self):
        value = self.softmax_temperature
        check("softmax_temperature", 0 < value < math.inf, value, "a temperature is more than 0")

    @property
    def return_range(self) -> tuple[float, float]:
        """The least and the greatest return of a game."""
        most = float(self.rules.pays.max())
        return -most, most

    def build(self, batch_size: int, seed: int):
        """B games side by side, a `PokerEnvironment`."""
        from imagents.environments.cards.environment import PokerEnvironment

        return PokerEnvironment(self.rules, batch_size, seed)

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Measures the players of a training together, exactly: a `Strength`. Nothing is drawn for it, nor played."""
        from imagents.environments.cards.strength import Strength

        del seed
        return Strength(self, trainer.players, trains=episodes is None)

    def report_text(self, report: dict[str, dict[str, Any]]) -> str:
        """What its strength measured, as people read it."""
        from imagents.environments.cards.strength import report_text

        return report_text(report)

    def figures(self) -> dict:
        """The exploitability of the policies of a run, beside that of policies that draw nothing."""
        from imagents.environments.cards.figures import exploitability

        return {"exploitability": functools.partial(exploitability, self)}


@dataclasses.dataclass(frozen=True)
class KuhnPoker(PokerFace):
    """Kuhn poker: three cards, one each, and one bet. Small enough to be solved by hand (Kuhn 1950)."""

    name: str = "kuhn_poker"

    rules: ClassVar[Poker] = KUHN
    floor: ClassVar[float | None] = 1 / 6
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": _PRESET | {
            "steps": 5_000_000,
            "learning_rate": 0.02,
            "exploration_start": 0.5,
            "exploration_end": 0.1,  # as the temperature of the softmax policy
        },
        "ppo": _PPO | {"steps": 2_500_000, "learning_rate": 3e-4, "rollout_length": 2, "entropy": 0.13},
    }

    def players(self) -> dict:
        """Makers of the players that know it, by the name that people write."""
        from imagents.environments.cards.players import MAKERS

        return MAKERS


@dataclasses.dataclass(frozen=True)
class LeducPoker(PokerFace):
    """Leduc poker: six cards, one for each and one for both. Two rounds of bets (Southey and others 2005)."""

    name: str = "leduc_poker"

    rules: ClassVar[Poker] = LEDUC
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": _PRESET | {
            "steps": 10_000_000,
            "learning_rate": 0.01,
            "exploration_start": 1.0,
            "exploration_end": 0.5,
            "softmax_temperature": 0.5,
        },
        "ppo": _PPO | {"steps": 5_000_000, "learning_rate": 1e-3, "rollout_length": 4, "entropy": 0.1},
    }
