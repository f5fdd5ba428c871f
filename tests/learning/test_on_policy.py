"""PPO, A2C and REINFORCE: what a decision was worth, against closed forms, and what a lesson makes of it."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.agents.reinforce import reinforce_agent
from tf_agents.networks import actor_distribution_network
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from worlds import Row, Scripted

from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import policy_gradient, ppo
from imagents.learning.decisions import Decision
from imagents.learning.on_policy import advantages
from imagents.seats import num_actions
from imagents.settings import A2C, PPO, Reinforce
from imagents.training.loop import Trainer

LAMBDA, DISCOUNT = 0.8, 0.9


def estimates(rewards, discounts, values, next_values, begins, are_there=None) -> list[float]:
    """Of decisions of a single copy."""
    columns = [tf.constant(x, tf.float32)[:, tf.newaxis] for x in (rewards, discounts, values, next_values)]
    there = tf.constant([True] * len(rewards) if are_there is None else are_there)[:, tf.newaxis]
    return advantages(*columns, tf.constant(begins)[:, tf.newaxis], there, LAMBDA).numpy()[:, 0].tolist()


# What a decision was worth


def test_after_an_end_nothing_is_worth_anything():
    first, last = estimates([1, 2], [DISCOUNT, 0], [0.5, 0.25], [0.25, 100], [True, False])
    assert last == pytest.approx(2 - 0.25)
    assert first == pytest.approx(1 + DISCOUNT * 0.25 - 0.5 + DISCOUNT * LAMBDA * last)


def test_a_cut_off_life_is_worth_what_its_last_view_is_and_the_next_life_does_not_reach_back():
    cut, other = estimates([1, 7], [DISCOUNT, 0], [0.5, 0], [3, 0], [True, True])
    assert cut == pytest.approx(1 + DISCOUNT * 3 - 0.5)
    assert other == pytest.approx(7)


def test_the_open_tail_is_worth_what_the_view_is_that_came_last():
    first, tail = estimates([0, 1], [DISCOUNT] * 2, [0, 0.5], [0.5, 2], [True, False])
    assert tail == pytest.approx(1 + DISCOUNT * 2 - 0.5)
    assert first == pytest.approx(DISCOUNT * 0.5 + DISCOUNT * LAMBDA * tail)


def test_a_gap_changes_nothing():
    dense = estimates([1, 2, 3], [DISCOUNT] * 3, [0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [True, False, False])
    gap = np.nan
    sparse = estimates([1, gap, 2, 3, gap], [DISCOUNT] * 5, [0.1, gap, 0.2, 0.3, gap], [0.2, gap, 0.3, 0.4, gap],
                       [True, True, False, False, True], [True, False, True, True, False])  # fmt: skip
    assert [sparse[i] for i in (0, 2, 3)] == pytest.approx(dense)
    assert sparse[1] == sparse[4] == 0


def test_with_lambda_1_it_is_the_return_less_the_value():
    rewards, values = [1.0, 2.0, 4.0], [0.3, 0.6, 0.9]
    columns = [tf.constant(x, tf.float32)[:, tf.newaxis] for x in (rewards, [1, 1, 0], values, [0.6, 0.9, 9.0])]
    flags = tf.constant([[True], [False], [False]]), tf.ones([3, 1], tf.bool)
    np.testing.assert_allclose(advantages(*columns, *flags, 1.0)[:, 0], np.array([7, 6, 4]) - values, rtol=1e-6)


# A lesson

def learner(settings):
    """Sees three numbers, has two actions."""
    return IMAgent(life(2), algorithm=policy_gradient(settings, seed=1)).algorithm


def life(length: int, reward: float = 1.0, **settings) -> Scripted:
    """A reward in each step; an end after `length` of them, or a cut-off with discounts 1."""
    rows = [Row([0], [0])] + [Row([0], [reward])] * (length - 1) + [Row([], [reward])]
    return Scripted(rows, alike=True, **settings)


def decisions(algorithm, size: int, seed: int = 0) -> Decision:
    """Random decisions in one copy, as the algorithm would take them: `[S, 1, ...]`."""
    rng = np.random.default_rng(seed)
    spec = algorithm.time_step_spec.observation
    view = rng.normal(size=[size, 1, *spec.shape]).astype(np.float32)
    action = rng.integers(0, num_actions(algorithm.action_spec), [size, 1]).astype(np.int32)
    logits = algorithm.actor_net._logits(view[:, 0])[0]
    chosen = tf.gather(tf.nn.log_softmax(logits), action[:, 0], batch_dims=1)
    begins, discount = rng.random([size, 1]) < 0.3, (rng.random([size, 1]) < 0.7).astype(np.float32)
    return Decision(*map(tf.constant, (view,)), (), tf.constant(action), chosen[:, tf.newaxis], tf.constant(begins), (),
                    tf.constant(rng.normal(size=[size, 1]), tf.float32), tf.constant(discount),
                    tf.constant(rng.normal(size=view.shape), tf.float32), ())  # fmt: skip


def weights_of(algorithm) -> list[np.ndarray]:
    return [variable.numpy() for variable in algorithm._trained]


@pytest.mark.parametrize("settings", [PPO(epochs=1, minibatches=1), A2C(), Reinforce()], ids=lambda s: s.name)
def test_rows_that_are_not_there_are_neither_trained_on_nor_counted(settings):
    dense, sparse = learner(settings), learner(settings)
    few = decisions(dense, 5)
    order, nowhere = [0, 1, 7, 2, 5, 3, 4, 6], 5  # rows from 5 on are not there

    def spread(x):
        return tf.gather(tf.concat([x, tf.cast(tf.fill([3, *x.shape[1:]], 1), x.dtype)], axis=0), order)

    many = tf.nest.map_structure(spread, few)
    many = many._replace(reward=tf.where(tf.constant(order)[:, tf.newaxis] < nowhere, many.reward, 1e6))
    info = dense.train(few, weights=tf.ones([5, 1], tf.bool))
    other = sparse.train(many, weights=tf.constant([[i < nowhere] for i in order]))
    np.testing.assert_allclose(info.loss, other.loss, rtol=1e-5)
    for note in dense.notes:
        np.testing.assert_allclose(info.extra[note], other.extra[note], rtol=1e-5, atol=1e-7)
    for a, b in zip(weights_of(dense), weights_of(sparse), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_decision_without_return_and_advantage_counts_as_any_other():
    """TF-Agents' PPO leaves out rows whose return and advantage are both 0: at first, every lossless start."""
    algorithm = learner(A2C(value_weight=1.0))
    batch = decisions(algorithm, 2)
    zeros = tf.zeros([2, 1])
    for variable in algorithm._value_net.variables:
        variable.assign(tf.zeros_like(variable))
    batch = batch._replace(reward=tf.constant([[2.0], [0.0]]), discount=zeros)
    info = algorithm.train(batch, weights=tf.ones([2, 1], tf.bool))
    assert float(info.extra["value_loss"]) == pytest.approx((2.0**2 + 0.0) / 2)


