"""How many threads a training has: results do not depend on that, to the last bit, but time does.

The threads of a matrix product wait for the last of them. So one thread is ahead of two where a product is done before
another core has awoken, and it may be where another program is busy: a short trial tells, of as many threads that wait
for each other. TensorFlow wants to know before its first operation, so it cannot be tried itself.
"""

import contextlib
import itertools
import os
import statistics
import threading
import time

from imagents.config import TrainConfig

OF_TENSORFLOW = "TF_NUM_INTRAOP_THREADS"  # the environment variable by which anybody decides it for TensorFlow
_LEAST_PRODUCT = 2**22  # multiplications of a layer for a whole batch, below which a second core is no help
_NUMBERS, _STEPS = 100_000, 6  # of the trial, which takes a tenth of a second
_WARM_UP, _TURNS = 4, 9  # in the first turns the system still finds out where threads should be


def all_cores() -> int:
    """How many this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_threads(config: TrainConfig) -> int:
    """One where the products of networks are small or more are not faster, else one for each core."""
    most = all_cores()
    if most == 1 or largest_product(config) < _LEAST_PRODUCT:
        return 1
    ratios = [trial(most) / trial(1) for _ in range(_WARM_UP + _TURNS)]
    return most if statistics.median(ratios[_WARM_UP:]) < 1 else 1


def largest_product(config: TrainConfig) -> int:
    """Multiplications of the largest hidden layer of any agent for the larger of its batches: acting and learning."""
    sizes = [0]
    for algorithm in (config.algorithm, *dict(config.own_algorithms).values()):
        widths = getattr(algorithm, "hidden_layers", ())
        batch = max(config.training.parallel_games, getattr(algorithm, "batch_size", 0))
        sizes += [batch * a * b for a, b in itertools.pairwise(widths)]
    return max(sizes)


def trial(number: int) -> float:
    """Seconds that so many threads take for the same work, after each step of which they wait for each other."""
    import numpy as np

    barrier = threading.Barrier(number)

    def work(part) -> None:
        for _ in range(_STEPS):
            np.sin(part)  # lets other threads run meanwhile
            barrier.wait()

    threads = [threading.Thread(target=work, args=[part]) for part in np.array_split(np.ones(_NUMBERS), number)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def use_threads(number: int | None, config: TrainConfig) -> None:
    """Gives TensorFlow so many threads, `choose_threads` by default, unless its own variable says how many."""
    import tensorflow as tf

    if number is None and OF_TENSORFLOW in os.environ:
        return
    number = number or choose_threads(config)
    with contextlib.suppress(RuntimeError):  # it has begun already, with those that it has
        tf.config.threading.set_intra_op_parallelism_threads(number)
