"""Players at boards, and what makes each of them when it is named.

A perfect player keeps the game's value (win, draw or loss) with every move. Among the moves that do, "best" ones also
win fastest or lose slowest; a player that sticks to these is harder on those who err.
"""

from collections.abc import Callable
from typing import Literal

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.players.columns import BeatLastPlayer, LinearPlayer, SameColumnPlayer
from imagents.environments.boards.players.person import PersonPlayer
from imagents.environments.boards.players.search import MAX_DEPTH, HeuristicPlayer, MinimaxPlayer
from imagents.errors import InputError
from imagents.players.base import Player
from imagents.players.names import Order
from imagents.randomness import draw, make_generator


class PerfectPlayer(Player):
    """Base of players that never give value away: draws uniformly among the moves that qualify.

    Args:
      seat: the seat to play.
      among: "best" for the fastest wins and the slowest losses, "value" for every move that keeps the value.
      name: its name.
      seed: of its own generator.
    """

    def __init__(self, seat: int, among: Literal["best", "value"] = "best", name: str = "perfect", seed: int = 0):
        super().__init__(seat, name)
        if among not in ("best", "value"):
            raise InputError(f"among = {among!r}: choose best (the best moves) or value (all that keep the value)")
        self.among = among
        self._generator = make_generator(seed, f"{name}/{seat}")

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        return draw(self._generator, self.qualifying(time_step))

    def qualifying(self, time_step: ts.TimeStep) -> tf.Tensor:
        """The moves to draw from, bool `[B, actions]`."""
        raise NotImplementedError


def _heuristic(order: Order) -> Player:
    look = order.number(float, "1", "a probability of looking, 0 to 1, as in heuristic:0.25")
    return HeuristicPlayer(order.environment.game, order.seat, look, order.name, order.seed)


def _minimax(order: Order) -> Player:
    depth = order.number(int, "", f"a depth, 1 to {MAX_DEPTH}, as in minimax:3")
    return MinimaxPlayer(order.environment.game, order.seat, depth, order.name, order.seed)


_MAKERS = {
    "heuristic[:LOOK]": _heuristic,
    "minimax:DEPTH": _minimax,
    "person": lambda o: PersonPlayer(o.environment.game, o.seat, o.name),
}
_WITH_COLUMNS = {
    "same_column": lambda o: SameColumnPlayer(o.environment.game, o.seat, o.name, o.seed, o.batch_size),
    "linear": lambda o: LinearPlayer(o.environment.game, o.seat, o.name),
    "beat_last": lambda o: BeatLastPlayer(o.environment.game, o.seat, o.name, o.seed, o.batch_size),
}


def makers(gravity: bool) -> dict[str, Callable[[Order], Player]]:
    """What makes the players of every such game, by the name that people write."""
    return (_WITH_COLUMNS if gravity else {}) | _MAKERS


def perfect_of(kind: type[PerfectPlayer]) -> dict[str, Callable[[Order], Player]]:
    """`makers` of a game's perfect player."""

    def make(order: Order) -> Player:
        if order.parameter not in ("", "best", "value"):
            raise InputError(f"{order.name!r}: choose perfect:best (which perfect alone means) or perfect:value")
        return kind(order.seat, order.parameter or "best", order.name, order.seed)

    return {"perfect[:value]": make}
