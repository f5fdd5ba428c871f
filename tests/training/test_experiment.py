"""A training writes a run folder, repeats with its seed, and can be stopped and resumed bit for bit."""

import json
import os
import shutil
import signal
import time

import numpy as np
import pandas as pd
import pytest
from small import small_config, stop_after, timeless, untrained_run
from tensorflow.python.summary.summary_iterator import summary_iterator

import imagents
from imagents import InputError, cli
from imagents.config import TrainConfig
from imagents.runs.run import Run
from imagents.runs.snapshots import snapshots
from imagents.training import stopwatch
from imagents.training.experiment import Experiment, train
from imagents.training.loop import load_run

SMALL = small_config(
    parallel_games=32,
    batch_size=32,
    warmup_rounds=5,
    learning_rate=1e-2,
    final_learning_rate=2e-3,
    opening_plies=3,
    rounds_per_chunk=10,
    evaluate_every=2,
    steps=3000,
    execution="graph",  # compiles sooner; test_loop has XLA repeat and restore bit for bit
)


def weights(path):
    return [v.numpy() for agent in load_run(path).agents for v in agent.algorithm._q_network.variables]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    return train(SMALL, tmp_path_factory.mktemp("runs") / "finished", quiet=True)


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Run:
    """A run of two chunks; to be copied before it is changed."""
    return train(small_config(steps=110), tmp_path_factory.mktemp("runs") / "short", quiet=True)


@pytest.fixture
def run(short, tmp_path) -> Run:
    """A copy of it."""
    return Run(shutil.copytree(short.path, tmp_path / "run"))


def test_a_run_folder_holds_settings_metrics_checkpoint_evaluation_and_plots(finished):
    settings = json.loads((finished.path / "config.json").read_text())
    assert settings.pop("versions").keys() == {"imagents", "tensorflow"}
    assert os.path.samefile(finished.path / settings.pop("began_in"), ".")
    assert TrainConfig(**settings) == finished.config == SMALL and settings == SMALL.to_dict()
    assert sorted(p.name for p in (finished.path / "plots").iterdir()) == [
        "losses.png",
        "outcomes.png",
        "returns.png",
        "strength.png",
    ]
    assert [path.name for path in finished.checkpoints()] == ["0000000000", "0000000050"]  # the beginning and the end
    assert not list(finished.path.rglob("*.writing*"))


def test_measures_json_says_what_measures_the_agents(finished):
    measures = json.loads((finished.path / "measures.json").read_text())
    assert measures == SMALL.measures() and list(measures) == ["optimal", "losing_first", "losing_second"]


def test_evaluation_json_has_each_measure_of_each_agent_as_it_was_at_the_end(finished):
    evaluation = json.loads((finished.path / "evaluation.json").read_text())
    assert evaluation["policy"] == "greedy"
    last = finished.metrics().iloc[-1]
    assert list(evaluation) == ["round", "steps", "episodes", "seconds", "policy", "checkpoint", "agents"]
    assert evaluation["checkpoint"] == evaluation["round"]
    assert all(evaluation[name] == last[name] for name in ("round", "steps", "episodes", "seconds"))
    assert list(evaluation["agents"]) == SMALL.agent_names == ["player_1", "player_2"]
    for agent, values in evaluation["agents"].items():
        assert {*values} == {*SMALL.measures(), "exact"}
        assert all(values[name] == last[f"{agent}_{name}"] for name in SMALL.measures())
        assert 0.3 < values["optimal"] == values["exact"]["optimal_share"] < 1


def test_metrics_csv_has_the_progress_what_agents_learn_how_episodes_end_and_the_measures(finished):
    header = (finished.path / "metrics.csv").read_text().splitlines()[0].split(",")
    assert header == [
        "round", "steps", "episodes", "seconds", "steps_per_second",
        "player_1_loss", "player_1_return", "player_1_own_return",
        "player_2_loss", "player_2_return", "player_2_own_return",
        "player_1_wins", "player_2_wins", "draws", "illegal",
        "player_1_optimal", "player_1_losing_first", "player_1_losing_second",
        "player_2_optimal", "player_2_losing_first", "player_2_losing_second",
    ]  # fmt: skip


