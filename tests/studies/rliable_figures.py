"""What rliable 1.2.0 says of the scores that test_statistics.py has, as JSON; it needs an environment of its own.

    python -m venv V && V/bin/pip install rliable==1.2.0 pandas==2.3.3 && V/bin/python tests/studies/rliable_figures.py

prints what tests/data/rliable.json holds.
"""

import json

import numpy as np

SIZES = {"one stratum": (20, 1), "three strata": (7, 3), "many runs": (30, 5), "few runs": (3, 2)}
THRESHOLDS = (0.2, 0.5, 0.9, 1.5)


def scores(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Two tables of scores `[runs, strata]`, with ties between them."""
    random = np.random.default_rng(len(name))
    first = np.round(random.exponential(size=SIZES[name]), 2)
    return first, np.round(random.exponential(1.5, size=SIZES[name]), 2)


def main() -> None:
    from rliable import library, metrics

    found = {}
    for name in SIZES:
        table, others = scores(name)
        seeded = np.random.RandomState(0)
        _, ends = library.get_interval_estimates(
            {"it": table}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=20_000, random_state=seeded
        )
        profile = library.create_performance_profile({"it": table}, np.array(THRESHOLDS), reps=10)[0]["it"]
        found[name] = {
            "mean": metrics.aggregate_mean(table),
            "median": metrics.aggregate_median(table),
            "interquartile_mean": metrics.aggregate_iqm(table),
            "probability_of_improvement": float(metrics.probability_of_improvement(table, others)),
            "performance_profile": profile.tolist(),
            "percentiles": ends["it"].ravel().tolist(),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
