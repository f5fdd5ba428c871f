"""Rooms in tensors do what `minigrid` does, show what it shows, and draw their levels as it does."""

import collections
import dataclasses
import hashlib
import pathlib

import numpy as np
import played_rooms
import pytest
import tensorflow as tf
from chance import chi_square
from played_rooms import DROP, FORWARD, PICK_UP, RIGHT, STEP, TOGGLE, WORLDS, World
from worlds import F, L, M

import imagents
from imagents.config import TrainConfig
from imagents.environments.grid_worlds.rooms import cells
from imagents.environments.grid_worlds.rooms.environment import RoomsEnvironment
from imagents.environments.grid_worlds.rooms.levels import Level, draw_door_key, draw_multi_room
from imagents.environments.grid_worlds.rooms.strength import Strength, shortest
from imagents.environments.grid_worlds.rooms.view import look, planes
from imagents.evaluation.report import evaluate_run
from imagents.randomness import make_generator
from imagents.training.experiment import train

DATA = pathlib.Path(__file__).parents[2] / "data" / "rooms.npz"
SHOWN = ("grid", "agent", "has_key", "image", "direction")
STEPS = ("actions", "rewards", "terminated", "truncated")
PARTS = (slice(-1), slice(1, None))  # before steps, and after them
EVENTS = {
    "turns", "moves", "bumps", "moves against a closed door", "pickups", "pickups of nothing", "drops",
    "drops of nothing", "drops onto something", "toggles of a locked door with a key",
    "toggles of a locked door without a key", "opens", "closes", "done", "goals", "limits",
}  # fmt: skip
UNSEEN, EMPTY, WALL, DOOR, KEY, GOAL = 0, 1, 2, 4, 5, 8  # MiniGrid's objects; a door is open 0, closed 1, locked 2
OBJECTS = {cells.UNSEEN: (UNSEEN, 0), cells.EMPTY: (EMPTY, 0), cells.WALL: (WALL, 0), cells.KEY: (KEY, 0),
           cells.GOAL: (GOAL, 0), cells.OPEN: (DOOR, 0), cells.CLOSED: (DOOR, 1), cells.LOCKED: (DOOR, 2)}  # fmt: skip


def as_cells(array) -> np.ndarray:
    """MiniGrid's object, colour and state of cells, `[..., 3]`, as ours, uint8 `[...]`."""
    kinds = np.zeros([11, 3], np.uint8)
    for kind, (thing, state) in OBJECTS.items():
        kinds[thing, state] = kind
    return cells.coloured(kinds[array[..., 0], array[..., 2]], array[..., 1]).astype(np.uint8)


def as_image(shown) -> np.ndarray:
    """What we show, bool `[..., 13]`, as MiniGrid's object, colour and state."""
    shown = np.asarray(shown)
    kind, colour = shown[..., :7] @ np.arange(1, 8), shown[..., 7:] @ np.arange(6)
    assert (shown[..., :7].sum(axis=-1) <= 1).all() and (shown[..., 7:].sum(axis=-1) == (kind > cells.EMPTY)).all()
    table = np.array([OBJECTS[kind] for kind in range(8)])
    return np.stack([table[kind, 0], colour, table[kind, 1]], axis=-1)


def level_of(shown: dict) -> Level:
    """Levels of the package's kind, `[B, ...]`, as ours."""
    grid = as_cells(np.swapaxes(shown["grid"], 1, 2))
    agent = shown["agent"] @ np.array([1, grid.shape[2]])
    return Level(tf.constant(grid), tf.constant(agent, tf.int32), tf.constant(shown["direction"], tf.int32))


def begin(environment: RoomsEnvironment, level: Level, has_key=False, steps=0) -> RoomsEnvironment:
    """Goes on from a level, so many steps after the beginning."""
    state, shape = environment.get_state(), [environment.batch_size]
    has_key = tf.broadcast_to(tf.constant(has_key, tf.bool), shape)
    steps = tf.broadcast_to(tf.constant(steps, tf.int32), shape)
    environment.set_state(state._replace(level=level, has_key=has_key, steps=steps))
    return environment


# Beside minigrid


