"""Learning a policy from what it has just done: PPO, A2C and REINFORCE, by the loss of TF-Agents' PPO.

    A  =  delta + discount x lambda x A'        delta  =  reward + discount x V(next view) - V(view)

over an agent's own decisions, `A'` that of its next one in the same life (generalized advantage estimation, Schulman et
al. 2016, https://arxiv.org/abs/1506.02438). After an end nothing is worth anything; where a limit cut a life off, or
where the rollout stops in the middle of one, the view that came then stands for what would have followed.

A2C is PPO with a single step on all decisions, whose ratios are 1 (Huang et al. 2022, https://arxiv.org/abs/2205.09123);
REINFORCE (Williams 1992) is that with lambda 1, on whole lives.
"""

import math

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.agents.ppo import ppo_clip_agent
from tf_agents.trajectories import time_step as ts

from imagents.learning.actors import Actor, Critic, GaussianActor
from imagents.learning.decisions import Decision
from imagents.learning.perspective import Sight, view_of
from imagents.learning.recurrent import Memory, RememberingPolicy, greedy, rollouts_of, starts_of, windows_of, with_view
from imagents.learning.rollouts import flat
from imagents.number import Number
from imagents.randomness import make_generator, uniform
from imagents.seats import is_numbered, where_copy
from imagents.settings import ActorCritic


def advantages(
    rewards: tf.Tensor, discounts: tf.Tensor, values: tf.Tensor, next_values: tf.Tensor, begins: tf.Tensor,
    are_there: tf.Tensor, gae_lambda: float,
) -> tf.Tensor:  # fmt: skip
    """Generalized advantage estimates of decisions, float32 `[S, B]`, 0 where there is none.

    Args:
      rewards, discounts: of each decision until the next, float32 `[S, B]`; the agent's own discount included.
      values, next_values: what its view, and the view that came then, are worth, float32 `[S, B]`.
      begins: where no earlier decision led there, bool `[S, B]`: nothing reaches back over that.
      are_there: bool `[S, B]`.
      gae_lambda: lambda.
    """

    def step(later, row):
        following, _ = later
        error, decay, begins, is_there = row
        advantage = error + decay * following
        return where_copy(is_there, (tf.where(begins, 0.0, advantage), advantage), (following, tf.zeros_like(error)))

    errors = rewards + discounts * next_values - values
    nothing = tf.zeros_like(rewards[0])
    rows = errors, gae_lambda * discounts, begins, are_there
    return tf.scan(step, rows, (nothing, nothing), reverse=True)[1]


