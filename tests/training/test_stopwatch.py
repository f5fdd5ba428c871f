"""Time in which the process is paused is no time of training."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from imagents.training import stopwatch
from imagents.training.stopwatch import Stopwatch

CODE = """
import sys
from imagents.training import stopwatch
stopwatch._TICK, stopwatch._LONGEST = 0.02, 0.2
with stopwatch.Stopwatch() as watch:
    print("ready", flush=True)
    sys.stdin.readline()
    print(watch.seconds)
"""


@pytest.mark.parametrize("stop", [signal.SIGSTOP, signal.SIGTSTP])  # from a scheduler, and by Ctrl-Z
def test_a_process_that_is_stopped_counts_a_moment_of_that(stop):
    command = [sys.executable, "-c", CODE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        began = time.perf_counter()
        process.send_signal(stop)
        time.sleep(1)
        process.send_signal(signal.SIGCONT)
        process.stdin.write("\n")
        process.stdin.flush()
        counted = float(process.stdout.readline())
        assert counted < time.perf_counter() - began - 0.6


def test_time_that_is_spent_is_counted_whoever_sleeps_or_works():
    with Stopwatch() as watch:
        began = time.perf_counter()
        time.sleep(1.3)
        while time.perf_counter() < began + 1.7:
            sum(range(1000))
        spent = time.perf_counter() - began
        assert watch.seconds == pytest.approx(spent, abs=0.2)


def test_a_clock_that_jumps_counts_a_second(monkeypatch):
    """As that of a virtual machine that was paused, or of a laptop that slept where its clock did not."""
    now = [100.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])
    with Stopwatch() as watch:
        now[0] += 0.5
        assert watch.seconds == pytest.approx(0.5)
        now[0] += 8 * 3600
        assert watch.seconds == pytest.approx(1.5)
        assert watch.seconds == pytest.approx(1.5)


def test_its_thread_ends_with_it():
    before = threading.active_count()
    with Stopwatch():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
