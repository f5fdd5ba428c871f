"""Games of OpenSpiel as a `TFEnvironment`."""

import functools

from imagents.bridges.environment import BridgedEnvironment
from imagents.bridges.open_spiel.world import OpenSpielWorld
from imagents.bridges.workers import side_by_side
from imagents.bridges.worlds import description_of


def from_open_spiel(name: str, batch_size: int, *, seed: int = 0, workers: int = 0) -> BridgedEnvironment:
    """B copies of a game of OpenSpiel side by side, with a seat for each player.

    Args:
      name: the game's, with arguments in brackets, as OpenSpiel has it: "kuhn_poker(players=3)".
      batch_size: number of copies B.
      seed: every game is drawn by this, the copy, and the number of the game in that copy.
      workers: processes that step the copies; 0 for none.

    Raises:
      InputError: for what cannot be played here, in one sentence.
    """
    description = description_of(OpenSpielWorld(name))
    copies = side_by_side(functools.partial(OpenSpielWorld, name), description, batch_size, workers)
    return BridgedEnvironment(f"open_spiel:{name}", description, copies, batch_size, seed)
