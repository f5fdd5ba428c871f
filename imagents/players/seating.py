"""Who sits where: the players that a config names, one per seat of its environment."""

import os

import tensorflow as tf
from tf_agents.environments import tf_environment

from imagents.config import TrainConfig, run_folder
from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.learning.build import build_agent, build_learners, own_players
from imagents.opening import Opened, open_path
from imagents.players.base import Player
from imagents.players.league import LeaguePlayer
from imagents.players.names import make_player
from imagents.runs.run import Run
from imagents.seats import num_seats


def seat_players(
    config: TrainConfig, environment: tf_environment.TFEnvironment, folder: str | os.PathLike = ""
) -> list[IMAgent | Player]:
    """The players of a training, in the order of their seats.

    Args:
      config: the settings.
      environment: where they are to play, of `parallel_games` copies.
      folder: where relative paths are looked for first.

    Raises:
      InputError: for a player that does not exist or does not fit.
    """
    if config.training.agents:
        return own_players(config, environment)
    agents = build_learners(config, environment)
    return [
        agents.get(seat) or _player(config, environment, seat, name, agents, folder)
        for seat, name in enumerate(config.players(num_seats(environment)))
    ]


def seat_learned(
    opened: Opened, environment: tf_environment.TFEnvironment, policy: str, seed: int = 0
) -> list[IMAgent | Player]:
    """The players of a run as they have become, to live together in an environment and learn no more.

    Args:
      opened: a run, a checkpoint or a snapshot.
      environment: where they are to play.
      policy: how agents play, see `IMAgent.follow`.
      seed: of what agents draw.
    """
    config = opened.config.with_copies(environment.batch_size)
    players = seat_players(config, environment, Run(run_folder(opened.path)).began_in)
    learned = {agent.name: agent for agent in open_path(opened.path, last=True).agents}  # of one agent's path, too
    for player in players:
        if player.name in learned and isinstance(player, IMAgent):
            for variable, value in zip(player.policy.variables(), learned[player.name].policy.variables(), strict=True):
                variable.assign(value)
            player.follow(policy, seed)
    return players


def _player(config: TrainConfig, environment, seat: int, name: str, agents: dict[int, IMAgent], folder) -> Player:
    """A player that does not learn."""
    training = config.training
    size, games = training.league_size, training.parallel_games

    def league() -> Player:
        if num_seats(environment) > 2:
            raise InputError("a league is for two seats: with more it would have to say whom it meets")
        if games % size:
            raise InputError(
                f"league_size = {size}: each place plays an equal share of the {games} parallel games, "
                "so it has to divide them"
            )
        [agent] = agents.values()
        exchange = config.environment.exchange_seats
        if tf.nest.flatten(agent.policy.policy_state_spec):
            raise InputError("past selves remember nothing, and this agent has an internal state")
        if exchange is None:
            raise InputError(f"past selves cannot play another seat of {config.environment.name} than their own")
        if f"{agent.name}_wins" not in getattr(environment, "tallies", ()):
            raise InputError(f"who joins a league is who wins, and {config.environment.name} does not tally wins")
        actor = build_agent(config.with_copies(games // size), environment, agent.seat, name="league")
        return LeaguePlayer(agent, actor, size, training.league_win_rate, seat=seat, exchange=exchange)

    def another_learner() -> Player:
        raise InputError("learner cannot be part of a mixture: it is a second agent, and learns from every game")

    def person() -> Player:
        raise InputError("a person cannot play so many games; imagents play is for people")

    spec = environment.action_spec()
    others = {"learner": another_learner, "league": league, "person": person}
    try:
        return make_player(name, config.environment, seat, training.seed, games, others, spec, folder)
    except InputError as error:
        setting = f"players[{seat}]" if training.players else "opponent"
        raise InputError(f"{setting} = {name!r}: {error}") from None
