"""A training writes a run folder, repeats with its seed, and can be stopped and resumed bit for bit."""

import dataclasses
import json
import signal

import numpy as np
import pandas as pd
import pytest
from tensorflow.python.summary.summary_iterator import summary_iterator

from imagents.config import TrainConfig
from imagents.runs.run import Run, load_run
from imagents.training.experiment import Experiment, train

SMALL = TrainConfig(
    parallel_games=32,
    batch_size=32,
    warmup_rounds=5,
    hidden_layers=(16,),
    opening_plies=3,
    rounds_per_chunk=10,
    evaluate_every=2,
    plies=3000,
    execution="graph",  # compiles sooner; test_training has XLA repeat and restore bit for bit
)


def timeless(run: Run) -> pd.DataFrame:
    return run.metrics().drop(columns=["seconds", "plies_per_second"])


def weights(path):
    return [v.numpy() for agent in load_run(path).agents for v in agent.learner._q_network.variables]


def stop_after(experiment: Experiment, chunks: int, number=signal.SIGINT) -> None:
    """Sends the process a signal while that chunk is under way."""
    run_chunk, seen = experiment.trainer.run, []

    def run(num_rounds):
        seen.append(num_rounds)
        if len(seen) == chunks:
            signal.raise_signal(number)
        return run_chunk(num_rounds)

    experiment.trainer.run = run


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    return train(SMALL, tmp_path_factory.mktemp("runs") / "finished", quiet=True)


def test_a_run_folder_holds_settings_metrics_checkpoint_evaluation_and_plots(finished):
    assert TrainConfig.from_dict(finished.config.to_dict()) == SMALL
    settings = json.loads((finished.path / "config.json").read_text())
    assert settings["game"] == "tic_tac_toe" and settings["versions"]["tensorflow"]
    assert sorted(p.name for p in (finished.path / "plots").iterdir()) == [
        "losses.png",
        "outcomes.png",
        "returns.png",
        "strength.png",
    ]
    evaluation = json.loads((finished.path / "evaluation.json").read_text())
    assert set(evaluation["agents"]) == {"player_1", "player_2"}
    assert 0.3 < evaluation["agents"]["player_1"]["optimal_share"] < 1
    assert [path.name for path in finished.checkpoints()] == ["0000000000", "0000000060"]  # the beginning and the end
    assert not list(finished.path.rglob("*.writing*"))


def test_metrics_have_a_row_per_chunk_and_the_budget_ends_the_training(finished):
    metrics = finished.metrics()
    assert metrics["round"].tolist() == [10 * (i + 1) for i in range(len(metrics))]
    assert metrics["plies"].iloc[-2] < SMALL.plies <= metrics["plies"].iloc[-1]
    assert metrics["plies"].is_monotonic_increasing and metrics["seconds"].is_monotonic_increasing
    evaluated = metrics["player_1_optimal"].notna().tolist()
    assert evaluated == [i % 2 == 1 or i == len(metrics) - 1 for i in range(len(metrics))]


def test_tensorboard_gets_the_same_figures(finished):
    (file,) = (finished.path / "events").iterdir()
    losses = [
        (event.step, float(np.frombuffer(value.tensor.tensor_content, np.float32)[0]))
        for event in summary_iterator(str(file))
        for value in event.summary.value
        if value.tag == "player_1_loss"
    ]
    metrics = finished.metrics().dropna(subset=["player_1_loss"])
    assert [step for step, _ in losses] == metrics["plies"].tolist()
    np.testing.assert_allclose([loss for _, loss in losses], metrics["player_1_loss"], rtol=1e-6)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(finished, tmp_path):
    again = train(SMALL, tmp_path / "again", quiet=True)
    pd.testing.assert_frame_equal(timeless(finished), timeless(again))
    for x, y in zip(weights(finished.path), weights(again.path), strict=True):
        np.testing.assert_array_equal(x, y)
    other = train(dataclasses.replace(SMALL, seed=1), tmp_path / "other", quiet=True)
    assert not timeless(finished).equals(timeless(other))


