"""What was seldom done is paid for, and what was never done is hoped for."""

import numpy as np
import pytest
import tensorflow as tf
from places import decisions, moment, place
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.learning.perspective import Sight
from imagents.motivation import Counts, EpisodicCounts

SMALL = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 9)  # views with a number of their own


def do(motivation, views, actions, asked=None) -> None:
    asked = tf.ones([len(views)], tf.bool) if asked is None else tf.constant(asked)
    motivation.note_decisions(asked, Sight(tf.convert_to_tensor(views), ()), tf.constant(actions))


EXACT, HASHED = np.array([3, 3, 5], np.int32), np.eye(3, dtype=np.float32)[[0, 0, 1]]


@pytest.mark.parametrize("views", [EXACT, HASHED], ids=["exact", "hashed"])
def test_a_bonus_falls_with_each_time_that_an_action_was_taken_in_a_view(views):
    counts = Counts(place(SMALL if views.ndim == 1 else None, copies=3))
    for times in range(1, 5):
        do(counts, views, [1, 1, 0], asked=[True, False, times == 1])
        found = counts.bonus(decisions(views, [1, 1, 0])).numpy()
        np.testing.assert_allclose(found, [times**-0.5, times**-0.5, 1.0], rtol=1e-6)
    assert counts.counts(tf.convert_to_tensor(views[:1])).numpy().tolist() == [[0, 4]]


def test_several_copies_in_the_same_view_count_each():
    counts = Counts(place(SMALL, copies=4))
    do(counts, np.array([7, 7, 7, 7], np.int32), [1, 1, 0, 1])
    assert counts.counts(tf.constant([7])).numpy().tolist() == [[1, 3]]


def test_a_hashed_count_is_never_too_small_and_seldom_too_great():
    views = np.random.default_rng(0).normal(size=[5000, 3]).astype(np.float32)
    counts = Counts(place(copies=5000))
    for _ in range(2):
        do(counts, views, np.zeros(5000, np.int32))
    found = counts.counts(tf.constant(views))[:, 0].numpy()
    assert found.min() == 2 and (found > 2).mean() < 0.003
    never = counts.counts(tf.constant(views + 1.0)).numpy()
    assert (never > 0).mean() < 0.003


def test_hope_is_greatest_for_what_was_never_taken():
    counts = Counts(place(SMALL, copies=2), optimism=4.0)
    do(counts, np.array([2, 2], np.int32), [0, 0], asked=[True, True])
    do(counts, np.array([2, 2], np.int32), [1, 1], asked=[True, False])
    assert counts.hopes(tf.constant([2, 3])).numpy().tolist() == [[pytest.approx(4 / 9), 1.0], [4.0, 4.0]]
    assert Counts(place(SMALL)).hopes is None


def test_of_actions_that_are_numbers_views_are_counted():
    counts = Counts(place(SMALL, floats=2, copies=2))
    do(counts, np.array([2, 2], np.int32), [[0.1, 0.2], [0.3, 0.4]])
    assert counts.bonus(decisions(np.array([2], np.int32), [[0.5, 0.5]])).numpy() == [pytest.approx(0.5**0.5)]
    with pytest.raises(InputError, match="player_1: counts_optimism = 1.0: its actions are numbers, not numbered"):
        Counts(place(SMALL, floats=2), optimism=1.0)


def test_episodic_counts_pay_once_in_a_life_for_where_an_agent_comes_to():
    episodic, paid = EpisodicCounts(place(SMALL)), []
    for life in ([1, 2, 1, 3, 2], [1, 3, 3]):
        for i, cell in enumerate(life):
            step = ts.TimeStep(*(tf.constant([x]) for x in (min(i, 1), 0.0, 1.0)), ())
            if i == len(life) - 1:
                step = step._replace(step_type=tf.constant([2]))
            here = moment(step, tf.constant([cell]), asked=i < len(life) - 1)
            paid.append(int(tf.where(here.counts, episodic.felt(here), 0.0)[0]))
            if i < len(life) - 1:
                do(episodic, np.array([cell], np.int32), [0])
    assert paid == [0, 1, 0, 1, 0] + [0, 1, 0]  # nothing for beginnings and ends
