"""Trackers: what a training measures, sent to MLflow or Weights & Biases as well, by these libraries.

    tracking.json     in the run folder: which tracked run this one is, so that a resume goes on in it

MLflow takes MLFLOW_TRACKING_URI, a server or a folder, else ./mlruns; Weights & Biases writes into the run folder, and
sends nothing unless WANDB_MODE=online. MLFLOW_EXPERIMENT_NAME and WANDB_PROJECT say under which name runs are found,
else it is the study's, or the environment's.
"""

import contextlib
import importlib.util
import math
import os
import pathlib
import queue
import secrets
import sys
import threading
import time
from collections.abc import Mapping

from imagents.errors import InputError
from imagents.files import read_json, write_json
from imagents.runs.run import Run

_FILE = "tracking.json"
_PATIENCE = 60.0  # seconds that the end of a training waits for a tracker
_MOST_LETTERS = 500  # of a setting's value, in MLflow


def check_tracker(kind: str) -> None:
    """Raises an InputError if the library of a tracker is missing; `kind` is "" for none."""
    if kind and importlib.util.find_spec(kind) is None:
        raise InputError(f"track = {kind!r} needs {kind}: pip install 'imagents[{kind}]'")


class Tracker:
    """Sends figures to the tracker that a run's settings name, if they do, from a thread of its own.

    So a tracker that fails or does not answer stops no training: it is said once, and nothing more is sent.

    Args:
      run: the run.
    """

    def __init__(self, run: Run):
        self._run, self._kind, self._failure = run, run.config.training.track, None
        self._figures: queue.SimpleQueue = queue.SimpleQueue()
        self._steps, self._status = 0, ""
        self._thread = threading.Thread(target=self._work, name="tracker", daemon=True)
        if self._kind:
            self._thread.start()

    def add(self, row: Mapping[str, float]) -> None:
        """Sends a row of metrics.csv, but for what is NaN."""
        self._steps = int(row["steps"])
        self._send({name: float(x) for name, x in row.items() if name != "steps" and x == x})

    def add_report(self, agents: Mapping[str, Mapping[str, object]]) -> None:
        """Sends what was measured at the end, by agent: the training is finished."""
        self._status = "FINISHED"
        self._send({
            f"evaluation/{agent}_{name}": float(x)
            for agent, values in agents.items() for name, x in values.items() if isinstance(x, (bool, int, float))
        })  # fmt: skip

    def close(self) -> None:
        """Waits for what was sent, but not for ever."""
        if self._thread.is_alive():
            self._figures.put(self._status or ("FAILED" if sys.exc_info()[0] else "KILLED"))
        while self._thread.is_alive():
            left = self._figures.qsize()
            self._thread.join(_PATIENCE)
            if self._thread.is_alive() and self._figures.qsize() == left:
                self._failure = TimeoutError(f"it has not answered for {_PATIENCE:.0f} seconds")
                break
        self._say()

    def _send(self, figures: dict[str, float]) -> None:
        if self._thread.is_alive():
            self._figures.put((figures, self._steps))
        self._say()

    def _say(self) -> None:
        if self._failure is not None:
            sentence = f"{type(self._failure).__name__}: {self._failure}".splitlines()[0]
            self._failure = None
            with contextlib.suppress(OSError):
                self._run.note(f"nothing more is sent to {self._kind}, and the training goes on: {sentence}")

    def _work(self) -> None:
        try:
            tracked = {"mlflow": _MLflow, "wandb": _WandB}[self._kind](self._run)
            while not isinstance(sent := self._figures.get(), str):
                tracked.log(*sent)
            tracked.end(sent)
        except Exception as error:  # whatever a library or a network thinks of
            self._failure = error


class _MLflow:
    def __init__(self, run: Run):
        import mlflow.entities

        known, self._entities = _known(run.path, "mlflow"), mlflow.entities
        uri = known.get("uri") or os.environ.get("MLFLOW_TRACKING_URI") or pathlib.Path("mlruns").absolute().as_uri()
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder of files, which MLflow prefers not to use
        self._client = mlflow.MlflowClient(uri)
        if known:
            self._id = known["run"]
            self._client.update_run(self._id, "RUNNING")
            history = self._client.get_metric_history(self._id, "round")
            self._after = max((metric.value for metric in history), default=-1.0)
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or _group(run)
        found = self._client.get_experiment_by_name(name)
        number = found.experiment_id if found else self._create(name)
        self._id, self._after = self._client.create_run(number, run_name=_name(run)).info.run_id, -1.0
        settings = {key: str(value)[:_MOST_LETTERS] for key, value in run.settings().items()}
        self._client.log_batch(self._id, params=[self._entities.Param(*pair) for pair in settings.items()])
        write_json(run.path / _FILE, {"mlflow": {"uri": uri, "run": self._id}})

    def _create(self, name: str) -> str:
        try:
            return self._client.create_experiment(name)
        except Exception:  # another run of the study was faster
            return self._client.get_experiment_by_name(name).experiment_id

    def log(self, figures: dict[str, float], steps: int) -> None:
        """Rows from after a checkpoint come again when a run goes on from it: they are there already."""
        if figures.get("round", math.inf) > self._after:
            now = int(1000 * time.time())
            self._client.log_batch(
                self._id, metrics=[self._entities.Metric(name, x, now, steps) for name, x in figures.items()]
            )

    def end(self, status: str) -> None:
        self._client.set_terminated(self._id, status)


class _WandB:
    def __init__(self, run: Run):
        import wandb

        self._id = _known(run.path, "wandb").get("run") or secrets.token_hex(4)
        settings = wandb.Settings(
            console="off", disable_git=True, save_code=False, silent=True, x_disable_stats=True, reinit="create_new"
        )
        self._run = wandb.init(
            id=self._id, resume="allow", mode=os.environ.get("WANDB_MODE", "offline"), dir=run.path,
            project=os.environ.get("WANDB_PROJECT") or _group(run), name=_name(run), config=run.settings(),
            settings=settings,
        )  # fmt: skip
        write_json(run.path / _FILE, {"wandb": {"run": self._id}})

    def log(self, figures: dict[str, float], steps: int) -> None:
        self._run.log(figures, step=steps)

    def end(self, status: str) -> None:
        self._run.finish(exit_code=0 if status == "FINISHED" else 1)


def _known(folder: pathlib.Path, kind: str) -> dict[str, str]:
    """Which tracked run a run is; nothing of one that is new."""
    return read_json(folder / _FILE)[kind] if (folder / _FILE).exists() else {}


def _name(run: Run) -> str:
    return run.path.resolve().name


def _group(run: Run) -> str:
    """The name of the run's study, else of its environment, without what a tracker takes for a path."""
    folder = run.path.resolve().parent
    in_study = folder.name == "runs" and (folder.parent / "study.json").exists()
    return (folder.parent.name if in_study else run.config.environment.name).replace("/", "-").replace(":", "-")
