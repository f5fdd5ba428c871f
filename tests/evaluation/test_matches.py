"""Matches: who won, who began, how sure that is, and that copies of one game are not taken for many."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from imagents import InputError
from imagents.environments.boards.arena import Arena
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.players.columns import LinearPlayer
from imagents.evaluation.matches import Match, Results, wilson_interval
from imagents.players.base import FirstLegalPlayer, Player, RandomPlayer
from imagents.players.names import make_player
from imagents.seats import PASS, is_asked


class Scripted(Player):
    """Plays its n-th stone into a cell that a list gives."""

    def __init__(self, seat, cells):
        super().__init__(seat, f"scripted {cells}")
        self._cells = cells

    def choose(self, time_step):
        stones = time_step.observation["board"] == self.seat + 1
        played = tf.reduce_sum(tf.cast(stones, tf.int32), axis=[1, 2])
        return tf.gather(tf.constant(self._cells + [0] * 9), played)


def test_random_against_random_is_what_it_has_to_be():
    """58.49 % of games are won by who moves first, 12.70 % are drawn."""
    match = Arena(TIC_TAC_TOE, 20_000).play(RandomPlayer(0), RandomPlayer(1))
    for results in (match.moving_first, match.moving_second.turned()):
        assert results.games == 10_000
        assert results.win_rate == pytest.approx(0.5849, abs=0.015)
        assert results.draws / results.games == pytest.approx(0.1270, abs=0.01)
    assert match.distinct_games > 15_000 and match.opening_plies == 0


def test_games_are_told_apart_by_who_moves_first():
    """X fills the left column, O the right one; whoever begins is first to complete it."""
    match = Arena(TIC_TAC_TOE, 10).play(Scripted(0, [0, 3, 6]), Scripted(1, [2, 5, 8]), opening_plies=0)
    assert match.moving_first == Results(wins=5, draws=0, losses=0)
    assert match.moving_second == Results(wins=0, draws=0, losses=5)
    assert match.distinct_games == 2


def test_a_draw_is_a_draw():
    # X O X
    # X O O
    # O X X
    match = Arena(TIC_TAC_TOE, 2).play(Scripted(0, [0, 2, 3, 7, 8]), Scripted(1, [1, 4, 5, 6]), opening_plies=0)
    assert match.moving_first == Results(wins=0, draws=1, losses=0)


def test_an_illegal_move_loses():
    arena = Arena(TIC_TAC_TOE, 2)
    match = arena.play(Scripted(0, [4, 4]), Scripted(1, [0, 1, 2]), opening_plies=0)
    assert match.moving_first == match.moving_second == Results(wins=0, draws=0, losses=1)
    match = arena.play(Scripted(0, [0, 1, 2]), Scripted(1, [4, 4]), opening_plies=0)
    assert match.moving_first == match.moving_second == Results(wins=1, draws=0, losses=0)


def test_players_without_chance_are_noticed_and_given_varied_openings():
    arena = Arena(CONNECT_FOUR, 200)
    player, opponent = FirstLegalPlayer(0), LinearPlayer(CONNECT_FOUR, 1)
    match = arena.play(player, opponent)
    assert match.opening_plies == 10 and match.distinct_games > 100
    assert 0 < match.total.wins < 200
    copies = arena.play(player, opponent, opening_plies=0)
    assert copies.opening_plies == 0 and copies.distinct_games == 2
    assert copies.moving_first.wins in (0, 100)


def test_chance_on_one_side_is_enough_to_begin_with_the_empty_board():
    match = Arena(TIC_TAC_TOE, 200).play(FirstLegalPlayer(0), RandomPlayer(1))
    assert match.opening_plies == 0 and match.distinct_games > 50


def test_repeats_with_its_seeds():
    results = [
        Arena(TIC_TAC_TOE, 100, seed=arena).play(RandomPlayer(0, seed=player), FirstLegalPlayer(1), opening_plies=2)
        for arena, player in ((1, 1), (1, 1), (1, 2), (2, 1))
    ]
    assert results[0] == results[1]
    assert results[0] != results[2] and results[0] != results[3]


def test_an_arena_can_be_used_again():
    arena, random, first = Arena(TIC_TAC_TOE, 50), RandomPlayer(0), FirstLegalPlayer(1)
    assert all(arena.play(random, first).games == 50 for _ in range(3))
    assert arena.play(random, RandomPlayer(1)).games == 50


def test_players_in_python_play_the_same_games_as_compiled_ones():
    class Slow(RandomPlayer):
        runs_in_python = True

    results = [Arena(TIC_TAC_TOE, 40).play(kind(0), RandomPlayer(1, "other")) for kind in (RandomPlayer, Slow)]
    assert results[0] == results[1]


def test_nobody_plays_on_in_games_that_are_over():
    class Watched(FirstLegalPlayer):
        runs_in_python = True
        seen = []

        def choose(self, time_step):
            self.seen.append(is_asked(time_step, self.seat).numpy())
            return super().choose(time_step)

    # Moving first it wins with its fourth stone (0, 1, 3 and 6); moving second it loses before its third.
    Arena(TIC_TAC_TOE, 2).play(Watched(0), Scripted(1, [8, 5, 2]), opening_plies=0)
    assert np.sum(Watched.seen, axis=0).tolist() == [3, 2]


def test_who_passes_is_named():
    class Passing(Player):
        def choose(self, time_step):
            return tf.fill(time_step.step_type.shape, PASS)

    with pytest.raises(InputError, match="between random and lazy does not end: somebody passes"):
        Arena(TIC_TAC_TOE, 2).play(RandomPlayer(0), Passing(1, "lazy"))


def test_seats_and_numbers_of_games_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="a match needs a player at seat 0 and one at seat 1"):
        Arena(TIC_TAC_TOE, 2).play(RandomPlayer(1), RandomPlayer(1))
    for num_games in (0, 7):
        with pytest.raises(InputError, match=f"num_games = {num_games}: each side begins half"):
            Arena(TIC_TAC_TOE, num_games)
    with pytest.raises(InputError, match="make it with batch_size = 4"):
        Arena(CONNECT_FOUR, 4).play(make_player("same_column", CONNECT_FOUR, 0, batch_size=2), RandomPlayer(1))


def test_the_other_side_sees_the_same_match_turned():
    match = Match(Results(5, 3, 2), Results(1, 4, 5), distinct_games=19, opening_plies=2)
    assert match.turned() == dataclasses.replace(
        match, moving_first=Results(5, 4, 1), moving_second=Results(2, 3, 5)
    )
    assert match.turned().turned() == match
    assert match.total == Results(6, 7, 7) and match.games == 20
    assert match.total.score == pytest.approx((6 + 3.5) / 20)


def test_a_match_as_json_has_rates_and_their_intervals():
    plain = json.loads(json.dumps(Match(Results(5, 0, 5), Results(10, 0, 0), 20).to_dict()))
    first = plain["moving_first"]
    assert (first["games"], first["win_rate"], first["draw_rate"], first["loss_rate"]) == (10, 0.5, 0.0, 0.5)
    assert first["win_rate_95"] == pytest.approx([0.2366, 0.7634], abs=1e-4)
    assert plain["moving_second"]["loss_rate_95"] == pytest.approx([0.0, 0.2775], abs=1e-4)


@pytest.mark.parametrize(
    "count, total, low, high",
    [  # as published calculators give them
        (0, 10, 0.0000, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0000),
        (490, 500, 0.9636, 0.9891),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_wilson_intervals(count, total, low, high):
    assert wilson_interval(count, total) == pytest.approx((low, high), abs=6e-5)
