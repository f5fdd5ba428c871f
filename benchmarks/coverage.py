"""How often the intervals of `imagents.studies.statistics` hold what they should, over simulated studies.

    python -m benchmarks.coverage [--studies 2000] [--resamples 2000]

Prints a table: for each distribution of scores and number of runs, in how many of 100 studies the true interquartile
mean lies in the interval, and in brackets in that of the plain percentile bootstrap; then the same for shares (Wilson),
for probabilities of improvement (Newcombe) and for what agents score more with their twins than with others.
"""

import argparse
import math
from statistics import NormalDist

import numpy as np

from imagents.studies import statistics

RUNS = (3, 5, 10, 30)
LEAST = {("exponential", 3): 0.90}  # of 0.92, where intervals fall short
SHARES = (0.5, 0.8, 0.95)
DISTRIBUTIONS = {
    "normal": lambda random, shape: random.normal(size=shape),
    "beta(8, 2)": lambda random, shape: random.beta(8, 2, shape),
    "exponential": lambda random, shape: random.exponential(size=shape),
    "lognormal": lambda random, shape: random.lognormal(size=shape),
    "80/20 bimodal": lambda random, shape: random.binomial(1, 0.8, shape) + random.normal(0, 0.05, shape),
}


def _skill(random, seeds: int) -> np.ndarray:
    """Nobody knows another one's convention: only twins score what their skill is worth."""
    skill = random.beta(8, 2, seeds)
    return np.where(np.eye(seeds), skill, 0.2 * np.sqrt(np.outer(skill, skill)))


def _effects(random, seeds: int) -> np.ndarray:
    """An effect of the agent, one of its partners, one of the pair, and 1 more with twins."""
    agents, partners = random.normal(size=(seeds, 1)), random.normal(size=seeds)
    return agents + partners + 0.3 * random.normal(size=(seeds, seeds)) + np.eye(seeds)


def _conventions(shares):
    """Each seed has one of several conventions: whoever shares it scores 1, all others 0."""

    def draw(random, seeds: int) -> np.ndarray:
        chosen = random.choice(len(shares), seeds, p=shares)
        return np.equal.outer(chosen, chosen) + 0.05 * random.normal(size=(seeds, seeds))

    return draw


_ROOT = math.gamma(8.5) * math.gamma(10) / math.gamma(8) / math.gamma(10.5)  # the mean root of a beta(8, 2)
CROSS_PLAY = {  # how a table of scores is drawn, and the true gap
    "skill, conventions of one's own": (_skill, 0.8 - 0.2 * _ROOT**2),
    "effects of agents and partners": (_effects, 1.0),
    "four conventions": (_conventions([0.25] * 4), 0.75),
    "two conventions, 80/20": (_conventions([0.8, 0.2]), 0.32),
}


def of_cross_play(name: str, seeds: int, studies: int, resamples: int) -> float:
    """How often an interval holds the true difference between self-play and cross-play."""
    (draw, true), held = CROSS_PLAY[name], 0
    for study in range(studies):
        table = draw(np.random.default_rng([seeds, study]), seeds)
        found = statistics.cross_play_interval(table, resamples, seed=study)
        held += found.low <= true <= found.high
    return held / studies


def of_means(name: str, runs: int, strata: int, studies: int, resamples: int) -> tuple[float, float]:
    """How often an interval holds the true interquartile mean, and how often that of the percentile bootstrap does."""
    draw = DISTRIBUTIONS[name]
    random = np.random.default_rng(runs)
    ranked = np.sort(draw(random, 2_000_000))
    true = ranked[len(ranked) // 4 : -len(ranked) // 4].mean()
    held, plain = 0, 0
    for study in range(studies):
        scores = draw(random, (runs, strata))
        found = statistics.interval(scores, False, resamples, seed=study)
        held += found.low <= true <= found.high
        low, high = np.quantile(statistics.bootstrap(scores, resamples, seed=study), (0.025, 0.975))
        plain += low <= true <= high
    return held / studies, plain / studies


def of_shares(share: float, runs: int, studies: int) -> float:
    """How often Wilson's interval holds the true share of runs that succeed."""
    counts = np.random.default_rng(runs).binomial(runs, share, studies)
    ends = {count: statistics.interval(np.arange(runs) < count) for count in set(counts.tolist())}
    return float(np.mean([ends[count].low <= share <= ends[count].high for count in counts.tolist()]))


def of_improvement(share: float, runs: int, studies: int) -> float:
    """How often Newcombe's interval holds the true probability that a run is better, between normal distributions."""
    random, distance, held = np.random.default_rng(runs), math.sqrt(2) * NormalDist().inv_cdf(share), 0
    for _ in range(studies):
        better, others = random.normal(distance, 1, runs), random.normal(0, 1, runs)
        found = statistics.improvement_interval(better, others)
        held += found.low <= share <= found.high
    return held / studies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=2000)
    options = parser.parse_args()
    print("| scores | " + " | ".join(f"n = {runs}" for runs in RUNS) + " | 5 strata of n = 5 |")
    print("|---" * (len(RUNS) + 2) + "|")
    for name in DISTRIBUTIONS:
        cells = [of_means(name, runs, strata, options.studies, options.resamples)
                 for runs, strata in [*((runs, 1) for runs in RUNS), (5, 5)]]  # fmt: skip
        figures = (f"{100 * held:.1f} ({100 * plain:.1f})" for held, plain in cells)
        print(f"| {name} | " + " | ".join(figures) + " |", flush=True)
    for title, measured in (("share of runs", of_shares), ("probability of improvement", of_improvement)):
        for share in SHARES:
            cells = [f"{100 * measured(share, runs, options.studies):.1f}" if runs > 3 else "" for runs in RUNS]
            print(f"| {title} {share} | " + " | ".join(cells) + " | |")
    for name in CROSS_PLAY:
        cells = [f"{100 * of_cross_play(name, runs, options.studies, options.resamples):.1f}" for runs in RUNS]
        print(f"| cross-play: {name} | " + " | ".join(cells) + " | |", flush=True)


if __name__ == "__main__":
    main()
