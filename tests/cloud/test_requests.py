"""What version 2 of SageMaker's SDK would send, compared with golden files; nothing leaves this machine."""

import io
import json
import pathlib
import tarfile

import pytest
from conftest import ROLE
from golden import check

from imagents import cli
from imagents.cloud import sagemaker as cloud
from imagents.cloud.sagemaker import description
from imagents.cloud.sagemaker.requests import kept
from imagents.config import TrainConfig
from imagents.errors import InputError

sdk = pytest.importorskip("sagemaker", minversion="2.257")
if int(sdk.__version__.partition(".")[0]) != 2:
    pytest.skip("needs version 2 of SageMaker's SDK", allow_module_level=True)
MACHINE = "ml.c5.xlarge"


@pytest.fixture(autouse=True)
def no_settings_of_the_sdk(monkeypatch):
    """There are none here, and the SDK holds that against its schema hundreds of times, a fifth of a second each."""
    monkeypatch.setattr("sagemaker.utils.validate_sagemaker_config", lambda config: None)


class Account:
    """A session of the SDK whose requests are kept."""

    def __init__(self, boto_session, requests):
        self.uploaded = []  # what went into files
        boto_session.events.register_first("before-call.s3.PutObject", self._keep_upload)
        self.session = sdk.Session(boto_session, default_bucket="bucket")
        self._requests = requests

    def _keep_upload(self, params, **_):
        self.uploaded.append(params["body"].read())

    def sent(self, operation: str) -> list:
        return [request for request in self._requests if request.operation == operation]


@pytest.fixture
def account():
    import boto3

    session = boto3.Session()
    answers = {"CreateTrainingJob": {"TrainingJobArn": "arn"}, "CreateModel": {"ModelArn": "arn"}}
    with kept(session, answers) as requests:
        yield Account(session, requests)


def estimator(account, config=None, **settings):
    config = config or TrainConfig("tic_tac_toe")
    machine = settings.pop("instance_type", MACHINE)
    return cloud.estimator(config, ROLE, machine, sagemaker_session=account.session, **settings)


def test_a_training_job(account):
    estimator(account).fit(wait=False)
    check(account.sent("CreateTrainingJob"), "training", TrainConfig("tic_tac_toe"))


def test_a_training_job_on_spot_instances_with_arguments_of_the_users(account):
    estimator(
        account,
        TrainConfig("connect_four"),
        instance_type="ml.g5.xlarge",
        instance_count=2,
        use_spot_instances=True,
        tags=[{"Key": "team", "Value": "games"}],
        metric_definitions=[{"Name": "mine", "Regex": "mine=(.*)"}],
        environment={"TF_CPP_MIN_LOG_LEVEL": "0"},
        volume_size=50,
    ).fit({"model": "s3://bucket/old/output/model.tar.gz"}, wait=False)
    check(account.sent("CreateTrainingJob"), "training-spot", TrainConfig("connect_four"))


def test_an_evaluation_job(account):
    job = cloud.evaluator(ROLE, MACHINE, games=200, sagemaker_session=account.session)
    job.fit({"model": "s3://bucket/job/output/model.tar.gz"}, wait=False)
    check(account.sent("CreateTrainingJob"), "evaluation")


def test_a_tuning_job(account):
    ranges = {"learning_rate": (1e-4, 1e-2), "hidden_layers": [(64, 64), (128, 128)], "replay_length": (16, 64)}
    cloud.tuner(estimator(account), ranges).fit(wait=False)
    check(account.sent("CreateHyperParameterTuningJob"), "tuning", TrainConfig("tic_tac_toe"))


def test_an_endpoint(account):
    model = cloud.model("s3://bucket/job/output/model.tar.gz", ROLE, sagemaker_session=account.session, name="job")
    agents = model.deploy(initial_instance_count=1, instance_type=MACHINE, endpoint_name="job", wait=False)
    assert isinstance(agents, cloud.AgentPredictor)
    sent = [r for name in ("CreateModel", "CreateEndpointConfig", "CreateEndpoint") for r in account.sent(name)]
    check(sent, "endpoint")


def test_a_job_gets_imagents_tf_agents_and_gym_in_an_archive_of_less_than_ten_megabytes(account):
    estimator(account).fit(wait=False)
    [archive] = account.uploaded
    assert 1e6 < len(archive) < 10e6
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        names = tar.getnames()
        requirements = tar.extractfile("requirements.txt").read().decode()
    for name in ("train.py", "evaluate.py", "imagents/cli.py", "tf_agents/agents/dqn/dqn_agent.py", "gym/__init__.py"):
        assert name in names
    assert not [name for name in names if name.endswith("_test.py") or "__pycache__" in name]
    assert requirements.splitlines() == description.requirements()


def test_a_job_that_is_filmed_says_where_its_videos_go(account):
    config = TrainConfig("cartpole", steps=100, record_every=10)
    filmed = cloud.estimator(config, ROLE, MACHINE, sagemaker_session=account.session)
    assert filmed.hyperparameters()["sagemaker_s3_output"].startswith('"s3://')
    assert "sagemaker_s3_output" not in estimator(account).hyperparameters()


