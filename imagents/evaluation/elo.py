"""Elo ratings of players that met each other, with draws, moving first, and confidence intervals.

The model is Davidson's, with the advantage of moving first (Davidson 1970, https://doi.org/10.2307/2283595; Davidson
and Beaver 1977, https://doi.org/10.2307/2529467): player i, moving first, wins against j, draws or loses in
proportion to

    advantage * s_i    draws * sqrt(s_i * s_j)    s_j

and a player's Elo is 400 * log10(s). All are found at once by maximum likelihood, which here is a concave problem
that Newton's method solves in a few steps. Two players that met are given one more game in each order, a third of it
won, drawn and lost: without it a player that won all its games would be infinitely strong (as without the prior of
Bayeselo, https://www.remi-coulom.fr/Bayesian-Elo/). Confidence intervals come from the bootstrap (Efron 1979,
https://doi.org/10.1214/aos/1176344552): the games of each pair are drawn again, with replacement, and rated again.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from imagents.errors import InputError, check_seed

ELO_PER_UNIT = 400 / np.log(10)  # of the natural logarithm of a strength
_PRIOR = 1 / 3  # of a game with each result, for each pair in each order
_LARGEST_STEP = 2.0  # of Newton's method, in natural units: keeps it from overshooting


@dataclasses.dataclass(frozen=True, eq=False)
class Ratings:
    """Elo ratings of N players.

    names:  the players.
    elo:    float64 `[N]`.
    low, high: float64 `[N]`, the 95 % confidence interval, relative to the same zero.
    zero:   the player whose Elo is 0, or "" if the mean of all is 0.
    first_mover_advantage: in Elo, what moving first is worth between equals.
    draw_rate: share of draws between equals.
    """

    names: tuple[str, ...]
    elo: np.ndarray
    low: np.ndarray
    high: np.ndarray
    zero: str
    first_mover_advantage: float
    draw_rate: float

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        players = {
            name: {"elo": float(self.elo[i]), "elo_95": [float(self.low[i]), float(self.high[i])]}
            for i, name in enumerate(self.names)
        }
        return {
            "players": players,
            "zero": self.zero,
            "first_mover_advantage": self.first_mover_advantage,
            "draw_rate": self.draw_rate,
        }


def rate(names: Sequence[str], results: np.ndarray, zero: str = "", samples: int = 200, seed: int = 0) -> Ratings:
    """Rates players by their games.

    Args:
      names: of the N players.
      results: int `[N, N, 3]`: of the games in which i moved first against j, those that i won, that were drawn, and
        that j won. The diagonal does not count.
      zero: the player whose Elo is 0; "" for a mean of 0.
      samples: of the bootstrap.
      seed: of the bootstrap.

    Raises:
      InputError: if shapes do not fit, or not everybody can be compared with everybody.
    """
    check_seed(seed)
    results = np.array(results, float)
    if results.shape != (len(names), len(names), 3):
        raise InputError(f"results have shape {results.shape}: {len(names)} players need [N, N, 3]")
    if zero and zero not in names:
        raise InputError(f"{zero!r} is none of the players {', '.join(names)}")
    results[np.arange(len(names)), np.arange(len(names))] = 0
    played = results.sum(axis=2)
    _check_connected(names, played)
    first, second = np.nonzero((played + played.T) > 0)
    counts = results[first, second]  # [pairs in order, 3]
    design = _design(len(names), first, second)
    start = _maximum_likelihood(design, counts + _PRIOR, np.zeros(len(names) + 2))
    rng = np.random.default_rng(seed)
    games = counts.sum(axis=1).astype(int)
    shares = counts / np.maximum(games, 1)[:, np.newaxis]
    drawn = [
        _maximum_likelihood(design, rng.multinomial(games, shares) + _PRIOR, start) for _ in range(samples)
    ]
    elo, sampled = (_elo(np.asarray(x), names, zero) for x in (start, drawn))
    low, high = np.percentile(sampled, [2.5, 97.5], axis=0)
    draws = np.exp(start[-1])
    return Ratings(
        tuple(names), elo, low, high, zero, float(start[-2] * ELO_PER_UNIT), float(draws / (2 + draws))
    )


def _design(num_players: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How log-odds of (win, draw, loss) depend on the parameters (strengths, advantage, draws): `[P, 3, N + 2]`."""
    pairs = np.arange(len(first))
    design = np.zeros([len(first), 3, num_players + 2])
    design[pairs, 0, first] = 1
    design[pairs, 0, -2] = 1
    design[pairs, 1, first] = design[pairs, 1, second] = 0.5
    design[pairs, 1, -1] = 1
    design[pairs, 2, second] = 1
    return design


def _maximum_likelihood(design: np.ndarray, counts: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The parameters, float64 `[N + 2]`, under which the counts `[P, 3]` are likeliest; strengths have mean 0."""
    parameters = start.copy()
    num_players = len(start) - 2
    total = counts.sum(axis=1, keepdims=True)
    # The likelihood does not change if all strengths grow alike; this direction of no curvature is given some.
    level = np.zeros([len(start), len(start)])
    level[:num_players, :num_players] = 1
    for _ in range(100):
        utility = design @ parameters
        share = np.exp(utility - utility.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        gradient = np.tensordot(counts - total * share, design, 2)
        mean = np.einsum("po,pok->pk", share, design)
        second_moment = np.tensordot((total * share)[:, :, np.newaxis] * design, design, ([0, 1], [0, 1]))
        curvature = second_moment - (total * mean).T @ mean
        step = np.linalg.solve(curvature + level, gradient)
        parameters += step * min(1.0, _LARGEST_STEP / abs(step).max(initial=1e-300))
        if abs(step).max() < 1e-9:
            break
    parameters[:num_players] -= parameters[:num_players].mean()
    return parameters


def _elo(parameters: np.ndarray, names: Sequence[str], zero: str) -> np.ndarray:
    """`[..., N + 2]` -> Elo `[..., N]`."""
    elo = parameters[..., :-2] * ELO_PER_UNIT
    return elo - elo[..., [list(names).index(zero)]] if zero else elo


def _check_connected(names: Sequence[str], played: np.ndarray) -> None:
    met = (played + played.T) > 0
    reached = np.zeros(len(names), bool)
    reached[:1] = True
    for _ in names:
        reached |= met[reached].any(axis=0)
    if len(names) < 2 or not reached.all():
        apart = ", ".join(name for name, is_reached in zip(names, reached) if not is_reached)
        raise InputError(f"ratings need games that connect all players: {names[0]} never met {apart or 'anybody'}")
