"""`imagents sagemaker`: jobs and endpoints from the command line."""

import contextlib
import dataclasses
import functools
import json
import logging
import os
import pathlib
import sys
from collections.abc import Callable, Sequence

import tyro

from imagents.cloud.sagemaker import description
from imagents.cloud.sagemaker.requests import kept
from imagents.config import TrainConfig
from imagents.errors import InputError
from imagents.flags import parse_training

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

class _Command:
    """A command's arguments, and what it does."""

    def check(self) -> None:
        """Raises an InputError for arguments that do not go together."""

    def run(self, session, say: Callable[[str], None]) -> None:
        """Sends requests through a session of SageMaker's, or of boto3's if it has no role; says what happened."""


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


@dataclasses.dataclass
class Train(_Command):
    """Sends a training job: every setting of `imagents train`, on a machine of SageMaker's."""

    where: tyro.conf.OmitArgPrefixes[Where]
    instance_count: int = 1
    """Machines in one job; each trains a seed of its own."""
    seeds: tuple[int, ...] = ()
    """Sends a job for each of these seeds."""
    spot: bool = False
    """Takes spot instances, which are cheaper, and goes on from the checkpoints when they are taken away."""
    channels: tuple[str, ...] = ()
    """Input data, each as NAME=ADDRESS: settings mean it by channel:NAME, as in --environment unity:channel:game."""
    wait: bool = False
    """Waits for the job, and prints what it prints."""

    config = None  # the settings, which are flags too

    def check(self):
        _inputs(self.channels)
        if self.wait and len(self.seeds) > 1:
            raise InputError("--wait follows one job: leave it out, and see imagents sagemaker logs JOB")

    def run(self, session, say):
        from sagemaker.utils import name_from_base

        from imagents.cloud.sagemaker import jobs

        for seed in self.seeds or (self.config.training.seed,):
            job = jobs.estimator(
                self.config.replace(seed=seed), self.where.role, self.where.instance_type,
                self.instance_count, use_spot_instances=self.spot, sagemaker_session=session,
            )  # fmt: skip
            # Names of several jobs end in the seed, so that they differ; one job's name is the SDK's.
            name = name_from_base(f"{job.base_job_name}-seed-{seed}") if len(self.seeds) > 1 else None
            job.fit(_inputs(self.channels) or None, wait=self.wait and not self.where.dry_run, job_name=name)
            say(f"sent: {job.latest_training_job.name}")


@dataclasses.dataclass(frozen=True)
class Evaluate(_Command):
    """Sends a job that measures the model of a training job, as `imagents evaluate` does."""

    job: tyro.conf.Positional[str]
    """The training job, or the s3:// address of its model.tar.gz."""
    where: tyro.conf.OmitArgPrefixes[Where]
    games: int = 1000
    """Games per match; each side begins half of them."""
    seed: int = 0
    """Of the opponents and the openings."""
    channels: tuple[str, ...] = ()
    """Input data, each as NAME=ADDRESS, of a training that had its environment's program from there."""
    environment: str = ""
    """The name of the environment, needed for one of another package alone."""
    wait: bool = False
    """Waits for the job, and prints what it prints."""

    def check(self):
        _inputs(self.channels)

    def run(self, session, say):
        from imagents.cloud.sagemaker import jobs

        inputs = {"model": _model_of(self.job, session)} | _inputs(self.channels)
        job = jobs.evaluator(
            self.where.role, self.where.instance_type, self.games, seed=self.seed, environment=self.environment,
            sagemaker_session=session,
        )  # fmt: skip
        job.fit(inputs, wait=self.wait and not self.where.dry_run)
        say(f"sent: {job.latest_training_job.name}")


@dataclasses.dataclass(frozen=True)
class Deploy(_Command):
    """Puts the agents of a training job behind an endpoint, which costs money until it is deleted."""

    job: tyro.conf.Positional[str]
    """The training job, or the s3:// address of its model.tar.gz."""
    where: tyro.conf.OmitArgPrefixes[Where]
    name: str = ""
    """The endpoint's name; the job's if not given."""

    def check(self):
        if self.job.startswith("s3://") and not self.name:
            raise InputError("which name? with an address instead of a job, --name has to say it")

    def run(self, session, say):
        from imagents.cloud.sagemaker import serving

        name = self.name or self.job
        model = serving.model(_model_of(self.job, session), self.where.role, sagemaker_session=session, name=name)
        with description.refusals():
            model.serving_image_uri(session.boto_region_name, self.where.instance_type)
        model.deploy(
            initial_instance_count=1, instance_type=self.where.instance_type, endpoint_name=name,
            wait=not self.where.dry_run,
        )  # fmt: skip
        say(f"deployed: {name}; when you no longer need it: imagents sagemaker delete {name}")


