"""Whole trainings against independent plain Python: any game of up to 64 cells, any number of parallel games.

The oracle plays a game and a cell at a time. It is told which moves were made and how each game began, and says what
the environment has to show and what both replay buffers have to hold.
`make test` compares 2,000 random games, `make test-slow` 100,000.
"""

import collections
import random
import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import FIRST, LAST, PASS, PlainGame
from small import small_config

from imagents import IMAgent
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.learning.algorithms import dqn
from imagents.training.loop import Trainer, build


class Learned:
    """What each seat learns from one game."""

    def __init__(self, plain: PlainGame):
        self.plain = plain
        self.open = [None, None]  # each seat's decision: board, legal moves and move

    def step(self, action: int, closed: list[list]) -> None:
        """Plays a move; appends to `closed` of each seat the decision that it closes."""
        plain, mover = self.plain, self.plain.seat
        self.open[mover] = [*self.sees(mover), action]
        plain.step(action)
        for seat in (0, 1):
            if self.open[seat] and (plain.step_type == LAST or seat != mover):
                discount = float(plain.step_type != LAST)
                # Until its own next turn a seat is rewarded once at most: at the end.
                closed[seat].append([*self.open[seat], plain.reward[seat], discount, *self.sees(seat)])
                self.open[seat] = None

    def sees(self, seat: int):
        """A seat's view, own stones and the other's, and the legal moves."""
        planes = [[[cell == stone for cell in row] for row in self.plain.board()] for stone in (1 + seat, 2 - seat)]
        return planes, self.plain.legal_moves()


def check_beginning(plain: PlainGame) -> None:
    """A game begins on a board that play can reach, and goes on."""
    counts = collections.Counter(plain.cells)
    assert abs(counts[1] - counts[2]) <= 1 and not all(plain.cells)
    assert counts[1 + plain.seat] <= counts[2 - plain.seat]
    if plain.game.gravity:
        assert all(below for cell, below in zip(plain.cells, plain.cells[plain.game.columns :]) if cell)
    assert not plain.has_line(1) and not plain.has_line(2)


def play_and_compare(game: BoardGame, batch_size: int, plies: int, seed: int, compiled: bool, **arguments) -> int:
    """Two agents play random moves; everything shown and everything kept is compared. Returns the games finished."""
    environment = BoardGameEnvironment(game, batch_size, seed=seed, **arguments)
    specs = environment.time_step_spec(), environment.action_spec()
    length = random.Random(seed).choice([2, 5, 40])
    shared = dict(batch_size=batch_size, algorithm=dqn(hidden_layers=()), epsilon=1.0, replay_length=length)
    agents = [IMAgent(*specs, seat=seat, seed=seed, **shared) for seat in (0, 1)]

    def ply():
        before = environment.current_time_step()
        first, second = (agent.act(before, collect=True) for agent in agents)
        action = tf.where(before.observation["seat"] == 0, first, second)
        after = environment.step(action)
        for agent in agents:
            agent.observe(after)
        return (first, second), after

    if compiled:
        ply = tf.function(ply, autograph=False)
    first = environment.reset()
    for agent in agents:
        agent.observe(first)
    shown = tf.nest.map_structure(lambda x: x.numpy().tolist(), first)
    games = [PlainGame(game, *begin) for begin in zip(shown.observation["seat"], shown.observation["board"])]
    seen = [Learned(plain) for plain in games]
    expected = [collections.deque(maxlen=length * batch_size) for _ in agents]
    finished = 0
    for number in range(plies + 1):
        for i, plain in enumerate(games):
            if plain.step_type == FIRST:
                check_beginning(plain)
            observation = shown.observation
            assert observation["legal_moves"][i] == plain.legal_moves()
            seen_now = shown.step_type[i], shown.reward[i], shown.discount[i], observation["board"][i]
            assert (*seen_now, observation["seat"][i]) == plain.shows()
        if number == plies:
            break
        actions, shown = tf.nest.map_structure(lambda x: x.numpy().tolist(), ply())
        closed = [[], []]
        for i, plain in enumerate(games):
            if plain.step_type == LAST:
                assert actions[0][i] == actions[1][i] == PASS
                games[i] = PlainGame(game, shown.observation["seat"][i], shown.observation["board"][i])
                seen[i] = Learned(games[i])
                finished += 1
            else:
                action = actions[plain.seat][i]
                assert plain.legal_moves()[action] and actions[1 - plain.seat][i] == PASS
                seen[i].step(action, closed)
        for seat, decisions in enumerate(closed):
            expected[seat].extend(decisions)
    for agent, decisions in zip(agents, expected):
        kept = agent.replay_buffer._gather_all()
        assert len(kept.action) == len(decisions)
        kept = [field for field in kept if not isinstance(field, tuple)]  # what only rollouts have
        for field, values in zip(kept, zip(*decisions)):
            np.testing.assert_array_equal(field, np.array(values))
    return finished


