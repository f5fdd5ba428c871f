"""The `imagents` command. Imports TensorFlow only once the arguments make sense."""

import dataclasses
import pathlib
import signal
import sys
from collections.abc import Callable, Sequence

import tyro

import imagents
from imagents.config import TrainConfig, load_config, preset_config

_USAGE = """usage: imagents COMMAND [OPTIONS]

Independent learners on TF-Agents.

commands:
  train       train agents that learn a game by playing each other

imagents COMMAND --help explains a command; imagents --version prints the version."""


Job = Callable[[], int]  # does the work of a command and returns its exit status


@dataclasses.dataclass(frozen=True)
class Train:
    """Trains two independent Q-learners on a game, or goes on with a run."""

    config: tyro.conf.OmitArgPrefixes[TrainConfig]
    output_dir: pathlib.Path | None = None
    """The run folder to make; outputs/GAME-TIME if not given."""
    resume: pathlib.Path | None = None
    """A run folder to go on with; a new --plies or --minutes extends it."""


def train(arguments: Sequence[str]) -> Job:
    """`imagents train`."""
    before = _parse(_Defaults, arguments, partial=True)
    start = load_config(before.resume) if before.resume else preset_config(before.game, before.preset)
    start = dataclasses.replace(start, plies=None, minutes=None)
    command = _parse(Train, arguments, default=Train(start))
    if before.resume:
        for field in dataclasses.fields(TrainConfig):
            value, was = getattr(command.config, field.name), getattr(start, field.name)
            if value != was and field.name not in ("plies", "minutes"):
                raise ValueError(f"{field.name} = {value!r}: this run has {was!r}, and a run keeps it")

    from imagents.experiment import Experiment

    experiment = Experiment(command.config, command.output_dir, command.resume)

    def job() -> int:
        run = experiment.run()
        if experiment.stopped_by is None:
            print(f"done: {run.path}")
            return 0
        print(f"stopped, nothing lost; to go on: imagents train --resume {run.path}")
        return 128 + experiment.stopped_by

    return job


# Each takes its arguments, finds everything that is wrong with them, and returns the job.
_COMMANDS: dict[str, Callable[[Sequence[str]], Job]] = {"train": train}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, 2 for bad input, 128 + signal if stopped by one."""
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
        try:
            job = _COMMANDS[command](rest)
        except ValueError as error:
            print(f"imagents {command}: {error}", file=sys.stderr)
            return 2
        return job()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


@dataclasses.dataclass(frozen=True)
class _Defaults:
    """The arguments that decide what the others default to."""

    game: str = TrainConfig.game
    preset: str = TrainConfig.preset
    resume: pathlib.Path | None = None


def _parse(kind, arguments: Sequence[str], default=None, partial: bool = False):
    options = {"default": default} if default is not None else {}
    if partial:
        parsed, _ = tyro.cli(
            kind, args=list(arguments), return_unknown_args=True, add_help=False, **options
        )
        return parsed
    return tyro.cli(
        tyro.conf.FlagConversionOff[kind],
        args=list(arguments),
        prog="imagents train",
        **options,
    )


if __name__ == "__main__":
    sys.exit(main())
