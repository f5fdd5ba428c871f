"""TF-Agents' agents of the DQN family, as those here learn: from single decisions of equal weight."""

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.agents.categorical_dqn import categorical_dqn_agent
from tf_agents.agents.dqn import dqn_agent
from tf_agents.trajectories import trajectory

from imagents.learning.optimism import Optimism, hashed
from imagents.learning.perspective import view_of
from imagents.seats import num_actions
from imagents.settings import Learning
from imagents.xla import pick

_BUCKETS = 4096  # of views, each with a temperature per action, if a Q network is lenient


class _OneHot:
    """Picks the chosen actions' outputs faster than TF-Agents does; see `imagents.xla.pick`."""

    def _compute_q_values(self, time_steps, actions, training=False):
        """Q values `[N]`, or logits `[N, atoms]`."""
        observation = time_steps.observation
        if self._observation_and_action_constraint_splitter is not None:
            observation, _ = self._observation_and_action_constraint_splitter(observation)
        outputs, _ = self._q_network(observation, step_type=time_steps.step_type, training=training)
        return pick(outputs, actions)


class Optimistic(_OneHot):
    """Counts errors below 0 less, if it is told to; then it learns from single transitions of equal weight."""

    hopes = None
    """What actions may be worth besides in targets, as of a `Motivation`; set before each lesson."""

    def __init__(self, *args, optimism: Learning, seed: int, **kwargs):
        super().__init__(*args, **kwargs)
        self._optimism = None
        if optimism.is_optimistic:
            self._optimism = Optimism(optimism, _BUCKETS, num_actions(self.action_spec), seed)

    def _loss(self, experience, td_errors_loss_fn, gamma=1.0, reward_scale_factor=1.0, weights=None, training=False):
        if self._optimism is None:
            return super()._loss(experience, td_errors_loss_fn, gamma, reward_scale_factor, weights, training)
        time_steps, policy_steps, next_time_steps = trajectory.experience_to_transitions(experience, True)
        values = self._compute_q_values(time_steps, policy_steps.action, training)
        following = self._compute_next_q_values(next_time_steps, policy_steps.info)
        reward = reward_scale_factor * next_time_steps.reward
        target = tf.stop_gradient(reward + gamma * next_time_steps.discount * following)
        counts = tf.ones_like(target, tf.bool)
        losses = td_errors_loss_fn(target, values)
        losses *= self._shares(target - values, view_of(time_steps.observation), policy_steps.action, counts)
        loss_info = dqn_agent.DqnLossInfo(td_loss=losses, td_error=target - values)
        return tf_agent.LossInfo(tf.nn.compute_average_loss(losses), loss_info)

    def _compute_next_q_values(self, next_time_steps, info):
        """What the next views are worth, `[N]`: with hopes, by the greatest sum of a value and what is hoped."""
        if self.hopes is None:
            return super()._compute_next_q_values(next_time_steps, info)
        view, legal = view_of(next_time_steps.observation), getattr(next_time_steps.observation, "legal_moves", ())
        values, _ = self._target_q_network(view, step_type=next_time_steps.step_type)
        preferred = self._q_network(view, step_type=next_time_steps.step_type)[0] if self._is_double else values
        return following(values, preferred, legal, self.hopes(view))

    def _shares(self, errors: tf.Tensor, view, actions: tf.Tensor, counts: tf.Tensor):
        """How much of each error counts; 1 if all do."""
        if self._optimism is None:
            return 1.0
        return tf.stop_gradient(self._optimism.shares(errors, hashed(view, _BUCKETS), actions, counts))


def following(values: tf.Tensor, preferred: tf.Tensor, legal, hopes: tf.Tensor | None) -> tf.Tensor:
    """What views are worth by the legal action that is preferred, float32 `[N]`.

    Args:
      values, preferred: of actions, float32 `[N, A]`.
      legal: bool `[N, A]`, or ().
      hopes: what actions may be worth besides, float32 `[N, A]`; None for nothing.
    """
    if hopes is not None:
        values, preferred = values + hopes, preferred + hopes
    if tf.is_tensor(legal):
        preferred = tf.where(legal, preferred, preferred.dtype.min)
    return pick(values, tf.argmax(preferred, axis=1))


class DQN(Optimistic, dqn_agent.DqnAgent):
    """Deep Q-learning (Mnih et al. 2015)."""

    _is_double = False


class DoubleDQN(Optimistic, dqn_agent.DdqnAgent):
    """Double DQN (van Hasselt et al. 2015)."""

    _is_double = True


class CategoricalDQN(_OneHot, categorical_dqn_agent.CategoricalDqnAgent):
    """C51 (Bellemare et al. 2017); it learns from single transitions of equal weight."""

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


def huber(target, prediction):
    """Huber's loss of errors, each by itself; linear from 1 on."""
    return tf.compat.v1.losses.huber_loss(target, prediction, reduction="none")
