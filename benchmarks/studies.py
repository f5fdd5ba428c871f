"""What a study costs beside its runs.

    python -m benchmarks.studies engines    the same study on this machine's processes and on a Ray cluster of them
    python -m benchmarks.studies trials     200 trials in one study: the memory of its process, listing and report
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

_CORES = len(os.sched_getaffinity(0))
_ENGINES = """
seeds = {seeds}
[base]
environment = "cartpole"
steps = 200_000
"""
_TRIALS = """
seeds = 3
[base]
environment = "climbing"
algorithm = "tabular"
steps = 500
[search]
learning_rate = {{ log = [0.01, 1.0] }}
hysteretic = {{ choice = [1.0, 0.5] }}
method = "optuna"
[budget]
trials = {trials}
"""


def engines(seeds: int = 40) -> None:
    """Prints how long a study takes on either engine, and how long the cluster's start."""
    with _study(_ENGINES.format(seeds=seeds)) as (folder, file):
        local = _seconds("study", file, "--output-dir", folder / "local")
        print(f"local: {local:.0f} s for {seeds} runs in {_CORES} processes", flush=True)
        os.environ["RAY_worker_niceness"] = "0"
        from ray.cluster_utils import Cluster

        began = time.monotonic()
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": _CORES})
        print(f"ray: started in {time.monotonic() - began:.0f} s", flush=True)
        try:
            on = ("--engine", "ray", "--address", cluster.address)
            there = _seconds("study", file, "--output-dir", folder / "ray", *on)
        finally:
            cluster.shutdown()
        print(f"ray: {there:.0f} s, {100 * (there / local - 1):+.1f} % over local")
        same = (folder / "local/summary.csv").read_bytes() == (folder / "ray/summary.csv").read_bytes()
        print(f"the same summary.csv: {same}")


def trials(trials: int = 200) -> None:
    """Prints the memory of a study's process while its trials are trained, and what listing and report take."""
    with _study(_TRIALS.format(trials=trials)) as (folder, file):
        process = subprocess.Popen(_words("study", file, "--output-dir", folder / "many"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        next_at, runs = 20, folder / "many/runs"
        while process.poll() is None:
            if (ended := len([*runs.glob("*/evaluation.json")])) >= next_at:
                memory = pathlib.Path(f"/proc/{process.pid}/status").read_text().partition("VmRSS:")[2].split()[0]
                print(f"{ended} runs ended: {int(memory) / 1e3:.0f} MB", flush=True)
                next_at = ended + 20
            time.sleep(0.5)
        print(f"status {process.returncode}")
        print(f"listing: {_seconds('study', file, '--output-dir', folder / 'many', '--dry-run'):.1f} s")
        print(f"report: {_seconds('report', folder / 'many'):.1f} s")


@contextlib.contextmanager
def _study(text: str):
    with tempfile.TemporaryDirectory() as name:
        file = pathlib.Path(name, "study.toml")
        file.write_text(text)
        yield file.parent, file


def _words(*words) -> list[str]:
    return [sys.executable, "-m", "imagents.cli", *map(str, words)]


def _seconds(*words) -> float:
    began = time.monotonic()
    subprocess.run(_words(*words), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


if __name__ == "__main__":
    {"engines": engines, "trials": trials}[sys.argv[1]](*map(int, sys.argv[2:]))