@dataclasses.dataclass(frozen=True)
class Logs(_Command):
    """Prints what a job printed, so far."""

    job: tyro.conf.Positional[str]
    """The job."""

    def run(self, session, say):
        from imagents.cloud.sagemaker import results

        for line in results.logs(self.job, session):
            say(line)


@dataclasses.dataclass(frozen=True)
class Fetch(_Command):
    """Brings the model of a job into a run folder, which `imagents evaluate`, `play` and `train --resume` accept."""

    job: tyro.conf.Positional[str]
    """The job, done."""
    output_dir: pathlib.Path | None = None
    """The folder to make; outputs/JOB if not given."""

    def run(self, session, say):
        from imagents.cloud.sagemaker import results

        say(f"done: {results.fetch(self.job, self.output_dir, session)}")


@dataclasses.dataclass(frozen=True)
class Plot(_Command):
    """Draws a job's figures from CloudWatch as those of a run are drawn, while it runs too."""

    job: tyro.conf.Positional[str]
    """The training job."""
    output_dir: pathlib.Path | None = None
    """The folder for metrics.csv and plots; outputs/JOB-metrics if not given."""
    period: int = 60
    """Seconds that a point is the mean of: CloudWatch keeps single seconds for 3 hours, minutes for 15 days."""

    def run(self, session, say):
        from imagents.cloud.sagemaker import results

        say(f"done: {results.plot(self.job, self.output_dir, session, self.period)}")


@dataclasses.dataclass(frozen=True)
class Delete(_Command):
    """Leaves nothing of a job or an endpoint that costs money: stops it, and deletes it and its files in S3."""

    name: tyro.conf.Positional[str]
    """The job, with the endpoint of its name; or an endpoint."""
    keep_data: bool = False
    """Leaves the files in S3: model, output, checkpoints, events."""
    dry_run: bool = False
    """Prints the exact requests and sends nothing."""

    def run(self, session, say):
        from imagents.cloud.sagemaker import results

        results.delete(self.name, session, self.keep_data, say)


COMMANDS: dict[str, type[_Command]] = {
    "train": Train,
    "evaluate": Evaluate,
    "deploy": Deploy,
    "logs": Logs,
    "fetch": Fetch,
    "plot": Plot,
    "delete": Delete,
}


def command(arguments: Sequence[str]) -> Callable[[], int]:
    """`imagents sagemaker`: the job that the arguments ask for.

    Raises:
      InputError: for what is wrong with the arguments.
    """
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        return lambda: print(_USAGE) or 0
    if name not in COMMANDS:
        raise InputError(f"unknown command {name!r}: choose one of {', '.join(COMMANDS)}")
    if name == "train":
        settings, parsed = parse_training("imagents sagemaker train", rest, Train)
        parsed.config = TrainConfig(**settings)
    else:
        parsed = tyro.cli(COMMANDS[name], args=rest, prog=f"imagents sagemaker {name}")
    parsed.check()
    return functools.partial(_run, parsed)


def _run(command) -> int:
    """Runs a command; bad input and AWS' refusals are one sentence. Returns the exit status."""
    try:
        with _quiet_sdk():
            _send(command)
        return 0
    except InputError as error:
        print(f"imagents sagemaker: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        if not type(error).__module__.startswith(("botocore.", "boto3.", "sagemaker.")):
            raise
        print(f"imagents sagemaker: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


def _send(command) -> None:
    """Gives a command its session: the SDK's, or boto3's. What a dry run would send is printed at the end."""
    where = getattr(command, "where", None)
    dry_run = getattr(where or command, "dry_run", False)
    session = description.boto_session()
    with kept(session) if dry_run else contextlib.nullcontext() as requests:
        if where:
            session = description.sdk_session(boto_session=session, default_bucket=where.bucket or None)
        command.run(session, (lambda line: None) if dry_run else functools.partial(print, flush=True))
    if dry_run:
        print(json.dumps([dataclasses.asdict(request) for request in requests], indent=2))


def _inputs(channels: Sequence[str]) -> dict[str, str]:
    """Addresses by the names of channels."""
    pairs = [channel.partition("=") for channel in channels]
    for channel, (name, _, address) in zip(channels, pairs):
        if not name or not address.startswith("s3://"):
            raise InputError(f"channels = {channel!r}: NAME=ADDRESS is needed, such as game=s3://BUCKET/FOLDER")
    return {name: address for name, _, address in pairs}


def _model_of(job: str, session) -> str:
    """The address of a job's model.tar.gz."""
    from imagents.cloud.sagemaker.results import describe

    return job if job.startswith("s3://") else describe(job, session)["ModelArtifacts"]["S3ModelArtifacts"]


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