def recorded() -> tuple[list[list[dict]], list[dict]]:
    """The episodes of `tests/data/rooms.npz`, by world, and the levels with their shortest ways."""
    found, solved = [collections.defaultdict(dict) for _ in WORLDS], collections.defaultdict(dict)
    with np.load(DATA) as file:
        for name in file.files:
            world, number, key = name.split("/")
            (solved if world == "solved" else found[int(world)])[int(number)][key] = file[name]
    return [list(episodes.values()) for episodes in found], list(solved.values())


def compare(world: World, episodes: list[dict]) -> int:
    """Takes each of their steps, all side by side, and compares what comes of it. Returns how many there were."""
    before, after = ({key: np.concatenate([x[key][part] for x in episodes]) for key in SHOWN} for part in PARTS)
    numbers = np.concatenate([np.arange(len(x["actions"])) for x in episodes])
    actions, rewards, terminated, truncated = (np.concatenate([x[key] for x in episodes]) for key in STEPS)
    ours = RoomsEnvironment(len(numbers), **dataclasses.asdict(world))
    begin(ours, level_of(before), before["has_key"].astype(bool), numbers)
    assert_shown(ours, before)
    time_step = ours.step(tf.constant(actions, tf.int32))
    assert_shown(ours, after)
    np.testing.assert_allclose(time_step.reward, rewards, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(time_step.step_type, np.where(terminated | truncated, L, M))
    np.testing.assert_array_equal(time_step.discount, 1 - terminated)
    return len(numbers)


def assert_shown(environment: RoomsEnvironment, expected: dict) -> None:
    state, observation = environment.get_state(), environment.current_time_step().observation
    level = state.level._replace(grid=state.level.grid & ~np.uint8(cells.PASSED))  # which is ours
    for found, wanted in zip(level, level_of(expected)):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(state.has_key, expected["has_key"])
    np.testing.assert_array_equal(as_image(observation["image"]), expected["image"])
    np.testing.assert_array_equal(observation["direction"], np.eye(4)[expected["direction"]])


def happened(episode: dict) -> collections.Counter:
    """What happened in an episode, by what was recorded of it."""
    counts = collections.Counter()
    for i, action in enumerate(episode["actions"]):
        (x, y), direction, has_key = (episode[key][i].astype(int) for key in ("agent", "direction", "has_key"))
        thing, _, state = episode["grid"][i, x + STEP[direction][0], y + STEP[direction][1]]
        is_closed = thing == DOOR and state > 0
        locked = "toggles of a locked door " + ("with a key" if has_key else "without a key")
        counts[[
            "turns",
            "turns",
            "moves against a closed door" if is_closed else "bumps" if thing in (WALL, KEY) else "moves",
            "pickups" if thing == KEY and not has_key else "pickups of nothing",
            "drops of nothing" if not has_key else "drops" if thing == EMPTY else "drops onto something",
            ("closes", "opens", locked)[state] if thing == DOOR else "toggles of nothing",
            "done",
        ][action]] += 1  # fmt: skip
    return counts + collections.Counter(goals=episode["terminated"].sum(), limits=episode["truncated"].sum())


def check_beside_minigrid(episodes_of, steps: int) -> None:
    counts, compared = collections.Counter(), 0
    for i, world in enumerate(WORLDS):
        episodes = episodes_of(i, world)
        compared += compare(world, episodes)
        counts += sum(map(happened, episodes), collections.Counter())
    assert compared >= steps
    assert EVENTS == set(counts) - {"toggles of nothing"}, counts


def test_2000_steps_are_minigrids():
    """Worlds, rewards, ends, cut-offs and views, with everything that can happen in them."""
    episodes, _ = recorded()
    check_beside_minigrid(lambda i, world: episodes[i], 2_000)


@pytest.mark.slow
def test_100_000_steps_are_minigrids():
    pytest.importorskip("minigrid")
    check_beside_minigrid(lambda i, world: played_rooms.episodes(world, 17_000, seed=1_000), 100_000)


# Levels


def fresh(world: World, copies: int, seed: int = 0, noise: bool = False) -> Level:
    generator = make_generator(seed, "test")
    if world.layout == "door_key":
        level = draw_door_key(generator, copies, world.size, noise)
    else:
        level = draw_multi_room(generator, copies, world.rooms, world.room_size, noise)
    return Level(*(x.numpy() for x in level))


def places(level: Level, kind: int) -> np.ndarray:
    """The cell of the only thing of its kind in each level, `[B]`."""
    copy, row, column = np.nonzero(cells.kind_of(level.grid) == kind)
    np.testing.assert_array_equal(copy, np.arange(len(level.agent)))
    return row * level.grid.shape[2] + column


def door_key_categories(level: Level) -> dict[str, np.ndarray]:
    """A number for each level, by what it says."""
    size = level.grid.shape[1]
    door, key = places(level, cells.LOCKED), places(level, cells.KEY)
    return {
        "wall": door % size, "door row": door // size, "wall and door": door, "key": key, "agent": level.agent,
        "direction": level.direction, "key and agent": size**2 * key + level.agent,
        "door and key": size**2 * door + key, "agent and direction": 4 * level.agent + level.direction,
    }  # fmt: skip


def multi_room_categories(level: Level) -> dict[str, np.ndarray]:
    grid, goal = level.grid, places(level, cells.GOAL)
    kinds, colours = cells.kind_of(grid), cells.colour_of(grid)
    is_wall, is_door = kinds == cells.WALL, kinds == cells.CLOSED
    rows, columns = (is_wall.any(axis=axis) for axis in (2, 1))
    apart = lambda x, y: 25 * (x // 25 - y // 25 + 25) + (x % 25 - y % 25) // 3  # noqa: E731
    return {
        "agent row": level.agent // 25, "agent column": level.agent % 25, "goal row": goal // 25,
        "goal column": goal % 25, "agent and goal": apart(level.agent, goal) // 3, "direction": level.direction,
        "walls": is_wall.sum(axis=(1, 2)), "top": rows.argmax(axis=1), "left": columns.argmax(axis=1),
        "height": rows.sum(axis=1), "width": columns.sum(axis=1), "shortest way": shortest(level),
        **{f"doors of colour {i}": (is_door & (colours == i)).sum(axis=(1, 2)) for i in range(6)},
        "doors in row": is_door.sum(axis=2).argmax(axis=1), "doors in column": is_door.sum(axis=1).argmax(axis=1),
    }  # fmt: skip


def check_distribution(world: World, number: int) -> None:
    pytest.importorskip("minigrid")
    categories = door_key_categories if world.layout == "door_key" else multi_room_categories
    rows = [played_rooms.first_level(world, seed) for seed in range(number)]
    theirs = level_of({key: np.stack([row[key] for row in rows]) for key in rows[0]})
    ours, theirs = categories(fresh(world, 20_000)), categories(Level(*(x.numpy() for x in theirs)))
    found = {name: chi_square(ours[name], theirs[name]) for name in ours}
    assert max(found.values()) < 4, found


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS[:3], ids=["5x5", "8x8", "7x7"])
def test_first_levels_of_door_key_are_distributed_as_minigrids(world):
    check_distribution(world, 6_000)


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS[3:], ids=["n2 s4", "n4 s5", "n6 s10"])
def test_first_levels_of_multi_room_are_distributed_as_minigrids(world):
    check_distribution(world, 3_000)


