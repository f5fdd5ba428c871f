"""Errors below 0 that count less, in a Q network as in a table, and the numbers of views."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.learning.algorithms import dqn
from imagents.learning.decisions import Decision, as_experience
from imagents.learning.optimism import hashed

ACTIONS = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1)
RATE = 0.1


def step(reward, double=False, **settings):
    """By how much a train step on one decision of that reward, at whose state all is worth 0, moves its value."""
    sgd = tf.keras.optimizers.SGD(RATE)
    build = dqn(double=double, hidden_layers=(), optimizer=sgd, **settings)
    agent = build(ts.time_step_spec(tf.TensorSpec([1])), ACTIONS)
    for variable in agent._q_network.variables:
        variable.assign(tf.zeros_like(variable))
    view, zero = tf.zeros([1, 1]), tf.zeros([1])
    decision = Decision(view, (), tf.constant([1]), (), (), (), tf.constant([reward]), zero, view, ())
    agent.train(as_experience(decision, False))
    return float(agent._q_network(view)[0][0, 1])


@pytest.mark.parametrize("double", [False, True])
def test_bad_news_moves_a_value_by_a_smaller_step(double):
    """Huber's slope is the error itself below 1."""
    np.testing.assert_allclose(step(0.5, double), 0.5 * RATE, rtol=1e-5)
    np.testing.assert_allclose(step(0.5, double, hysteretic=0.25), 0.5 * RATE, rtol=1e-5)
    np.testing.assert_allclose(step(-0.5, double, hysteretic=0.25), -0.125 * RATE, rtol=1e-5)
    assert step(-0.5, double, distributed=True) == 0.0


def test_a_hot_action_is_forgiven_bad_news_and_learns_from_good():
    assert step(-0.5, lenient_temperature=100.0) == 0.0
    np.testing.assert_allclose(step(0.5, lenient_temperature=100.0), 0.5 * RATE, rtol=1e-5)
    np.testing.assert_allclose(step(-0.5, lenient_temperature=1e-6), -0.5 * RATE, rtol=1e-5)


def test_without_a_rule_a_network_learns_as_tf_agents_has_it():
    """To the last bit: nothing is added where nothing was asked for."""
    assert step(-0.7) == step(-0.7, hysteretic=1.0, lenient_decay=0.5)


@pytest.mark.parametrize("dtype", [tf.bool, tf.int32, tf.float32])
def test_equal_views_have_equal_numbers_and_others_hardly_ever(dtype):
    rng = np.random.default_rng(0)
    views = np.unique(rng.integers(0, 2, [400, 30]), axis=0)
    numbers = hashed(tf.cast(views, dtype), 4096).numpy()
    assert (numbers == hashed(tf.cast(views, dtype), 4096).numpy()).all()
    assert numbers.min() >= 0 and numbers.max() < 4096
    expected = 4096 * (1 - (1 - 1 / 4096) ** len(views))  # of 400 numbers drawn at random some 381 differ
    assert len(set(numbers.tolist())) > 0.95 * expected
