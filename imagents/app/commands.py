"""The commands of `imagents` for people who play and watch: play, watch and web."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Literal

import tyro

from imagents.arguments import Job, OfRun, parse_words, trust_players, trust_run


@dataclasses.dataclass(frozen=True)
class Watch(OfRun):
    """Shows episodes of a run's agents in the terminal, step by step, or writes them to a GIF or an MP4."""

    run: tyro.conf.Positional[pathlib.Path]
    """A run folder (its best checkpoint if it keeps one, else its newest), one of its checkpoints or snapshots, or an
    export."""
    record: pathlib.Path | None = None
    """A .gif or .mp4 file to write; then the terminal shows nothing."""
    episodes: int = 1
    """How many."""
    seconds: float = 0.5
    """Between steps."""
    seed: int = 0
    """Of the episodes, and of what is drawn in them."""
    policy: Literal["greedy", "sampled"] | None = None
    """How agents play; if not given, sampled where information is hidden or moves are simultaneous, else greedy."""


def watch(arguments: Sequence[str]) -> Job:
    """`imagents watch`."""
    command = parse_words("watch", Watch, arguments)
    trust_run(command)

    from imagents.opening import learned_in, open_path
    from imagents.players.watching import Watching, check, film, show

    check(command.episodes, command.seconds)
    options = (command.episodes, command.seed, command.policy, command.last, command.seconds)

    def record() -> int:
        film(command.run, command.record, *options)
        print(f"policy: {command.policy or learned_in(command.run).policy()}\ndone: {command.record}")
        return 0

    if command.record is not None:
        return record
    watching = Watching.of(open_path(command.run, command.last), command.policy, command.seed)

    def job() -> int:
        try:
            show(watching, command.episodes, command.seconds)
        finally:
            watching.close()
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Play:
    """Plays against an agent or another player in the terminal, boards and what else a person can, such as poker.

    A player is `trained` (the agent that ships with imagents), a run, one of its checkpoints or snapshots, an export,
    or a name (random, heuristic, minimax:3, perfect; see `imagents tournament --help`).
    """

    opponent: tyro.conf.Positional[str] = "trained"
    """Whom to play against."""
    environment: str = ""
    """The game to play; if not given, the one that the agent learned, else the default one."""
    begins: Literal["you", "opponent", "turns", "random"] = "turns"
    """At a board, who begins; with turns, you begin the first game."""
    seat: Literal[0, 1] = 0
    """Your side: at a board 0 is X, 1 is O."""
    watch: tuple[str, ...] = ()
    """At a board, two players, of X and of O, to watch instead of playing."""
    seconds: float = 1.0
    """Between the moves of players that are watched, and in a recording."""
    hints: bool = False
    """At a board, shows the agent's Q values and the exact verdict before each of your moves; h does it once."""
    policy: Literal["greedy", "sampled"] | None = None
    """How trained agents play; if not given, sampled where information is hidden or moves are simultaneous, else
    greedy."""
    record: pathlib.Path | None = None
    """At a board, a .gif or .mp4 file to write the last game to."""
    seed: int | None = None
    """Of the players' chance; another one every time if not given."""
    agents: str = ""
    """Of runs with agents of your own: their MODULE:FUNCTION."""
    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Imports your own functions that the opponent's files name; naming the environment here does it, too."""


def play(arguments: Sequence[str]) -> Job:
    """`imagents play`."""
    command = parse_words("play", Play, arguments)
    trust_players(command, (command.opponent, *command.watch))

    from imagents.app.table import prepare

    return prepare(command)


@dataclasses.dataclass(frozen=True)
class Web:
    """Serves a page to play on: shipped agents, own runs, heuristics, search and perfect play; needs the extra web."""

    runs: pathlib.Path = pathlib.Path("outputs")
    """The folder whose runs can be played against and watched while they train; no other file can be seen."""
    host: str = "127.0.0.1"
    """The address to listen at; 0.0.0.0 lets everybody in who can reach this machine."""
    port: int | None = None
    """The port; the first free one from 7860 on if not given."""
    root_path: str = ""
    """The page's address behind a proxy, https://example.org/play, or the path of it."""
    space: pathlib.Path | None = None
    """Serves nothing, but writes the page to this new folder, for a Hugging Face Space."""
    agents: tuple[pathlib.Path, ...] = ()
    """With --space: runs, checkpoints, snapshots or exports to put there beside the shipped agents."""


def web(arguments: Sequence[str]) -> Job:
    """`imagents web`."""
    command = parse_words("web", Web, arguments)

    from imagents.app.web import prepare

    return prepare(**vars(command))
