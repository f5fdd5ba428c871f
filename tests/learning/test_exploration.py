"""How an agent explores: by epsilon or by temperature, and calmer with its own experience."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

import imagents
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.errors import InputError
from imagents.learning.exploration import Exploration, Schedule
from imagents.learning.perspective import Sight
from imagents.learning.tabular import TabularAgent
from imagents.settings import Tabular

ACTIONS = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 2)
VALUES = [[1.0, 2.0, 2.0], [5.0, 0.0, 0.0]]  # of two states
CELL = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1)


def learner(spec=CELL):
    made = TabularAgent(ts.time_step_spec(spec), ACTIONS, Tabular())
    made._q_network.table.assign(VALUES)
    return made


def exploration(kind="epsilon", epsilon=0.0, schedule=None, copies=2, policy=None):
    return Exploration("player_1", policy or learner().policy, copies, kind, epsilon, schedule, seed=3)


def at(*states, legal=None):
    observation = tf.constant(states)
    if legal is not None:
        observation = Sight(observation, tf.constant(legal))
    return ts.restart(observation, batch_size=len(states))


# What is played how often


def test_a_share_of_random_moves_is_spread_over_all_of_them_and_equals_share_the_rest():
    shares = exploration(epsilon=0.3).policy.probabilities(at(0, 1))
    np.testing.assert_allclose(shares, [[0.1, 0.45, 0.45], [0.8, 0.1, 0.1]], rtol=1e-5)


def test_at_a_temperature_a_moves_share_is_proportional_to_exp_q_over_it():
    shares = exploration("boltzmann", schedule=Schedule(2.0, 2.0, 1.0)).policy.probabilities(at(0, 1))
    expected = np.exp(np.array(VALUES) / 2.0)
    np.testing.assert_allclose(shares, expected / expected.sum(1, keepdims=True), rtol=1e-5)


def test_near_0_a_temperature_is_greedy():
    shares = exploration("boltzmann", schedule=Schedule(1.0, 0.0, 0.5))
    shares.note_decisions(tf.fill([2], True))
    for _ in range(60):
        shares.note_decisions(tf.fill([2], True))
    np.testing.assert_allclose(shares.policy.probabilities(at(0, 1)), [[0, 0.5, 0.5], [1, 0, 0]])


@pytest.mark.parametrize(
    "kind, settings", [("epsilon", dict(epsilon=0.5)), ("boltzmann", dict(schedule=Schedule(1.5, 1.5, 1.0)))]
)
def test_it_plays_what_it_says(kind, settings):
    policy, positions = exploration(kind, copies=3000, **settings).policy, at(*[0, 1] * 1500)
    played = policy.action(positions).action.numpy().reshape(1500, 2)
    counts = np.array([np.bincount(column, minlength=3) for column in played.T]) / 1500
    np.testing.assert_allclose(counts, policy.probabilities(positions)[:2], atol=0.06)  # 4 standard deviations or more


@pytest.mark.parametrize(
    "kind, settings", [("epsilon", dict(epsilon=1.0)), ("boltzmann", dict(schedule=Schedule(1e9, 1e9, 1.0)))]
)
def test_what_is_not_legal_is_never_played(kind, settings):
    policy = learner(Sight(CELL, tf.TensorSpec([3], tf.bool))).policy
    exploring = exploration(kind, copies=1000, policy=policy, **settings).policy
    legal = np.tile([[False, True, True], [True, False, False]], [500, 1])
    time_step = at(*[0, 1] * 500, legal=legal)
    played = np.concatenate([exploring.action(time_step).action.numpy() for _ in range(20)])
    assert legal[np.arange(len(played)) % 1000, played].all()
    assert (exploring.probabilities(time_step).numpy()[~legal] == 0).all()


# As time goes by


def amounts(schedule, decisions, spent=0.0):
    explores = exploration(schedule=schedule)
    explores.note_budget(spent)
    for asked in decisions:
        explores.note_decisions(tf.constant(asked))
    return explores._amount.numpy().tolist()


def test_it_falls_with_own_decisions_in_each_copy():
    both, first = [True, True], [True, False]
    assert amounts(Schedule(1.0, 0.0, 0.5), []) == [1.0, 1.0]
    assert amounts(Schedule(1.0, 0.0, 0.5), [both, first]) == [0.25, 0.5]


def test_it_falls_no_further_than_its_end():
    np.testing.assert_allclose(amounts(Schedule(1.0, 0.3, 0.5), [[True, True]] * 5), 0.3, rtol=1e-6)


@pytest.mark.parametrize("spent, amount", [(0.0, 1.0), (0.25, 0.6), (0.5, 0.2), (1.0, 0.2)])
def test_without_a_factor_it_falls_linearly_over_half_of_the_budget(spent, amount):
    np.testing.assert_allclose(amounts(Schedule(1.0, 0.2), [[True, True]], spent), amount, rtol=1e-6)


def test_no_copy_explores_less_than_its_own_epsilon():
    explores = exploration(epsilon=[0.1, 0.6], schedule=Schedule(0.5, 0.0, 0.5))
    np.testing.assert_allclose(explores._amount, [0.5, 0.6])
    explores.note_decisions(tf.constant([True, True]))
    np.testing.assert_allclose(explores._amount, [0.25, 0.6])


def test_an_agents_exploration_counts_the_decisions_that_it_is_asked_for():
    """Of two games that begin with seat 0 and with seat 1, the agent at seat 0 decides in the first one."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 2, first_mover="alternate")
    agent = imagents.IMAgent(environment, epsilon=0.0, schedule=Schedule(1.0, 0.0, 0.5))
    first = environment.reset()
    agent.observe(first)
    agent.act(first, collect=True)
    asked = (first.observation["seat"] == 0).numpy()
    assert agent.exploration._amount.numpy().tolist() == np.where(asked, 0.5, 1.0).tolist()


@pytest.mark.parametrize(
    "settings, sentence",
    [
        (dict(exploration="boltzmann"), "player_1: exploration = 'boltzmann': a schedule of the temperature is needed"),
        (dict(exploration="ucb"), "player_1: exploration = 'ucb': choose epsilon, boltzmann"),
    ],
)
def test_what_cannot_explore_is_one_sentence(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        imagents.IMAgent(BoardGameEnvironment(TIC_TAC_TOE, 2), **settings)
