"""Many players in one, side by side: each plays an equal share of the parallel games."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.players.base import Player


class PoolPlayer(Player):
    """Players of one seat, of which number m plays the games m, m + M, m + 2 M and so on.

    Each thinks about its own games only, so that many of them cost no more than one.

    Args:
      makers: M functions (number of games) that make the players.
      seat: the seat to play.
      name: its name.
      batch_size: number of parallel games B.

    Raises:
      InputError: if there are more players than games.
    """

    def __init__(self, makers: list[Callable[[int], Player]], seat: int, name: str, batch_size: int):
        super().__init__(seat, name)
        if batch_size < len(makers):
            raise InputError(f"{name} holds {len(makers)} agents for seat {seat}, and {batch_size} parallel games "
                             "cannot be shared among them: name one of its runs")  # fmt: skip
        games = [np.arange(batch_size)[place :: len(makers)] for place in range(len(makers))]
        self.members = [make(len(own)) for make, own in zip(makers, games)]
        self.runs_in_python = any(member.runs_in_python for member in self.members)
        self.is_heavy = any(member.is_heavy for member in self.members)
        self._order = np.argsort(np.concatenate(games))  # of what they do, one after the other, as the games have it

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        actions = [member.act(self._own(place, time_step)) for place, member in enumerate(self.members)]
        return tf.nest.map_structure(lambda *parts: tf.gather(tf.concat(parts, axis=0), self._order), *actions)

    def observe(self, time_step: ts.TimeStep, moved: tf.Tensor | None = None) -> None:
        for place, member in enumerate(self.members):
            member.observe(self._own(place, time_step), None if moved is None else self._own(place, moved))

    def _own(self, place: int, nest):
        return tf.nest.map_structure(lambda x: x[place :: len(self.members)], nest)
