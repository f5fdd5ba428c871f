"""Which run is next, for workers of any engine: what happens when one dies, or when all have to stop.

An engine says how many workers there can be, `workers`, and makes them: `start(is_needed)` returns one that is ready,
or None once it is not needed any more. A worker's `ask(job)` trains a run, and returns what `Worker.train` does, or
None if it died over that; `stop()` lets it save the run under way and answer so; `end()` ends it.
"""

import collections
import dataclasses
import functools
import pathlib
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from imagents.process import Signals
from imagents.studies.study import Wanted
from imagents.studies.worker import structure

# Seconds until a run is tried again after each death of a worker over it at the same checkpoint; then it is given up.
# A machine that was short of memory may have some again.
_PAUSES = (0, 4, 16, 64)


@dataclasses.dataclass(frozen=True)
class Job:
    """A run to train, in its folder: to its end, or until it is measured after so many steps."""

    wanted: Wanted
    path: pathlib.Path
    until: int | None = None

    @functools.cached_property
    def structure(self) -> str:
        """Equal for runs that can share a compiled program."""
        return structure(self.wanted.config)

    @property
    def place(self) -> tuple[str, int]:
        """Equal for runs that are one after the other in the same place."""
        return self.wanted.setting, self.wanted.seed

    def to_dict(self) -> dict:
        """Plain values, for a worker."""
        return {"settings": self.wanted.config.to_dict(), "path": str(self.path), "until": self.until}


class Pool:
    """Trains runs by workers; those that can share a compiled program follow one another in one of them.

    Args:
      engine: what makes workers.
      ended: called after each job, with None or with why there is nothing to expect of it; what it returns is to be
        trained, too, and before all others.
      jobs: what to train.
      more: called when these have begun, and again after each job: further ones, if there are any.
      is_over: called with each job that ended: whether its run is over, or pauses for others.
      paused: jobs of runs that pause already.

    Attributes:
      under_way: those that are being trained.
      paused: the jobs after which runs pause, by setting and seed.
      all_well: whether none of them failed.
    """

    def __init__(
        self,
        engine,
        ended: Callable[[Job, str | None], Job | None],
        jobs: Sequence[Job] = (),
        more: Callable[[], list[Job]] = list,
        is_over: Callable[[Job], bool] = lambda job: True,
        paused: Sequence[Job] = (),
    ):
        self._engine, self._ended, self._left, self._more = engine, ended, list(jobs), more
        self._is_over, self._over = is_over, set()
        self._deaths: collections.Counter[tuple[str, ...]] = collections.Counter()
        self._lock, self._workers, self._stopping = threading.Condition(), set(), False
        self._fault: BaseException | None = None
        self.under_way: list[Job] = []
        self.paused, self.all_well = {job.place: job for job in paused}, True

    @property
    def num_ended(self) -> int:
        """How many runs are over."""
        return len(self._over)

    def run(self, workers: int) -> int | None:
        """Trains all of them. Returns the number of the signal that stopped it, if one did: runs are saved then."""
        stopped_by = []

        def stop(number: int) -> None:
            stopped_by.append(number)
            print("stopping: the runs under way are saved", file=sys.stderr, flush=True)
            self._stop()

        threads = [threading.Thread(target=self._work) for _ in range(workers)]
        with Signals(stop) as signals:
            signals.take(signal.SIGTERM)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if self._fault is not None:
            raise self._fault
        return stopped_by[0] if stopped_by else None

    def _work(self) -> None:
        """One worker after another, until nothing is left to do."""
        worker, last = None, ""
        try:
            while self._wait() and (worker := worker or self._start()):
                if (job := self._next(last)) is None:  # another worker was faster
                    continue
                last = job.structure
                answer = worker.ask(job)
                if answer is None or answer.get("stopped") or answer["renew"]:
                    worker = self._end(worker)
                self._answered(job, answer)
        except BaseException as error:  # a fault of ours, which the main thread has to tell
            self._fault = error
            self._stop()
        finally:
            self._end(worker)

    def _is_needed(self) -> bool:
        """Whether one more worker can be of use, now or when others have died."""
        with self._lock:
            return (bool(self._left) or bool(self.under_way)) and not self._stopping

    def _wait(self) -> bool:
        """Waits until there is something to do. Returns whether there is: False if nothing will come any more."""
        with self._lock:
            while not self._stopping:
                self._left = self._left or self._more()
                if self._left or not self.under_way:
                    break
                self._lock.wait()  # for what others bring
            return bool(self._left) and not self._stopping

    def _next(self, last: str) -> Job | None:
        """The first run that fits what a worker has compiled, else the first one; None if there is none."""
        with self._lock:
            if not self._left or self._stopping:
                return None
            fitting = (place for place, job in enumerate(self._left) if job.structure == last)
            job = self._left.pop(next(fitting, 0))
            self.under_way.append(job)
            self.paused.pop(job.place, None)
            self._over.discard(job.place)  # a run that failed can have another one in its place
            return job

    def _answered(self, job: Job, answer: dict | None) -> None:
        """Takes what a worker says of a run."""
        with self._lock:
            if answer is None or answer.get("stopped"):  # it died, or was told to
                self._again(job)
            else:
                self._tell(job, answer.get("failed") or answer.get("error"))
            self.under_way.remove(job)
            self._lock.notify_all()

    def _tell(self, job: Job, failed: str | None) -> None:
        self.all_well &= failed is None
        if (further := self._ended(job, failed)) is not None:
            self._left.insert(0, further)
        elif self._is_over(job):
            self._over.add(job.place)
        else:
            self.paused[job.place] = job

    def _again(self, job: Job) -> None:
        """A worker died over this run: another one goes on with it, but not for ever without getting anywhere."""
        if not self._stopping:
            state = (job.path.name, *sorted(path.name for path in (job.path / "checkpoints").glob("[0-9]*")))
            self._deaths[state] += 1
            if self._deaths[state] <= len(_PAUSES):
                self._lock.wait_for(lambda: self._stopping, _PAUSES[self._deaths[state] - 1])
                self._left.insert(0, job)
            else:
                self._tell(job, f"{self._deaths[state]} workers that trained it ended, see workers.log")

    def _start(self):
        worker = self._engine.start(self._is_needed)
        with self._lock:
            if worker is not None:
                self._workers.add(worker)
            if not self._stopping:
                return worker
        self._end(worker)
        return None

    def _stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
            for worker in self._workers:
                worker.stop()

    def _end(self, worker) -> None:
        if worker is not None:
            with self._lock:
                self._workers.discard(worker)
            worker.end()
