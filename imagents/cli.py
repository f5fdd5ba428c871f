"""The `imagents` command. Imports TensorFlow only once the arguments make sense."""

import dataclasses
import datetime
import json
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Literal

import tyro

import imagents
from imagents.config import TrainConfig, load_config, run_folder
from imagents.errors import InputError, check_seed
from imagents.files import in_shell, reason
from imagents.flags import parse_training, refuse_old_flags
from imagents.process import ended_by, open_streams, what_lacks

_USAGE = """usage: imagents COMMAND [OPTIONS]

Independent learners on TF-Agents.

commands:
  train       train agents that share an environment and learn side by side
  evaluate    measure the agents of a run: exact numbers, labelled positions, matches
  tournament  let runs and players play each other, and rate them
  export      write the agents of a run as models that need neither imagents nor TF-Agents
  sagemaker   train, evaluate and serve on Amazon SageMaker
  play        play against an agent in the terminal, or watch two players
  web         play on a web page, or put the page on a Hugging Face Space

imagents COMMAND --help explains a command; imagents --version prints the version."""


Job = Callable[[], int]  # does the work of a command and returns its exit status


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
    metric_lines: tyro.conf.FlagConversionOff[bool] = False
    """Prints a line of name=value at each evaluation, for machines that read logs."""


def train(arguments: Sequence[str]) -> Job:
    """`imagents train`."""
    settings, command = parse_training("imagents train", arguments, Train)
    budget = {name: settings.pop(name) for name in ("steps", "minutes")}
    if command.resume:
        own = load_config(command.resume).to_dict()
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
        experiment = Experiment(TrainConfig(**settings, **budget), command.output_dir, schedule=command.schedule)

    def job() -> int:
        with ended_by(signal.SIGINT):  # the second one; the first one is the experiment's
            run = experiment.run(metric_lines=command.metric_lines)
        if experiment.stopped_by is None:
            print(f"done: {run.path}")
            return 0
        print(f"stopped, nothing lost; to go on: imagents train --resume {in_shell(run.path)}")
        return 128 + experiment.stopped_by

    return job


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Measures the agents of a run: exactly where their environment can, and in matches."""

    run: tyro.conf.Positional[pathlib.Path]
    """A run folder (its newest checkpoint is taken), one of its checkpoints or snapshots, or an export."""
    games: int = 1000
    """Games per match; each side begins half of them."""
    solver_games: int = 20
    """Games against opponents that take up to seconds for one, such as a solver; 0 for none."""
    seed: int = 0
    """Of the opponents and the openings."""
    json: bool = False
    """Prints everything as JSON."""


def evaluate(arguments: Sequence[str]) -> Job:
    """`imagents evaluate`."""
    command = _parse_words("evaluate", Evaluate, arguments)

    from imagents.evaluation.report import prepare_evaluation, report_text

    measure = prepare_evaluation(command.run, command.games, command.solver_games, command.seed)

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
    snapshots of a run, which gives its learning curve.
    """

    players: tyro.conf.Positional[tuple[str, ...]]
    """Two or more."""
    environment: str = ""
    """What to play; needed only if no player is a run."""
    games: int = 1000
    """Games per pair; each side begins half of them."""
    seed: int = 0
    """Of the players and the openings."""
    output_dir: pathlib.Path | None = None
    """Where the results and the figures go; outputs/tournament-ENVIRONMENT-TIME if not given."""
    json: bool = False
    """Prints everything as JSON."""