def test_levels_of_door_key_are_drawn_evenly():
    """The wall in any of its columns, the door in any row but the lowest; agent and key on any two cells left of it."""
    level = fresh(World("door_key", 8), 40_000)
    door, key = places(level, cells.LOCKED), places(level, cells.KEY)
    assert (places(level, cells.GOAL) == 6 * 8 + 6).all()
    share = np.bincount(door, minlength=64).reshape(8, 8) / 40_000
    np.testing.assert_allclose(share[1:6, 2:6], 1 / 20, atol=0.005)
    np.testing.assert_allclose(np.bincount(level.direction) / 40_000, 1 / 4, atol=0.01)
    for wall in range(2, 6):
        here = door % 8 == wall
        assert (level.grid[here][:, :, wall] != cells.EMPTY).all()
        pairs = level.agent[here] * 64 + key[here]
        possible = 6 * (wall - 1) * (6 * (wall - 1) - 1)
        counts = np.unique(pairs, return_counts=True)[1]
        assert len(counts) == possible and (level.agent != key).all()
        off = counts / here.sum() * possible - 1
        assert (off**2).mean() < 2 * possible / here.sum()  # about half of it is expected


@pytest.mark.parametrize("rooms, room_size", [(2, 4), (4, 5), (6, 10)])
def test_rooms_are_in_a_row_behind_doors_of_changing_colours(rooms, room_size):
    level = fresh(World("multi_room", rooms=rooms, room_size=room_size), 50)
    kinds, colours = cells.kind_of(level.grid), cells.colour_of(level.grid)
    assert ((kinds == cells.CLOSED).sum(axis=(1, 2)) == rooms - 1).all()
    for grid, colour, agent, goal in zip(kinds, colours, level.agent, places(level, cells.GOAL)):
        entered, doors, here = np.zeros_like(grid, bool), [], divmod(int(agent), 25)
        for number in range(rooms):
            inside = flood(grid, here)
            row, column = np.nonzero(inside)
            assert 2 <= np.ptp(row) + 1 <= room_size - 2 and 2 <= np.ptp(column) + 1 <= room_size - 2
            assert inside.sum() == (np.ptp(row) + 1) * (np.ptp(column) + 1) and not (inside & entered).any()
            assert inside[divmod(int(goal), 25)] == (number == rooms - 1)
            entered |= inside
            leads = [(door, far) for door, far in beyond(grid, inside) if not entered[far]]
            assert len(leads) == (number < rooms - 1)
            doors, here = doors + [colour[door] for door, _ in leads], leads[0][1] if leads else None
        assert all(one != other for one, other in zip(doors, doors[1:]))


