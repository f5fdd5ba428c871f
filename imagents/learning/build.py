"""The agents that a config describes."""

import tensorflow as tf
from tf_agents.environments import tf_environment

from imagents.config import TrainConfig, agent_name
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import categorical_dqn, dqn
from imagents.process import check_memory
from imagents.randomness import make_seed


def build_agents(config: TrainConfig) -> list[IMAgent]:
    """The agents that a config describes, each for a single game, without anything to play it."""
    environment = config.environment.build(1, 0)
    small = config.replace(parallel_games=1, replay_length=2)
    return [build_agent(small, environment, seat) for seat in range(len(config.agent_names))]


def build_agent(config: TrainConfig, environment: tf_environment.TFEnvironment, seat: int, name: str = "") -> IMAgent:
    """An agent for a seat in an environment.

    Args:
      config: the settings; `parallel_games` is the environment's batch size.
      environment: the environment.
      seat: the seat to play.
      name: its name; `agent_name(seat)` if "".
    """
    name, settings = name or agent_name(seat), config.algorithm
    units = sum(settings.hidden_layers) + environment.action_spec().maximum + 1
    for setting, rows in (("batch_size", settings.batch_size), ("parallel_games", config.training.parallel_games)):
        check_memory(f"layers of {settings.hidden_layers} units for {setting} = {rows}", 4 * int(units) * rows)
    shared = config.environment.network() | dict(
        hidden_layers=settings.hidden_layers,
        optimizer=tf.keras.optimizers.Adam(settings.learning_rate),
        discount=settings.discount,
        target_update_period=settings.target_update_period,
        target_update_tau=settings.target_update_tau,
        seed=make_seed(config.training.seed, name),
    )
    if settings.name == "c51":
        low, high = config.environment.return_range
        algorithm = categorical_dqn(min_return=low, max_return=high, **shared)
    else:
        algorithm = dqn(double=settings.name == "double_dqn", **shared)
    num_games = config.training.parallel_games
    return IMAgent(
        environment.time_step_spec(),
        environment.action_spec(),
        batch_size=num_games,
        algorithm=algorithm,
        seat=seat,
        name=name,
        epsilon=epsilon_ladder(settings.epsilon_min, settings.epsilon_max, num_games),
        replay_length=settings.replay_length,
        sample_batch_size=settings.batch_size,
        seed=config.training.seed,
    )


def epsilon_ladder(low: float, high: float, num_games: int) -> list[float]:
    """One epsilon per parallel game, from `low` to `high` in geometric steps."""
    if num_games == 1 or low == high:
        return [low] * num_games
    floor = max(low, 1e-4)
    return [floor * (high / floor) ** (i / (num_games - 1)) for i in range(num_games)]
