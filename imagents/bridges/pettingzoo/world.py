"""Environments of PettingZoo as worlds, a seat for each agent that may ever be there; no TensorFlow.

An agent's life begins when it is there and ends when it is told so, or is gone. Where agents act in turn (AEC) it sees
something new when it is asked, and where its life ends; what it was paid in between comes with that, as `last()` has
it. What it was paid before it was first asked comes with what its first decision is paid.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from pettingzoo import AECEnv, ParallelEnv

from imagents.bridges.spaces import MASK, Seat
from imagents.bridges.worlds import FIRST, LAST, MID, Description, Leaf, Moment, leaves
from imagents.errors import InputError


class Place:
    """What there is of an agent between two moments: what it saw last, and how its life goes."""

    def __init__(self, name, seat: Seat):
        self.name, self.seat = name, seat
        self._nothing = [_nothing(leaf) for leaf in leaves(seat.view)]
        self.clear()

    def clear(self) -> None:
        """Before an episode."""
        self.view, self.mask = self._nothing, np.zeros(self.seat.legal, bool)
        self.kind, self.discount, self._owed = FIRST, 1.0, 0.0
        self.is_there = self.is_asked = self.has_just_ended = False

    def move_on(self) -> None:
        """The agent has done what it was asked to do, and the moment is over."""
        if self.is_asked:
            self.kind = MID
        self.is_asked = self.has_just_ended = False

    def begin(self) -> None:
        """The agent is there, and was not."""
        self.is_there, self.kind, self.discount = True, FIRST, 1.0

    def pay(self, reward) -> None:
        """Adds to what it is paid."""
        self._owed += reward.item() if isinstance(reward, np.ndarray) else float(reward)

    def paid(self) -> float:
        """What it is paid now."""
        if self.kind == FIRST:
            return 0.0
        paid, self._owed = self._owed, 0.0
        return paid

    def ask(self, observation, info: dict) -> None:
        """The agent acts next."""
        self.is_asked = True
        self.see(observation, info)
        if self.seat.legal and not self.mask.any():
            raise InputError(f"{self.name} is asked to act, and by its {MASK} nothing is legal")

    def see(self, observation, info: dict) -> None:
        """What the agent is shown; a copy, as environments go on writing into theirs."""
        view, mask = self.seat.see(observation, info, self.is_asked)
        self.view = [np.array(array) for array in view]
        self.mask = self.mask if mask is None else mask

    def end(self, is_cut_off: bool) -> None:
        """The agent's life is over."""
        self.is_there, self.has_just_ended = False, True
        self.kind, self.discount = LAST, 1.0 if is_cut_off else 0.0


