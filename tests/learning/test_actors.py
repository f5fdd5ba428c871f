"""Actors of agents whose actions are floats: what they choose, how likely that is, and that they learn."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import categorical_dqn, drqn, ppo, recurrent_ppo, tabular
from imagents.seats import PASS
from imagents.training.loop import Trainer


class Aims(tf_environment.TFEnvironment, tf.Module):
    """One step an episode: the nearer two numbers, within 0 and 10, come to what is shown, the better.

    Args:
      batch_size: number of copies B.
      seats: who act in turn, or None for one that is no seat.
    """

    def __init__(self, batch_size: int = 2, seats: int | None = None):
        tf.Module.__init__(self, name="aims")
        reward = tf.TensorSpec([seats] if seats else [], tf.float32, "reward")
        observation = tf.TensorSpec([2], tf.float32)
        if seats:
            self.num_seats = seats
            observation = {"views": (observation,) * seats, "seat": tf.TensorSpec([], tf.int32)}
        action = tensor_spec.BoundedTensorSpec([2], tf.float32, 0.0, 10.0)
        super().__init__(ts.time_step_spec(observation, reward), action, batch_size)
        self._shown = tf.Variable(tf.zeros([batch_size, 2]), trainable=False)
        self._paid, self._is_last = (tf.Variable(tf.zeros([batch_size]), trainable=False) for _ in range(2))

    def _reset(self):
        self._is_last.assign(tf.zeros_like(self._is_last))
        return self._current_time_step()

    def _step(self, action):
        self._paid.assign(-tf.reduce_mean(abs(action - 5.0 - 4.0 * self._shown), axis=1))
        self._is_last.assign(1.0 - self._is_last)
        turned = tf.reverse(self._shown, [1]) * [-1.0, 1.0] + [[0.3, 0.1]]
        self._shown.assign(tf.clip_by_value(turned, -1.0, 1.0))
        return self._current_time_step()

    def _current_time_step(self):
        is_last, shown = self._is_last > 0.0, self._shown.read_value()
        reward = tf.where(is_last, self._paid, 0.0)
        if hasattr(self, "num_seats"):
            seat = tf.where(tf.range(self.batch_size) == 0, 0, 1)
            shown, reward = {"views": (shown,) * 2, "seat": seat}, tf.stack([reward] * 2, axis=1)
        step_type = tf.where(is_last, ts.StepType.LAST, ts.StepType.FIRST)
        return ts.TimeStep(step_type, reward, tf.where(is_last, 0.0, 1.0), shown)


def test_what_was_chosen_is_stored_with_its_density_and_done_within_the_bounds():
    environment = Aims(64)
    agent = IMAgent(environment, algorithm=ppo(hidden_layers=(4,)))
    first = environment.reset()
    agent.observe(first)
    done = agent.act(first, collect=True).numpy()
    agent.observe(environment.step(tf.constant(done)))
    decisions, there = agent.replay_buffer.take()
    chosen, density = (x.numpy()[there] for x in (decisions.action, decisions.log_probability))
    np.testing.assert_allclose(done, np.clip(5.0 + 5.0 * chosen, 0.0, 10.0), rtol=1e-6)
    assert (abs(chosen) > 1.0).any() and chosen.std() == pytest.approx(0.5, rel=0.2)
    means = agent.algorithm.actor_net(first.observation)[0].loc.numpy()
    expected = -(((chosen - means) / 0.5) ** 2) / 2 - math.log(0.5 * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(density, expected.sum(axis=1), rtol=1e-4)
    assert agent.algorithm.train(decisions, weights=there).extra["clip_fraction"] >= 0.0


@pytest.mark.parametrize("algorithm", [ppo, recurrent_ppo])
def test_before_the_first_step_no_ratio_differs_from_1(algorithm):
    environment = Aims(4)
    settings = dict(rollout_length=4, epochs=1, minibatches=1, clip=1e-5)
    settings |= dict(recurrent_units=4, window_length=2) if algorithm is recurrent_ppo else {}
    agent = IMAgent(environment, algorithm=algorithm(**settings))
    Trainer(environment, [agent], execution="eager").run(3)
    assert float(agent.train_iteration().extra["clip_fraction"]) == 0.0


def test_it_plays_the_mean_and_draws_around_it():
    environment = Aims(4)
    agent, time_step = IMAgent(environment, algorithm=ppo()), environment.reset()
    means = 5.0 + 5.0 * agent.algorithm.actor_net(time_step.observation)[0].loc
    np.testing.assert_allclose(agent.act(time_step), means, rtol=1e-5)
    np.testing.assert_allclose(agent.policy.action(time_step).action, means, rtol=1e-5)
    agent.follow("sampled", seed=1)
    assert (abs(agent.act(time_step) - means) > 0.01).numpy().all()
    assert (agent.act(time_step) != agent.act(time_step)).numpy().all()


def test_in_turn_it_passes_where_another_seat_is_asked():
    environment = Aims(3, seats=2)
    agent = IMAgent(environment, seat=0, algorithm=ppo())
    action = agent.act(environment.reset()).numpy()
    assert (action[1:] == PASS).all() and (action[0] != PASS).all()


@pytest.mark.parametrize("algorithm", [None, drqn(), categorical_dqn(), tabular()])
def test_what_values_single_actions_does_not_choose_among_floats(algorithm):
    needed = r"player_1: its actions are float32 \(2,\): this is for numbered ones; ppo, a2c"
    with pytest.raises(InputError, match=needed):
        IMAgent(Aims(), algorithm=algorithm)


@pytest.mark.parametrize("algorithm", [ppo(), tabular()])
def test_whole_numbers_of_8_bits_are_seen(algorithm):
    """As on boards of PettingZoo, and in Gymnasium's MultiBinary."""
    seen = ts.time_step_spec(tensor_spec.BoundedTensorSpec([3], tf.int8, 0, 1))
    agent = IMAgent(seen, tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1), algorithm=algorithm)
    assert agent.act(ts.restart(tf.zeros([1, 3], tf.int8), 1)).numpy()[0] in (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["graph", "xla"])
def test_aiming_is_learned(execution):
    environment = Aims(32)
    agent = IMAgent(environment, algorithm=ppo(rollout_length=8, learning_rate=0.01, seed=1))
    loop = Trainer(environment, [agent], execution=execution)
    first = loop.run(8)["player_1_return"]
    for _ in range(30):
        last = loop.run(16)["player_1_return"]
    assert first < -1.5 and last > -1.0
