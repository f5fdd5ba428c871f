"""Makes the labelled connect-four positions that ship with the package, in `imagents/environments/boards/connect_four`.

    pip install bitbully bitbully-databases
    python -m benchmarks.label_positions --set early middle late
    python -m benchmarks.label_positions --set close critical --known outputs/scores.txt

Positions come from games that benchmarks/labelled_games.py plays: of mixed strength, or closer ones. A game gives a set
at most one position; so positions are independent of each other.

Of a game of mixed strength it is the one at the ply that has had the fewest so far; so plies are spread as evenly as
the games allow. There is 1 position at ply 0, and few at the next ones; with a move that gives value away there are
also few at plies 39 and 40. The whole group of endings of a game still gives one position at most.

Of a closer game it is one at a ply that was drawn beforehand. Even games make a set that is reported, odd ones the set
of its kind by which anything may be chosen; no position of one of these four is in another one.

The files do not depend on how many processes work on them.

The solver is bitbully (AGPL-3.0), with its opening book of 12 plies. Scores are exact, and the tests verify them
with another solver. Closer positions take a quarter of an hour of processor time or so; `--known FILE` keeps what the
solver found, so that the script can be stopped, and goes on where it was.
"""

import argparse
import collections
import gzip
import importlib.metadata
import itertools
import multiprocessing
import os
import pathlib
import time
from collections.abc import Iterator, Mapping, Set

from benchmarks.labelled_games import (
    FULL,
    Candidate,
    CloserGames,
    MixedGames,
    Solver,
    agents_checksums,
    agents_games,
    board_of,
)
from imagents.environments.boards.connect_four import positions

MOST_GAMES = 100_000  # per set of mixed strength; the late one, which takes the most, needs some 4,500
MOST_CLOSER_GAMES = 16_000


def identity(played: str) -> tuple:
    """The same for two games if they lead to the same position or to mirror images of each other."""
    board = board_of(played)
    return min(board.rawState(), board.mirror().rawState())


def collect(
    candidates: Iterator[list[Candidate]], size: int, parts: int = 1, elsewhere: Set[tuple] = frozenset()
) -> list[list[Candidate]]:
    """Takes at most one position of each game, until there are enough.

    Args:
        candidates: per game, the positions that the set could take.
        size: number of positions in each part.
        parts: how many sets they make, which take the games in turn.
        elsewhere: identities of positions that are in other sets.

    Returns:
        For each part its positions, all of them unique up to mirror image, ordered by ply and then by the columns
        played.
    """
    taken, found = set(elsewhere), [[] for _ in range(parts)]
    per_ply = [collections.Counter() for _ in range(parts)]
    for game, offered in enumerate(candidates):
        own, plies = found[game % parts], per_ply[game % parts]
        fresh = [c for c in offered if identity(c.played) not in taken]
        if fresh and len(own) < size:
            own.append(min(fresh, key=lambda c: plies[c.ply]))
            taken.add(identity(own[-1].played))
            plies[own[-1].ply] += 1
        if all(len(part) == size for part in found):
            print(f"{game + 1} games; positions per ply: {[dict(sorted(plies.items())) for plies in per_ply]}")
            return [sorted(part, key=lambda c: (c.ply, c.played)) for part in found]
    raise ValueError("the games ran out.")


def write(path: pathlib.Path, name: str, seed: int, chosen: list[Candidate]) -> None:
    """Writes a file of labelled positions, whole or not at all."""
    made_by = f"bitbully {importlib.metadata.version('bitbully')}"
    if name not in positions.MIXED:
        made_by += f", agents {agents_checksums()}"
    command = f"python -m benchmarks.label_positions --set {name.removeprefix('choosing_')} --seed {seed}"
    rows = [f"# {command}  ({made_by})", positions.COLUMN_HEADINGS]
    for played, scores in chosen:
        rows.append(",".join([played, *("" if score == FULL else str(score) for score in scores)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"unfinished_{path.name}")
    unfinished.write_bytes(gzip.compress(("\n".join(rows) + "\n").encode(), mtime=0))
    positions.read(unfinished)  # what the package would refuse must not ship
    os.replace(unfinished, path)


_source: MixedGames | CloserGames | None = None  # one per process: loading the opening book takes 0.3 s


def _start_process(name: str, seed: int, known: pathlib.Path | None, of_agents: Mapping[int, str] | None) -> None:
    global _source
    solver = Solver(known)
    is_mixed = of_agents is None
    _source = MixedGames(name, seed, solver) if is_mixed else CloserGames(name, seed, solver, of_agents)


def _candidates(game: int) -> list[Candidate]:
    return _source.candidates(game)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [*positions.MIXED, *positions.CLOSER]
    parser.add_argument("--set", nargs="+", choices=names, default=names)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path, default=positions.data_file("early").parent)
    parser.add_argument("--known", type=pathlib.Path, help="keeps the solver's scores, and knows those that are there")
    args = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")  # TensorFlow, which imagents imports, does not like to be forked
    for name in args.set:
        began, made, elsewhere, of_agents = time.perf_counter(), [name], set(), None
        files = {each: args.folder / positions.data_file(each).name for each in positions.SETS}
        if name in positions.CLOSER:
            made, of_agents = [name, f"choosing_{name}"], agents_games(args.seed, range(MOST_CLOSER_GAMES))
        if name == "critical":
            before = (positions.read(files[each]).played for each in ("close", "choosing_close"))
            elsewhere = set(map(identity, itertools.chain(*before)))
        games = range(MOST_GAMES if of_agents is None else MOST_CLOSER_GAMES)
        with spawn.Pool(args.processes, _start_process, (name, args.seed, args.known, of_agents)) as pool:
            # `imap` keeps the games in order, whichever process is first: the choice must not depend on timing.
            candidates = pool.imap(_candidates, games, chunksize=8)
            chosen = collect(candidates, positions.SIZES[name], len(made), elsewhere)
        for each, part in zip(made, chosen):
            write(files[each], each, args.seed, part)
            print(f"{files[each]}: {files[each].stat().st_size / 1000:.0f} kB, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
