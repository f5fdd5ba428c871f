"""An agent's own policies, on what it sees: how it explores over legal moves, and how often it does what."""

import operator

import tensorflow as tf
from tf_agents.policies import categorical_q_policy, greedy_policy, q_policy, tf_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.learning.perspective import Sight
from imagents.randomness import draw_from, normal, sample_legal, uniform
from imagents.seats import is_numbered, num_actions


def own_time_step(policy: tf_policy.TFPolicy, time_step: ts.TimeStep, sight: Sight) -> ts.TimeStep:
    """The environment's time step as an agent's own policy takes it."""
    zeros = tf.zeros_like(time_step.discount)
    observation = shown(sight) if sees_moves(policy) else sight.view
    return ts.TimeStep(time_step.step_type, zeros, time_step.discount, observation)


def sees_moves(policy: tf_policy.TFPolicy) -> bool:
    """Whether a policy was made for a `Sight`; else for the bare view."""
    return isinstance(policy.time_step_spec.observation, Sight)


def has_q_values(policy: tf_policy.TFPolicy) -> bool:
    """Whether a policy is greedy over Q values; else it says what it says."""
    own = getattr(policy, "wrapped_policy", None)
    return isinstance(own, (q_policy.QPolicy, categorical_q_policy.CategoricalQPolicy))


def preferences(policy: tf_policy.TFPolicy, time_step: ts.TimeStep, sight: Sight, memory=()):
    """What a greedy policy is greedy over, float32 `[N, num_actions]`: Q values, or a learned policy's logits.

    With `memory`, what it remembers before; returns what it remembers then, too.
    """
    if not isinstance(policy, greedy_policy.GreedyPolicy):
        raise InputError(f"{type(policy).__name__} does not say what it thinks of actions")
    own = policy.wrapped_policy
    step = own.distribution(own_time_step(own, time_step, sight), memory)
    return step.action.logits_parameter(), step.state


def shown(sight: Sight):
    """What an algorithm that was made for an agent takes of its sight."""
    return sight if tf.nest.flatten(sight.legal_moves) else sight.view


class _Exploring(tf_policy.TFPolicy):
    """What both ways to explore have in common.

    Args:
      policy: the greedy policy to follow.
      amount: how much to explore: float tensor, variable or number, scalar or `[B]`; a batch of another size takes them
        by turns.
      generator: `tf.random.Generator` that this policy draws from.
      legal_moves_fn: maps an observation to bool `[B, num_actions]`; every action is legal if None.
    """

    def __init__(self, policy: tf_policy.TFPolicy, amount, generator, legal_moves_fn=None):
        super().__init__(
            policy.time_step_spec,
            policy.action_spec,
            policy_state_spec=policy.policy_state_spec,
            info_spec=policy.info_spec,
            automatic_state_reset=False,
            clip=False,
        )
        self._greedy_policy = policy
        self._amount = amount
        self._generator = generator
        self._legal_moves_fn = legal_moves_fn

    def _legal_moves(self, time_step, batch_size) -> tf.Tensor:
        if self._legal_moves_fn is None:
            return tf.ones([batch_size, num_actions(self.action_spec)], tf.bool)
        return self._legal_moves_fn(time_step.observation)

    def _as_action(self, index: tf.Tensor) -> tf.Tensor:
        return tf.cast(index, self.action_spec.dtype) + tf.cast(self.action_spec.minimum, self.action_spec.dtype)

    def _amount_of(self, batch_size) -> tf.Tensor:
        amount = tf.convert_to_tensor(self._amount)
        if not amount.shape.rank or (isinstance(batch_size, int) and batch_size == amount.shape[0]):
            return amount
        return tf.gather(amount, tf.range(batch_size) % amount.shape[0])


class LegalEpsilonGreedyPolicy(_Exploring):
    """With probability epsilon a uniformly random legal move, else the greedy policy's.

    TF-Agents' own epsilon-greedy policy has one epsilon for the whole batch and draws
    from the global seed; this one takes an epsilon per batch entry and a generator.
    """

    def _action(self, time_step, policy_state, seed=None):
        draws_among_equals = hasattr(self._greedy_policy, "best")
        if draws_among_equals:  # by this policy's own numbers, which nobody draws but in collecting
            best = self._greedy_policy.best(time_step)
            batch_size = _batch_size(best)
        else:
            greedy = self._greedy_policy.action(time_step, policy_state, seed)
            batch_size = _batch_size(greedy.action)
        draws = uniform(self._generator, [3 if draws_among_equals else 2, batch_size])
        if draws_among_equals:
            greedy = policy_step.PolicyStep(self._as_action(sample_legal(best, draws[2])), policy_state, ())
        random_action = self._as_action(sample_legal(self._legal_moves(time_step, batch_size), draws[0]))
        explore = draws[1] < self._amount_of(batch_size)
        action = tf.where(explore, random_action, greedy.action)
        return policy_step.PolicyStep(action, greedy.state, greedy.info)

    def probabilities(self, time_step) -> tf.Tensor:
        """What it plays how often, float32 `[N, num_actions]`."""
        greedy = greedy_probabilities(self._greedy_policy, time_step)
        size = _batch_size(greedy)
        legal, epsilon = _shares(self._legal_moves(time_step, size)), self._amount_of(size)
        epsilon = epsilon[:, tf.newaxis] if epsilon.shape.rank else epsilon
        return (1.0 - epsilon) * greedy + epsilon * legal


