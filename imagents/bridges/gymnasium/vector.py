"""A vector environment of Gymnasium, as a user gives it, in the place of copies that are stepped one by one.

Whichever way it begins episodes by itself, what is seen is the same: the last step of an episode with its own last
observation, then the first one of the next, and no step between these that anybody could learn from.
"""

from collections.abc import Sequence

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import concatenate, create_empty_array, iterate

from imagents.bridges.gymnasium.world import describe, has_ended, is_shared, seats_of
from imagents.bridges.worlds import FIRST, LAST, MID, Description, Moment, flat, layout
from imagents.errors import InputError


class VectorCopies:
    """The copies of a vector environment, as `imagents.bridges.workers.Copies`.

    Those that reset single copies (Gymnasium's own two) are seeded anew for every episode; others once.

    Args:
      env: the vector environment.
      cut_off_at: a number of steps; an end there is a cut-off. 0 for none.

    Raises:
      InputError: for one that does not say how it begins episodes, or that several share.
    """

    def __init__(self, env: gymnasium.vector.VectorEnv, cut_off_at: int = 0):
        self.env, self._cut_off_at = env, cut_off_at
        self._spaces = env.single_observation_space, env.single_action_space
        self._mode = env.metadata.get("autoreset_mode")
        if not isinstance(self._mode, AutoresetMode):
            raise InputError(f"{env} does not say how it begins episodes: metadata['autoreset_mode'] is needed")
        if is_shared(*self._spaces):
            raise InputError("an environment that several share is stepped here: give a function that makes one")
        self._resets_one = isinstance(env.unwrapped, (SyncVectorEnv, AsyncVectorEnv))
        if not self._resets_one and self._mode is not AutoresetMode.NEXT_STEP:
            raise InputError(f"{env} begins episodes by {self._mode}, and cannot be asked to reset a single copy")
        self._seats, self._over = [], np.zeros(env.num_envs, bool)
        self._steps = np.zeros(env.num_envs, int)

    def describe(self) -> Description:
        """What it says of itself, once it was reset."""
        if not self._seats:
            self._reset(np.zeros(self.env.num_envs, int), np.ones(self.env.num_envs, bool))
        return describe(self._seats, False)

    def advance(self, actions: Sequence[np.ndarray], seeds: np.ndarray) -> list[np.ndarray]:
        """A step of each copy, as `imagents.bridges.workers.Copies` makes it."""
        new = seeds >= 0
        if new.all():
            rows, infos = self._reset(seeds, new)
            return self._shown(rows, infos, new, np.zeros(len(new)), [(False, False)] * len(new))
        if self._mode is AutoresetMode.DISABLED and self._over.any():
            self._reset(seeds, self._over)  # it refuses to step what is over
        observation, rewards, terminated, truncated, infos = self.env.step(self._actions(actions))
        rows = list(iterate(self.env.observation_space, observation))
        if self._mode is AutoresetMode.SAME_STEP:
            for copy in np.flatnonzero((terminated | truncated) & ~new):
                rows[copy] = infos["final_obs"][copy]
                _put(infos, copy, infos["final_info"])
        if new.any() and self._resets_one:
            fresh, told = self._reset(seeds, new)
            for copy in np.flatnonzero(new):
                rows[copy] = fresh[copy]
                _put(infos, copy, told)
        self._steps = np.where(new, 0, self._steps + 1)
        ends = [(False, False) if begins else has_ended(*flags) for begins, *flags in zip(new, terminated, truncated)]
        return self._shown(rows, infos, new, np.where(new, 0.0, rewards), ends)

    def render(self):
        """Shows the copies, as they do that themselves."""
        return self.env.render()

    def frame(self) -> np.ndarray:
        """A picture of copy 0, uint8 `[H, W, 3]`."""
        if self.env.render_mode != "rgb_array":
            raise InputError(f"{self.env} has no pictures: render_mode = 'rgb_array' is needed")
        return np.asarray(self.env.render()[0], np.uint8)

    def close(self) -> None:
        """Frees what it holds."""
        self.env.close()

    def _reset(self, seeds: np.ndarray, where: np.ndarray) -> tuple[list, dict]:
        self._steps = np.where(where, 0, self._steps)
        if where.all():
            all_seeds = [int(seed) for seed in seeds]
            observation, infos = self.env.reset(seed=all_seeds if self._resets_one else all_seeds[0])
        else:
            seeds = [int(seed) if here else None for seed, here in zip(seeds, where)]
            observation, infos = self.env.reset(seed=seeds, options={"reset_mask": where.copy()})
        rows = list(iterate(self.env.observation_space, observation))
        self._seats = self._seats or seats_of(*self._spaces, _info_of(infos, 0))
        return rows, infos

    def _actions(self, actions: Sequence[np.ndarray]):
        parts = [self._seats[0].do(iter([array[copy] for array in actions])) for copy in range(self.env.num_envs)]
        empty = create_empty_array(self.env.single_action_space, n=self.env.num_envs, fn=np.zeros)
        return concatenate(self.env.single_action_space, parts, empty)

    def _shown(self, rows, infos: dict, new: np.ndarray, rewards, ends) -> list[np.ndarray]:
        description, shown = describe(self._seats, False), []
        for copy, (row, (is_last, ended)) in enumerate(zip(rows, ends)):
            view, mask = self._seats[0].see(row, _info_of(infos, copy))
            discount = 0.0 if ended and self._steps[copy] != self._cut_off_at else 1.0
            moment = Moment([view], [rewards[copy]], is_last, discount, [] if mask is None else [mask])
            kind = FIRST if new[copy] else LAST if is_last else MID
            shown.append(flat(description, kind, moment))
        self._over = np.array([is_last for is_last, _ in ends])
        return [
            np.stack([np.asarray(row[i], leaf.dtype) for row in shown]) for i, leaf in enumerate(layout(description))
        ]


def _info_of(infos: dict, copy: int) -> dict:
    """The mask that a copy is told."""
    return {"action_mask": infos["action_mask"][copy]} if "action_mask" in infos else {}


def _put(infos: dict, copy: int, other: dict) -> None:
    """Puts the mask of one copy in the place of another."""
    if "action_mask" in other:
        infos["action_mask"][copy] = other["action_mask"][copy]
