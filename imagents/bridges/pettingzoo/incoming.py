"""Environments of PettingZoo as a `TFEnvironment`."""

import functools
from collections.abc import Callable, Sequence

from pettingzoo import AECEnv, ParallelEnv

from imagents.bridges.environment import BridgedEnvironment
from imagents.bridges.pettingzoo.world import World
from imagents.bridges.workers import side_by_side
from imagents.bridges.worlds import description_of
from imagents.errors import InputError


def from_pettingzoo(
    make: Callable[[], AECEnv | ParallelEnv],
    batch_size: int,
    *,
    seed: int = 0,
    workers: int = 0,
    agents: Sequence = (),
    name: str = "",
) -> BridgedEnvironment:
    """B copies of an environment of PettingZoo side by side, with a seat for each agent that may be there.

    Terminated and truncated stay apart, as discount 0 and 1, for each agent. Masks of legal actions are read from
    `action_mask` in the observation or in its infos.

    Args:
      make: makes one, of either kind. Called once more to see what it is like.
      batch_size: number of copies B.
      seed: every episode is seeded by this, the copy, and the number of the episode in that copy.
      workers: processes that step the copies, for which `make` has to survive cloudpickle; 0 for none.
      agents: the names of all agents that may ever be there, by seat; () for its `possible_agents`.
      name: what it is called in messages.

    Returns:
      The environment; its `agents` are their names, by seat.

    Raises:
      InputError: for what cannot be stepped here, in one sentence.
    """
    made = make()
    title = name or str(made)
    try:
        world = World(lambda: made, agents)
        description = description_of(world)
        copies = side_by_side(functools.partial(World, make, agents), description, batch_size, workers)
    except InputError as error:
        raise InputError(f"{title}: {error}") from None
    environment = BridgedEnvironment(title, description, copies, batch_size, seed)
    environment.agents = world.names
    return environment