@st.composite
def any_game(draw, cells: int = 64) -> BoardGame:
    rows = draw(st.integers(1, cells))
    columns = draw(st.integers(1, cells // rows))
    return BoardGame("any", rows, columns, draw(st.integers(1, max(rows, columns))), draw(st.booleans()))


beginnings = st.fixed_dictionaries(
    {"first_mover": st.sampled_from(["random", "alternate", "seat_0", "seat_1"]), "opening_plies": st.integers(0, 4)}
)


def openings_that_fit(game: BoardGame, arguments: dict) -> dict:
    return arguments | {"opening_plies": min(arguments["opening_plies"], game.rows * game.columns - 1)}


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(any_game(), st.integers(1, 9), st.integers(1, 30), st.integers(0, 2**32), beginnings)
def test_any_game_shows_and_keeps_what_plain_python_does(game, batch_size, plies, seed, arguments):
    play_and_compare(game, batch_size, plies, seed, compiled=False, **openings_that_fit(game, arguments))


def play_random_games(count: int, batch_size: int, seed: int) -> None:
    """Random games of random games, each for as long as its board has cells."""
    rng, finished = random.Random(seed), 0
    while finished < count:
        rows = rng.randint(1, 12)
        columns = rng.randint(1, 64 // rows)
        game = BoardGame("any", rows, columns, rng.randint(1, max(rows, columns)), gravity=rng.random() < 0.5)
        arguments = {"first_mover": rng.choice(["random", "alternate"]), "opening_plies": rng.choice([0, 3])}
        plies = min(rows * columns + 20, 80)
        seed = rng.randrange(2**31)
        arguments = openings_that_fit(game, arguments)
        finished += play_and_compare(game, batch_size, plies, seed, compiled=True, **arguments)


@pytest.mark.slow
def test_two_thousand_random_games_show_and_keep_what_plain_python_does():
    play_random_games(2_000, batch_size=150, seed=1)


@pytest.mark.slow
def test_a_hundred_thousand_random_games_show_and_keep_what_plain_python_does():
    play_random_games(100_000, batch_size=1_000, seed=random.randrange(2**31))


# Chunks and resume points

SMALL = small_config(parallel_games=8, warmup_rounds=3, opening_plies=2, execution="graph")


@pytest.fixture(scope="module")
def trainers() -> list[Trainer]:
    return [build(SMALL), build(SMALL)]


def saved(trainer: Trainer, path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(tf.train.Checkpoint(trainer=trainer).write(str(path / "state")))
    names = set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    # Those of the newest chunk alone:
    chunks = re.compile("_losses|_returns|_lives|_lessons|_notes|motives/_paid|motives/_decisions")
    return {name: reader.get_tensor(name) for name in names if not chunks.search(name)}


def load(trainer: Trainer, path) -> None:
    tf.train.Checkpoint(trainer=trainer).read(str(path / "state")).assert_consumed()


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=6), st.integers(0, 2**31))
def test_any_chunks_and_any_resume_points_give_the_same_training(trainers, tmp_path_factory, chunks, seed):
    """A chunk is its rounds, and whether the training is stopped after it and goes on in another process's objects."""
    path = tmp_path_factory.mktemp("state")
    whole, parts = trainers
    for owner in (whole.environment, *whole.agents):
        for number, generator in enumerate(generators(owner)):
            generator.reset_from_seed(seed + number)
    saved(whole, path)
    load(parts, path)
    for rounds, is_stopped in chunks:
        parts.run(rounds)
        if is_stopped:
            saved(parts, path)
            parts.run(3)  # is forgotten
            load(parts, path)
    ended = saved(parts, path)
    # Both have the same beginning: `whole` is as it was.
    whole.run(sum(rounds for rounds, _ in chunks))
    expected = saved(whole, path)
    assert set(expected) == set(ended)
    for name, value in expected.items():
        if "_tallies" not in name:  # of the newest chunk alone
            np.testing.assert_array_equal(ended[name], value, name)


def generators(owner) -> list[tf.random.Generator]:
    return list(owner._flatten(predicate=lambda x: isinstance(x, tf.random.Generator)))
