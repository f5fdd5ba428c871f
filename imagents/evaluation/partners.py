"""Where the agents of several runs meet: at each seat whoever learned it, of whichever run."""

import os
from collections.abc import Sequence

import tensorflow as tf

from imagents.config import TrainConfig
from imagents.evaluation.meetings import Episodes
from imagents.opening import Opened, open_path
from imagents.players.base import Player
from imagents.players.frozen import frozen_player
from imagents.randomness import make_seed
from imagents.seats import assign, close, values_of


class Exchange:
    """One player for each seat, compiled once, who becomes the agent of one run after the other.

    Players, openings and what is drawn are those of a tournament of two players with the same seed, whatever was played
    before: on boards a match of as many games between the agents themselves, elsewhere the episodes in which the first
    of two runs has seat 0, which are half of its games.

    Args:
      config: the settings of all runs, but for their seeds; each seat is an agent's.
      runs: their folders.
      games: of each seating.
      seed: of openings, and of what is drawn.

    Attributes:
      policy: how agents play.
      measure: what they get: "points", their share of them on boards, or "mean_return".

    Raises:
      InputError: for a run that is damaged, or so many games that cannot be.
    """

    def __init__(self, config: TrainConfig, runs: Sequence[str | os.PathLike], games: int, seed: int = 0):
        self._environment, self._games, self._seed = config.environment, games, seed
        self.policy, seats = self._environment.policy(), range(self._environment.num_seats)
        # Each of an opening of its own: agents that share their weights would be one.
        self._players = [self._player(runs[0], open_path(runs[0]), seat) for seat in seats]
        self._agents = []  # by run and seat, what is in a player's variables
        for run in runs:
            opened = open_path(run)
            self._agents.append([values_of(_variables(self._player(run, opened, seat))) for seat in seats])
        self._arena = self._environment.arena(games, seed) if len(seats) == 2 else None
        self.measure = "points" if self._arena else "mean_return"
        if self._arena is None:
            self._world = self._environment.build(games, make_seed(seed, "meetings"))
            self._first = values_of(_variables(self._world))
            self._episodes = Episodes(self._world, self._players, config.training.execution != "eager")

    def play(self, seating: Sequence[int]) -> list[float]:
        """What each seat gets, if the agent of this place among the runs sits at it."""
        for seat, run in enumerate(seating):
            assign(_variables(self._players[seat]), self._agents[run][seat])
        if self._arena is not None:
            self._arena.begin_anew()
            match = self._arena.play(*self._players)
            return [match.total.score, match.turned().total.score]
        assign(_variables(self._world), self._first)
        return self._episodes.play().mean(axis=0).tolist()

    def close(self) -> None:
        """Ends what its environment has begun."""
        if self._arena is None:
            close(self._world)

    def _player(self, run: str | os.PathLike, opened: Opened, seat: int) -> Player:
        return frozen_player(opened, "", self._environment, seat, str(run), self._games, self.policy, self._seed)


def _variables(of) -> list[tf.Variable]:
    """All that something holds, generators' too, in the same order for all that were made alike."""
    found = tf.train.TrackableView(of).descendants() if isinstance(of, tf.Module) else ()
    return [each for each in found if isinstance(each, tf.Variable)]
