"""What has to be measured in a process of its own: the start of a training, peak memory, other systems."""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
# Their scripts, and the environments that `make benchmark-peers` sets up for them.
PEERS = {
    "pgx": ("jax", "pgx_dqn.py"),
    "tianshou": ("torch", "tianshou_dqn.py"),
    "OpenSpiel": ("torch", "open_spiel_dqn.py"),
}


def json_of(command: list) -> dict:
    """What a command prints on its last line.

    Raises:
      RuntimeError: if it fails, with the end of what it printed.
    """
    command = [str(each) for each in command]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def tutorial(game: str, seconds: float) -> dict:
    """The tutorial's loop: it sets TensorFlow's global seed."""
    return json_of([sys.executable, "-m", "benchmarks.tutorial_loop", "--game", game, "--seconds", seconds])


def installed_peers(folder: pathlib.Path) -> dict[str, list]:
    """The peers whose environment was set up: the beginning of the command that measures each."""
    found = {}
    for name, (environment, script) in PEERS.items():
        python = folder / environment / "bin" / "python"
        if python.exists():
            found[name] = [python, HERE / "peers" / script]
    return found


def seconds_to_first_chunk(game: str) -> float:
    """From the start of `imagents train` with the game's default preset until it shows its first chunk."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "imagents.cli", "train", "--environment", game]
        command += ["--output-dir", f"{folder}/run"]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            for line in process.stdout:
                if not line.startswith("training in "):
                    return time.perf_counter() - began
            raise RuntimeError(f"imagents train ended before its first chunk:\n{process.stderr.read()[-2000:]}")
        finally:
            process.kill()
            process.communicate()


def peak_memory(game: str, parallel_games: int, replay_length: int) -> dict:
    """Of a training with one sample per ply that goes on until its replay buffers are full."""
    arguments = ["--game", game, "--parallel-games", parallel_games, "--replay-length", replay_length]
    return json_of([sys.executable, "-m", "benchmarks.processes", *arguments])


def machine() -> dict:
    """What the figures were measured on, and when."""
    import tensorflow as tf

    model = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": model[0] if model else "unknown",
        "tensorflow": tf.__version__,
        "load_at_start": os.getloadavg()[0],
    }


def _lines(path: str) -> list[str]:
    file = pathlib.Path(path)
    return file.read_text().splitlines() if file.exists() else []


def _train_and_report_memory() -> None:
    import argparse

    from benchmarks.imagents_loops import config_of
    from imagents.training.loop import build

    parser = argparse.ArgumentParser()
    parser.add_argument("--game")
    parser.add_argument("--parallel-games", type=int)
    parser.add_argument("--replay-length", type=int)
    options = parser.parse_args()
    config = config_of(options.game, options.parallel_games, 1.0, options.replay_length)
    build(config).run(2 * options.replay_length)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(vars(options) | {"peak_gib": peak / 2**30}))


if __name__ == "__main__":
    _train_and_report_memory()
