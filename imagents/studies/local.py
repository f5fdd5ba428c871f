"""A study on this machine: a process for each core, which trains one run after another."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from imagents.process import Signals
from imagents.studies.study import Wanted
from imagents.studies.worker import structure

_MOST_DEATHS = 2  # of processes that trained the same run, before it is given up

Job = tuple[Wanted, pathlib.Path, str]  # a run, its folder, and its structure
Told = Callable[[Wanted, str | None], None]


class Pool:
    """Trains runs in processes of their own, each with one thread.

    Args:
      jobs: the runs, and the folder of each; those that can share a compiled program follow one another in a process.
      log: where processes write what they have to say.
      told: called after each run, with None or with why there is nothing to expect of it.
    """

    def __init__(self, jobs: Sequence[tuple[Wanted, pathlib.Path]], log: pathlib.Path, told: Told):
        self._left: list[Job] = [(wanted, path, structure(wanted.config)) for wanted, path in jobs]
        self._log, self._told = log, told
        self._deaths: dict[str, int] = {}
        self._lock, self._processes, self._stopping = threading.Lock(), set(), False
        self.all_well = True

    def run(self, workers: int) -> int | None:
        """Trains all of them. Returns the number of the signal that stopped it, if one did: runs are saved then."""
        stopped_by = []

        def stop(number: int) -> None:
            stopped_by.append(number)
            print("stopping: the runs under way are saved", file=sys.stderr, flush=True)
            with self._lock:
                self._stopping = True
                for process in self._processes:
                    _close_input(process)

        threads = [threading.Thread(target=self._work) for _ in range(min(workers, len(self._left)))]
        with Signals(stop) as signals:
            signals.take(signal.SIGTERM)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return stopped_by[0] if stopped_by else None

    def _work(self) -> None:
        """One process after another, until nothing is left to do."""
        process, last = None, ""
        while (job := self._next(last)) is not None:
            wanted, path, last = job
            if process is None and (process := self._start()) is None:
                break
            answer = self._ask(process, {"settings": wanted.config.to_dict(), "path": str(path)})
            if answer is None or answer.get("stopped"):  # it died, or was told to
                process = self._end(process)
                self._again(job)
                continue
            failed = answer.get("failed") or answer.get("error")
            self.all_well &= failed is None
            with self._lock:
                self._told(wanted, failed)
            if answer["renew"]:
                process = self._end(process)
        self._end(process)

    def _next(self, last: str) -> Job | None:
        """The first run that fits what a process has compiled, else the first one."""
        with self._lock:
            if self._stopping or not self._left:
                return None
            fitting = (place for place, job in enumerate(self._left) if job[2] == last)
            return self._left.pop(next(fitting, 0))

    def _again(self, job: Job) -> None:
        """A process died over this run: another one goes on with it, but not for ever."""
        with self._lock:
            if self._stopping:
                return
            deaths = self._deaths[job[1].name] = self._deaths.get(job[1].name, 0) + 1
            if deaths < _MOST_DEATHS:
                self._left.insert(0, job)
                return
            self.all_well = False
            self._told(job[0], f"{deaths} processes that trained it ended, see {self._log}")

    def _start(self) -> subprocess.Popen | None:
        threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with self._lock, self._log.open("a", encoding="utf-8") as log:
            if self._stopping:
                return None
            process = subprocess.Popen(
                [sys.executable, "-m", "imagents.studies.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True, encoding="utf-8", env=os.environ | threads, start_new_session=True,
            )  # fmt: skip
            self._processes.add(process)
            return process

    def _ask(self, process: subprocess.Popen, job: dict) -> dict | None:
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
        except (OSError, ValueError):
            return None
        line = process.stdout.readline()
        return json.loads(line) if line else None

    def _end(self, process: subprocess.Popen | None) -> None:
        if process is not None:
            with self._lock:
                self._processes.discard(process)
                _close_input(process)
            process.wait()
            process.stdout.close()


def _close_input(process: subprocess.Popen) -> None:
    """Tells a process to end; one that has ended already may have left something unread."""
    with contextlib.suppress(OSError):
        process.stdin.close()
