"""What a SageMaker job is, in plain values: the same for both versions of the SDK, without importing any of them."""

import dataclasses
import importlib.metadata
import importlib.util
import pathlib
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from imagents.config import TrainConfig, preset_config

FRAMEWORK_VERSION, PYTHON_VERSION = "2.19", "py312"  # the newest image that version 2 of the SDK knows
LATEST_FRAMEWORK_VERSION = "2.21"  # which only version 3 of the SDK knows
BASE_JOB_NAME = "imagents"
CHECKPOINTS = "/opt/ml/checkpoints"
TENSORBOARD = "/opt/ml/output/tensorboard"
TAGS = [{"Key": "project", "Value": "imagents"}]
NUMBER = r"([-+]?[0-9][-+.0-9e]*)"
_DEFAULT_HOURS = 24  # SageMaker's own limit of a job's time, for budgets in plies
_GAMES_STRENGTH = {
    "tic_tac_toe": ("optimal", "losing_first", "losing_second"),
    "connect_four": ("good", "perfect", "random_first", "random_second"),
}
_OTHER_STRENGTH = ("random_first", "random_second")


@dataclasses.dataclass(frozen=True)
class Job:
    """A job, whatever sends it.

    Attributes:
      entry_point: which script of the archive runs.
      hyperparameters: its flags.
      metric_definitions: how SageMaker finds the figures in its log.
      max_run: seconds after which SageMaker ends it.
    """

    entry_point: str
    hyperparameters: dict[str, Any]
    metric_definitions: list[dict[str, str]]
    max_run: int


def training_job(config: TrainConfig) -> Job:
    """The training that a config describes.

    Raises:
      ValueError: if it cannot be trained there, in one sentence.
    """
    check_game(config.game)
    check_opponent(config.opponent)
    config = config.with_budget()
    seconds = _DEFAULT_HOURS * 3600
    if config.minutes is not None:
        # Installing, compiling, evaluating and uploading come on top of the training time itself.
        seconds = int(60 * config.minutes * 1.5) + 3600
    return Job("train.py", hyperparameters(config), metric_definitions(config), seconds)


def evaluation_job(games: int = 1000, solver_games: int = 0, seed: int = 0) -> Job:
    """The evaluation of a model that training left behind."""
    for name, number in (("games", games), ("solver_games", solver_games)):
        if number % 2 or number < (2 if name == "games" else 0):
            raise ValueError(f"{name} = {number!r}: an even number is needed, as each side begins half of the games")
    settings = {"games": games, "solver_games": solver_games, "seed": seed}
    names = [f"{agent}_{measure}" for agent in ("player_1", "player_2") for measure in EVALUATION_FIGURES]
    return Job("evaluate.py", settings, [_definition(name) for name in names], _DEFAULT_HOURS * 3600)


EVALUATION_FIGURES = (
    "optimal", "good", "perfect",
    *(f"{opponent}_{turn}" for opponent in ("random", "heuristic") for turn in ("first", "second")),
)  # fmt: skip


def hyperparameters(config: TrainConfig) -> dict[str, Any]:
    """Every setting, so that a job says all of itself; lists as words, `128 128`. What is None stays away."""
    return {name: to_text(value) for name, value in config.to_dict().items() if value is not None}


def to_text(value):
    """A setting as a hyperparameter: numbers and text stay, lists become words."""
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def config_of(hyperparameters: Mapping[str, str]) -> TrainConfig:
    """The settings that hyperparameters stand for, the inverse of `hyperparameters`.

    Args:
      hyperparameters: text by setting; settings that are missing have the preset's values.

    Raises:
      ValueError: for an unknown setting, or a value that it cannot have, in one sentence.
    """
    fields = {field.name: field for field in dataclasses.fields(TrainConfig)}
    for name in hyperparameters:
        if name not in fields:
            raise ValueError(f"unknown setting {name!r}: the settings are {', '.join(fields)}")
    values = {name: _value(fields[name], text) for name, text in hyperparameters.items()}
    start = preset_config(values.get("game", TrainConfig.game), values.get("preset", TrainConfig.preset))
    return dataclasses.replace(start, **values)


