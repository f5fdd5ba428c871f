"""`imagents sagemaker`: jobs and endpoints from the command line."""

import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import sys
from collections.abc import Callable, Sequence

import tyro

from imagents.config import TrainConfig, preset_config

_USAGE = """usage: imagents sagemaker COMMAND [OPTIONS]

The same on Amazon SageMaker, with your AWS account.

commands:
  train     send a training job, or one for each of several seeds
  evaluate  send a job that measures the model of a training job
  deploy    put the agents of a training job behind an endpoint
  logs      print what a job printed
  fetch     bring the model of a job into a run folder
  plot      draw a job's figures, while it runs too
  delete    leave nothing of a job or an endpoint that costs money

imagents sagemaker COMMAND --help explains a command. Region and credentials are
found where AWS' other tools find them."""

Job = Callable[[], int]


@dataclasses.dataclass(frozen=True)
class Where:
    """How a job or an endpoint is run."""

    role: str
    """The role that it has: its full ARN, or its name."""
    instance_type: str = "ml.c5.xlarge"
    """The machine to run on."""
    bucket: str = ""
    """The bucket for its files; the account's default bucket for SageMaker if not given."""
    dry_run: bool = False
    """Prints the exact requests and sends nothing."""


@dataclasses.dataclass(frozen=True)
class Train:
    """Sends a training job: every setting of `imagents train`, on a machine of SageMaker's."""

    config: tyro.conf.OmitArgPrefixes[tyro.conf.FlagConversionOff[TrainConfig]]
    where: tyro.conf.OmitArgPrefixes[Where]
    instance_count: int = 1
    """Machines in one job; each trains a seed of its own."""
    seeds: tuple[int, ...] = ()
    """Sends a job for each of these seeds."""
    spot: bool = False
    """Takes spot instances, which are cheaper, and goes on from the checkpoints when they are taken away."""
    wait: bool = False
    """Waits for the job, and prints what it prints."""


