"""Measures are exact: beside games computed by hand, plain loops over all that can happen, and OpenSpiel."""

import itertools
import time

import numpy as np
import pytest

from imagents.config import environment_class, environment_settings
from imagents.environments.matrix_games.measures import joint_shares, optimal, own_shares, value_of

RNG = np.random.default_rng(5)


def random_policies(num_seats: int, num_actions: int) -> list[np.ndarray]:
    """A random table for each seat, `[S, A]`."""
    shape = 1 + num_actions**num_seats, num_actions
    return [RNG.dirichlet(np.full(num_actions, 0.7), shape[0]) for _ in range(num_seats)]


def game_of(num_seats: int, num_actions: int, outcomes: int = 1) -> np.ndarray:
    """Random payoffs."""
    return RNG.normal(size=(outcomes, *[num_actions] * num_seats, num_seats))


def state_after(joint, num_actions: int) -> int:
    number = 0
    for action in joint:
        number = number * num_actions + action
    return 1 + number


def enumerated(policies, payoffs, plays: int):
    """Expected returns, and how often each joint action is the t-th, by going through all that can be played."""
    num_actions, num_seats = payoffs.shape[1], payoffs.shape[-1]
    joints = [*itertools.product(range(num_actions), repeat=num_seats)]
    returns, shares = np.zeros(num_seats), np.zeros([plays, len(joints)])
    for history in itertools.product(joints, repeat=plays):
        chance, state, paid = 1.0, 0, np.zeros(num_seats)
        for joint in history:
            chance *= np.prod([policy[state, action] for policy, action in zip(policies, joint, strict=True)])
            paid += payoffs.mean(axis=0)[joint]
            state = state_after(joint, num_actions)
        returns += chance * paid
        for play, joint in enumerate(history):
            shares[play, joints.index(joint)] += chance
    return returns, shares


