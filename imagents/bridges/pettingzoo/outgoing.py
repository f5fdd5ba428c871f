"""Environments from here as PettingZoo's, in turn (AEC) or all at once (Parallel). All seats are the caller's.

Agents are called as those of a training, `player_1` and so on, by seat. What is legal is in `action_mask` beside the
`observation`, int8, and nothing is for whoever is not asked.
"""

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv

from imagents.bridges.pettingzoo.seats import Seats
from imagents.errors import InputError
from imagents.seats import close

_MOST_STEPS = 10_000  # in which nobody is asked


def to_aec(environment_name: str, render_mode: str | None = None, **settings) -> "SeatsInTurn":
    """An environment from here as an `AECEnv`. Where seats act all at once they are asked one after the other.

    Args:
      environment_name: as for `imagents.TrainConfig`.
      render_mode: None; "human", which prints it after each step, or "ansi", where it has a text; "rgb_array" where it
        makes pictures.
      settings: the environment's own; without them as `imagents.config.environment_settings` has them.

    Raises:
      InputError: for what does not fit, in one sentence.
    """
    return SeatsInTurn(environment_name, render_mode, settings)


def to_parallel(environment_name: str, render_mode: str | None = None, **settings) -> "SeatsAtOnce":
    """An environment from here as a `ParallelEnv`, if its seats act all at once.

    Args:
      environment_name, render_mode, settings: as of `to_aec`.

    Raises:
      InputError: for what does not fit, in one sentence.
    """
    return SeatsAtOnce(environment_name, render_mode, settings)


class _Own:
    """What both kinds have in common."""

    def __init__(self, name: str, render_mode: str | None, settings: dict[str, Any]):
        self._seats = Seats(name, render_mode, settings)
        self.metadata, self.render_mode = self._seats.metadata, render_mode
        self.possible_agents, self.agents = list(self._seats.names), []

    def observation_space(self, agent: str) -> spaces.Space:
        """What an agent sees."""
        return self._seats.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        """What an agent does."""
        return self._seats.action_spaces[agent]

    def render(self):
        """A picture, a text, or None, as the render mode says."""
        return self._seats.render()

    def close(self) -> None:
        """Ends what the environment has begun."""
        close(self._seats.environment)


class SeatsInTurn(_Own, AECEnv):
    """See `to_aec`."""

    def reset(self, seed: int | None = None, options: dict | None = None) -> None:
        """A new episode."""
        self._seats.begin(seed)
        self.agents, self._actions, self._skip_agent_selection = list(self.possible_agents), {}, None
        self.rewards, self._cumulative_rewards = dict.fromkeys(self.agents, 0.0), dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.agent_selection = self.agents[0]
        self._go_on()

    def observe(self, agent: str):
        """What an agent sees."""
        return self._seats.observation(agent)

    def step(self, action) -> None:
        """The agent whose turn it is does this; None if its life is over."""
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        self._actions[agent] = action
        if self._asked():
            self.agent_selection = self._asked()[0]
        else:
            self._move()
            self._go_on()
        self._accumulate_rewards()
        if self.render_mode == "human":
            self.render()

    def _asked(self) -> list[str]:
        """Who is asked and has not acted."""
        asked = self._seats.now.asked
        return [agent for agent, now in zip(self.possible_agents, asked) if now and agent not in self._actions]

    def _go_on(self) -> None:
        """Up to where somebody is asked, or the episode is over; then who has died takes its leave first."""
        for _ in range(_MOST_STEPS):
            if self._asked() or self._seats.now.is_last:
                break
            self._move()
        self.agent_selection = (self._asked() or [self.agent_selection])[0]
        self._deads_step_first()

    def _move(self) -> None:
        """All have acted."""
        seats = self._seats
        seats.step(self._actions)
        self._actions = {}
        for agent, reward in zip(self.possible_agents, seats.now.rewards):
            if agent in self.agents and not (self.terminations[agent] or self.truncations[agent]):
                self.rewards[agent] += float(reward)
                self.terminations[agent], self.truncations[agent] = seats.ended(agent)
            elif agent not in self.agents and seats.is_there(agent):
                self.agents.append(agent)
                self.rewards[agent] = self._cumulative_rewards[agent] = 0.0
                self.terminations[agent] = self.truncations[agent] = False
                self.infos[agent] = {}


class SeatsAtOnce(_Own, ParallelEnv):
    """See `to_parallel`."""

    def __init__(self, name: str, render_mode: str | None, settings: dict[str, Any]):
        super().__init__(name, render_mode, settings)
        if not self._seats.at_once:
            self.close()
            raise InputError(f"{name}: its seats act in turn, and a ParallelEnv asks all at once: to_aec has it")

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """A new episode."""
        self._seats.begin(seed)
        self.agents = list(self.possible_agents)
        return self._told(self.agents)

    def step(self, actions: Mapping[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        """One step."""
        seats, before = self._seats, list(self.agents)
        seats.step(actions)
        flags = {agent: seats.ended(agent) for agent in before}
        rewards = {agent: float(seats.now.rewards[self.possible_agents.index(agent)]) for agent in before}
        born = [agent for agent in self.possible_agents if agent not in before and seats.is_there(agent)]
        self.agents = [agent for agent in before if not any(flags[agent])] + born
        observations, infos = self._told(before + born)
        if self.render_mode == "human":
            self.render()
        terminations, truncations = ({agent: both[i] for agent, both in flags.items()} for i in range(2))
        return observations, rewards, terminations, truncations, infos

    def _told(self, agents: list[str]) -> tuple[dict, dict]:
        return {agent: self._seats.observation(agent) for agent in agents}, {agent: {} for agent in agents}
