"""Agents from here as OpenSpiel's bots and policies, in the game of OpenSpiel that they have learned."""

import os
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyspiel
from open_spiel.python import policy as spiel_policy

from imagents.bridges.open_spiel.exact import asked
from imagents.bridges.open_spiel.strength import greedy, sampled
from imagents.bridges.open_spiel.world import load_game, viewer
from imagents.config import agent_name
from imagents.errors import InputError
from imagents.opening import open_path
from imagents.randomness import make_seed
from imagents.seats import close

_OURS = "open_spiel:"


def to_bot(
    path: str | os.PathLike, seat: int, policy: Literal["greedy", "sampled"] | None = None, seed: int = 0
) -> "AgentBot":
    """An agent of a run as a bot.

    Args:
      path: a run folder, one of its checkpoints or snapshots, whose environment is a game of OpenSpiel.
      seat: the agent's, whose player it is.
      policy: how it plays, see `IMAgent.follow`; as suits the game if None.
      seed: of what it draws.

    Raises:
      InputError: for what does not fit, in one sentence.
    """
    return AgentBot(to_policy(path, policy), seat, seed)


def to_policy(path: str | os.PathLike, policy: Literal["greedy", "sampled"] | None = None) -> "AgentPolicy":
    """The agents of a run as a joint policy, for OpenSpiel's algorithms; `path` and `policy` are as of `to_bot`."""
    opened = open_path(path)
    name = opened.environment.name
    if not name.startswith(_OURS):
        raise InputError(f"{path} lives in {name}: OpenSpiel knows the agents of {_OURS}NAME")
    plays = opened.environment.policy(policy)
    environment = opened.environment.build(1, 0)
    spec = environment.time_step_spec()
    close(environment)
    return AgentPolicy(load_game(name.removeprefix(_OURS)), opened.agents, spec, plays)


class AgentPolicy(spiel_policy.Policy):
    """See `to_policy`. It knows what the seats of its agents play.

    Args:
      game: the game.
      agents: some of its players.
      spec: of the environment's time steps.
      plays: how they play.
    """

    def __init__(self, game: pyspiel.Game, agents: Sequence, spec, plays: Literal["greedy", "sampled"]):
        self._agents, self._spec = {agent.seat: agent for agent in agents}, spec
        super().__init__(game, sorted(self._agents))
        self._view, _ = viewer(game)
        self._plays = {"greedy": greedy, "sampled": sampled}[plays]

    def action_probabilities(self, state: pyspiel.State, player_id: int | None = None) -> dict[int, float]:
        """How often the player whose turn it is, or another one, takes each legal action."""
        player = state.current_player() if player_id is None else player_id
        if player not in self._agents:
            known = ", ".join(map(str, sorted(self._agents)))
            raise InputError(f"player {player}: there are agents of the seats {known}")
        legal = np.array(state.legal_actions_mask(player), bool)
        time_step = asked(self._spec, player, self._view(state, player)[np.newaxis], legal[np.newaxis])
        shares = np.asarray(self._plays(self._agents[player], time_step), float)[0]
        return {int(action): shares[action] / shares[legal].sum() for action in np.flatnonzero(legal)}


class AgentBot(pyspiel.Bot):
    """See `to_bot`.

    Args:
      policy: the agents'.
      seat: its own.
      seed: of what it draws.
    """

    def __init__(self, policy: AgentPolicy, seat: int, seed: int = 0):
        super().__init__()
        if seat not in policy.player_ids:
            known = ", ".join(map(str, policy.player_ids))
            raise InputError(f"seat = {seat}: there are agents of the seats {known}")
        self.policy, self._seat = policy, seat
        self._random = np.random.default_rng(make_seed(seed, f"{agent_name(seat)}/bot"))

    def player_id(self) -> int:
        """Whom it plays."""
        return self._seat

    def restart_at(self, state: pyspiel.State) -> None:
        """Nothing is remembered."""

    def provides_policy(self) -> bool:
        """It says what it plays."""
        return True

    def get_policy(self, state: pyspiel.State) -> list[tuple[int, float]]:
        """How often it takes each legal action."""
        return list(self.policy.action_probabilities(state, self._seat).items())

    def step_with_policy(self, state: pyspiel.State) -> tuple[list[tuple[int, float]], int]:
        """The same, and what it does."""
        shares = self.get_policy(state)
        actions, chances = zip(*shares)
        return shares, int(self._random.choice(actions, p=chances))

    def step(self, state: pyspiel.State) -> int:
        """What it does."""
        return self.step_with_policy(state)[1]
