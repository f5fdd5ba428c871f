"""How far a study is, told while it trains: a bar on a terminal, a line now and then elsewhere."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

import tqdm

from imagents.errors import InputError
from imagents.plotting.reading import read_metrics
from imagents.studies.pool import Job, Pool
from imagents.training.budget import Budget

_BETWEEN_LOOKS, _BETWEEN_LINES = 2.0, 60.0  # seconds


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
    is_terminal, before, began = sys.stderr.isatty(), None, time.monotonic()
    told, layout = began, "{percentage:3.0f}%|{bar:8}|{desc}"
    with tqdm.tqdm(total=1.0, bar_format=layout, ncols=80, leave=False, disable=not is_terminal, desc=" ...") as bar:
        while not stopping.wait(_BETWEEN_LOOKS):
            jobs, now = list(pool.under_way), time.monotonic()
            done = pool.num_ended + sum(map(fraction_done, jobs))
            before = done if before is None else before  # which was trained another time
            runs = "1 run" if len(jobs) == 1 else f"{len(jobs)} runs"
            line = f"{runs} under way{_left(now - began, done - before, total - done)}"
            if is_terminal:
                bar.set_description_str(f" {line}", refresh=False)
                bar.n = min(1.0, done / total)
                bar.refresh()
            elif now - told >= _BETWEEN_LINES:
                told = now
                say(f"{100 * min(1.0, done / total):3.0f}% {line}")


def _left(seconds: float, done: float, left: float) -> str:
    """What is left to train, if others of its kind take as long: nothing is said before something is known."""
    if done < 0.01:
        return ""
    minutes = seconds / done * left / 60
    return f", about {minutes / 60:.1f} h left" if minutes >= 90 else f", about {max(1, round(minutes))} min left"


def fraction_done(job: Job) -> float:
    """How much of a run's budget is spent, as the last row of its metrics.csv has it; 0 if there is none yet."""
    try:
        last = read_metrics(job.path).iloc[-1]
    except (InputError, IndexError):
        return 0.0
    return Budget.of(vars(job.wanted.config.training)).spent(last["steps"], last["seconds"])
