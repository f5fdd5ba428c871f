"""How good policies are in poker, exactly: best responses over the whole tree of a game. NumPy alone, in float64.

A joint policy is a table `[I, A]`: how often whoever is asked takes each action, by information state, in the order of
`Poker.information`.

    NashConv = what the best response to each seat's policy gains, added up (Lanctot et al. 2017)
    exploitability = NashConv / 2

which is 0 in an equilibrium, and what a best response wins of the two policies on average over both seats.
"""

import csv
import io
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from imagents.environments.cards.rules import Poker

POLICIES = ("greedy", "softmax", "behaviour", "average")
"""Of a training, those that are measured."""


class Value(NamedTuple):
    """What a joint policy is worth.

    returns: `[2]`, the expected return of each seat; best_responses: `[2]`, the greatest that it could have against the
    other one.
    """

    returns: np.ndarray
    best_responses: np.ndarray

    @property
    def nash_conv(self) -> float:
        """The gains of both, added up."""
        return max(float((self.best_responses - self.returns).sum()), 0.0)  # never below, but for rounding


def value_of(rules: Poker, policy: np.ndarray) -> Value:
    """Measures a joint policy, float64 `[I, A]`."""
    reached = own_reach(rules, policy)  # [2, n, deals]
    worth = _worth(rules, policy)[0].mean()
    best = [_best_response(rules, policy, reached[1 - seat], seat) for seat in range(2)]
    return Value(np.array([worth, 0.0 - worth]), np.array(best))


def uniform_policy(rules: Poker) -> np.ndarray:
    """Every legal action alike, `[I, A]`."""
    legal = rules.legal[rules.information.node].astype(float)
    return legal / legal.sum(axis=1, keepdims=True)


def own_reach(rules: Poker, policy: np.ndarray) -> np.ndarray:
    """How likely each seat's own actions lead to each position if all others do, `[2, n, deals]`."""
    reached = np.ones([2, len(rules.nodes), len(rules.deals)])
    for node in np.flatnonzero(rules.seat >= 0):  # parents come first
        seat, taken = rules.seat[node], policy[rules.information.number[node]]  # [deals, A]
        for action in np.flatnonzero(rules.legal[node]):
            child = rules.child[node, action]
            reached[:, child] = reached[:, node]
            reached[seat, child] *= taken[:, action]
    return reached


def weighted(rules: Poker, policy: np.ndarray) -> np.ndarray:
    """A joint policy times how likely each seat's own actions lead to each of its information states, `[I, A]`."""
    information = rules.information
    return policy * own_reach(rules, policy)[information.seat, information.node, information.deal][:, np.newaxis]


def average(rules: Poker, sums: np.ndarray) -> np.ndarray:
    """The policy that plays like drawing one of several before each game, `[I, A]`, from the sum of them `weighted`.

    Where none of them ever comes it plays every legal action alike.
    """
    total = sums.sum(axis=1, keepdims=True)
    return np.where(total > 0, sums / np.where(total > 0, total, 1), uniform_policy(rules))


def _worth(rules: Poker, policy: np.ndarray) -> np.ndarray:
    """What seat 0 can expect in each position, `[n, deals]`."""
    worth = rules.pays.astype(float)
    for node in np.flatnonzero(rules.seat >= 0)[::-1]:
        taken = policy[rules.information.number[node]]
        worth[node] = (taken * worth[rules.child[node]].T).sum(axis=1)
    return worth


def _best_response(rules: Poker, policy: np.ndarray, reached: np.ndarray, seat: int) -> float:
    """The most that a seat can get: in each information state it knows how likely each deal is, by the other's policy.

    Args:
      reached: the other's own reach, `[n, deals]`.
    """
    worth = rules.pays * (1.0 if seat == 0 else -1.0)
    for node in np.flatnonzero(rules.seat >= 0)[::-1]:
        state, after = rules.information.number[node], worth[rules.child[node]]  # [deals], [A, deals]
        if rules.seat[node] == seat:
            first = state.min()
            by_state = np.array([np.bincount(state - first, reached[node] * each) for each in after])  # [A, states]
            by_state[~rules.legal[node]] = -np.inf
            worth[node] = np.take_along_axis(after, by_state.argmax(axis=0)[np.newaxis, state - first], axis=0)[0]
        else:
            worth[node] = (policy[state] * after.T).sum(axis=1)
    return float(worth[0].mean())


def state_names(rules: Poker) -> list[str]:
    """OpenSpiel's string of each information state."""
    information = rules.information
    names = []
    for seat, node, own, public in zip(*information[:4], strict=True):
        bets = rules.nodes[node]
        if rules.width == 2:
            names.append(f"{own}" + "".join("pb"[action] for action in bets.history[0]))
            continue
        rounds = [*bets.history, ()][:2]
        said = "".join(f"[Round{n}: {' '.join(map(str, each))}]" for n, each in enumerate(rounds, 1))
        shown = f"[Public: {public}]" if public >= 0 else ""
        money = f"[Pot: {sum(bets.paid)}][Money: {100 - bets.paid[0]} {100 - bets.paid[1]}]"
        asked = f"[Observer: {seat}][Private: {own}][Round {len(bets.history)}][Player: {seat}]"
        names.append(f"{asked}{money}{shown}{said}")
    return names


def policies_csv(rules: Poker, policies: Mapping[str, np.ndarray]) -> str:
    """Joint policies as a table, a row for each information state; its columns of numbers are OpenSpiel's actions."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(["policy", "seat", "information_state", *range(rules.width)])
    names = state_names(rules)
    for policy, table in policies.items():
        for seat, name, row in zip(rules.information.seat, names, table, strict=True):
            writer.writerow([policy, int(seat), name, *map(float, row)])
    return text.getvalue()
