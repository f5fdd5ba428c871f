"""A walk to the right end of a line pays 1. Run it: python -m pytest."""

import imagents  # before TensorFlow  # isort: skip

import numpy as np
import tensorflow as tf

from imagents.templates.environment import LEFT, LIMIT, PLACES, RIGHT, make


def places(time_step) -> list[int]:
    """Where the walkers are."""
    return np.argmax(time_step.observation, axis=1).tolist()


def at(place: int):
    """An environment of one walker, who stands there."""
    environment = make(1, seed=0)
    environment.reset()
    environment.set_state((tf.constant([place]), tf.constant([1])))
    return environment


def test_it_keeps_to_the_contract():
    assert imagents.check_environment(make) == []


def test_the_right_end_pays_and_ends():
    last = at(PLACES - 2).step(tf.constant([RIGHT]))
    assert (places(last), float(last.reward[0]), float(last.discount[0])) == ([PLACES - 1], 1.0, 0.0)
    assert bool(last.is_last()[0])


def test_the_left_end_pays_nothing_and_ends():
    last = at(1).step(tf.constant([LEFT]))
    assert (places(last), float(last.reward[0]), float(last.discount[0])) == ([0], 0.0, 0.0)


def test_a_limit_cuts_off_and_the_next_step_begins_anew():
    environment = at(PLACES // 2)
    for step in range(1, LIMIT):
        time_step = environment.step(tf.constant([step % 2]))
    assert bool(time_step.is_last()[0]) and float(time_step.discount[0]) == 1.0
    after = environment.step(tf.constant([LEFT]))
    assert bool(after.is_first()[0]) and float(after.reward[0]) == 0.0


def test_a_seed_decides_where_episodes_begin():
    assert places(make(50, seed=1).reset()) == places(make(50, seed=1).reset()) != places(make(50, seed=2).reset())
    assert {*places(make(200, seed=0).reset())} == {*range(1, PLACES - 1)}
