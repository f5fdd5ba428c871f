"""A study on this machine: a process for each core, which trains one run after another."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

from imagents.cores import all_cores
from imagents.studies.pool import Job
from imagents.studies.worker import ONE_THREAD


class Local:
    """Makes processes of this machine, each with one thread.

    Args:
      log: where they write what they have to say.
      copy_to: where they copy runs to, see `Worker`.
    """

    def __init__(self, log: pathlib.Path, copy_to: str = ""):
        self._arguments = log, copy_to

    @property
    def workers(self) -> int:
        return all_cores()

    def start(self, is_needed: Callable[[], bool]) -> "Process":
        del is_needed  # it is there at once
        return Process(*self._arguments)

    def close(self) -> None:
        """Nothing is left of it."""


class Process:
    """A process that trains runs."""

    def __init__(self, log: pathlib.Path, copy_to: str):
        words = [sys.executable, "-m", "imagents.studies.worker", *filter(None, [copy_to])]
        with log.open("a", encoding="utf-8") as file:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True, encoding="utf-8",
                env=os.environ | ONE_THREAD, start_new_session=True,
            )  # fmt: skip

    def ask(self, job: Job) -> dict | None:
        try:
            self._process.stdin.write(json.dumps(job.to_dict()) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            return None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def stop(self) -> None:
        with contextlib.suppress(OSError):  # one that has ended already may have left something unread
            self._process.stdin.close()

    def end(self) -> None:
        self.stop()
        self._process.wait()
        self._process.stdout.close()
