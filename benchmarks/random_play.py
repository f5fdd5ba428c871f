"""How random play is timed: by the processor's seconds, on one core, systems in turn, the median of several repeats."""

import argparse
import json
import os
import pathlib
import statistics
import time
from collections.abc import Callable


def random_play(environment, choose: Callable, steps: int) -> Callable[[], int]:
    """Plays so many steps of all copies, compiled, with what everybody sees computed; returns how many were played.

    Args:
      environment: reset already.
      choose: the actions after a time step.
      steps: of each call; a step that only begins an episode counts for nothing.
    """
    import tensorflow as tf

    from imagents.seats import assign, variables_for
    from imagents.xla import repeat, start_xla

    start_xla()
    seen = variables_for(environment.current_time_step().observation["views"])
    count = tf.Variable(0, dtype=tf.int64)

    def step():
        before = environment.current_time_step()
        after = environment.step(choose(before))
        assign(seen, after.observation["views"])
        count.assign_add(tf.reduce_sum(tf.cast(~before.is_last(), tf.int64)))

    compiled = tf.function(lambda times: repeat(step, times), jit_compile=True, autograph=False)

    def play() -> int:
        before = int(count)
        compiled(tf.constant(steps))
        return int(count) - before

    return play


def speed_of(play: Callable[[], int], seconds: float) -> Callable[[], float]:
    """A measurement of what is played again and again for so many seconds of the processor: how much in a second."""
    play()  # compiles

    def measure() -> float:
        done, began = 0, time.process_time()
        while (elapsed := time.process_time() - began) < seconds:
            done += play()
        return done / elapsed

    return measure


def compare(measures: dict[str, Callable[[], float]], repeats: int, **row) -> list[dict]:
    """A row for each system, measured in turn: how much in a second, and how many times as fast the first one is."""
    speeds = {system: [] for system in measures}
    for _ in range(repeats):
        for system, measure in measures.items():
            speeds[system].append(measure())
    medians = {system: statistics.median(each) for system, each in speeds.items()}
    first = next(iter(medians.values()))
    return [row | {"system": system, "per_second": speed, "imagents_is": first / speed}
            for system, speed in medians.items()]  # fmt: skip


def show(rows: list[dict]) -> None:
    """Prints them, and last as JSON."""
    for row in rows:
        words = "".join(f"{value:22}" for key, value in row.items() if key not in ("per_second", "imagents_is"))
        print(f"{words}{row['per_second']:13,.0f} a second{row['imagents_is']:10.3g} times")
    print(json.dumps(rows))


def options_of(description: str) -> argparse.Namespace:
    """What the command line says; and this process, and what it starts, have one core from then on."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=5, help="of which the median counts")
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path(".venv-peers"))
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return options
