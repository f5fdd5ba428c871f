"""Epsilon-greedy collection over legal moves."""

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import policy_step

from imagents.randomness import sample_legal, uniform
from imagents.seats import num_actions


class LegalEpsilonGreedyPolicy(tf_policy.TFPolicy):
    """With probability epsilon a uniformly random legal move, else the greedy policy's.

    TF-Agents' own epsilon-greedy policy has one epsilon for the whole batch and draws
    from the global seed; this one takes an epsilon per batch entry and a generator.

    Args:
      policy: the greedy policy to follow.
      epsilon: float tensor, variable or number, scalar or `[B]`; a batch of another size takes them by turns.
      generator: `tf.random.Generator` that this policy draws from.
      legal_moves_fn: maps an observation to bool `[B, num_actions]`; every action is
        legal if None.
    """

    def __init__(self, policy: tf_policy.TFPolicy, epsilon, generator, legal_moves_fn=None):
        super().__init__(
            policy.time_step_spec,
            policy.action_spec,
            policy_state_spec=policy.policy_state_spec,
            info_spec=policy.info_spec,
            automatic_state_reset=False,
            clip=False,
        )
        self._greedy_policy = policy
        self._epsilon = epsilon
        self._generator = generator
        self._legal_moves_fn = legal_moves_fn

    def _action(self, time_step, policy_state, seed=None):
        greedy = self._greedy_policy.action(time_step, policy_state, seed)
        spec = self.action_spec
        batch_size = greedy.action.shape[0] or tf.shape(greedy.action)[0]
        if self._legal_moves_fn is None:
            legal_moves = tf.ones([batch_size, num_actions(spec)], tf.bool)
        else:
            legal_moves = self._legal_moves_fn(time_step.observation)
        draws = uniform(self._generator, [2, batch_size])
        random_action = sample_legal(legal_moves, draws[0])
        random_action = tf.cast(random_action, spec.dtype) + tf.cast(spec.minimum, spec.dtype)
        explore = draws[1] < self._epsilon_of(batch_size)
        action = tf.where(explore, random_action, greedy.action)
        return policy_step.PolicyStep(action, greedy.state, greedy.info)

    def _epsilon_of(self, batch_size) -> tf.Tensor:
        epsilon = tf.convert_to_tensor(self._epsilon)
        if not epsilon.shape.rank or (isinstance(batch_size, int) and batch_size == epsilon.shape[0]):
            return epsilon
        return tf.gather(epsilon, tf.range(batch_size) % epsilon.shape[0])
