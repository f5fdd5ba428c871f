"""Worlds to live in: a file or a folder each, with everything about it inside.

An environment's face is a frozen dataclass that imports no TensorFlow, derived from `Face`: its fields are its
settings, each a flag of the command line with a sentence. `imagents.config.ENVIRONMENTS` names it; nobody else does.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from imagents.errors import InputError


@dataclasses.dataclass(frozen=True)
class Measure:
    """A figure of how good an agent is.

    Attributes:
      title: of its panel; measures of one title share a panel.
      kind: a share of 0 to 1, a count of things that should not be, or any other number.
      chance: what random play scores; None if that says nothing.
      short: what a progress bar calls it; "" keeps it out of there.
      case: what tells it from the others of its panel, such as "moving first".
      less_is_better: whether an agent that has less of it is a better one, as of whatever is counted; None if it
        is neither better nor worse.
    """

    title: str
    kind: Literal["share", "count", "number"] = "share"
    chance: float | None = None
    short: str = ""
    case: str = ""
    less_is_better: bool | None = False


@dataclasses.dataclass(frozen=True)
class Face:
    """What an environment says of itself, and makes; what is here suits any environment that can be built.

    Attributes:
      name: what it is called in a config.
      num_seats: how many live in it.
      tallies: what a training counts of the episodes that end.
      presets: by name, what each changes in the settings of a whole training.
      measures: by name, how good an agent is. The first is what a run's best checkpoint has most of, if it
        `keeps_best`: if it means the same at all times, whoever the others are by then.
      opponents: whom an evaluation lets its agents meet in matches; slow_opponents: the same, in few games.
      return_range: the least and the greatest return of an episode; None if it does not say.
      free: settings whose values share a compiled program, see `imagents.settings.Free`.
      pays_food: whether what it pays an agent feeds it: a reward of 1 is all that it can eat.
      idle_action: the action that does nothing; None if there is none.
      requires: packages, as pip has them, that it needs beside those of imagents and TensorFlow.
    """

    name: str

    num_seats: ClassVar[int] = 1
    tallies: ClassVar[tuple[str, ...]] = ()
    presets: ClassVar[dict[str, dict[str, Any]]] = {"default": {"minutes": 10.0}}
    measures: ClassVar[dict[str, Measure]] = {
        "mean_return": Measure("Mean return of an episode, all of them greedy", "number", short="greedy return")
    }
    keeps_best: ClassVar[bool] = False
    opponents: ClassVar[tuple[str, ...]] = ()
    slow_opponents: ClassVar[tuple[str, ...]] = ()
    return_range: ClassVar[tuple[float, float] | None] = None
    free: ClassVar[dict[str, tuple]] = {}
    pays_food: ClassVar[bool] = False
    idle_action: ClassVar[int | None] = None
    requires: ClassVar[tuple[str, ...]] = ()

    @property
    def title(self) -> str:
        """Its name, as people write it."""
        return self.name.replace("_", " ").capitalize()

    def check(self, algorithm) -> None:
        """Raises an InputError for settings of an algorithm that do not fit."""
        if algorithm.name == "c51" and self.return_range is None:
            raise InputError(f"algorithm = 'c51': {self.name} does not say what an episode returns: choose another one")

    def build(self, batch_size: int, seed: int):
        """B copies side by side, a `TFEnvironment` that keeps to `imagents.seats`."""
        raise NotImplementedError

    def policy(self, asked: str | None = None) -> str:
        """How agents play that do not explore, "greedy" or "sampled": as asked, or as suits it if that is None.

        Raises:
          InputError: if it is neither.
        """
        from imagents.seats import check_policy, close, default_policy

        if asked is None and self.num_seats > 1:
            environment = self.build(1, 0)
            asked = default_policy(environment)
            close(environment)
        check_policy(asked or "greedy")
        return asked or "greedy"

    def network(self) -> dict[str, Any]:
        """Arguments of a `QNetwork` that know this environment."""
        return {}

    def players(self) -> dict:
        """Makers of the players that know it, by the name that people write."""
        return {}

    def memory(self, seat: int, batch_size: int):
        """Knows in which copies an episode has begun since a player last acted, an `EpisodeMemory`."""
        from imagents.players.base import EpisodeMemory

        del seat
        return EpisodeMemory(batch_size)

    def dynamics(self):
        """Where actions lead, an `imagents.motivation.Dynamics`; None if nobody knows, or in too many states."""
        return None

    exchange_seats = None
    """What a time step looks like from the other seat, a function of it; None if agents play their own seat only."""

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Measures the agents of a training again and again.

        Its `report()` gives what it measured, by agent, as plain values for JSON; `text(report)` says it in 80 columns.
        If it has `note_chunk()`, that is called after every chunk, and what it notes in the variables of its `record`,
        a `tf.Module`, an evaluation finds in the run's checkpoint. If it has `files()`, the texts that this gives by
        name are kept in the run folder at the end.

        Args:
          trainer: the training, a `Trainer`, or whatever has its `environment`, `players` and `agents`.
          seed: of whatever is drawn for it.
          episodes: to play at least, where all play together; None while they train.
        """
        from imagents.evaluation.returns import Returns

        environment, xla = self.build(trainer.environment.batch_size, seed), trainer.execution == "xla"
        return Returns(environment, trainer.players, episodes or 100, xla)

    def report_text(self, report: dict[str, dict[str, Any]]) -> str:
        """What a strength measured where all play together, as people read it in 80 columns."""
        from imagents.evaluation.returns import returns_text

        return returns_text(report)

    def figures(self) -> dict[str, Callable]:
        """Figures of its own, by name: functions that draw one of a run folder, or return None where there is none."""
        return {}

    def judge(self):
        """What knows exactly how good an agent is: `assess`, `summary` and `report_lines`; None if nobody does."""
        return None

    def arena(self, num_games: int = 1000, seed: int = 0):
        """Where players meet in matches; None if there are none."""
        del num_games, seed
        return None

    def serving(self, seat: int):
        """What an exported agent takes and what it makes of that."""
        from imagents.export.views import ViewInputs

        return ViewInputs(self.build(1, 0), seat, dataclasses.asdict(self))