@pytest.mark.parametrize("num_seats, num_actions, plays", [(2, 2, 1), (2, 2, 4), (2, 3, 3), (3, 2, 3)])
def test_returns_and_shares_are_those_of_all_that_can_be_played(num_seats, num_actions, plays):
    policies, payoffs = random_policies(num_seats, num_actions), game_of(num_seats, num_actions, outcomes=2)
    value = value_of(policies, payoffs, plays)
    returns, shares = enumerated(policies, payoffs, plays)
    np.testing.assert_allclose(value.returns, returns)
    np.testing.assert_allclose(joint_shares(policies, plays), shares, atol=1e-14)
    np.testing.assert_allclose(value.share, shares[plays // 2 :].mean(axis=0), atol=1e-14)


def best_by_hand(policies, payoffs, seat: int, plays: int) -> float:
    """The best of every plan that there is for a seat: an action for each play and each state that it may be in."""
    num_actions, num_seats = payoffs.shape[1], payoffs.shape[-1]
    joints = [*itertools.product(range(num_actions), repeat=num_seats)]
    places = [(0, 0), *((play, state) for play in range(1, plays) for state in range(1, 1 + len(joints)))]
    best = -np.inf
    for choice in itertools.product(range(num_actions), repeat=len(places)):
        plan = dict(zip(places, choice, strict=True))
        at, total = {0: 1.0}, 0.0
        for play in range(plays):
            following = {}
            for state, share in at.items():
                for joint in joints:
                    if joint[seat] != plan[play, state]:
                        continue
                    chance = share * np.prod([p[state, a] for each, (p, a) in enumerate(zip(policies, joint))
                                              if each != seat])  # fmt: skip
                    total += chance * payoffs.mean(axis=0)[joint][seat]
                    next_state = state_after(joint, num_actions)
                    following[next_state] = following.get(next_state, 0.0) + chance
            at = following
        best = max(best, total)
    return best


@pytest.mark.parametrize("num_seats, num_actions, plays", [(2, 2, 1), (2, 2, 2), (2, 2, 3), (2, 3, 1), (3, 2, 1)])
def test_a_best_response_is_the_best_of_all_plans(num_seats, num_actions, plays):
    policies, payoffs = random_policies(num_seats, num_actions), game_of(num_seats, num_actions)
    best = value_of(policies, payoffs, plays).best_responses
    expected = [best_by_hand(policies, payoffs, seat, plays) for seat in range(num_seats)]
    np.testing.assert_allclose(best, expected)


def tables(*rows, num_seats: int = 2) -> list[np.ndarray]:
    """Policies that play alike in every state."""
    return [np.tile(row, (1 + len(row) ** num_seats, 1)) for row in rows]


def gains(name: str, *rows, plays: int = 1) -> list[float]:
    payoffs = environment_settings(name).payoffs
    value = value_of(tables(*rows), payoffs, plays)
    return ((value.best_responses - value.returns) / plays).round(12).tolist()


def test_gains_by_hand():
    assert gains("prisoners_dilemma", [1, 0], [1, 0]) == [2, 2]  # 5 for 3
    assert gains("prisoners_dilemma", [0, 1], [0, 1], plays=7) == [0, 0]
    assert gains("matching_pennies", [0.5, 0.5], [0.5, 0.5]) == [0, 0]
    assert gains("matching_pennies", [1, 0], [1, 0], plays=3) == [0, 2]
    assert gains("rock_paper_scissors", [1, 0, 0], [0, 1, 0]) == [2, 0]
    assert gains("climbing", [0, 0, 1], [0, 0, 1]) == [1, 0]  # b c pays 6, but c b nothing
    assert gains("chicken", [1, 0], [0, 1]) == [0, 0]


def test_against_tit_for_tat_it_is_best_to_cooperate_until_the_last_play():
    tit_for_tat = np.eye(2)[[0, 0, 1, 0, 1]]  # at the start, then after cc, cd, dc, dd: player 1's copy of player 2
    always = np.tile([1.0, 0.0], (5, 1))
    value = value_of([tit_for_tat, always], environment_settings("prisoners_dilemma").payoffs, 10)
    assert value.returns.tolist() == [30, 30]
    assert value.best_responses.tolist() == [50, 9 * 3 + 5]  # player 1 meets who always cooperates


def test_shares_of_an_endless_game_are_those_of_its_second_half():
    """Whoever defects until the other has cooperated once, ten plays late, is measured after that."""
    alternate = np.eye(2)[[1, 1, 1, 0, 0]]  # what it did not do last
    value = value_of([alternate, np.tile([0.0, 1.0], (5, 1))], environment_settings("prisoners_dilemma").payoffs, 20)
    assert value.share.tolist() == [0, 0.5, 0, 0.5]
    assert own_shares(value.share, 2, 2).tolist() == [[0.5, 0.5], [0, 1]]


def test_best_joint_actions_pay_all_of_them_together_the_most():
    def named(name):
        return np.flatnonzero(optimal(environment_settings(name).payoffs)).tolist()

    assert named("climbing") == named("climbing_stochastic") == [0]
    assert named("penalty") == [0, 8] and named("battle_of_the_sexes") == [0, 3]
    assert named("prisoners_dilemma") == named("chicken") == [0]
    assert named("matching_pennies") == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["climbing", "penalty", "rock_paper_scissors"])
def test_other_names_for_the_actions_change_no_measure(name):
    payoffs, order = environment_settings(name).payoffs, [2, 0, 1]
    policies = random_policies(2, 3)
    renamed = [1 + 3 * order[i] + order[j] for i in range(3) for j in range(3)]
    other = [policy[[0, *renamed]][:, order] for policy in policies]
    there = payoffs[:, order][:, :, order]
    before, after = value_of(policies, payoffs, 4), value_of(other, there, 4)
    np.testing.assert_allclose(after.returns, before.returns)
    np.testing.assert_allclose(after.best_responses, before.best_responses)
    assert after.share @ optimal(there) == pytest.approx(before.share @ optimal(payoffs))


@pytest.mark.parametrize("name", ["stag_hunt", "matching_pennies", "rock_paper_scissors", "battle_of_the_sexes"])
def test_nash_conv_of_random_policies_is_open_spiels(name):
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel")
    from open_spiel.python import policy as spiel_policy
    from open_spiel.python.algorithms import exploitability

    theirs = {"stag_hunt": "matrix_sh", "matching_pennies": "matrix_mp", "rock_paper_scissors": "matrix_rps",
              "battle_of_the_sexes": "matrix_bos"}[name]  # fmt: skip
    payoffs = environment_settings(name).payoffs
    game = pyspiel.convert_to_turn_based(pyspiel.load_game(theirs))
    for _ in range(5):
        policies = random_policies(2, payoffs.shape[1])
        joint = spiel_policy.TabularPolicy(game)
        for seat in range(2):
            joint.action_probability_array[seat] = policies[seat][0]
        value = value_of(policies, payoffs, 1)
        expected = exploitability.nash_conv(game, joint)
        assert (value.best_responses - value.returns).sum() == pytest.approx(expected)


@pytest.mark.parametrize("num_agents, seconds", [(2, 0.05), (5, 1.0)])
def test_it_takes_no_time(num_agents, seconds):
    face = environment_class("penalty")("penalty", num_agents=num_agents, episode_length=0)
    policies = random_policies(num_agents, 3)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        value_of(policies, face.payoffs, face.plays)
        took.append(time.perf_counter() - began)
    assert min(took) < seconds
