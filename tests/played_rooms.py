"""Episodes that `minigrid` 3.2.0 plays in DoorKey and MultiRoom, as arrays; without TensorFlow or imagents.

    python tests/played_rooms.py

writes 2,000 steps, and the shortest ways of some levels, to tests/data/rooms.npz, in an environment that has it.
"""

import collections
import dataclasses
import pathlib

import numpy as np

LEFT, RIGHT, FORWARD, PICK_UP, DROP, TOGGLE, DONE = range(7)
STEP = [(1, 0), (0, 1), (-1, 0), (0, -1)]  # columns and rows, by direction


@dataclasses.dataclass(frozen=True)
class World:
    """Settings of a world, as `RoomsEnvironment` calls them."""

    layout: str
    size: int = 8
    rooms: int = 4
    room_size: int = 5


WORLDS = [
    World("door_key", 5), World("door_key", 8), World("door_key", 7), World("multi_room", rooms=2, room_size=4),
    World("multi_room", rooms=4, room_size=5), World("multi_room", rooms=6, room_size=10),
]  # fmt: skip
SOLVED = [World("door_key", 5)] * 6 + [World("door_key", 6)] * 2 + [World("multi_room", rooms=2, room_size=4)] * 6


def make(world: World):
    from minigrid.envs import DoorKeyEnv, MultiRoomEnv

    if world.layout == "door_key":
        return DoorKeyEnv(size=world.size)
    return MultiRoomEnv(minNumRooms=world.rooms, maxNumRooms=world.rooms, maxRoomSize=world.room_size)


def shown(package, observation) -> dict[str, np.ndarray]:
    """The whole state, and what the package shows: arrays of its own kind, columns first."""
    return {
        "grid": package.grid.encode(),
        "agent": np.array(package.agent_pos),
        "has_key": np.array(package.carrying is not None),
        "image": observation["image"],
        "direction": np.array(observation["direction"]),
    }


def way(package, target: tuple[int, int]) -> int | None:
    """The action that leads on to where a target is right ahead, None if it is; keys and closed doors are in no way."""
    start = (*map(int, package.agent_pos), int(package.agent_dir))
    queue, first = collections.deque([start]), {start: None}
    while queue:
        x, y, looks = state = queue.popleft()
        ahead = x + STEP[looks][0], y + STEP[looks][1]
        if ahead == target:
            return first[state]
        cell = package.grid.get(*ahead)
        following = {LEFT: (x, y, (looks - 1) % 4), RIGHT: (x, y, (looks + 1) % 4)}
        if cell is None or cell.can_overlap():
            following[FORWARD] = (*ahead, looks)
        elif cell.type == "key" or (cell.type == "door" and not cell.is_locked):
            following[PICK_UP if cell.type == "key" else TOGGLE] = (*ahead, looks)
        for action, state_after in following.items():
            if state_after not in first:
                first[state_after] = action if first[state] is None else first[state]
                queue.append(state_after)
    raise AssertionError("there is no way")


def knowing(package, rng: np.random.Generator) -> int:
    """Goes to the key, to the locked door and to the goal; one in ten of its actions is any, and it forgets the key now
    and then."""
    if rng.random() < 0.1:
        return int(rng.integers(7))
    at = {(cell.type, getattr(cell, "is_locked", False)): (i % package.width, i // package.width)
          for i, cell in enumerate(package.grid.grid) if cell is not None}  # fmt: skip
    key, lock, goal = at.get(("key", False)), at.get(("door", True)), at["goal", False]
    forgets = lock and package.step_count % 40 < 10
    target, then = (key, PICK_UP) if key and not forgets else (lock, TOGGLE) if lock else (goal, FORWARD)
    action = way(package, target)
    return then if action is None else action


def episode(world: World, seed: int, plays) -> dict[str, np.ndarray]:
    """An episode of so many steps T as it has.

    Of its first state and of that after each step, `[T + 1, ...]`: what `shown` says; of each step, `[T]`: `actions`,
    `rewards`, `terminated`, `truncated`.
    """
    package, rng = make(world), np.random.default_rng(seed)
    states, steps = [shown(package, package.reset(seed=seed)[0])], []
    while not steps or not (steps[-1]["terminated"] or steps[-1]["truncated"]):
        action = plays(package, rng)
        observation, reward, terminated, truncated, _ = package.step(action)
        states.append(shown(package, observation))
        steps.append({"actions": action, "rewards": reward, "terminated": terminated, "truncated": truncated})
    return {key: np.stack([row[key] for row in rows]) for rows in (states, steps) for key in rows[0]}


def episodes(world: World, steps: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Episodes with at least so many steps together, half of these at random, half by who knows where to go."""
    played, counts = [], [0, 0]
    while min(counts) < steps / 2:
        kind = int(np.argmin(counts))
        plays = knowing if kind else lambda package, rng: int(rng.integers(7))
        played.append(episode(world, seed + len(played), plays))
        counts[kind] += len(played[-1]["actions"])
    return played


def first_level(world: World, seed: int) -> dict[str, np.ndarray]:
    package = make(world)
    return shown(package, package.reset(seed=seed)[0])


def shortest(world: World, seed: int) -> int:
    """How many steps there are to the goal at the least: all actions are tried in all states that can be reached."""
    from minigrid.core.grid import Grid
    from minigrid.core.world_object import Key

    package = make(world)
    package.reset(seed=seed)
    package.gen_obs = lambda: None  # which takes most of the time

    def state():
        return package.grid.encode().tobytes(), *map(int, package.agent_pos), package.agent_dir, bool(package.carrying)

    found, shape = {state(): 0}, package.grid.encode().shape
    queue = collections.deque(found)
    while queue:
        before = queue.popleft()
        for action in range(DONE):
            cells, x, y, looks, has_key = before
            package.grid, _ = Grid.decode(np.frombuffer(cells, np.uint8).reshape(shape))
            package.agent_pos, package.agent_dir, package.carrying = (x, y), looks, Key("yellow") if has_key else None
            package.step_count = 0
            if package.step(action)[2]:
                return found[before] + 1
            if (after := state()) not in found:
                found[after] = found[before] + 1
                queue.append(after)
    raise AssertionError("the goal cannot be reached")


def write(file: pathlib.Path) -> None:
    kept = {}
    for i, world in enumerate(WORLDS):
        for j, played in enumerate(episodes(world, 334)):
            kept |= {f"{i}/{j}/{key}": x if key == "rewards" else x.astype(np.uint8) for key, x in played.items()}
    for i, world in enumerate(SOLVED):
        kept |= {f"solved/{i}/{key}": x for key, x in first_level(world, i).items()}
        kept[f"solved/{i}/steps"] = np.array(shortest(world, i))
    np.savez_compressed(file, **kept)


if __name__ == "__main__":
    write(pathlib.Path(__file__).with_name("data") / "rooms.npz")
