"""Foraging in tensors does what `lbforaging` does, draws its levels as that does, and its limit is a cut-off."""

import collections
import dataclasses
import hashlib
import itertools
import pathlib

import numpy as np
import played
import pytest
import tensorflow as tf
from chance import chi_square
from played import DOWN, LEFT, LIMIT, LOAD, RIGHT, STAY, UP, WORLDS, World
from worlds import F, L, M

import imagents
from imagents.config import TrainConfig
from imagents.environments.grid_worlds.foraging import ForagingEnvironment
from imagents.environments.grid_worlds.levels import Level, draw_levels
from imagents.environments.grid_worlds.views import VIEWS
from imagents.evaluation.report import evaluate_run
from imagents.randomness import make_generator
from imagents.training.experiment import train

DATA = pathlib.Path(__file__).parents[2] / "data"
SHOWN = ("players", "player_levels", "field", "vector", "window")  # of what was recorded
STEPS = ("actions", "rewards", "is_over")
PARTS = (slice(-1), slice(1, None))  # before steps, and after them
EVENTS = {"loads", "shared loads", "failed loads", "collisions", "swaps", "chains", "two on a cell"}


def level_of(players, player_levels, fields, num_foods) -> Level:
    """Levels of the package's kind, `[B, ...]`, as ours."""
    foods, food_levels = np.zeros([2, len(fields), num_foods], np.int32)
    for copy, field in enumerate(fields):
        cells = np.flatnonzero(field)
        foods[copy, : len(cells)], food_levels[copy, : len(cells)] = cells, field[cells]
    return Level(*(tf.constant(x, tf.int32) for x in (players, player_levels, foods, food_levels)))


def begin(environment: ForagingEnvironment, level: Level, steps=0, spawned=None) -> ForagingEnvironment:
    """Goes on from a level, so many steps after the beginning, when there was so much food, or as much as here."""
    state, copies = environment.get_state(), [level.players.shape[0]]
    spawned = tf.reduce_sum(level.food_levels, axis=1) if spawned is None else tf.constant(spawned, tf.int32)
    steps = tf.broadcast_to(tf.constant(steps, tf.int32), copies)
    environment.set_state(state._replace(level=level, spawned=spawned, steps=steps))
    return environment


def field_of(level: Level, size: int) -> np.ndarray:
    fields = np.zeros([level.foods.shape[0], size**2], int)
    np.add.at(fields, (np.arange(len(fields))[:, np.newaxis], level.foods.numpy()), level.food_levels.numpy())
    return fields


def step(environment, *actions):
    return environment.step(tuple(tf.constant(each, tf.int32) for each in actions))


# Beside lbforaging


def recorded() -> list[list[dict]]:
    """The episodes of `tests/data/foraging.npz`, by world."""
    found = [collections.defaultdict(dict) for _ in WORLDS]
    with np.load(DATA / "foraging.npz") as file:
        for name in file.files:
            world, episode, key = name.split("/")
            found[int(world)][int(episode)][key] = file[name]
    return [list(episodes.values()) for episodes in found]