def flood(grid: np.ndarray, start) -> np.ndarray:
    """The cells that one comes to from a cell without a door."""
    inside, queue = np.zeros_like(grid, bool), [start]
    while queue:
        cell = queue.pop()
        if not inside[cell] and grid[cell] in (cells.EMPTY, cells.GOAL):
            inside[cell] = True
            queue += [(cell[0] + down, cell[1] + right) for right, down in STEP]
    return inside


def beyond(grid: np.ndarray, inside: np.ndarray) -> list:
    """(door, the cell behind it) for each door of a room."""
    found = []
    for row, column in zip(*np.nonzero(inside)):
        for right, down in STEP:
            door = row + down, column + right
            if grid[door] == cells.CLOSED:
                found.append((door, (row + 2 * down, column + 2 * right)))
    return found


# Rules and views

SIGNS = " #kG_DL"
ROOM = """
########
#  #   #
#  L   #
#k>#   #
#  #   #
#  #   #
#  #  G#
########
"""


def drawn(*drawings: str) -> Level:
    """Levels as `RoomsEnvironment.text` draws them; all that has a colour in DoorKey has that, other doors are red."""
    colours = {"#": cells.GREY, "k": cells.YELLOW, "L": cells.YELLOW, "G": cells.GREEN}
    levels = []
    for drawing in drawings:
        rows = drawing.strip("\n").splitlines()
        signs = np.array([list(row.ljust(max(map(len, rows)))) for row in rows])
        (agent,) = np.flatnonzero(np.isin(signs, list(">v<^")))
        direction = ">v<^".index(signs.flat[agent])
        signs.flat[agent] = " "
        grid = [[cells.coloured(SIGNS.index(sign) + 1, colours.get(sign, 0)) for sign in row] for row in signs]
        levels.append((np.array(grid, np.uint8), np.int32(agent), np.int32(direction)))
    return Level(*(tf.constant(np.stack(x)) for x in zip(*levels)))


def alone(drawing: str, has_key=False, steps=0, **settings) -> RoomsEnvironment:
    level = drawn(drawing)
    return begin(RoomsEnvironment(1, size=level.grid.shape[1], **settings), level, has_key, steps)


def shown(time_step) -> list:
    return [x.numpy().tolist() for x in (time_step.step_type, time_step.reward, time_step.discount)]


def test_it_draws_itself():
    environment = alone(ROOM)
    assert environment.text() == environment.render() == ROOM.strip()
    environment.step([RIGHT])
    environment.step([RIGHT])
    environment.step([PICK_UP])
    assert environment.text().splitlines()[3] == "# <#   #" and environment.get_state().has_key.numpy()[0]
    both = RoomsEnvironment(2, "multi_room", noise=True, seed=1)
    assert both.render() == both.text(0) + "\n\n" + both.text(1)
    assert both.text().count("~") >= 2 and both.text().count("D") == 3


