"""What a SageMaker job left behind: its model as a run folder, its figures as a table; and how to leave nothing."""

import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator

import pandas as pd

from imagents.cloud.sagemaker import archive, description
from imagents.config import RENAMED, TrainConfig
from imagents.errors import InputError
from imagents.files import write_json

_DONE = ("Completed", "Stopped")


def fetch(job_name: str, output_dir: str | os.PathLike | None = None, session=None) -> pathlib.Path:
    """Brings the model of a job into a run folder, which `evaluate`, `play`, plots and `--resume` accept.

    Args:
      job_name: a training job that is done. An evaluation job gives its report.json.
      output_dir: the folder to make; `outputs/JOB` if None. The exported agents come to its `export`. Of a job on
        several machines it holds a run folder per machine.
      session: SageMaker's or boto3's session.

    Returns:
      The folder.

    Raises:
      InputError: if there is no such job, or it failed, or is not done; or the folder is there already.
    """
    target = pathlib.Path(output_dir or pathlib.Path("outputs") / job_name)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} is there already: choose a new folder")
    job = describe(job_name, session)
    status = job["TrainingJobStatus"]
    if status == "Failed":
        raise InputError(f"job {job_name} failed: {job.get('FailureReason', 'it says no reason')}")
    if status not in _DONE:
        raise InputError(f"job {job_name} is not done, it is {status}: imagents sagemaker logs {job_name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        folder = pathlib.Path(folder)
        address = job["ModelArtifacts"]["S3ModelArtifacts"]
        bucket, key = split_address(address)
        _client("s3", session).download_file(bucket, key, str(folder / "model.tar.gz"))
        (folder / "model").mkdir()
        archive.unpack(folder / "model.tar.gz", folder / "model", address)
        if target.exists():
            target.rmdir()
        os.rename(_arranged(folder / "model"), target)
    return target


def _arranged(model: pathlib.Path) -> pathlib.Path:
    """Makes a run folder with its export of what was in a model.tar.gz; several of what several machines left."""
    if (model / "run").is_dir():
        agents = [path for path in model.iterdir() if path.name != "run"]
        (model / "run" / "export").mkdir(exist_ok=True)
        for agent in agents:
            shutil.move(agent, model / "run" / "export" / agent.name.removeprefix(f"{model.name}-"))
        return model / "run"
    for machine in [path for path in model.iterdir() if (path / "run").is_dir()]:
        run = _arranged(machine)
        run.rename(model / f".{machine.name}")
        machine.rmdir()
        (model / f".{machine.name}").rename(machine)
    return model


def config_of_job(job: dict) -> TrainConfig:
    """The settings of a training job, from its description.

    Raises:
      InputError: if it is no training of imagents.
    """
    texts = {RENAMED.get(name, name): _decoded(text) for name, text in job.get("HyperParameters", {}).items()}
    if "environment" not in texts:
        raise InputError(f"job {job['TrainingJobName']} is no training of imagents")
    named = {name: texts[name] for name in ("environment", "algorithm") if name in texts}
    known = {*named, *TrainConfig(**named).fields()}  # the rest is the SDK's
    return description.config_of({name: text for name, text in texts.items() if name in known})


def metrics(job_name: str, session=None, period: int = 60) -> pd.DataFrame:
    """A job's figures from CloudWatch, as a table like a run's metrics.csv, for `imagents.plotting`.

    Args:
      job_name: a training job, done or not.
      session: SageMaker's or boto3's session.
      period: seconds that a row is the mean of; CloudWatch keeps single seconds for 3 hours, minutes for 15 days.

    Raises:
      InputError: if it is no training of imagents, or has no figures yet.
    """
    description.need_sdk(2)
    from sagemaker.analytics import TrainingJobAnalytics

    job = describe(job_name, session)
    if not hasattr(session, "boto_session"):
        session = description.sdk_session(boto_session=session)
    names = description.figures(config_of_job(job))
    table = TrainingJobAnalytics(job_name, names, session, period=period).dataframe()
    if not len(table):
        raise InputError(f"job {job_name} has no figures in CloudWatch yet: the first ones come with an evaluation")
    table = table.pivot(index="timestamp", columns="metric_name", values="value")
    return table.reindex(columns=[name for name in names if name in table]).reset_index(drop=True)


def plot(job_name: str, output_dir: str | os.PathLike | None = None, session=None, period: int = 60) -> pathlib.Path:
    """Draws a job's figures as those of a run are. Returns the folder, which has settings, metrics and plots."""
    from imagents import plotting

    target = pathlib.Path(output_dir or pathlib.Path("outputs") / f"{job_name}-metrics")
    table = metrics(job_name, session, period)
    target.mkdir(parents=True, exist_ok=True)
    config = config_of_job(describe(job_name, session))
    write_json(target / "config.json", config.to_dict())
    write_json(target / "measures.json", config.measures())
    table.to_csv(target / "metrics.csv", index=False)
    plotting.save_all(target, config.environment.figures())
    return target


def logs(job_name: str, session=None) -> Iterator[str]:
    """The lines that a job printed, machine by machine."""
    client = _client("logs", session)
    group = "/aws/sagemaker/TrainingJobs"
    describe(job_name, session)
    streams = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job_name}/")["logStreams"]
    for stream in streams:
        token = None
        while True:
            page = {"nextToken": token} if token else {}
            answer = client.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **page
            )
            yield from (event["message"] for event in answer["events"])
            if answer["nextForwardToken"] == token or not answer["events"]:
                break
            token = answer["nextForwardToken"]