def compare(world: World, episodes: list[dict]) -> int:
    """Takes each of their steps, all side by side, and compares what comes of it. Returns how many there were."""
    before, after = ({key: np.concatenate([x[key][part] for x in episodes]) for key in SHOWN} for part in PARTS)
    numbers = np.concatenate([np.arange(len(x["actions"])) for x in episodes])
    spawned = np.concatenate([np.full(len(x["actions"]), x["field"][0].sum()) for x in episodes])
    ours = ForagingEnvironment(len(numbers), **dataclasses.asdict(world), view="vector")
    level = level_of(*(before[key] for key in ("players", "player_levels", "field")), world.num_foods)
    begin(ours, level, numbers, spawned)
    assert_shown(world, ours, before)
    actions, rewards, is_over = (np.concatenate([x[key] for x in episodes]) for key in STEPS)
    time_step = step(ours, *actions.T)
    assert_shown(world, ours, after)
    np.testing.assert_allclose(time_step.reward, rewards, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(time_step.step_type, np.where(is_over, L, M))
    np.testing.assert_array_equal(time_step.discount, after["field"].any(axis=1))
    return len(numbers)


def assert_shown(world: World, environment: ForagingEnvironment, expected: dict) -> None:
    level = environment.get_state().level
    found = {"players": level.players, "player_levels": level.player_levels, "field": field_of(level, world.size),
             "vector": np.stack(environment.current_time_step().observation["views"], axis=1),
             "window": VIEWS["window"](level, world.size, world.sight)}  # fmt: skip
    for key in SHOWN:
        np.testing.assert_array_equal(found[key], expected[key], key)


def happened(world: World, episode: dict) -> collections.Counter:
    """What happened in an episode, by loops over what was recorded of it."""
    counts, size, beside = collections.Counter(), world.size, {UP: (-1, 0), DOWN: (1, 0), LEFT: (0, -1), RIGHT: (0, 1)}
    for actions, before, after, field, left in zip(
        episode["actions"], *(episode[key][part] for key in ("players", "field") for part in PARTS)
    ):
        loaders, pairs = collections.Counter(), list(itertools.permutations(range(world.num_agents), 2))
        for action, was, now in zip(actions, before, after):
            row, column = divmod(int(was), size)
            near = [(row + down, column + right) for down, right in beside.values()]
            inside = [r * size + c for r, c in near if 0 <= r < size and 0 <= c < size]
            if action == LOAD:
                loaders.update(cell for cell in inside if field[cell])
            elif action in beside:
                row, column = row + beside[action][0], column + beside[action][1]
                is_free = 0 <= row < size and 0 <= column < size and not field[row * size + column]
                counts["collisions"] += is_free and was == now
        for food, number in loaders.items():
            counts["failed loads" if left[food] else "shared loads" if number > 1 else "loads"] += 1
        follows = [i != j and after[i] == before[j] and before[i] != before[j] != after[j] for i, j in pairs]
        changes = [after[i] == before[j] and after[j] == before[i] and before[i] != before[j] for i, j in pairs]
        counts["swaps"] += sum(changes) // 2
        counts["chains"] += sum(x and not y for x, y in zip(follows, changes))
        counts["two on a cell"] += len(set(after.tolist())) < len(after)
    return counts


def check_beside_lbforaging(episodes_of, steps: int) -> None:
    counts = {event: 0 for event in EVENTS}
    compared = 0
    for i, world in enumerate(WORLDS):
        episodes = episodes_of(i, world)
        compared += compare(world, episodes)
        for episode in episodes:
            counts |= {event: counts[event] + count for event, count in happened(world, episode).items()}
    assert compared >= steps
    assert set(counts) == EVENTS and min(counts.values()) > 0, counts


def test_2000_steps_are_lbforagings():
    """States, rewards, ends, and what is seen, in the list and in the grid, with everything that can happen in them."""
    episodes = recorded()
    assert {world.size for world in WORLDS} == set(range(5, 11))
    assert {world.num_agents for world in WORLDS} == set(range(2, 7))
    check_beside_lbforaging(lambda i, world: episodes[i], 2_000)


@pytest.mark.slow
def test_100_000_steps_are_lbforagings():
    pytest.importorskip("lbforaging")
    check_beside_lbforaging(lambda i, world: played.episodes(world, 10_000, seed=1_000), 100_000)


# Levels


def fresh(copies, size=8, num_agents=2, num_foods=2, cooperative=False, seed=0) -> Level:
    level = draw_levels(make_generator(seed, "test"), copies, size, num_agents, num_foods, cooperative)
    return Level(*(x.numpy() for x in level))


@pytest.mark.parametrize(
    "size, num_agents, num_foods, cooperative", [(8, 2, 2, False), (8, 2, 2, True), (5, 6, 3, False), (10, 5, 6, True)]
)
def test_levels_keep_to_the_rules(size, num_agents, num_foods, cooperative):
    level = fresh(4_000, size, num_agents, num_foods, cooperative)
    assert set(np.unique(level.player_levels)) == {1, 2}
    most = np.sort(level.player_levels, axis=1)[:, :3].sum(axis=1)
    is_food = level.food_levels > 0
    assert is_food[:, 0].all() and (is_food.all() if size > 5 else not is_food[:, 2].any())  # no room for three
    if cooperative:
        assert (level.food_levels == most[:, np.newaxis]).all()
    else:
        assert {*level.food_levels[is_food]} == set(range(1, most.max() + 1)) and (level.food_levels.T <= most).all()
    row, column = level.foods // size, level.foods % size
    assert ((np.minimum(row, column) >= 1) & (np.maximum(row, column) <= size - 2))[is_food].all()
    for i, j in itertools.combinations(range(num_foods), 2):
        both, down, right = is_food[:, i] & is_food[:, j], abs(row[:, i] - row[:, j]), abs(column[:, i] - column[:, j])
        assert (((down > 1) | (right > 1)) & (down + right != 2))[both].all()
        assert (level.foods[:, i] < level.foods[:, j])[both].all()
    for cells, foods, is_there in zip(level.players, level.foods, is_food):
        assert len({*cells, *foods[is_there]}) == num_agents + is_there.sum()


def test_players_are_anywhere_and_foods_on_any_inner_cell():
    level = fresh(100_000)
    for seat in range(2):
        share = np.bincount(level.players[:, seat], minlength=64) / 100_000
        np.testing.assert_allclose(share, 1 / 64, atol=0.002)
        assert abs((level.player_levels[:, seat] == 1).mean() - 0.5) < 0.01
    share = np.bincount(level.foods.reshape(-1), minlength=64).reshape(8, 8)[1:-1, 1:-1] / 200_000
    np.testing.assert_allclose(share, share[::-1], atol=0.003)
    np.testing.assert_allclose(share, share.T, atol=0.003)
    assert share.sum() == pytest.approx(1) and share[0, 0] > share[2, 2]  # corners keep fewer cells from the other food


def categories(level: Level, size: int) -> dict[str, np.ndarray]:
    """A number for each level, by what it says; cells of foods in ascending order."""
    counted = [level.players[:, 0], level.players[:, 1], *level.foods.T]
    row, column = np.array(counted) // size, np.array(counted) % size
    apart = lambda i, j: (row[i] - row[j] + size) * 2 * size + column[i] - column[j] + size  # noqa: E731
    is_food = (level.food_levels > 0).sum(axis=1)
    return {
        "first player": level.players[:, 0], "second player": level.players[:, 1], "players apart": apart(0, 1),
        "player levels": level.player_levels @ 3 ** np.arange(level.player_levels.shape[1]),
        "foods": is_food, "first food": level.foods[:, 0], "player and food": apart(0, 2),
        "last food": np.where(is_food > 1, level.foods[:, -1], -1),
        "foods apart": np.where(is_food > 1, apart(2, -1), -1),
        "food levels": level.food_levels @ 10 ** np.arange(level.food_levels.shape[1]),
        "levels of all": 100 * level.player_levels.sum(axis=1) + level.food_levels.sum(axis=1),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "world", [World(8, 2, 2, False, 8), World(8, 2, 2, True, 8), World(5, 3, 2, False, 5)], ids=["8x8", "coop", "5x5"]
)
def test_first_levels_are_distributed_as_lbforagings(world):
    pytest.importorskip("lbforaging")
    rows = []
    for seed in range(6_000):
        package = played.make(world)
        package.reset(seed=seed)
        rows.append(played.level(package))
    theirs = level_of(*(np.stack([row[key] for row in rows]) for key in rows[0]), world.num_foods)
    theirs = categories(Level(*(x.numpy() for x in theirs)), world.size)
    settings = dataclasses.asdict(world)
    settings.pop("sight")
    ours = categories(fresh(30_000, **settings), world.size)
    found = {name: chi_square(ours[name], theirs[name]) for name in ours}
    assert max(found.values()) < 4, found


# Rules


def drawn(drawing: str, levels, **settings) -> ForagingEnvironment:
    """One world: letters are players by seat, digits foods by level, as `ForagingEnvironment.text` has it."""
    rows = [row.split() for row in drawing.strip().splitlines()]
    cells = sum(rows, [])
    players = sorted((cell, i) for i, cell in enumerate(cells) if cell.isalpha())
    field = np.array([int(cell) if cell.isdigit() else 0 for cell in cells])
    shape = {"size": len(rows), "num_agents": len(players), "num_foods": int((field > 0).sum())}
    environment = ForagingEnvironment(1, **shape, **({"sight": len(rows)} | settings))
    return begin(environment, level_of([[i for _, i in players]], [levels], [field], shape["num_foods"]), 1)


ROOM = """
. . . . .
. a b . .
. c . . .
. . . 3 .
. . . . .
"""


def test_it_draws_itself():
    environment = drawn(ROOM, [1, 2, 1])
    assert environment.text() == ROOM.strip() + "\na has level 1, b has level 2, c has level 1"


@pytest.mark.parametrize(
    "actions, after",
    [
        ((RIGHT, LEFT, STAY), [(1, 2), (1, 1), (2, 1)]),
        ((RIGHT, RIGHT, UP), [(1, 2), (1, 3), (1, 1)]),
        ((STAY, LEFT, UP), [(1, 1), (1, 2), (2, 1)]),
        ((LOAD, STAY, UP), [(1, 1), (1, 2), (2, 1)]),
        ((STAY, DOWN, RIGHT), [(1, 1), (1, 2), (2, 1)]),
        ((RIGHT, DOWN, RIGHT), [(1, 2), (1, 2), (2, 1)]),
    ],
    ids=["a swap", "a chain", "kept by one that stays", "kept by one that loads", "wanted by two", "two on a cell"],
)
def test_who_wants_a_cell_that_another_wants_or_keeps_stays(actions, after):
    environment = drawn(ROOM, [1, 2, 1])
    step(environment, *([action] for action in actions))
    assert [divmod(cell, 5) for cell in environment.get_state().level.players[0].numpy()] == after


LADEN = """
. . . . .
. 3 a . .
. b . . .
. . . 1 .
. . . c .
"""


def shown(time_step) -> list:
    return [x.numpy().tolist() for x in (time_step.step_type, time_step.reward, time_step.discount)]


def test_who_loads_together_shares_by_level():
    environment = drawn(LADEN, [1, 2, 1])
    assert shown(step(environment, [LOAD], [STAY], [STAY])) == [[M], [[0, 0, 0]], [1]]  # 1 does not lift 3
    time_step = step(environment, [LOAD], [LOAD], [RIGHT])
    np.testing.assert_allclose(time_step.reward, [[3 / 4 / 3, 3 / 4 * 2 / 3, 0]])  # 3 of 4 that there was
    assert environment.get_state().level.food_levels.numpy().tolist() == [[0, 1]]
    assert shown(step(environment, [LOAD], [LOAD], [LEFT])) == [[M], [[0, 0, 0]], [1]]  # there is nothing any more
    assert shown(step(environment, [STAY], [STAY], [LOAD])) == [[L], [[0, 0, 0.25]], [0]]
    assert shown(step(environment, [LOAD], [LOAD], [LOAD]))[:2] == [[F], [[0, 0, 0]]]


def test_nobody_walks_off_the_world_or_onto_a_food():
    environment = drawn(LADEN, [1, 2, 1])
    before = environment.get_state().level
    step(environment, [LEFT], [UP], [DOWN])
    tf.nest.map_structure(np.testing.assert_array_equal, before, environment.get_state().level)


def test_a_limit_is_a_cut_off_and_the_last_food_an_end_also_at_the_limit():
    for steps, actions, expected in [(48, STAY, [M, 1]), (49, STAY, [L, 1]), (49, LOAD, [L, 0]), (10, LOAD, [L, 0])]:
        environment = drawn(". . . . .\n. 1 a . .\n" + ". . . . .\n" * 3, [1])
        begin(environment, environment.get_state().level, steps)
        step_type, _, discount = shown(step(environment, [actions]))
        assert step_type + discount == expected


# What is seen

SEEN = """
a . . . . .
. . . . . .
. 2 . . . .
. . . b . .
. c . . 1 .
. . . . . .
"""
NOTHING = [0, 0, 0]


def test_a_relative_view_says_how_far_away_everything_is():
    views = drawn(SEEN, [1, 2, 1]).current_time_step().observation["views"]
    assert views[1].numpy().tolist() == [[-1, -2, 2, 1, 1, 1, 3, 3, 2, 1, -2, 1, -3, -3, 1]]
    near = drawn(SEEN, [1, 2, 1], sight=2).current_time_step().observation["views"]
    assert near[0].numpy().tolist() == [[2, 1, 2, *NOTHING, 0, 0, 1, *NOTHING, *NOTHING]]
    assert near[2].numpy().tolist() == [[-2, 0, 2, *NOTHING, 4, 1, 1, *NOTHING, -1, 2, 2]]
    environment = drawn(SEEN, [1, 2, 1])
    begin(environment, environment.get_state().level._replace(food_levels=tf.constant([[0, 1]])), 1)
    assert environment.current_time_step().observation["views"][1][0, :6].numpy().tolist() == [*NOTHING, 1, 1, 1]


def test_a_vector_lists_what_is_seen_from_the_edge_of_it():
    views = drawn(SEEN, [1, 2, 1], sight=2, view="vector").current_time_step().observation["views"]
    unseen = [-1, -1, 0]
    assert views[0].numpy().tolist() == [[2, 1, 2, *unseen, 0, 0, 1, 3, 3, 2, 4, 1, 1]]  # both further than 2 away
    assert views[1].numpy().tolist() == [[1, 0, 2, 3, 3, 1, 2, 2, 2, 3, 0, 1, *unseen]]


def test_a_window_is_the_grid_around():
    players, foods, free = (
        drawn(SEEN, [1, 2, 1], sight=1, view="window").current_time_step().observation["views"][2][0].numpy()
    )
    assert players.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]] and not foods.any()
    assert free.tolist() == [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    corner = drawn(SEEN, [1, 2, 1], sight=2, view="window").current_time_step().observation["views"][0][0].numpy()
    assert corner[1, 4, 3] == 2 and corner[1].sum() == 2  # two below, one to the right
    assert corner[2].tolist() == [[0] * 5, [0] * 5, [0, 0, 0, 1, 1], [0, 0, 1, 1, 1], [0, 0, 1, 0, 1]]


# Seeds, states, contract


def random_actions(rounds, seats, copies):
    return np.random.default_rng(0).integers(0, 6, [rounds, seats, copies], np.int32)


def spread(environment: ForagingEnvironment) -> ForagingEnvironment:
    """Episodes that end at different times."""
    environment.reset()
    steps = np.random.default_rng(1).integers(1, LIMIT, environment.batch_size)
    environment.set_state(environment.get_state()._replace(steps=tf.constant(steps, tf.int32)))
    return environment


def test_it_plays_the_same_eagerly_in_a_graph_and_compiled():
    actions, runs = random_actions(70, 3, 16), []
    for compiled in (None, False, True):
        environment = spread(ForagingEnvironment(16, size=5, num_agents=3, sight=2, view="vector", seed=5))
        take = environment.step if compiled is None else tf.function(environment.step, jit_compile=compiled)
        runs.append([tf.nest.map_structure(np.array, take(tuple(map(tf.constant, row)))) for row in actions])
    assert sum(x.is_last().sum() for x in runs[0]) > 16  # more than were ready
    for run in runs[1:]:
        for expected, found in zip(runs[0], run, strict=True):
            tf.nest.map_structure(np.testing.assert_array_equal, expected._replace(reward=0), found._replace(reward=0))
            np.testing.assert_allclose(found.reward, expected.reward, rtol=0, atol=1e-7)
    shown = tf.nest.flatten([x._replace(reward=x.reward.round(4)) for x in runs[0]])
    # If this fails, it shows, pays or draws something else than before: give its page a new version, and say what.
    assert hashlib.sha256(b"".join(x.tobytes() for x in shown)).hexdigest()[:16] == "9301096d04396939"


def test_a_checkpoint_goes_on_as_before_with_the_levels_that_were_ready(tmp_path):
    environment = spread(ForagingEnvironment(8, seed=4))
    take, actions = tf.function(environment.step), random_actions(60, 2, 8)
    for row in actions[:40]:
        take(tuple(map(tf.constant, row)))
    state = environment.get_state()
    assert 0 < state.is_ready.numpy().sum() < 8
    path = tf.train.Checkpoint(environment=environment).write(str(tmp_path / "state"))
    first = [take(tuple(map(tf.constant, row))) for row in actions]
    again = ForagingEnvironment(8, seed=9)
    tf.train.Checkpoint(environment=again).read(path).assert_consumed()
    take, begun = tf.function(again.step), []
    for row, expected in zip(actions, first):
        found = take(tuple(map(tf.constant, row)))
        tf.nest.map_structure(np.testing.assert_array_equal, expected, found)
        begun += again.get_state().level.players.numpy()[found.is_first().numpy()].tolist()
    ready = state.spare.players.numpy()[state.is_ready.numpy()].tolist()
    assert len(begun) > 8 and any(players in ready for players in begun)


def test_no_level_is_played_twice():
    environment = spread(ForagingEnvironment(16, size=12, num_agents=4, num_foods=3, seed=2))
    take, seen = tf.function(environment.step), environment.get_state().level.players.numpy().tolist()
    for row in random_actions(160, 4, 16):
        is_first = take(tuple(map(tf.constant, row))).is_first().numpy()
        seen += environment.get_state().level.players.numpy()[is_first].tolist()
    assert len(seen) >= 16 * 4 and len({tuple(players) for players in seen}) == len(seen)


@pytest.mark.parametrize(
    "settings",
    [
        dict(),
        pytest.param(dict(num_agents=3, sight=2, view="vector", cooperative=True), marks=pytest.mark.slow),
        pytest.param(dict(size=5, sight=1, view="window"), marks=pytest.mark.slow),
    ],
    ids=["default", "vector", "window"],
)
def test_it_keeps_to_the_contract(settings):
    assert imagents.check_environment(TrainConfig("foraging", **settings).environment.build) == []


def test_no_sight_is_full_sight():
    made = [TrainConfig("foraging", sight=sight).environment.build(4, 0).reset() for sight in (0, 8)]
    tf.nest.map_structure(np.testing.assert_array_equal, *made)


@pytest.mark.parametrize(
    "do, sentence",
    [
        (lambda: TrainConfig("foraging", size=4), "size = 4: at least 5 is needed"),
        (lambda: TrainConfig("foraging", size=5, num_agents=9), "num_agents = 9: 1 to 8 fit with size = 5"),
        (lambda: TrainConfig("foraging", num_foods=0), "num_foods = 0: 1 to 36 fit with size = 8"),
        (lambda: TrainConfig("foraging", sight=9), "sight = 9: 0 to size = 8 is needed"),
        (lambda: TrainConfig("foraging", view="map"), "view = 'map': choose relative, vector, window"),
        (lambda: ForagingEnvironment(0), "batch_size = 0: an environment needs at least 1 copy"),
        (lambda: step(ForagingEnvironment(3), [0, 1], [0, 1]),
         "2 times 2 actions: 2 seats times 3 copies are needed"),
        (lambda: ForagingEnvironment(2**40), r"1099511627776 worlds of size = 8 would need [\d,.]+ GB of memory, and "),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(do, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        do()


# Learning


@pytest.mark.slow
def test_who_is_alone_learns_to_find_the_food(tmp_path):
    config = TrainConfig("foraging", size=5, num_agents=1, num_foods=1, steps=100_000, seed=1)
    found = evaluate_run(train(config, tmp_path / "run", quiet=True).path)["agents"]["player_1"]
    assert found["lives"] >= 1000 and found["mean_return"] >= 0.9
