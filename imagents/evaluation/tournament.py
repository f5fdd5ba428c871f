"""Tournaments: everybody plays everybody, and all are rated."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from imagents.config import environment_settings, split_agent
from imagents.errors import InputError
from imagents.evaluation.elo import Ratings, rate
from imagents.evaluation.matches import Match
from imagents.evaluation.meetings import Meetings, prepare_meetings, short_names, side_by_side
from imagents.opening import learned_in
from imagents.players.names import make_player
from imagents.runs.snapshots import snapshot_counts

ANCHOR = "random"  # its Elo is 0 if it takes part
_WIDEST_TABLE = 12  # of so many players a table shows every pair; a heat map shows more


@dataclasses.dataclass(frozen=True, eq=False)
class Tournament:
    """The result of a round robin.

    environment: its name.
    policy:  how trained agents played, "greedy" or "sampled".
    names:   the players.
    matches: by pair of numbers (i, j), i < j, the match from the side of player i.
    ratings: the players' Elo.
    steps:   how many steps a snapshot's agents had learned from, by name; nothing for the other players.
    """

    environment: str
    policy: str
    names: tuple[str, ...]
    matches: dict[tuple[int, int], Match]
    ratings: Ratings
    steps: dict[str, int]

    def match(self, i: int, j: int) -> Match:
        """The match of two players from the side of player i."""
        return self.matches[i, j] if i < j else self.matches[j, i].turned()

    def scores(self) -> np.ndarray:
        """Share of the points that each player took from each other, float64 `[N, N]`; NaN on the diagonal."""
        count = len(self.names)
        return np.array([
            [self.match(i, j).total.score if i != j else np.nan for j in range(count)] for i in range(count)
        ])

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        pairs = [
            {"player": self.names[i], "opponent": self.names[j], **match.to_dict()}
            for (i, j), match in self.matches.items()
        ]
        return {
            "environment": self.environment,
            "policy": self.policy,
            "labels": dict(zip(self.names, short_names(self.names))),
            "ratings": self.ratings.to_dict(),
            "steps": self.steps,
            "matches": pairs,
        }

    def text(self) -> str:
        """The ratings, and who took how many percent of the points from whom."""
        order, scores, rated, cells = np.argsort(-self.ratings.elo, kind="stable"), self.scores(), [], []
        against = order if len(order) <= _WIDEST_TABLE else []
        for i in order:
            low, high = self.ratings.low[i], self.ratings.high[i]
            points = 100 * np.nanmean(scores[i])
            rated.append(f"{self.ratings.elo[i]:5.0f}  {low:5.0f} to {high:4.0f}  {points:5.1f} %")
            cells.append(["." if i == j else f"{100 * scores[i, j]:.0f}" for j in against])
        labels = short_names(self.names)
        lines = side_by_side([labels[i] for i in order], "  Elo  95 % interval  points", rated, cells, 4)
        lines.append(f"policy of trained agents: {self.policy}")
        perfect = [place for place, i in enumerate(order) if self.names[i].partition(":")[0] == "perfect"]
        if perfect and min(perfect) > 0:
            lines += ["above perfect: Elo counts points, and perfect play, which gives nothing away,",
                      "takes no risks to win more from those who err"]  # fmt: skip
        return "\n".join(lines)


def play_tournament(
    names: Sequence[str],
    environment,
    games: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    policy: Literal["greedy", "sampled"] | None = None,
) -> Tournament | Meetings:
    """Plays a round robin: of matches on boards, and of `Meetings` in any other environment of two seats.

    Args:
      names: players, as `make_player` knows them.
      environment: the environment's name, or its settings.
      games: per pair, an even number.
      seed: of the players and the openings.
      progress: called with the numbers of matches played and of all matches, after each.
      policy: how trained agents play, see `IMAgent.follow`; as suits the environment if None.

    Raises:
      InputError: for fewer than two players, one that is named twice, or one that cannot play.
    """
    return prepare_tournament(names, environment, games, seed, policy)(progress)


def prepare_tournament(
    names: Sequence[str], environment, games: int = 1000, seed: int = 0, policy: str | None = None
) -> Callable[[Callable[[int, int], None]], Tournament | Meetings]:
    """Does what can fail: checks and makes the players of `play_tournament`. Returns what plays it."""
    names = tuple(names)
    for i, name in enumerate(names):
        if name in names[:i]:
            raise InputError(f"{name} is named twice")
    if len(names) < 2:
        raise InputError(f"a tournament needs at least 2 players, not {len(names)}")
    environment = environment_settings(environment)
    policy = environment.policy(policy)
    if are_meetings(environment):
        return prepare_meetings(names, environment, games, seed, policy)
    arena = arena_of(environment, games, seed)
    # In every pair the one named first has seat 0, so the last one never has it, nor the first one seat 1.
    at_seat_0 = [make_player(name, environment, 0, seed, games, policy=policy) for name in names[:-1]]
    at_seat_1 = [make_player(name, environment, 1, seed, games, policy=policy) for name in names[1:]]

    def play(progress: Callable[[int, int], None]) -> Tournament:
        matches, results = {}, np.zeros([len(names), len(names), 3], int)
        for i, player in enumerate(at_seat_0):
            for j, opponent in enumerate(at_seat_1[i:], i + 1):
                match = matches[i, j] = arena.play(player, opponent)
                results[i, j] = dataclasses.astuple(match.moving_first)
                results[j, i] = dataclasses.astuple(match.moving_second.turned())
                progress(len(matches), len(names) * (len(names) - 1) // 2)
        ratings = rate(names, results, ANCHOR if ANCHOR in names else "", seed=seed)
        return Tournament(environment.name, policy, names, matches, ratings, _steps(names))

    return play


def are_meetings(environment) -> bool:
    """Whether two players of an environment compare their returns, as there are two seats and no matches."""
    environment = environment_settings(environment)
    return environment.num_seats == 2 and environment.arena(2) is None


def arena_of(environment, games: int, seed: int):
    """Where players of an environment meet in matches.

    Raises:
      InputError: if they do not, or not in so many games.
    """
    environment = environment_settings(environment)
    if (arena := environment.arena(games, seed)) is None:
        raise InputError(f"{environment.name} has {environment.num_seats} seats, and a tournament is for two: imagents "
                         "evaluate measures a run's players together")  # fmt: skip
    return arena


def environment_of(names: Sequence[str]):
    """The settings of the environment that the first trained agent among the players learned; None if there is none."""
    found = next((found for found in map(split_agent, names) if found), None)
    return learned_in(found[0]) if found else None


def _steps(names: Sequence[str]) -> dict[str, int]:
    """Steps that the snapshots among the players had learned from."""
    paths = {name: name.rpartition(":")[0] for name in names if ".npz:" in name}
    return {name: snapshot_counts(path)[1] for name, path in paths.items()}
