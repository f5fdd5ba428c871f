"""The face of OpenSpiel's games: open_spiel:NAME."""

import dataclasses
import functools
from typing import Any, ClassVar

from imagents.bridges.settings import Bridged
from imagents.environments import Face, Measure
from imagents.errors import InputError, brief

_EXACT = {"exploitability": "Exploitability of both", "nash_conv": "NashConv of all"}
_CASES = "greedy", "sampled"
_COPIES = {"parallel_games": 64, "rounds_per_chunk": 200, "evaluate_every": 10, "minutes": 10.0}


@dataclasses.dataclass(frozen=True)
class OpenSpiel(Bridged):
    """A game of OpenSpiel by its name. Arguments come in brackets, as OpenSpiel has them."""

    name: str

    package: ClassVar[str] = "pyspiel"
    extra: ClassVar[str] = "open-spiel"
    requires: ClassVar[tuple[str, ...]] = ("open_spiel",)
    written: ClassVar[str] = "open_spiel:NAME"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": _COPIES | {
            "algorithm": "double_dqn",
            "final_learning_rate": 1e-5,
            "batch_size": 256,
            "target_update_period": 200,
            "replay_length": 500,
        },
        "ppo": _COPIES | {  # for small games in which information is hidden: as of kuhn_poker
            "algorithm": "ppo",
            "learning_rate": 3e-4,
            "final_learning_rate": 1e-6,
            "rollout_length": 4,
            "minibatches": 1,
            "entropy": 0.1,
        },
    }

    @property
    def parts(self) -> tuple[str, dict[str, Any]]:
        """The name that OpenSpiel knows, which reads the arguments itself."""
        own = self.title
        if not own.partition("(")[0]:
            raise InputError(f"environment = {brief(self.name)}: a name is needed behind the colon")
        return own, {}

    @property
    def measures(self) -> dict[str, Measure]:
        """The mean return, and where OpenSpiel knows it exactly how far the agents are from an equilibrium."""
        return Face.measures | {
            f"{name}_{case}": Measure(_EXACT[name], "number", case=case, less_is_better=True)
            for name in _exactly_known(self) for case in _CASES
        }  # fmt: skip

    def build(self, batch_size: int, seed: int):
        """B copies side by side, a `BridgedEnvironment`."""
        self.require()
        from imagents.bridges.open_spiel.incoming import from_open_spiel

        workers = self.workers if batch_size > 1 else 0
        return from_open_spiel(self.title, batch_size, seed=seed, workers=workers)

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Measures the agents of a training again and again, a `Strength`."""
        from imagents.bridges.open_spiel.strength import Strength

        environment, xla = self.build(trainer.environment.batch_size, seed), trainer.execution == "xla"
        return Strength(self.title, self.measures, environment, trainer.players, episodes or 100, xla)

    def report_text(self, report: dict[str, dict[str, Any]]) -> str:
        """What its strength measured, as people read it in 80 columns."""
        from imagents.bridges.open_spiel.strength import report_text

        return report_text(report)


@functools.cache
def _exactly_known(face: OpenSpiel) -> list[str]:
    """Which figures OpenSpiel has of this game."""
    face.require()
    from imagents.bridges.open_spiel.exact import information, is_opposed
    from imagents.bridges.open_spiel.world import load_game

    game = load_game(face.title)
    if information(game) is None:
        return []
    return list(_EXACT) if is_opposed(game) else ["nash_conv"]
