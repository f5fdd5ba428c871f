"""Whole trainings against independent plain Python: any game of up to 64 cells, any number of parallel games.

The oracle plays with lists and dictionaries, a game and a cell at a time. It is told which moves were made and how
each game began, and says what the environment has to show and what both replay buffers have to hold.
`make test` compares 2,000 random games, `make test-slow` 100,000.
"""

import collections
import random

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagents import IMAgent
from imagents.config import TrainConfig
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.learning import algorithms as learners
from imagents.seats import PASS
from imagents.training.loop import Trainer, build

FIRST, MID, LAST = 0, 1, 2


class PlainGame:
    """One game, begun on any board, and what each seat learns from it."""

    def __init__(self, game: BoardGame, board: list[list[int]], seat: int):
        self.game, self.seat = game, seat
        self.board = [list(row) for row in board]
        self.step_type, self.reward = FIRST, [0.0, 0.0]
        self.open = [None, None]  # each seat's decision: board, legal moves and move; and the reward since then

    def landing(self, action: int):
        """The cell where a stone comes to lie; None if there is none."""
        if not self.game.gravity:
            row, column = divmod(action, self.game.columns)
            return None if self.board[row][column] else (row, column)
        empty = [row for row in range(self.game.rows) if not self.board[row][action]]
        return (empty[-1], action) if empty else None

    def legal_moves(self) -> list[bool]:
        return [self.landing(action) is not None for action in range(self.game.num_actions)]

    def line_through(self, row: int, column: int) -> bool:
        stone = self.board[row][column]
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            length = 1
            for sign in (1, -1):
                r, c = row + sign * down, column + sign * right
                while 0 <= r < self.game.rows and 0 <= c < self.game.columns and self.board[r][c] == stone:
                    length, r, c = length + 1, r + sign * down, c + sign * right
            if length >= self.game.k:
                return True
        return False

    def is_full(self) -> bool:
        return all(all(row) for row in self.board)

    def step(self, action: int, closed: list[list]) -> None:
        """Plays a move; appends to `closed` of each seat the decision that it closes."""
        mover, answerer = self.seat, 1 - self.seat
        self.open[mover] = [*self.sees(mover), action]
        row, column = self.landing(action)
        self.board[row][column] = 1 + mover
        self.seat, self.step_type, self.reward = answerer, MID, [0.0, 0.0]
        if self.line_through(row, column):
            self.step_type, self.reward[mover], self.reward[answerer] = LAST, 1.0, -1.0
        elif self.is_full():
            self.step_type = LAST
        for seat in (0, 1):
            if self.open[seat] and (self.step_type == LAST or seat == answerer):
                discount = float(self.step_type != LAST)
                # Until its own next turn a seat is rewarded once at most: at the end.
                closed[seat].append([*self.open[seat], self.reward[seat], discount, *self.sees(seat)])
                self.open[seat] = None

    def sees(self, seat: int):
        """A seat's view, own stones and the other's, and the legal moves."""
        planes = [[[cell == stone for cell in row] for row in self.board] for stone in (1 + seat, 2 - seat)]
        return planes, self.legal_moves()


def check_beginning(plain: PlainGame) -> None:
    """A game begins on a board that play can reach, and goes on."""
    cells = [(row, column) for row in range(plain.game.rows) for column in range(plain.game.columns)]
    stones = [cell for cell in cells if plain.board[cell[0]][cell[1]]]
    counts = collections.Counter(plain.board[row][column] for row, column in stones)
    assert abs(counts[1] - counts[2]) <= 1 and not plain.is_full()
    assert counts[1 + plain.seat] <= counts[2 - plain.seat]
    if plain.game.gravity:
        assert all(row == plain.game.rows - 1 or plain.board[row + 1][column] for row, column in stones)
    assert not any(plain.line_through(row, column) for row, column in stones)


def play_and_compare(game: BoardGame, batch_size: int, plies: int, seed: int, compiled: bool, **arguments) -> int:
    """Two agents play random moves; everything shown and everything kept is compared. Returns the games finished."""
    environment = BoardGameEnvironment(game, batch_size, seed=seed, **arguments)
    specs = environment.time_step_spec(), environment.action_spec()
    length = random.Random(seed).choice([2, 5, 40])
    shared = dict(batch_size=batch_size, learner=learners.dqn(hidden_layers=()), epsilon=1.0, replay_length=length)
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
    games = [PlainGame(game, *begin) for begin in zip(shown.observation["board"], shown.observation["seat"])]
    expected = [collections.deque(maxlen=length * batch_size) for _ in agents]
    finished = 0
    for number in range(plies + 1):
        for i, plain in enumerate(games):
            if plain.step_type == FIRST:
                check_beginning(plain)
            assert shown.observation["board"][i] == plain.board
            assert shown.observation["legal_moves"][i] == plain.legal_moves()
            assert shown.observation["seat"][i] == plain.seat
            assert (shown.step_type[i], shown.reward[i]) == (plain.step_type, plain.reward)
            assert shown.discount[i] == float(plain.step_type != LAST)
        if number == plies:
            break
        actions, shown = tf.nest.map_structure(lambda x: x.numpy().tolist(), ply())
        closed = [[], []]
        for i, plain in enumerate(games):
            if plain.step_type == LAST:
                assert actions[0][i] == actions[1][i] == PASS
                games[i] = PlainGame(game, shown.observation["board"][i], shown.observation["seat"][i])
                finished += 1
            else:
                action = actions[plain.seat][i]
                assert plain.landing(action) is not None and actions[1 - plain.seat][i] == PASS
                plain.step(action, closed)
        for seat, decisions in enumerate(closed):
            expected[seat].extend(decisions)
    for agent, decisions in zip(agents, expected):
        kept = agent.replay_buffer._gather_all()
        assert len(kept.action) == len(decisions)
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


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
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


def test_two_thousand_random_games_show_and_keep_what_plain_python_does():
    play_random_games(2_000, batch_size=150, seed=1)


@pytest.mark.slow
def test_a_hundred_thousand_random_games_show_and_keep_what_plain_python_does():
    play_random_games(100_000, batch_size=1_000, seed=random.randrange(2**31))


# Chunks and resume points

SMALL = TrainConfig(
    parallel_games=8, batch_size=16, warmup_rounds=3, hidden_layers=(8,), opening_plies=2, execution="graph"
)


@pytest.fixture(scope="module")
def trainers() -> list[Trainer]:
    return [build(SMALL), build(SMALL)]


def saved(trainer: Trainer, path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(tf.train.Checkpoint(trainer=trainer).write(str(path / "state")))
    names = set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    return {name: reader.get_tensor(name) for name in names if "_losses" not in name and "_returns" not in name}


def load(trainer: Trainer, path) -> None:
    tf.train.Checkpoint(trainer=trainer).read(str(path / "state")).assert_consumed()


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
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
        if "_outcomes" not in name:  # of the newest chunk alone
            np.testing.assert_array_equal(ended[name], value, name)


def generators(owner) -> list[tf.random.Generator]:
    return list(owner._flatten(predicate=lambda x: isinstance(x, tf.random.Generator)))
