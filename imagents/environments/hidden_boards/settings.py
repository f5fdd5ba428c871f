"""The face of phantom tic-tac-toe: its settings, and what is made of them."""

import dataclasses
from typing import Any, ClassVar, Literal

from imagents.environments import Face, Measure


@dataclasses.dataclass(frozen=True)
class PhantomTicTacToe(Face):
    """Tic-tac-toe with stones hidden until one runs into them. As in OpenSpiel, in tensors."""

    name: str = "phantom_tic_tac_toe"
    obstype: Literal["reveal-nothing", "reveal-numturns"] = "reveal-nothing"
    """What a seat is told besides: nothing, or with reveal-numturns how many moves both have made or tried."""

    title: ClassVar[str] = "Phantom tic-tac-toe"
    num_seats: ClassVar[int] = 2
    tallies: ClassVar[tuple[str, ...]] = ("player_1_wins", "player_2_wins", "draws", "illegal")
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {
            "loss": "squared",  # returns are -1 to 1 by chance: Huber's would not learn their mean
            "exploration": "boltzmann",  # which settles near an equilibrium, where epsilon goes round in circles
            "exploration_start": 0.5,
            "exploration_end": 0.1,
            "batch_size": 512,
            "final_learning_rate": 1e-5,
            "rounds_per_chunk": 100,
            "evaluate_every": 6,
            "steps": 10_000_000,
        }
    }
    measures: ClassVar[dict[str, Measure]] = {
        "random": Measure("Wins against random play, from the own seat", short="wins"),
        "mean_return": Measure("Mean return of a game, all of them greedy", "number"),
    }
    return_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def build(self, batch_size: int, seed: int):
        """B games side by side, a `PhantomEnvironment`. Nothing is drawn in it."""
        from imagents.environments.hidden_boards.environment import PhantomEnvironment

        del seed
        return PhantomEnvironment(batch_size, self.obstype == "reveal-numturns")

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Measures the agents of a training, a `Strength`."""
        from imagents.environments.hidden_boards.strength import Strength

        return Strength(self, trainer, seed, episodes)

    def report_text(self, report: dict[str, dict[str, Any]]) -> str:
        """What its strength measured, as people read it."""
        from imagents.environments.hidden_boards.strength import report_text

        return report_text(report)
