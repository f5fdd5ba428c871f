"""What each command of `imagents` takes and does: it finds everything that is wrong, and returns the job."""

import dataclasses
import datetime
import json
import pathlib
import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Literal

import tyro

from imagents.config import (
    BRIDGES,
    ENVIRONMENTS,
    TrainConfig,
    environment_class,
    environment_settings,
    load_config,
    run_folder,
    split_agent,
)
from imagents.errors import InputError, check_seed
from imagents.files import in_shell
from imagents.flags import parse_training, refuse_old_flags
from imagents.own import is_own, trust, trust_again
from imagents.process import ended_by

Job = Callable[[], int]  # does the work of a command and returns its exit status

_NAME_WIDTH = 19  # of most environments; a longer one moves its sentence


@dataclasses.dataclass(frozen=True)
class Train:
    """Trains agents that share an environment and learn side by side, or goes on with a run."""

    output_dir: pathlib.Path | None = None
    """The run folder to make; outputs/ENVIRONMENT-TIME if not given."""
    resume: pathlib.Path | None = None
    """A run folder to go on with; a new --steps or --minutes extends it."""
    schedule: Literal["kept", "new"] = "kept"
    """Of the learning rate of a run that --resume extends: kept, it falls as it would have and stays at its final
    value; new, it rises first, to fall over the new budget."""
    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """With --resume: imports your own functions that the run's files name; naming them again does it, too."""
    metric_lines: tyro.conf.FlagConversionOff[bool] = False
    """Prints a line of name=value at each evaluation, for machines that read logs."""


def train(arguments: Sequence[str]) -> Job:
    """`imagents train`."""
    settings, command = parse_training("imagents train", arguments, Train)
    budget = {name: settings.pop(name) for name in ("steps", "minutes")}
    flags = {word.partition("=")[0] for word in arguments}
    named = [name for name in ("environment", "agents") if f"--{name}" in flags]
    own_functions = {name: settings[name] for name in named if is_own(settings[name])}
    for name in settings["wrappers"].split(",") if "--wrappers" in flags and settings["wrappers"] else ():
        trust(name)
    if command.resume:
        config = load_config(command.resume)
        trust_again(config, **own_functions, everything=command.trust)
        own = config.to_dict()
        if (preset := settings.pop("preset")) != "default":
            raise InputError(f"preset = {preset!r}: this run has its settings already, and keeps them")
        for name, value in settings.items():
            if (list(value) if isinstance(value, tuple) else value) != own[name]:
                raise InputError(f"{name} = {value!r}: this run has {own[name]!r}, and a run keeps it")
        if command.output_dir:
            raise InputError("--output-dir and --resume exclude each other: a resumed run keeps its folder")

    from imagents.training.experiment import Experiment

    if command.resume:
        experiment = Experiment(resume=command.resume, schedule=command.schedule, **budget)
    else:
        for name in own_functions.values():
            trust(name)
        experiment = Experiment(TrainConfig(**settings, **budget), command.output_dir, schedule=command.schedule)

    def job() -> int:
        with ended_by(signal.SIGINT):  # the second one; the first one is the experiment's
            run = experiment.run(metric_lines=command.metric_lines)
        if experiment.stopped_by is None:
            print(f"done: {run.path}")
            return 0
        again = " --trust" if is_own(experiment.config.environment.name) or experiment.config.training.agents else ""
        print(f"stopped, nothing lost; to go on: imagents train --resume {in_shell(run.path)}{again}")
        return 128 + experiment.stopped_by

    return job


@dataclasses.dataclass(frozen=True, kw_only=True)
class _OfRun:
    """What a command that reads a run needs to know besides."""

    last: bool = False
    """Takes the newest checkpoint of a run that keeps its best one, too."""
    trust: bool = False
    """Imports your own functions that the run's files name; naming them here does it, too."""
    environment: str = ""
    """Of a run in an environment of your own: its MODULE:FUNCTION."""
    agents: str = ""
    """Of a run with agents of your own: their MODULE:FUNCTION."""