def test_a_jobs_archive_names_the_package_that_its_environment_needs(account):
    config = TrainConfig("gymnasium:CartPole-v1", steps=100)
    folder = cloud.estimator(config, ROLE, MACHINE, sagemaker_session=account.session).source_dir
    assert "gymnasium[classic-control]" in (pathlib.Path(folder) / "requirements.txt").read_text().splitlines()


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"distribution": {"mpi": {"enabled": True}}}, "distribution: one training runs on one machine"),
        ({"instance_count": 0}, "instance_count = 0: at least 1 is needed"),
        ({"entry_point": "mine.py"}, "entry_point: imagents gives the job its own"),
        ({"hyperparameters": {"seed": 1}}, "hyperparameters: imagents gives the job its own"),
    ],
)
def test_what_a_job_cannot_do_is_refused_before_anything_is_sent(account, settings, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        estimator(account, **settings)
    assert not account.sent("CreateTrainingJob")


def test_a_tuning_job_can_choose_among_algorithms(account):
    ranges = {"algorithm": ["dqn", "c51"], "discount": (0.9, 1), "minutes": (1, 5), "seed": (0, 9)}
    tuned = cloud.tuner(estimator(account), ranges)._hyperparameter_ranges
    kinds = {name: type(found).__name__.removesuffix("Parameter") for name, found in tuned.items()}
    expected = {"algorithm": "Categorical", "discount": "Continuous", "minutes": "Continuous", "seed": "Integer"}
    assert kinds == expected and tuned["algorithm"].values == ["dqn", "c51"]


def test_a_tuning_job_names_what_it_cannot_tune(account):
    job = estimator(account)
    with pytest.raises(InputError, match="^objective = 'score': choose one of player_1_loss, "):
        cloud.tuner(job, {"seed": [1, 2]}, objective="score")
    with pytest.raises(InputError, match="^unknown setting 'speed': the settings are "):
        cloud.tuner(job, {"speed": (1, 2)})
    with pytest.raises(InputError, match=r"^learning_rate = \(1, 0\): a range is \(low, high\)"):
        cloud.tuner(job, {"learning_rate": (1, 0)})
    evaluation = cloud.evaluator(ROLE, MACHINE, sagemaker_session=account.session)
    with pytest.raises(InputError, match="^job imagents is no training of imagents"):
        cloud.tuner(evaluation, {"seed": [1, 2]})
    with pytest.raises(InputError, match="instance_count = 1"):
        cloud.tuner(estimator(account, instance_count=2), {"seed": [1, 2]})


def test_a_seed_per_machine_is_not_for_evaluations(account):
    with pytest.raises(InputError, match="^instance_count = 2: an evaluation runs on one machine"):
        cloud.evaluator(ROLE, MACHINE, instance_count=2, sagemaker_session=account.session)


def test_every_training_has_checkpoints_of_its_own(account):
    addresses = {estimator(account, TrainConfig(seed=seed)).checkpoint_s3_uri for seed in (0, 0, 1)}
    assert len(addresses) == 3


def test_a_dry_run_prints_the_exact_request(capsys):
    arguments = "--role R --bucket bucket --dry-run --instance-type ml.m5.large --steps 1000 --seed 3".split()
    arguments[1] = ROLE
    assert cli.main(["sagemaker", "train", *arguments]) == 0
    upload, request = json.loads(capsys.readouterr().out)
    assert upload["operation"] == "PutObject" and upload["body"]["path"].endswith("/source/sourcedir.tar.gz")
    assert request["operation"] == "CreateTrainingJob"
    assert request["body"]["HyperParameters"]["seed"] == "3"
    assert request["body"]["ResourceConfig"]["InstanceType"] == "ml.m5.large"
    opening_plies = TrainConfig("tic_tac_toe").environment.opening_plies
    assert request["body"]["HyperParameters"]["opening_plies"] == str(opening_plies)


def test_several_seeds_are_several_jobs(capsys):
    arguments = ["--role", ROLE, "--bucket", "bucket", "--dry-run", "--steps", "1000", "--seeds", "0", "1", "2"]
    assert cli.main(["sagemaker", "train", *arguments]) == 0
    jobs = [r["body"] for r in json.loads(capsys.readouterr().out) if r["operation"] == "CreateTrainingJob"]
    assert [job["HyperParameters"]["seed"] for job in jobs] == ["0", "1", "2"]
    assert len({job["TrainingJobName"] for job in jobs}) == 3
    assert len({job["CheckpointConfig"]["S3Uri"] for job in jobs}) == 3


def test_deploying_prints_three_requests_in_a_dry_run(capsys):
    model = "s3://bucket/job/output/model.tar.gz"
    arguments = [model, "--name", "agents", "--role", ROLE, "--bucket", "bucket", "--dry-run"]
    assert cli.main(["sagemaker", "deploy", *arguments]) == 0
    requests = json.loads(capsys.readouterr().out)
    assert [r["operation"] for r in requests] == ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
    assert requests[0]["body"]["PrimaryContainer"]["ModelDataUrl"] == model


@pytest.mark.parametrize("command", ["train", "evaluate s3://bucket/m", "deploy s3://bucket/m --name x"])
@pytest.mark.parametrize(
    "flags, region, sentence",
    [
        (["--instance-type", "abacus"], "eu-central-1", "abacus"),
        ([], "mars-1", "Unsupported region: mars-1"),
        ([], "", "Invalid endpoint"),
    ],
)
def test_what_the_sdk_refuses_is_one_sentence_and_nothing_is_sent(
    command, flags, region, sentence, capsys, monkeypatch
):
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    assert cli.main(["sagemaker", *command.split(), "--role", ROLE, "--bucket", "bucket", "--dry-run", *flags]) == 2
    out, error = capsys.readouterr()
    assert not out and sentence in error and error.count("\n") == 1


def test_a_fault_of_ours_shows_its_trace(monkeypatch):
    monkeypatch.setattr(description, "evaluation_job", lambda *_, **__: int("many"))
    with pytest.raises(ValueError, match="invalid literal"):
        cli.main(["sagemaker", "evaluate", "s3://bucket/m", "--role", ROLE, "--bucket", "bucket", "--dry-run"])