def test_a_key_opens_a_locked_door_and_closes_none():
    environment = alone(ROOM.replace("#  L ", "# >L ").replace("k>", "k "))
    environment.step([TOGGLE])
    assert "L" in environment.text()
    begin(environment, environment.get_state().level, has_key=True)
    for sign in ("_", "D", "_"):
        environment.step([TOGGLE])
        assert sign in environment.text().splitlines()[2]
    environment.step([FORWARD])
    assert environment.text().splitlines()[2] == "#  >   #"
    environment.step([FORWARD])
    environment.step([DROP])
    assert environment.text().splitlines()[2] == "#  _>k #" and not environment.get_state().has_key.numpy()[0]


AT_THE_GOAL = """
#####
#   #
#   #
# >G#
#####
"""


def test_a_limit_is_a_cut_off_and_the_goal_an_end_also_at_the_limit():
    for steps, action, expected in [
        (0, FORWARD, [L, 1 - 0.9 / 250, 0]), (99, FORWARD, [L, 0.64, 0]), (249, FORWARD, [L, 0.1, 0]),
        (248, RIGHT, [M, 0, 1]), (249, RIGHT, [L, 0, 1]),
    ]:  # fmt: skip
        environment = alone(AT_THE_GOAL, has_key=True, steps=steps)
        np.testing.assert_allclose(np.ravel(shown(environment.step([action]))), expected, atol=1e-6)
        if expected[0] == L:
            assert shown(environment.step([FORWARD])) == [[F], [0], [1]]
            assert not environment.get_state().has_key.numpy()[0]
    assert [RoomsEnvironment(1, "multi_room", rooms=3).limit, RoomsEnvironment(1, size=8).limit] == [60, 640]


SEEN = [
    """
 ##########
 #    #   #
 #    D   #
 #    #   #
 # ^  #   #
 #    #   #
 #######_##
 ##########
""",
    """
 ##########
 #    #   #
 #    D   #
 #    #   #
 #  > _   #
 #    #   #
 #######D##
 ##########
""",
]


def test_it_sees_what_is_ahead_but_not_behind_walls_and_closed_doors():
    """Turned so that it looks up, and what it carries lies where it is: a dot for each cell that is not seen."""
    seen = cells.kind_of(look(drawn(*SEEN), tf.constant([False, True])).numpy())
    up, right = (["".join(np.array(list("." + SIGNS))[row]) for row in each.T] for each in seen)
    assert up == [".......", ".......", ".######", ".#    #", ".#    D", ".#    #", ".#    #"]
    assert right == ["######.", "     #.", "     D.", "     #.", "#D#_##.", "     #.", "   k #."]


def test_planes_say_what_and_which_colour():
    codes = [cells.UNSEEN, cells.EMPTY, cells.GREY_WALL, cells.YELLOW_KEY, cells.GREEN_GOAL,
             cells.coloured(cells.OPEN, cells.PURPLE), cells.coloured(cells.CLOSED, cells.BLUE),
             cells.coloured(cells.LOCKED, cells.YELLOW),
             cells.SCREEN + cells.coloured(cells.WALL, cells.RED)]  # fmt: skip
    found = planes(tf.constant(codes, tf.uint8)).numpy()
    assert [np.flatnonzero(each).tolist() for each in found] == [
        [], [0], [1, 12], [2, 11], [3, 8], [4, 10], [5, 9], [6, 11], [1, 7]]  # fmt: skip


# The screen


