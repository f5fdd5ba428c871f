"""An environment of Gymnasium as a world, of one seat or of several; no TensorFlow."""

from collections.abc import Callable, Sequence

import gymnasium
import numpy as np
from gymnasium import spaces

from imagents.bridges.spaces import Seat
from imagents.bridges.worlds import Description, Leaf, Moment
from imagents.errors import InputError


def seats_of(observation_space: gymnasium.Space, action_space: gymnasium.Space, info: dict) -> list[Seat]:
    """Who lives in such spaces: one for each part where both are tuples of as many parts, else one alone."""
    if is_shared(observation_space, action_space):
        pairs = zip(observation_space.spaces, action_space.spaces)
        return [Seat(*pair, own_info(info, seat)) for seat, pair in enumerate(pairs)]
    return [Seat(observation_space, action_space, info)]


def is_shared(observation_space: gymnasium.Space, action_space: gymnasium.Space) -> bool:
    """Whether several act in these spaces, as lbforaging and rware have it."""
    both = isinstance(observation_space, spaces.Tuple) and isinstance(action_space, spaces.Tuple)
    return both and len(observation_space) == len(action_space)


def own_info(info: dict, seat: int) -> dict:
    """What one of several is told: its part of the masks."""
    return {"action_mask": info["action_mask"][seat]} if "action_mask" in info else {}


def describe(seats: Sequence[Seat], shared: bool) -> Description:
    """What the common part has to know."""
    alone = not shared and isinstance(seats[0].actions, Leaf)
    return Description(
        views=tuple(seat.view for seat in seats),
        actions=tuple(seat.actions for seat in seats),
        legal=tuple(seat.legal for seat in seats),
        form="alone" if alone else "at once",
        notes=tuple(dict.fromkeys(note for seat in seats for note in seat.notes)),
    )


def has_ended(terminated, truncated) -> tuple[bool, bool]:
    """Whether an episode is over, and whether it ended there; either flag may be a list that says the same of all.

    Raises:
      InputError: if some end before others.
    """
    flags = []
    for flag in (terminated, truncated):
        if not isinstance(flag, (bool, np.bool_)):
            if np.any(flag) != np.all(flag):
                raise InputError(f"some end before others, {list(flag)}: such environments are PettingZoo's")
            flag = bool(np.any(flag))
        flags.append(flag)
    return flags[0] or flags[1], flags[0]


class GymnasiumWorld:
    """One environment.

    Args:
      make: makes it, a function without arguments.
      cut_off_at: a number of steps; an end there is a cut-off. 0 for none.

    Raises:
      InputError: if it makes something else, or its spaces do not fit.
    """

    def __init__(self, make: Callable[[], gymnasium.Env], cut_off_at: int = 0):
        self.env, self._cut_off_at, self._steps = make(), cut_off_at, 0
        if not isinstance(self.env, gymnasium.Env):
            raise InputError(f"a {type(self.env).__name__} was made: a gymnasium.Env is needed")
        self._spaces = self.env.observation_space, self.env.action_space
        self._shared, self._seats = is_shared(*self._spaces), []

    def describe(self) -> Description:
        """What it says of itself, once it was reset."""
        if not self._seats:
            self.begin(0)
        return describe(self._seats, self._shared)

    def begin(self, seed: int) -> Moment:
        """A new episode."""
        observation, info = self.env.reset(seed=seed)
        self._seats = self._seats or seats_of(*self._spaces, info)
        self._steps = 0
        return self._moment(observation, info, [0.0] * len(self._seats), False, 1.0)

    def step(self, actions: Sequence) -> Moment:
        """One step."""
        rest = iter(actions)
        done = [seat.do(rest) for seat in self._seats]
        action = tuple(done) if self._shared else done[0]
        observation, rewards, terminated, truncated, info = self.env.step(action)
        self._steps += 1
        rewards = rewards if self._shared else [rewards]
        if len(rewards) != len(self._seats):
            raise InputError(f"{len(rewards)} rewards came: one for each of {len(self._seats)} seats is needed")
        is_last, ended = has_ended(terminated, truncated)
        ended = ended and self._steps != self._cut_off_at
        return self._moment(observation, info, rewards, is_last, 0.0 if ended else 1.0)

    def render(self):
        """Shows it, as it does that itself."""
        return self.env.render()

    def frame(self) -> np.ndarray:
        """A picture of it, uint8 `[H, W, 3]`.

        Raises:
          InputError: if it makes none.
        """
        if self.env.render_mode != "rgb_array":
            mode = self.env.render_mode
            raise InputError(f"{self.env} has no pictures: it has render_mode = {mode!r}, and 'rgb_array' is needed")
        return np.asarray(self.env.render(), np.uint8)

    def close(self) -> None:
        """Frees what it holds."""
        self.env.close()

    def _moment(self, observation, info: dict, rewards, is_last: bool, discount: float) -> Moment:
        views, legal = [], []
        for seat, place in enumerate(self._seats):
            own = (observation[seat], own_info(info, seat)) if self._shared else (observation, info)
            view, mask = place.see(*own)
            views.append(view)
            if mask is not None:
                legal.append(mask)
        return Moment(views, rewards, is_last, discount, legal)
