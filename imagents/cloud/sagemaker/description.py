"""What a SageMaker job is, in plain values: the same for both versions of the SDK, without importing any of them.

At the end: how the SDK is found, and what it refuses.
"""

import contextlib
import dataclasses
import datetime
import importlib.metadata
import importlib.util
import pathlib
import re
import types
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imagents.config import ENVIRONMENTS, TrainConfig, agent_name, environment_class
from imagents.errors import InputError
from imagents.flags import typed
from imagents.own import is_in_editor, is_own, is_program

FRAMEWORK_VERSION, PYTHON_VERSION = "2.19", "py312"  # the newest image that version 2 of the SDK knows
LATEST_FRAMEWORK_VERSION = "2.21"  # which only version 3 of the SDK knows
BASE_JOB_NAME = "imagents"
CHECKPOINTS = "/opt/ml/checkpoints"
TENSORBOARD = "/opt/ml/output/tensorboard"
TAGS = [{"Key": "project", "Value": "imagents"}]
NUMBER = r"([-+]?[0-9][-+.0-9e]*)"
_DEFAULT_HOURS = 24  # SageMaker's own limit of a job's time, for budgets in steps


@dataclasses.dataclass(frozen=True)
class Job:
    """A job, whatever sends it.

    Attributes:
      entry_point: which script of the archive runs.
      hyperparameters: its flags.
      metric_definitions: how SageMaker finds the figures in its log.
      max_run: seconds after which SageMaker ends it.
      packages: what it needs besides, as pip has it.
      max_wait: with spot instances, seconds until then with those of waiting for a free machine.
    """

    entry_point: str
    hyperparameters: dict[str, Any]
    metric_definitions: list[dict[str, str]]
    max_run: int
    packages: tuple[str, ...] = ()

    @property
    def max_wait(self) -> int:
        return 2 * self.max_run


def training_job(config: TrainConfig) -> Job:
    """The training that a config describes.

    Raises:
      InputError: if it cannot be trained there, in one sentence.
    """
    check_players(config)
    seconds = _DEFAULT_HOURS * 3600
    if config.training.minutes is not None:
        # Installing, compiling, evaluating and uploading come on top of the training time itself.
        seconds = int(60 * config.training.minutes * 1.5) + 3600
    packages = config.environment.requires
    return Job("train.py", hyperparameters(config), metric_definitions(config), seconds, packages)


def evaluation_job(games: int = 1000, solver_games: int = 0, seed: int = 0, environment: str = "") -> Job:
    """The evaluation of a model that training left behind; of which environment it is, the job sees, and has to be
    said if that needs a package."""
    packages = environment_class(environment).requires if environment else ()
    for name, number in (("games", games), ("solver_games", solver_games)):
        if number % 2 or number < (2 if name == "games" else 0):
            raise InputError(f"{name} = {number!r}: an even number is needed, as each side begins half of the games")
    settings = {"games": games, "solver_games": solver_games, "seed": seed}
    names = [f"{agent}_{measure}" for agent in map(agent_name, range(2)) for measure in evaluated()]
    return Job("evaluate.py", settings, [_definition(name) for name in names], _DEFAULT_HOURS * 3600, packages)


def hyperparameters(config: TrainConfig) -> dict[str, Any]:
    """Every setting, so that a job says all of itself; lists as words, `128 128`. What is None stays away."""
    return {name: to_text(value) for name, value in config.to_dict().items() if value is not None}


def to_text(value):
    """A setting as a hyperparameter: numbers and text stay, lists become words, True and False too."""
    if isinstance(value, bool):
        return str(value)
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def config_of(hyperparameters: Mapping[str, str]) -> TrainConfig:
    """The settings that hyperparameters stand for, the inverse of `hyperparameters`.

    Args:
      hyperparameters: text by setting; settings that are missing have the preset's values.

    Raises:
      InputError: for an unknown setting, or a value that it cannot have, in one sentence.
    """
    return TrainConfig(**typed(hyperparameters, {}))


def measures(config: TrainConfig) -> list[str]:
    """How an environment measures how good an agent is, by name."""
    return list(config.environment.measures)


def evaluated() -> list[str]:
    """The figures of each agent that an evaluation prints, whatever it learned; of cases those of matches alone."""
    kinds = map(environment_class, ENVIRONMENTS)
    names = [name for kind in kinds for name, measure in kind.measures.items() if not measure.case]
    matches = [f"{opponent}_{turn}" for opponent in ("random", "heuristic") for turn in ("first", "second")]
    return [*dict.fromkeys(names), *matches]


def figures(config: TrainConfig) -> list[str]:
    """The names of all figures that this training prints."""
    names = ["steps", "round", "episodes", "seconds", "steps_per_second"]
    names += [f"{agent}_{name}" for agent in config.agent_names for name in ("loss", "return")]
    names += config.environment.tallies
    names += [f"{agent}_{name}" for agent in config.agent_names for name in measures(config)]
    players = (config.training.opponent, *config.training.players)
    return names + (["league_joined"] if any("league" in name for name in players) else [])


def metric_definitions(config: TrainConfig) -> list[dict[str, str]]:
    """How SageMaker finds each figure in the log, for `metric_definitions` of any estimator."""
    return [_definition(name) for name in figures(config)]


