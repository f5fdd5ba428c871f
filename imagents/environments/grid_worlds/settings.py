"""The faces of grid worlds: their settings, and what is made of them."""

import dataclasses
from typing import Any, ClassVar, Literal

from imagents.environments import Face
from imagents.settings import check


@dataclasses.dataclass(frozen=True)
class Foraging(Face):
    """Foraging: players take foods, if need be several together. As in lbforaging, in tensors."""

    name: str = "foraging"
    size: int = 8
    """Rows and columns of the world, at least 5."""
    num_agents: int = 2
    """How many play; fewer than the world has inner cells."""
    num_foods: int = 2
    """How many foods there are; fewer where there is no room, as no cell is beside two of them."""
    cooperative: bool = False
    """Whether every food takes the three weakest players together, or all if there are fewer; else anything from 1 to
    that."""
    sight: int = 0
    """How many cells away a player sees, in rows and in columns; 0 is everything."""
    view: Literal["relative", "vector", "window"] = "relative"
    """How a player sees it: relative, how far away everything is; vector, lbforaging's list of what is in sight;
    window, a grid around the player."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {
            "algorithm": "double_dqn",
            "hidden_layers": (192, 192),
            "discount": 0.98,
            "learning_rate": 5e-4,
            "final_learning_rate": 1e-6,
            "epsilon_min": 0.01,
            "epsilon_max": 0.3,
            "batch_size": 512,
            "train_steps_per_round": 4,
            "replay_length": 3000,
            "parallel_games": 64,
            "rounds_per_chunk": 250,
            "evaluate_every": 4,
            "steps": 2_000_000,
        },
    }
    keeps_best: ClassVar[bool] = True  # summed over all, a return is the share of the food that they take together
    return_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __post_init__(self):
        check("size", self.size >= 5, self.size, "at least 5 is needed")
        cells, where = (self.size - 2) ** 2, f"fit with size = {self.size}"  # inner ones; one is left for a food
        check("num_agents", 1 <= self.num_agents < cells, self.num_agents, f"1 to {cells - 1} {where}")
        check("num_foods", 1 <= self.num_foods <= cells, self.num_foods, f"1 to {cells} {where}")
        check("sight", 0 <= self.sight <= self.size, self.sight, f"0 to size = {self.size} is needed")

    @property
    def num_seats(self) -> int:
        return self.num_agents

    def build(self, batch_size: int, seed: int):
        """B worlds side by side, a `ForagingEnvironment`."""
        from imagents.environments.grid_worlds.foraging import ForagingEnvironment

        names = ("size", "num_agents", "num_foods", "cooperative", "view")
        settings = {name: getattr(self, name) for name in names} | {"sight": self.sight or self.size}
        return ForagingEnvironment(batch_size, seed=seed, **settings)


@dataclasses.dataclass(frozen=True)
class DeepSea(Face):
    """Deep sea: a treasure that only one way down leads to. As in bsuite, in tensors."""

    name: str = "deep_sea"
    size: int = 20
    """Rows and columns of the sea, and steps of an episode; at least 2."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {
            "loss": "squared",
            "hidden_layers": (64, 64),
            "discount": 0.99,
            "learning_rate": 1e-3,
            "exploration_start": 1.0,
            "exploration_decay": 0.9995,
            "epsilon_min": 0.05,
            "epsilon_max": 0.05,
            "batch_size": 128,
            "train_steps_per_round": 4,
            "replay_length": 625,
            "parallel_games": 16,
            "rounds_per_chunk": 105,
            "evaluate_every": 5,
            "steps": 200_000,
        },
    }
    return_range: ClassVar[tuple[float, float]] = (-0.01, 1.0)

    def __post_init__(self):
        check("size", self.size >= 2, self.size, "at least 2 is needed")

    def build(self, batch_size: int, seed: int):
        """B seas side by side, a `DeepSeaEnvironment`. Nothing is drawn in it."""
        from imagents.environments.grid_worlds.deep_sea import DeepSeaEnvironment

        del seed
        return DeepSeaEnvironment(batch_size, self.size)

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Plays greedy episodes, and says in which one of a training the sea was solved."""
        from imagents.environments.grid_worlds.deep_sea import Strength

        del seed
        environment, xla = self.build(trainer.environment.batch_size, 0), trainer.execution == "xla"
        solved = trainer.environment.solved_episode if episodes is None else None
        return Strength(environment, trainer.players, episodes, xla, solved)
