"""The whole way, against peers that speak AWS' protocols: request, AWS' toolkit, training, the model back.

See peers.py for who plays SageMaker's part.
"""

import contextlib
import io
import json
import os
import re
import time

import numpy as np
import pytest
from conftest import ROLE

from imagents import cli
from imagents.cloud import sagemaker as cloud
from imagents.cloud.sagemaker import description, results
from imagents.config import TrainConfig
from imagents.errors import InputError
from imagents.runs.run import Run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:sagemaker")]
pytest.importorskip("sagemaker")

import environments  # noqa: E402
import peers  # noqa: E402

MACHINE = "ml.c5.xlarge"
WHERE = ["--role", ROLE, "--bucket", peers.BUCKET]
SMALL = TrainConfig(
    parallel_games=32,
    batch_size=32,
    warmup_rounds=5,
    hidden_layers=(16, 16),
    opening_plies=3,
    rounds_per_chunk=10,
    evaluate_every=2,
    steps=3000,
    execution="graph",
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    try:
        with peers.start(tmp_path_factory.mktemp("aws")) as environment:
            yield environment
    except environments.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(autouse=True)
def session(aws, no_account, monkeypatch):
    import sagemaker

    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    return sagemaker.Session(default_bucket=peers.BUCKET)


def estimator(session, config=SMALL, **settings):
    return cloud.estimator(config, ROLE, MACHINE, sagemaker_session=session, **settings)


def finished(job_name: str, session, seconds: float = 240) -> dict:
    """Waits for a job and describes it."""
    deadline = time.monotonic() + seconds
    while True:
        job = results.describe(job_name, session)
        if job["TrainingJobStatus"] != "InProgress":
            return job
        assert time.monotonic() < deadline, "\n".join(results.logs(job_name, session))
        time.sleep(0.5)


def sent(job, session, **settings) -> str:
    job.fit(wait=False, **settings)
    return job.latest_training_job.name


def log(job_name: str, session) -> str:
    return "\n".join(results.logs(job_name, session))


def measured(log: str) -> dict[int, str]:
    """The figures in a log by their rounds, but for its times."""
    return {int(n): re.sub(r" \S*second\S*=\S+", "", line) for n, line in re.findall(r"metrics round=(\d+) (.*)", log)}


def files(session, address: str) -> list[str]:
    bucket, prefix = results.split_address(address)
    found = session.boto_session.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [content["Key"].removeprefix(prefix).strip("/") for content in found.get("Contents", [])]


def copied_checkpoints(session, address: str) -> list[int]:
    """The rounds of the checkpoints in S3; the index is the last of their files to get there."""
    return [int(n) for n in re.findall(r"checkpoints/(\d+)/state.index", " ".join(files(session, address)))]


def printed(*arguments: str) -> str:
    """What `imagents` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert cli.main(list(arguments)) == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def trained(aws, tmp_path_factory):
    """A job from `estimator` to a move of the fetched model: its name, its run folder, its address and its seconds."""
    import sagemaker

    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.items():
            patch.setenv(name, value)
        session = sagemaker.Session(default_bucket=peers.BUCKET)
        began = time.monotonic()
        job = estimator(session)
        name = sent(job, session)
        described = finished(name, session)
        assert described["TrainingJobStatus"] == "Completed", log(name, session)
        run = cloud.fetch(name, tmp_path_factory.mktemp("fetched") / "run", session)
        player = load_player(run)
        assert 0 <= opening_move(player) < 9
        return {
            "name": name,
            "run": run,
            "model": described["ModelArtifacts"]["S3ModelArtifacts"],
            "checkpoints": job.checkpoint_s3_uri,
            "events": job.tensorboard_output_config.s3_output_path,
            "seconds": time.monotonic() - began,
        }


def load_player(run):
    import imagents

    return imagents.load_player(run)


def opening_move(player) -> int:
    from imagents.environments.boards.environment import time_step_at
    from imagents.environments.boards.games import TIC_TAC_TOE

    return int(player.choose(time_step_at(TIC_TAC_TOE, np.zeros([1, 3, 3], np.int32), 0))[0])


def test_from_estimator_to_a_move_of_the_fetched_model_takes_less_than_three_minutes(trained):
    assert trained["seconds"] < 180


def test_the_fetched_model_is_an_ordinary_run_folder(trained):
    run = Run(trained["run"])
    assert run.config == SMALL
    assert run.metrics()["steps"].iloc[-1] >= SMALL.training.steps
    assert (run.path / "plots" / "strength.png").exists()
    assert {path.name for path in (run.path / "export").iterdir()} == {"player_1", "player_2"}
    assert "optimal moves" in printed("evaluate", str(run.path), "--games", "20")
    assert "won" in printed("evaluate", str(run.path / "export" / "player_2"), "--games", "20")


def test_it_goes_on_from_there_on_this_machine(trained, tmp_path):
    """The job ran in another Python, with the packages of AWS' image."""
    import shutil

    shutil.copytree(trained["run"], tmp_path / "run")
    printed("train", "--resume", str(tmp_path / "run"), "--steps", "4000")
    assert Run(tmp_path / "run").metrics()["steps"].iloc[-1] >= 4000


def test_every_printed_figure_is_found_by_its_definition(trained, session):
    lines = [line for line in log(trained["name"], session).splitlines() if line.startswith("metrics ")]
    assert len(lines) >= 2
    names = set(re.findall(r"(\w+)=", " ".join(lines)))
    assert names == {definition["Name"] for definition in description.metric_definitions(SMALL)}
    metrics = Run(trained["run"]).metrics()
    assert names == set(metrics.columns)
    last = dict(pair.split("=") for pair in lines[-1].split()[1:])
    assert float(last["player_1_optimal"]) == pytest.approx(metrics["player_1_optimal"].iloc[-1], rel=1e-5)


def test_a_healthy_log_has_no_line_that_looks_like_an_exception(trained, session):
    """The toolkit would take it for the reason of a failure."""
    ours = log(trained["name"], session).partition("training in ")[2]
    assert not re.findall(r"\w*(?:Error|Exception|Warning)\b", ours)


def test_a_job_leaves_checkpoints_events_and_results_in_s3(trained, session):
    assert "imagents/run/config.json" in files(session, trained["checkpoints"])
    output = trained["model"].replace("model.tar.gz", "output.tar.gz")
    assert files(session, output) == [""]


def test_the_figures_come_back_from_cloudwatch_as_a_runs_plots(trained, session, tmp_path):
    table = cloud.metrics(trained["name"], session, period=1)
    assert {"steps", "player_1_loss", "player_2_optimal", "steps_per_second"} <= set(table.columns)
    assert f"done: {tmp_path / 'plots'}" in printed(
        "sagemaker", "plot", trained["name"], "--output-dir", str(tmp_path / "plots"), "--period", "1"
    )
    drawn = {path.name for path in (tmp_path / "plots" / "plots").iterdir()}
    assert drawn == {"losses.png", "returns.png", "outcomes.png", "strength.png"}


def test_a_second_job_evaluates_the_model_of_the_first(trained, session, tmp_path):
    printed_name = printed(
        "sagemaker", "evaluate", trained["name"], "--role", ROLE, "--bucket", peers.BUCKET, "--games", "50"
    )
    name = re.search(r"sent: (\S+)", printed_name)[1]
    assert finished(name, session)["TrainingJobStatus"] == "Completed", log(name, session)
    lines = printed("sagemaker", "logs", name)
    assert "of 4520 positions" in lines and " player_1_optimal=" in lines and " player_1_random_first=" in lines
    printed("sagemaker", "fetch", name, "--output-dir", str(tmp_path / "report"))
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    here = json.loads(printed("evaluate", str(trained["run"]), "--games", "50", "--json"))
    for agent in ("player_1", "player_2"):
        assert report["agents"][agent]["exact"] == here["agents"][agent]["exact"]


def test_an_endpoint_answers_boards_with_the_agents_moves(trained, session):
    from imagents.environments.boards.environment import time_step_at
    from imagents.environments.boards.games import TIC_TAC_TOE
    from imagents.export.reading import ExportedAgent

    printed("sagemaker", "deploy", trained["name"], "--role", ROLE, "--bucket", peers.BUCKET, "--name", "agents")
    agents = cloud.predictor("agents", session)
    boards = np.array([[[0, 0, 0], [0, 0, 0], [0, 0, 0]], [[1, 2, 0], [0, 0, 0], [0, 0, 0]]], np.int32)
    for seat, name in enumerate(("player_1", "player_2")):
        policy = ExportedAgent(trained["run"] / "export" / name).policy
        expected = policy.action(time_step_at(TIC_TAC_TOE, boards, seat)).action.numpy()
        np.testing.assert_array_equal(agents.move(boards, name), expected)
    assert agents.move(boards[0]) == agents.move(boards, "player_1")[0]  # the default agent; one board, one move
    assert agents.move([[1, 1, 1], [2, 2, 0], [0, 0, 0]]) == -1
    assert set(agents.ask(boards)[0]) == {"action", "legal_actions", "probabilities", "q_values"}
    with pytest.raises(Exception, match="nobody"):
        agents.move(boards, "nobody")
    assert "deleted the endpoint agents" in printed("sagemaker", "delete", "agents")
    assert not session.sagemaker_client.list_endpoints()["Endpoints"]
    assert not session.sagemaker_client.list_models()["Models"]


def test_a_spot_instance_that_is_taken_away_goes_on_from_its_checkpoints(session, tmp_path):
    config = SMALL.replace(steps=60_000, checkpoint_minutes=0.01)
    job = estimator(session, config, use_spot_instances=True)
    name = sent(job, session)
    while not any(round > 20 for round in copied_checkpoints(session, job.checkpoint_s3_uri)):
        assert results.describe(name, session)["TrainingJobStatus"] == "InProgress", log(name, session)
        time.sleep(0.1)
    peers.interrupt(name)
    assert finished(name, session)["TrainingJobStatus"] == "Completed", log(name, session)
    rounds = [int(n) for n in re.findall(r"metrics round=(\d+)", log(name, session))]
    assert log(name, session).count("training in ") == 2
    first, second = (measured(part) for part in log(name, session).split("training in ")[1:])
    assert min(second) > 20  # it did not begin again
    repeated = first.keys() & second.keys()
    assert repeated and all(first[n] == second[n] for n in repeated)  # trained twice, and the same
    run = Run(cloud.fetch(name, tmp_path / "run", session))
    assert run.metrics()["steps"].iloc[-1] >= 60_000 and max(rounds) == run.metrics()["round"].iloc[-1]


def test_a_bad_hyperparameter_fails_the_job_with_one_sentence(session, tmp_path):
    job = estimator(session)
    job.set_hyperparameters(batch_size=-5)
    name = sent(job, session)
    described = finished(name, session)
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"] == "batch_size = -5: at least 1 is needed"
    with pytest.raises(InputError, match="failed: batch_size = -5: at least 1 is needed"):
        cloud.fetch(name, tmp_path / "run", session)
    assert not (tmp_path / "run").exists()


def test_two_machines_train_a_seed_each(session, tmp_path):
    name = sent(estimator(session, instance_count=2), session)
    assert finished(name, session)["TrainingJobStatus"] == "Completed", log(name, session)
    folder = cloud.fetch(name, tmp_path / "runs", session)
    assert sorted(path.name for path in folder.iterdir()) == ["algo-1", "algo-2"]
    runs = [Run(folder / f"algo-{i}") for i in (1, 2)]
    assert [run.config.training.seed for run in runs] == [0, 1]
    assert not runs[0].metrics()["player_1_loss"].equals(runs[1].metrics()["player_1_loss"])
    for run in runs:
        assert {path.name for path in (run.path / "export").iterdir()} == {"player_1", "player_2"}
        assert 0 <= opening_move(load_player(run.path)) < 9


def test_a_training_goes_on_in_another_job_against_an_opponent_from_a_third(trained, session, tmp_path):
    more = SMALL.replace(steps=4000)
    name = sent(estimator(session, more), session, inputs={"model": trained["model"]})
    rival = SMALL.replace(opponent="channel:rival")
    other = sent(estimator(session, rival), session, inputs={"rival": trained["model"]})
    for each in (name, other):
        assert finished(each, session)["TrainingJobStatus"] == "Completed", log(each, session)
    longer = Run(cloud.fetch(name, tmp_path / "longer", session)).metrics()
    before = Run(trained["run"]).metrics()
    assert longer["steps"].iloc[-1] >= 4000 and len(longer) > len(before)
    assert longer["player_1_loss"].iloc[: len(before)].equals(before["player_1_loss"])
    assert Run(cloud.fetch(other, tmp_path / "other", session)).metrics()["steps"].iloc[-1] >= SMALL.training.steps


def test_unitys_basic_goes_the_whole_way_from_a_training_channel(session, tmp_path):
    """The build lies in S3, which has forgotten that it may be executed; it draws nothing, so there are no videos."""
    import builds

    address = f"s3://{peers.BUCKET}/games/basic"
    session.boto_session.client("s3").upload_file(builds.build(tmp_path), peers.BUCKET, "games/basic/game.x86_64")
    channel, own_id = ["--channels", f"game={address}"], "unity:channel:game"
    said = printed("sagemaker", "train", "--environment", own_id, "--steps", "5000", *WHERE, *channel)
    name = re.search(r"sent: (\S+)", said)[1]
    assert finished(name, session)["TrainingJobStatus"] == "Completed", log(name, session)
    run = _plotted_evaluated_and_fetched(name, TrainConfig(own_id), channel, session, tmp_path)
    assert run.metrics()["player_1_mean_return"].max() == pytest.approx(0.93)
    here = f"unity:{tmp_path / 'game.x86_64'}"
    assert "mean return 0.93" in printed("evaluate", str(run.path), "--games", "4", "--environment", here)
    shown = {"view": np.eye(20, dtype=np.float32)[:8], "legal_moves": np.ones([8, 3], bool)}  # Basic's places, one-hot
    _served_and_deleted(name, run, shown, session)


def test_videos_are_in_s3_while_a_training_goes_on(session):
    job = estimator(session, TrainConfig("cartpole", steps=10**9, record_every=20_000, execution="graph"))
    name, deadline = sent(job, session), time.monotonic() + 240
    while not (found := files(session, f"s3://{peers.BUCKET}/{name}/output/intermediate")):
        assert time.monotonic() < deadline and results.describe(name, session)["TrainingJobStatus"] == "InProgress"
        time.sleep(0.5)
    printed("sagemaker", "delete", name)
    assert found[0].endswith(".gif")
    finished(name, session)


def test_the_cart_pole_of_gymnasium_goes_the_whole_way(session, tmp_path):
    """Trained by a job whose videos are in S3 while it runs, plotted, evaluated, asked for actions, and deleted."""
    import gymnasium

    own_id = "gymnasium:CartPole-v1"
    config = TrainConfig(own_id, steps=60_000, record_every=4_000, checkpoint_minutes=0.05)
    job = estimator(session, config)
    name, deadline = sent(job, session), time.monotonic() + 400
    while not (found := files(session, f"s3://{peers.BUCKET}/{name}/output/intermediate")):
        assert time.monotonic() < deadline and results.describe(name, session)["TrainingJobStatus"] == "InProgress"
        time.sleep(0.5)
    assert results.describe(name, session)["TrainingJobStatus"] == "InProgress" and found[0].endswith(".gif")
    assert finished(name, session, 400)["TrainingJobStatus"] == "Completed", log(name, session)
    run = _plotted_evaluated_and_fetched(name, config, [], session, tmp_path)
    assert 0 < len([*(run.path / "videos").glob("*.gif")]) <= 10
    space = gymnasium.make("CartPole-v1").observation_space
    views = np.clip(np.array([space.sample() for _ in range(8)]), -2.0, 2.0)
    _served_and_deleted(name, run, views, session)
    assert not files(session, job.checkpoint_s3_uri)


def _plotted_evaluated_and_fetched(name, config, words, session, tmp_path):
    """What follows a job of any environment: its metrics and their figures, a second job that evaluates, its run."""
    lines = [line for line in log(name, session).splitlines() if line.startswith("metrics ")]
    names = {definition["Name"] for definition in description.metric_definitions(config)}
    assert set(re.findall(r"(\w+)=", " ".join(lines))) == names
    printed("sagemaker", "plot", name, "--output-dir", str(tmp_path / "plots"), "--period", "1")
    assert (tmp_path / "plots" / "plots" / "returns.png").exists()
    own_id = config.environment.name
    said = printed("sagemaker", "evaluate", name, "--games", "20", "--environment", own_id, *WHERE, *words)
    evaluation = re.search(r"sent: (\S+)", said)[1]
    assert finished(evaluation, session)["TrainingJobStatus"] == "Completed", log(evaluation, session)
    assert re.search(r"mean return \d", log(evaluation, session))
    return Run(cloud.fetch(name, tmp_path / "run", session))


def _served_and_deleted(name, run, shown, session):
    """An endpoint takes the actions that the fetched agent takes; then nothing is left of it, nor of the job."""
    import tensorflow as tf

    printed("sagemaker", "deploy", name, "--name", "some-agent", *WHERE)
    answers = cloud.predictor("some-agent", session).ask(shown)
    (path,) = (run.path / "export" / "player_1").rglob("saved_model.pb")
    model = tf.saved_model.load(path.parent).signatures["serving_default"]
    inputs = shown if isinstance(shown, dict) else {"view": shown.astype(np.float32)}
    assert [answer["action"] for answer in answers] == model(**inputs)["action"].numpy().tolist()
    printed("sagemaker", "delete", "some-agent")
    printed("sagemaker", "delete", name)
    assert not session.sagemaker_client.list_endpoints()["Endpoints"]
    assert not files(session, f"s3://{peers.BUCKET}/{name}/")


def test_delete_stops_a_job_and_leaves_nothing_of_it(session):
    job = estimator(session, SMALL.replace(steps=10**9))
    name = sent(job, session)
    deadline = time.monotonic() + 120
    while "metrics round" not in log(name, session) and time.monotonic() < deadline:
        time.sleep(0.5)
    cli_output = printed("sagemaker", "delete", name, "--dry-run")
    assert "StopTrainingJob" in cli_output and results.describe(name, session)["TrainingJobStatus"] == "InProgress"
    assert f"stopped the job {name}" in printed("sagemaker", "delete", name)
    assert finished(name, session)["TrainingJobStatus"] == "Stopped"
    printed("sagemaker", "delete", name)  # what it had still to bring to S3 when it was stopped
    assert not files(session, f"s3://{peers.BUCKET}/{name}/") + files(session, job.checkpoint_s3_uri)


def test_a_job_without_a_network_has_everything_in_its_archive(session, monkeypatch):
    job = estimator(session, enable_network_isolation=True)
    assert not os.path.exists(os.path.join(job.source_dir, "requirements.txt"))
    name = sent(job, session)
    assert finished(name, session)["TrainingJobStatus"] == "Completed", log(name, session)
    assert peers.requests(name)["EnableNetworkIsolation"] is True
    assert "Looking in" not in log(name, session)  # pip was not asked for anything


@pytest.mark.parametrize("command", ["fetch", "logs", "plot", "delete"])
def test_a_job_that_is_not_there_is_named_in_one_sentence(command, capsys):
    assert cli.main(["sagemaker", command, "nobodys-job"]) == 2
    error = capsys.readouterr().err
    assert "nobodys-job" in error and error.count("\n") == 1
