"""Environments from here as PettingZoo's, in turn (AEC) or all at once (Parallel). All seats are the caller's.

Agents are called as those of a training, `player_1` and so on, by seat. What is legal is in `action_mask` beside the
`observation`, int8, and nothing is for whoever is not asked.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv
from tf_agents.trajectories import time_step as ts

from imagents.bridges.shown import arrays_of, mask_of, spaces_of
from imagents.bridges.turns import face_of, put_state
from imagents.bridges.worlds import FIRST, LAST
from imagents.config import agent_name
from imagents.errors import InputError, brief
from imagents.learning.perspective import Perspective, Sight
from imagents.players.base import runs_in_python
from imagents.seats import acts_at_once, close, is_asked, lived, num_seats
from imagents.xla import start_xla

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


class Shown(NamedTuple):
    """What the seats of one copy are shown: a sight each, and arrays `[N]`."""

    sights: tuple[Sight, ...]
    asked: tf.Tensor
    rewards: tf.Tensor
    step_types: tf.Tensor
    discounts: tf.Tensor
    is_last: tf.Tensor


class Seats:
    """One copy of an environment from here, and what its seats see and do.

    Attributes:
      names: of the agents, by seat; observation_spaces, action_spaces: by name; now: what is shown.
    """

    def __init__(self, name: str, render_mode: str | None, settings: dict[str, Any]):
        self._face, self.name = face_of(name, settings), name
        self.environment = self._face.build(1, 0)
        count = num_seats(self.environment)
        self.names = [agent_name(seat) for seat in range(count)]
        self.at_once = count == 1 or acts_at_once(self.environment)
        specs = self.environment.time_step_spec(), self.environment.action_spec()
        self._perspectives = [Perspective(*specs, seat, 1, name) for seat in range(count)]
        self._views, self.observation_spaces, self.action_spaces = {}, {}, {}
        for agent, perspective in zip(self.names, self._perspectives):
            view, action, _ = spaces_of(perspective)
            self._views[agent], self.action_spaces[agent] = view, action
            mask = spaces.Box(0, 1, (action.n,), np.int8)
            masked = tf.is_tensor(perspective.sight_spec.legal_moves) or perspective.sight_spec.legal_moves != ()
            self.observation_spaces[agent] = spaces.Dict(observation=view, action_mask=mask) if masked else view
        modes = ["human", "ansi"] if hasattr(self.environment, "text") else []
        modes += ["rgb_array"] if hasattr(self.environment, "frame") else []
        if render_mode is not None and render_mode not in modes:
            raise InputError(f"render_mode = {render_mode!r}: {name} has {', '.join(modes) or 'none'}")
        self.metadata = {"render_modes": modes, "render_fps": 10, "name": name, "is_parallelizable": self.at_once}
        self.render_mode, self.now = render_mode, None
        self._in_python = runs_in_python(self.environment, [])
        self._trace()

    def _trace(self) -> None:
        if not self._in_python:
            start_xla()
        compiles, environment = not self._in_python, self.environment
        step = lambda actions: self._shown(environment.step(actions))  # noqa: E731
        self._begin = tf.function(lambda: self._shown(environment.reset()), jit_compile=compiles, autograph=False)
        self._step = tf.function(step, jit_compile=compiles, autograph=False)

    def begin(self, seed: int | None) -> None:
        """A new episode; with a seed, the first one of that seed."""
        if seed is not None:
            fresh = self._face.build(1, seed)
            if self._in_python:
                close(self.environment)
                self.environment = fresh
                self._trace()
            else:
                put_state(self.environment, fresh)
                close(fresh)
        self.now = self._numbers(self._begin())

    def step(self, actions: Mapping[str, int]) -> None:
        """What follows when the agents that are asked do these."""
        done = []
        for agent, perspective, asked in zip(self.names, self._perspectives, self.now.asked):
            space, spec = self.action_spaces[agent], perspective.action_spec
            action = actions.get(agent, space.start if not asked else None)
            if not space.contains(action):
                raise InputError(f"{agent} does {brief(action)}: one of {space} is needed")
            done.append(perspective.action(tf.constant([int(action) - int(space.start)], spec.dtype), ()))
        if not isinstance(self.environment.action_spec(), tuple):
            done = done[int(np.argmax(self.now.asked))]
        self.now = self._numbers(self._step(done if tf.is_tensor(done) else tuple(done)))

    def observation(self, agent: str):
        """What an agent sees, as its space has it."""
        seat = self.names.index(agent)
        sight = self.now.sights[seat]
        view, mask = arrays_of(sight.view, self._views[agent], 0), mask_of(sight)
        return view if mask is None else {"observation": view, "action_mask": mask[0] * self.now.asked[seat]}

    def ended(self, agent: str) -> tuple[bool, bool]:
        """Whether an agent's life was terminated, and whether it was truncated."""
        seat = self.names.index(agent)
        if self.now.step_types[seat] != LAST and not self.now.is_last:
            return False, False
        return bool(self.now.discounts[seat] == 0.0), bool(self.now.discounts[seat] != 0.0)

    def is_there(self, agent: str) -> bool:
        """Whether an agent that was gone lives again."""
        return not self.now.is_last and self.now.step_types[self.names.index(agent)] == FIRST

    def render(self):
        """As the render mode says."""
        if self.render_mode == "rgb_array":
            return self.environment.frame()
        if self.render_mode == "human":
            print(self.environment.text(0))
        return self.environment.text(0) if self.render_mode == "ansi" else None

    def _shown(self, time_step: ts.TimeStep) -> Shown:
        seats = range(len(self.names))
        lives = [lived(time_step, seat) for seat in seats]
        asked, step_types, discounts = (
            tf.stack([each[0] for each in parts])
            for parts in (
                [is_asked(time_step, seat) for seat in seats],
                [life.step_type for life in lives],
                [life.discount for life in lives],
            )
        )
        rewards = tf.stack([perspective.reward(time_step, ())[0] for perspective in self._perspectives])
        sights = tuple(perspective.sight(time_step, ()) for perspective in self._perspectives)
        return Shown(sights, asked, rewards, step_types, discounts, time_step.is_last()[0])

    @staticmethod
    def _numbers(shown: Shown) -> Shown:
        return Shown(shown.sights, *(np.asarray(x) for x in shown[1:]))


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
