"""The learners are TF-Agents' own, and learn the same."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.agents.categorical_dqn import categorical_dqn_agent
from tf_agents.agents.dqn import dqn_agent
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import CONNECT_FOUR
from imagents.learning.algorithms import categorical_dqn, dqn
from imagents.learning.decisions import Decision, as_experience
from imagents.learning.perspective import Sight


@pytest.mark.parametrize(
    ("learner", "method", "original"),
    [
        (dqn, "_compute_q_values", dqn_agent.DqnAgent),
        (functools.partial(dqn, double=True), "_compute_q_values", dqn_agent.DdqnAgent),
        (categorical_dqn, "_loss", categorical_dqn_agent.CategoricalDqnAgent),
    ],
    ids=["dqn", "double_dqn", "c51"],
)
def test_a_train_step_is_that_of_the_agent_of_tf_agents(learner, method, original):
    environment = BoardGameEnvironment(CONNECT_FOUR)
    view = tf.TensorSpec([2, 6, 7], tf.bool)
    observation = Sight(view, environment.observation_spec()["legal_moves"])
    specs = ts.time_step_spec(observation), environment.action_spec()
    ours, theirs = (learner(discount=0.9, hidden_layers=(16,), seed=3)(*specs) for _ in range(2))
    ours.initialize()
    theirs.initialize()
    setattr(theirs, method, functools.partial(getattr(original, method), theirs))

    rng = np.random.default_rng(0)
    decisions = Decision(
        view=tf.constant(rng.random([64, 2, 6, 7]) < 0.3),
        legal_moves=tf.constant(rng.random([64, 7]) < 0.8),
        action=tf.constant(rng.integers(0, 7, 64), tf.int32),
        log_probability=(),
        begins=(),
        memory=(),
        reward=tf.constant(rng.normal(size=64), tf.float32),
        discount=tf.constant(rng.integers(0, 2, 64), tf.float32),
        next_view=tf.constant(rng.random([64, 2, 6, 7]) < 0.3),
        next_legal_moves=tf.constant(np.ones([64, 7], bool)),
    )
    for _ in range(3):
        np.testing.assert_allclose(*(agent.train(as_experience(decisions)).loss for agent in (ours, theirs)), rtol=1e-5)
    for variable, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(variable, other, rtol=1e-4, atol=1e-6)