class LegalBoltzmannPolicy(_Exploring):
    """Any legal move with a probability proportional to exp(Q / temperature)."""

    def _action(self, time_step, policy_state, seed=None):
        step = self._greedy_policy.wrapped_policy.distribution(time_step, policy_state)
        shares = self._shares(time_step, step)
        chosen = draw_from(shares, uniform(self._generator, [_batch_size(shares)]))
        return policy_step.PolicyStep(self._as_action(chosen), step.state, ())

    def probabilities(self, time_step) -> tf.Tensor:
        """What it plays how often, float32 `[N, num_actions]`."""
        initial = self.get_initial_state(_batch_size(time_step.discount))
        return self._shares(time_step, self._greedy_policy.wrapped_policy.distribution(time_step, initial))

    def _shares(self, time_step, step: policy_step.PolicyStep) -> tf.Tensor:
        values = step.action.logits_parameter()
        size = _batch_size(values)
        return boltzmann(values, self._amount_of(size), self._legal_moves(time_step, size))


class SampledPolicy(tf_policy.TFPolicy):
    """A policy's own distribution over actions, drawn from by a generator of one's own: the same eagerly and compiled.

    Its `info` is the logarithm of the probability of what it drew.

    Args:
      policy: the greedy policy of that distribution.
      generator: `tf.random.Generator` that this policy draws from.
    """

    def __init__(self, policy: tf_policy.TFPolicy, generator):
        super().__init__(
            policy.time_step_spec,
            policy.action_spec,
            policy_state_spec=policy.policy_state_spec,
            info_spec=tf.TensorSpec([], tf.float32),
            automatic_state_reset=False,
            clip=False,
        )
        self._own_policy, self._generator = policy.wrapped_policy, generator

    def _action(self, time_step, policy_state, seed=None):
        step = self._own_policy.distribution(time_step, policy_state)
        if is_numbered(self.action_spec):
            shares = tf.nn.softmax(step.action.logits_parameter())
            action = tf.cast(draw_from(shares, uniform(self._generator, [_batch_size(shares)])), self.action_spec.dtype)
        else:
            means, deviations = step.action.loc, step.action.scale.diag_part()
            action = means + deviations * normal(self._generator, [_batch_size(means), means.shape[1]])
        return policy_step.PolicyStep(action, step.state, step.action.log_prob(action))

    def probabilities(self, time_step) -> tf.Tensor:
        """What it plays how often, float32 `[N, num_actions]`."""
        initial = self.get_initial_state(_batch_size(time_step.discount))
        return tf.nn.softmax(self._own_policy.distribution(time_step, initial).action.logits_parameter())


def sampled(policy: greedy_policy.GreedyPolicy, temperature: float, generator) -> tf_policy.TFPolicy | None:
    """What draws from the distribution of which a policy is greedy; None if there is none.

    Args:
      policy: the greedy policy.
      temperature: of Q values, in which shares go with exp(Q / temperature).
      generator: `tf.random.Generator` that it draws from.
    """
    if not is_numbered(policy.action_spec):
        return SampledPolicy(policy, generator)
    if not isinstance(policy, greedy_policy.GreedyPolicy):
        return None
    legal_moves = operator.attrgetter("legal_moves") if sees_moves(policy) else None
    return LegalBoltzmannPolicy(policy, temperature, generator, legal_moves)


_COLDEST = 1e-6  # of temperatures: below it a policy is greedy


def boltzmann(values: tf.Tensor, temperature, legal_moves: tf.Tensor) -> tf.Tensor:
    """Shares that go with exp(value / temperature) among legal moves, float32 `[N, num_actions]`.

    Args:
      values: float32 `[N, num_actions]`.
      temperature: `[]` or `[N]`; at 0 all goes to the greatest value, and equals share it.
      legal_moves: bool `[N, num_actions]`.
    """
    temperature = tf.maximum(temperature, _COLDEST)
    temperature = temperature[:, tf.newaxis] if temperature.shape.rank else temperature
    below = (values - tf.reduce_max(values, axis=1, keepdims=True)) / temperature
    return tf.nn.softmax(tf.where(legal_moves, below, -float("inf")))


def greedy_probabilities(policy: tf_policy.TFPolicy, time_step) -> tf.Tensor:
    """What a greedy policy plays how often, float32 `[N, num_actions]`: equals alike, if it draws among them."""
    if hasattr(policy, "best"):
        return _shares(policy.best(time_step))
    action = policy.action(time_step, policy.get_initial_state(_batch_size(time_step.discount))).action
    return tf.one_hot(action - policy.action_spec.minimum, num_actions(policy.action_spec))


def _shares(chosen: tf.Tensor) -> tf.Tensor:
    return tf.cast(chosen, tf.float32) / tf.reduce_sum(tf.cast(chosen, tf.float32), axis=1, keepdims=True)


def _batch_size(x: tf.Tensor):
    return x.shape[0] or tf.shape(x)[0]
