"""What tests of chance share."""

import math

import numpy as np


def chi_square(x: np.ndarray, y: np.ndarray) -> float:
    """How unlikely it is that two samples of categories are of one distribution: standard deviations, by Wilson and
    Hilferty; rare categories are one."""
    counts = np.array([[np.sum(z == value) for value in np.union1d(x, y)] for z in (x, y)], float)
    expected = counts.sum(axis=0) * np.array([[len(x)], [len(y)]]) / (len(x) + len(y))
    rare = expected.min(axis=0) < 5
    counts, expected = (np.c_[z[:, ~rare], z[:, rare].sum(axis=1)] for z in (counts, expected))
    kept = expected[0] > 0
    degrees = max(kept.sum() - 1, 1)
    found = ((counts - expected)[:, kept] ** 2 / expected[:, kept]).sum() / degrees
    return (found ** (1 / 3) - (1 - 2 / (9 * degrees))) / math.sqrt(2 / (9 * degrees))
