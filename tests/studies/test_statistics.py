"""Estimates over runs are rliable's; intervals hold what they say, with few runs too."""

import json
import math
import pathlib

import numpy as np
import pytest
from studies.rliable_figures import SIZES, THRESHOLDS, scores

from benchmarks import coverage
from imagents.studies import statistics

RLIABLE = json.loads(pathlib.Path(__file__).parents[1].joinpath("data", "rliable.json").read_text())


@pytest.mark.parametrize("name", SIZES)
def test_estimates_are_those_of_rliable(name):
    first, others = scores(name)
    found = {
        "mean": statistics.mean(first),
        "median": statistics.median(first),
        "interquartile_mean": statistics.interquartile_mean(first),
        "probability_of_improvement": statistics.probability_of_improvement(first, others),
        "performance_profile": statistics.performance_profile(first, THRESHOLDS),
    }
    if first.shape[1] == 1:  # rliable's median is over strata: of one it is the mean
        assert found.pop("median") == np.median(first)
    for key, value in found.items():
        np.testing.assert_allclose(value, RLIABLE[name][key], rtol=0, atol=1e-12)
    if len(first) < 5:
        return  # three runs have ten means: an end is one or the other by chance
    low, high = RLIABLE[name]["percentiles"]
    ours = np.quantile(statistics.bootstrap(first), (0.025, 0.975))
    np.testing.assert_allclose(ours, [low, high], rtol=0, atol=0.02 * (high - low))


def test_quantiles_of_student():
    """Those of any table."""
    known = {1: 12.706205, 2: 4.302653, 3: 3.182446, 4: 2.776445, 9: 2.262157, 29: 2.045230, 120: 1.979930}
    assert {freedom: round(statistics.t_quantile(freedom), 6) for freedom in known} == known


def test_three_or_four_runs_have_the_t_interval_of_their_trimmed_mean():
    low, high, method = vars(statistics.interval([1.0, 2.0, 6.0])).values()
    half = 4.302653 * math.sqrt(7 / 3)  # nothing is cut off: the ordinary t interval
    assert method == "Tukey-McLaughlin" and (low, high) == pytest.approx((3 - half, 3 + half))
    low, high, _ = vars(statistics.interval([1.0, 2.0, 6.0, 90.0])).values()
    half = 12.706205 * math.sqrt(3 * (16 / 3) / (2 * 1))  # winsorized: 2, 2, 6, 6
    assert (low, high) == pytest.approx((4 - half, 4 + half))


def test_a_bootstraps_quantiles_are_those_of_hesterberg():
    """Far out for five runs, and where everybody has them for many."""
    low, high = statistics.expanded_quantiles(5)
    assert low == pytest.approx(0.00096, abs=1e-5) and high == 1 - low
    assert statistics.expanded_quantiles(1000)[0] == pytest.approx(0.025, abs=2e-4)


def test_runs_that_succeed_or_do_not_are_a_share():
    found = statistics.interval([1, 1, 1, 0, 1])
    assert found.method == "Wilson" and (found.low, found.high) == pytest.approx((0.3755, 0.9638), abs=1e-4)


def test_newcombes_interval_solves_his_equation():
    for share, first, second in ((0.5, 5, 5), (0.8, 10, 4), (0.3, 3, 30)):
        half = (first + second) / 2 - 1
        for true in statistics.newcombe_interval(share, first, second):
            spread = 1 + half * ((1 - true) / (2 - true) + true / (1 + true))
            variance = true * (1 - true) * spread / (first * second)
            assert (share - true) ** 2 == pytest.approx(1.959964**2 * variance)
    low, high = statistics.newcombe_interval(1.0, 8, 8)
    assert 0.6 < low < 1 and high == 1
    assert statistics.newcombe_interval(0.0, 8, 8) == pytest.approx((1 - high, 1 - low))


def test_two_runs_are_an_anecdote():
    assert statistics.interval([1.0, 2.0]) is None
    assert statistics.improvement_interval([1.0, 2.0], [1.0, 2.0, 3.0]) is None


def test_a_run_that_failed_counts_as_the_worst():
    assert statistics.interquartile_mean([-math.inf, 1.0, 2.0, 3.0, 4.0]) == 2  # a quarter at either end is cut off
    assert statistics.interquartile_mean([-math.inf, -math.inf, 2.0, 3.0, 4.0]) == -math.inf
    assert statistics.interval([-math.inf, -math.inf, 2.0, 3.0, 4.0]) is None
    assert statistics.probability_of_improvement([-math.inf, 1.0], [0.0]) == 0.5


def test_the_same_scores_have_the_same_interval():
    table = np.random.default_rng(0).normal(size=(7, 3))
    assert statistics.interval(table) == statistics.interval(table.tolist())
    assert statistics.interval(table[::-1]).low == pytest.approx(statistics.interval(table).low, abs=0.02)


def test_strata_are_resampled_each_for_itself():
    """Runs that differ between strata only: no resample differs from another."""
    table = np.tile([0.0, 10.0, 20.0], (6, 1))
    assert np.ptp(statistics.bootstrap(table, 50)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", coverage.DISTRIBUTIONS)
def test_intervals_of_means_hold_what_they_say(name):
    for runs in coverage.RUNS:
        held, plain = coverage.of_means(name, runs, 1, studies=2000, resamples=1000)
        assert coverage.LEAST.get((name, runs), 0.92) <= held <= 0.98, (runs, held)
        assert runs > 5 or held > plain
    assert coverage.of_means(name, 5, 5, studies=2000, resamples=1000)[0] >= 0.91


@pytest.mark.slow
@pytest.mark.parametrize("runs", coverage.RUNS[1:])
@pytest.mark.parametrize("share", coverage.SHARES)
def test_intervals_of_shares_and_of_improvement_hold_what_they_say(share, runs):
    assert 0.90 <= coverage.of_shares(share, runs, 20_000) <= 0.985
    assert 0.91 <= coverage.of_improvement(share, runs, 2000) <= 0.985
