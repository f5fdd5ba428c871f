"""What others are paid is felt: with weights these are the agents of the literature."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from places import moment, place
from tf_agents.trajectories import time_step as ts

from imagents.environments.matrix_games.games import PublicGoods
from imagents.errors import InputError
from imagents.motivation import InequityAversion, Prosocial


def paid(rewards, kind: int = 1) -> ts.TimeStep:
    rewards = tf.constant([rewards], tf.float32)
    return ts.TimeStep(tf.constant([kind]), rewards, tf.constant([1.0]), ())


def test_prosocial_is_the_mean_of_what_the_others_are_paid():
    others = Prosocial(place(seats=3, seat=1))
    assert others.felt(moment(paid([1.0, 100.0, 4.0]))).numpy() == [2.5]


def test_inequity_costs_by_who_has_more():
    """Fehr and Schmidt (1999), equation 1, for three."""
    averse = InequityAversion(place(seats=3), envy=2.0, guilt=0.5, memory=0.0)
    assert averse.felt(moment(paid([4.0, 10.0, 2.0]))).numpy() == [-(2.0 * 6 + 0.5 * 2) / 2]


def test_what_somebody_had_counts_less_and_less_within_a_life():
    averse = InequityAversion(place(seats=2), envy=1.0, guilt=0.0, memory=0.5)
    found = [averse.felt(moment(paid([0.0, pay], kind))).numpy().item() for pay, kind in ((8, 1), (0, 1), (1, 2))]
    assert found == [-8, -4, -3]
    averse.felt(moment(paid([0.0, 0.0], 0)))  # another life
    assert averse.felt(moment(paid([0.0, 1.0]))).numpy() == [-1]


@pytest.mark.parametrize("guilt", [0.55, 0.65])
def test_nobody_contributes_to_public_goods_below_the_threshold_of_guilt(guilt):
    """Fehr and Schmidt (1999), proposition 4: to give nothing is dominant if a + beta < 1, a the marginal return."""
    game = PublicGoods("public_goods", num_agents=3, multiplier=1.2)  # a = 0.4, so the threshold is 0.6
    averse = InequityAversion(place(seats=3), envy=1.0, guilt=guilt, memory=0.0)

    def utility(joint) -> float:
        rewards = game.payoffs[0][joint]
        return float(rewards[0] + averse.felt(moment(paid(rewards)))[0])

    gives, keeps = (game.actions.index(name) for name in game.actions)
    others = itertools.product((gives, keeps), repeat=2)
    gains = [utility((gives, *each)) - utility((keeps, *each)) for each in others]
    assert (max(gains) < 0) == (guilt < 0.6)
    assert np.sign(gains[0]) == np.sign(guilt - 0.6)  # where all others give it depends on guilt alone


def test_one_seat_has_nobody_to_regard():
    for kind in (Prosocial, InequityAversion):
        with pytest.raises(InputError, match="is about what others are paid, and there is one seat"):
            kind(place())