@pytest.mark.parametrize("minibatches", [1, 3, 8])
def test_an_epoch_goes_over_every_decision_once(minibatches):
    algorithm = learner(PPO(epochs=2, minibatches=minibatches))
    seen, real = [], algorithm._step

    def step(rows, counts):
        seen.extend(rows["observation"].numpy()[counts.numpy() > 0, 0].tolist())
        return real(rows, counts)

    algorithm._step = step
    batch = decisions(algorithm, 7)
    are_there = tf.constant([[True]] * 5 + [[False]] * 2)
    algorithm.train(batch, weights=are_there)
    expected = batch.view.numpy()[:5, 0, 0].tolist()
    assert sorted(seen[:5]) == sorted(seen[5:]) == pytest.approx(sorted(expected))
    assert seen[:5] != seen[5:]  # another order


def test_before_the_first_step_no_ratio_differs_from_1():
    algorithm = learner(PPO(epochs=1, minibatches=1, clip=1e-5))
    info = algorithm.train(decisions(algorithm, 50), weights=tf.ones([50, 1], tf.bool))
    assert float(info.extra["clip_fraction"]) == 0
    info = algorithm.train(decisions(learner(PPO()), 50), weights=tf.ones([50, 1], tf.bool))
    assert float(info.extra["clip_fraction"]) > 0.5  # those were chosen by what it was before


@pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning")
def test_a_step_of_reinforce_is_that_of_tf_agents():
    """Their loss is a sum over episodes, ours a mean over decisions: one is the other times their number."""
    spec = tf.TensorSpec([3], tf.float32)
    ours = learner(Reinforce(baseline=False, discount=DISCOUNT, value_weight=0.0))
    width, actions = 64, num_actions(ours.action_spec)
    theirs_net = actor_distribution_network.ActorDistributionNetwork(
        spec, ours.action_spec, fc_layer_params=(width, width)
    )
    theirs = reinforce_agent.ReinforceAgent(
        ts.time_step_spec(spec), ours.action_spec, theirs_net, tf.keras.optimizers.SGD(1.0), gamma=DISCOUNT,
        normalize_returns=False,
    )  # fmt: skip
    theirs.initialize()
    kernels = [v for v in ours.actor_net.trainable_weights]
    for theirs_v, ours_v in zip(theirs_net.trainable_weights, kernels, strict=True):
        theirs_v.assign(tf.transpose(ours_v) if theirs_v.shape != ours_v.shape else ours_v)
    ours._optimizer = tf.keras.optimizers.SGD(1.0)
    rng = np.random.default_rng(0)
    length = 4
    view = rng.normal(size=[length, 1, 3]).astype(np.float32)
    action, reward = rng.integers(0, actions, [length, 1]), rng.normal(size=[length, 1])
    batch = Decision(
        tf.constant(view), (), tf.constant(action, tf.int32), tf.zeros([length, 1]),
        tf.constant([[True]] + [[False]] * (length - 1)), (), tf.constant(reward, tf.float32),
        tf.constant([[1.0]] * (length - 1) + [[0.0]]), tf.constant(np.roll(view, -1, 0)), (),
    )  # fmt: skip
    experience = trajectory.Trajectory(
        tf.constant([[0] + [1] * (length - 1)]), tf.constant(view[np.newaxis, :, 0]),
        tf.constant(action.T, tf.int32), (), tf.constant([[1] * (length - 1) + [2]]),
        tf.constant(reward.T, tf.float32), tf.constant([[1.0] * (length - 1) + [0.0]]),
    )  # fmt: skip
    before = [v.numpy() for v in kernels]
    ours.train(batch, weights=tf.ones([length, 1], tf.bool))
    theirs.train(experience)
    for theirs_v, ours_v, old in zip(theirs_net.trainable_weights, kernels, before, strict=True):
        moved, expected = ours_v.numpy() - old, theirs_v.numpy()
        expected = (expected.T if expected.shape != old.shape else expected) - old
        np.testing.assert_allclose(length * moved, expected, rtol=1e-3, atol=1e-5)


