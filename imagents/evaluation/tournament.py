"""Tournaments: everybody plays everybody, and all are rated."""

import dataclasses
import pathlib
import re
from collections.abc import Callable, Sequence

import numpy as np

from imagents.config import load_config, run_folder
from imagents.environments.boards.board_game import BoardGame
from imagents.evaluation.elo import Ratings, rate
from imagents.evaluation.matches import Arena, Match
from imagents.export.reading import exported_game
from imagents.players.frozen import learned_game, split_agent
from imagents.players.names import make_player
from imagents.runs.snapshots import FOLDER, snapshot_plies, snapshots
from imagents.training.loop import agent_names

ANCHOR = "random"  # its Elo is 0 if it takes part
_WIDEST_TABLE = 12  # of so many players a table shows every pair; a heat map shows more


@dataclasses.dataclass(frozen=True, eq=False)
class Tournament:
    """The result of a round robin.

    game:    its name.
    names:   the players.
    matches: by pair of numbers (i, j), i < j, the match from the side of player i.
    ratings: the players' Elo.
    plies:   how many plies a snapshot's agents had learned from, by name; nothing for the other players.
    """

    game: str
    names: tuple[str, ...]
    matches: dict[tuple[int, int], Match]
    ratings: Ratings
    plies: dict[str, int]

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
            "game": self.game,
            "labels": dict(zip(self.names, short_names(self.names))),
            "ratings": self.ratings.to_dict(),
            "plies": self.plies,
            "matches": pairs,
        }

    def text(self) -> str:
        """The ratings, and who took how many percent of the points from whom."""
        order = np.argsort(-self.ratings.elo, kind="stable")
        labels = short_names(self.names)
        width = max(len(label) for label in labels)
        scores = self.scores()
        against = order if len(order) <= _WIDEST_TABLE else []
        lines = [f"    {'player':{width}}   Elo  95 % interval  points  " + "v" * bool(len(against)) +
                 "".join(f"{number:4d}" for number in range(1, len(against) + 1))]
        for number, i in enumerate(order, 1):
            low, high = self.ratings.low[i], self.ratings.high[i]
            cells = "".join("   ." if i == j else f"{100 * scores[i, j]:4.0f}" for j in against)
            lines.append(
                f"{number:3d} {labels[i]:{width}} {self.ratings.elo[i]:5.0f}  {low:5.0f} to {high:4.0f}  "
                f"{100 * np.nanmean(scores[i]):5.1f} %   {cells}"
            )
        return "\n".join(line.rstrip() for line in lines)


def play_tournament(
    names: Sequence[str],
    game: BoardGame,
    games: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tournament:
    """Plays a round robin.

    Args:
      names: players, as `make_player` knows them.
      game: the rules.
      games: per pair, an even number.
      seed: of the players and the openings.
      progress: called with the numbers of matches played and of all matches, after each.

    Raises:
      ValueError: for fewer than two players, one that is named twice, or one that cannot play.
    """
    return prepare_tournament(names, game, games, seed)(progress)


def prepare_tournament(
    names: Sequence[str], game: BoardGame, games: int = 1000, seed: int = 0
) -> Callable[[Callable[[int, int], None]], Tournament]:
    """Does what can fail: checks and makes the players of `play_tournament`. Returns what plays it."""
    names = tuple(names)
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"{name} is named twice")
    if len(names) < 2:
        raise ValueError(f"a tournament needs at least 2 players, not {len(names)}")
    arena = Arena(game, games, seed)
    # In every pair the one named first has seat 0, so the last one never has it, nor the first one seat 1.
    at_seat_0 = [make_player(name, game, 0, seed, games) for name in names[:-1]]
    at_seat_1 = [make_player(name, game, 1, seed, games) for name in names[1:]]

    def play(progress: Callable[[int, int], None]) -> Tournament:
        matches, results = {}, np.zeros([len(names), len(names), 3], int)
        for i, player in enumerate(at_seat_0):
            for j, opponent in enumerate(at_seat_1[i:], i + 1):
                match = matches[i, j] = arena.play(player, opponent)
                results[i, j] = dataclasses.astuple(match.moving_first)
                results[j, i] = dataclasses.astuple(match.moving_second.turned())
                progress(len(matches), len(names) * (len(names) - 1) // 2)
        ratings = rate(names, results, ANCHOR if ANCHOR in names else "", seed=seed)
        return Tournament(game.name, names, matches, ratings, _plies(names))

    return play


def expand(name: str) -> list[str]:
    """The players that a name on the command line stands for.

    A run folder, a checkpoint or a snapshot stands for all of its agents, and the folder of a run's snapshots for
    all of its agents in each of them; every other name for itself.

    Raises:
      ValueError: if a folder is not a run, or holds no snapshot.
    """
    path = pathlib.Path(name)
    if path.name == FOLDER and path.is_dir():
        agents, found = agent_names(load_config(path.parent)), snapshots(path.parent)
        if not found:
            raise ValueError(f"{path} holds no snapshot")
        return [f"{snapshot}:{agent}" for agent in agents for snapshot in found]
    if path.exists() and not exported_game(path):
        return [f"{path}:{agent}" for agent in agent_names(load_config(run_folder(path)))]
    return [name]


def game_of(names: Sequence[str]) -> str:
    """The game that the first trained agent among the players learned; "" if none is a trained agent."""
    found = next((found for found in map(split_agent, names) if found), None)
    return learned_game(found[0]).name if found else ""


def short_names(names: Sequence[str]) -> list[str]:
    """Names for tables and figures: of a path, as few of its last parts as tell it from the others."""
    parts = {name: pathlib.Path(name).parts for name in names}
    kept = 1
    while len({part[-kept:] for part in parts.values()}) < len(set(names)):
        kept += 1
    short = ["/".join(parts[name][-kept:]) for name in names]
    return [re.sub(r"\b0+(\d+)\.npz", r"\1", name) for name in short]


def _plies(names: Sequence[str]) -> dict[str, int]:
    """Plies that the snapshots among the players had learned from."""
    paths = {name: name.rpartition(":")[0] for name in names if ".npz:" in name}
    return {name: snapshot_plies(path) for name, path in paths.items()}
