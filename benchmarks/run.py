"""Throughput of the default training beside the tutorial's loop: `make benchmark`.

Absolute figures depend on the machine and on what else it does; the ratios are measured in one run, the systems
in turn. Prints a table and writes all figures as JSON.

    python -m benchmarks.run [--games tic_tac_toe connect_four] [--parallel-games 64 256 1024 4096] [--output FILE]
"""

import dataclasses
import json
import pathlib
import statistics
import subprocess
import sys
import time

import tyro

from imagents.config import TrainConfig
from imagents.run import write_json
from imagents.training import build


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Throughput of the default training beside the tutorial's loop."""

    games: tuple[str, ...] = ("tic_tac_toe", "connect_four")
    """Which games."""
    parallel_games: tuple[int, ...] = (64, 256, 1024, 4096)
    """How many games side by side; one trained sample per ply."""
    seconds: float = 3.0
    """Of each measurement; the tutorial's loop gets ten times as many."""
    repeats: int = 3
    """Measurements, of which the median counts."""
    output: pathlib.Path = pathlib.Path("outputs/benchmark.json")
    """Where the figures go."""


def tutorial(game: str, seconds: float) -> dict:
    """The tutorial's loop, in a process of its own: it sets TensorFlow's global seed."""
    command = [sys.executable, "-m", "benchmarks.tutorial_loop", "--game", game, "--seconds", str(seconds)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def imagents(game: str, parallel_games: int, seconds: float, repeats: int) -> dict:
    """Two agents learning with the default network, one trained sample per ply."""
    config = TrainConfig(game=game, parallel_games=parallel_games, batch_size=parallel_games)
    trainer = build(config)
    began = time.perf_counter()
    trainer.run(config.warmup_rounds + 10)
    to_first_chunk = time.perf_counter() - began
    rounds, figures = 16, []
    while len(figures) < repeats:
        plies, began = int(trainer.plies), time.perf_counter()
        trainer.run(rounds)
        elapsed = time.perf_counter() - began
        if elapsed < seconds:
            rounds = int(rounds * min(8.0, 1.2 * seconds / elapsed)) + 1
            continue
        trained = rounds * config.train_steps_per_round * config.batch_size * len(trainer.agents)
        figures.append(((int(trainer.plies) - plies) / elapsed, trained / elapsed))
    return {
        "system": "imagents",
        "game": game,
        "parallel_games": parallel_games,
        "plies_per_second": statistics.median(plies for plies, _ in figures),
        "trained_samples_per_second": statistics.median(trained for _, trained in figures),
        "seconds_to_compile": to_first_chunk,
    }


def main() -> None:
    options = tyro.cli(Benchmark, prog="make benchmark")
    results = []
    print(f"{'game':14}{'system':26}{'plies/s':>12}{'trained/s':>12}{'ratio':>10}")
    for game in options.games:
        baseline = tutorial(game, 10 * options.seconds)
        rows = [baseline]
        _print_row(game, "tutorial loop, 1 game", baseline, 1.0)
        for parallel_games in options.parallel_games:
            row = imagents(game, parallel_games, options.seconds, options.repeats)
            row["ratio_to_tutorial"] = row["plies_per_second"] / baseline["plies_per_second"]
            rows.append(row)
            _print_row(game, f"imagents, {parallel_games} games", row, row["ratio_to_tutorial"])
        results += rows
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.output, {"settings": vars(options) | {"output": str(options.output)}, "results": results})
    print(f"all figures: {options.output}")


def _print_row(game: str, system: str, row: dict, ratio: float) -> None:
    figures = f"{row['plies_per_second']:12,.0f}{row['trained_samples_per_second']:12,.0f}{ratio:10,.0f}"
    print(f"{game:14}{system:26}{figures}", flush=True)


if __name__ == "__main__":
    main()
