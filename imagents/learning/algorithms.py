"""Functions that build the TF-Agents agent inside an `IMAgent` from its own specs.

Each takes `(time_step_spec, action_spec)` and returns a TF-Agents agent. Where the environment shows legal moves, the
agent's observation is a `Sight` of its own view and of those moves, and `split_observation` tells TF-Agents which is
which, so that both its greedy policy and the maximum in its TD target are over legal moves only.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.agents.dqn import dqn_agent
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.learning.networks import QNetwork
from imagents.learning.on_policy import PolicyGradient
from imagents.learning.optimism import OPTIMISM
from imagents.learning.perspective import Sight, view_of
from imagents.learning.q_learning import DQN, CategoricalDQN, DoubleDQN, huber
from imagents.learning.recurrent import Memory, RecurrentDQN, RecurrentQNetwork
from imagents.learning.tabular import TabularAgent
from imagents.number import Number
from imagents.randomness import make_seed
from imagents.seats import is_numbered, num_actions
from imagents.settings import A2C, DRQN, PPO, ActorCritic, Learning, QLearning, RecurrentPPO, Reinforce, Tabular

Algorithm = Callable[[ts.TimeStep, tensor_spec.BoundedTensorSpec], tf_agent.TFAgent]
"""(time_step_spec, action_spec) -> the TF-Agents agent for an `IMAgent` of these specs."""


def split_observation(observation: Sight):
    """The `observation_and_action_constraint_splitter` of an `IMAgent`'s observations."""
    return observation.view, observation.legal_moves


def tabular(*, seed: int = 0, **settings) -> Algorithm:
    """Q-learning in a table (Watkins 1989), for views of few values; see `imagents.learning.tabular`.

    Args:
      seed: of how ties are broken.
      settings: those of `imagents.settings.Tabular` about learning: learning_rate, discount, hysteretic, ...

    Raises:
      InputError: for a value that no learner can have.
    """
    values = Tabular(**settings)
    return lambda time_step_spec, action_spec: TabularAgent(time_step_spec, action_spec, values, seed)


def dqn(*, double: bool = False, loss: Literal["huber", "squared"] = QLearning.loss, **settings) -> Algorithm:
    """Deep Q-learning (Mnih et al. 2015), or Double DQN (van Hasselt et al. 2015).

    Args:
      double: whether the online network chooses the action that the target network values.
      loss: of the error between a Q value and its target. The least squared one is at the mean of all targets; Huber's,
        of error 1 on linear, leaves rare targets that are far off nearly unheard.
      hysteretic, distributed, lenient_temperature, lenient_decay, lenient_moderation: which errors below 0 count less
        than those above, as in `imagents.settings.Learning`.
      hidden_layers: widths of the Q network's hidden layers; like every number here `QLearning`'s by default.
      features: what the network sees of the agent's view, a function such as
        `imagents.environments.boards.features.LineFeatures`; the flattened view by default.
      mirror: columns of a board whose mirror image means the same; see `QNetwork`.
      optimizer: Adam by default.
      discount: of the next decision's value, per decision.
      target_update_period: train steps between updates of the target network.
      target_update_tau: share of the online weights in an update.
      seed: of the initial weights.
    """
    own, settings = _of_losses(loss, settings)
    return _q_learning(DoubleDQN if double else DQN, 1, own, **settings)


def _of_losses(loss: str, settings: dict) -> tuple[dict, dict]:
    """What says how errors count, of those settings, as TF-Agents' agents here take it; and the others."""
    losses = {"huber": huber, "squared": tf.math.squared_difference}
    if loss not in losses:
        raise InputError(f"loss = {loss!r}: choose {', '.join(losses)}")
    optimism = Learning(**{name: settings.pop(name) for name in OPTIMISM if name in settings})
    return dict(td_errors_loss_fn=losses[loss], optimism=optimism, seed=settings.get("seed", 0)), settings


def categorical_dqn(
    *, num_atoms: int = 21, min_return: float = -1.0, max_return: float = 1.0, **settings
) -> Algorithm:
    """C51: learns the distribution of returns (Bellemare et al. 2017).

    Args:
      num_atoms: points between `min_return` and `max_return` that carry probability.
      Others: as for `dqn`, but for `double` and `loss`.
    """
    return _q_learning(CategoricalDQN, num_atoms, dict(min_q_value=min_return, max_q_value=max_return), **settings)


def drqn(
    *, recurrent_units: int = DRQN.recurrent_units, window_length: int = DRQN.window_length, **settings
) -> Algorithm:
    """Deep recurrent Q-learning (Hausknecht & Stone 2015, https://arxiv.org/abs/1507.06527), with Double DQN's target.

    Args:
      recurrent_units: of its memory.
      window_length: decisions in a row that it learns from at a time.
      Others: as for `dqn`, but for `double` and `mirror`.
    """
    own, settings = _of_losses(settings.pop("loss", QLearning.loss), settings)
    own["window_length"] = window_length
    return _q_learning(RecurrentDQN, 1, own, recurrent_units=recurrent_units, **settings)