def _value(field: dataclasses.Field, text: str):
    if isinstance(field.default, tuple):
        return tuple(_number(field.name, int, word) for word in text.strip("[]()").replace(",", " ").split())
    kinds = [kind for kind in typing.get_args(field.type) or (field.type,) if kind in (bool, int, float)]
    return _number(field.name, kinds[0], text) if kinds else text


def _number(name: str, kind: type, text: str):
    try:
        return {"True": True, "False": False}[text] if kind is bool else kind(text)
    except (ValueError, KeyError):
        needed = {bool: "True or False", int: "a whole number", float: "a number"}[kind]
        raise ValueError(f"{name} = {text!r}: {needed} is needed") from None


def figures(config: TrainConfig) -> list[str]:
    """The names of all figures that this training prints."""
    agents = ["player_1", "player_2"] if config.opponent == "learner" else ["player_1"]
    strength = _GAMES_STRENGTH.get(config.game, _OTHER_STRENGTH)
    names = ["plies", "round", "games", "seconds", "plies_per_second"]
    names += [f"{agent}_{name}" for agent in agents for name in ("loss", "return")]
    names += ["player_1_wins", "player_2_wins", "draws", "illegal"]
    names += [f"{agent}_{name}" for agent in agents for name in strength]
    return names + (["league_joined"] if "league" in config.opponent else [])


def metric_definitions(config: TrainConfig) -> list[dict[str, str]]:
    """How SageMaker finds each figure in the log, for `metric_definitions` of any estimator."""
    return [_definition(name) for name in figures(config)]


def _definition(name: str) -> dict[str, str]:
    return {"Name": name, "Regex": rf"\s{name}={NUMBER}"}


def requirements(framework_version: str = FRAMEWORK_VERSION) -> list[str]:
    """What AWS' image lacks. Never TensorFlow or tf_keras: listing them drags another TensorFlow over the image's."""
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
    ]
    return packages + (["numpy<2.2"] if framework_version.startswith("2.19") else [])  # a newer one breaks TensorFlow


def check_game(game: str) -> None:
    """Raises a ValueError for an unknown game, if TensorFlow is installed here; else the job itself will say so."""
    if importlib.util.find_spec("tensorflow"):
        importlib.import_module("imagents.environments.boards.games").get_game(game)


def check_opponent(opponent: str) -> None:
    """Raises a ValueError for an opponent that is a folder here, which a job does not see."""
    for part in opponent.split(","):
        name = part.strip().rpartition("=")[0] or part.strip()
        for path in (name, name.rpartition(":")[0]):
            if path and not path.startswith("channel:") and pathlib.Path(path).exists():
                raise ValueError(
                    f"opponent = {opponent!r}: {path} is a folder of this machine, which a job does not see: upload "
                    "its model.tar.gz, name it channel:rival, and give its address to fit as the channel rival"
                )


def check_instances(instance_count: int, settings: dict[str, Any]) -> None:
    """Raises a ValueError for ways of spreading one training over several machines: there is none."""
    if settings.get("distribution"):
        raise ValueError(
            "distribution: one training runs on one machine; instance_count runs one seed per machine, and a tuning "
            "job many trainings"
        )
    if settings.get("instance_groups"):
        raise ValueError("instance_groups: use instance_type and instance_count; each machine trains a seed of its own")
    if not isinstance(instance_count, int) or instance_count < 1:
        raise ValueError(f"instance_count = {instance_count!r}: at least 1 is needed")


def need_sdk(version: int) -> types.ModuleType:
    """SageMaker's SDK.

    Raises:
      ValueError: if it is not installed, or of another version.
    """
    wanted = {2: "pip install imagents[sagemaker]", 3: "pip install 'sagemaker>=3'"}[version]
    try:
        found = importlib.metadata.version("sagemaker")
    except importlib.metadata.PackageNotFoundError:
        raise ValueError(f"SageMaker's SDK is not installed: {wanted}") from None
    if int(re.match(r"\d+", found)[0]) != version:
        other = "model_trainer works with version 3" if version == 2 else "estimator works with version 2"
        raise ValueError(f"SageMaker's SDK is version {found} here, and this needs {version}: {wanted}, or {other}")
    return importlib.import_module("sagemaker")
