"""Ratings against closed forms, against games drawn from known strengths, and at their limits."""

import json

import numpy as np
import pytest

from imagents import InputError
from imagents.evaluation.elo import ELO_PER_UNIT, rate


def results_of(names, games):
    """`games`: (first mover, second mover) -> (wins of the first, draws, wins of the second)."""
    results = np.zeros([len(names), len(names), 3], int)
    for (first, second), counts in games.items():
        results[names.index(first), names.index(second)] = counts
    return results


def drawn_results(rng, elo, games, advantage=0.0, draws=1.0):
    """Games drawn from the model, `games` in each order of each pair."""
    strength = np.exp(np.asarray(elo) / ELO_PER_UNIT)
    results = np.zeros([len(elo), len(elo), 3], int)
    for i in range(len(elo)):
        for j in range(len(elo)):
            if i != j:
                odds = np.array([
                    np.exp(advantage / ELO_PER_UNIT) * strength[i],
                    draws * np.sqrt(strength[i] * strength[j]),
                    strength[j],
                ])
                results[i, j] = rng.multinomial(games, odds / odds.sum())
    return results


def test_of_two_players_it_is_the_odds_of_winning():
    """The difference is 400 log10(wins / losses), whatever the draws; a third of a win and of a loss are added."""
    games = {("strong", "weak"): (300, 100, 100), ("weak", "strong"): (100, 100, 300)}
    ratings = rate(["strong", "weak"], results_of(["strong", "weak"], games))
    assert ratings.elo[0] - ratings.elo[1] == pytest.approx(400 * np.log10(300.333333 / 100.333333))
    assert ratings.elo.sum() == pytest.approx(0, abs=1e-9)
    assert ratings.first_mover_advantage == pytest.approx(0, abs=1e-6)


def test_moving_first_is_told_apart_from_strength():
    """Equals, of whom the first mover wins 60 % and loses 20 %."""
    games = {("a", "b"): (600, 200, 200), ("b", "a"): (600, 200, 200)}
    ratings = rate(["a", "b"], results_of(["a", "b"], games))
    np.testing.assert_allclose(ratings.elo, 0, atol=1e-6)
    assert ratings.first_mover_advantage == pytest.approx(400 * np.log10(3), rel=0.01)


def test_the_rate_of_draws_between_equals():
    games = {("a", "b"): (250, 500, 250), ("b", "a"): (250, 500, 250)}
    ratings = rate(["a", "b"], results_of(["a", "b"], games))
    assert ratings.draw_rate == pytest.approx(0.5, abs=0.001)


def test_known_strengths_are_found_and_lie_in_their_intervals():
    elo = np.array([-300.0, -100, 0, 150, 250])
    inside, width = 0, 0.0
    for seed in range(10):
        results = drawn_results(np.random.default_rng(seed), elo, 200, advantage=80, draws=0.7)
        ratings = rate(list("abcde"), results, seed=seed, samples=100)
        np.testing.assert_allclose(ratings.elo, elo, atol=60)
        assert ratings.first_mover_advantage == pytest.approx(80, abs=40)
        assert ratings.draw_rate == pytest.approx(0.7 / 2.7, abs=0.04)
        inside += ((ratings.low <= elo) & (elo <= ratings.high)).sum()
        width += (ratings.high - ratings.low).mean() / 10
    assert 42 <= inside <= 50  # of 50; 47.5 are expected
    assert 15 < width < 50


def test_more_games_make_it_surer():
    few, many = (
        rate(["a", "b"], drawn_results(np.random.default_rng(0), [0, 100], games)) for games in (50, 5000)
    )
    assert (many.high - many.low).max() < 0.2 * (few.high - few.low).max()


def test_a_player_that_won_every_game_has_a_rating():
    ratings = rate(["a", "b"], results_of(["a", "b"], {("a", "b"): (500, 0, 0), ("b", "a"): (0, 0, 500)}))
    assert ratings.elo[0] - ratings.elo[1] == pytest.approx(400 * np.log10(500.333333 / 0.333333))
    assert np.isfinite([ratings.low, ratings.high]).all()


def test_strength_goes_through_opponents_in_common():
    games = {("a", "b"): (75, 0, 25), ("b", "a"): (25, 0, 75), ("b", "c"): (75, 0, 25), ("c", "b"): (25, 0, 75)}
    ratings = rate(list("abc"), results_of(list("abc"), games))
    assert ratings.elo[0] - ratings.elo[2] == pytest.approx(2 * 400 * np.log10(3), rel=0.02)


def test_zero_is_the_mean_or_a_player():
    results = drawn_results(np.random.default_rng(1), [0, 100, 200], 100)
    mean, anchored = rate(list("abc"), results), rate(list("abc"), results, zero="b")
    assert mean.elo.mean() == pytest.approx(0, abs=1e-9)
    assert (anchored.elo[1], anchored.low[1], anchored.high[1]) == (0, 0, 0)
    np.testing.assert_allclose(anchored.elo - anchored.elo[0], mean.elo - mean.elo[0], atol=1e-6)


def test_it_is_the_likeliest():
    """No small change of any rating makes the games likelier."""
    results = drawn_results(np.random.default_rng(2), [0, 50, 300], 100, advantage=50)
    ratings = rate(list("abc"), results)

    def log_likelihood(elo, advantage, draws):
        total = 0.0
        for i in range(3):
            for j in range(3):
                if i != j:
                    odds = np.array([
                        np.exp((elo[i] + advantage) / ELO_PER_UNIT),
                        draws * np.exp((elo[i] + elo[j]) / 2 / ELO_PER_UNIT),
                        np.exp(elo[j] / ELO_PER_UNIT),
                    ])
                    total += (results[i, j] + 1 / 3) @ np.log(odds / odds.sum())
        return total

    advantage = ratings.first_mover_advantage
    draws = 2 * ratings.draw_rate / (1 - ratings.draw_rate)
    best = log_likelihood(ratings.elo, advantage, draws)
    for change in (-1, 1):
        for player in range(3):
            assert log_likelihood(ratings.elo + change * np.eye(3)[player], advantage, draws) < best
        assert log_likelihood(ratings.elo, advantage + change, draws) < best
        assert log_likelihood(ratings.elo, advantage, draws * 1.01**change) < best


def test_repeats_with_its_seed():
    results = drawn_results(np.random.default_rng(3), [0, 100], 50)
    same, again, other = (rate(["a", "b"], results, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(same.low, again.low)
    assert (same.low != other.low).any()


def test_as_json():
    results = drawn_results(np.random.default_rng(4), [0, 100], 50)
    plain = json.loads(json.dumps(rate(["a", "b"], results, zero="a").to_dict()))
    assert plain["zero"] == "a" and plain["players"]["a"] == {"elo": 0.0, "elo_95": [0.0, 0.0]}
    low, high = plain["players"]["b"]["elo_95"]
    assert low < plain["players"]["b"]["elo"] < high


def test_players_who_never_met_are_refused():
    games = {("a", "b"): (1, 1, 1), ("c", "d"): (1, 1, 1)}
    with pytest.raises(InputError, match="ratings need games that connect all players: a never met c, d"):
        rate(list("abcd"), results_of(list("abcd"), games))
    with pytest.raises(InputError, match="a never met anybody"):
        rate(["a"], np.zeros([1, 1, 3], int))


def test_results_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"results have shape \(2, 2\): 3 players need \[N, N, 3\]"):
        rate(list("abc"), np.zeros([2, 2]))
    with pytest.raises(InputError, match="'z' is none of the players a, b"):
        rate(["a", "b"], np.ones([2, 2, 3], int), zero="z")