def test_a_run_can_be_loaded_to_go_on_by_hand(finished):
    assert repr(finished) == f"<Run {finished.path}: tic_tac_toe>"
    trainer = imagents.load_run(finished.path)
    last = finished.metrics().iloc[-1]
    assert [int(x) for x in (trainer.rounds, trainer.steps)] == [last["round"], last["steps"]]
    assert [agent.name for agent in trainer.agents] == SMALL.agent_names
    assert all(agent.replay_buffer.num_frames() > 0 for agent in trainer.agents)
    assert all(np.isfinite(value) for value in trainer.run(1).values())
    assert int(trainer.rounds) == last["round"] + 1


def test_metrics_have_a_row_per_chunk_and_the_budget_ends_the_training(finished):
    metrics = finished.metrics()
    assert metrics["round"].tolist() == [10 * i for i in range(len(metrics))]
    assert metrics["steps"].iloc[-2] < SMALL.training.steps <= metrics["steps"].iloc[-1]
    assert metrics["steps"].is_monotonic_increasing and metrics["seconds"].is_monotonic_increasing
    evaluated = metrics["player_1_optimal"].notna().tolist()
    # The untrained agents, and after 1 chunk; then after every second chunk, as the settings say, and the last.
    assert evaluated == [i < 2 or i % 2 == 0 or i == len(metrics) - 1 for i in range(len(metrics))]
    known = [column for column in metrics if column.rpartition("_")[2] not in ("first", "second", "optimal")]
    assert metrics[known].iloc[0].dropna().to_dict() == {"round": 0, "steps": 0, "episodes": 0, "seconds": 0}


def test_a_budget_in_steps_ends_with_the_round_that_spends_it_and_no_chunk_is_much_shorter(tmp_path):
    config = small_config("climbing", algorithm="tabular", rounds_per_chunk=100, steps=8 * 230)
    run = train(config, tmp_path / "run", quiet=True)  # of 16 games of one step, half begin anew in a round
    assert run.metrics()["steps"].tolist() == [0, 800, 1840]
    train(resume=run.path, steps=8 * 460, quiet=True)
    assert run.metrics()["round"].tolist() == [0, 100, 230, 300, 400, 460]
    assert [path.stem for path in snapshots(run.path)] == [f"{rounds:010d}" for rounds in (0, 100, 230, 300, 400)]


def test_tensorboard_gets_the_same_figures(finished):
    (file,) = (finished.path / "events").iterdir()
    losses = [
        (event.step, float(np.frombuffer(value.tensor.tensor_content, np.float32)[0]))
        for event in summary_iterator(str(file))
        for value in event.summary.value
        if value.tag == "loss/player_1"
    ]
    metrics = finished.metrics().dropna(subset=["player_1_loss"])
    assert [step for step, _ in losses] == metrics["steps"].tolist()
    np.testing.assert_allclose([loss for _, loss in losses], metrics["player_1_loss"], rtol=1e-6)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(finished, tmp_path):
    again = train(SMALL, tmp_path / "again", quiet=True)
    pd.testing.assert_frame_equal(timeless(finished), timeless(again))
    for x, y in zip(weights(finished.path), weights(again.path), strict=True):
        np.testing.assert_array_equal(x, y)
    other = timeless(train(SMALL.replace(seed=1, steps=900), tmp_path / "other", quiet=True))
    assert len(other) == 3 and not timeless(finished)[:3].equals(other)


@pytest.mark.slow
def test_stopped_twice_and_resumed_equals_uninterrupted(finished, tmp_path):
    experiment = Experiment(SMALL, tmp_path / "run")
    for number, rounds in ((signal.SIGINT, [0, 10, 20]), (signal.SIGTERM, [0, 10, 20, 30, 40])):
        stop_after(experiment, 2, number)
        stopped = experiment.run(quiet=True)
        assert experiment.stopped_by == number
        assert stopped.metrics()["round"].tolist() == rounds
        assert not (stopped.path / "evaluation.json").exists()
        experiment = Experiment(resume=stopped.path)
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
    resumed = train(resume=run.path, quiet=True)
    pd.testing.assert_frame_equal(timeless(finished), timeless(resumed))


def test_a_finished_run_goes_on_with_a_new_budget(run, short):
    longer = train(resume=run.path, steps=180, quiet=True)
    assert len(longer.metrics()) > len(short.metrics())
    pd.testing.assert_frame_equal(timeless(longer)[: len(short.metrics()) - 1], timeless(short)[:-1])
    assert longer.config == Run(run.path).config == short.config.replace(steps=180)


