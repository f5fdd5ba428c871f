"""Environments of Gymnasium as a `TFEnvironment`."""

import functools
from collections.abc import Callable

import gymnasium

from imagents.bridges.environment import BridgedEnvironment
from imagents.bridges.gymnasium.vector import VectorCopies
from imagents.bridges.gymnasium.world import GymnasiumWorld
from imagents.bridges.workers import side_by_side
from imagents.bridges.worlds import description_of
from imagents.errors import InputError


def from_gymnasium(
    make: Callable[[], gymnasium.Env | gymnasium.vector.VectorEnv],
    batch_size: int,
    *,
    seed: int = 0,
    workers: int = 0,
    cut_off_at: int = 0,
    name: str = "",
) -> BridgedEnvironment:
    """B copies of an environment of Gymnasium side by side.

    Terminated and truncated stay apart, as discount 0 and 1. Where the action space and the observation space are
    tuples of N, there are N seats. Masks of legal actions are read from `info["action_mask"]` or the observation.

    Args:
      make: makes one; or a vector environment of B copies, whichever way that begins episodes. Called once more to see
        what it is like.
      batch_size: number of copies B.
      seed: every episode is seeded by this, the copy, and the number of the episode in that copy.
      workers: processes that step the copies, for which `make` has to survive cloudpickle; 0 for none.
      cut_off_at: a number of steps; an end there is a cut-off, as some packages report their limit as an end. 0 for
        none.
      name: what it is called in messages.

    Raises:
      InputError: for what cannot be stepped here, in one sentence.
    """
    if cut_off_at < 0:
        raise InputError(f"cut_off_at = {cut_off_at}: a number of steps is needed, 0 for none")
    made = make()
    title = name or getattr(getattr(made, "spec", None), "id", None) or type(made).__name__
    try:
        if isinstance(made, gymnasium.vector.VectorEnv):
            if workers or made.num_envs != batch_size:
                raise InputError(
                    f"a vector environment of {made.num_envs} copies was made: it steps them itself, so batch_size = "
                    f"{batch_size} has to be that number, and workers = {workers} 0"
                )
            copies = VectorCopies(made, cut_off_at)
            description = copies.describe()
        else:
            description = description_of(GymnasiumWorld(lambda: made, cut_off_at))
            copies = side_by_side(functools.partial(GymnasiumWorld, make, cut_off_at), description, batch_size, workers)
    except InputError as error:
        raise InputError(f"{title}: {error}") from None
    return BridgedEnvironment(title, description, copies, batch_size, seed)