def delete(name: str, session=None, keep_data: bool = False, tell: Callable[[str], None] = lambda line: None) -> None:
    """Leaves nothing of a job, or of an endpoint, that costs money.

    Args:
      name: a training job: it is stopped if it runs, and its endpoint, its code, model, output, checkpoints and events
        in S3 are deleted. Or an endpoint: it goes, with its configuration and its models.
      session: SageMaker's or boto3's session.
      keep_data: whether to leave what is in S3.
      tell: is told what happens.

    Raises:
      InputError: if there is neither a job nor an endpoint of that name.
    """
    client = _client("sagemaker", session)
    found = _delete_endpoint(name, client, tell)
    try:
        job = describe(name, session)
    except InputError:
        if not found:
            raise InputError(f"there is neither a job nor an endpoint {name}") from None
        return
    if job["TrainingJobStatus"] == "InProgress":
        client.stop_training_job(TrainingJobName=name)
        tell(f"stopped the job {name}")
    if keep_data:
        return
    s3 = _client("s3", session)
    for address in _addresses(job):
        bucket, prefix = split_address(address)
        keys = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
                for o in page.get("Contents", [])]  # fmt: skip
        for start in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[start : start + 1000]]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
        if keys:
            tell(f"deleted {address}: {len(keys)} files")


def _delete_endpoint(name: str, client, tell) -> bool:
    endpoints = client.list_endpoints(NameContains=name)["Endpoints"]
    if name not in [endpoint["EndpointName"] for endpoint in endpoints]:
        return False
    config = client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    variants = client.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    client.delete_endpoint(EndpointName=name)
    client.delete_endpoint_config(EndpointConfigName=config)
    for variant in variants:
        client.delete_model(ModelName=variant["ModelName"])
    tell(f"deleted the endpoint {name}, its configuration and its model")
    return True


def _addresses(job: dict) -> Iterator[str]:
    """Where in S3 a job's files are; each ends in a slash, so that no other job's files begin like it."""
    name = job["TrainingJobName"]
    yield job["OutputDataConfig"]["S3OutputPath"].rstrip("/") + f"/{name}/"
    code = _decoded(job.get("HyperParameters", {}).get("sagemaker_submit_directory", ""))
    if f"/{name}/" in code:
        yield code.partition(f"/{name}/")[0] + f"/{name}/"
    for kind, key in (("CheckpointConfig", "S3Uri"), ("TensorBoardOutputConfig", "S3OutputPath")):
        address = job.get(kind, {}).get(key, "")
        if f"/{description.BASE_JOB_NAME}" in address:  # made by us, and only for this job
            yield address.rstrip("/") + "/"


def describe(job_name: str, session=None) -> dict:
    """What SageMaker says of a training job.

    Raises:
      InputError: if there is no such job.
    """
    client = _client("sagemaker", session)
    try:
        return client.describe_training_job(TrainingJobName=job_name)
    except client.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("ValidationException", "ValidationError", "ResourceNotFound"):
            raise InputError(f"there is no job {job_name} in {client.meta.region_name}") from None
        raise


def split_address(address: str) -> tuple[str, str]:
    """Bucket and key of an s3:// address."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def _decoded(text: str) -> str:
    """Version 2 of the SDK writes text as JSON, version 3 as it is; numbers look alike."""
    try:
        return json.loads(text) if text.startswith('"') else text
    except json.JSONDecodeError:
        return text


def _client(service: str, session):
    with description.refusals():
        return description.boto_session(session).client(service)
