"""Trackers get what metrics.csv has, once each, also after a resume; whatever happens to one, the training goes on."""

import importlib.util
import json
import struct
import threading

import pytest
from small import small_config

from imagents.config import TrainConfig
from imagents.errors import InputError
from imagents.files import write_json
from imagents.runs import tracking
from imagents.runs.run import Run
from imagents.runs.tracking import Tracker
from imagents.studies.worker import structure
from imagents.training.experiment import Experiment

SETTINGS = dict(environment="climbing", algorithm="tabular", parallel_games=4, rounds_per_chunk=4, evaluate_every=1)
CONFIG = TrainConfig(**SETTINGS, steps=16, execution="eager", track="mlflow")


def train(config: TrainConfig | None, path, **resume) -> Run:
    return Experiment(config, path, **resume).run(quiet=True, figures=False)


class Listener:
    """A tracker that is a list."""

    heard: list = []

    def __init__(self, run):
        self.heard.clear()

    def log(self, figures, steps):
        self.heard.append((steps, figures))

    def end(self, status):
        self.heard.append(status)


class Broken(Listener):
    def log(self, figures, steps):
        raise ConnectionError("the server has gone home\nwith all its papers")


class Deaf(Listener):
    """A tracker that does not answer."""

    woken = threading.Event()

    def log(self, figures, steps):
        self.woken.wait()


def test_a_tracker_gets_each_row_and_what_was_measured_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "_MLflow", Listener)
    run = train(CONFIG, tmp_path / "run")
    *rows, (last, evaluation), status = Listener.heard
    metrics = run.metrics()
    assert [steps for steps, _ in rows] == metrics["steps"].tolist() and last == 16 and status == "FINISHED"
    for (_, figures), (_, row) in zip(rows, metrics.iterrows(), strict=True):
        assert figures == row.dropna().drop("steps").to_dict()
    agents = json.loads((run.path / "evaluation.json").read_text())["agents"]
    assert evaluation["evaluation/player_2_mean_return"] == agents["player_2"]["mean_return"]


def test_a_tracker_that_fails_is_said_once_and_stops_no_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tracking, "_MLflow", Broken)
    run = train(CONFIG, tmp_path / "run")
    assert len(run.metrics()) == 3 and (run.path / "evaluation.json").exists()
    said = "nothing more is sent to mlflow, and the training goes on: ConnectionError: the server has gone home\n"
    notes = (run.path / "notes.txt").read_text()
    assert notes.count("\n") == 1 and notes.endswith(said) and capsys.readouterr().err == f"imagents: {said}"


def test_nobody_waits_long_for_a_tracker_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "_MLflow", Deaf)
    monkeypatch.setattr(tracking, "_PATIENCE", 0.1)
    tracker = Tracker(run := Run.create(tmp_path / "run", CONFIG))
    for steps in (4, 8, 12):
        tracker.add({"round": steps / 2, "steps": steps})
    tracker.close()
    Deaf.woken.set()
    assert "the training goes on: TimeoutError: it has not answered for" in (run.path / "notes.txt").read_text()


def test_a_stop_and_a_divergence_are_no_finish(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "_MLflow", Listener)
    run = Run.create(tmp_path / "run", CONFIG)
    Tracker(run).close()
    assert Listener.heard == ["KILLED"]
    with pytest.raises(FloatingPointError):
        try:
            tracker = Tracker(run)
            raise FloatingPointError
        finally:
            tracker.close()
    assert Listener.heard == ["FAILED"]


def test_a_library_that_is_missing_is_named_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"track = 'wandb' needs wandb: pip install 'imagents\[wandb\]'"):
        Experiment(CONFIG.replace(track="wandb"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_of_a_study_is_found_under_the_studys_name_and_compiles_nothing_of_its_own(tmp_path):
    run = Run.create(tmp_path / "climb" / "runs" / "seed-3", CONFIG)
    assert (tracking._group(run), tracking._name(run)) == ("climbing", "seed-3")
    write_json(tmp_path / "climb" / "study.json", {})
    assert tracking._group(run) == "climb"
    assert structure(CONFIG) == structure(CONFIG.replace(track=""))


def test_mlflow_has_settings_and_figures_once_and_a_resume_goes_on_in_the_same_run(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "files").as_uri())
    run = train(CONFIG, tmp_path / "run")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # it goes on where it is
    Tracker(run).add({"round": 2.0, "steps": 8.0, "seconds": 99.0})  # as if it had gone on from an older checkpoint
    run = train(None, None, resume=run.path, steps=24)
    client = mlflow.MlflowClient((tmp_path / "files").as_uri())
    [experiment] = client.search_experiments(filter_string="name = 'climbing'")
    [found] = client.search_runs([experiment.experiment_id])
    assert found.info.run_name == "run" and found.info.status == "FINISHED"
    assert found.data.params["algorithm"] == "tabular" and found.data.params["parallel_games"] == "4"
    for name in ("round", "seconds", "player_1_mean_return"):
        history = [(metric.step, metric.value) for metric in client.get_metric_history(found.info.run_id, name)]
        assert history == list(zip(run.metrics()["steps"], run.metrics()[name])), name
    assert len(run.metrics()) == 4 and "evaluation/player_2_mean_return" in found.data.metrics


@pytest.mark.slow
def test_wandb_writes_into_the_run_folder_and_sends_nothing(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    run = train(small_config(track="wandb"), tmp_path / "run")
    run = train(None, None, resume=run.path, steps=120)
    number = json.loads((run.path / "tracking.json").read_text())["wandb"]["run"]
    files = sorted((run.path / "wandb").glob(f"offline-run-*-{number}/run-{number}.wandb"))
    rows = [row for file in files for row in wandb_rows(file)]
    assert len(files) == 2 and {row["_step"] for row in rows} == set(run.metrics()["steps"])
    wins = {row["_step"]: row["player_1_wins"] for row in rows if "player_1_wins" in row}
    expected = run.metrics().set_index("steps")["player_1_wins"].dropna()
    assert wins == pytest.approx(expected.to_dict())
    assert not (run.path / "notes.txt").read_text().count("nothing more is sent")


def wandb_rows(path):
    """The rows of figures in a file of Weights & Biases: records in blocks of 32 KiB, as of LevelDB's log."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, record = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        if 2**15 - at % 2**15 < 7:
            at += 2**15 - at % 2**15
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        record, at = record + content[at + 7 : at + 7 + length], at + 7 + length
        if kind in (1, 4):  # whole, or the last part
            found, record = Record.FromString(record), b""
            if found.WhichOneof("record_type") == "history":
                items = found.history.item
                yield {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