@pytest.mark.parametrize(
    "layout, size, settings", [("door_key", 5, {"size": 5}), ("door_key", 8, {}), ("multi_room", 25, {"room_size": 4})]
)
def test_a_screen_is_two_walls_without_the_door_and_takes_any_colours(layout, size, settings):
    environment = RoomsEnvironment(500, layout, noise=True, seed=3, **settings)
    grids = [environment.get_state().level.grid.numpy()]
    for _ in range(3):
        environment.step(tf.fill([500], 6))  # does nothing
        grids.append(environment.get_state().level.grid.numpy())
    for grid, agent in zip(grids[0], environment.get_state().level.agent.numpy()):
        rows, columns = np.nonzero(grid >= cells.SCREEN)
        inside = np.nonzero(flood(cells.kind_of(np.where(grid == cells.YELLOW_KEY, 1, grid)), divmod(int(agent), size)))
        (top, bottom), (left, right) = ((x.min() - 1, x.max() + 1) for x in inside)
        upright, level = ([x for x in ends if (each == x).sum() > 1] for ends, each in
                          (((left, right), columns), ((top, bottom), rows)))  # fmt: skip
        wanted = {(row, upright[0]) for row in range(top, bottom + 1)}
        wanted |= {(level[0], column) for column in range(left, right + 1)}
        assert {*zip(rows, columns)} == wanted and len(wanted) >= 7  # of six colours each: more than 2^18 pictures
    is_screen = grids[0] >= cells.SCREEN
    assert all((grid[~is_screen] == grids[0][~is_screen]).all() for grid in grids)
    colours = np.array([cells.colour_of(grid[is_screen]) for grid in grids])
    assert all((cells.kind_of(grid[is_screen]) == cells.WALL).all() for grid in grids)
    pairs = np.bincount(6 * colours[:-1].ravel() + colours[1:].ravel(), minlength=36) / colours[1:].size
    np.testing.assert_allclose(pairs, 1 / 36, atol=0.01)  # whatever it was before
    screens = [cells.colour_of(grid[mask]) for time in grids[1:] for grid, mask in zip(time, is_screen)]
    for one, other in ((0, 1), (0, -1), (1, -2), (2, 4)):  # no cell tells of another
        np.testing.assert_allclose(np.mean([each[one] == each[other] for each in screens]), 1 / 6, atol=0.04)



def test_it_counts_doors_that_are_passed_for_the_first_time_and_steps_with_the_screen_in_sight():
    environment = alone(ROOM.replace("L", "_"), noise=True)
    level = environment.get_state().level
    grid = level.grid.numpy()
    grid[0, 1:7, 0] += cells.SCREEN
    begin(environment, level._replace(grid=tf.constant(grid)))
    counted = []
    for action in (0, FORWARD, RIGHT, FORWARD, FORWARD, RIGHT, RIGHT, FORWARD, RIGHT, RIGHT, FORWARD):
        environment.step([action])
        counted.append(environment.tally().numpy()[0].astype(int).tolist())
    # Up, a step, to the right; into the door and through it; around and back into it; around and on.
    doors = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    screen = [1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0]  # from the door, looking up, the cells beside it are in sight
    assert counted == [[0, door, seen] for door, seen in zip(doors, screen)]
    assert environment.text().splitlines()[2] == "~  _>  #"


def test_noise_is_seen_and_changes_nothing_else():
    quiet, noisy = (alone(ROOM.replace("k>", "k<"), noise=noise) for noise in (False, True))
    level = quiet.get_state().level
    grid = level.grid.numpy()
    grid[0, 1:7, 0] += cells.SCREEN
    begin(noisy, level._replace(grid=tf.constant(grid)))
    wall, colours = slice(7, None), []
    for action in (PICK_UP, RIGHT, 0, FORWARD, TOGGLE, FORWARD, FORWARD, FORWARD):
        expected, found = (each.step([action]) for each in (quiet, noisy))
        assert shown(expected) == shown(found)
        images = [time_step.observation["image"].numpy() for time_step in (expected, found)]
        np.testing.assert_array_equal(images[0][..., :7], images[1][..., :7])
        is_other = (images[0] != images[1]).any(axis=-1)
        assert images[0][is_other][:, 1].all()  # walls alone
        colours.append(images[1][is_other][:, wall].argmax(axis=-1).tolist())
    assert len({str(each) for each in colours}) > 4


# Seeds, states, contract


def random_actions(rounds, copies):
    return np.random.default_rng(0).integers(0, 7, [rounds, copies], np.int32)


def spread(environment: RoomsEnvironment) -> RoomsEnvironment:
    """Episodes that are cut off at different times, soon, and may be so short."""
    environment.reset()
    environment.limit = 12
    steps = np.random.default_rng(1).integers(1, 12, environment.batch_size)
    environment.set_state(environment.get_state()._replace(steps=tf.constant(steps, tf.int32)))
    return environment


