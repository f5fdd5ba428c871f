"""The faces of grid worlds: their settings, and what is made of them."""

import dataclasses
from typing import Any, ClassVar, Literal

from imagents.environments import Face, Measure
from imagents.values import check


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
            "discount": 0.9,  # with more, cells side by side are worth too much alike, and the greedy walk in circles
            "target_update_period": 200,
            "hysteretic": 0.25,  # that the other one was not there yet is no reason to give up a food
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
        "ppo": {
            "algorithm": "ppo",
            "hidden_layers": (192, 192),
            "discount": 0.98,
            "learning_rate": 5e-4,
            "final_learning_rate": 1e-6,
            "rollout_length": 64,
            "minibatches": 8,
            "entropy": 0.01,
            "parallel_games": 64,
            "rounds_per_chunk": 512,
            "evaluate_every": 4,
            "steps": 2_000_000,
        },
    }
    keeps_best: ClassVar[bool] = True  # summed over all, a return is the share of the food that they take together
    return_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    pays_food: ClassVar[bool] = True
    idle_action: ClassVar[int | None] = 0

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

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Plays greedy episodes: many, as the best checkpoints take nearly all the food, and no time."""
        return super().strength(trainer, seed, episodes or 1000)


_DEEP_SEA = {
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
}
_CURIOUS = _DEEP_SEA | {  # random moves leave little of 50 right steps in a row, and motivations look around themselves
    "exploration_start": 0.0, "epsilon_min": 0.01, "epsilon_max": 0.01, "replay_length": 2500,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class DeepSea(Face):
    """Deep sea: a treasure that only one way down leads to. As in bsuite, in tensors."""

    name: str = "deep_sea"
    size: int = 20
    """Rows and columns of the sea, and steps of an episode; at least 2."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": _DEEP_SEA,
        "counts": _CURIOUS | {"motivation": "counts:0.1", "counts_optimism": 1.0},
        "rnd": _CURIOUS | {"motivation": "rnd:0.5"},
    }
    return_range: ClassVar[tuple[float, float]] = (-0.01, 1.0)

    def __post_init__(self):
        check("size", self.size >= 2, self.size, "at least 2 is needed")

    def build(self, batch_size: int, seed: int):
        """B seas side by side, a `DeepSeaEnvironment`. Nothing is drawn in it."""
        from imagents.environments.grid_worlds.deep_sea import DeepSeaEnvironment

        del seed
        return DeepSeaEnvironment(batch_size, self.size)

    def dynamics(self):
        """Where actions lead, from cell to cell and to the end."""
        from imagents.environments.grid_worlds.deep_sea import dynamics

        return dynamics(self.size)

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Plays greedy episodes, and says in which one of a training the sea was solved."""
        from imagents.environments.grid_worlds.deep_sea import Strength

        del seed
        environment, xla = self.build(trainer.environment.batch_size, 0), trainer.execution == "xla"
        solved = trainer.environment.solved_episode if episodes is None else None
        return Strength(environment, trainer.players, episodes, xla, solved)


_ROOMS = {
    "algorithm": "double_dqn",
    "hidden_layers": (256, 128),
    "discount": 0.95,  # a reward falls with the time, which nobody sees: with .98 detours are worth nearly as much
    "learning_rate": 5e-4,
    "final_learning_rate": 1e-5,
    "exploration_start": 1.0,
    "epsilon_min": 0.001,  # so that some copies come to know where a greedy agent turns in circles
    "epsilon_max": 0.3,
    "batch_size": 256,
    "train_steps_per_round": 2,
    "replay_length": 3000,
    "parallel_games": 64,
    "rounds_per_chunk": 250,
    "evaluate_every": 8,
    "steps": 1_500_000,
}
_CURIOUS_ROOMS = {  # on-policy, as nothing that was paid for being new is so any more when it is learned from again
    "algorithm": "ppo",
    "motivation": "episodic_counts:0.001,counts:0.005",
    "discount": 0.99,
    "learning_rate": 5e-4,
    "rollout_length": 128,
    "minibatches": 8,
    "entropy": 0.01,
    "parallel_games": 64,
    "rounds_per_chunk": 256,
    "evaluate_every": 8,
    "steps": 1_000_000,
}
_TWO_ROOMS = {"rooms": 2, "room_size": 4, "discount": 0.9, "steps": 1_000_000}


@dataclasses.dataclass(frozen=True)
class Rooms(Face):
    """Rooms: a way to a goal through doors that the agent opens. As in MiniGrid, in tensors."""

    name: str = "rooms"
    layout: Literal["door_key", "multi_room"] = "door_key"
    """door_key, two rooms with a locked door between them, and its key in the first; multi_room, rooms one after the
    other, each behind a closed door."""
    size: int = 8
    """With door_key: rows and columns of the world, 5 to 32."""
    rooms: int = 4
    """With multi_room: how many, 2 to 12."""
    room_size: int = 5
    """With multi_room: the most rows and columns of a room, with its walls; 4 to 10."""
    limit: int = 0
    """Steps of an episode; 0: as in MiniGrid, 10 x size x size with door_key, 20 x rooms with multi_room."""
    noise: bool = False
    """Whether two walls of the first room are a screen, each cell of which takes a random colour in every step."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": _ROOMS,
        "door_key_5x5": _ROOMS | {"size": 5, "steps": 400_000},
        "door_key_8x8": _ROOMS | {"size": 8},
        "multi_room_n2_s4": _ROOMS | _TWO_ROOMS | {"layout": "multi_room"},
        "multi_room_n4_s5": _ROOMS | {"layout": "multi_room", "rooms": 4, "room_size": 5},
        "multi_room_n6": _ROOMS | {"layout": "multi_room", "rooms": 6, "room_size": 10},
        "curious": _CURIOUS_ROOMS | {"layout": "multi_room"},
    }
    measures: ClassVar[dict[str, Measure]] = {
        "mean_return": Measure("Mean return of a greedy episode", "number", short="greedy return"),
        "optimal_return": Measure(
            "Mean return of a greedy episode", "number", case="the shortest way", less_is_better=None
        ),
        "solved_share": Measure("Share of episodes that reach the goal", short="solved"),
    }
    tallies: ClassVar[tuple[str, ...]] = ("solved", "doors", "screen")
    keeps_best: ClassVar[bool] = True
    return_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    pays_food: ClassVar[bool] = True
    idle_action: ClassVar[int | None] = 6  # done

    def __post_init__(self):
        for name, least, most in (("size", 5, 32), ("rooms", 2, 12), ("room_size", 4, 10)):
            value = getattr(self, name)
            check(name, least <= value <= most, value, f"{least} to {most} is needed")
        check("limit", self.limit >= 0, self.limit, "a number of steps is needed, or 0 for MiniGrid's")

    def build(self, batch_size: int, seed: int):
        """B worlds side by side, a `RoomsEnvironment`."""
        from imagents.environments.grid_worlds.rooms.environment import RoomsEnvironment

        settings = {name: getattr(self, name) for name in ("size", "rooms", "room_size", "limit", "noise")}
        return RoomsEnvironment(batch_size, self.layout, **settings, seed=seed)

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Plays greedy episodes, and says what their levels could have paid."""
        from imagents.environments.grid_worlds.rooms.strength import Strength

        environment, xla = self.build(trainer.environment.batch_size, seed), trainer.execution == "xla"
        return Strength(environment, trainer.players, episodes or 100, xla)

    def report_text(self, report: dict[str, dict[str, Any]]) -> str:
        from imagents.environments.grid_worlds.rooms.strength import Strength

        return Strength.text(report)