@dataclasses.dataclass(frozen=True)
class Evaluate(_OfRun):
    """Measures the agents of a run: exactly where their environment can, and in matches."""

    run: tyro.conf.Positional[pathlib.Path]
    """A run folder (its best checkpoint if it keeps one, else its newest), one of its checkpoints or snapshots, or an
    export."""
    games: int = 1000
    """Games per match; each side begins half of them."""
    solver_games: int = 20
    """Games against opponents that take up to seconds for one, such as a solver; 0 for none."""
    best_response: bool = False
    """Learns a best response to each agent of two, too, and says what it gets: half a minute or more for each."""
    seed: int = 0
    """Of the opponents and the openings."""
    policy: Literal["greedy", "sampled"] | None = None
    """How agents play: what is best, or drawn from their own policy; if not given, sampled where information is hidden
    or moves are simultaneous, else greedy."""
    json: bool = False
    """Prints everything as JSON."""


def evaluate(arguments: Sequence[str]) -> Job:
    """`imagents evaluate`."""
    command = _parse_words("evaluate", Evaluate, arguments)
    _trust_run(command)

    from imagents.evaluation.report import prepare_evaluation, report_text

    settings = (command.games, command.solver_games, command.seed, command.last, command.policy, command.best_response)
    measure = prepare_evaluation(command.run, *settings)

    def job() -> int:
        report = measure()
        print(json.dumps(report, indent=2) if command.json else report_text(report))
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Tournament:
    """Lets players play each other, everybody against everybody, and rates them.

    A player is a name (random, first_legal, trained, and what the environment knows, such as heuristic, heuristic:0.25,
    minimax:3, perfect, perfect:value), a mixture (random=1,heuristic=3), or an agent: RUN stands for all
    agents of a run, RUN:player_1 for one, RUN/checkpoints/N:player_1 for one as it was, and RUN/snapshots for all
    snapshots of a run, which gives its learning curve. Where there is no board, as in poker, everybody plays both
    seats, a run with the agent that learned the seat, and mean returns are compared.
    """

    players: tyro.conf.Positional[tuple[str, ...]]
    """Two or more."""
    environment: str = ""
    """What to play; needed only if no player is a run."""
    games: int = 1000
    """Games per pair; each side begins half of them, or has either seat in half of them."""
    seed: int = 0
    """Of the players, the openings and the episodes."""
    output_dir: pathlib.Path | None = None
    """Where the results and the figures go; outputs/tournament-ENVIRONMENT-TIME if not given."""
    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Imports your own functions that the players' files name; naming the environment here does it, too."""
    policy: Literal["greedy", "sampled"] | None = None
    """How trained agents play; if not given, sampled where information is hidden or moves are simultaneous, else
    greedy."""
    json: bool = False
    """Prints everything as JSON."""


