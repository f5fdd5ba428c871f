"""Jobs for version 3 of SageMaker's SDK, which has no TensorFlow estimator: the same job, from the same description."""

import pathlib
import shutil

from imagents.cloud.sagemaker import archive, description
from imagents.config import TrainConfig


def model_trainer(
    config: TrainConfig, role: str, instance_type: str, instance_count: int = 1,
    framework_version: str = description.LATEST_FRAMEWORK_VERSION, spot: bool = False, **settings,
):  # fmt: skip
    """A training job, ready for `train`.

    Args:
      config, role, instance_type, instance_count: as for `imagents.cloud.sagemaker.estimator`.
      framework_version: AWS' image to take, "2.21" or "2.19"; `training_image` names another one.
      spot: whether to take spot instances, and go on from the checkpoints when they are taken away.
      settings: any argument of the SDK's ModelTrainer; it overrides what is chosen here.

    Returns:
      A `sagemaker.train.ModelTrainer`.

    Raises:
      ValueError: if the SDK is missing, or for what a job cannot do, in one sentence.
    """
    job = description.training_job(config)
    if settings.get("distributed"):
        raise ValueError("distributed: one training runs on one machine; instance_count runs one seed per machine")
    description.check_instances(instance_count, settings)
    given = {"source_code", "hyperparameters"} & set(settings)
    if given:
        raise ValueError(f"{min(given)}: imagents gives the job its own; settings go into TrainConfig")
    description.need_sdk(3)
    from sagemaker.core import image_uris
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.shapes import CheckpointConfig, MetricDefinition, StoppingCondition, Tag
    from sagemaker.core.shapes import TensorBoardOutputConfig as Events
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, SourceCode

    session = settings.pop("sagemaker_session", None) or Session()
    image = settings.pop("training_image", None) or image_uris.retrieve(
        "tensorflow", session.boto_region_name, framework_version, description.PYTHON_VERSION, instance_type,
        image_scope="training",
    )  # fmt: skip
    source = archive.source_folder(framework_version)
    for folder in archive.package_folders():
        shutil.move(folder, pathlib.Path(source) / pathlib.Path(folder).name)
    networking = settings.get("networking")
    if networking is not None and networking.enable_network_isolation:
        for path in archive.vendored_folders(source):
            shutil.move(path, pathlib.Path(source) / pathlib.Path(path).name)
    requirements = "requirements.txt" if (pathlib.Path(source) / "requirements.txt").exists() else None
    waiting = {"max_wait_time_in_seconds": 2 * job.max_run} if spot else {}
    prefix = "/".join(p for p in (session.default_bucket(), session.default_bucket_prefix, archive.unique_name()) if p)
    chosen = {
        "role": role,
        "base_job_name": description.BASE_JOB_NAME,
        "compute": Compute(
            instance_type=instance_type, instance_count=instance_count, enable_managed_spot_training=spot
        ),
        "stopping_condition": StoppingCondition(max_runtime_in_seconds=job.max_run, **waiting),
        "checkpoint_config": CheckpointConfig(
            s3_uri=f"s3://{prefix}/checkpoints", local_path=description.CHECKPOINTS
        ),
        "tags": [Tag(key=tag["Key"], value=tag["Value"]) for tag in description.TAGS],
    }
    trainer = ModelTrainer(
        training_image=image,
        sagemaker_session=session,
        source_code=SourceCode(source_dir=source, entry_script=job.entry_point, requirements=requirements),
        hyperparameters=job.hyperparameters,
        **chosen | settings,
    )
    figures = [MetricDefinition(name=d["Name"], regex=d["Regex"]) for d in job.metric_definitions]
    events = Events(s3_output_path=f"s3://{prefix}/tensorboard", local_path=description.TENSORBOARD)
    return trainer.with_metric_definitions(figures).with_tensorboard_output_config(events)
