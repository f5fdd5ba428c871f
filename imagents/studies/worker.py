"""A process that trains one run after another, and compiles once for all that differ in their seed or in numbers.

`python -m imagents.studies.worker [ADDRESS]` reads jobs from its standard input, a line of JSON each, and answers each
by a line. Whoever closes that input stops it: the run under way is saved.
"""

import contextlib
import dataclasses
import json
import math
import os
import pathlib
import queue
import signal
import sys
import threading
import time
import traceback

from imagents.config import TrainConfig, load_config
from imagents.errors import InputError
from imagents.files import lock, write_json
from imagents.homes import without_collecting
from imagents.own import is_own, trust
from imagents.process import end
from imagents.runs.folders import FAILED
from imagents.studies.copies import Copies

ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
_MOST_STRUCTURES = 8  # before a process is renewed: what TensorFlow compiled is never given back
_PATIENCE = 120.0  # seconds: so long a process that trained a run may take to end


def structure(config: TrainConfig) -> str:
    """Equal for trainings that can run in one compiled program."""
    algorithms = [config.algorithm, *dict(config.own_algorithms).values()]
    support = config.environment.return_range if "c51" in [each.name for each in algorithms] else None
    fixed = [
        {name: x for name, x in dataclasses.asdict(part).items() if x in part.free.get(name, (x,))}
        for part in (config.environment, config.training, *algorithms)
    ]
    motives = [[name for name, _ in each.motivations] for each in algorithms]
    return json.dumps([*fixed, *dict(config.own_algorithms), support, motives])


class Worker:
    """Trains runs, and keeps the last one's compiled program for the next one.

    Args:
      copy_to: an address to which runs are copied after each checkpoint, see `imagents.studies.copies`; "" for none.
    """

    def __init__(self, copy_to: str = ""):
        self._copies = Copies(copy_to) if copy_to else None
        self._warm, self._known = None, set()
        self.stopping = False  # whether to save the run under way, and to train no more; any thread may set it

    def answer(self, job: dict) -> dict:
        """What `train` returns of a job's settings, path and until; or the `error` that kept it from that."""
        try:
            return self.train(TrainConfig(**job["settings"]), pathlib.Path(job["path"]), job["until"])
        except (InputError, OSError) as error:
            return {"error": str(error), "renew": False}
        except Exception as error:  # a fault of ours: the trace is in the log, and the others go on
            traceback.print_exc()
            return {"error": f"{type(error).__name__}: {error}".partition("\n")[0], "renew": True}

    def train(self, config: TrainConfig, path: pathlib.Path, until: int | None = None) -> dict:
        """Trains a run, or goes on with it.

        Args:
          config: its settings.
          path: its folder.
          until: after so many steps it pauses, as soon as it is measured; None for never.

        Returns:
          `failed`: None, or in one sentence why there is nothing to expect of it; `stopped`: whether it was stopped
          from outside; `renew`: whether this process has compiled enough.
        """
        with without_collecting():
            from imagents.training.experiment import Experiment

        for name in filter(is_own, (config.environment.name, config.training.agents)):
            trust(name)
        key, failed, stopped = structure(config), None, False
        warm = self._warm[1] if self._warm and self._warm[0] == key else None
        self._warm, self._known = None, self._known | {key}
        budget = {name: getattr(config.training, name) for name in ("steps", "minutes")}
        measures = tuple(f"_{name}" for name in config.environment.measures)

        def pauses(row: dict[str, float]) -> bool:
            if self._copies is not None:
                self._copies.push_if_saved(path)
            is_measured = any(name.endswith(measures) and not math.isnan(value) for name, value in row.items())
            return self.stopping or (until is not None and row["steps"] >= until and is_measured)

        if self._copies is not None and not (path / "config.json").exists():
            self._copies.fetch(path)
        try:
            if (path / "config.json").exists():
                _wait_for(path)
                _check_is(config, path)
                experiment = Experiment(resume=path, **budget)
            else:
                experiment = Experiment(config, path)
            if warm is not None:
                experiment.take_over(warm)
            run = experiment.run(quiet=True, figures=False, pauses=pauses)
            stopped = bool(experiment.stopped_by) or self.stopping
            if experiment.stopped_by is None:
                run.thin()
        except FloatingPointError as error:
            failed = str(error)
            write_json(path / FAILED, {"failed": failed})
        if self._copies is not None:
            self._copies.push(path)
        if experiment.can_be_reused:
            self._warm = key, experiment
        return {"failed": failed, "stopped": stopped, "renew": len(self._known) >= _MOST_STRUCTURES}


def _wait_for(run: pathlib.Path) -> None:
    """Waits until the process that trained a run, and is about to end, has let go of it."""
    waited_until = time.monotonic() + _PATIENCE
    while time.monotonic() < waited_until:
        with contextlib.suppress(InputError):
            return os.close(lock(run))
        time.sleep(0.2)


def _check_is(config: TrainConfig, run: pathlib.Path) -> None:
    """Refuses a folder, such as one that was fetched, that is another run's."""
    budget = {name: getattr(config.training, name) for name in ("steps", "minutes")}
    if load_config(run).replace(**budget) != config:
        raise InputError(f"{run} is a run with other settings")


def main() -> None:
    jobs: queue.Queue[str] = queue.Queue()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed goes to the log
    signal.signal(signal.SIGTERM, end)  # between two runs
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    worker = Worker(*sys.argv[1:])
    while line := jobs.get():
        answer = json.dumps(worker.answer(json.loads(line)))
        try:
            print(answer, file=answers, flush=True)
        except BrokenPipeError:  # the study was stopped meanwhile; the run has been saved
            end(signal.SIGPIPE)


def _listen(jobs: queue.Queue) -> None:
    for line in sys.stdin:
        jobs.put(line)
    jobs.put("")
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