def tournament(arguments: Sequence[str]) -> Job:
    """`imagents tournament`."""
    command = _parse_words("tournament", Tournament, arguments)
    _trust_players(command, command.players)

    from imagents.evaluation.tournament import are_meetings, arena_of, environment_of, prepare_tournament
    from imagents.files import write_json
    from imagents.opening import expand
    from imagents.plotting import tournament as figures
    from imagents.runs.folders import check_is_new, claimed, new_folder

    named = command.environment
    environment = environment_settings(named) if named else environment_of(command.players)
    if environment is None:
        raise InputError("which environment? none of the players is a run, so --environment has to say it")
    together = are_meetings(environment)
    if not together:
        arena_of(environment, command.games, command.seed)
    names = [name for player in command.players for name in expand(player, whole=together)]
    own_name = re.sub(r"[^\w-]+", "-", environment.name)  # MODULE:FUNCTION is no name of a folder
    name = f"tournament-{own_name}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    if command.output_dir:
        check_is_new(command.output_dir)
    play = prepare_tournament(names, environment, command.games, command.seed, command.policy)

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} matches" if done < total else "\r\033[K", end="", file=sys.stderr, flush=True)

    def job() -> int:
        path = command.output_dir or new_folder(pathlib.Path("outputs") / name)
        with claimed(path):
            result = play(progress)
            write_json(path / "tournament.json", result.to_dict())
            if not together:
                figures.save_all(path)
        print(json.dumps(result.to_dict(), indent=2) if command.json else f"{result.text()}\ndone: {path}")
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Export(_OfRun):
    """Writes the agents of a run as models that need neither imagents nor TF-Agents: a view in, a move out."""

    run: tyro.conf.Positional[pathlib.Path]
    """A run folder (its best checkpoint if it keeps one, else its newest), one of its checkpoints or snapshots."""
    output_dir: pathlib.Path | None = None
    """Where the agents' folders go; RUN/export if not given. A model that is there already is replaced."""
    formats: tuple[Literal["saved_model", "onnx", "tflite"], ...] = ("saved_model",)
    """saved_model is in TensorFlow Serving's layout; onnx needs the extra onnx."""
    policy: Literal["greedy", "sampled"] | None = None
    """What a model's action is: the best one, or one drawn from its probabilities; if not given, sampled where
    information is hidden or moves are simultaneous, else greedy."""


def export(arguments: Sequence[str]) -> Job:
    """`imagents export`."""
    command = _parse_words("export", Export, arguments)
    load_config(run_folder(command.run))
    _trust_run(command)

    from imagents.opening import learned_in, prepare_export

    write = prepare_export(command.run, command.output_dir, command.formats, command.last, command.policy)

    def job() -> int:
        print("\n".join(f"done: {folder}" for folder in write()))
        print(f"policy: {learned_in(command.run).policy(command.policy)}")
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Environments:
    """Lists the environments that there are, a line each; imagents train --environment NAME --help explains one."""


def environments(arguments: Sequence[str]) -> Job:
    """`imagents environments`."""
    _parse_words("environments", Environments, arguments)
    names = [*ENVIRONMENTS, *(environment_class(f"{name}:").written for name in BRIDGES), "MODULE:FUNCTION"]

    def job() -> int:
        for name in names:
            sentence = " ".join(environment_class(name).__doc__.split()).partition(". ")[0].rstrip(".")
            print(f"{name:{_NAME_WIDTH}}  {sentence}.")
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Watch(_OfRun):
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
    command = _parse_words("watch", Watch, arguments)
    _trust_run(command)

    from imagents.app.watching import Watching, check, film, show
    from imagents.opening import learned_in, open_path

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
    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Imports your own functions that the opponent's files name; naming the environment here does it, too."""


def play(arguments: Sequence[str]) -> Job:
    """`imagents play`."""
    command = _parse_words("play", Play, arguments)
    _trust_players(command, (command.opponent, *command.watch))

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
    command = _parse_words("web", Web, arguments)

    from imagents.app.web import prepare

    return prepare(**vars(command))


def sagemaker(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker`."""
    from imagents.cloud.sagemaker.commands import command

    return command(arguments)


def _trust_run(command) -> None:
    """Trusts the functions of a run that its user names again on the command line, or all of them with --trust."""
    if command.trust or command.environment or command.agents:
        trust_again(load_config(run_folder(command.run)), command.environment, command.agents, command.trust)


def _trust_players(command, names: Sequence[str]) -> None:
    """Trusts the environment that is named on the command line, and with --trust what the files of players name."""
    from imagents.opening import learned_in

    if is_own(command.environment):
        trust(command.environment)
    for path, _ in filter(None, map(split_agent, names)) if command.trust else ():
        if is_own(name := learned_in(path).name):
            trust(name)
        runs = [run for run in (run_folder(path), pathlib.Path(path).parent) if (run / "config.json").exists()]
        for run in runs[:1]:
            trust_again(load_config(run), everything=True)


def _parse_words(name: str, kind, arguments: Sequence[str]):
    """Parses a command whose arguments are not settings: `--json` alone switches it on."""
    refuse_old_flags(arguments)
    command = tyro.cli(kind, args=list(arguments), prog=f"imagents {name}")
    if getattr(command, "seed", None) is not None:
        check_seed(command.seed)
    return command


# Each takes its arguments, finds everything that is wrong with them, and returns the job.
COMMANDS: dict[str, Callable[[Sequence[str]], Job]] = {
    "train": train,
    "evaluate": evaluate,
    "tournament": tournament,
    "export": export,
    "environments": environments,
    "sagemaker": sagemaker,
    "play": play,
    "watch": watch,
    "web": web,
}
