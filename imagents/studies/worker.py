"""A process that trains one run after another, and compiles once for all that differ in their seed or in numbers.

`python -m imagents.studies.worker` reads jobs from its standard input, a line of JSON each, and answers each by a line.
Whoever closes that input stops it: the run under way is saved.
"""

import dataclasses
import json
import os
import pathlib
import queue
import signal
import sys
import threading
import traceback

from imagents.config import TrainConfig
from imagents.errors import InputError
from imagents.files import write_json
from imagents.own import is_own, trust
from imagents.process import end
from imagents.studies.study import FAILED

_MOST_STRUCTURES = 8  # before a process is renewed: what TensorFlow compiled is never given back


def structure(config: TrainConfig) -> str:
    """Equal for trainings that can run in one compiled program."""
    algorithms = [config.algorithm, *dict(config.own_algorithms).values()]
    support = config.environment.return_range if "c51" in [each.name for each in algorithms] else None
    fixed = [
        {name: x for name, x in dataclasses.asdict(part).items() if x in part.free.get(name, (x,))}
        for part in (config.environment, config.training, *algorithms)
    ]
    return json.dumps([*fixed, *dict(config.own_algorithms), support])


class Worker:
    """Trains runs, and keeps the last one's compiled program for the next one."""

    def __init__(self):
        self._warm, self._known = None, set()

    def train(self, config: TrainConfig, path: pathlib.Path) -> dict:
        """Trains a run, or goes on with it.

        Returns:
          `failed`: None, or in one sentence why there is nothing to expect of it; `stopped`: whether a signal stopped
          it; `renew`: whether this process has compiled enough.
        """
        from imagents.training.experiment import Experiment

        for name in filter(is_own, (config.environment.name, config.training.agents)):
            trust(name)
        key, failed, stopped = structure(config), None, False
        warm = self._warm[1] if self._warm and self._warm[0] == key else None
        self._warm, self._known = None, self._known | {key}
        budget = {name: getattr(config.training, name) for name in ("steps", "minutes")}
        try:
            if (path / "config.json").exists():
                experiment = Experiment(resume=path, **budget)
            else:
                experiment = Experiment(config, path)
            if warm is not None:
                experiment.take_over(warm)
            run = experiment.run(quiet=True, figures=False)
            stopped = experiment.stopped_by is not None
            if not stopped:
                run.thin()
        except FloatingPointError as error:
            failed = str(error)
            write_json(path / FAILED, {"failed": failed})
        if experiment.can_be_reused:
            self._warm = key, experiment
        return {"failed": failed, "stopped": stopped, "renew": len(self._known) >= _MOST_STRUCTURES}


def main() -> None:
    jobs: queue.Queue[str] = queue.Queue()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed goes to the log
    signal.signal(signal.SIGTERM, end)  # between two runs
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    worker = Worker()
    while line := jobs.get():
        job = json.loads(line)
        try:
            answer = worker.train(TrainConfig(**job["settings"]), pathlib.Path(job["path"]))
        except (InputError, OSError) as error:
            answer = {"error": str(error), "renew": False}
        except Exception as error:  # a fault of ours: the trace is in the log, and the others go on
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".partition("\n")[0], "renew": True}
        print(json.dumps(answer), file=answers, flush=True)


def _listen(jobs: queue.Queue) -> None:
    for line in sys.stdin:
        jobs.put(line)
    jobs.put("")
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
