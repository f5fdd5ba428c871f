"""What several runs show together: estimates, and 95 % intervals that hold with few runs. NumPy alone.

The unit is the run: scores are float `[runs]`, or `[runs, strata]` where each run was measured in each stratum, such as
an environment; a run that failed has the worst score that there is, -inf, and is never left out. Estimates are those of
Agarwal et al. 2021 (https://arxiv.org/abs/2108.13264). Their percentile bootstrap is too narrow with few runs; here it
is widened after Hesterberg 2015 (https://arxiv.org/abs/1411.5279), and below five runs a t interval takes its place.
"""

import dataclasses
import math
import statistics

import numpy as np
import numpy.typing as npt

from imagents.evaluation.matches import Z, wilson_interval

LEAST_RUNS = 3  # fewer are an anecdote
_LEVEL = 0.975  # half of the 5 % that an interval may miss lie on either side
_BATCH = 1_000  # resamples at once, which bounds the memory


@dataclasses.dataclass(frozen=True)
class Interval:
    """Where the true value lies, in 95 of 100 studies: low, high, and the method by which they were found."""

    low: float
    high: float
    method: str


def mean(scores: npt.ArrayLike) -> float:
    """The mean over runs and strata."""
    return float(_table(scores).mean())


def median(scores: npt.ArrayLike) -> float:
    """The median over strata of each stratum's mean over runs; with one stratum the median over runs."""
    table = _table(scores)
    return float(np.median(table.mean(axis=0) if table.shape[1] > 1 else table))


def interquartile_mean(scores: npt.ArrayLike) -> float:
    """The mean of what is left of all scores when a quarter, rounded down, is cut off at either end."""
    return float(_trimmed(_table(scores).reshape(1, -1))[0])


def are_outcomes(scores: npt.ArrayLike) -> bool:
    """Whether each run succeeded or did not: whether all scores, of one stratum, are 0 or 1."""
    table = _table(scores)
    return table.shape[1] == 1 and bool(np.isin(table, (0, 1)).all())


def interval(
    scores: npt.ArrayLike, outcomes: bool | None = None, resamples: int = 20_000, seed: int = 0
) -> Interval | None:
    """A 95 % interval of the interquartile mean, or, of outcomes, of their mean: the share of runs that succeed.

    Shares: Wilson 1927. 3 or 4 runs: the t interval of the trimmed mean (Tukey and McLaughlin 1963). From 5 on: the
    bootstrap within strata, at the expanded quantiles of Hesterberg 2015.

    Args:
      scores: `[runs]` or `[runs, strata]`.
      outcomes: whether they are 0 or 1 by their nature; as `are_outcomes` finds if None.
      resamples, seed: of the bootstrap.

    Returns:
      The interval; None for fewer than three runs, or where so many failed that there is none.
    """
    table = _table(scores)
    if len(table) < LEAST_RUNS or not math.isfinite(interquartile_mean(table)):
        return None
    if are_outcomes(table) if outcomes is None else outcomes:
        return Interval(*wilson_interval(int(table.sum()), len(table)), "Wilson")
    if len(table) < 5:
        low, high, method = *_tukey_mclaughlin(table), "Tukey-McLaughlin"
    else:
        drawn, quantiles = bootstrap(table, resamples, seed), expanded_quantiles(*table.shape)
        low, high, method = *map(float, np.quantile(drawn, quantiles, method="inverted_cdf")), "bootstrap, expanded"
    return Interval(low, high, method) if math.isfinite(low) and math.isfinite(high) else None


def bootstrap(scores: npt.ArrayLike, resamples: int = 20_000, seed: int = 0) -> np.ndarray:
    """The interquartile means of so many resamples: float `[resamples]`. Runs are drawn within each stratum."""
    table, random, found = _table(scores), np.random.default_rng(seed), []
    for start in range(0, resamples, _BATCH):
        rows = random.integers(0, len(table), (min(_BATCH, resamples - start), *table.shape))
        found.append(_trimmed(np.take_along_axis(table[None], rows, axis=1).reshape(len(rows), -1)))
    return np.concatenate(found)


def expanded_quantiles(runs: int, strata: int = 1) -> tuple[float, float]:
    """Of a bootstrap's distribution, which is narrower by sqrt((n - 1) / n) than a t interval (Hesterberg 2015)."""
    low = statistics.NormalDist().cdf(-math.sqrt(runs / (runs - 1)) * t_quantile(strata * (runs - 1)))
    return low, 1 - low


def performance_profile(scores: npt.ArrayLike, thresholds: npt.ArrayLike) -> np.ndarray:
    """The share of runs, in all strata, that score more than each threshold: float `[thresholds]`."""
    return (_table(scores)[..., None] > np.asarray(thresholds)).mean(axis=(0, 1))


def probability_of_improvement(scores: npt.ArrayLike, others: npt.ArrayLike) -> float:
    """How probable it is that a run scores more than one of the others does, ties counted half; mean over strata."""
    return float(np.mean(_wins(_table(scores), _table(others))))


def improvement_interval(scores: npt.ArrayLike, others: npt.ArrayLike) -> Interval | None:
    """A 95 % interval of the probability of improvement: Newcombe 2006, method 5; None for fewer than three runs.

    Those of several strata are put together as if they were independent: distances to the ends add up in squares.
    """
    table, other = _table(scores), _table(others)
    if min(len(table), len(other)) < LEAST_RUNS:
        return None
    wins = _wins(table, other)
    ends = np.array([newcombe_interval(win, len(table), len(other)) for win in wins])
    below, above = np.sqrt(((ends - wins[:, None]) ** 2).sum(axis=0)) / len(wins)
    return Interval(float(wins.mean() - below), float(wins.mean() + above), "Newcombe")


