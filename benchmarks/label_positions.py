"""Makes the labelled connect-four positions that ship with the package, in `imagents/environments/boards/connect_four`.

    pip install bitbully bitbully-databases
    python -m benchmarks.label_positions --set early middle late mixed

Positions come from games of mixed strength: each side draws its own share of random moves, between none and all of
them, and plays the rest perfectly (uniformly among the moves of the highest score). A game gives at most one
position, the one at the ply that has had the fewest so far; so positions are independent of each other, and plies
are spread as evenly as the games allow. There is 1 position at ply 0, and few at the next ones; with a move that
gives value away there are also few at plies 39 and 40. That is why the end of a game, which costs next to nothing to
solve, is played many times for the late set; the whole group of endings still gives one position at most.

Every game has its own generator, made from the seed, the set and the game's number: the files do not depend on how
many processes work on them, nor on which sets are made together.

The solver is bitbully (AGPL-3.0), with its opening book of 12 plies. Scores are exact, and the tests verify them
with another solver.
"""

import argparse
import collections
import importlib.metadata
import itertools
import multiprocessing
import os
import pathlib
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from bitbully import BitBully, bitbully_core

from imagents.environments.boards.connect_four import positions

# A game is played once up to `ply`, and from there on `times` times.
Endings = collections.namedtuple("Endings", "ply times")
ENDINGS = {"late": Endings(ply=24, times=50)}
SETS_WITHOUT_FILTER = ("mixed",)
MOST_GAMES = 100_000  # per set; the late one, which takes the most, needs some 4,500
FULL = -1000  # bitbully's score of a move in a full column


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


class Source:
    """Games of mixed strength for one set."""

    def __init__(self, name: str, seed: int):
        self._name, self._seed = name, seed
        self._plies = positions.SETS[name]
        self._solver = BitBully()._core  # the wrapper around it sorts the scores, which costs more than late solving

    def candidates(self, game: int) -> list[Candidate]:
        """Plays one game, with all its endings, and returns every position that the set could take."""
        entropy = (self._seed, list(positions.SETS).index(self._name), game)
        rng = np.random.default_rng(entropy)
        shares = rng.random(2)  # of random moves, per side
        endings = ENDINGS.get(self._name, Endings(ply=0, times=1))
        opening = list(self._play("", endings.ply, shares, rng))
        start = opening[-1] if opening else ""
        if len(start) < endings.ply:
            return []  # over before the endings begin
        found = {}
        for _ in range(endings.times):
            for played in itertools.chain([start], self._play(start, self._plies[-1], shares, rng)):
                if len(played) in self._plies and played not in found:
                    found[played] = Candidate(played, tuple(self._scores(played)))
        wanted = found.values()
        return [c for c in wanted if c.loses_value or self._name in SETS_WITHOUT_FILTER]

    def _play(self, played: str, last_ply: int, shares: np.ndarray, rng: np.random.Generator) -> Iterator[str]:
        """Plays on to `last_ply` or to the end of the game; yields every position on the way that is not over."""
        board = _board(played)
        for ply in range(len(played), last_ply):
            if rng.random() < shares[ply % 2]:
                columns = board.legalMoves(nonLosing=False, orderMoves=False)
            else:
                scores = self._solver.scoreMoves(board)
                columns = [column for column, score in enumerate(scores) if score == max(scores)]
            column = int(rng.choice(sorted(columns)))
            board.play(column)
            played += str(column)
            if board.hasWin() or board.movesLeft() == 0:
                return
            yield played

    def _scores(self, played: str) -> list[int]:
        return self._solver.scoreMoves(_board(played))


def _board(played: str) -> bitbully_core.BoardCore:
    board = bitbully_core.BoardCore()
    if not board.play(played):
        raise ValueError(f"bitbully refuses the game {played}.")
    return board


def _identity(played: str) -> tuple:
    """The same for two games if they lead to the same position or to mirror images of each other."""
    board = _board(played)
    return min(board.rawState(), board.mirror().rawState())


def collect(candidates: Iterator[list[Candidate]], size: int) -> list[Candidate]:
    """Takes at most one position of each game, until there are `size`.

    Args:
        candidates: per game, the positions that the set could take.
        size: number of positions.

    Returns:
        The positions, unique up to mirror image, ordered by ply and then by the columns played.
    """
    taken, per_ply = {}, collections.Counter()
    for games, found in enumerate(candidates, 1):
        fresh = [c for c in found if _identity(c.played) not in taken]
        if fresh:
            choice = min(fresh, key=lambda c: per_ply[c.ply])
            taken[_identity(choice.played)] = choice
            per_ply[choice.ply] += 1
        if len(taken) == size:
            print(f"{games} games; positions per ply: {dict(sorted(per_ply.items()))}")
            return sorted(taken.values(), key=lambda c: (c.ply, c.played))
    raise ValueError("the games ran out.")


def write(path: pathlib.Path, name: str, seed: int, chosen: list[Candidate]) -> None:
    """Writes a file of labelled positions, whole or not at all."""
    solver = f"bitbully {importlib.metadata.version('bitbully')}"
    rows = [f"# python -m benchmarks.label_positions --set {name} --seed {seed}  ({solver})", positions.COLUMN_HEADINGS]
    for played, scores in chosen:
        rows.append(",".join([played, *("" if score == FULL else str(score) for score in scores)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    positions.read(unfinished)  # what the package would refuse must not ship
    os.replace(unfinished, path)


_source: Source | None = None  # one per process: loading the opening book takes 0.2 s


def _start_process(name: str, seed: int) -> None:
    global _source
    _source = Source(name, seed)


def _candidates(game: int) -> list[Candidate]:
    return _source.candidates(game)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--set", nargs="+", choices=list(positions.SETS), default=list(positions.SETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path, default=positions.data_file("early").parent)
    args = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")  # TensorFlow, which imagents imports, does not like to be forked
    for name in args.set:
        began = time.perf_counter()
        with spawn.Pool(args.processes, _start_process, (name, args.seed)) as pool:
            # `imap` keeps the games in order, whichever process is first: the choice must not depend on timing.
            chosen = collect(pool.imap(_candidates, range(MOST_GAMES), chunksize=8), positions.NUM_POSITIONS)
        path = args.folder / positions.data_file(name).name
        write(path, name, args.seed, chosen)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
