"""What every player promises: legal moves only, the same ones with the same seed, eagerly and compiled."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from imagents.environments.boards.environment import ILLEGAL, BoardGameEnvironment
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.players.base import RandomPlayer
from imagents.players.names import make_player
from imagents.seats import PASS

NUM_GAMES = 32
EVERYWHERE = ["random", "first_legal", "heuristic", "heuristic:0.25", "minimax:2", "random=1,heuristic=2"]
PLAYERS = [
    *((TIC_TAC_TOE, name) for name in [*EVERYWHERE, "minimax:4", "perfect", "perfect:value"]),
    *((CONNECT_FOUR, name) for name in [*EVERYWHERE, "same_column", "linear", "beat_last", "linear,same_column=3"]),
]
every_player = pytest.mark.parametrize("game, name", PLAYERS, ids=[f"{g.name}-{n}" for g, n in PLAYERS])
WITHOUT_CHANCE = ("first_legal", "linear")


class Table:
    """Some games at once; compiled, since many players come to it."""

    def __init__(self, game):
        self._environment = BoardGameEnvironment(game, NUM_GAMES, first_mover="alternate")
        self._start = self._environment.get_state()
        self._step = tf.function(self._environment.step, jit_compile=True, autograph=False)

    def begin(self):
        self._environment.set_state(self._start)
        return self._environment.reset()

    def step(self, action):
        time_step = self._step(action)
        assert (self._environment.outcome().numpy() != ILLEGAL).all()
        return time_step


@functools.cache
def table(game) -> Table:
    return Table(game)


def moves_of(player, game, act=None) -> np.ndarray:
    """Lets a player play a game and a half against a random one; returns all its moves `[plies, B]`."""
    opponent = RandomPlayer(1 - player.seat, seed=9)
    moves, act, time_step = [], act or player.act, table(game).begin()
    for ply in range(3 * game.num_cells // 2):
        action = act(time_step) if ply % 2 == player.seat else opponent.act(time_step)
        if ply % 2 == player.seat:
            assert action.dtype == tf.int32
            mine = ~time_step.is_last() & (time_step.observation["seat"] == player.seat)
            np.testing.assert_array_equal(action != PASS, mine)
            moves.append(action.numpy())
        time_step = table(game).step(action)
    return np.stack(moves)


@every_player
def test_plays_legal_moves_in_its_turn_and_repeats_with_its_seed_eagerly_and_compiled(game, name):
    eager, compiled = (make_player(name, game, 1, 7, NUM_GAMES) for _ in range(2))
    moves = moves_of(eager, game)
    assert (moves != PASS).sum() > 2 * NUM_GAMES
    act = tf.function(compiled.act, jit_compile=True, autograph=False)
    np.testing.assert_array_equal(moves, moves_of(compiled, game, act))


@every_player
def test_plays_the_other_seat_and_other_games_with_another_seed(game, name):
    moves, others = (moves_of(make_player(name, game, 0, seed, NUM_GAMES), game) for seed in (7, 8))
    assert (moves == others).all() == (name in WITHOUT_CHANCE)


@every_player
def test_has_the_name_asked_for_and_variables_of_its_own(game, name):
    first, second = (make_player(name, game, 0, batch_size=2) for _ in range(2))
    assert first.name == second.name == name
    assert not {v.ref() for v in first.variables} & {v.ref() for v in second.variables}


def test_the_seats_of_one_player_draw_different_numbers():
    first, second = (make_player("random", TIC_TAC_TOE, seat) for seat in (0, 1))
    time_step = BoardGameEnvironment(TIC_TAC_TOE, 256).reset()
    assert (first.choose(time_step).numpy() != second.choose(time_step).numpy()).any()
