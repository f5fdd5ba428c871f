"""Environments from here as Gymnasium's: one seat is the caller's, players hold the others.

A step is what lies between two decisions of the caller: the others' moves are made inside, and what they brought is in
the reward. In a vector of B copies that is one TensorFlow call.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import tensorflow as tf
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from imagents.bridges.shown import arrays_of, mask_of, spaces_of
from imagents.bridges.turns import OwnTurns
from imagents.errors import InputError
from imagents.players.base import Player
from imagents.seats import close, shows, where_copy


def to_gymnasium(
    environment_name: str,
    seat: int = 0,
    others: Sequence[str | Player] | str = "random",
    render_mode: str | None = None,
    **settings,
) -> "SeatEnv":
    """An environment from here as a `gymnasium.Env` for one seat.

    Args:
      environment_name: as for `imagents.TrainConfig`.
      seat: the caller's.
      others: who sits at the other seats, in their order: names as of `imagents.make_player`, or players. One name is
        for all of them.
      render_mode: None, or "rgb_array" where the environment makes pictures.
      settings: the environment's own; without them as `imagents.config.environment_settings` has them.

    Raises:
      InputError: for what does not fit, in one sentence.
    """
    return SeatEnv(environment_name, seat, others, render_mode, settings)


def to_gymnasium_vector(
    environment_name: str, num_envs: int, seat: int = 0, others: Sequence[str | Player] | str = "random", **settings
) -> "SeatVectorEnv":
    """B copies side by side as a `gymnasium.vector.VectorEnv`, of which a step is one TensorFlow call.

    Where seats act in turn a copy whose episode is over begins the next one in the same step, elsewhere in the next
    step: `metadata["autoreset_mode"]` says which.

    Args:
      environment_name, seat, others, settings: as of `to_gymnasium`.
      num_envs: number of copies B.
    """
    return SeatVectorEnv(environment_name, num_envs, seat, others, settings)


class SeatEnv(gymnasium.Env):
    """See `to_gymnasium`. `action_masks()` and `info["action_mask"]` say what is legal; all is, without them."""

    def __init__(self, environment_name: str, seat: int, others, render_mode: str | None, settings: dict[str, Any]):
        self._game = OwnTurns(environment_name, 1, seat, others, settings)
        modes = ["rgb_array"] if hasattr(self._game.environment, "frame") else []
        if render_mode is not None and render_mode not in modes:
            known = f"no such pictures, but {', '.join(modes)}" if modes else "no pictures"
            raise InputError(f"render_mode = {render_mode!r}: {environment_name} has {known}")
        self.metadata, self.render_mode = {"render_modes": modes, "render_fps": 10}, render_mode
        self.observation_space, self.action_space, self._first = spaces_of(self._game.perspective)
        self._mask = None

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """A new episode, up to where the seat is asked first."""
        super().reset(seed=seed)
        if seed is not None:
            self._game.seed(seed)
        for _ in range(100):  # others may end one by themselves
            sight, asked, _ = self._game.begin()
            if asked.numpy()[0]:
                return self._shown(sight)
        raise InputError("in 100 episodes nobody asked this seat to act")

    def step(self, action):
        """Up to where the seat is asked again, or its life is over."""
        sight, _, found = self._game.step(tf.constant([int(action) - self._first]))
        paid, over, discount, last = found
        over, ended = bool(over[0]), bool(discount[0] == 0.0)
        return *self._outcome(last if over else sight, float(paid[0]), over and ended, over and not ended),

    def action_masks(self) -> np.ndarray:
        """What is legal now, bool `[A]`, as sb3-contrib asks for it."""
        return np.ones(self.action_space.n, bool) if self._mask is None else self._mask.astype(bool)

    def render(self):
        """A picture, uint8 `[H, W, 3]`, with render_mode rgb_array."""
        return self._game.environment.frame() if self.render_mode else None

    def close(self) -> None:
        """Ends what the environment has begun."""
        close(self._game.environment)

    def _outcome(self, sight, paid: float, terminated: bool, truncated: bool):
        observation, info = self._shown(sight)
        return observation, paid, terminated, truncated, info

    def _shown(self, sight):
        self._mask = mask_of(sight)
        self._mask = self._mask if self._mask is None else self._mask[0]
        return arrays_of(sight.view, self.observation_space, 0), _info(self._mask)


class SeatVectorEnv(gymnasium.vector.VectorEnv):
    """See `to_gymnasium_vector`."""

    def __init__(self, environment_name: str, num_envs: int, seat: int, others, settings: dict[str, Any]):
        self._game = OwnTurns(environment_name, num_envs, seat, others, settings)
        if self._game.together and shows(self._game.environment.time_step_spec().observation, "step_types"):
            raise InputError(f"{environment_name}: its seats die alone, and one of many copies cannot wait for that")
        mode = AutoresetMode.NEXT_STEP if self._game.together else AutoresetMode.SAME_STEP
        self.num_envs, self.metadata = num_envs, {"autoreset_mode": mode, "render_modes": []}
        self.single_observation_space, self.single_action_space, self._first = spaces_of(self._game.perspective)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """New episodes in all copies, up to where the seat is asked first."""
        if seed is not None:
            self._game.seed(seed)
        sight, _, _ = self._game.begin()
        return arrays_of(sight.view, self.single_observation_space), _infos(sight)

    def step(self, actions):
        """Up to where the seat is asked again, in each copy."""
        actions = np.asarray(actions) - self._first
        sight, _, (paid, over, discount, last) = self._game.step(tf.constant(actions, tf.int32))
        over, ended, infos = over.numpy(), discount.numpy() == 0.0, _infos(sight)
        if self._game.together:
            sight = type(sight)(*(where_copy(tf.constant(over), x, y) for x, y in zip(last, sight)))
            infos = _infos(sight)
        elif over.any():
            final = np.full(self.num_envs, None, object)
            for copy in np.flatnonzero(over):
                final[copy] = arrays_of(last.view, self.single_observation_space, copy)
            infos |= {"final_obs": final, "_final_obs": over, "final_info": _infos(last), "_final_info": over}
        observations = arrays_of(sight.view, self.single_observation_space)
        return observations, paid.numpy().astype(np.float64), over & ended, over & ~ended, infos

    def close_extras(self, **_) -> None:
        """Ends what the environment has begun."""
        close(self._game.environment)


def _info(mask: np.ndarray | None) -> dict:
    return {} if mask is None else {"action_mask": mask}


def _infos(sight) -> dict:
    mask = mask_of(sight)
    return {} if mask is None else {"action_mask": mask, "_action_mask": np.ones(len(mask), bool)}
