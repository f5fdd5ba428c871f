"""The games from which benchmarks/label_positions.py takes its positions, and the exact scores of their moves.

Games of *mixed strength*: each side draws its own share of random moves, between none and all of them, and plays the
rest perfectly (uniformly among the moves of the highest score).

*Closer* games: both sides play well, and equally well. They share one share of random moves, drawn from `SHARES`; the
other moves are the solver's best in one half of the games, and in the other half those of the two agents that ship with
the package, each at its own seat.

Every game has its own generator, made from the seed and the game's number: it does not depend on which other games are
played. The solver is bitbully (AGPL-3.0), with its opening book of 12 plies.
"""

import collections
import hashlib
import itertools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from bitbully import BitBully, bitbully_core

from imagents.environments.boards.connect_four import positions

# A game of mixed strength is played once up to `ply`, and from there on `times` times: the end of a game, which costs
# next to nothing to solve, is played many times for the late set.
Endings = collections.namedtuple("Endings", "ply times")
ENDINGS = {"late": Endings(ply=24, times=50)}
SHARES = 0.1, 0.3  # of random moves in closer games, the least and the most
FULL = -1000  # bitbully's score of a move in a full column
_CLOSER = 100  # in the entropy of closer games, where those of mixed strength have the number of their set


class Candidate(NamedTuple):
    """A position that may join the set.

    played: columns played so far, as digits.
    scores: 7 ints, `FULL` where the column is full.
    """

    played: str
    scores: tuple[int, ...]

    @property
    def ply(self) -> int:
        return len(self.played)

    @property
    def loses_value(self) -> bool:
        """Whether a legal move gives value away."""
        return len({np.sign(score) for score in self.scores if score != FULL}) > 1


class Solver:
    """The exact scores of all moves in a position, 7 ints.

    Args:
        known: a file of scores found before, which grows by those that are found now; so whoever was stopped goes on
            where it was. Several processes may write to it. None keeps nothing.
    """

    def __init__(self, known: pathlib.Path | None = None):
        self._solver = BitBully()._core  # the wrapper around it sorts the scores, which costs more than late solving
        self._known: dict[str, tuple[int, ...]] = {}
        self._file = known
        if known is not None:
            known.parent.mkdir(parents=True, exist_ok=True)
            for line in known.read_text().splitlines() if known.exists() else ():
                if line.endswith("."):  # else it was being written when a process was killed
                    played, *scores = line.removesuffix(".").split(",")
                    self._known[played] = tuple(map(int, scores))
            self._write("\n")

    def __call__(self, played: str) -> tuple[int, ...]:
        if (found := self._known.get(played)) is None:
            found = tuple(self._solver.scoreMoves(board_of(played)))
            if self._file is not None:
                self._known[played] = found
                self._write(",".join(map(str, [played, *found])) + ".\n")
        return found

    def _write(self, text: str) -> None:
        with open(self._file, "a", encoding="ascii") as file:
            file.write(text)


class MixedGames:
    """Games of mixed strength for one set."""

    def __init__(self, name: str, seed: int, solver: Solver):
        self._name, self._seed, self._solver = name, seed, solver
        self._plies = positions.SETS[name]

    def candidates(self, game: int) -> list[Candidate]:
        """Plays one game, with all its endings, and returns every position that the set could take."""
        rng = np.random.default_rng((self._seed, list(positions.SETS).index(self._name), game))
        shares = rng.random(2)  # of random moves, per side
        endings = ENDINGS.get(self._name, Endings(ply=0, times=1))
        opening = list(_play("", endings.ply, shares, rng, self._solver))
        start = opening[-1] if opening else ""
        if len(start) < endings.ply:
            return []  # over before the endings begin
        found = {}
        for _ in range(endings.times):
            for played in itertools.chain([start], _play(start, self._plies[-1], shares, rng, self._solver)):
                if len(played) in self._plies and played not in found:
                    found[played] = Candidate(played, self._solver(played))
        return [candidate for candidate in found.values() if candidate.loses_value]


