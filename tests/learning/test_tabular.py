"""Q-learning in a table: exact in what it learns, each decision once, and no action before its equals."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from worlds import Row, Scripted

import imagents
from imagents.errors import InputError
from imagents.learning.decisions import Decision, as_experience
from imagents.learning.perspective import Sight
from imagents.learning.tabular import QTable, TabularAgent
from imagents.settings import Tabular
from imagents.training.loop import Trainer

ACTIONS = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 2)
CELL = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 3)
"""A view of four states."""


def agent(seed=0, spec=CELL, **settings):
    return TabularAgent(ts.time_step_spec(spec), ACTIONS, Tabular(**settings), seed)


def learn(agent, *decisions, weights=None):
    """Decisions (view, action, reward, discount, next view) in one lesson. Returns the loss."""
    view, action, reward, discount, next_view = map(tf.constant, map(list, zip(*decisions)))
    reward, discount = tf.cast(reward, tf.float32), tf.cast(discount, tf.float32)
    decision = Decision(view, (), action, (), (), (), reward, discount, next_view, ())
    return float(agent.train(as_experience(decision, False), weights=weights).loss)


def table(agent):
    return agent._q_network.table.numpy()


def shown(agent, view=0):
    """What its policies are shown of a state."""
    return agent._q_network(tf.constant([view]))[0].numpy()[0]


def actions(policy, view=0, copies=900):
    time_step = ts.restart(tf.fill([copies], view), batch_size=copies)
    return policy.action(time_step).action.numpy()


# What is learned


def test_a_value_moves_by_the_rate_towards_what_followed():
    learner = agent(learning_rate=0.5, discount=0.9)
    learn(learner, (1, 2, 8.0, 0.0, 3))
    assert table(learner)[1].tolist() == [0.0, 0.0, 4.0]
    learn(learner, (0, 1, 1.0, 1.0, 1))
    np.testing.assert_allclose(table(learner)[0], [0.0, 0.5 * (1 + 0.9 * 4), 0.0], rtol=1e-6)


def test_a_loss_is_the_mean_square_of_the_errors():
    assert learn(agent(), (0, 0, 3.0, 0.0, 0), (1, 0, 1.0, 0.0, 0)) == 5.0


def test_several_copies_that_met_the_same_move_its_value_by_their_mean():
    learner = agent(learning_rate=0.5)
    learn(learner, (0, 0, 4.0, 0.0, 0), (0, 0, 8.0, 0.0, 0), (0, 1, 2.0, 0.0, 0))
    assert table(learner)[0].tolist() == [3.0, 1.0, 0.0]


def test_what_is_not_there_teaches_nothing():
    learner = agent(learning_rate=0.5)
    loss = learn(learner, (0, 0, 4.0, 0.0, 0), (0, 0, 99.0, 0.0, 0), weights=tf.constant([True, False]))
    assert table(learner)[0].tolist() == [2.0, 0.0, 0.0] and loss == 16.0


def test_the_best_that_follows_is_the_best_legal_action():
    spec = Sight(CELL, tf.TensorSpec([3], tf.bool))
    learner = TabularAgent(ts.time_step_spec(spec), ACTIONS, Tabular(learning_rate=1.0))
    legal, none_but_1 = tf.constant([[True] * 3]), tf.constant([[False, True, False]])
    for action, reward in ((0, 5.0), (1, 2.0)):
        moves = Decision(tf.constant([1]), legal, tf.constant([action]), (), (), (), tf.constant([reward]),
                         tf.zeros([1]), tf.constant([0]), legal)  # fmt: skip
        learner.train(as_experience(moves))
    now, then, zero, one = tf.constant([0]), tf.constant([1]), tf.zeros([1]), tf.ones([1])
    learner.train(as_experience(Decision(now, legal, tf.constant([2]), (), (), (), zero, one, then, none_but_1)))
    assert table(learner)[0, 2] == 2.0


# Errors below 0


def after_good_and_bad_news(**settings):
    learner = agent(learning_rate=0.5, **settings)
    learn(learner, (0, 0, 8.0, 0.0, 0))
    learn(learner, (0, 0, 0.0, 0.0, 0))
    return table(learner)[0, 0]


def test_hysteretic_learners_take_a_smaller_step_down():
    assert after_good_and_bad_news() == 2.0
    assert after_good_and_bad_news(hysteretic=0.5) == 3.0


def test_distributed_learners_hold_the_greatest_target_that_there_was():
    assert after_good_and_bad_news(distributed=True) == 8.0  # whatever the rate
    learner = agent(distributed=True)
    are_there = tf.constant([True, True, False])
    learn(learner, (0, 0, 3.0, 0.0, 0), (0, 0, 5.0, 0.0, 0), (0, 1, 9.0, 0.0, 0), weights=are_there)
    assert table(learner)[0].tolist() == [5.0, 0.0, 0.0]


def test_a_distributed_learners_action_changes_only_where_the_maximum_rises():
    learner = agent(distributed=True, learning_rate=1.0)
    learn(learner, (0, 1, 5.0, 0.0, 0))
    learn(learner, (0, 0, 5.0, 0.0, 0))  # as good as what it does: no reason to change
    assert set(actions(learner.policy)) == {1} and np.argmax(shown(learner)) == 1
    assert table(learner)[0].tolist() == [5.0, 5.0, 0.0]
    learn(learner, (0, 0, 6.0, 0.0, 0))
    assert set(actions(learner.policy)) == {0}


def test_lenient_learners_forgive_less_the_more_they_know():
    """With heat 1 bad news is forgiven in 1 - 1/e of 400 states, and after many lessons hardly ever."""
    learner = agent(0, tensor_spec.BoundedTensorSpec([], tf.int32, 0, 399), lenient_temperature=1.0, lenient_decay=0.5)
    learn(learner, *[(state, 0, -1.0, 0.0, 0) for state in range(400)])
    assert abs((table(learner)[:, 0] == 0).mean() - (1 - np.exp(-1))) < 0.1
    for _ in range(12):
        learn(learner, *[(state, 0, 0.0, 0.0, 0) for state in range(400)])
    before = table(learner)[:, 0]
    learn(learner, *[(state, 0, -9.0, 0.0, 0) for state in range(400)])
    assert (table(learner)[:, 0] < before).mean() > 0.99


# What is done


def test_equals_are_drawn_among():
    drawn = np.bincount(actions(agent().policy), minlength=3) / 900
    np.testing.assert_allclose(drawn, 1 / 3, atol=0.08)


def test_agents_of_other_seeds_draw_otherwise():
    first, again, other = (actions(agent(seed).policy) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_the_best_is_done_where_there_is_one():
    learner = agent()
    learn(learner, (2, 1, 1.0, 0.0, 0))
    assert set(actions(learner.policy, view=2)) == {1}


def test_results_hold_with_the_actions_relabelled():
    """What is learned of one action is what is learned of another one for the same pay, and no draw prefers any."""
    tables = []
    for order in ([0, 1, 2], [2, 0, 1]):
        learner = agent(hysteretic=0.5)
        for action, reward in ((0, 3.0), (1, -4.0), (0, 1.0), (2, 2.0)):
            learn(learner, (0, order[action], reward, 0.0, 0))
        tables.append(table(learner)[0, order])
    assert tables[0].tolist() == tables[1].tolist()


# Views as numbers


@pytest.mark.parametrize(
    "spec, count",
    [
        (CELL, 4),
        (tf.TensorSpec([2, 3], tf.bool), 64),
        (tensor_spec.BoundedTensorSpec([2], tf.int64, [-1, 5], [1, 6]), 6),
        ({"a": tf.TensorSpec([], tf.bool), "b": tensor_spec.BoundedTensorSpec([2], tf.uint8, 0, 2)}, 18),
    ],
)
def test_every_view_has_a_number_of_its_own(spec, count):
    network = QTable(spec, 2)
    grids = []
    for leaf in tf.nest.flatten(spec):
        low, high = (0, 1) if leaf.dtype.is_bool else (leaf.minimum, leaf.maximum)
        bounds = zip(np.broadcast_to(low, leaf.shape).ravel(), np.broadcast_to(high, leaf.shape).ravel())
        grids += [np.arange(int(a), int(b) + 1) for a, b in bounds]
    rows = np.stack(np.meshgrid(*grids), axis=-1).reshape(-1, len(grids))
    leaves, at = [], 0
    for leaf in tf.nest.flatten(spec):
        size = leaf.shape.num_elements()
        leaves.append(tf.cast(rows[:, at : at + size].reshape(-1, *leaf.shape), leaf.dtype))
        at += size
    states = network.states(tf.nest.pack_sequence_as(spec, leaves)).numpy()
    assert network.num_states == count and sorted(states) == [*range(count)]


@pytest.mark.parametrize(
    "spec, sentence",
    [
        (tf.TensorSpec([4], tf.float32), r"a view is made of float32 \[4\]: a table is for booleans and bounded int"),
        (tf.TensorSpec([], tf.int32), r"a view is made of int32 \[\]: a table is for booleans and bounded integers"),
        (tf.TensorSpec([84], tf.bool), r"a view has 1.93e\+25 values: a table is for 22369621 at the most"),
    ],
)  # fmt: skip
def test_what_no_table_holds_is_one_sentence(spec, sentence):
    with pytest.raises(InputError, match=f"algorithm = 'tabular': {sentence}"):
        agent(spec=spec)


# In a training


def script(rows=4, **settings):
    between = [Row([0], [1.0])] * (rows - 2)
    return Scripted([Row([0], [0.0]), *between, Row([], [1.0])], batch_size=2, alike=True, **settings)


class Counted(TabularAgent):
    """Counts what it is taught."""

    def __init__(self, *args):
        super().__init__(*args)
        self.taught = tf.Variable(0.0, trainable=False)

    def _train(self, experience, weights=None):
        self.taught.assign_add(tf.reduce_sum(tf.cast(weights, tf.float32)))
        return super()._train(experience, weights)


@pytest.mark.parametrize("execution", ["eager", "xla"])
def test_each_decision_is_learned_once_and_no_lesson_is_without_one(execution):
    """Episodes of 3 decisions and a round to begin anew: in 8 rounds 6 decisions in each of 2 copies, 6 lessons."""
    spec = tf.TensorSpec([4], tf.bool)
    environment = script()

    def views(observation, seat, state):
        return observation["views"][0] > 0.5

    def build(time_step_spec, action_spec):
        return Counted(time_step_spec, action_spec, Tabular(learning_rate=1.0))

    learner = imagents.IMAgent(environment, algorithm=build, observation_fn=views)
    trainer = Trainer(environment, [learner], execution=execution)
    trainer.run(8)
    assert learner.algorithm._q_network.num_states == 2**spec.shape[0]
    assert float(learner.algorithm.taught) == 12 and int(learner.algorithm.train_step_counter) == 6
    assert learner.replay_buffer.num_frames() == 0
