"""One copy of an environment from here, and what its seats see and do as PettingZoo has it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from gymnasium import spaces
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