@pytest.mark.parametrize(
    "settings, whole",
    [
        (dict(layout="multi_room", rooms=2, room_size=4, noise=True), "b9ba9ce58f72b54d"),
        pytest.param(dict(size=5), "ce2416b9663f8e7f", marks=pytest.mark.slow),
    ],
    ids=["multi_room", "door_key"],
)
def test_it_plays_the_same_eagerly_in_a_graph_and_compiled(settings, whole):
    actions, runs = random_actions(25, 8), []
    for compiled in (None, False, True):
        environment = spread(RoomsEnvironment(8, **settings, seed=5))
        take = environment.step if compiled is None else tf.function(environment.step, jit_compile=compiled)
        runs.append([tf.nest.map_structure(np.array, take(tf.constant(row))) for row in actions])
    assert sum(x.is_last().sum() for x in runs[0]) > 8  # more than were ready
    for run in runs[1:]:
        for expected, found in zip(runs[0], run, strict=True):
            tf.nest.map_structure(np.testing.assert_array_equal, expected._replace(reward=0), found._replace(reward=0))
            np.testing.assert_allclose(found.reward, expected.reward, rtol=0, atol=1e-6)
    leaves = tf.nest.flatten([x._replace(reward=x.reward.round(4)) for x in runs[0]])
    # If this fails, it shows, pays or draws something else than before: give its page a new version, and say what.
    assert hashlib.sha256(b"".join(x.tobytes() for x in leaves)).hexdigest()[:16] == whole


def test_a_checkpoint_goes_on_as_before_with_the_levels_that_were_ready(tmp_path):
    environment = spread(RoomsEnvironment(8, "multi_room", rooms=2, room_size=4, noise=True, seed=4))
    take, actions = tf.function(environment.step), random_actions(40, 8)
    for row in actions[:9]:
        take(tf.constant(row))
    state = environment.get_state()
    assert 0 < state.is_ready.numpy().sum() < 8
    path = tf.train.Checkpoint(environment=environment).write(str(tmp_path / "state"))
    first = [take(tf.constant(row)) for row in actions]
    again = RoomsEnvironment(8, "multi_room", rooms=2, room_size=4, noise=True, seed=9)
    again.limit = environment.limit
    tf.train.Checkpoint(environment=again).read(path).assert_consumed()
    take, begun = tf.function(again.step), []
    for row, expected in zip(actions, first):
        found = take(tf.constant(row))
        tf.nest.map_structure(np.testing.assert_array_equal, expected, found)
        begun += again.get_state().level.agent.numpy()[found.is_first().numpy()].tolist()
    assert len(begun) > 8 and state.spare.agent.numpy()[state.is_ready.numpy()][0] in begun


def test_no_level_is_played_twice():
    environment = spread(RoomsEnvironment(16, "multi_room", rooms=4, room_size=8, seed=2))
    take, seen = tf.function(environment.step), [x.tobytes() for x in environment.get_state().level.grid.numpy()]
    for row in random_actions(45, 16):
        is_first = take(tf.constant(row)).is_first().numpy()
        seen += [x.tobytes() for x in environment.get_state().level.grid.numpy()[is_first]]
    assert len(seen) >= 16 * 3 and len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    "settings",
    [
        dict(layout="multi_room", rooms=2, room_size=4),
        pytest.param(dict(size=5, noise=True), marks=pytest.mark.slow),
    ],
    ids=["multi_room", "door_key"],
)
def test_it_keeps_to_the_contract(settings):
    def build(batch_size, seed):
        environment = TrainConfig("rooms", **settings).environment.build(batch_size, seed)
        environment.limit = 10  # which takes less time
        return environment

    assert imagents.check_environment(build) == []


