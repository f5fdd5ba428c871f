"""The face of connect four."""

import dataclasses
import functools
from typing import Any, ClassVar

from imagents.environments import Measure
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.settings import BoardSettings

_PRESET = {
    "algorithm": "c51",
    "features": "lines",
    "symmetry": "mirror",
    "discount": 0.99,
    "final_learning_rate": 1e-5,
    "epsilon_min": 0.02,  # little: what an opponent does at random is noise in what a move is worth
    "epsilon_max": 0.2,
    "opening_plies": 20,  # so these bring up positions that good play never reaches
    "rounds_per_chunk": 50,  # which take about a second, so that a training that is told to stop does so soon
    "evaluate_every": 40,
}


@dataclasses.dataclass(frozen=True)
class ConnectFour(BoardSettings):
    """Connect four: four in a row, six rows, seven columns. Agents are measured in positions with known values."""

    name: str = "connect_four"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": _PRESET | {"hidden_layers": (1024, 512), "minutes": 60.0},
        "quick": _PRESET | {"hidden_layers": (512, 256), "minutes": 10.0},
        "strong": _PRESET | {"hidden_layers": (1024, 512), "minutes": 120.0},
    }
    measures: ClassVar[dict[str, Measure]] = {
        "good": Measure("Moves that keep the game's value", short="good"),
        "perfect": Measure("Perfect moves"),
    } | BoardSettings.measures
    opponents: ClassVar[tuple[str, ...]] = ("random", "heuristic", "minimax:4")
    slow_opponents: ClassVar[tuple[str, ...]] = ("perfect",)
    scorer_extra: ClassVar[str] = "solver"

    @functools.cached_property
    def grid(self) -> Grid:
        return Grid(self.name, rows=6, columns=7, k=4, gravity=True)

    def judge(self):
        from imagents.environments.boards.connect_four import judge

        return judge

    def scorer(self, apart: bool = False):
        from imagents.environments.boards.connect_four import solver

        return solver.find(apart)

    def players(self) -> dict:
        from imagents.environments.boards.connect_four.perfect import PLAYERS

        return super().players() | PLAYERS
