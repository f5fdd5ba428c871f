"""Agents from here play in OpenSpiel: as bots that its own loop asks, and as policies that its algorithms take."""

import pytest

pytest.importorskip("pyspiel", reason="needs the extra open_spiel")

import numpy as np
import pyspiel
from open_spiel.python.algorithms import expected_game_score
from open_spiel.python.bots import uniform_random
from open_spiel.python.policy import UniformRandomPolicy
from small import untrained_run

from imagents.bridges.open_spiel import to_bot, to_policy
from imagents.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose agents draw what they do."""
    path = tmp_path_factory.mktemp("spiel") / "run"
    explores = dict(exploration="boltzmann", exploration_start=1.0, exploration_end=0.3)
    return untrained_run(path, "open_spiel:kuhn_poker", parallel_games=4, batch_size=4, **explores).path


def test_a_policy_is_what_the_agent_says_of_each_state(run):
    policy = to_policy(run)
    state = policy.game.new_initial_state()
    state.apply_action(1)
    state.apply_action(2)
    shares = policy.action_probabilities(state)
    assert sorted(shares) == [0, 1] and sum(shares.values()) == pytest.approx(1) and 0.01 < shares[0] < 0.99
    greedy = to_policy(run, "greedy").action_probabilities(state)
    assert greedy[max(shares, key=shares.get)] == 1


def test_a_bot_does_what_it_says_as_often_and_the_same_by_the_same_seed(run):
    bot = to_bot(run, 0)
    state = bot.policy.game.new_initial_state()
    state.apply_action(0)
    state.apply_action(2)
    assert bot.provides_policy() and bot.player_id() == 0
    done, shares = [bot.step(state) for _ in range(40)], dict(bot.get_policy(state))
    again = to_bot(run, 0)
    assert [again.step(state) for _ in range(40)] == done
    assert abs(np.mean(done) - shares[1]) < 0.32  # four standard deviations, at the most


def test_openspiels_loop_plays_games_of_bots(run):
    game = pyspiel.load_game("kuhn_poker")
    bots = [to_bot(run, 0), uniform_random.UniformRandomBot(1, np.random.RandomState(0))]
    paid = [pyspiel.evaluate_bots(game.new_initial_state(), bots, seed) for seed in range(20)]
    assert {abs(first) for first, _ in paid} == {1, 2} and np.sum(paid, axis=1).any() == 0


@pytest.mark.slow
def test_openspiels_score_of_a_policy_is_what_its_bot_gets(run):
    game, rng = pyspiel.load_game("kuhn_poker"), np.random.RandomState(1)
    expected = expected_game_score.policy_value(game.new_initial_state(), [to_policy(run), UniformRandomPolicy(game)])
    bots = [to_bot(run, 0), uniform_random.UniformRandomBot(1, rng)]
    found = [pyspiel.evaluate_bots(game.new_initial_state(), bots, seed)[0] for seed in range(100)]
    assert np.mean(found) == pytest.approx(expected[0], abs=4 * np.std(found) / 100**0.5)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda run: to_bot(run, 2), "^seat = 2: there are agents of the seats 0, 1$"),
        (lambda run: to_policy(run / "nothing"), "nothing"),
        (lambda run: to_policy(run, "random"), "^policy = 'random': choose greedy, sampled$"),
    ],
)
def test_what_does_not_fit_is_one_sentence(run, ask, said):
    with pytest.raises(InputError, match=said):
        ask(run)


def test_agents_of_other_environments_are_no_bots(tmp_path):
    path = untrained_run(tmp_path / "run").path
    with pytest.raises(InputError, match="lives in tic_tac_toe: OpenSpiel knows the agents of open_spiel:NAME$"):
        to_bot(path, 0)
