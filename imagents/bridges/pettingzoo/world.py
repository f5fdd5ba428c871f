"""Environments of PettingZoo as worlds; no TensorFlow.

Where agents act in turn (AEC) each sees something new when it is asked, and where its life ends; what it was paid in
between comes with that, as `last()` has it. Where they act at once (Parallel) those that see something are asked.
"""

from collections.abc import Callable, Sequence

import numpy as np
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.wrappers import BaseWrapper

from imagents.bridges.pettingzoo.places import Agents, Place
from imagents.bridges.worlds import Description, Moment
from imagents.errors import InputError

_KNOWN = "agents", "agent_selection", "_cumulative_rewards", "terminations", "truncations", "infos"


class World:
    """One environment, of either kind.

    Args:
      make: makes it, a function without arguments.
      agents: the names of all that may be there; () for its `possible_agents`.

    Raises:
      InputError: if it makes something else.
    """

    def __init__(self, make: Callable[[], AECEnv | ParallelEnv], agents: Sequence = ()):
        self.env, self._names, self._agents = make(), agents, None
        if not isinstance(self.env, (AECEnv, ParallelEnv)):
            raise InputError(f"a {type(self.env).__name__} was made: an AECEnv or a ParallelEnv is needed")
        self._takes_turns = isinstance(self.env, AECEnv)
        self._form = self._asked = self._source = None

    def describe(self) -> Description:
        """What it says of itself, once it was reset."""
        if self._agents is None:
            self.begin(0)
        return self._agents.describe(self._takes_turns)

    @property
    def names(self) -> tuple:
        """The agents, in the order of their seats."""
        return tuple(place.name for place in self._agents.all)

    def begin(self, seed: int) -> Moment:
        """A new episode."""
        if self._takes_turns:
            self.env.reset(seed=seed)
            infos, self._source = self.env.infos, _source(self.env)
        else:
            observations, infos = self.env.reset(seed=seed)
        if self._agents is None:
            self._agents = Agents(self.env, self._names, infos)
            self._form = self._agents.describe(self._takes_turns).form
        self._agents.clear()
        moment = self._turn() if self._takes_turns else self._all(self.env.agents, observations, infos)
        if moment.is_last:
            raise InputError("nobody is there when an episode begins")
        return moment

    def step(self, actions: Sequence) -> Moment:
        """One step."""
        if self._form == "in turn":
            action = self._asked.seat.do(iter(actions))
        else:
            rest = iter(actions)
            parts = [(place, place.seat.do(rest)) for place in self._agents.all]
            done = {place.name: action for place, action in parts if place.is_asked}
        self._agents.move_on()
        if self._takes_turns:
            self.env.step(action if self._form == "in turn" else done[self._asked.name])
            return self._turn()
        return self._stepped(*self.env.step(done))

    def render(self):
        """Shows it, as it does that itself."""
        return self.env.render()

    def frame(self) -> np.ndarray:
        """A picture of it, uint8 `[H, W, 3]`.

        Raises:
          InputError: if it makes none.
        """
        mode = getattr(self.env, "render_mode", None)
        if mode != "rgb_array":
            raise InputError(f"{self.env} has no pictures: it has render_mode = {mode!r}, and 'rgb_array' is needed")
        return np.asarray(self.env.render(), np.uint8)

    def close(self) -> None:
        """Frees what it holds."""
        self.env.close()

    # In turn

    def _turn(self) -> Moment:
        """Up to whoever acts next: those whose life is over take their leave before."""
        env, agents = self.env, self._agents
        source = self._source
        while source.agents:
            agents.follow(source.agents, self._vanish)
            name = source.agent_selection
            observation, reward, terminated, truncated, info = _last(env, source)
            place = agents[name]
            if not (terminated or truncated):
                if not place.is_there:
                    raise InputError(f"{name} is asked to act in the step in which its life ended")
                place.pay(reward)
                place.ask(observation, info)
                self._asked = place
                return agents.moment(is_last=False)
            if not place.is_there:
                raise InputError(f"the life of {name} is over, and it is asked to leave again and again")
            place.pay(reward)
            place.see(observation, info)
            place.end(is_cut_off=not terminated)
            env.step(None)
        agents.follow([], self._vanish)
        return agents.moment(is_last=True)

    def _vanish(self, place: Place) -> None:
        """One is gone without having been asked to take its leave."""
        env, name = self.env, place.name
        place.pay(env._cumulative_rewards.get(name, 0.0))
        is_cut_off = env.truncations.get(name, False) and not env.terminations.get(name, False)
        if is_cut_off:
            place.see(env.observe(name), env.infos.get(name, {}))
        place.end(is_cut_off)

    # All at once

    def _stepped(self, observations, rewards, terminations, truncations, infos) -> Moment:
        over = {name for flags in (terminations, truncations) for name, flag in flags.items() if flag}
        alive = [name for name in self.env.agents if name not in over]
        for place in self._agents.all:
            name = place.name
            if place.is_there or name in alive:
                place.pay(rewards.get(name, 0.0))
            if not place.is_there or name not in over:
                continue
            ended = terminations.get(name, False)
            if name in observations:
                place.see(observations[name], infos.get(name, {}))
            elif not ended:
                raise InputError(f"{name} is cut off, and its last observation, which has a worth, is missing")
            place.end(is_cut_off=not ended)
        return self._all(alive, observations, infos)

    def _all(self, names: Sequence, observations: dict, infos: dict) -> Moment:
        """Asks whoever is there and sees something."""
        self._agents.follow(names, lambda place: place.end(is_cut_off=False))
        for name in names:
            if name in observations and self._agents[name].is_there:
                self._agents[name].ask(observations[name], infos.get(name, {}))
        return self._agents.moment(is_last=not names)


def _source(env: AECEnv) -> AECEnv:
    """The environment that holds what is known of its agents: to be handed that from wrapper to wrapper takes longest.

    As `last()` of `AECEnv` has it, that is what wrappers that say nothing of it hand on.
    """
    while isinstance(env, BaseWrapper) and type(env).last is AECEnv.last:
        if any(name in vars(env) or hasattr(type(env), name) for name in _KNOWN):
            break
        env = env.env
    return env


def _last(env: AECEnv, source: AECEnv) -> tuple:
    """What `last()` gives."""
    if type(source).last is not AECEnv.last:
        return env.last()
    name = source.agent_selection
    flags = source.terminations[name], source.truncations[name]
    return env.observe(name), source._cumulative_rewards[name], *flags, source.infos[name]