def tournament(arguments: Sequence[str]) -> Job:
    """`imagents tournament`."""
    command = _parse_words("tournament", Tournament, arguments)

    from imagents.evaluation.tournament import environment_of, prepare_tournament
    from imagents.files import write_json
    from imagents.opening import expand
    from imagents.plotting import tournament as figures
    from imagents.runs.folders import check_is_new, claimed, new_folder

    names = [name for player in command.players for name in expand(player)]
    environment = command.environment or environment_of(names)
    if not environment:
        raise InputError("which environment? none of the players is a run, so --environment has to say it")
    name = f"tournament-{environment}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    if command.output_dir:
        check_is_new(command.output_dir)
    play = prepare_tournament(names, environment, command.games, command.seed)

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} matches" if done < total else "\r\033[K", end="", file=sys.stderr, flush=True)

    def job() -> int:
        path = command.output_dir or new_folder(pathlib.Path("outputs") / name)
        with claimed(path):
            result = play(progress)
            write_json(path / "tournament.json", result.to_dict())
            figures.save_all(path)
        print(json.dumps(result.to_dict(), indent=2) if command.json else f"{result.text()}\ndone: {path}")
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Export:
    """Writes the agents of a run as models that need neither imagents nor TF-Agents: a board in, a move out."""

    run: tyro.conf.Positional[pathlib.Path]
    """A run folder (its newest checkpoint is taken), one of its checkpoints, or one of its snapshots."""
    output_dir: pathlib.Path | None = None
    """Where the agents' folders go; RUN/export if not given. A model that is there already is replaced."""
    formats: tuple[Literal["saved_model", "onnx", "tflite"], ...] = ("saved_model",)
    """saved_model is in TensorFlow Serving's layout; onnx needs the extra onnx."""


def export(arguments: Sequence[str]) -> Job:
    """`imagents export`."""
    command = _parse_words("export", Export, arguments)
    load_config(run_folder(command.run))

    from imagents.opening import prepare_export

    write = prepare_export(command.run, command.output_dir, command.formats)

    def job() -> int:
        print("\n".join(f"done: {folder}" for folder in write()))
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Play:
    """Plays against an agent or another player in the terminal, or shows a game between two.

    A player is `trained` (the agent that ships with imagents), a run, one of its checkpoints or snapshots, an export,
    or a name (random, heuristic, minimax:3, perfect; see `imagents tournament --help`).
    """

    opponent: tyro.conf.Positional[str] = "trained"
    """Whom to play against."""
    environment: str = ""
    """The game to play; if not given, the one that the agent learned, else the default one."""
    begins: Literal["you", "opponent", "turns", "random"] = "turns"
    """Who begins; with turns, you begin the first game."""
    seat: Literal[0, 1] = 0
    """Your side: 0 is X, 1 is O."""
    watch: tuple[str, ...] = ()
    """Two players, of X and of O, to watch instead of playing."""
    seconds: float = 1.0
    """Between the moves of players that are watched, and in a recording."""
    hints: bool = False
    """Shows the agent's Q values and the exact verdict before each of your moves; h does it once."""
    record: pathlib.Path | None = None
    """A .gif or .mp4 file to write the last game to."""
    seed: int | None = None
    """Of the players' chance; another one every time if not given."""


def play(arguments: Sequence[str]) -> Job:
    """`imagents play`."""
    command = _parse_words("play", Play, arguments)

    from imagents.app.terminal import prepare

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


# Each takes its arguments, finds everything that is wrong with them, and returns the job.
_COMMANDS: dict[str, Callable[[Sequence[str]], Job]] = {
    "train": train,
    "evaluate": evaluate,
    "tournament": tournament,
    "export": export,
    "sagemaker": sagemaker,
    "play": play,
    "web": web,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, 1 if it had to stop, 2 for bad input, 128 + signal if stopped by one."""
    open_streams()
    with ended_by(signal.SIGTERM):
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    command, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command in ("-h", "--help"):
        print(_USAGE)
        return 0
    if command == "--version":
        print(f"imagents {imagents.__version__}")
        return 0
    if command not in _COMMANDS:
        print(f"imagents: unknown command {command!r}: choose one of {', '.join(_COMMANDS)}",
              file=sys.stderr)
        return 2
    try:
        return _prepared(command, rest)()
    except InputError as error:
        print(f"imagents {command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (OSError, FloatingPointError) as error:  # a full disk, numbers that became infinite
        print(f"imagents {command}: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        if not what_lacks(error):
            raise
        print(f"imagents {command}: {what_lacks(error)}", file=sys.stderr)
        return 1


def _prepared(command: str, arguments: Sequence[str]) -> Job:
    """The job of a command; what the system refuses before anything is done, such as a long name, is bad input, too."""
    try:
        return _COMMANDS[command](arguments)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{error.filename}: {reason(error)}" if error.filename else str(error)) from None


def _parse_words(name: str, kind, arguments: Sequence[str]):
    """Parses a command whose arguments are not settings: `--json` alone switches it on."""
    refuse_old_flags(arguments)
    command = tyro.cli(kind, args=list(arguments), prog=f"imagents {name}")
    if getattr(command, "seed", None) is not None:
        check_seed(command.seed)
    return command


if __name__ == "__main__":
    sys.exit(main())
