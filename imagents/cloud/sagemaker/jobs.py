"""Jobs for version 2 of SageMaker's SDK: estimators that train or evaluate, and tuners over them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from imagents.cloud.sagemaker import archive, description, results
from imagents.config import TrainConfig
from imagents.errors import InputError


def estimator(config: TrainConfig, role: str, instance_type: str, instance_count: int = 1, **settings):
    """A training job, ready for `fit`.

    `fit` without inputs trains from scratch. A channel `model` with an earlier job's model.tar.gz goes on with that
    training, up to the new budget; a channel of any other name holds an opponent, which
    `TrainConfig(opponent="channel:NAME")` plays against.

    Args:
      config: the settings; they become the job's hyperparameters.
      role: the role that the job has, its full ARN or its name.
      instance_type: which machine, such as "ml.c5.xlarge".
      instance_count: how many machines. Each trains a seed of its own: `config.seed`, `config.seed + 1`, ...
      settings: any argument of the SDK's TensorFlow estimator; it overrides what is chosen here. `dependencies` and
        `metric_definitions` come on top, `tags` too.

    Returns:
      A `sagemaker.tensorflow.TensorFlow`.

    Raises:
      InputError: if the SDK is missing, or for what a job cannot do, in one sentence.
    """
    description.check_arguments(instance_count, settings)
    return _estimator(description.training_job(config), role, instance_type, instance_count, settings)


def evaluator(
    role: str, instance_type: str, games: int = 1000, solver_games: int = 0, seed: int = 0, environment: str = "",
    **settings,
):
    """An evaluation job over a training job's model: `evaluator(...).fit({"model": MODEL})`.

    Args:
      role, instance_type, settings: as for `estimator`.
      games, solver_games, seed: as for `imagents evaluate`; the solver is not in AWS' image.
      environment: the name of the training's, needed for one of another package alone.

    Returns:
      A `sagemaker.tensorflow.TensorFlow`. MODEL is the address of a model.tar.gz, `estimator.model_data`. The results
      are in the job's output and in its log.
    """
    if solver_games:
        raise InputError(f"solver_games = {solver_games!r}: the perfect player is not in a job's image; use 0")
    machines = settings.pop("instance_count", 1)
    if machines != 1:
        raise InputError(f"instance_count = {machines!r}: an evaluation runs on one machine")
    description.check_arguments(1, settings)
    job = description.evaluation_job(games, solver_games, seed, environment)
    return _estimator(job, role, instance_type, 1, settings)


def tuner(
    estimator, ranges: Mapping[str, Any], objective: str = "player_1_optimal", max_jobs: int = 8,
    max_parallel_jobs: int = 2, **settings,
):  # fmt: skip
    """A hyperparameter tuning job over an estimator of `imagents.cloud.sagemaker.estimator`.

    Args:
      estimator: describes the trainings; its checkpoints are kept apart by the trainings' names.
      ranges: by setting: the SDK's own parameter ranges, (low, high), or a list of values to choose among. A value
        for `hidden_layers` is a tuple of widths.
      objective: the figure to get as high (a loss: as low) as possible.
      max_jobs, max_parallel_jobs: how many trainings, and how many at once.
      settings: any argument of the SDK's HyperparameterTuner.

    Returns:
      A `sagemaker.tuner.HyperparameterTuner`.

    Raises:
      InputError: for a setting or a figure that does not exist, or a range that cannot be.
    """
    description.need_sdk(2)
    from sagemaker.tuner import HyperparameterTuner

    definitions = estimator.metric_definitions
    kinds = ("loss", "return", *description.evaluated())
    objectives = [definition["Name"] for definition in definitions if definition["Name"].endswith(kinds)]
    if objective not in objectives:
        raise InputError(f"objective = {objective!r}: choose one of {', '.join(objectives)}")
    if estimator.instance_count != 1:
        raise InputError("a tuning job runs one training per machine: use an estimator with instance_count = 1")
    job = {"TrainingJobName": estimator.base_job_name, "HyperParameters": estimator.hyperparameters()}
    config = results.config_of_job(job)
    return HyperparameterTuner(
        estimator,
        objective,
        {name: _range(config, name, values) for name, values in ranges.items()},
        definitions,
        max_jobs=max_jobs,
        max_parallel_jobs=max_parallel_jobs,
        **{
            "objective_type": "Minimize" if objective.endswith("_loss") else "Maximize",
            "base_tuning_job_name": description.BASE_JOB_NAME,
            "tags": description.TAGS,
        }
        | settings,
    )


def _estimator(job: description.Job, role: str, instance_type: str, instance_count: int, settings: dict):
    description.need_sdk(2)
    from sagemaker import image_uris
    from sagemaker.debugger import TensorBoardOutputConfig
    from sagemaker.tensorflow import TensorFlow

    session = settings.pop("sagemaker_session", None) or description.sdk_session()
    version = str(settings.get("framework_version", description.FRAMEWORK_VERSION))
    python = settings.get("py_version", description.PYTHON_VERSION)
    job = dataclasses.replace(job, max_run=settings.pop("max_run", job.max_run))
    chosen = {
        "base_job_name": description.BASE_JOB_NAME,
        "disable_profiler": True,
        "debugger_hook_config": False,
    }
    if not settings.get("image_uri"):
        chosen |= {"framework_version": version, "py_version": python}
        with description.refusals():  # the SDK asks only when the code is in S3 already
            image_uris.retrieve(
                "tensorflow", session.boto_region_name, version, python, instance_type, image_scope="training"
            )
    hyperparameters = job.hyperparameters
    if hyperparameters.get("record_every"):  # then AWS' toolkit sends the intermediate output there
        bucket = "/".join(filter(None, (session.default_bucket(), session.default_bucket_prefix)))
        hyperparameters = hyperparameters | {"sagemaker_s3_output": settings.get("output_path") or f"s3://{bucket}"}
    if settings.get("use_spot_instances"):
        chosen["max_wait"] = job.max_wait
    if job.entry_point == "train.py" and {"checkpoint_s3_uri", "tensorboard_output_config"} - set(settings):
        chosen["checkpoint_s3_uri"], events = description.own_addresses(session)
        chosen["tensorboard_output_config"] = TensorBoardOutputConfig(
            s3_output_path=events, container_local_output_path=description.TENSORBOARD
        )
    source = archive.source_folder(version, settings.get("enable_network_isolation", False), job.packages)
    with description.refusals():
        return TensorFlow(
            entry_point=job.entry_point,
            source_dir=str(source),
            hyperparameters=hyperparameters,
            metric_definitions=job.metric_definitions + settings.pop("metric_definitions", []),
            tags=description.TAGS + settings.pop("tags", []),
            role=role,
            instance_type=instance_type,
            instance_count=instance_count,
            max_run=job.max_run,
            sagemaker_session=session,
            **chosen | settings,
        )


def _range(config: TrainConfig, name: str, values):
    from sagemaker.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter, ParameterRange

    if name not in config.to_dict():
        raise InputError(f"unknown setting {name!r}: the settings are {', '.join(config.to_dict())}")
    if isinstance(values, ParameterRange):
        return values
    if isinstance(values, list):
        return CategoricalParameter([description.to_text(value) for value in values])
    if not (isinstance(values, tuple) and len(values) == 2 and values[0] < values[1]):
        raise InputError(f"{name} = {values!r}: a range is (low, high), and a choice a list of values")
    field = config.fields().get(name)  # none for the algorithm's name
    is_float = name == "minutes" or isinstance(field and field.default, float)
    return (ContinuousParameter if is_float else IntegerParameter)(*values)
