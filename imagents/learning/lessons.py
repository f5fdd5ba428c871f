"""The memory that an algorithm asks for, and what it is given of that to learn from.

Transitions drawn from a replay; windows of decisions in a row, drawn likewise, for an algorithm that remembers; or
rollouts, each decision of which is learned in one lesson.
"""

import functools

import tensorflow as tf
from tf_agents.agents import tf_agent

from imagents.learning.decisions import Decision, Decisions, NStepDecisions, as_experience
from imagents.learning.motives import Motives
from imagents.learning.on_policy import PolicyGradient
from imagents.learning.policies import sees_moves
from imagents.learning.replay import FIFOReplayBuffer
from imagents.learning.rollouts import Histories, Rollouts, flat


def rollout_length(algorithm: tf_agent.TFAgent) -> int:
    """Rounds between two lessons of an algorithm that learns each decision in one of them; 0 if it has a replay."""
    return getattr(algorithm, "rollout_length", 0)


def window_length(algorithm: tf_agent.TFAgent) -> int:
    """Decisions of a window, of which an algorithm with a memory learns whole ones; 1 without."""
    return getattr(algorithm, "window_length", 1)


def make_decisions(
    algorithm: tf_agent.TFAgent,
    specs: tuple,
    stored: tuple,
    batch_size: int,
    replay_length: int,
    per_round: int,
    n_step: int,
    limits_are_ends: bool,
    seed: int,
) -> Decisions | NStepDecisions:
    """An agent's own decisions, in the memory that its algorithm learns from.

    Args:
      algorithm: the algorithm.
      specs: of what the agent sees, and of its actions.
      stored: specs of what is kept with each decision besides, where those in a row are learned: the policy's info and
        its state.
      batch_size: number of copies B.
      replay_length: decisions kept per copy, or rounds of them where they are kept in a row.
      per_round: decisions that an agent can take in a round.
      n_step, limits_are_ends, seed: as of an `IMAgent`.
    """
    in_order = isinstance(algorithm, PolicyGradient) or window_length(algorithm) > 1
    if rollout_length(algorithm):
        slots = (rollout_length(algorithm) + algorithm.longest_life) * per_round
        memory = functools.partial(Rollouts, batch_size=batch_size, max_length=slots)
    elif in_order:
        memory = functools.partial(Histories, batch_size=batch_size, max_length=replay_length * per_round, seed=seed)
    else:
        memory = functools.partial(FIFOReplayBuffer, batch_size=batch_size, max_length=replay_length, seed=seed)
    if n_step == 1 or in_order or rollout_length(algorithm):
        return Decisions(*specs, batch_size, memory, in_order, limits_are_ends, *stored)
    return NStepDecisions(*specs, batch_size, memory, n_step, algorithm._gamma, limits_are_ends)


def lesson(algorithm: tf_agent.TFAgent, memory, sample_batch_size: int, motives: Motives) -> tf_agent.LossInfo:
    """One train step on a sample of what is remembered; or a lesson, on all that is new to the algorithm.

    Bonuses are those of this moment, before anything learns from these decisions.
    """
    sees, are_there = sees_moves(algorithm.policy), None
    if isinstance(memory, Histories):
        windows = max(1, sample_batch_size // window_length(algorithm))
        decisions, are_there = memory.sample(windows, window_length(algorithm))
    elif rollout_length(algorithm):
        decisions, are_there = memory.take(whole_lives=algorithm.longest_life > 0)
    else:
        decisions, _ = memory.sample(sample_batch_size)
    if motives:
        decisions = _paid(decisions, are_there, motives)
    if hasattr(algorithm, "hopes"):
        algorithm.hopes = motives.hopes  # its own, also where agents share the algorithm
    if are_there is None:
        return algorithm.train(as_experience(decisions, sees))
    if algorithm.train_sequence_length is None or isinstance(memory, Histories):
        return algorithm.train(decisions, weights=are_there)
    return algorithm.train(as_experience(flat(decisions), sees), weights=flat(are_there))


def _paid(decisions: Decision, are_there: tf.Tensor | None, motives: Motives) -> Decision:
    """Decisions `[N, ...]`, or those of `are_there`, bool `[S, B]`, with what motives pay for them."""
    if are_there is None:
        return motives.pay(decisions, tf.ones_like(decisions.reward, tf.bool))
    reward = motives.pay(flat(decisions), flat(are_there)).reward
    return decisions._replace(reward=tf.reshape(reward, decisions.reward.shape))