def _definition(name: str) -> dict[str, str]:
    return {"Name": name, "Regex": rf"\s{name}={NUMBER}"}


def requirements(framework_version: str = FRAMEWORK_VERSION, others: Sequence[str] = ()) -> list[str]:
    """What AWS' image lacks, and `others`. Never TensorFlow or tf_keras: listing them drags another one over its own.
    """
    packages = [
        "tensorflow-probability==0.25.0",
        "absl-py",
        "cloudpickle",
        "gin-config",
        "matplotlib",
        "pandas",
        "pillow",
        "seaborn",
        "setuptools<81",
        "six",
        "tqdm",
        "tyro",
        "wrapt",
        *others,
    ]
    return packages + (["numpy<2.2"] if framework_version.startswith("2.19") else [])  # a newer one breaks TensorFlow


def check_players(config: TrainConfig) -> None:
    """Raises an InputError for what a job does not see: a player that is a folder here, functions of one's own."""
    environment = config.environment.name
    bridge, _, where = environment.partition(":")
    if is_program(environment) and not where.startswith("channel:"):
        raise InputError(
            f"environment = {environment!r}: that program is on this machine, which a job does not see: upload its "
            f"folder, name it {bridge}:channel:game, and give its address to fit as the channel game"
        )
    if is_in_editor(environment):
        raise InputError(
            f"environment = {environment!r}: that editor is on this machine, which a job does not see: build the scene "
            f"for Linux, upload its folder, name it {bridge}:channel:game, and give its address to fit as the channel "
            "game"
        )
    for setting, own in (("environment", environment), ("agents", config.training.agents)):
        if is_own(own) and not is_program(own):
            raise InputError(f"{setting} = {own!r}: your own function is here, and a job has imagents alone")
    setting = "players" if config.training.players else "opponent"
    for player in config.training.players or [config.training.opponent]:
        for part in player.split(","):
            name = part.strip().rpartition("=")[0] or part.strip()
            for path in (name, name.rpartition(":")[0]):
                if path and not path.startswith("channel:") and pathlib.Path(path).exists():
                    raise InputError(
                        f"{setting} = {player!r}: {path} is a folder of this machine, which a job does not see: upload "
                        "its model.tar.gz, name it channel:rival, and give its address to fit as the channel rival"
                    )


def check_arguments(instance_count: int, settings: Mapping[str, Any]) -> None:
    """Checks what either version's estimator was given.

    Raises:
      InputError: for what imagents gives itself, and for ways of spreading one training over machines: there is none.
    """
    for name in ("distribution", "distributed"):
        if settings.get(name):
            raise InputError(
                f"{name}: one training runs on one machine; instance_count runs one seed per machine, and a tuning "
                "job many trainings"
            )
    if settings.get("instance_groups"):
        raise InputError("instance_groups: use instance_type and instance_count; each machine trains a seed of its own")
    if not isinstance(instance_count, int) or instance_count < 1:
        raise InputError(f"instance_count = {instance_count!r}: at least 1 is needed")
    given = {"entry_point", "source_code", "source_dir", "hyperparameters"} & set(settings)
    if given:
        raise InputError(f"{min(given)}: imagents gives the job its own; settings go into TrainConfig")


def own_addresses(session) -> tuple[str, str]:
    """Where the checkpoints and the events of one training go, in the bucket of a session of either version.

    Each training has its own: a second one must not go on with the first one's checkpoints.
    """
    name = f"{BASE_JOB_NAME}-{datetime.datetime.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    prefix = "/".join(part for part in (session.default_bucket(), session.default_bucket_prefix, name) if part)
    return f"s3://{prefix}/checkpoints", f"s3://{prefix}/tensorboard"


def need_sdk(version: int) -> types.ModuleType:
    """SageMaker's SDK.

    Raises:
      InputError: if it is not installed, or of another version.
    """
    wanted = {2: "pip install 'imagents[sagemaker]'", 3: "pip install 'sagemaker>=3'"}[version]
    try:
        found = importlib.metadata.version("sagemaker")
    except importlib.metadata.PackageNotFoundError:
        raise InputError(f"SageMaker's SDK is not installed: {wanted}") from None
    if int(re.match(r"\d+", found)[0]) != version:
        other = "model_trainer works with version 3" if version == 2 else "estimator works with version 2"
        raise InputError(f"SageMaker's SDK is version {found} here, and this needs {version}: {wanted}, or {other}")
    return importlib.import_module("sagemaker")


def sdk_session(**settings):
    """A session of version 2 of SageMaker's SDK; `settings` are its own."""
    sagemaker = need_sdk(2)
    with refusals():
        return sagemaker.Session(**settings)


def boto_session(session=None):
    """boto3's session: the one of SageMaker's `session`, `session` itself, or a new one."""
    try:
        boto3 = importlib.import_module("boto3")
    except ImportError:
        raise InputError("boto3 is not installed: pip install 'imagents[sagemaker]'") from None
    return getattr(session, "boto_session", session) or boto3.Session()


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What AWS' packages refuse as a ValueError in here is bad input, such as a region that does not exist.

    For calls that check values and send nothing: elsewhere a ValueError may be a fault, which shows its trace.
    """
    try:
        yield
    except ValueError as error:
        raise InputError(" ".join(str(error).split())) from None
