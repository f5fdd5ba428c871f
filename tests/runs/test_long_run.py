"""A long training at full speed neither grows, nor slows down, nor fills the disk.

    make test-slow ARGS=tests/runs/test_long_run.py                                     six minutes
    IMAGENTS_LONG_RUN_MINUTES=120 make test-slow ARGS="-s tests/runs/test_long_run.py"  two hours, showing what it found

IMAGENTS_LONG_RUN_FLAGS="--environment connect_four --preset strong" has another training run. It measures speed, so
nothing else should run on the machine.
"""

import math
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

from imagents.runs.run import Run

MINUTES = float(os.environ.get("IMAGENTS_LONG_RUN_MINUTES", "6"))
FLAGS = os.environ.get("IMAGENTS_LONG_RUN_FLAGS", "").split()
WARM = min(5.0, 0.4 * MINUTES)  # minutes until everything is allocated


def resident_bytes(process: int) -> int:
    fields = pathlib.Path(f"/proc/{process}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def steps(run: pathlib.Path) -> int:
    """The steps in the last whole row of metrics.csv."""
    with (run / "metrics.csv").open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        return int(file.read().decode().rsplit("\n", 2)[-2].split(",")[1])


@pytest.mark.slow
def test_a_long_training_stays_as_small_and_as_fast_as_it_was(tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "imagents.cli", "train", "--minutes", str(MINUTES), *FLAGS]
    command += ["--output-dir", str(run)]
    samples = []  # seconds, steps, bytes of memory
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not (run / "metrics.csv").exists() or not (run / "metrics.csv").read_text().count("\n") > 1:
            assert process.poll() is None
            time.sleep(0.5)
        began = time.monotonic()
        while process.poll() is None:
            samples.append((time.monotonic() - began, steps(run), resident_bytes(process.pid)))
            time.sleep(1)
        assert process.returncode == 0
    trained = 1 + next(i for i, sample in enumerate(samples) if sample[1] == samples[-1][1])
    samples = samples[:trained]  # without the report that follows the training

    seconds, taken, memory = np.array(samples).T

    def speed(start: float, end: float) -> float:
        """Steps per second between two shares of the time: of everything, evaluations and files included."""
        edges = np.interp([start * seconds[-1], end * seconds[-1]], seconds, taken)
        return float(np.diff(edges)[0] / ((end - start) * seconds[-1]))

    warm = np.interp(60 * WARM, seconds, memory)
    second, last = speed(0.1, 0.2), speed(0.9, 1.0)
    metrics, chunk = Run(run).metrics(), Run(run).config.training.rounds_per_chunk
    chunks = int(metrics["round"].iloc[-1]) // chunk
    events = sum(path.stat().st_size for path in (run / "events").iterdir())
    print(
        f"{MINUTES} minutes, {chunks} chunks: memory {warm / 2**20:.0f} MiB after {WARM} minutes, "
        f"{memory[-1] / 2**20:.0f} at the end; {second:.0f} steps/s in the second tenth, {last:.0f} in the last; "
        f"{len(metrics)} rows, {(run / 'metrics.csv').stat().st_size / 2**20:.2f} MiB of metrics, "
        f"{events / 2**20:.2f} MiB of events"
    )
    assert memory[-1] < 1.05 * warm
    assert last > 0.9 * second
    assert len(metrics) <= 4096 + 2048 * max(0, math.ceil(math.log2(chunks / 4096)))
    assert events < 4096 * len(metrics)
