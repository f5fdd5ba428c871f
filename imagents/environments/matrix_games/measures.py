"""How good a joint policy is in a matrix game, exactly, where every policy depends on the last joint action at most.

A policy is a table `[S, A]` of probabilities. Row 0 is the start of an episode, and row 1 + j what follows the joint
action of number j, of which there are J = A ** N; so S = 1 + J. NumPy alone, in float64.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Value(NamedTuple):
    """What a joint policy is worth over some plays.

    returns: `[N]`, the expected return of each seat; best_responses: `[N]`, the greatest that it could have against the
    others, whatever it played when; share: `[J]`, of the joint actions in the second half of the plays.
    """

    returns: np.ndarray
    best_responses: np.ndarray
    share: np.ndarray


def value_of(policies: Sequence[np.ndarray], payoffs: np.ndarray, plays: int) -> Value:
    """Measures a joint policy.

    Args:
      policies: of each seat, `[S, A]`.
      payoffs: `[outcomes, A, ..., A, N]`, outcomes being equally likely.
      plays: how many from the start of an episode.
    """
    paid = payoffs.mean(axis=0)  # [A, ..., A, N]
    seats = paid.shape[-1]
    chosen = joint_shares(policies, plays)  # [plays, J]
    returns = chosen.sum(axis=0) @ paid.reshape(-1, seats)
    best = [_best_response(policies, paid[..., seat], seat, plays) for seat in range(seats)]
    return Value(returns, np.array(best), chosen[plays // 2 :].mean(axis=0))


def joint_shares(policies: Sequence[np.ndarray], plays: int) -> np.ndarray:
    """How likely each joint action is in each play, `[plays, J]`."""
    following = _joint(policies)  # [S, J]
    shares = [following[0]]
    for _ in range(plays - 1):
        shares.append(shares[-1] @ following[1:])
    return np.array(shares)


def own_shares(share: np.ndarray, num_actions: int, num_seats: int) -> np.ndarray:
    """How often each seat plays each action, `[N, A]`, where joint actions have the shares `[J]`."""
    share = share.reshape([num_actions] * num_seats)
    return np.array([np.moveaxis(share, seat, 0).reshape(num_actions, -1).sum(axis=1) for seat in range(num_seats)])


def optimal(payoffs: np.ndarray) -> np.ndarray:
    """Which joint actions pay all of them together the most, bool `[J]`."""
    total = payoffs.mean(axis=0).sum(axis=-1).ravel()
    return np.isclose(total, total.max())


def _best_response(policies: Sequence[np.ndarray], paid: np.ndarray, seat: int, plays: int) -> float:
    """The most that a seat can get, by backward induction over plays.

    Args:
      paid: what the seat is paid, `[A, ..., A]`.
    """
    num_actions = paid.shape[0]
    others = _joint([policy for each, policy in enumerate(policies) if each != seat])  # [S, J / A]
    worth = np.zeros(1 + paid.size)  # of what is still to come, by state
    for _ in range(plays):
        total = np.moveaxis(paid + worth[1:].reshape(paid.shape), seat, 0).reshape(num_actions, -1)
        worth = (others @ total.T).max(axis=1)
    return float(worth[0])


def _joint(policies: Sequence[np.ndarray]) -> np.ndarray:
    """The shares of joint actions, seat 0 counting most: tables `[S, A]` -> `[S, A ** n]`."""
    return functools.reduce(lambda x, y: (x[:, :, np.newaxis] * y[:, np.newaxis]).reshape(len(x), -1), policies)
