"""How fast imagents is, beside other systems: `make benchmark`.

Absolute figures depend on the machine and on what else it does; ratios are measured in one run, the systems in turn,
and the median of several repeats counts. Prints tables and writes all figures as JSON, from which
`python -m benchmarks.report` makes docs/benchmarks.md. Takes some 15 minutes on two cores, with `--quick` some two.

    make benchmark-peers                            # once: other systems to compare with
    make benchmark ARGS="--quick --games connect_four"
"""

import dataclasses
import gc
import logging
import pathlib
import sys
import time

import tyro

from benchmarks import matmul, processes, timing
from benchmarks.imagents_loops import config_of, measured_loops, play_loop, random_loop, whole_loop
from imagents.environments.boards.games import get_game
from imagents.files import write_json

ALONE = (
    ("climbing", {"episode_length": 10}),
    ("climbing", {"episode_length": 1}),
    ("penalty", {"num_agents": 5}),
    ("cartpole", {}),
)
PEER_GAMES, PEER_SAMPLES_PER_PLY = 1024, 0.5  # what imagents and pgx do for each other's comparison


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Speed of games, collecting, learning and the whole loop, beside other systems; start-up and memory."""

    games: tuple[str, ...] = ("tic_tac_toe", "connect_four")
    """Which games."""
    parallel_games: tuple[int, ...] = (64, 256, 1024, 4096, 8192)
    """How many games side by side."""
    samples_per_ply: tuple[float, ...] = (1.0, 0.25, 4.0)
    """Trained samples per ply of the whole loop; the first also of the other measurements."""
    seconds: float = 0.6
    """Of each repeat; other systems than imagents and pgx get 25 times as many, once."""
    repeats: int = 3
    """Of which the median counts."""
    memory_games: int = 8192
    """How many games side by side, each with 64 decisions to sample from, when memory is measured."""
    quick: bool = False
    """Only 1,024 games and one trained sample per ply, and shorter."""
    peers: pathlib.Path = pathlib.Path(".venv-peers")
    """Where `make benchmark-peers` put other systems; those that are there are measured."""
    note: str = ""
    """What else the page shall say about this run."""
    output: pathlib.Path = pathlib.Path("outputs/benchmark.json")
    """Where the figures go."""

    def shortened(self) -> "Benchmark":
        """Itself, or what `quick` makes of it."""
        if not self.quick:
            return self
        return dataclasses.replace(self, parallel_games=(1024,), samples_per_ply=(1.0,), seconds=0.2)


def run(options: Benchmark) -> dict:
    """All measurements, printed on the way."""
    options = options.shortened()
    results = {"machine": processes.machine(), "settings": vars(options) | {"peers": str(options.peers), "output": ""}}
    peers = processes.installed_peers(options.peers)
    began = time.perf_counter()
    results["start"] = [
        {"game": game, "seconds_to_first_chunk": processes.seconds_to_first_chunk(game)} for game in options.games
    ]
    results["memory"] = [processes.peak_memory(game, options.memory_games, 64) for game in options.games]
    _print_start(results)
    print(f"{'game':13}{'system':38}{'plies/s':>13}{'trained/s':>13}")
    results["others"], results["imagents"], results["products"] = [], [], []
    for game in options.games:
        results["others"] += _beside(game, peers, options)
        for parallel_games in options.parallel_games:
            rows, products = _at_size(game, parallel_games, options)
            results["imagents"] += rows
            results["products"].append(products)
    results["environments"] = _alone(options)
    results["cartpole"] = _cartpole(options)
    results["seconds"] = time.perf_counter() - began
    return results


def _alone(options: Benchmark) -> list[dict]:
    """Environments with random players, compiled."""
    loops = [random_loop(name, 1024, **settings) for name, settings in ALONE]
    rows = timing.measure_in_turn(loops, options.seconds, options.repeats)
    for row in rows:
        named = f"{row['environment']}, {row['settings']}"
        print(f"alone        {named:51}{row['plies_per_second']:13,.0f}", flush=True)
    return rows


def _cartpole(options: Benchmark) -> list[dict]:
    """In a process of its own, as it is about one core."""
    command = [sys.executable, "-m", "benchmarks.cartpole", "--peers", options.peers]
    rows = processes.json_of([*command, "--seconds", 7 * options.seconds, "--repeats", options.repeats])
    for row in rows:
        print(f"cartpole     {row['system'] + ', ' + row['settings']:51}{row['steps_per_second']:13,.0f}", flush=True)
    return rows


def _beside(game: str, peers: dict[str, list], options: Benchmark) -> list[dict]:
    """Other systems, and in turn with them imagents on the same work as pgx."""
    long = 25 * options.seconds
    ours = [play_loop(game, PEER_GAMES), whole_loop(game, PEER_GAMES, PEER_SAMPLES_PER_PLY)]
    for loop in ours:
        loop.calibrate(options.seconds)
        loop.measure()
    rows = [processes.tutorial(game, long)]
    for name, command in peers.items():
        command = [*command, "--game", game]
        if name == "pgx":
            work = ["--parallel-games", PEER_GAMES, "--batch-size", round(PEER_GAMES * PEER_SAMPLES_PER_PLY)]
            work += ["--seconds", options.seconds, "--repeats", options.repeats]
            rows += [processes.json_of([*command, "--measure", each, *work]) for each in ("play", "learn")]
        else:
            rows.append(processes.json_of([*command, "--seconds", long]))
        for loop in ours:
            loop.measure()
    rows += [{"system": "imagents"} | loop.result() for loop in ours]
    for row in rows:
        _print_row(game, f"{row['system']}{', games alone' if row.get('measure') == 'play' else ''}", row)
    return rows


def _at_size(game: str, parallel_games: int, options: Benchmark) -> tuple[list[dict], dict]:
    """imagents' own rows at one size, and the matrix products of the whole loop's first row."""
    first, *others = options.samples_per_ply
    loops = measured_loops(game, parallel_games, first)
    algorithm = config_of(game, parallel_games, first).algorithm
    board = get_game(game)
    sizes = [2 * board.num_cells, *algorithm.hidden_layers, board.num_actions]
    parts = {
        "play": matmul.products_of_round(sizes, parallel_games, algorithm.batch_size, train=False),
        "train": matmul.products_of_round(sizes, parallel_games, algorithm.batch_size, play=False),
    }
    bare = matmul.loops_of(parts["play"] + parts["train"])
    flat = [loop for found in bare.values() for loop in found]
    for loop in flat:
        loop.calibrate(options.seconds / 12)
    for loop in loops:
        loop.calibrate(options.seconds)
    for _ in range(options.repeats):
        for loop in [*loops, *flat]:
            loop.measure()
    rows = [loop.result() for loop in loops]
    del loops
    gc.collect()
    # The other amounts of training need programs of their own, one at a time in memory.
    for samples_per_ply in others:
        loop = whole_loop(game, parallel_games, samples_per_ply)
        rows += timing.measure_in_turn([loop], options.seconds, options.repeats)
        del loop
        gc.collect()
    names = {"play": "games alone", "collect": "collecting", "train": "learning", "learn": "whole loop"}
    for row in rows:
        samples = f", {row['samples_per_ply']:g} per ply" if row["measure"] == "learn" else ""
        _print_row(game, f"{parallel_games} games: {names[row['measure']]}{samples}", row)
    products = {"game": game, "parallel_games": parallel_games, "batch_size": algorithm.batch_size}
    for name, part in parts.items():
        found = {product: bare[product] for product in part}
        products |= {f"{name}_flops": matmul.flops_of(part), f"{name}_seconds": matmul.seconds_of_round(found)}
    return rows, products


def main() -> None:
    options = tyro.cli(Benchmark, prog="make benchmark", description=Benchmark.__doc__)
    for name in options.games:
        get_game(name)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # else it warns that functions like each other are traced
    results = run(options)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.output, results)
    print(f"{results['seconds'] / 60:.1f} minutes; all figures: {options.output}")


def _print_start(results: dict) -> None:
    for start, memory in zip(results["start"], results["memory"]):
        print(f"{start['game']:13}first trained chunk after {start['seconds_to_first_chunk']:.1f} s; "
              f"{memory['peak_gib']:.2f} GiB with {memory['parallel_games']:,} games", flush=True)


def _print_row(game: str, system: str, row: dict) -> None:
    figures = [row["plies_per_second"], row.get("trained_samples_per_second", 0.0)]
    columns = [f"{figure:13,.0f}" if figure else " " * 13 for figure in figures]
    print(f"{game:13}{system:38}{''.join(columns)}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
