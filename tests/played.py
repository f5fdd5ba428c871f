"""Episodes that `lbforaging` 2.0.0 and `bsuite` 0.3.6 play, as arrays; without TensorFlow or imagents.

    python tests/played.py

writes 2,000 steps of each to tests/data/foraging.npz and tests/data/deep_sea.npz, in an environment that has both.
"""

import dataclasses
import pathlib

import numpy as np

LIMIT = 50  # steps of an episode
STAY, UP, DOWN, LEFT, RIGHT, LOAD = range(6)


@dataclasses.dataclass(frozen=True)
class World:
    """Settings of a world, as `ForagingEnvironment` calls them."""

    size: int
    num_agents: int
    num_foods: int
    cooperative: bool
    sight: int


WORLDS = [
    World(5, 3, 1, False, 5), World(5, 6, 2, True, 2), World(6, 4, 2, False, 1), World(6, 6, 3, False, 3),
    World(7, 2, 2, True, 7), World(7, 5, 3, True, 2), World(8, 2, 2, False, 2), World(8, 2, 2, True, 8),
    World(9, 4, 4, False, 4), World(10, 3, 3, False, 10),
]  # fmt: skip


def make(world: World):
    """The package's world, fresh: positions of an earlier episode leak into the next one's level."""
    from lbforaging.foraging import ForagingEnv

    return ForagingEnv(
        players=world.num_agents, min_player_level=1, max_player_level=2, min_food_level=1, max_food_level=None,
        field_size=(world.size, world.size), max_num_food=world.num_foods, sight=world.sight, max_episode_steps=LIMIT,
        force_coop=world.cooperative,
    )  # fmt: skip


def level(package) -> dict[str, np.ndarray]:
    """What is where: the players' cells and levels, and the foods' levels on the cells of the field."""
    size = package.rows
    return {
        "players": np.array([p.position[0] * size + p.position[1] for p in package.players]),
        "player_levels": np.array([p.level for p in package.players]),
        "field": np.array(package.field).reshape(-1),
    }


def grids(package) -> np.ndarray:
    """What the package shows as grids, `[N, 3, W, W]`, which its own spaces no longer hold."""

    class Anything:
        def contains(self, x):
            return True

    kept = package.observation_space
    package._grid_observation, package.observation_space = True, [Anything()] * package.n_agents
    found = np.stack(package.test_make_gym_obs())
    package._grid_observation, package.observation_space = False, kept
    return found


def knowing(package, rng: np.random.Generator) -> list[int]:
    """Everybody goes to one food, and loads there; one in ten does anything."""
    foods = np.argwhere(package.field > 0)
    actions = []
    for player in package.players:
        row, column = foods[0] - player.position
        if abs(row) + abs(column) == 1:
            actions.append(LOAD)
        elif abs(row) > 1 or (abs(row) and rng.random() < 0.5):
            actions.append(DOWN if row > 0 else UP)
        else:
            actions.append(RIGHT if column > 0 else LEFT)
    return [action if rng.random() < 0.9 else int(rng.integers(6)) for action in actions]


def episode(world: World, seed: int) -> dict[str, np.ndarray]:
    """An episode of so many steps T as it has; every second one is played at random.

    Of its first level and of that after each step, `[T + 1, ...]`: what `level` says, `vector` and `window`, what all
    are shown; of each step, `[T, ...]`: `actions`, `rewards`, `is_over`.
    """
    package, rng = make(world), np.random.default_rng(seed)
    vector, _ = package.reset(seed=seed)
    shown = [level(package) | {"vector": np.stack(vector), "window": grids(package)}]
    steps, is_over = [], False
    while not is_over:
        actions = rng.integers(6, size=world.num_agents).tolist() if seed % 2 else knowing(package, rng)
        vector, rewards, is_over, truncated, _ = package.step(actions)
        assert not truncated
        shown.append(level(package) | {"vector": np.stack(vector), "window": grids(package)})
        steps.append({"actions": np.array(actions), "rewards": np.array(rewards), "is_over": np.array(is_over)})
    return {key: np.stack([row[key] for row in rows]) for rows in (shown, steps) for key in rows[0]}


def episodes(world: World, steps: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Episodes with at least so many steps together."""
    played, count = [], 0
    while count < steps:
        played.append(episode(world, seed + len(played)))
        count += len(played[-1]["actions"])
    return played


def dives(size: int, number: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Episodes in bsuite's deep sea: half at random, half to the right with a slip or none.

    `actions`, `rewards`: `[episodes, N]`; `cells`: `[episodes, N + 1]`, where the diver is seen, -1 for nowhere;
    `bad`: `[episodes]`, how many were bad so far.
    """
    from bsuite.environments.deep_sea import DeepSea

    sea, rng, found = DeepSea(size, mapping_seed=42), np.random.default_rng(seed), []
    for i in range(number):
        wanted = rng.random(size) < 0.5 if i % 2 else np.arange(size) != rng.integers(2 * size)  # to the right
        rows = {"actions": [], "rewards": [], "cells": [_cell(sea.reset())]}
        for goes_right in wanted:
            right = sea._action_mapping[sea._row, sea._column]
            action = int(right if goes_right else 1 - right)
            step = sea.step(action)
            for key, value in (("actions", action), ("rewards", step.reward), ("cells", _cell(step))):
                rows[key].append(value)
        assert step.last() and step.discount == 0
        found.append(rows | {"bad": sea.bsuite_info()["total_bad_episodes"]})
    return {key: np.array([rows[key] for rows in found]) for key in found[0]}


def _cell(step) -> int:
    return int(step.observation.argmax()) if step.observation.any() else -1


def write(folder: pathlib.Path) -> None:
    kept = {}
    for i, world in enumerate(WORLDS):
        for j, played in enumerate(episodes(world, 200)):
            small = {key: x.astype(np.int8) for key, x in played.items() if key != "rewards"}
            small["rewards"] = played["rewards"]
            kept |= {f"{i}/{j}/{key}": x for key, x in small.items()}
    np.savez_compressed(folder / "foraging.npz", **kept)
    np.savez_compressed(folder / "deep_sea.npz", **{f"{size}/{key}": x for size, number in ((10, 100), (20, 50))
                                                   for key, x in dives(size, number).items()})  # fmt: skip


if __name__ == "__main__":
    write(pathlib.Path(__file__).with_name("data"))
