"""The agents of PettingZoo by name, a seat for each that may ever be there; no TensorFlow.

An agent's life begins when it is there, and ends when it is told so, or is gone. What it was paid before it was first
asked comes with what its first decision is paid.
"""

from collections.abc import Callable, Sequence

import numpy as np

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
    """The places of all agents, by name; `all` of them are a list, by seat.

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
        self.all = [Place(name, _seat(env, name, infos)) for name in names]
        self._places = dict(zip(names, self.all))
        self._there = []

    def __getitem__(self, name) -> Place:
        return self._places[name]

    def clear(self) -> None:
        """Before an episode."""
        self._there = []
        for place in self.all:
            place.clear()

    def move_on(self) -> None:
        """Whoever was asked has acted."""
        for place in self.all:
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
        for place in self.all:
            if place.is_there and place.name not in names:
                vanish(place)
        self._there = [place.name for place in self.all if place.is_there]

    def moment(self, is_last: bool) -> Moment:
        """What all of them are shown."""
        places = self.all
        ends = [place.discount for place in places if place.has_just_ended]
        return Moment(
            [place.view for place in places],
            [place.paid() for place in places],
            is_last,
            max(ends, default=0.0) if is_last else 1.0,
            legal=[place.mask for place in places if place.seat.legal],
            acts=[place.is_asked for place in places],
            step_types=[place.kind for place in places],
            discounts=[place.discount for place in places],
        )

    def describe(self, takes_turns: bool) -> Description:
        """What they say of themselves."""
        seats = [place.seat for place in self.all]
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