def recorded(run: Run) -> dict[str, bytes]:
    """What a run says of how it was trained."""
    files = [run.path / "config.json", *(path / "manifest.json" for path in run.checkpoints())]
    notes = [path for path in [run.path / "notes.txt"] if path.exists()]
    return {str(path): path.read_bytes() for path in [*files, *notes]}


@pytest.mark.parametrize("budget", [{}, {"steps": 10}, {"minutes": 1e-6}])
def test_a_budget_that_was_spent_already_is_said_to_be_and_changes_no_record(run, short, budget, capsys):
    before = recorded(run)
    again = train(resume=run.path, **budget)
    shown = "minutes = 1e-06" if "minutes" in budget else f"steps = {budget.get('steps', 110)}"
    assert f"nothing to train: the budget, {shown}, was spent already; a larger one goes on" in capsys.readouterr().out
    assert recorded(run) == before and again.config == short.config
    pd.testing.assert_frame_equal(again.metrics(), short.metrics())


def test_a_run_that_is_merely_interrupted_has_nothing_to_note(tmp_path, capsys):
    experiment = Experiment(small_config(), tmp_path / "run")
    stop_after(experiment, 1)
    experiment.run(quiet=True)
    train(resume=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "notes.txt").exists() and capsys.readouterr().err == ""


def learning_rates(experiment: Experiment, chunks: int) -> list[float]:
    """Of these chunks, after which it stops."""
    rates, learning_rate = [], experiment.trainer.agents[0].optimizer.learning_rate
    stop_after(experiment, chunks)
    run_chunk = experiment.trainer.run
    experiment.trainer.run = lambda rounds: rates.append(float(learning_rate)) or run_chunk(rounds)
    experiment.run(quiet=True)
    return rates


@pytest.mark.parametrize("schedule, first", [("kept", 1e-5), ("new", 9.01e-4)])
def test_another_budget_is_noted_with_what_the_learning_rate_does(run, short, schedule, first, capsys):
    """Which falls from 1e-3 to 1e-5; the short run has taken 98 steps, a tenth of the new budget."""
    assert short.metrics()["steps"].iloc[-1] == 120
    assert learning_rates(Experiment(resume=run.path, steps=1200, schedule=schedule), 2)[0] == pytest.approx(first)
    note = f"from round 4 on the budget of {run.path} is steps = 1200, and it was steps = 110; the learning rate "
    note += {"kept": "goes on at 1e-05, as it would have (--schedule new: at 0.000901, falling over this budget)",
             "new": "begins at 0.000901, and falls over this budget"}[schedule]  # fmt: skip
    assert capsys.readouterr().err == f"imagents: {note}\n"
    assert (run.path / "notes.txt").read_text().endswith(f" {note}\n")
    assert Run(run.path).config.training.steps == 1200
    # Resumed once more it has the same schedule, and nothing new to note.
    [rate] = learning_rates(Experiment(resume=run.path, steps=1200), 1)
    assert rate == pytest.approx(1e-5) if schedule == "kept" else 1e-5 < rate < first
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_an_extended_run_that_is_stopped_ends_like_one_that_was_not(run, tmp_path):
    other = shutil.copytree(run.path, tmp_path / "other")
    train(resume=run.path, steps=300, quiet=True)
    experiment = Experiment(resume=other, steps=300)
    stop_after(experiment, 2)
    experiment.run(quiet=True)
    train(resume=other, quiet=True)
    pd.testing.assert_frame_equal(timeless(Run(run.path)), timeless(Run(other)))
    for x, y in zip(weights(run.path), weights(other), strict=True):
        np.testing.assert_array_equal(x, y)
    assert len((other / "notes.txt").read_text().splitlines()) == 1


