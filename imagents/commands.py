"""What each command of `imagents` takes and does: it finds everything that is wrong, and returns the job."""

import dataclasses
import importlib.resources
import importlib.util
import json
import keyword
import pathlib
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Literal

import tyro

from imagents import catalogue
from imagents.app.commands import play, watch, web
from imagents.arguments import Job, OfRun, parse_words, trust_players, trust_run
from imagents.config import TrainConfig, environment_settings, load_config, run_folder
from imagents.cores import all_cores, use_threads
from imagents.errors import InputError
from imagents.files import in_shell
from imagents.flags import parse_training
from imagents.own import is_own, trust, trust_again
from imagents.process import ended_by, fitted
from imagents.studies.commands import report, study


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
    threads: int | None = None
    """Of the processor; if not given, one for small networks or where a short trial finds more no faster, else one per
    core. Results do not depend on it."""


def train(arguments: Sequence[str]) -> Job:
    """`imagents train`."""
    settings, command = parse_training("imagents train", arguments, Train)
    if command.threads is not None and not 1 <= command.threads <= all_cores():
        raise InputError(f"threads = {command.threads}: choose 1 to {all_cores()}, the cores that there are")
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

    if not command.resume:
        for name in own_functions.values():
            trust(name)
        config = TrainConfig(**settings, **budget)
    use_threads(command.threads, config)
    which = {"resume": command.resume, **budget} if command.resume else {"config": config}
    experiment = Experiment(**which, output_dir=command.output_dir, schedule=command.schedule)

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


@dataclasses.dataclass(frozen=True)
class Evaluate(OfRun):
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
    command = parse_words("evaluate", Evaluate, arguments)
    trust_run(command)

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
    minimax:3, perfect, perfect:value), a mixture (random=1,heuristic=3), or an agent: RUN stands for all agents of a
    run, RUN:player_1 for one, RUN/checkpoints/N:player_1 for one as it was, RUN/snapshots for all snapshots of a run,
    which gives its learning curve, and STUDY for all runs of a study. Where there is no board, as in poker, everybody
    plays both seats, a run with the agent that learned the seat, and mean returns are compared.
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
    agents: str = ""
    """Of runs with agents of your own: their MODULE:FUNCTION."""
    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Imports your own functions that the players' files name; naming them here does it, too."""
    policy: Literal["greedy", "sampled"] | None = None
    """How trained agents play; if not given, sampled where information is hidden or moves are simultaneous, else
    greedy."""
    json: bool = False
    """Prints everything as JSON."""


def tournament(arguments: Sequence[str]) -> Job:
    """`imagents tournament`."""
    command = parse_words("tournament", Tournament, arguments)
    trust_players(command, command.players)

    from imagents.evaluation.tournament import are_meetings, arena_of, environment_of, prepare_tournament
    from imagents.files import write_json
    from imagents.opening import expand
    from imagents.plotting import tournament as figures
    from imagents.runs.folders import check_is_new, claimed, dated, new_folder

    named = command.environment
    environment = environment_settings(named) if named else environment_of(command.players)
    if environment is None:
        raise InputError("which environment? none of the players is a run, so --environment has to say it")
    together = are_meetings(environment)
    if not together:
        arena_of(environment, command.games, command.seed)
    names = [name for player in command.players for name in expand(player, whole=together)]
    if command.output_dir:
        check_is_new(command.output_dir)
    play = prepare_tournament(names, environment, command.games, command.seed, command.policy)

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} matches" if done < total else "\r\033[K", end="", file=sys.stderr, flush=True)

    def job() -> int:
        path = command.output_dir or new_folder(dated(f"tournament-{environment.name}"))
        with claimed(path):
            result = play(progress)
            write_json(path / "tournament.json", result.to_dict())
            if not together:
                figures.save_all(path)
        print(json.dumps(result.to_dict(), indent=2) if command.json else f"{result.text()}\ndone: {path}")
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Export(OfRun):
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
    command = parse_words("export", Export, arguments)
    load_config(run_folder(command.run))
    trust_run(command)

    from imagents.opening import learned_in, prepare_export

    write = prepare_export(command.run, command.output_dir, command.formats, command.last, command.policy)

    def job() -> int:
        print("\n".join(f"done: {folder}" for folder in write()))
        print(f"policy: {learned_in(command.run).policy(command.policy)}")
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Plot:
    """Draws the figures of runs, each into its folder's plots: of runs of a study, or while one trains."""

    runs: tyro.conf.Positional[tuple[pathlib.Path, ...]]
    """Run folders."""
    format: Literal["png", "pdf", "svg"] = "png"
    """Of the files; pdf and svg are for papers."""


def plot(arguments: Sequence[str]) -> Job:
    """`imagents plot`."""
    command = parse_words("plot", Plot, arguments)
    if not command.runs:
        raise InputError("which runs? name at least one run folder")
    faces = {run: load_config(run).environment for run in command.runs}

    from imagents import plotting

    def job() -> int:
        for run, face in faces.items():
            print("\n".join(f"done: {path}" for path in plotting.save_all(run, face.figures(), command.format)))
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class Environments:
    """Lists the environments that there are; or the presets, the algorithms and the players of one, a line each."""

    name: tyro.conf.Positional[str] = ""
    """One of them."""


def environments(arguments: Sequence[str]) -> Job:
    """`imagents environments`."""
    command = parse_words("environments", Environments, arguments)
    lines = list(catalogue.choices(command.name) if command.name else catalogue.environments())

    def job() -> int:
        print(*(fitted(line, sys.stdout, catalogue.WIDTH + 2) for line in lines), sep="\n")
        return 0

    return job


@dataclasses.dataclass(frozen=True)
class New:
    """Writes a small environment of your own into the present folder, and its test: both to be changed."""

    kind: tyro.conf.Positional[Literal["environment"]]
    """What to begin."""
    name: tyro.conf.Positional[str]
    """What the module is called: NAME.py and test_NAME.py are written."""


def new(arguments: Sequence[str]) -> Job:
    """`imagents new`."""
    command = parse_words("new", New, arguments)
    name, template = command.name, f"imagents.templates.{command.kind}"
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InputError(f"name = {name!r}: a name of a module is needed, as in my_world")
    written = {}
    for prefix in ("", "test_"):
        path, source = pathlib.Path(f"{prefix}{name}.py"), importlib.resources.files("imagents.templates")
        if path.exists():
            raise InputError(f"{path} is there already: choose another name")
        text = (source / f"{prefix}{command.kind}.py").read_text(encoding="utf-8")
        written[path] = text.replace(template, name)
    if importlib.util.find_spec(name):
        raise InputError(f"name = {name!r}: there is a module of that name already, which {name}.py would hide")

    def job() -> int:
        for path, text in written.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            print(f"done: {path}")
        print(f"next: run its test, and train in it:\npython -m pytest test_{name}.py")
        print(f"imagents train --environment {name}:make --parallel-games 64 --steps 20000 --discount 0.9")
        return 0

    return job


def sagemaker(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker`."""
    from imagents.cloud.sagemaker.commands import command

    return command(arguments)


# Each takes its arguments, finds everything that is wrong with them, and returns the job.
COMMANDS: dict[str, Callable[[Sequence[str]], Job]] = {
    "train": train,
    "evaluate": evaluate,
    "tournament": tournament,
    "study": study,
    "report": report,
    "plot": plot,
    "export": export,
    "environments": environments,
    "new": new,
    "sagemaker": sagemaker,
    "play": play,
    "watch": watch,
    "web": web,
}