@pytest.mark.parametrize(
    "do, sentence",
    [
        (lambda: TrainConfig("rooms", size=4), "size = 4: 5 to 32 is needed"),
        (lambda: TrainConfig("rooms", rooms=1), "rooms = 1: 2 to 12 is needed"),
        (lambda: TrainConfig("rooms", room_size=11), "room_size = 11: 4 to 10 is needed"),
        (lambda: TrainConfig("rooms", layout="maze"), "layout = 'maze': choose door_key, multi_room"),
        (lambda: RoomsEnvironment(0), "batch_size = 0: an environment needs at least 1 copy"),
        (lambda: RoomsEnvironment(3).step([0, 1]), r"actions have shape \(2,\): one for each of the 3 copies"),
        (lambda: RoomsEnvironment(2**40), r"1099511627776 worlds of 64 cells would need [\d,.]+ GB of memory, and "),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(do, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        do()


@pytest.mark.parametrize(
    "preset, expected",
    [
        ("door_key_5x5", ("door_key", 250, 5)),
        ("door_key_8x8", ("door_key", 640, 8)),
        ("multi_room_n2_s4", ("multi_room", 40, 25)),
        ("multi_room_n4_s5", ("multi_room", 80, 25)),
        ("multi_room_n6", ("multi_room", 120, 25)),
    ],
)
def test_presets_are_minigrids_worlds(preset, expected):
    face = TrainConfig("rooms", preset).environment
    environment = face.build(1, 0)
    assert (face.layout, environment.limit, environment.get_state().level.grid.shape[1]) == expected


# How well one can do


def test_shortest_ways_are_as_short_as_can_be():
    """As found by trying all actions in all states of minigrid's."""
    _, solved = recorded()
    found = [int(shortest(level_of({key: x[key][np.newaxis] for key in x if key != "steps"}))[0]) for x in solved]
    assert found == [int(x["steps"]) for x in solved] and len(set(found)) > 4


@pytest.mark.slow
def test_shortest_ways_through_more_doors_are_as_short_as_can_be():
    pytest.importorskip("minigrid")
    for world, seed in [(World("multi_room", rooms=3, room_size=5), 1), (World("door_key", 7), 2)]:
        row = played_rooms.first_level(world, seed)
        level = level_of({key: x[np.newaxis] for key, x in row.items()})
        assert shortest(level)[0] == played_rooms.shortest(world, seed)


def test_where_there_is_no_way_there_is_no_shortest_one():
    assert shortest(drawn(ROOM.replace("k", " ")))[0] == -1
    assert shortest(drawn(AT_THE_GOAL)).tolist() == [1]


WAYS = [AT_THE_GOAL, AT_THE_GOAL.replace("# >G#", "#> G#"), AT_THE_GOAL.replace(">", "^"),
        AT_THE_GOAL.replace(">", "<")]  # fmt: skip


def test_a_report_says_what_the_same_levels_could_have_paid():
    """Who only goes ahead gets there in one step and in two, and twice it does not."""
    environment, level = RoomsEnvironment(4, size=5), drawn(*WAYS)
    environment._draw = lambda: level
    config = TrainConfig("rooms", size=5, parallel_games=4, replay_length=2, hidden_layers=(4,))
    agent = imagents.IMAgent(environment.time_step_spec(), environment.action_spec(), batch_size=4)
    agent.decide = lambda time_step, state: (tf.fill([4], FORWARD), state)
    for times, episodes in ((1, 3), (2, 8)):
        (report,) = Strength(environment, [agent], episodes).report().values()
        paid = [1 - 0.9 * steps / 250 for steps in (1, 2, 2, 3)]
        assert report == {
            "mean_return": pytest.approx((paid[0] + paid[1]) / 4), "solved_share": 0.5, "lives": 4 * times,
            "optimal_return": pytest.approx(sum(paid) / 4),
        }  # fmt: skip
    assert config.environment.measures.keys() <= report.keys()
    assert config.environment.report_text({"player_1": report}).splitlines()[1:] == [
        "  the shortest ways pay 0.9928; 50.0% of the episodes reached the goal"]


@pytest.mark.slow
def test_an_agent_learns_to_use_the_key(tmp_path):
    config = TrainConfig("rooms", "door_key_5x5", seed=1)
    path = train(config, tmp_path / "run", quiet=True).path
    found = evaluate_run(path)["agents"]["player_1"]
    assert found["lives"] >= 1000 and found["solved_share"] >= 0.95
    assert found["mean_return"] >= found["optimal_return"] - 0.06 > 0.85