class CloserGames:
    """Closer games for one kind of set; both kinds share their games.

    Args:
        of_agents: the games of the agents, by number; see `agents_games`.
    """

    def __init__(self, name: str, seed: int, solver: Solver, of_agents: Mapping[int, str]):
        self._seed, self._solver, self._of_agents = seed, solver, of_agents
        self._is_critical = name.endswith("critical")

    def candidates(self, game: int) -> list[Candidate]:
        """One game's position at a ply drawn beforehand, or, if no move gives value away and one has to, the last one
        before in which one does; none if the game is over by then."""
        rng, share, plies = _closer(self._seed, game)
        ply = plies["critical" if self._is_critical else "close"]
        if is_of_agents(game):
            line = self._of_agents.get(game, "")
            line = [line[:length] for length in range(len(line) + 1)]
        else:
            line = ["", *_play("", ply, (share, share), rng, self._solver)]
        for played in reversed(line[: ply + 1] if len(line) > ply else []):
            candidate = Candidate(played, self._solver(played))
            if candidate.loses_value or not self._is_critical:
                return [candidate]
        return []


def is_of_agents(game: int) -> bool:
    """Whether a closer game is one of agents: every other one of the even games, and of the odd ones."""
    return game // 2 % 2 == 1


def agents_games(seed: int, games: Sequence[int]) -> dict[int, str]:
    """The closer games of the agents, by number: the columns played, without the move that ended the game."""
    from imagents.environments.boards.environment import greedy_moves  # TensorFlow: processes that solve do without
    from imagents.environments.boards.games import CONNECT_FOUR
    from imagents.opening import open_shipped

    pair = [open_shipped(CONNECT_FOUR.name, seat).agents[0] for seat in (0, 1)]
    games = [game for game in games if is_of_agents(game)]
    drawn = [_closer(seed, game) for game in games]
    first = np.array([rng.integers(2) for rng, *_ in drawn])
    played, cells = [""] * len(games), np.zeros([len(games), positions.ROWS, positions.COLUMNS], np.int32)
    running = np.arange(len(games))
    for ply in range(positions.ROWS * positions.COLUMNS):
        seats = (first + ply) % 2
        moves = np.zeros(len(games), int)
        for seat, agent in enumerate(pair):
            theirs = running[seats[running] == seat]
            moves[theirs] = greedy_moves(agent, CONNECT_FOUR, cells[theirs]) if len(theirs) else []
        going_on = []
        for i in running:
            (rng, share, _), column = drawn[i], moves[i]
            if rng.random() < share:
                column = rng.choice(np.flatnonzero(cells[i, 0] == 0))
            line = f"{played[i]}{column}"
            if not is_over(board_of(line)):
                cells[i, np.flatnonzero(cells[i, :, column] == 0)[-1], column] = seats[i] + 1
                played[i] = line
                going_on.append(i)
        running = np.array(going_on, int)
    return dict(zip(games, played))


def agents_checksums() -> str:
    """Tells the agents that ship with the package from others that may ship one day: 8 digits for each."""
    from imagents.opening import open_shipped

    data = [pathlib.Path(open_shipped("connect_four", seat).path, "variables") for seat in (0, 1)]
    files = [next(folder.glob("*.data*")) for folder in data]
    return " ".join(hashlib.sha256(file.read_bytes()).hexdigest()[:8] for file in files)


def board_of(played: str) -> bitbully_core.BoardCore:
    board = bitbully_core.BoardCore()
    if not board.play(played):
        raise ValueError(f"bitbully refuses the game {played}.")
    return board


def is_over(board: bitbully_core.BoardCore) -> bool:
    return board.hasWin() or board.movesLeft() == 0


def _closer(seed: int, game: int) -> tuple[np.random.Generator, float, dict[str, int]]:
    """A closer game's generator, its share of random moves, and the plies at which it is looked at."""
    rng = np.random.default_rng((seed, _CLOSER, game))
    return rng, rng.uniform(*SHARES), {name: int(rng.choice(positions.SETS[name])) for name in ("close", "critical")}


def _play(
    played: str, last_ply: int, shares: Sequence[float], rng: np.random.Generator, solver: Solver
) -> Iterator[str]:
    """Plays on to `last_ply` or to the end of the game; yields every position on the way that is not over."""
    board = board_of(played)
    for ply in range(len(played), last_ply):
        if rng.random() < shares[ply % 2]:
            columns = board.legalMoves(nonLosing=False, orderMoves=False)
        else:
            scores = solver(played)
            columns = [column for column, score in enumerate(scores) if score == max(scores)]
        column = int(rng.choice(sorted(columns)))
        board.play(column)
        played += str(column)
        if is_over(board):
            return
        yield played
