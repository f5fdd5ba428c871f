"""Jobs for version 3 of SageMaker's SDK, which has no TensorFlow estimator: the same job, from the same description."""

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
      InputError: if the SDK is missing, or for what a job cannot do, in one sentence.
    """
    description.check_arguments(instance_count, settings)
    job = description.training_job(config)
    description.need_sdk(3)
    from sagemaker.core import image_uris
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.shapes import MetricDefinition
    from sagemaker.core.shapes import TensorBoardOutputConfig as Events
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import SourceCode

    with description.refusals():
        session = settings.pop("sagemaker_session", None) or Session()
        image = settings.pop("training_image", None) or image_uris.retrieve(
            "tensorflow", session.boto_region_name, framework_version, description.PYTHON_VERSION, instance_type,
            image_scope="training",
        )  # fmt: skip
    is_isolated = getattr(settings.get("networking"), "enable_network_isolation", False)
    source = archive.source_folder(framework_version, is_isolated, job.packages)
    requirements = None if is_isolated else "requirements.txt"
    checkpoints, events = description.own_addresses(session)
    machines = {"instance_type": instance_type, "instance_count": instance_count, "enable_managed_spot_training": spot}
    chosen = {"role": role} | _chosen(job, machines, checkpoints)
    trainer = ModelTrainer(
        training_image=image,
        sagemaker_session=session,
        source_code=SourceCode(source_dir=str(source), entry_script=job.entry_point, requirements=requirements),
        hyperparameters=job.hyperparameters,
        **chosen | settings,
    )
    figures = [MetricDefinition(name=d["Name"], regex=d["Regex"]) for d in job.metric_definitions]
    shown = Events(s3_output_path=events, local_path=description.TENSORBOARD)
    return trainer.with_metric_definitions(figures).with_tensorboard_output_config(shown)


def _chosen(job: description.Job, machines: dict, checkpoints: str) -> dict:
    """What a job is, in the SDK's objects."""
    from sagemaker.core.shapes import CheckpointConfig, StoppingCondition, Tag
    from sagemaker.train.configs import Compute

    waiting = {"max_wait_time_in_seconds": job.max_wait} if machines["enable_managed_spot_training"] else {}
    return {
        "base_job_name": description.BASE_JOB_NAME,
        "compute": Compute(**machines),
        "stopping_condition": StoppingCondition(max_runtime_in_seconds=job.max_run, **waiting),
        "checkpoint_config": CheckpointConfig(s3_uri=checkpoints, local_path=description.CHECKPOINTS),
        "tags": [Tag(key=tag["Key"], value=tag["Value"]) for tag in description.TAGS],
    }
