"""Agents that remember: gated recurrent units between what is seen and what is made of it.

What an agent remembers moves on where it decides, and nowhere else, and is empty where a life of its own begins. Every
decision is stored with what was remembered before it, so that windows of decisions can begin anywhere (the stored state
of Kapturowski et al. 2019, https://openreview.net/forum?id=r1lyTjAqYX).

Source: the units are those of Cho et al. 2014, https://arxiv.org/abs/1406.1078, the reset gate behind the product.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.agents.dqn import dqn_agent
from tf_agents.networks import network
from tf_agents.policies import greedy_policy, tf_policy
from tf_agents.trajectories import policy_step

from imagents.learning.networks import Flat, QNetwork
from imagents.learning.perspective import Sight, view_of
from imagents.learning.q_learning import Optimistic, following
from imagents.learning.rollouts import flat
from imagents.process import check_memory
from imagents.randomness import make_seed
from imagents.xla import pick


class Memory(tf.keras.layers.Layer):
    """From what was remembered, float32 `[N, size]`, and a view to what is remembered then.

    Args:
      view_spec: nest of specs of the view.
      units: recurrent units.
      parts: how many networks remember, each with so many units, one beside the other.
      features: from the view to float32 `[N, F]`; all that is in it by default.
      seed: of the initial weights.

    Attributes:
      size: parts x units; spec: of what is remembered in one copy.
    """

    def __init__(self, view_spec, units: int, parts: int = 1, features: Callable | None = None, seed: int = 0):
        super().__init__()
        self.units, self.parts, self.size = units, parts, parts * units
        self.spec = tf.TensorSpec([self.size], tf.float32, "memory")
        self._features, self._seed = features or Flat(view_spec, seed), seed
        zeros = tf.nest.map_structure(lambda x: tf.zeros([1, *x.shape], x.dtype), view_spec)
        self._make_weights(self._features(zeros).shape[1])

    def _make_weights(self, inputs: int) -> None:
        check_memory(f"recurrent_units = {self.units}", 4 * 4 * 3 * self.size * (inputs + self.units))
        self._kernels, self._recurrent, self._biases = [], [], []
        for part in range(self.parts):
            glorot = tf.keras.initializers.GlorotUniform(seed=make_seed(self._seed, f"memory {part}"))
            orthogonal = tf.keras.initializers.Orthogonal(seed=make_seed(self._seed, f"recurrent {part}"))
            width = 3 * self.units  # of the update gate, the reset gate and the candidate
            self._kernels.append(self.add_weight(f"kernel_{part}", [inputs, width], initializer=glorot))
            self._recurrent.append(self.add_weight(f"recurrent_{part}", [self.units, width], initializer=orthogonal))
            self._biases.append(self.add_weight(f"bias_{part}", [2, width], initializer="zeros"))

    def call(self, view, memory: tf.Tensor) -> tf.Tensor:
        """What is remembered once N views were seen, `[N, size]`."""
        return self._advance(self._seen(view), memory)

    def unroll(self, views, stored: tf.Tensor, starts: tf.Tensor, are_there: tf.Tensor) -> tf.Tensor:
        """What is remembered once each view of N windows of T decisions was seen, float32 `[T, N, size]`.

        Args:
          views: nest of tensors `[T, N, ...]`.
          stored: what was remembered before each decision, float32 `[T, N, size]`.
          starts: bool `[T, N]`, where that counts, and not what was remembered of the window.
          are_there: bool `[T, N]`; nothing is remembered of others.
        """
        seen = self._seen(flat(views))
        seen = tf.reshape(seen, [*are_there.shape, seen.shape[1]])

        def step(memory, row):
            x, kept, begins, is_there = row
            before = tf.where(begins[:, tf.newaxis], kept, memory)
            return tf.where(is_there[:, tf.newaxis], self._advance(x, before), before)

        return tf.scan(step, (seen, stored, starts, are_there), tf.zeros_like(stored[0]))

    def _seen(self, view) -> tf.Tensor:
        """What all parts make of N views, `[N, parts x 3 x units]`."""
        x = self._features(view)
        return tf.concat([tf.matmul(x, kernel) + bias[0] for kernel, bias in zip(self._kernels, self._biases)], axis=1)

    def _advance(self, seen: tf.Tensor, memory: tf.Tensor) -> tf.Tensor:
        after = []
        for part, (x, before) in enumerate(zip(tf.split(seen, self.parts, 1), tf.split(memory, self.parts, 1))):
            kept = tf.matmul(before, self._recurrent[part]) + self._biases[part][1]
            (update, reset, new), (its_update, its_reset, its_new) = tf.split(x, 3, axis=1), tf.split(kept, 3, axis=1)
            share = tf.sigmoid(update + its_update)
            candidate = tf.tanh(new + tf.sigmoid(reset + its_reset) * its_new)
            after.append(share * before + (1.0 - share) * candidate)
        return tf.concat(after, axis=1)


def starts_of(begins: tf.Tensor, are_there: tf.Tensor) -> tf.Tensor:
    """Where windows of decisions, bool `[T, N]`, go on from what was stored: their first ones, and where a life begins.
    """
    return are_there & (begins | (tf.cumsum(tf.cast(are_there, tf.int32)) == 1))


def windows_of(nest, length: int):
    """Rollouts as windows, one behind the other: nest of tensors `[S, B, ...]` -> `[length, S / length x B, ...]`."""

    def cut(x):
        parts = tf.reshape(x, [x.shape[0] // length, length, *x.shape[1:]])
        return tf.reshape(tf.transpose(parts, [1, 0, *range(2, len(parts.shape))]), [length, -1, *x.shape[2:]])

    return tf.nest.map_structure(cut, nest)


def rollouts_of(nest, copies: int):
    """The inverse of `windows_of`, for so many copies B."""

    def join(x):
        parts = tf.reshape(x, [x.shape[0], -1, copies, *x.shape[2:]])
        return tf.reshape(tf.transpose(parts, [1, 0, *range(2, len(parts.shape))]), [-1, *parts.shape[2:]])

    return tf.nest.map_structure(join, nest)


class RecurrentQNetwork(network.Network):
    """A `Memory`, and a `QNetwork` of what it remembers.

    Args:
      input_tensor_spec: nest of specs of the view.
      num_actions: number of actions A.
      units: recurrent units.
      hidden_layers: widths of the layers after them.
      features: as for `Memory`.
      seed: of the initial weights.
    """

    def __init__(
        self,
        input_tensor_spec,
        num_actions: int,
        units: int,
        hidden_layers: Sequence[int],
        features: Callable | None = None,
        seed: int = 0,
        name: str = "RecurrentQNetwork",
    ):
        memory = Memory(input_tensor_spec, units, 1, features, seed)
        super().__init__(input_tensor_spec, state_spec=memory.spec, name=name)
        self.memory, self.values = memory, QNetwork(memory.spec, num_actions, hidden_layers, seed=seed)

    def create_variables(self, input_tensor_spec=None, **kwargs):
        """As TF-Agents has it."""
        del input_tensor_spec
        self._network_output_spec = self.values.create_variables(**kwargs)
        self.built = True
        return self._network_output_spec

    def call(self, observation, step_type=None, network_state=(), training=False):
        del step_type, training
        after = self.memory(observation, network_state)
        return self.values(after)[0], after


class RecurrentDQN(Optimistic, dqn_agent.DqnAgent):
    """Double DQN that learns from windows of decisions, with what it remembers in them (Hausknecht & Stone 2015).

    The target network, too, remembers the whole window; what it says of its first view is of no account.

    Args:
      window_length: decisions of a window.
      Others: as for TF-Agents' DQN, with a `RecurrentQNetwork`.
    """

    def __init__(self, *args, window_length: int, **kwargs):
        super().__init__(*args, **kwargs)
        self.window_length = window_length
        _leave_state(self._policy)

    def _loss(self, experience, td_errors_loss_fn, gamma=1.0, reward_scale_factor=1.0, weights=None, training=False):
        """Of decisions `[T, N, ...]`, of which those of `weights` are there, bool `[T, N]`."""
        starts, counts = starts_of(experience.begins, weights), flat(weights)
        now, then = (
            flat(network.memory.unroll(experience.view, experience.memory, starts, weights))
            for network in (self._q_network, self._target_q_network)
        )
        rows = tf.nest.map_structure(flat, experience._replace(memory=(), begins=()))
        values = pick(self._q_network.values(now)[0], rows.action)
        preferred = self._q_network(rows.next_view, network_state=now)[0]
        worth = self._target_q_network(rows.next_view, network_state=then)[0]
        worth = following(worth, preferred, rows.next_legal_moves, self.hopes and self.hopes(rows.next_view))
        target = tf.stop_gradient(reward_scale_factor * rows.reward + gamma * rows.discount * worth)
        losses = td_errors_loss_fn(target, values) * self._shares(target - values, rows.view, rows.action, counts)
        losses = tf.where(counts, losses, 0.0)
        loss = tf.reduce_sum(losses) / tf.maximum(tf.reduce_sum(tf.cast(counts, tf.float32)), 1.0)
        return tf_agent.LossInfo(loss, dqn_agent.DqnLossInfo(td_loss=losses, td_error=target - values))


class RememberingPolicy(tf_policy.TFPolicy):
    """A policy on what is remembered, as one on what is seen.

    Args:
      policy: that policy; its observations are what `memory` remembers, in a `Sight` if there are legal moves.
      memory: the memory.
      time_step_spec: of the agent's own time steps.
    """

    def __init__(self, policy: tf_policy.TFPolicy, memory: Memory, time_step_spec):
        super().__init__(
            time_step_spec,
            policy.action_spec,
            policy_state_spec=memory.spec,
            automatic_state_reset=False,
            clip=False,
        )
        self._policy, self._memory = policy, memory

    def _variables(self):
        return [*self._memory.variables, *self._policy.variables()]

    def _distribution(self, time_step, policy_state):
        after = self._memory(view_of(time_step.observation), policy_state)
        own = time_step._replace(observation=with_view(time_step.observation, after))
        return policy_step.PolicyStep(self._policy.distribution(own).action, after, ())


def greedy(policy: RememberingPolicy) -> greedy_policy.GreedyPolicy:
    """What is greedy over that policy."""
    made = greedy_policy.GreedyPolicy(policy)
    _leave_state(made)
    return made


def _leave_state(policy: greedy_policy.GreedyPolicy) -> None:
    """Nothing is forgotten at a FIRST of the environment, which need not be the agent's."""
    for each in (policy, policy.wrapped_policy):
        each._automatic_state_reset = False


def with_view(observation, view):
    """An observation, or the spec of one, with another view."""
    return observation._replace(view=view) if isinstance(observation, Sight) else view
