"""Learned empowerment comes to what it is a bound on, where that is known; without a say in what comes it is 0."""

import numpy as np
import pytest
import tensorflow as tf
from places import decisions, place

from imagents.environments.grid_worlds.deep_sea import dynamics
from imagents.errors import InputError
from imagents.motivation import Empowerment, LearnedEmpowerment, channel_capacity, predicting
from imagents.motivation.planner import empowerment_in

AFTER = np.array([[0, 1, 2, 3], [0, 0, 1, 1], [0, 0, 2, 3], [3, 3, 3, 3]])  # where 4 actions lead from 4 cells
LIKES = (0.55, 0.25, 0.1, 0.1)  # how often the agent takes each
SLIPS = 0.1  # the share of steps in a fifth cell that lead astray: with actions 0 and 1 to cell 0, with others to 1
ROWS = 128


def lived(rng) -> tuple:
    """Decisions in these five cells, beside a number that is noise."""
    cells, actions = rng.integers(0, 5, ROWS), rng.choice(4, ROWS, p=LIKES)
    slippery = (actions // 2 + (rng.random(ROWS) < SLIPS)) % 2
    after = np.where(cells == 4, slippery, AFTER[np.minimum(cells, 3), actions])
    views, next_views = (np.c_[np.eye(5)[x], rng.normal(size=ROWS)].astype(np.float32) for x in (cells, after))
    return views, actions.astype(np.int32), next_views


@pytest.fixture(scope="module")
def planner():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predicting, "_SETTLING", 256.0)
        patch.setattr(predicting, "_RATE", 1e-2)
        made, rng = LearnedEmpowerment(place(tf.TensorSpec([6], tf.float32), actions=4)), np.random.default_rng(0)
        everything = tf.ones([ROWS], tf.bool)
        learn = tf.function(lambda *batch: made.learn(decisions(*batch), everything), autograph=False)
        assert made.bonus(decisions(*lived(rng))).numpy().tolist() == [0.0] * ROWS  # it knows nothing yet
        for _ in range(200):
            learn(*map(tf.constant, lived(rng)))
    return made


def views(noise: float = 0.0) -> np.ndarray:
    return np.c_[np.eye(5), np.full(5, noise)].astype(np.float32)


def test_it_comes_to_the_number_of_views_that_can_be_reached_whatever_the_agent_likes(planner):
    reached = np.log2([len({*row}) for row in AFTER])
    for noise in (-1.0, 1.0):
        np.testing.assert_allclose(planner.bits(views(noise))[:4], reached, atol=0.2)


def test_where_actions_are_uncertain_it_is_below_the_capacity(planner):
    capacity = channel_capacity([[1 - SLIPS, SLIPS]] * 2 + [[SLIPS, 1 - SLIPS]] * 2)
    found = float(planner.bits(views())[4])
    assert 0.5 * capacity < found < capacity + 0.1


def test_a_decision_is_paid_what_it_leads_to_with_moves_that_are_legal_and_ends_nothing(planner):
    cells = views()[[0, 0, 0]]
    made = decisions(cells, np.zeros(3, np.int32))._replace(discount=tf.constant([1.0, 1.0, 0.0]))
    few = tf.constant([[True] * 4, [True, True, False, False], [True] * 4])
    np.testing.assert_allclose(planner.bonus(made._replace(next_legal_moves=few)), [2, 1, 0], atol=0.2)


def test_it_is_learned_only_where_the_dynamics_are_unknown():
    sea = place(tf.TensorSpec([4, 4], tf.bool))
    assert type(empowerment_in(sea, dynamics(4), 3)) is Empowerment
    assert type(empowerment_in(sea, None, 3)) is LearnedEmpowerment
    with pytest.raises(InputError, match="player_1: motivation = 'empowerment': its actions are numbers"):
        empowerment_in(place(floats=2), None, 3)
