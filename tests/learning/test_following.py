"""How agents play that do not explore: what is best, or drawn by what their own policy says."""

import numpy as np
import pytest
import tensorflow as tf
from worlds import Row, Scripted

from imagents import IMAgent, InputError
from imagents.config import TrainConfig, environment_settings
from imagents.environments.cards.environment import State
from imagents.environments.cards.rules import KUHN
from imagents.learning.build import build_agents
from imagents.seats import default_policy

GAMES = 4000
QUEEN_AFTER_BET = 0b01001  # as seat 1 sees it


def learned(values=(0.0, 0.0), **settings):
    """Seat 1 of Kuhn poker, which values a pass and a bet of a queen after a bet like this, and many games of that."""
    _, agent = build_agents(TrainConfig("kuhn_poker", algorithm="tabular", **settings))
    agent.algorithm._q_network.table[QUEEN_AFTER_BET].assign(values)
    node = [bets.history for bets in KUHN.nodes].index(((1,),))
    deal = KUHN.deals.tolist().index([2, 1])
    world = environment_settings("kuhn_poker").build(1, 0)
    return agent, world.time_step_at(State(tf.fill([GAMES], deal), tf.fill([GAMES], node)))


def test_a_sampled_policy_goes_with_the_exponential_of_q_over_the_temperature_that_exploration_ends_at():
    agent, time_step = learned((0.1, 0.3), exploration="boltzmann", exploration_start=1.0, exploration_end=0.2)
    assert agent.temperature == 0.2
    bets = 1 / (1 + np.exp(-0.2 / 0.2))
    agent.follow("sampled", seed=1)
    assert float(agent.probabilities(time_step)[0, 1]) == pytest.approx(bets, abs=1e-6)
    assert agent.act(time_step).numpy().mean() == pytest.approx(bets, abs=0.03)
    assert agent.policy.action(time_step).action.numpy().mean() == pytest.approx(bets, abs=0.03)
    assert agent.greedy_probabilities(time_step)[0].numpy().tolist() == [0, 1]
    agent.follow("greedy")
    assert agent.act(time_step).numpy().all() and agent.probabilities(time_step)[0].numpy().tolist() == [0, 1]


def test_what_is_drawn_depends_on_the_seed_alone_eagerly_and_under_xla():
    agent, time_step = learned((0.1, 0.3), exploration="boltzmann", exploration_start=1.0, exploration_end=0.2)
    drawn = []
    for seed, compiled in ((1, False), (1, True), (2, False)):
        agent.follow("sampled", seed)
        drawn.append(tf.function(lambda: agent.act(time_step), jit_compile=compiled, autograph=False)().numpy())
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()


def test_who_explores_by_epsilon_is_sure_of_the_best_action_and_lets_equals_share():
    for values, share in (((0.1, 0.101), 1.0), ((0.2, 0.2), 0.5)):
        agent, time_step = learned(values, exploration="epsilon", exploration_start=1.0, exploration_end=0.2)
        assert agent.temperature == 0
        agent.follow("sampled")
        assert agent.act(time_step).numpy().mean() == pytest.approx(share, abs=0.03)


def test_following_leaves_exploration_and_what_is_learned_alone():
    agent, time_step = learned(exploration="boltzmann", exploration_start=1.0, exploration_end=0.2)
    explored, variables = agent.probabilities(time_step, collect=True), len(agent.algorithm.variables)
    agent.follow("sampled")
    np.testing.assert_array_equal(agent.probabilities(time_step, collect=True), explored)
    assert len(agent.algorithm.variables) == variables


def test_another_policy_is_refused():
    with pytest.raises(InputError, match="policy = 'mixed': choose greedy, sampled"):
        IMAgent(Scripted([Row([0], [0.0]), Row([], [0.0])])).follow("mixed")


@pytest.mark.parametrize("name, policy", [
    ("tic_tac_toe", "greedy"), ("kuhn_poker", "sampled"), ("matching_pennies", "sampled"), ("foraging", "sampled"),
    ("cartpole", "greedy"),
])
def test_where_information_is_hidden_or_moves_are_simultaneous_agents_draw(name, policy):
    face = environment_settings(name)
    assert face.policy() == default_policy(face.build(1, 0)) == policy
    assert face.policy("greedy") == "greedy" and face.policy("sampled") == "sampled"


def test_one_seat_alone_is_greedy_whatever_it_sees():
    assert default_policy(Scripted([Row([0], [0.0]), Row([], [0.0])])) == "greedy"
    assert default_policy(Scripted([Row([0], [0.0, 0.0]), Row([], [0.0, 0.0])])) == "sampled"