class PolicyGradient(ppo_clip_agent.PPOClipAgent):
    """TF-Agents' PPO, given finished returns and advantages of an agent's own decisions.

    Args:
      time_step_spec, action_spec: the agent's own.
      settings: PPO's, A2C's or REINFORCE's.
      logits, values: as `Actor` and `Critic` take them; of floats the former are the means of a `GaussianActor`.
      optimizer: of both networks.
      seed: of the order of minibatches.
      memory: a `Memory` of what both networks take in the place of the view, the actor's half and the critic's; or
        None.

    Attributes:
      window_length: decisions that are learned from together, in order; 1 without a memory.
    """

    notes = ("entropy", "value_loss", "clip_fraction")  # what is known of a lesson besides its loss

    def __init__(
        self, time_step_spec, action_spec, settings: ActorCritic, logits, values, optimizer, seed: int = 0,
        memory: Memory | None = None,
    ):  # fmt: skip
        own_time_step_spec, observation = time_step_spec, time_step_spec.observation
        if memory is not None:
            observation = with_view(observation, memory.spec)
            time_step_spec = time_step_spec._replace(observation=observation)
        kind = Actor if is_numbered(action_spec) else GaussianActor
        actor, critic = kind(observation, action_spec, logits), Critic(observation, values)
        actor.create_variables()
        critic.create_variables()
        super().__init__(
            time_step_spec,
            action_spec,
            optimizer,
            actor,
            critic,
            importance_ratio_clipping=Number(settings.clip),
            lambda_value=Number(settings.gae_lambda),
            discount_factor=Number(settings.discount),
            entropy_regularization=settings.entropy,
            value_pred_loss_coef=settings.value_weight,
            gradient_clipping=Number(settings.gradient_clipping),
            num_epochs=1,
            normalize_rewards=False,
            normalize_observations=False,
            update_normalizers_in_train=False,
            compute_value_and_advantage_in_train=False,
            aggregate_losses_across_replicas=False,
            train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False),
        )
        self._settings, self._generator = settings, make_generator(seed, "minibatches")
        self._trained = [*actor.trainable_weights, *critic.trainable_weights]
        self._memory, self.window_length = memory, settings.window_length
        if memory is not None:
            self._trained += memory.trainable_weights
            own = RememberingPolicy(self._policy.wrapped_policy, memory, own_time_step_spec)
            self._policy = greedy(own)
        optimizer.build(self._trained)
        self.rollout_length, self.longest_life = settings.rollout_length, settings.longest_life

    def _train(self, experience: Decision, weights: tf.Tensor) -> tf_agent.LossInfo:
        """A lesson.

        Args:
          experience: decisions in order, `[S, B, ...]`.
          weights: which of them are there, bool `[S, B]`.

        Returns:
          The mean loss of its steps; `extra` has the means of `notes` by name.
        """
        settings, window = self._settings, self.window_length
        rows = self._judged(experience, weights)
        there = windows_of(weights, window)  # [window, size]
        size, learnable = there.shape[1], tf.reduce_any(there, axis=0)
        count = tf.reduce_sum(tf.cast(learnable, tf.int32))
        most = min(size, weights.shape[1] * (settings.rollout_length + 1))
        most = size if settings.longest_life or window > 1 else most
        parts, width = tf.minimum(settings.minibatches, count), math.ceil(most / settings.minibatches)

        def step(i, order, totals):
            ranks = i * count // parts + tf.range(width)
            chosen = tf.gather(order, tf.minimum(ranks, size - 1))
            batch = tf.nest.map_structure(lambda x: flat(tf.gather(x, chosen, axis=1)), rows)
            counts = tf.gather(there, chosen, axis=1) & (ranks < (i + 1) * count // parts)
            found = self._step(batch, tf.cast(flat(counts), tf.float32))
            return i + 1, order, [a + b for a, b in zip(totals, found, strict=True)]

        def epoch(j, totals):
            keys = uniform(self._generator, [size]) + tf.where(learnable, 0.0, 1.0)
            first = tf.zeros([], tf.int32), tf.argsort(keys, stable=True), totals
            return j + 1, tf.while_loop(lambda i, *_: i < parts, step, first)[2]

        totals = [tf.zeros([])] * (1 + len(self.notes))
        _, totals = tf.while_loop(lambda j, _: j < settings.epochs, epoch, (tf.zeros([], tf.int32), totals))
        steps = tf.cast(parts * settings.epochs, tf.float32)
        loss, *notes = (tf.math.divide_no_nan(total, steps) for total in totals)
        return tf_agent.LossInfo(loss, dict(zip(self.notes, notes, strict=True)))

    def _judged(self, decisions: Decision, are_there: tf.Tensor) -> dict[str, tf.Tensor]:
        """What there is to learn of each decision, in windows: `[window_length, S * B / window_length, ...]`."""
        observation = decisions.view
        if tf.nest.flatten(decisions.legal_moves):
            observation = Sight(observation, decisions.legal_moves)
        rows = {
            "observation": observation, "action": decisions.action, "log_probability": decisions.log_probability,
        }  # fmt: skip
        views, next_views = flat((decisions.view, decisions.next_view))
        if self._memory is not None:
            remembered = self._starts(decisions, are_there)
            seen = self._memory.unroll(*windows_of((decisions.view, *remembered, are_there), self.window_length))
            views = flat(rollouts_of(seen, are_there.shape[1]))
            next_views = self._memory(next_views, views)
            rows |= dict(zip(("memory", "starts"), remembered, strict=True))
        values, next_values = (self._values(view, are_there.shape) for view in (views, next_views))
        advantage = advantages(
            decisions.reward, self._discount_factor * decisions.discount, values, next_values, decisions.begins,
            are_there, self._lambda,
        )  # fmt: skip
        return windows_of(rows | {"advantage": advantage, "return": advantage + values}, self.window_length)

    def _starts(self, decisions: Decision, are_there: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What was remembered before decisions `[S, B, M]`, and where windows go on from that, bool `[S, B]`."""
        # What was decided before the last lesson, and closed after it, was remembered by other weights.
        begins = decisions.begins | (tf.cumsum(tf.cast(are_there, tf.int32)) == 2)
        windows = windows_of((begins, are_there), self.window_length)
        return decisions.memory, rollouts_of(starts_of(*windows), are_there.shape[1])

    def value(self, view, memory=()) -> tf.Tensor:
        """What some views are worth, float32 `[N]`; with `memory`, what was remembered before them."""
        return self._value_net.value(view if self._memory is None else self._memory(view, memory))

    def _values(self, seen, shape: tf.TensorShape) -> tf.Tensor:
        if not self._settings.baseline:
            return tf.zeros(shape)
        return tf.reshape(self._value_net.value(seen), shape)

    def _observed(self, rows: dict[str, tf.Tensor], counts: tf.Tensor):
        """What the networks take of rows, `[M, ...]`, that are windows side by side."""
        observation = rows["observation"]
        if self._memory is None:
            return observation
        windows = (view_of(observation), rows["memory"], rows["starts"], counts > 0.0)
        windows = tf.nest.map_structure(lambda x: tf.reshape(x, [self.window_length, -1, *x.shape[1:]]), windows)
        return with_view(observation, flat(self._memory.unroll(*windows)))

    def _step(self, rows: dict[str, tf.Tensor], counts: tf.Tensor) -> list[tf.Tensor]:
        """A gradient step on the rows that count, float32 `[M]`, 1 or 0. Returns its loss, and `notes`."""
        weights = counts / tf.reduce_mean(counts)  # so that a mean over all rows is one over those
        advantage = rows["advantage"]
        if self._settings.normalize_advantages:
            centred = advantage - tf.reduce_mean(weights * advantage)
            advantage = centred * tf.math.rsqrt(tf.reduce_mean(weights * centred**2) + 1e-8)
        like = tf.zeros_like(counts)
        with tf.GradientTape() as tape:
            observed = self._observed(rows, counts)
            now = ts.TimeStep(tf.cast(like, tf.int32) + ts.StepType.MID, like, like + 1.0, observed)
            info = self.get_loss(
                now, rows["action"], rows["log_probability"], rows["return"], advantage, (), weights,
                self.train_step_counter, False, training=True,
            )  # fmt: skip
        gradients = tape.gradient(info.loss, self._trained)
        if self._gradient_clipping > 0:
            gradients, _ = tf.clip_by_global_norm(gradients, self._gradient_clipping)
        self._optimizer.apply_gradients(zip(gradients, self._trained, strict=True))
        self.train_step_counter.assign_add(1)
        return [info.loss, self._entropy, info.extra.value_estimation_loss, self._clip_fraction]

    def policy_gradient_loss(
        self, time_steps, actions, sample_action_log_probs, advantages, current_policy_distribution, weights,
        debug_summaries=False,
    ):  # fmt: skip
        now = current_policy_distribution.log_prob(actions)
        then = tf.stop_gradient(now) if self.longest_life else sample_action_log_probs  # REINFORCE knows no ratios
        loss = super().policy_gradient_loss(
            time_steps, actions, then, advantages, current_policy_distribution, weights
        )
        ratios = tf.exp(now - then)
        is_clipped = tf.cast(tf.abs(ratios - 1.0) > (self._importance_ratio_clipping or math.inf), tf.float32)
        self._clip_fraction = tf.reduce_mean(weights * is_clipped)
        self._entropy = tf.reduce_mean(weights * current_policy_distribution.entropy())
        return loss