def policy_gradient(
    settings: ActorCritic, *, features: Callable | None = None, mirror: int = 0,
    optimizer: tf.keras.optimizers.Optimizer | None = None, seed: int = 0,
) -> Algorithm:  # fmt: skip
    """PPO, A2C, REINFORCE or recurrent PPO, as its settings are one of these in `imagents.settings`.

    Args:
      settings: all numbers.
      features, mirror: as for `dqn`, of the policy's network.
      optimizer: Adam by default.
      seed: of the initial weights and of the order of minibatches.
    """

    def build(time_step_spec, action_spec) -> tf_agent.TFAgent:
        units, numbered = settings.recurrent_units, is_numbered(action_spec)
        count = num_actions(action_spec) if numbered else action_spec.shape[0]
        memory = None
        if units:  # the actor's beside the critic's
            memory = Memory(view_of(time_step_spec.observation), units, 2, features, make_seed(seed, "memory"))
        of_actor, of_critic = (lambda x: x[:, :units], lambda x: x[:, units:]) if units else (features, features)

        def logits(spec):
            own_seed = make_seed(seed, "actor")
            symmetry = mirror if numbered and not units else 0
            return QNetwork(spec, count, settings.hidden_layers, 1, of_actor, symmetry, own_seed)

        def values(spec):
            return QNetwork(spec, 1, settings.hidden_layers, 1, of_critic, 0, make_seed(seed, "critic"))

        built = optimizer or tf.keras.optimizers.Adam(settings.learning_rate)
        return PolicyGradient(time_step_spec, action_spec, settings, logits, values, built, seed, memory)

    return build


def ppo(*, seed: int = 0, **settings) -> Algorithm:
    """Proximal policy optimization (Schulman et al. 2017); settings are those of `imagents.settings.PPO`."""
    return policy_gradient(PPO(**settings), seed=seed)


def recurrent_ppo(*, seed: int = 0, **settings) -> Algorithm:
    """PPO with a memory; settings are those of `imagents.settings.RecurrentPPO`."""
    return policy_gradient(RecurrentPPO(**settings), seed=seed)


def a2c(*, seed: int = 0, **settings) -> Algorithm:
    """Advantage actor-critic (Mnih et al. 2016); settings are those of `imagents.settings.A2C`."""
    return policy_gradient(A2C(**settings), seed=seed)


def reinforce(*, seed: int = 0, **settings) -> Algorithm:
    """REINFORCE (Williams 1992), on whole lives; settings are those of `imagents.settings.Reinforce`.

    Without `baseline` nothing is known of what a limit cut off: it counts for nothing.
    """
    return policy_gradient(Reinforce(**settings), seed=seed)


def _q_learning(
    agent_class: type[dqn_agent.DqnAgent],
    num_atoms: int,
    own_settings: dict,
    /,
    *,
    hidden_layers: Sequence[int] = QLearning.hidden_layers,
    features: Callable | None = None,
    mirror: int = 0,
    optimizer: tf.keras.optimizers.Optimizer | None = None,
    discount: float = QLearning.discount,
    target_update_period: int = QLearning.target_update_period,
    target_update_tau: float = QLearning.target_update_tau,
    recurrent_units: int = 0,
    seed: int = 0,
) -> Algorithm:
    """An agent of `agent_class` around a `QNetwork`, maybe a recurrent one; `own_settings` are of that class only."""

    def build(time_step_spec, action_spec) -> tf_agent.TFAgent:
        view_spec, splitter = time_step_spec.observation, None
        if isinstance(view_spec, Sight):
            view_spec, splitter = view_spec.view, split_observation
        sizes = num_actions(action_spec), hidden_layers
        if recurrent_units:
            network = RecurrentQNetwork(view_spec, sizes[0], recurrent_units, sizes[1], features, seed)
        else:
            network = QNetwork(view_spec, *sizes, num_atoms, features, mirror, seed)
        # With the optimizer's variables made at once, a checkpoint finds them from the start.
        network.create_variables()
        built_optimizer = optimizer or tf.keras.optimizers.Adam(QLearning.learning_rate)
        built_optimizer.build(network.trainable_variables)
        return agent_class(
            time_step_spec,
            action_spec,
            network,
            built_optimizer,
            observation_and_action_constraint_splitter=splitter,
            gamma=Number(discount),
            target_update_period=Number(target_update_period),
            target_update_tau=Number(target_update_tau),
            train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False),
            **own_settings,
        )

    return build
