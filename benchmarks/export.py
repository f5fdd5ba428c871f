"""Speed of exported agents by format: latency of a single board, throughput of 1,024 at once.

Absolute figures depend on the machine and on what else it does. Prints a table and writes all figures as JSON.

    python -m benchmarks.export [--games tic_tac_toe connect_four] [--formats saved_model onnx tflite] [--output FILE]
"""

import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable

import numpy as np
import tyro

from imagents.config import TrainConfig
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.connect_four import positions
from imagents.environments.boards.games import TIC_TAC_TOE, get_game
from imagents.environments.boards.tic_tac_toe import exact
from imagents.export.formats import read_onnx, read_tflite
from imagents.export.writing import check_formats, export_agent
from imagents.files import write_json
from imagents.learning.build import build_agents


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Latency and throughput of exported agents, by format, with the networks of the games' default presets."""

    games: tuple[str, ...] = ("tic_tac_toe", "connect_four")
    """Which games."""
    formats: tuple[str, ...] = ("saved_model", "onnx", "tflite")
    """Which formats."""
    boards: int = 1024
    """How many at once, for the throughput."""
    seconds: float = 3.0
    """Of each measurement."""
    output: pathlib.Path = pathlib.Path("outputs/benchmark_export.json")
    """Where the figures go."""


def reader(format_name: str, folder: pathlib.Path) -> Callable[[np.ndarray], object]:
    """The model in the library that its users would take: a function of boards."""
    import tensorflow as tf  # after imagents, which prepares it

    if format_name == "saved_model":
        serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
        return lambda boards: serve(board=tf.constant(boards))["action"].numpy()
    model = {"onnx": read_onnx, "tflite": read_tflite}[format_name](folder)
    return lambda boards: model({"board": boards})["action"]


def positions_of(game: BoardGame) -> np.ndarray:
    """int32 `[N, rows, columns]`, player_1 to move."""
    boards = exact.positions().boards(0) if game == TIC_TAC_TOE else positions.load("close").boards(0)
    return boards.astype(np.int32)


def latencies(model: Callable, boards: np.ndarray, count: int, seconds: float) -> np.ndarray:
    """Seconds of each call with `count` boards, for so many seconds after a warm-up."""
    batches = [boards[np.arange(i * count, (i + 1) * count) % len(boards)] for i in range(64)]
    for batch in batches[:20]:
        model(batch)
    taken, end = [], time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        model(batches[len(taken) % len(batches)])
        taken.append(time.perf_counter() - began)
    return np.array(taken)


def main() -> None:
    options = tyro.cli(Benchmark, prog="python -m benchmarks.export")
    check_formats(options.formats)
    results = []
    print(f"{'game':14}{'format':14}{'p50, ms':>10}{'p99, ms':>10}{f'boards/s, {options.boards}':>18}{'kB':>8}")
    for name in options.games:
        game = get_game(name)
        agent, boards = build_agents(TrainConfig(name))[0], positions_of(game)
        with tempfile.TemporaryDirectory() as folder:
            paths = export_agent(agent, name, folder, options.formats)
            for format_name, path in zip(options.formats, paths, strict=True):
                model = reader(format_name, path)
                single = latencies(model, boards, 1, options.seconds)
                many = latencies(model, boards, options.boards, options.seconds)
                row = {
                    "game": name,
                    "format": format_name,
                    "p50_ms": 1e3 * float(np.quantile(single, 0.5)),
                    "p99_ms": 1e3 * float(np.quantile(single, 0.99)),
                    "boards_per_second": options.boards / float(np.median(many)),
                    "bytes": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
                }
                results.append(row)
                print(f"{name:14}{format_name:14}{row['p50_ms']:10.3f}{row['p99_ms']:10.3f}"
                      f"{row['boards_per_second']:18,.0f}{row['bytes'] / 1000:8.0f}", flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.output, {"settings": vars(options) | {"output": str(options.output)}, "results": results})
    print(f"all figures: {options.output}")


if __name__ == "__main__":
    main()
