"""Matches: many games between two players, each moving first in half of them, and what their shares are worth."""

import dataclasses
import math

Z = 1.959964  # 95 % of a normal distribution lie within so many standard deviations


@dataclasses.dataclass(frozen=True)
class Results:
    """How the games went in which a player moved first, or those in which it moved second.

    wins, draws, losses: numbers of games. An illegal move loses its game.
    """

    wins: int
    draws: int
    losses: int

    @property
    def games(self) -> int:
        return self.wins + self.draws + self.losses

    @property
    def win_rate(self) -> float:
        return self.wins / self.games

    @property
    def score(self) -> float:
        """Share of the points: a win is 1, a draw 1/2."""
        return (self.wins + self.draws / 2) / self.games

    def turned(self) -> "Results":
        """The same games as the other player sees them."""
        return Results(wins=self.losses, draws=self.draws, losses=self.wins)

    def to_dict(self) -> dict:
        """Plain values, for JSON: counts, rates and their 95 % confidence intervals."""
        rates = {}
        for kind in ("win", "draw", "loss"):
            count = getattr(self, {"win": "wins", "draw": "draws", "loss": "losses"}[kind])
            rates[f"{kind}_rate"] = count / self.games
            rates[f"{kind}_rate_95"] = list(wilson_interval(count, self.games))
        return dataclasses.asdict(self) | {"games": self.games, "score": self.score} | rates


@dataclasses.dataclass(frozen=True)
class Match:
    """The result of a match, from the side of the player at seat 0.

    moving_first, moving_second: the games in which it moved first, and those in which it moved second.
    distinct_games: how many of them differ from each other. Players without randomness have two games, one per first
      mover, however often they repeat them.
    opening_plies: each game began after 0 to this many random plies.
    """

    moving_first: Results
    moving_second: Results
    distinct_games: int
    opening_plies: int = 0

    @property
    def games(self) -> int:
        return self.moving_first.games + self.moving_second.games

    @property
    def total(self) -> Results:
        """All games together."""
        first, second = self.moving_first, self.moving_second
        return Results(first.wins + second.wins, first.draws + second.draws, first.losses + second.losses)

    def turned(self) -> "Match":
        """The same match from the other player's side."""
        first, second = self.moving_second.turned(), self.moving_first.turned()
        return dataclasses.replace(self, moving_first=first, moving_second=second)

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        return {
            "moving_first": self.moving_first.to_dict(),
            "moving_second": self.moving_second.to_dict(),
            "distinct_games": self.distinct_games,
            "opening_plies": self.opening_plies,
        }


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share, `count` of `total` (Wilson 1927, https://doi.org/10.2307/2276774)."""
    share, spread = count / total, Z * Z / total
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)
