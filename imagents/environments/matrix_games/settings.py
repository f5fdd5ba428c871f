"""The face of a matrix game: its settings, what it pays, and what is made of them. `games.py` has the games."""

import dataclasses
import functools
from typing import Any, ClassVar

import numpy as np

from imagents.environments import Face, Measure
from imagents.values import check

ENDLESS_PLAYS = 20  # of an episode that never ends, for measures

_PRESET = {
    "algorithm": "tabular",
    "steps": 20_000,
    "parallel_games": 1,
    "rounds_per_chunk": 2_000,  # a play, or a new game: 20 rows of one-shot games
    "evaluate_every": 1,
    "snapshots": 4,
    "exploration_start": 1.0,
    "exploration_end": 0.01,
}
COMMON_PRESET = _PRESET | {"steps": 5_000, "rounds_per_chunk": 500, "exploration_decay": 0.999}


def measures_of(
    actions: tuple[str, ...], *, common: bool = False, cooperative: bool = False, chance: float | None = None
) -> dict[str, Measure]:
    """What is measured in a game.

    Args:
      actions: their names.
      common: whether all are paid the same; then the best joint action is what counts.
      cooperative: whether the first action is a cooperative one.
      chance: how often random play hits on a best joint action; None if that depends on settings, or if every joint
        action is as good as any, as where one wins what the other loses.
    """
    found = {
        "mean_return": Measure("Mean return of an episode, all of them greedy", "number", short="greedy return"),
        "optimal_joint_share": Measure("Best joint actions", "share", chance, short="best"),
        "cooperation_rate": Measure("Cooperation", "share", 0.5, short="cooperation", less_is_better=None),
        "best_response_gain": Measure("Gain of a best response, per play", "number", short="gain", less_is_better=True),
        "nash_conv": Measure("NashConv: the gains of all, per play", "number", short="NashConv", less_is_better=True),
    }
    if common:
        found = {"optimal_joint_share": found["optimal_joint_share"]} | found
    if not cooperative:
        del found["cooperation_rate"]
    return found | {
        f"plays_{name}": Measure("What they play as they explore", "share", case=name, less_is_better=None)
        for name in actions
    }


@dataclasses.dataclass(frozen=True)
class MatrixGame(Face):
    """A game in which everybody acts at once, and the joint action says what each is paid."""

    episode_length: int = 1
    """Plays in an episode: 1 ends after its play, n more are cut off after the n-th, and 0 never ends."""
    observe_actions: bool = False
    """Whether agents see the last joint action; else they see nothing."""

    free: ClassVar[dict[str, tuple]] = {"episode_length": (0, 1)}
    actions: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[tuple] = ()
    """What is paid for a joint action of two: to both, or to each; several tables are drawn from, one for each play."""
    num_seats: ClassVar[int] = 2
    presets: ClassVar[dict[str, dict[str, Any]]] = {"default": _PRESET}

    def __post_init__(self):
        length = self.episode_length
        check("episode_length", length >= 0, length, "1 or more plays, or 0 for an episode that never ends")

    @functools.cached_property
    def payoffs(self) -> np.ndarray:
        """What each seat is paid, float64 `[outcomes, A, ..., A, N]`; each outcome is as likely as any."""
        tables = np.array(self.tables, float)
        return tables if tables.ndim == 4 else np.repeat(tables[..., np.newaxis], 2, axis=-1)

    @property
    def plays(self) -> int:
        """How many plays its measures look at."""
        return self.episode_length or ENDLESS_PLAYS

    @property
    def return_range(self) -> tuple[float, float] | None:
        """The least and the greatest return of an episode."""
        ends = float(self.payoffs.min()), float(self.payoffs.max())
        return tuple(self.episode_length * end for end in ends) if self.episode_length else None

    def build(self, batch_size: int, seed: int):
        """B games side by side, a `MatrixGameEnvironment`."""
        from imagents.environments.matrix_games.environment import MatrixGameEnvironment

        settings = {"episode_length": self.episode_length, "observe_actions": self.observe_actions, "seed": seed}
        return MatrixGameEnvironment(self.payoffs, batch_size, action_names=self.actions, **settings)

    def players(self) -> dict:
        """Makers of the players that know the last joint action, by the name that people write."""
        from imagents.environments.matrix_games.players import MAKERS

        return MAKERS

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Measures the players of a training together, exactly: a `Strength`. Nothing is drawn for it, nor played."""
        from imagents.environments.matrix_games.strength import Strength

        del seed
        return Strength(self, trainer.players, trains=episodes is None)

    def report_text(self, report: dict[str, dict[str, Any]]) -> str:
        """What its strength measured, as people read it."""
        from imagents.environments.matrix_games.strength import report_text

        return report_text(report)

    def figures(self) -> dict:
        """The way of two players' policies over the replicator field of what they are paid."""
        from imagents.environments.matrix_games.figures import policy_path

        drawn = self.num_seats == 2 and len(self.actions) in (2, 3)
        return {"policy_path": functools.partial(policy_path, self)} if drawn else {}
