"""The face of tic-tac-toe."""

import dataclasses
import functools
from typing import Any, ClassVar

from imagents.environments import Measure
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.settings import BoardSettings

# Budgets are in steps, so that results do not depend on how fast a machine is.
_PRESET = {
    "features": "lines",
    "epsilon_min": 0.05,
    "epsilon_max": 0.5,
    "opening_plies": 8,  # brings up positions that good play never reaches
    "final_learning_rate": 1e-5,
}
_LOSING = "Lines of play that beat the agent"


@dataclasses.dataclass(frozen=True)
class TicTacToe(BoardSettings):
    """Tic-tac-toe: three in a row on three by three cells. Agents are measured exactly, over all 4,520 positions."""

    name: str = "tic_tac_toe"

    title: ClassVar[str] = "Tic-tac-toe"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": _PRESET | {"steps": 16_000_000, "batch_size": 256},
        "perfect": _PRESET | {"steps": 60_000_000},
    }
    measures: ClassVar[dict[str, Measure]] = {
        "optimal": Measure("Optimal moves, over all positions", chance=0.580, short="opt"),
        "losing_first": Measure(_LOSING, "count", case="moving first", less_is_better=True),
        "losing_second": Measure(_LOSING, "count", case="moving second", less_is_better=True),
    }
    opponents: ClassVar[tuple[str, ...]] = ("random", "heuristic", "perfect")

    @functools.cached_property
    def grid(self) -> Grid:
        return Grid(self.name, rows=3, columns=3, k=3, gravity=False)

    def judge(self):
        from imagents.environments.boards.tic_tac_toe import judge

        return judge

    def scorer(self, apart: bool = False):
        from imagents.environments.boards.tic_tac_toe.exact import move_scores

        return move_scores

    def players(self) -> dict:
        from imagents.environments.boards.tic_tac_toe.perfect import PLAYERS

        return super().players() | PLAYERS
