"""What version 3 of SageMaker's SDK would send: the same job. For the environment that has it, `make test-latest`."""

import importlib.metadata
import json
import pathlib

import pytest
from conftest import ROLE
from golden import FOLDER, check

from imagents.cloud import sagemaker as cloud
from imagents.cloud.sagemaker.requests import kept
from imagents.config import TrainConfig
from imagents.errors import InputError

try:
    is_version_3 = importlib.metadata.version("sagemaker").startswith("3.")
except importlib.metadata.PackageNotFoundError:
    is_version_3 = False
needs_version_3 = pytest.mark.skipif(not is_version_3, reason="needs version 3 of SageMaker's SDK")
# Its own modules provoke warnings of pydantic and of others that it uses.
pytestmark = pytest.mark.filterwarnings("ignore")


@needs_version_3
def test_a_training_job(monkeypatch):
    import boto3
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.train import defaults

    # It would ask IAM whether the role is there.
    monkeypatch.setattr(defaults, "resolve_and_validate_role", lambda provided_role, **_: provided_role)
    session = boto3.Session()
    arn = "arn:aws:sagemaker:eu-central-1:123456789012:training-job/job"
    answers = {"CreateTrainingJob": {"TrainingJobArn": arn}, "DescribeTrainingJob": {"TrainingJobName": "job"}}
    with kept(session, answers) as requests:
        trainer = cloud.model_trainer(
            TrainConfig("tic_tac_toe"), ROLE, "ml.c5.xlarge",
            sagemaker_session=Session(boto_session=session, default_bucket="bucket"),
        )  # fmt: skip
        source = pathlib.Path(trainer.source_code.source_dir)
        trainer.train(wait=False)
    sent = [request for request in requests if request.operation == "CreateTrainingJob"]
    check(sent, "training-v3", TrainConfig("tic_tac_toe"))
    assert {"train.py", "requirements.txt", "imagents", "tf_agents", "gym"} <= {path.name for path in source.iterdir()}


@needs_version_3
def test_version_2s_estimator_says_what_to_use_instead():
    with pytest.raises(InputError, match=r"SDK is version 3\.\S+ here, and this needs 2: .*model_trainer works with"):
        cloud.estimator(TrainConfig("tic_tac_toe"), ROLE, "ml.c5.xlarge")


@pytest.mark.skipif(is_version_3, reason="is for where version 3 is not installed")
def test_without_version_3_one_sentence_says_what_to_install():
    with pytest.raises(InputError, match="pip install 'sagemaker>=3'"):
        cloud.model_trainer(TrainConfig("tic_tac_toe"), ROLE, "ml.c5.xlarge")


def test_both_versions_send_the_same_job():
    """Told by the golden files: what differs is how each version packs it."""

    def body(name):
        [request] = json.loads((FOLDER / f"{name}.txt").read_text().partition("\n")[2])
        return request["body"]

    old, new = body("training"), body("training-v3")
    assert {name for name in old["HyperParameters"] if not name.startswith("sagemaker_")} == {"model_dir"}
    assert new["HyperParameters"] == {}  # the settings, which both check
    old_figures, new_figures = (b["AlgorithmSpecification"]["MetricDefinitions"] for b in (old, new))
    assert new_figures == old_figures
    assert new["StoppingCondition"] == old["StoppingCondition"]
    assert new["AlgorithmSpecification"]["TrainingImage"].endswith("tensorflow-training:2.21-cpu-py312")
    assert new["CheckpointConfig"]["S3Uri"].endswith("/checkpoints")