def test_stopped_twice_and_resumed_equals_uninterrupted(finished, tmp_path):
    experiment = Experiment(SMALL, tmp_path / "run")
    for number, rounds in ((signal.SIGINT, [10, 20]), (signal.SIGTERM, [10, 20, 30, 40])):
        stop_after(experiment, 2, number)
        stopped = experiment.run(quiet=True)
        assert experiment.stopped_by == number
        assert stopped.metrics()["round"].tolist() == rounds
        assert not (stopped.path / "evaluation.json").exists()
        experiment = Experiment(TrainConfig(), resume=stopped.path)
    resumed = experiment.run(quiet=True)
    pd.testing.assert_frame_equal(timeless(finished), timeless(resumed))
    for x, y in zip(weights(finished.path), weights(resumed.path), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_killed_run_resumes_from_its_newest_checkpoint(finished, tmp_path):
    """Rows that were logged after the checkpoint, and half a row, come again."""
    experiment = Experiment(SMALL, tmp_path / "run")
    stop_after(experiment, 2)
    run = experiment.run(quiet=True)
    with (run.path / "metrics.csv").open("a") as file:
        file.write((run.path / "metrics.csv").read_text().splitlines()[-1].replace("20,", "30,", 1) + "\n40,12")
    (run.path / "checkpoints" / ".writing").mkdir()
    resumed = train(TrainConfig(), resume=run.path, quiet=True)
    pd.testing.assert_frame_equal(timeless(finished), timeless(resumed))


def test_a_finished_run_goes_on_with_a_new_budget(finished, tmp_path):
    run = train(dataclasses.replace(SMALL, plies=1000), tmp_path / "run", quiet=True)
    rows = len(run.metrics())
    longer = train(TrainConfig(plies=2000), resume=run.path, quiet=True)
    assert len(longer.metrics()) > rows
    assert longer.config == dataclasses.replace(SMALL, plies=2000)
    assert Run(run.path).config.plies == 2000


def test_a_budget_of_minutes_ends_the_training(tmp_path):
    config = dataclasses.replace(SMALL, plies=None, minutes=0.02)
    run = train(config, tmp_path / "run", quiet=True)
    seconds = run.metrics()["seconds"]
    assert seconds.iloc[-1] >= 1.2
    assert (seconds.iloc[:-1] < 1.2).all()


def test_the_learning_rate_falls_in_a_line_from_its_start_to_its_end(tmp_path):
    config = dataclasses.replace(SMALL, learning_rate=1e-2, final_learning_rate=2e-3)
    experiment = Experiment(config, tmp_path / "run")
    run = experiment.run(quiet=True)
    plies_before_the_last_chunk = run.metrics()["plies"].iloc[-2]
    for agent in experiment.trainer.agents:
        rate = float(agent.optimizer.learning_rate)
        assert rate == pytest.approx(1e-2 - 8e-3 * plies_before_the_last_chunk / config.plies)


def test_connect_four_trains_by_the_same_command_with_another_name(tmp_path):
    run = train(dataclasses.replace(SMALL, game="connect_four"), tmp_path / "run", quiet=True)
    metrics = run.metrics()
    assert metrics["player_1_random_first"].iloc[-1] > 0.2
    assert metrics["plies"].iloc[-1] / metrics["games"].iloc[-1] > 7


def damage_bytes(run: Run):
    path = next(run.checkpoints()[-1].glob("state.data*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate_index(run: Run):
    path = run.checkpoints()[-1] / "state.index"
    path.write_bytes(path.read_bytes()[:-10])


def lose_manifest(run: Run):
    (run.checkpoints()[-1] / "manifest.json").unlink()


@pytest.mark.parametrize("damage", [damage_bytes, truncate_index, lose_manifest])
def test_a_damaged_checkpoint_is_refused_and_nothing_is_lost(tmp_path, eagerly, damage):
    run = train(dataclasses.replace(SMALL, plies=500), tmp_path / "run", quiet=True)
    metrics = (run.path / "metrics.csv").read_text()
    damage(run)
    sentence = r"the checkpoint .*run/checkpoints/00000000.0 is damaged: remove it to go on from 0000000000"
    with pytest.raises(ValueError, match=sentence):
        Experiment(TrainConfig(plies=10_000), resume=run.path)
    assert (run.path / "metrics.csv").read_text() == metrics
    assert Run(run.path).config.plies == 500


def test_an_older_sound_checkpoint_is_offered(tmp_path, eagerly):
    run = train(dataclasses.replace(SMALL, plies=500), tmp_path / "run", quiet=True)
    run = train(TrainConfig(plies=1000), resume=run.path, quiet=True)
    older, newest = run.checkpoints()
    damage_bytes(run)
    with pytest.raises(ValueError, match=f"{newest} is damaged: remove it to go on from {older.name}"):
        Experiment(TrainConfig(), resume=run.path)


@pytest.mark.parametrize(
    "prepare, sentence",
    [
        (lambda p: None, "nowhere is not a run folder: it has no config.json"),
        (lambda p: p.mkdir(), "nowhere is not a run folder: it has no config.json"),
        (lambda p: (p.mkdir(), (p / "config.json").write_text("{")), "config.json is damaged"),
        (lambda p: (p.mkdir(), (p / "config.json").write_text('{"gmae": 1}')), "unknown setting 'gmae'"),
        (
            lambda p: (p.mkdir(), (p / "config.json").write_text("{}"), (p / "metrics.csv").write_text("round\n10\n")),
            "nowhere holds no checkpoint to go on from",
        ),
    ],
)
def test_a_folder_that_cannot_be_resumed_is_named(tmp_path, prepare, sentence):
    path = tmp_path / "nowhere"
    prepare(path)
    with pytest.raises(ValueError, match=sentence):
        Experiment(TrainConfig(), resume=path)


def test_an_output_folder_with_something_in_it_is_left_alone(finished, tmp_path):
    before = sorted(finished.path.rglob("*"))
    with pytest.raises(ValueError, match="finished is not empty: choose a new folder, or go on with --resume"):
        Experiment(SMALL, finished.path)
    assert sorted(finished.path.rglob("*")) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="file is a file: choose a new folder"):
        Experiment(SMALL, tmp_path / "file")
    with pytest.raises(ValueError, match="run cannot be written: .*file does not let you"):
        Experiment(SMALL, tmp_path / "file" / "run")


def test_nothing_is_written_for_settings_that_do_not_work(tmp_path):
    with pytest.raises(ValueError, match="unknown game 'chess'"):
        Experiment(TrainConfig(game="chess"), tmp_path / "run")
    with pytest.raises(ValueError, match="exclude each other"):
        Experiment(SMALL, tmp_path / "run", resume=tmp_path)
    assert not list(tmp_path.iterdir())
