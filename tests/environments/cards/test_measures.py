"""Measures are exact: beside figures known in closed form, plain search over all policies, and OpenSpiel."""

import csv
import io
import itertools

import numpy as np
import pytest

from imagents.environments.cards.measures import (
    average,
    policies_csv,
    state_names,
    uniform_policy,
    value_of,
    weighted,
)
from imagents.environments.cards.players import equilibrium
from imagents.environments.cards.rules import KUHN, LEDUC

GAMES = {"kuhn_poker": KUHN, "leduc_poker": LEDUC}
every_game = pytest.mark.parametrize("name", GAMES)


def random_policy(rules, rng, sharpness: float = 0.3) -> np.ndarray:
    """A joint policy, some of whose probabilities are near 0."""
    policy = uniform_policy(rules) * (rng.gamma(sharpness, size=[len(rules.information.seat), rules.width]) + 1e-9)
    return policy / policy.sum(axis=1, keepdims=True)


def pure_policies(seat: int) -> list[np.ndarray]:
    """All ways in which a seat of Kuhn poker can play without drawing anything; the other one plays at random."""
    own = np.flatnonzero(KUHN.information.seat == seat)
    found = []
    for actions in itertools.product(range(2), repeat=len(own)):
        found.append(uniform_policy(KUHN))
        found[-1][own] = np.eye(2)[list(actions)]
    return found


def together(rules, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A joint policy of one joint policy's seat 0 and another's seat 1."""
    return np.where(rules.information.seat[:, np.newaxis] == 0, first, second)


# Closed figures


@pytest.mark.parametrize("rules, nash_conv", [(KUHN, 11 / 12), (LEDUC, 4.747222222222222)], ids=["kuhn", "leduc"])
def test_random_play_is_as_exploitable_as_known(rules, nash_conv):
    assert value_of(rules, uniform_policy(rules)).nash_conv == pytest.approx(nash_conv, abs=1e-9)


@every_game
def test_who_gives_up_whenever_possible_can_be_robbed_of_both_antes(name):
    rules = GAMES[name]
    first = np.eye(rules.width)[rules.legal[rules.information.node].argmax(axis=1)]
    assert value_of(rules, first).nash_conv == pytest.approx(2)


@pytest.mark.parametrize("alpha", [0, 0.2, 1 / 3])
def test_an_equilibrium_of_kuhn_is_worth_a_loss_of_an_eighteenth_and_nobody_gains(alpha):
    value = value_of(KUHN, equilibrium(alpha))
    np.testing.assert_allclose(value.returns, [-1 / 18, 1 / 18], atol=1e-12)
    assert value.nash_conv == pytest.approx(0, abs=1e-12)


def test_what_bluffs_too_often_is_no_equilibrium():
    policy = equilibrium(1 / 3)
    policy[0] = [0.5, 0.5]  # the worst card, at the start
    assert value_of(KUHN, policy).nash_conv > 0.01


# Plain search


def test_a_best_response_is_the_best_of_all_pure_policies():
    policy = random_policy(KUHN, np.random.default_rng(0))
    first = max(value_of(KUHN, together(KUHN, pure, policy)).returns[0] for pure in pure_policies(0))
    second = max(value_of(KUHN, together(KUHN, policy, pure)).returns[1] for pure in pure_policies(1))
    np.testing.assert_allclose(value_of(KUHN, policy).best_responses, [first, second])


def test_in_kuhn_no_pure_policies_are_less_exploitable_than_a_sixth():
    """What a best response to a seat gets has nothing to do with the other seat: so each for itself."""
    least = [min(value_of(KUHN, pure).best_responses[1 - seat] for pure in pure_policies(seat)) for seat in range(2)]
    assert sum(least) / 2 == pytest.approx(1 / 6)


# Averages


@every_game
def test_an_average_plays_as_who_draws_one_of_its_policies_before_each_game(name):
    rules, rng = GAMES[name], np.random.default_rng(1)
    policies, other = [random_policy(rules, rng) for _ in range(4)], random_policy(rules, rng)
    mean = average(rules, sum(weighted(rules, policy) for policy in policies))
    np.testing.assert_allclose(mean.sum(axis=1), 1)
    for seats in (lambda own: together(rules, own, other), lambda own: together(rules, other, own)):
        returns = [value_of(rules, seats(policy)).returns for policy in policies]
        np.testing.assert_allclose(value_of(rules, seats(mean)).returns, np.mean(returns, axis=0))


def test_an_information_state_counts_as_much_as_its_owner_comes_there():
    """Seat 0 with a jack passes always or never: what it does when that is met by a bet is the first policy's."""
    passes, bets = uniform_policy(KUHN), uniform_policy(KUHN)
    names = state_names(KUHN)
    start, met = names.index("0"), names.index("0pb")
    passes[start], passes[met], bets[start], bets[met] = [1, 0], [0.9, 0.1], [0, 1], [0.2, 0.8]
    mean = average(KUHN, weighted(KUHN, passes) + weighted(KUHN, bets))
    np.testing.assert_allclose(mean[[start, met]], [[0.5, 0.5], [0.9, 0.1]])
    np.testing.assert_allclose(average(KUHN, weighted(KUHN, bets))[met], [0.5, 0.5])  # where it never comes


# Beside OpenSpiel


def nash_conv_of(name: str, rows: dict[str, list[float]]) -> float:
    """OpenSpiel's figure for probabilities by its information states."""
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel")
    from open_spiel.python import policy as spiel_policy
    from open_spiel.python.algorithms import exploitability

    game = pyspiel.load_game(name)
    policy = spiel_policy.TabularPolicy(game)
    assert set(policy.state_lookup) == set(rows)
    for state, row in rows.items():
        policy.action_probability_array[policy.state_lookup[state]] = row
    return exploitability.nash_conv(game, policy)


@every_game
def test_nash_conv_of_random_policies_is_open_spiels(name):
    rng = np.random.default_rng(2)
    for sharpness in (0.1, 1.0):
        policy = random_policy(GAMES[name], rng, sharpness)
        expected = nash_conv_of(name, dict(zip(state_names(GAMES[name]), policy.tolist(), strict=True)))
        assert value_of(GAMES[name], policy).nash_conv == pytest.approx(expected, abs=1e-6)


# As a file


@every_game
def test_a_table_of_policies_holds_every_number_to_the_last_digit(name):
    rules, rng = GAMES[name], np.random.default_rng(3)
    policies = {"greedy": random_policy(rules, rng), "average": random_policy(rules, rng)}
    header, *rows = csv.reader(io.StringIO(policies_csv(rules, policies)))
    assert header == ["policy", "seat", "information_state", *map(str, range(rules.width))]
    assert [row[0] for row in rows] == ["greedy"] * len(rows[::2]) + ["average"] * len(rows[::2])
    assert [int(row[1]) for row in rows] == rules.information.seat.tolist() * 2
    assert [row[2] for row in rows] == state_names(rules) * 2
    found = np.array([list(map(float, row[3:])) for row in rows])
    np.testing.assert_array_equal(found, np.concatenate([*policies.values()]))