def test_where_no_ratio_is_too_large_nothing_is_clipped():
    algorithm = learner(A2C())
    info = algorithm.train(decisions(learner(PPO()), 50, seed=1), weights=tf.ones([50, 1], tf.bool))
    assert float(info.extra["clip_fraction"]) == 0


# In an agent


def trainer(environment, **settings) -> Trainer:
    return Trainer(environment, [IMAgent(environment, algorithm=ppo(**settings))], execution="graph")


def test_a_lesson_comes_every_so_many_rounds_and_has_all_decisions_of_them():
    loop = trainer(life(3, batch_size=2), rollout_length=4)
    agent = loop.agents[0]
    loop.run(3)
    assert int(agent.algorithm.train_step_counter) == 0 and int(agent.replay_buffer.num_frames()) > 0
    loop.run(1)
    assert int(agent.algorithm.train_step_counter) == 4 * 4 and int(agent.replay_buffer.num_frames()) == 0


def test_an_open_decision_survives_a_lesson_with_the_probability_that_it_was_taken_with():
    rows = [Row([0], [0]), Row([0], [1]), Row([], [1]), Row([0], [1]), Row([], [1])]  # nobody is asked in the third
    loop = trainer(Scripted(rows, alike=True), rollout_length=2, learning_rate=0.1)
    agent = loop.agents[0]
    loop.run(1)
    before = agent.probabilities(loop.environment.current_time_step(), collect=True).numpy()[0]
    loop.run(1)  # decides, which stays open, and learns from the decision before
    loop.run(1)
    after = agent.replay_buffer._table.numpy()
    found = agent.replay_buffer.row_format.unpack(tf.constant(after[1]))
    assert float(tf.exp(found.log_probability)[0]) == pytest.approx(before[int(found.action[0])], rel=1e-5)
    assert int(agent.algorithm.train_step_counter) > 0


def test_the_first_decision_of_a_life_begins_and_no_other():
    loop = trainer(life(3), rollout_length=100)
    loop.run(9)
    table = loop.agents[0].replay_buffer._table.numpy()
    found = loop.agents[0].replay_buffer.row_format.unpack(tf.constant(table[:6, 0]))
    assert found.begins.numpy().tolist() == [True, False, False] * 2


def test_after_a_reset_nothing_reaches_back():
    loop = trainer(life(9), rollout_length=100)
    loop.run(2)
    loop.begin_anew()
    loop.run(3)
    table = loop.agents[0].replay_buffer._table.numpy()
    found = loop.agents[0].replay_buffer.row_format.unpack(tf.constant(table[:3, 0]))
    assert found.begins.numpy().tolist() == [True, False, True]


def test_a_life_longer_than_what_is_remembered_is_named():
    environment = life(9)
    settings = Reinforce(rollout_length=2, longest_life=4)
    agent = IMAgent(environment, algorithm=policy_gradient(settings))
    loop = Trainer(environment, [agent], execution="graph")
    with pytest.raises(InputError, match="a life is longer than longest_life = 4 decisions"):
        loop.run(9)


@pytest.mark.parametrize("execution", ["eager", "graph", "xla"])
def test_what_pays_is_learned(execution):
    """Two actions; the view says which of them pays."""
    environment = Paid(16)
    settings = dict(rollout_length=4, learning_rate=0.03, epochs=2, minibatches=2, hidden_layers=(8,), seed=3)
    rounds = 40 if execution != "eager" else 8
    agent = IMAgent(environment, algorithm=ppo(**settings))
    loop = Trainer(environment, [agent], execution=execution)
    first = loop.run(4)["player_1_return"]
    for _ in range(rounds // 4):
        last = loop.run(4)["player_1_return"]
    assert last > first + (0.3 if rounds == 40 else 0.0)


class Paid(Scripted):
    """One step a life: action 1 pays 1."""

    def __init__(self, batch_size: int):
        super().__init__([Row([0], [0]), Row([], [0])], batch_size, alike=True)
        self._chosen = tf.Variable(tf.zeros([batch_size], tf.int32), trainable=False)

    def _step(self, action):
        self._chosen.assign(action[0])
        time_step = super()._step(action)
        paid = tf.cast(self._chosen, tf.float32)[:, tf.newaxis]
        return time_step._replace(reward=tf.where(time_step.is_last()[:, tf.newaxis], paid, 0.0))
