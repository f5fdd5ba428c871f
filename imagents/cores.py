"""How many threads a training has: results do not depend on that, to the last bit, but time does.

The threads of a matrix product wait for the last of them. So one thread is ahead of two where a product is done before
another core has awoken, and where another program is busy: its core would have half of the work and less than half of
the time. Linux says how long its cores had nothing to do; TensorFlow's import, some seconds, is time enough to see it.
"""

import contextlib
import itertools
import math
import os
import pathlib
import time

from imagents.config import TrainConfig

OF_TENSORFLOW = "TF_NUM_INTRAOP_THREADS"  # the environment variable by which anybody decides it for TensorFlow
_LEAST_PRODUCT = 2**22  # multiplications of a layer for a whole batch, below which a second core is no help
_STAT = pathlib.Path("/proc/stat")


class FreeCores:
    """Watches from when it is made how many cores there are for this process: what it used itself and what was idle."""

    def __init__(self):
        self._cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
        self._began = self._now()

    @property
    def total(self) -> int:
        """All cores that this process may run on."""
        return len(self._cores)

    def count(self) -> int:
        """Cores that nobody else keeps busy, at least 1; all where the system does not say."""
        elapsed, own, idle = (now - then for now, then in zip(self._now(), self._began, strict=True))
        if math.isnan(idle) or elapsed < 0.1:  # the system counts in hundredths of a second
            return self.total
        return min(max(math.floor((own + idle) / elapsed + 0.25), 1), self.total)

    def _now(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), self._idle()

    def _idle(self) -> float:
        """Seconds that the cores were idle, together; NaN if unknown."""
        try:
            lines = [line.split() for line in _STAT.read_text().splitlines() if line.startswith("cpu")]
            ticks = {name: int(idle) + int(waiting) for name, _, _, _, idle, waiting, *_ in lines}
            return sum(ticks[f"cpu{core}"] for core in self._cores) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, KeyError):
            return math.nan


def choose_threads(config: TrainConfig, cores: FreeCores) -> int:
    """One where the products of networks are small, else one for each core that is free."""
    return cores.count() if largest_product(config) >= _LEAST_PRODUCT else 1


def largest_product(config: TrainConfig) -> int:
    """Multiplications of the largest hidden layer of any agent for the larger of its batches: acting and learning."""
    sizes = [0]
    for algorithm in (config.algorithm, *dict(config.own_algorithms).values()):
        widths = getattr(algorithm, "hidden_layers", ())
        batch = max(config.training.parallel_games, getattr(algorithm, "batch_size", 0))
        sizes += [batch * a * b for a, b in itertools.pairwise(widths)]
    return max(sizes)


def use_threads(number: int | None, config: TrainConfig, cores: FreeCores) -> None:
    """Gives TensorFlow so many threads, `choose_threads` by default, unless its own variable says how many."""
    import tensorflow as tf

    if number is None and OF_TENSORFLOW in os.environ:
        return
    with contextlib.suppress(RuntimeError):  # it has begun already, with those that it has
        tf.config.threading.set_intra_op_parallelism_threads(number or choose_threads(config, cores))