def train(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker train`."""
    before = tyro.cli(_Defaults, args=list(arguments), return_unknown_args=True, add_help=False)[0]
    start = dataclasses.replace(preset_config(before.game, before.preset), plies=None, minutes=None)
    # The role has no default, but a default object needs one: `MISSING` makes it required again.
    default = Train(start, Where(role=tyro.MISSING))
    command = _parse("train", Train, arguments, default)
    seeds = command.seeds or (command.config.seed,)
    if command.wait and len(seeds) > 1:
        raise ValueError("--wait follows one job: leave it out, and see imagents sagemaker logs JOB")

    def job() -> int:
        from imagents.cloud.sagemaker import jobs

        with _session(command.where) as session:
            for seed in seeds:
                estimator = jobs.estimator(
                    dataclasses.replace(command.config, seed=seed), command.where.role, command.where.instance_type,
                    command.instance_count, use_spot_instances=command.spot, sagemaker_session=session,
                )  # fmt: skip
                estimator.fit(wait=command.wait and not command.where.dry_run, job_name=_name(estimator, seed, command))
                _say(command.where, f"sent: {estimator.latest_training_job.name}")
        return 0

    return _checked(job)


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Sends a job that measures the model of a training job, as `imagents evaluate` does."""

    job: tyro.conf.Positional[str]
    """The training job, or the s3:// address of its model.tar.gz."""
    where: tyro.conf.OmitArgPrefixes[Where]
    games: int = 1000
    """Games per match; each side begins half of them."""
    seed: int = 0
    """Of the opponents and the openings."""
    wait: bool = False
    """Waits for the job, and prints what it prints."""


def evaluate(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker evaluate`."""
    command = _parse("evaluate", Evaluate, arguments)

    def job() -> int:
        from imagents.cloud.sagemaker import jobs

        with _session(command.where) as session:
            model = _model_of(command.job, session)
            estimator = jobs.evaluator(
                command.where.role, command.where.instance_type, command.games, seed=command.seed,
                sagemaker_session=session,
            )  # fmt: skip
            estimator.fit({"model": model}, wait=command.wait and not command.where.dry_run)
            _say(command.where, f"sent: {estimator.latest_training_job.name}")
        return 0

    return _checked(job)


@dataclasses.dataclass(frozen=True)
class Deploy:
    """Puts the agents of a training job behind an endpoint, which costs money until it is deleted."""

    job: tyro.conf.Positional[str]
    """The training job, or the s3:// address of its model.tar.gz."""
    where: tyro.conf.OmitArgPrefixes[Where]
    name: str = ""
    """The endpoint's name; the job's if not given."""


def deploy(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker deploy`."""
    command = _parse("deploy", Deploy, arguments)
    if command.job.startswith("s3://") and not command.name:
        raise ValueError("which name? with an address instead of a job, --name has to say it")

    def job() -> int:
        from imagents.cloud.sagemaker import serving

        name = command.name or command.job
        with _session(command.where) as session:
            address = _model_of(command.job, session)
            model = serving.model(address, command.where.role, sagemaker_session=session, name=name)
            model.deploy(
                initial_instance_count=1, instance_type=command.where.instance_type, endpoint_name=name,
                wait=not command.where.dry_run,
            )  # fmt: skip
            _say(command.where, f"deployed: {name}; when you no longer need it: imagents sagemaker delete {name}")
        return 0

    return _checked(job)


@dataclasses.dataclass(frozen=True)
class Logs:
    """Prints what a job printed, so far."""

    job: tyro.conf.Positional[str]
    """The job."""


def logs(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker logs`."""
    command = _parse("logs", Logs, arguments)

    def job() -> int:
        from imagents.cloud.sagemaker import results

        for line in results.logs(command.job):
            print(line)
        return 0

    return _checked(job)


@dataclasses.dataclass(frozen=True)
class Fetch:
    """Brings the model of a job into a run folder, which `imagents evaluate`, `play` and `train --resume` accept."""

    job: tyro.conf.Positional[str]
    """The job, done."""
    output_dir: pathlib.Path | None = None
    """The folder to make; outputs/JOB if not given."""


def fetch(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker fetch`."""
    command = _parse("fetch", Fetch, arguments)

    def job() -> int:
        from imagents.cloud.sagemaker import results

        print(f"done: {results.fetch(command.job, command.output_dir)}")
        return 0

    return _checked(job)


@dataclasses.dataclass(frozen=True)
class Plot:
    """Draws a job's figures from CloudWatch as those of a run are drawn, while it runs too."""

    job: tyro.conf.Positional[str]
    """The training job."""
    output_dir: pathlib.Path | None = None
    """The folder for metrics.csv and plots; outputs/JOB-metrics if not given."""
    period: int = 60
    """Seconds that a point is the mean of: CloudWatch keeps single seconds for 3 hours, minutes for 15 days."""


def plot(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker plot`."""
    command = _parse("plot", Plot, arguments)

    def job() -> int:
        from imagents.cloud.sagemaker import results

        with _quiet_sdk():
            print(f"done: {results.plot(command.job, command.output_dir, period=command.period)}")
        return 0

    return _checked(job)


@dataclasses.dataclass(frozen=True)
class Delete:
    """Leaves nothing of a job or an endpoint that costs money: stops it, and deletes it and its files in S3."""

    name: tyro.conf.Positional[str]
    """The job, with the endpoint of its name; or an endpoint."""
    keep_data: bool = False
    """Leaves the files in S3: model, output, checkpoints, events."""
    dry_run: bool = False
    """Prints the exact requests and sends nothing."""


def delete(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker delete`."""
    command = _parse("delete", Delete, arguments)

    def job() -> int:
        from imagents.cloud.sagemaker import results

        with _requests(command.dry_run) as session:
            results.delete(command.name, session, command.keep_data, lambda line: _say(command, line))
        return 0

    return _checked(job)


# Each takes its arguments, finds what is wrong with them, and returns what to do.
COMMANDS: dict[str, Callable[[Sequence[str]], Job]] = {
    "train": train,
    "evaluate": evaluate,
    "deploy": deploy,
    "logs": logs,
    "fetch": fetch,
    "plot": plot,
    "delete": delete,
}


def command(arguments: Sequence[str]) -> Job:
    """`imagents sagemaker`: the job that the arguments ask for."""
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        return lambda: print(_USAGE) or 0
    if name not in COMMANDS:
        raise ValueError(f"unknown command {name!r}: choose one of {', '.join(COMMANDS)}")
    return COMMANDS[name](rest)


@dataclasses.dataclass(frozen=True)
class _Defaults:
    """The arguments that decide what the others default to."""

    game: str = TrainConfig.game
    preset: str = TrainConfig.preset


def _parse(name: str, kind, arguments: Sequence[str], default=None):
    options = {"default": default} if default is not None else {}
    return tyro.cli(kind, args=list(arguments), prog=f"imagents sagemaker {name}", **options)


def _name(estimator, seed: int, command: Train) -> str | None:
    """Names of several jobs end in the seed, so that they differ; one job's name is the SDK's."""
    from sagemaker.utils import name_from_base

    return name_from_base(f"{estimator.base_job_name}-seed-{seed}") if len(command.seeds) > 1 else None


def _model_of(job: str, session) -> str:
    """The address of a job's model.tar.gz."""
    from imagents.cloud.sagemaker.results import describe

    return job if job.startswith("s3://") else describe(job, session)["ModelArtifacts"]["S3ModelArtifacts"]


def _say(where, line: str) -> None:
    if not where.dry_run:
        print(line, flush=True)


@contextlib.contextmanager
def _session(where: Where):
    """The SDK's session; in a dry run what it would send is printed at the end."""
    from imagents.cloud.sagemaker.description import need_sdk

    with _quiet_sdk(), _requests(where.dry_run) as boto_session:
        sagemaker = need_sdk(2)
        yield sagemaker.Session(boto_session, default_bucket=where.bucket or None)


@contextlib.contextmanager
def _requests(dry_run: bool):
    """A boto3 session; in a dry run what would be sent through it is printed at the end."""
    from imagents.cloud.sagemaker.requests import kept

    try:
        import boto3
    except ImportError:
        raise ValueError("SageMaker's SDK is not installed: pip install imagents[sagemaker]") from None
    session = boto3.Session()
    if not dry_run:
        yield session
        return
    with kept(session) as requests:
        yield session
    print(json.dumps([dataclasses.asdict(request) for request in requests], indent=2))


@contextlib.contextmanager
def _quiet_sdk():
    """Hides that the SDK has a newer version and no settings of its own, which nobody asked about."""
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    logger = logging.getLogger("sagemaker.config")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _checked(job: Job) -> Job:
    """A job whose bad input and whose AWS' refusals are one sentence."""

    def checked() -> int:
        try:
            return job()
        except ValueError as error:
            print(f"imagents sagemaker: {error}", file=sys.stderr)
            return 2
        except Exception as error:
            if not type(error).__module__.startswith(("botocore.", "boto3.", "sagemaker.")):
                raise
            print(f"imagents sagemaker: {' '.join(str(error).split())}", file=sys.stderr)
            return 1

    return checked