def test_a_budget_that_was_changed_in_config_json_is_said_to_be(run, capsys):
    path = run.path / "config.json"
    path.write_text(path.read_text().replace('"steps": 110', '"steps": 180'))
    train(resume=run.path, quiet=True)
    assert "is steps = 180, and it was steps = 110; the learning rate goes on at 1e-05" in capsys.readouterr().err
    train(resume=run.path, quiet=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "damage, said",
    [
        pytest.param(
            lambda t: t.replace("round,steps", "round\fsteps"), "3 of 3 rows can be read; the file as it was found is ",
            marks=pytest.mark.slow,
        ),
        (lambda t: t[: t.index("\r\n4,") + 2], "2 of 3 rows can be read; the file as it was found is "),
        pytest.param(None, "0 of 3 rows can be read\n", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_metrics_that_are_not_what_the_checkpoint_knew_are_told_and_training_goes_on(run, damage, said, capfd):
    path = run.path / "metrics.csv"
    changed = damage and damage(path.read_bytes().decode())
    path.write_bytes(changed.encode()) if damage else path.unlink()
    assert cli.main(["train", "--resume", str(run.path), "--steps", "180"]) == 0
    [sentence, _] = capfd.readouterr().err.splitlines(keepends=True)
    assert sentence.startswith(f"imagents: {path} is not what it was at the checkpoint of round 4: {said}")
    assert sentence.removeprefix("imagents: ") in (run.path / "notes.txt").read_text()
    if damage:
        assert (run.path / "metrics.csv.damaged-1").read_bytes() == changed.encode()
    assert Run(run.path).metrics()["round"].tolist()[-1] == 6
    train(resume=run.path, steps=240, quiet=True)
    assert "is not what it was" not in capfd.readouterr().err


def test_damage_is_told_once_also_if_nothing_is_trained_after_it(run, capsys):
    (run.path / "metrics.csv").unlink()
    for told in (1, 0):
        Experiment(resume=run.path)._run.release()
        assert capsys.readouterr().err.count("is not what it was at the checkpoint") == told


def test_metrics_that_somebody_changes_meanwhile_do_not_end_a_training(tmp_path, capsys):
    experiment = Experiment(small_config(), tmp_path / "run")
    run_chunk, path = experiment.trainer.run, tmp_path / "run" / "metrics.csv"

    def run(rounds):
        if path.exists():
            path.write_text("my notes\n")
        return run_chunk(rounds)

    experiment.trainer.run = run
    experiment.run(quiet=True)
    assert "there are no figures, or old ones: the metrics have no column that ends in _loss" in capsys.readouterr().err
    train(resume=tmp_path / "run", steps=180, quiet=True)
    assert "1 of 3 rows can be read" in capsys.readouterr().err


class Killed(BaseException):
    """Ends a training as a kill does: nothing more is written."""


def kill_before(experiment: Experiment, chunk: int) -> None:
    run_chunk, seen = experiment.trainer.run, []

    def run(rounds):
        seen.append(rounds)
        if len(seen) == chunk:
            raise Killed
        return run_chunk(rounds)

    experiment.trainer.run = run
    with pytest.raises(Killed):
        experiment.run(quiet=True)


def logged(run: Run, tag: str = "progress/seconds") -> list[int]:
    """The steps for which TensorBoard has a figure."""
    found = [event.step for path in sorted((run.path / "events").iterdir()) for event in summary_iterator(str(path))
             for value in event.summary.value if value.tag == tag]  # fmt: skip
    return sorted(found)


@pytest.mark.slow
def test_tensorboard_has_each_row_once_also_after_kills(tmp_path):
    config = small_config(steps=300, checkpoint_minutes=1000)  # a checkpoint at the beginning and at the end only
    for chunk in (4, 3):
        experiment = Experiment(resume=tmp_path / "run") if chunk == 3 else Experiment(config, tmp_path / "run")
        kill_before(experiment, chunk)
        assert len(logged(Run(tmp_path / "run"))) == chunk  # that of the untrained agents, too
    run = train(resume=tmp_path / "run", quiet=True)
    assert logged(run) == run.metrics()["steps"].tolist()
    longer = Experiment(resume=run.path, steps=600)
    kill_before(longer, 3)
    run = train(resume=run.path, quiet=True)
    assert logged(run) == run.metrics()["steps"].tolist()


def test_a_pause_counts_as_a_second_of_the_budget(tmp_path, monkeypatch):
    """As SIGSTOP does it: the clock runs on, and nothing else does."""
    experiment = Experiment(small_config(steps=200), tmp_path / "run")
    run_chunk, clock, paused = experiment.trainer.run, time.perf_counter, [0.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: clock() + paused[0])

    def run(rounds):
        metrics = run_chunk(rounds)
        paused[0] += 3600
        return metrics

    experiment.trainer.run = run
    began = clock()
    metrics = experiment.run(quiet=True).metrics()
    assert metrics["seconds"].iloc[-1] < clock() - began + len(metrics)


def test_a_budget_of_minutes_ends_the_training(tmp_path):
    run = train(SMALL.replace(steps=None, minutes=0.02), tmp_path / "run", quiet=True)
    seconds = run.metrics()["seconds"]
    assert seconds.iloc[-1] >= 1.2
    assert (seconds.iloc[:-1] < 1.2).all()


def test_the_learning_rate_falls_in_a_line_from_its_start_to_its_end(finished):
    steps_before_the_last_chunk = finished.metrics()["steps"].iloc[-2]
    for agent in load_run(finished.path).agents:
        rate = float(agent.optimizer.learning_rate)
        assert rate == pytest.approx(1e-2 - 8e-3 * steps_before_the_last_chunk / SMALL.training.steps)


@pytest.mark.slow
def test_connect_four_trains_by_the_same_command_with_another_name(tmp_path):
    config = SMALL.replace(environment="connect_four", evaluate_every=100)
    metrics = train(config, tmp_path / "run", quiet=True).metrics()
    assert metrics["player_1_random_first"].iloc[-1] > 0.2
    assert metrics["steps"].iloc[-1] / metrics["episodes"].iloc[-1] > 7
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    for agent, values in evaluation["agents"].items():
        assert {*values} == {"good", "perfect", "random_first", "random_second", "positions", "random"}
        assert values["good"] == values["positions"]["choosing_close"]["good"] == metrics[f"{agent}_good"].iloc[-1]


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
def test_a_damaged_checkpoint_is_refused_and_nothing_is_lost(run, damage):
    metrics = (run.path / "metrics.csv").read_text()
    older, newest = run.checkpoints()
    damage(run)
    with pytest.raises(InputError, match=f"the checkpoint {newest} is damaged: remove it to go on from {older.name}$"):
        Experiment(resume=run.path, steps=10_000)
    assert (run.path / "metrics.csv").read_text() == metrics
    assert Run(run.path).config.training.steps == 110
    shutil.rmtree(newest)
    Experiment(resume=run.path)


@pytest.mark.parametrize(
    "prepare, sentence",
    [
        (lambda p: None, "nowhere is not a run folder: it has no config.json"),
        (lambda p: p.mkdir(), "nowhere is not a run folder: it has no config.json"),
        (lambda p: (p.mkdir(), (p / "config.json").write_text("{")), "config.json is damaged"),
        (lambda p: (p.mkdir(), (p / "config.json").write_text('{"gmae": 1}')), "unknown setting 'gmae'"),
        (lambda p: (p.mkdir(), (p / "config.json").write_text('{"plies": 1}')), "'plies': it is called steps now"),
        (
            lambda p: (p.mkdir(), (p / "config.json").write_text("{}"), (p / "metrics.csv").write_text("round\n10\n")),
            "nowhere holds no checkpoint to go on from",
        ),
    ],
)
def test_a_folder_that_cannot_be_resumed_is_named(tmp_path, prepare, sentence):
    path = tmp_path / "nowhere"
    prepare(path)
    with pytest.raises(InputError, match=sentence):
        Experiment(resume=path)


def test_an_opponent_by_a_relative_path_is_found_from_anywhere_also_in_a_folder_that_was_moved(tmp_path, monkeypatch):
    there = tmp_path / "there"
    untrained_run(there / "runs" / "other")
    monkeypatch.chdir(there)
    run = untrained_run("runs/mine", opponent="random=1,runs/other:player_2=2")
    evaluated = load_run(run.path)
    monkeypatch.chdir("/")
    for moved in (there, tmp_path / "moved"):
        there.rename(moved)
        there = moved
        loaded = load_run(moved / "runs" / "mine")
        assert loaded.players[1].name == evaluated.players[1].name
        resumed = train(resume=moved / "runs" / "mine", quiet=True)
        assert resumed.config.training.opponent == "random=1,runs/other:player_2=2"
    (there / "runs" / "other").rename(there / "runs" / "another")
    with pytest.raises(InputError, match="^opponent = .*'runs/other:player_2' is neither the folder of a run nor"):
        load_run(there / "runs" / "mine")


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("run[1]", "a\\b*")]


@pytest.mark.parametrize("name", ["link/..", *SLOW])
def test_a_run_in_a_folder_of_any_name_is_trained_and_resumed(tmp_path, name):
    (tmp_path / "far" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/below")
    path = tmp_path / name / "run"
    run = train(small_config(), path, quiet=True)
    assert len(load_run(train(resume=path, steps=90, quiet=True).path).agents) == 2
    meant = tmp_path / "far" / "run" if name == "link/.." else path
    assert list((meant / "checkpoints").glob("*/state.index")) and list((meant / "events").iterdir())
    assert not (tmp_path / "run").exists() and run.path == path


def test_a_run_below_a_folder_whose_name_is_no_utf_8_is_trained(tmp_path, monkeypatch):
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    monkeypatch.chdir(tmp_path / os.fsdecode(b"\xff"))
    train(small_config(), "run", quiet=True)
    assert len(load_run(train(resume="run", steps=90, quiet=True).path).agents) == 2


def test_commands_in_messages_can_be_pasted(tmp_path):
    run = Run.create(tmp_path / "my runs [1]", SMALL)
    with pytest.raises(InputError, match=r"or go on with --resume '[^ ]*/my runs \[1\]'$"):
        Experiment(SMALL, run.path)
    with pytest.raises(OSError, match=r"imagents train --resume '[^ ]*/my runs \[1\]' goes on from there$"):
        with run.writing():
            raise OSError(28, "No space left on device")


def test_an_output_folder_with_something_in_it_is_left_alone(finished, tmp_path):
    before = sorted(finished.path.rglob("*"))
    with pytest.raises(InputError, match="finished is not empty: choose a new folder, or go on with --resume"):
        Experiment(SMALL, finished.path)
    assert sorted(finished.path.rglob("*")) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="file is a file: choose a new folder"):
        Experiment(SMALL, tmp_path / "file")
    with pytest.raises(InputError, match="run cannot be written: .*file does not let you"):
        Experiment(SMALL, tmp_path / "file" / "run")


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ({"config": SMALL, "resume": "RUN"}, "config and resume exclude each other: a resumed run keeps its "),
        ({"output_dir": "NEW", "resume": "RUN"}, "output_dir and resume exclude each other: a resumed run keeps its "),
        ({"config": SMALL, "output_dir": "NEW", "steps": 5}, "steps and minutes are for a run that is resumed: a new "),
        ({"output_dir": "NEW", "minutes": 5}, "steps and minutes are for a run that is resumed: a new one has them in"),
        ({"config": SMALL, "output_dir": "NEW", "steps": 0}, "steps and minutes are for a run that is resumed: a new "),
        ({"resume": "RUN", "steps": 0}, "steps = 0: a budget is more than 0"),
        ({"resume": "RUN", "schedule": "old"}, "schedule = 'old': choose kept, new"),
        ({"config": SMALL, "output_dir": "NEW", "schedule": "new"}, "schedule = 'new': it is for a run that is resum"),
        ({"config": SMALL.replace(opponent="nobody"), "output_dir": "NEW"}, "opponent = 'nobody': unknown player"),
        ({"config": SMALL, "output_dir": "LONG"}, "x: a name of at most 255 bytes is needed"),
        ({"config": SMALL, "output_dir": "LINES"}, r"a\\nb: a name of printable characters, in UTF-8, is needed"),
        ({"resume": "LONG"}, "config.json cannot be read: File name too long|is not a run folder"),
    ],
)
def test_nothing_is_written_for_what_does_not_work(finished, tmp_path, arguments, sentence):
    paths = {"RUN": finished.path, "NEW": tmp_path / "run", "LONG": tmp_path / "new" / ("x" * 300),
             "LINES": tmp_path / "new" / "a\nb"}  # fmt: skip
    arguments = {n: paths.get(value, value) if isinstance(value, str) else value for n, value in arguments.items()}
    config = (finished.path / "config.json").read_text()
    with pytest.raises(InputError, match=sentence):
        train(**arguments)
    assert not list(tmp_path.iterdir()) and (finished.path / "config.json").read_text() == config
