"""Agents as players: they explore no more, learn nothing, and play either seat."""

import os
from collections.abc import Callable
from typing import Literal

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.opening import Opened, open_path
from imagents.players.base import Player
from imagents.randomness import make_seed
from imagents.seats import assign, is_asked, values_of, variables_for, where_copy


class PolicyPlayer(Player):
    """A policy on the environment's time steps, such as an agent's greedy one.

    A policy with a state (an agent with an internal state) takes one step of it per move of its own, and starts
    again with every game.

    Args:
      policy: the policy.
      seat: the seat to play.
      name: its name.
      exchange: what the policy is shown, made of the time step: at a seat that it did not learn, the exchanged colours.
      memory: knows which games have begun anew, as `environment.memory(seat, batch_size)` does, and for how many games
        it plays; only a policy with a state needs it.

    Raises:
      InputError: if the policy has a state and `memory` is missing.
    """

    def __init__(
        self,
        policy: tf_policy.TFPolicy,
        seat: int,
        name: str,
        exchange: Callable[[ts.TimeStep], ts.TimeStep] | None = None,
        memory=None,
    ):
        super().__init__(seat, name)
        self._policy, self._exchange = policy, exchange or (lambda time_step: time_step)
        self._has_state = bool(tf.nest.flatten(policy.policy_state_spec))
        if self._has_state:
            if memory is None:
                raise InputError(f"{name} has an internal state: give its player a memory of its games")
            self._memory = memory
            initial = policy.get_initial_state(memory.batch_size)
            self._state = variables_for(initial)

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        shown = self._exchange(time_step)
        initial = self._policy.get_initial_state(time_step.step_type.shape[0])
        if not self._has_state:
            return self._policy.action(shown, initial).action
        state = values_of(self._state)
        step = self._policy.action(shown, where_copy(self._memory.is_new_game(time_step), initial, state))
        my_turn = is_asked(time_step, self.seat)
        self._memory.remember(time_step, step.action, my_turn)
        assign(self._state, where_copy(my_turn, step.state, state))
        return step.action

    def observe(self, time_step: ts.TimeStep, moved: tf.Tensor | None = None) -> None:
        if self._has_state:
            self._memory.observe(time_step)


def agent_player(agent, environment, seat: int, name: str = "", batch_size: int = 1) -> PolicyPlayer:
    """An agent as a player.

    Args:
      agent: an `IMAgent`, or an exported one; anything with a `policy` and the `seat` that it learned.
      environment: the environment's settings.
      seat: the seat to play; at the other one than its own, on a board, it sees the colours exchanged.
      name: the player's name; the agent's if "".
      batch_size: number of parallel games; only an agent with an internal state needs it.
    """
    exchange = environment.exchange_seats if agent.seat != seat else None
    if agent.seat != seat and exchange is None:
        raise InputError(f"{agent.name} learned to play seat {agent.seat} of {environment.name}, and can play no other")
    has_state = tf.nest.flatten(agent.policy.policy_state_spec)
    memory = environment.memory(seat, batch_size) if has_state else None
    player = PolicyPlayer(agent.policy, seat, name or agent.name, exchange, memory)
    player.runs_in_python = getattr(agent, "runs_in_python", False)
    if hasattr(agent, "probabilities") and not has_state and exchange is None:
        player.probabilities = lambda time_step, collect=False: agent.probabilities(time_step)  # it explores no more
    return player


def frozen_player(
    opened: Opened | str,
    agent: str,
    environment,
    seat: int,
    name: str,
    batch_size: int = 1,
    policy: str | None = None,
    seed: int = 0,
) -> PolicyPlayer:
    """An agent of whatever a path holds.

    Args:
      opened: what was opened, or the path of it.
      agent: the agent's name; "" for the one that learned to play `seat`, if there is one, else for the first.
      environment: the settings of the environment to play in.
      seat, name, batch_size: as for `agent_player`.
      policy: "greedy" or "sampled"; as suits the environment if None.
      seed: of what it draws, with its name and its seat.

    Raises:
      InputError: if there is no such agent, or it learned another game, or cannot follow that policy.
    """
    opened = open_path(opened) if isinstance(opened, str) else opened
    chosen = opened.agent_for(environment, seat, agent)
    chosen.follow(environment.policy(policy), make_seed(seed, f"{name}/{seat}"))
    return agent_player(chosen, environment, seat, name, batch_size)


def load_player(
    path: str | os.PathLike,
    agent: str = "",
    seat: int = 0,
    name: str = "",
    batch_size: int = 1,
    policy: Literal["greedy", "sampled"] | None = None,
    seed: int = 0,
) -> PolicyPlayer:
    """A trained agent, ready for matches, tournaments and play: it explores no more and learns nothing.

    Args:
      path: a run folder (its best checkpoint, or the newest), one of its checkpoints or snapshots, or an agent
        that `imagents export` wrote: its folder, a model folder in that, or a model's file.
      agent: the agent's name; "" for the one that learned to play `seat`, if there is one, else for the first.
      seat: the seat to play; on a board every agent can play both.
      name: the player's name; that of its folder if "".
      batch_size: number of parallel games; only an agent with an internal state needs it.
      policy: how it plays, see `IMAgent.follow`; if None, sampled where information is hidden or seats act all at once,
        else greedy.
      seed: of what it draws.

    Raises:
      InputError: if there is no such agent there, or it is damaged, or cannot follow that policy.
    """
    opened = open_path(path)
    if seat not in range(opened.environment.num_seats):
        raise InputError(f"seat = {seat!r}: seats are 0 to {opened.environment.num_seats - 1}")
    return frozen_player(opened, agent, opened.environment, seat, name or str(path), batch_size, policy, seed)
