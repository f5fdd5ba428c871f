"""Empowerment is a capacity: exact, by hand and by what is published of channels."""

import numpy as np
import pytest
import tensorflow as tf
from places import decisions, place

from imagents.environments.grid_worlds.deep_sea import DeepSeaEnvironment, dynamics
from imagents.errors import InputError
from imagents.motivation import Empowerment, channel_capacity, empowerment


def test_the_capacity_of_channels_is_what_is_known():
    entropy = -(0.1 * np.log2(0.1) + 0.9 * np.log2(0.9))
    assert channel_capacity([[0.9, 0.1], [0.1, 0.9]]) == pytest.approx(1 - entropy, abs=1e-6)  # binary, symmetric
    assert channel_capacity([[0.7, 0.3, 0], [0, 0.3, 0.7]]) == pytest.approx(0.7, abs=1e-6)  # binary, with erasures
    assert channel_capacity([[1, 0], [0.5, 0.5]]) == pytest.approx(np.log2(5 / 4), abs=1e-6)  # the Z channel
    assert channel_capacity([[0.2, 0.8]] * 3) == pytest.approx(0, abs=1e-6)  # nothing depends on what is sent


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_where_actions_are_certain_it_is_the_number_of_states_that_can_be_reached(steps):
    after = np.random.default_rng(1).integers(0, 7, [7, 3])  # any world of 7 states
    reached = [{state} for state in range(7)]
    for _ in range(steps):
        reached = [{int(end) for state in each for end in after[state]} for each in reached]
    expected = np.log2([len(each) for each in reached])
    np.testing.assert_allclose(empowerment(after, steps), expected)
    np.testing.assert_allclose(empowerment(np.eye(7)[after], steps), expected, atol=1e-5)  # by Blahut and Arimoto


def test_slippery_ground_leaves_less_in_ones_hands():
    sure, slippery = np.eye(2)[[[0, 1], [0, 1]]], np.array([[[0.9, 0.1], [0.1, 0.9]]] * 2)
    assert empowerment(sure, 1).tolist() == [1, 1]
    np.testing.assert_allclose(empowerment(slippery, 1), 0.531, atol=1e-3)


def test_deep_sea_knows_where_actions_lead():
    sea, known = DeepSeaEnvironment(2, 4), dynamics(4)
    rng, before = np.random.default_rng(0), sea.reset()
    for _ in range(20):
        actions = rng.integers(0, 2, 2).astype(np.int32)
        after = sea.step(tf.constant(actions))
        states = known.number(before.observation).numpy()
        expected = np.where(before.is_last(), 0, known.transitions[states, actions])  # then it begins anew
        assert known.number(after.observation).numpy().tolist() == expected.tolist()
        before = after


def test_a_decision_is_paid_what_it_leads_to():
    pays = Empowerment(place(tf.TensorSpec([4, 4], tf.bool)), dynamics(4), steps=2)
    cells = tf.reshape(tf.one_hot([5, 14, 16], 16, True, False), [3, 4, 4])  # row 1; the last one; the end
    found = pays.bonus(decisions(tf.zeros_like(cells), [0, 0, 0], cells)).numpy()
    np.testing.assert_allclose(found, [np.log2(3), 0, 0], rtol=1e-6)
    with pytest.raises(InputError, match="empowerment_steps = 24: .* at most 16777216 are possible"):
        Empowerment(place(), dynamics(4), steps=24)