def newcombe_interval(share: float, first: int, second: int) -> tuple[float, float]:
    """The 95 % interval of a Mann-Whitney share U / mn (Newcombe 2006, method 5, https://doi.org/10.1002/sim.2324)."""

    def excess(true: float) -> float:
        half = (first + second) / 2 - 1
        spread = 1 + half * ((1 - true) / (2 - true) + true / (1 + true))
        return abs(share - true) - Z * math.sqrt(true * (1 - true) * spread / (first * second))

    low = 0.0 if share == 0 else _root(excess, 0.0, share)
    return low, 1.0 if share == 1 else _root(excess, 1.0, share)


def cross_play_gap(scores: npt.ArrayLike) -> float:
    """How much more agents score with their twins, those that they learned with, than with those of other seeds.

    Args:
      scores: float `[seeds, seeds]`, of the agent of each seed with the partners of each: its own on the diagonal.
    """
    table = np.asarray(scores, float)
    return float(_gaps(table, np.ones([1, len(table)]))[0])


def cross_play_interval(scores: npt.ArrayLike, resamples: int = 20_000, seed: int = 0) -> Interval | None:
    """A 95 % interval of that, in which seeds are the unit, not pairs; None for fewer than three.

    A seed is in a row and in a column at once, so pairs depend on each other: seeds are drawn, with replacement, and
    bring their rows and columns with them (a bootstrap of vertices: Snijders and Borgatti 1999). What a seed that was
    drawn twice scores with itself is no cross-play and is left out. The ends are Hesterberg's expanded quantiles, as of
    `interval`. With 3 or 4 seeds resamples are too few, and the interval is the jackknife's, by Student's t: the gap is
    a U statistic, a mean over pairs (Arvesen 1969, https://doi.org/10.1214/aoms/1177697287).

    Args:
      scores: as of `cross_play_gap`.
      resamples, seed: of the bootstrap.
    """
    table = np.asarray(scores, float)
    seeds = len(table)
    if seeds < LEAST_RUNS:
        return None
    if seeds < 5:
        without = _gaps(table, 1.0 - np.eye(seeds))
        error = math.sqrt((seeds - 1) * float(np.var(without)))
        half = t_quantile(seeds - 1) * error
        return Interval(cross_play_gap(table) - half, cross_play_gap(table) + half, "jackknife")
    often = np.random.default_rng(seed).multinomial(seeds, np.full(seeds, 1 / seeds), resamples)
    drawn = _gaps(table, often[(often < seeds).all(axis=1)].astype(float))
    ends = np.quantile(drawn, expanded_quantiles(seeds), method="inverted_cdf")
    return Interval(*map(float, ends), "bootstrap, expanded")


def t_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t distribution with so many degrees of freedom."""

    def excess(angle: float) -> float:  # the distribution function in closed form, of t = sqrt(freedom) tan(angle)
        cosine, terms, term = math.cos(angle), 0.0, math.cos(angle) if freedom % 2 else 1.0
        for k in range(2 + freedom % 2, freedom + 1, 2):
            terms, term = terms + term, term * (k - 1) / k * cosine**2
        within = math.sin(angle) * terms
        return _LEVEL - 0.5 - (angle + within if freedom % 2 else math.pi / 2 * within) / math.pi

    return math.sqrt(freedom) * math.tan(_root(excess, 0.0, math.pi / 2))


def _table(scores: npt.ArrayLike) -> np.ndarray:
    table = np.asarray(scores, float)
    return table[:, None] if table.ndim == 1 else table


def _trimmed(rows: np.ndarray) -> np.ndarray:
    """Of each row, the mean without a quarter at either end: `[rows, scores]` to `[rows]`."""
    cut = rows.shape[1] // 4
    return np.sort(rows, axis=1)[:, cut : rows.shape[1] - cut].mean(axis=1)


def _wins(table: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How often a run of the first beats one of the second, in each stratum: `[strata]`."""
    first, second = table[:, None], other[None]
    return (first > second).mean(axis=(0, 1)) + (first == second).mean(axis=(0, 1)) / 2


def _gaps(table: np.ndarray, often: np.ndarray) -> np.ndarray:
    """The gap of cross-play where each seed is there so often: float `[resamples, seeds]` to `[resamples]`."""
    table = table - table[0, 0]  # which changes no gap, and leaves none where all scores are the same
    twins = often @ np.diag(table) / often.sum(axis=1)
    others = ((often @ (table - np.diag(np.diag(table)))) * often).sum(axis=1)
    return twins - others / (often.sum(axis=1) ** 2 - (often**2).sum(axis=1))


def _tukey_mclaughlin(table: np.ndarray) -> tuple[float, float]:
    """Around the strata's mean of trimmed means, with the spread of winsorized scores."""
    runs, cut = len(table), len(table) // 4
    ranked = np.sort(table, axis=0)
    kept = runs - 2 * cut
    spread = np.clip(ranked, ranked[cut], ranked[runs - 1 - cut]).var(axis=0, ddof=1)
    error = np.sqrt(((runs - 1) * spread / (kept * (kept - 1))).sum()) / table.shape[1]
    centre, half = float(ranked[cut : runs - cut].mean()), t_quantile(kept - 1) * float(error)
    return centre - half, centre + half


def _root(function, start: float, end: float) -> float:
    """Where a function that has one sign at `start` and the other at `end` is zero."""
    sign = function(start) > 0
    for _ in range(60):
        middle = (start + end) / 2
        start, end = (middle, end) if (function(middle) > 0) == sign else (start, middle)
    return (start + end) / 2
