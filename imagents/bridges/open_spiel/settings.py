"""The face of OpenSpiel's games: open_spiel:NAME."""

import dataclasses
from typing import Any, ClassVar

from imagents.bridges.settings import Bridged
from imagents.environments import Face, Measure
from imagents.errors import InputError, brief

_EXACT = {
    f"{measure}_{case}": Measure(title, "number", case=case)
    for measure, title in (("exploitability", "Exploitability of both"), ("nash_conv", "NashConv of all"))
    for case in ("greedy", "sampled")
}


@dataclasses.dataclass(frozen=True)
class OpenSpiel(Bridged):
    """A game of OpenSpiel by its name, with arguments in brackets, as OpenSpiel has it."""

    name: str

    package: ClassVar[str] = "pyspiel"
    extra: ClassVar[str] = "open_spiel"
    written: ClassVar[str] = "open_spiel:NAME"
    measures: ClassVar[dict[str, Measure]] = Face.measures | _EXACT
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {"minutes": 10.0},
    }

    @property
    def parts(self) -> tuple[str, dict[str, Any]]:
        """The name that OpenSpiel knows, which reads the arguments itself."""
        own = self.title
        if not own.partition("(")[0]:
            raise InputError(f"environment = {brief(self.name)}: a name is needed behind the colon")
        return own, {}

    def build(self, batch_size: int, seed: int):
        """B copies side by side, a `BridgedEnvironment`."""
        self.require()
        from imagents.bridges.open_spiel.incoming import from_open_spiel

        return from_open_spiel(
            self.title, batch_size, seed=seed, workers=self.workers if batch_size > 1 else 0
        )

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Measures the agents of a training again and again, a `Strength`."""
        from imagents.bridges.open_spiel.strength import Strength

        environment, xla = self.build(trainer.environment.batch_size, seed), trainer.execution == "xla"
        return Strength(self.title, environment, trainer.players, episodes or 100, xla)

    def report_text(self, report: dict[str, dict[str, Any]]) -> str:
        """What its strength measured, as people read it in 80 columns."""
        from imagents.bridges.open_spiel.strength import report_text

        return report_text(report)