class Agents:
    """The places of all agents, by name.

    Args:
      env: an environment that was reset.
      names: of all agents that may be there; of its `possible_agents` if there are none.
      infos: what the agents that are there are told.

    Raises:
      InputError: if nobody says which agents there may be, or a space does not fit.
    """

    def __init__(self, env, names: Sequence, infos: dict):
        names = list(names) or list(getattr(env, "possible_agents", ()))
        if not names:
            raise InputError("it has no possible_agents: name in agents= all that may ever be there")
        self._places = {name: Place(name, _seat(env, name, infos)) for name in names}
        self._there = []

    def __getitem__(self, name) -> Place:
        return self._places[name]

    def __iter__(self) -> Iterable[Place]:
        return iter(self._places.values())

    def clear(self) -> None:
        """Before an episode."""
        self._there = []
        for place in self:
            place.clear()

    def move_on(self) -> None:
        """Whoever was asked has acted."""
        for place in self:
            place.move_on()

    def follow(self, names: Sequence, vanish: Callable[[Place], None]) -> None:
        """Notes who is there now.

        Args:
          names: of these.
          vanish: ends the life of one that is there no longer.
        """
        if names == self._there:
            return
        for name in names:
            if name not in self._places:
                raise InputError(f"{name!r} is none of its agents {', '.join(map(str, self._places))}: name in agents= "
                                 "all that may ever be there")  # fmt: skip
            if not self._places[name].is_there and not self._places[name].has_just_ended:
                self._places[name].begin()
        for place in self:
            if place.is_there and place.name not in names:
                vanish(place)
        self._there = [place.name for place in self if place.is_there]

    def moment(self, is_last: bool) -> Moment:
        """What all of them are shown."""
        ends = [place.discount for place in self if place.has_just_ended]
        return Moment(
            views=[place.view for place in self],
            rewards=[place.paid() for place in self],
            is_last=is_last,
            discount=max(ends, default=0.0) if is_last else 1.0,
            legal=[place.mask for place in self if place.seat.legal],
            acts=[place.is_asked for place in self],
            step_types=[place.kind for place in self],
            discounts=[place.discount for place in self],
        )

    def describe(self, takes_turns: bool) -> Description:
        """What they say of themselves."""
        seats = [place.seat for place in self]
        first = seats[0].actions
        alike = _is_number(first) and all(_is_number(seat.actions) and _same(seat.actions, first) for seat in seats)
        return Description(
            views=tuple(seat.view for seat in seats),
            actions=tuple(seat.actions for seat in seats),
            legal=tuple(seat.legal for seat in seats),
            form="in turn" if takes_turns and alike else "at once",
            asks=True,
            lives=True,
            notes=tuple(dict.fromkeys(note for seat in seats for note in seat.notes)),
        )


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
        self._form = None

    def describe(self) -> Description:
        """What it says of itself, once it was reset."""
        if self._agents is None:
            self.begin(0)
        return self._agents.describe(self._takes_turns)

    @property
    def names(self) -> tuple:
        """The agents, in the order of their seats."""
        return tuple(place.name for place in self._agents)

    def begin(self, seed: int) -> Moment:
        """A new episode."""
        if self._takes_turns:
            self.env.reset(seed=seed)
            infos = self.env.infos
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
            action = self._agents[self.env.agent_selection].seat.do(iter(actions))
        else:
            rest = iter(actions)
            parts = [(place, place.seat.do(rest)) for place in self._agents]
            done = {place.name: action for place, action in parts if place.is_asked}
        self._agents.move_on()
        if self._takes_turns:
            self.env.step(action if self._form == "in turn" else done[self.env.agent_selection])
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
        agents.follow(env.agents, self._vanish)
        while env.agents:
            name = env.agent_selection
            observation, reward, terminated, truncated, info = env.last()
            place = agents[name]
            if not (terminated or truncated):
                if not place.is_there:
                    raise InputError(f"{name} is asked to act in the step in which its life ended")
                place.pay(reward)
                place.ask(observation, info)
                break
            if not place.is_there:
                raise InputError(f"the life of {name} is over, and it is asked to leave again and again")
            place.pay(reward)
            place.see(observation, info)
            place.end(is_cut_off=not terminated)
            env.step(None)
            agents.follow(env.agents, self._vanish)
        return agents.moment(is_last=not env.agents)

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
        over = {}
        for place in self._agents:
            name = place.name
            ended, cut = terminations.get(name, False), truncations.get(name, False)
            over[name] = ended or cut
            if not place.is_there:
                continue
            place.pay(rewards.get(name, 0.0))
            if not (ended or cut):
                continue
            if name in observations:
                place.see(observations[name], infos.get(name, {}))
            elif not ended:
                raise InputError(f"{name} is cut off, and its last observation, which has a worth, is missing")
            place.end(is_cut_off=not ended)
        return self._all([name for name in self.env.agents if not over.get(name)], observations, infos)

    def _all(self, names: Sequence, observations: dict, infos: dict) -> Moment:
        """Asks whoever is there and sees something."""
        self._agents.follow(names, lambda place: place.end(is_cut_off=False))
        for name in names:
            if name in observations and self._agents[name].is_there:
                self._agents[name].ask(observations[name], infos.get(name, {}))
        return self._agents.moment(is_last=not names)


def _seat(env, name, infos: dict) -> Seat:
    """The seat of an agent; who is not there yet is told of masks as others are that have its actions."""
    try:
        space, action_space = env.observation_space(name), env.action_space(name)
    except KeyError:
        raise InputError(f"it does not know the spaces of {name!r}, which has to be one of its agents") from None
    info = infos.get(name, {})
    if MASK not in info:
        tellers = [other for other in infos if MASK in infos[other]]
        info = next((infos[other] for other in tellers if env.action_space(other) == action_space), {})
    try:
        return Seat(space, action_space, info)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _nothing(leaf: Leaf) -> np.ndarray:
    """What is shown to somebody who has not seen anything."""
    nothing = np.zeros(leaf.shape, leaf.dtype)
    return nothing if leaf.low is None else np.clip(nothing, leaf.low, leaf.high).astype(leaf.dtype)


def _is_number(nest) -> bool:
    return isinstance(nest, Leaf) and nest.shape == () and nest.dtype == "int32"


def _same(one: Leaf, other: Leaf) -> bool:
    return (one.low, one.high) == (other.low, other.high)
