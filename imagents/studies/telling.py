"""How far a study is, told while it trains: a bar on a terminal, a line now and then elsewhere."""

import contextlib
import pathlib
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import tqdm

from imagents.errors import InputError, counted
from imagents.plotting.reading import read_metrics
from imagents.plotting.words import lasting
from imagents.studies.pool import Job, Pool
from imagents.training.budget import Budget

_BETWEEN_LOOKS, _BETWEEN_LINES = 2.0, 60.0  # seconds
_A_WHILE = 10.0  # seconds of training that say how long the rest takes, if no run has ended or paused yet
_LEAST_GAIN = 0.02  # of a run


def say(sentence: str) -> None:
    """Tells people something, above the bar if there is one."""
    tqdm.tqdm.write(sentence, file=sys.stderr)
    sys.stderr.flush()


@contextlib.contextmanager
def telling(pool: Pool, total: int) -> Iterator[None]:
    """Within this context people are told how far a pool is, that has so many runs to train."""
    stopping = threading.Event()
    thread = threading.Thread(target=_tell, args=(pool, total, stopping))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _tell(pool: Pool, total: int, stopping: threading.Event) -> None:
    is_terminal, told = sys.stderr.isatty(), time.monotonic()
    pace, layout = Pace(told), "{percentage:3.0f}%|{bar:8}|{desc}"
    with tqdm.tqdm(total=1.0, bar_format=layout, ncols=80, leave=False, disable=not is_terminal, desc=" ...") as bar:
        while not stopping.wait(_BETWEEN_LOOKS):
            now = time.monotonic()
            done, line = pace.look(now, list(pool.under_way), pool.num_ended, total, [*pool.paused.values()])
            if is_terminal:
                bar.set_description_str(f" {line}", refresh=False)
                bar.n = min(1.0, done / total)
                bar.refresh()
            elif now - told >= _BETWEEN_LINES:
                told = now
                say(f"{100 * min(1.0, done / total):3.0f}% {line}")


class Pace:
    """How fast runs train, as somebody sees who looks now and then; while the first of them compile, nobody knows."""

    def __init__(self, now: float):
        self._first: dict[pathlib.Path, float] = {}  # what a run had done when it was first seen
        self._seen: dict[pathlib.Path, str] = {}  # runs that were under way at the last look, and their programs
        self._compiled: set[str] = set()  # programs of runs that were under way, and are not any more
        self._were_compiling, self._at = True, now
        self._busy, self._done = 0.0, 0.0  # processes' seconds from then on, and what was done before

    def look(
        self, now: float, jobs: Sequence[Job], ended: int, total: int, paused: Sequence[Job] = ()
    ) -> tuple[float, str]:
        """How many runs are done, parts of those that are not included, and a line about it.

        Args:
          now: the time, in seconds.
          jobs: the runs under way.
          ended: how many runs have ended.
          total: how many there are to train.
          paused: the runs that wait for others.
        """
        fractions = {job.path: fraction_done(job) for job in jobs}
        programs = {job.path: job.structure for job in jobs}
        self._compiled |= {program for path, program in self._seen.items() if path not in programs}
        self._seen, compiling = programs, 0
        for path, fraction in fractions.items():
            compiling += fraction == self._first.setdefault(path, fraction) and programs[path] not in self._compiled
        done, known = ended + sum(fractions.values()) + sum(map(fraction_done, paused)), ended + len(paused) > 0
        if not jobs:
            return done, "no run is under way" if known else "processes start"
        if not known and (compiling or self._were_compiling):  # a first chunk compiles, and says nothing of speed
            self._busy, self._done = 0.0, done
        else:
            self._busy += len(jobs) * (now - self._at)
        self._at, self._were_compiling = now, compiling > 0
        line = f"{counted(len(jobs), 'run')} under way"
        if compiling:
            line += ", compiling" if compiling == len(jobs) else f", {compiling} of them compiling"
        longest = max((1 - fractions[job.path] for job in jobs if job.until is None), default=0.0)
        return done, line + self._left(max((total - done) / len(jobs), longest), done, known)

    def _left(self, runs: float, done: float, known: bool) -> str:
        """How long so many runs take, one after the other; nothing before something is known."""
        gained = done - self._done
        if runs <= 0 or gained < _LEAST_GAIN or not (known or self._busy >= _A_WHILE):
            return ""
        return f", about {lasting(self._busy / gained * runs)} left"


def fraction_done(job: Job) -> float:
    """How much of a run's budget is spent, as the last row of its metrics.csv has it; 0 if there is none yet."""
    try:
        last = read_metrics(job.path).iloc[-1]
    except (InputError, IndexError):
        return 0.0
    return Budget.of(vars(job.wanted.config.training)).spent(last["steps"], last["seconds"])
