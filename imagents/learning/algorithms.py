"""Functions that build the TF-Agents agent inside an `IMAgent` from its own specs.

Each takes `(time_step_spec, action_spec)` and returns a TF-Agents agent. Where the
environment shows legal moves, the agent's observation is a dictionary of its own view
and of those moves, and `split_observation` tells TF-Agents which is which, so that both
its greedy policy and the maximum in its TD target are over legal moves only.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.agents.categorical_dqn import categorical_dqn_agent
from tf_agents.agents.dqn import dqn_agent
from tf_agents.trajectories import trajectory

from imagents.learning.networks import QNetwork

Learner = Callable[..., tf_agent.TFAgent]


def split_observation(observation):
    """The `observation_and_action_constraint_splitter` of an `IMAgent`'s observations."""
    return observation["view"], observation["legal_moves"]


def dqn(
    *,
    double: bool = False,
    hidden_layers: Sequence[int] = (128, 128),
    features: Callable | None = None,
    mirror: int = 0,
    optimizer: tf.keras.optimizers.Optimizer | None = None,
    discount: float = 1.0,
    target_update_period: int = 50,
    target_update_tau: float = 1.0,
    seed: int = 0,
) -> Learner:
    """Deep Q-learning (Mnih et al. 2015), or Double DQN (van Hasselt et al. 2015).

    Args:
      double: whether the online network chooses the action that the target network values.
      hidden_layers: widths of the Q network's hidden layers.
      features: what the network sees of the agent's view, a function such as
        `imagents.environments.boards.features.LineFeatures`; the flattened view if None.
      mirror: columns of a board whose mirror image means the same, or 0; see `QNetwork`.
      optimizer: Adam at 1e-3 if None.
      discount: of the next decision's value, per decision.
      target_update_period: train steps between updates of the target network.
      target_update_tau: share of the online weights in an update.
      seed: of the initial weights.
    """

    def build(time_step_spec, action_spec) -> tf_agent.TFAgent:
        agent_class = _DoubleDQN if double else _DQN
        view_spec, splitter = _view_spec(time_step_spec)
        network = QNetwork(view_spec, _num_actions(action_spec), hidden_layers, 1, features, mirror, seed)
        return agent_class(
            time_step_spec,
            action_spec,
            q_network=network,
            optimizer=_built(optimizer, network),
            observation_and_action_constraint_splitter=splitter,
            td_errors_loss_fn=_huber,
            gamma=discount,
            target_update_period=target_update_period,
            target_update_tau=target_update_tau,
            train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False),
        )

    return build


def categorical_dqn(
    *,
    hidden_layers: Sequence[int] = (128, 128),
    features: Callable | None = None,
    mirror: int = 0,
    num_atoms: int = 21,
    min_return: float = -1.0,
    max_return: float = 1.0,
    optimizer: tf.keras.optimizers.Optimizer | None = None,
    discount: float = 1.0,
    target_update_period: int = 50,
    target_update_tau: float = 1.0,
    seed: int = 0,
) -> Learner:
    """C51: learns the distribution of returns (Bellemare et al. 2017).

    Args:
      num_atoms: points between `min_return` and `max_return` that carry probability.
      Others: as for `dqn`.
    """

    def build(time_step_spec, action_spec) -> tf_agent.TFAgent:
        view_spec, splitter = _view_spec(time_step_spec)
        num_actions = _num_actions(action_spec)
        network = QNetwork(view_spec, num_actions, hidden_layers, num_atoms, features, mirror, seed)
        return _CategoricalDQN(
            time_step_spec,
            action_spec,
            categorical_q_network=network,
            optimizer=_built(optimizer, network),
            observation_and_action_constraint_splitter=splitter,
            min_q_value=min_return,
            max_q_value=max_return,
            gamma=discount,
            target_update_period=target_update_period,
            target_update_tau=target_update_tau,
            train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False),
        )

    return build


class _OneHot:
    """Selects the chosen actions' outputs by a mask: XLA turns the gradient of TF-Agents' gather into a loop."""

    def _compute_q_values(self, time_steps, actions, training=False):
        """Q values `[N]`, or logits `[N, atoms]`."""
        observation = time_steps.observation
        if self._observation_and_action_constraint_splitter is not None:
            observation, _ = self._observation_and_action_constraint_splitter(observation)
        outputs, _ = self._q_network(observation, step_type=time_steps.step_type, training=training)
        chosen = tf.cast(actions, tf.int32)[:, tf.newaxis] == tf.range(outputs.shape[1])
        chosen = tf.reshape(chosen, [-1, outputs.shape[1]] + [1] * (len(outputs.shape) - 2))
        return tf.reduce_sum(tf.where(chosen, outputs, 0.0), axis=1)


class _DQN(_OneHot, dqn_agent.DqnAgent):
    pass


class _DoubleDQN(_OneHot, dqn_agent.DdqnAgent):
    pass


class _CategoricalDQN(_OneHot, categorical_dqn_agent.CategoricalDqnAgent):
    """Learns from single transitions of equal weight."""

    def _loss(
        self, experience, td_errors_loss_fn=None, gamma=1.0, reward_scale_factor=1.0, weights=None, training=False
    ):
        time_steps, policy_steps, next_time_steps = trajectory.experience_to_transitions(experience, True)
        logits = self._compute_q_values(time_steps, policy_steps.action, training)
        reward = reward_scale_factor * next_time_steps.reward[:, tf.newaxis]
        returns = reward + gamma * next_time_steps.discount[:, tf.newaxis] * self._support
        distribution = self._next_q_distribution(next_time_steps)
        target = categorical_dqn_agent.project_distribution(returns, distribution, self._support)
        loss = tf.nn.softmax_cross_entropy_with_logits(tf.stop_gradient(target), logits)
        return tf_agent.LossInfo(tf.nn.compute_average_loss(loss), dqn_agent.DqnLossInfo(td_loss=(), td_error=()))


def _view_spec(time_step_spec):
    observation = time_step_spec.observation
    if isinstance(observation, dict) and set(observation) == {"view", "legal_moves"}:
        return observation["view"], split_observation
    return observation, None


def _num_actions(action_spec) -> int:
    return int(action_spec.maximum - action_spec.minimum + 1)


def _built(optimizer, network) -> tf.keras.optimizers.Optimizer:
    """The optimizer with its variables made, so that a checkpoint finds them from the start."""
    network.create_variables()
    optimizer = optimizer or tf.keras.optimizers.Adam(1e-3)
    optimizer.build(network.trainable_variables)
    return optimizer


def _huber(target, prediction):
    return tf.compat.v1.losses.huber_loss(target, prediction, reduction="none")
