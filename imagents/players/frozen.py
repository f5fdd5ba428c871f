"""Agents as players: they choose greedily, learn nothing, and play either seat."""

import os
import pathlib

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import time_step as ts

from imagents.config import load_config, run_folder
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.games import get_game
from imagents.environments.boards.memory import GameMemory, exchange_colours
from imagents.export.reading import ExportedAgent, exported_game
from imagents.players.base import Player
from imagents.seats import is_asked, where_copy


class PolicyPlayer(Player):
    """A policy on the environment's time steps, such as an agent's greedy one.

    A policy with a state (an agent with an internal state) takes one step of it per move of its own, and starts
    again with every game.

    Args:
      policy: the policy.
      policy_seat: the seat the policy plays. At the other seat it is shown the board
        with the colours exchanged.
      seat: the seat to play.
      name: its name.
      game: the rules; only a policy with a state needs them.
      batch_size: number of parallel games; only a policy with a state needs it.

    Raises:
      ValueError: if the policy has a state and `game` is missing.
    """

    def __init__(
        self,
        policy: tf_policy.TFPolicy,
        policy_seat: int,
        seat: int,
        name: str,
        game: BoardGame | None = None,
        batch_size: int = 1,
    ):
        super().__init__(seat, name)
        self._policy, self._exchange = policy, policy_seat != seat
        self._has_state = bool(tf.nest.flatten(policy.policy_state_spec))
        if self._has_state:
            if game is None:
                raise ValueError(f"{name} has an internal state: give its player the game and the batch size")
            self._memory = GameMemory(game, seat, batch_size)
            initial = policy.get_initial_state(batch_size)
            self._state = tf.nest.map_structure(lambda x: tf.Variable(x, trainable=False), initial)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        shown = exchange_colours(time_step) if self._exchange else time_step
        initial = self._policy.get_initial_state(time_step.step_type.shape[0])
        if not self._has_state:
            return self._policy.action(shown, initial).action
        state = tf.nest.map_structure(lambda variable: variable.read_value(), self._state)
        step = self._policy.action(shown, where_copy(self._memory.is_new_game(time_step), initial, state))
        my_turn = is_asked(time_step, self.seat)
        self._memory.remember(time_step, step.action, my_turn)
        next_state = where_copy(my_turn, step.state, state)
        for variable, value in zip(tf.nest.flatten(self._state), tf.nest.flatten(next_state)):
            variable.assign(value)
        return step.action


def frozen_player(
    path: str | os.PathLike, agent: str, game: BoardGame, seat: int, name: str, batch_size: int = 1
) -> PolicyPlayer:
    """An agent of a run, as a checkpoint or a snapshot has it, or an exported one, choosing greedily.

    Args:
      path: a run folder (its newest checkpoint is taken), one of its checkpoints, one of its snapshots, or an export.
      agent: the agent's name; "" for the one that learned to play `seat`, if there is one, else for the first.
      game: the game to play.
      seat: the seat to play.
      name: the player's name.
      batch_size: number of parallel games; only an exported agent with an internal state needs it.

    Raises:
      ValueError: if there is no such agent, or it learned another game.
    """
    from imagents.runs.snapshots import load_agents  # which builds trainings, which have players

    learned = learned_game(path).name
    if learned != game.name:
        raise ValueError(f"{path} is a run of {learned}, and this is a game of {game.name}")
    candidates = [ExportedAgent(path)] if exported_game(path) else load_agents(path)
    agents = {candidate.name: candidate for candidate in candidates}
    if not agent:
        agent = next((n for n, candidate in agents.items() if candidate.seat == seat), next(iter(agents)))
    if agent not in agents:
        raise ValueError(f"{path} has no agent {agent!r}: its agents are {', '.join(agents)}")
    chosen = agents[agent]
    player = PolicyPlayer(chosen.policy, chosen.seat, seat, name, game, batch_size)
    player.runs_in_python = getattr(chosen, "runs_in_python", False)
    return player


def load_player(
    path: str | os.PathLike, agent: str = "", seat: int = 0, name: str = "", batch_size: int = 1
) -> PolicyPlayer:
    """A trained agent, ready for matches, tournaments and play: it chooses greedily and learns nothing.

    Args:
      path: a run folder (its newest checkpoint is taken), one of its checkpoints, one of its snapshots, or an agent
        that `imagents export` wrote: its folder, a model folder in that, or a model's file.
      agent: the agent's name; "" for the one that learned to play `seat`, if there is one, else for the first.
      seat: the seat to play, 0 or 1; every agent can play both.
      name: the player's name; that of its folder if "".
      batch_size: number of parallel games; only an exported agent with an internal state needs it.

    Raises:
      ValueError: if there is no such agent there, or it is damaged.
    """
    if seat not in (0, 1):
        raise ValueError(f"seat = {seat!r}: seats are 0 and 1")
    return frozen_player(path, agent, learned_game(path), seat, name or str(path), batch_size)


def learned_game(path: str | os.PathLike) -> BoardGame:
    """The game that the agents of a run, a checkpoint, a snapshot or an export learned.

    Raises:
      ValueError: if the path is none of these, or damaged.
    """
    return exported_game(path) or get_game(load_config(run_folder(path)).game)


def split_agent(name: str) -> tuple[str, str] | None:
    """A player's name as (path, agent's name or ""), if it names a path that exists; else None."""
    if pathlib.Path(name).exists():
        return name, ""
    path, colon, agent = name.rpartition(":")
    return (path, agent) if colon and pathlib.Path(path).exists() else None
