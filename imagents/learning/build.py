"""The agents that a config describes."""

import functools
import importlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.environments import tf_environment

from imagents.config import TrainConfig, agent_name
from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import Algorithm, categorical_dqn, dqn, drqn, policy_gradient, tabular
from imagents.learning.exploration import Schedule
from imagents.learning.optimism import OPTIMISM
from imagents.motivated import MOTIVATIONS, Motivated
from imagents.own import trusted
from imagents.process import check_memory
from imagents.randomness import make_seed
from imagents.seats import is_numbered, num_seats, own_action_spec
from imagents.settings import DRQN, ActorCritic, Learning, QLearning, Tabular, settings_of


def build_agents(config: TrainConfig) -> list[IMAgent]:
    """The agents that a config describes, each for a single copy, without anything to live in."""
    environment = config.environment.build(1, 0)
    if config.training.agents:
        return [player for player in own_players(config, environment) if isinstance(player, IMAgent)]
    return list(build_learners(config.with_copies(1), environment).values())


def own_players(config: TrainConfig, environment: tf_environment.TFEnvironment) -> list:
    """The players that a function of one's own makes, one per seat.

    Raises:
      InputError: if it makes something else.
    """
    players = trusted(config.training.agents, "agents")(environment, config.training.seed)
    if not isinstance(players, Sequence):
        raise InputError(f"{config.training.agents} made a {type(players).__name__}: a list of players is needed")
    return list(players)


def build_learners(config: TrainConfig, environment: tf_environment.TFEnvironment) -> dict[int, IMAgent]:
    """The agents that a config names, by seat."""
    agents = {}
    for seat, name in enumerate(config.players(num_seats(environment))):
        if name == "learner":
            shared = next(iter(agents.values())).algorithm if agents and config.training.share_weights else None
            agents[seat] = build_agent(config, environment, seat, algorithm=shared)
    return agents


def build_agent(
    config: TrainConfig,
    environment: tf_environment.TFEnvironment,
    seat: int,
    name: str = "",
    algorithm: tf_agent.TFAgent | None = None,
    **changes,
) -> IMAgent:
    """An agent for a seat in an environment, as settings describe it.

    Args:
      config: the settings; `parallel_games` is the environment's batch size.
      environment: the environment.
      seat: the seat to play.
      name: its name; `agent_name(seat)` if "".
      algorithm: another agent's, to share; the settings' own if None.
      changes: arguments of `IMAgent` in the place of theirs, such as `reward_fn`.
    """
    name, settings = name or agent_name(seat), config.algorithm_of(agent_name(seat))
    num_games, seed = config.training.parallel_games, make_seed(config.training.seed, name)
    own = dict(epsilon=0.0)
    if isinstance(settings, QLearning):
        own = dict(
            epsilon=epsilon_ladder(settings.epsilon_min, settings.epsilon_max, num_games),
            replay_length=settings.replay_length,
            sample_batch_size=settings.batch_size,
            n_step=settings.n_step,
        )
        _check_memory(settings, num_games, own_action_spec(environment.action_spec(), seat))
    own |= _motives(config, settings)
    if isinstance(settings, Learning):
        own["exploration"] = settings.exploration
        if settings.exploration_start > 0:
            amounts = settings.exploration_start, settings.exploration_end, settings.exploration_decay
            own["schedule"] = Schedule(*amounts)
    return IMAgent(
        environment,
        batch_size=num_games,
        algorithm=algorithm or _algorithm(config, settings, seed),
        seat=seat,
        name=name,
        limits_are_ends=config.training.limits_are_ends,
        seed=config.training.seed,
        **own | changes,
    )


def _motives(config: TrainConfig, settings: Motivated) -> dict:
    """The arguments of an `IMAgent` that say what pays it from within."""
    found = {"motivations": []}
    for name, weight in settings.motivations:
        module, _, kind = MOTIVATIONS[name].partition(":")
        make, values = getattr(importlib.import_module(module), kind), settings.motivation_settings[name]
        if name == "drives":
            found |= make.body(**values, idle_action=config.environment.idle_action)
            values = {}
        if name == "empowerment":
            values["dynamics"] = config.environment.dynamics()
        found["motivations"].append((functools.partial(make, **values), weight))
    return found


def _values(part) -> dict:
    return {name: getattr(part, name) for name in settings_of(part)}


def _algorithm(config: TrainConfig, settings: Learning | ActorCritic, seed: int) -> Algorithm:
    if isinstance(settings, Tabular):
        return tabular(seed=seed, **_values(settings))
    if isinstance(settings, ActorCritic):
        return policy_gradient(settings, seed=seed, **config.environment.network())
    shared = config.environment.network() | dict(
        hidden_layers=settings.hidden_layers,
        optimizer=tf.keras.optimizers.Adam(settings.learning_rate),
        discount=settings.discount,
        target_update_period=settings.target_update_period,
        target_update_tau=settings.target_update_tau,
        seed=seed,
    )
    if settings.name == "c51":
        low, high = config.environment.return_range
        return categorical_dqn(min_return=low, max_return=high, **shared)
    if isinstance(settings, DRQN):
        shared |= dict(recurrent_units=settings.recurrent_units, window_length=settings.window_length)
    optimism = {name: getattr(settings, name) for name in OPTIMISM}
    learner = drqn if isinstance(settings, DRQN) else functools.partial(dqn, double=settings.name == "double_dqn")
    return learner(loss=settings.loss, **shared | optimism)


def _check_memory(settings: QLearning, num_games: int, actions) -> None:
    """Raises an InputError if what its layers give has no room: a gradient needs all of them, a move the widest."""
    most = int(np.max(actions.maximum)) if is_numbered(actions) else 0
    batch, widths = settings.batch_size, [*settings.hidden_layers, most + 1]
    needs = {f"batch_size = {batch}": batch * sum(widths), f"{num_games} games": num_games * max(widths)}
    for what, numbers in needs.items():
        check_memory(f"{what} with hidden_layers = {settings.hidden_layers}", 4 * numbers)


def epsilon_ladder(low: float, high: float, num_games: int) -> list[float]:
    """One epsilon per parallel game, from `low` to `high` in geometric steps."""
    if num_games == 1 or low == high:
        return [low] * num_games
    floor = max(low, 1e-4)
    return [floor * (high / floor) ** (i / (num_games - 1)) for i in range(num_games)]
