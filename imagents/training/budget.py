"""How long a training trains, what it has spent of that, and what depends on it. Needs no TensorFlow."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from imagents.config import TrainConfig
from imagents.settings import ActorCritic, Learning


@dataclasses.dataclass(frozen=True)
class Budget:
    """A number of steps, minutes of training, or both: it is spent when one of them is."""

    steps: int | None
    minutes: float | None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Budget":
        """The one among settings."""
        return cls(settings.get("steps"), settings.get("minutes"))

    def spent(self, steps: int, seconds: float) -> float:
        """How much of it is spent after so much training, 0 to 1."""
        fractions = [0.0]
        if self.steps is not None:
            fractions.append(steps / self.steps)
        if self.minutes is not None:
            fractions.append(seconds / (60 * self.minutes))
        return min(1.0, max(fractions))

    def rounds_ahead(self, trainer, rounds_per_chunk: int) -> int:
        """The rounds of the next chunk: those that make it whole, or in the end those that the steps left take.

        What would be left for a chunk of less than half the length is added to the one before.

        Args:
          trainer: the `Trainer`.
          rounds_per_chunk: rounds of a whole chunk.
        """
        rounds, steps = int(trainer.rounds), int(trainer.steps)
        ahead = rounds_per_chunk - rounds % rounds_per_chunk
        if self.steps is None:
            return ahead
        if not steps:  # only the most that a round can have is known
            return min(ahead, math.ceil(self.steps / trainer.most_steps_per_round))
        left = (self.steps - steps) * rounds / steps
        if steps % rounds and rounds % steps:  # rounds differ, and this is an estimate
            left *= 1.01
        return math.ceil(left) if left < ahead + rounds_per_chunk / 2 else ahead

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return " and ".join(f"{name} = {value}" for name, value in self.to_dict().items() if value is not None)


def learning_rate(algorithm: Learning | ActorCritic, spent: float) -> float:
    """What it is once such a share of the budget is spent, over which it falls linearly."""
    start, end = algorithm.learning_rate, algorithm.final_learning_rate
    return start + (end - start) * spent


def told_rate(config: TrainConfig, kept: float, new: float, is_new: bool) -> str:
    """What becomes of the learning rate under another budget.

    Args:
      config: the settings.
      kept, new: the share that is spent of the budget that was, and of the present one.
      is_new: whether it follows the present one.
    """
    if config.training.agents:
        return "agents of your own have the learning rates that they were made with"
    kept, new = (learning_rate(config.algorithm, spent) for spent in (kept, new))
    if is_new:
        return f"the learning rate begins at {new:.3g}, and falls over this budget"
    other = f"--schedule new: at {new:.3g}, falling over this budget"
    return f"the learning rate goes on at {kept:.3g}, as it would have ({other})"


def follow_schedules(config: TrainConfig, agents: Sequence, spent: float) -> None:
    """Gives `IMAgent`s the learning rate and the exploration that they have once so much of the budget is spent."""
    if config.training.agents:
        return  # somebody's own have schedules of their own
    for agent in agents:
        agent.optimizer.learning_rate.assign(learning_rate(config.algorithm_of(agent.name), spent))
        agent.exploration.note_budget(spent)
