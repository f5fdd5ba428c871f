"""docs/benchmarks.md from the figures that `make benchmark` wrote.

    python -m benchmarks.report outputs/benchmark.json docs/benchmarks.md
"""

import argparse
import json
import pathlib
from collections.abc import Iterator

from imagents.files import write_text

_NAMES = {"tic_tac_toe": "Tic-tac-toe", "connect_four": "Connect four"}

_BEGINNING = """\
# Benchmarks

How fast imagents is, measured by `make benchmark` in one run{quick} on {date}: {cores} cores of {processor},
TensorFlow {tensorflow}{busy}. Figures are medians of {repeats} repeats, all systems in
turn; on another machine they differ, and their ratios much less. To repeat it:

```sh
# needs 15 minutes (ARGS="--quick": two), and the network, once
make benchmark-peers  # sets up the other systems, which are left out otherwise
make benchmark
# and what writes this page:
.venv/bin/python -m benchmarks.report outputs/benchmark.json docs/benchmarks.md
```

A ply is one move by one player. All learners are two independent DQN agents, one for each seat, which play against each
other and learn from their own decisions."""

_OTHERS = """\
## Beside other systems

imagents plays {games:,} games side by side, with {samples:g} trained samples per ply and Q networks of two layers of
128.

- **pgx + JAX** does the same work: the same network, batches, train steps, replay length, optimizer, loss and legal
  moves, as one program compiled by JAX (benchmarks/peers/pgx_dqn.py). All its games move in step: the seat whose turn
  it is begins the next one, so no game ever waits. In imagents who begins is drawn, and half of the new games wait
  for half a round.
- **OpenSpiel** and **tianshou** (over PettingZoo) run as their own examples do, with those examples' networks, batches
  and train steps per ply, which are smaller and fewer.
- **The tutorial's loop** is TF-Agents alone: one game, one eager ply at a time
  (benchmarks/tutorial_loop.py)."""

_CARTPOLE = """\
## One agent

Cartpole's whole loop, in steps per second of one processor core. *Defaults* is what Stable-Baselines3's DQN does at its
defaults: two layers of 64, a train step of 32 decisions every 4 steps; *zoo* is the setting of its zoo: two layers of
256, a train step of 64 every 2 steps. imagents and a DQN in plain JAX over gymnax (benchmarks/peers/gymnax_dqn.py) do
that work in 64 copies, Stable-Baselines3 in one. Every peer is measured between two measurements of imagents, and of
the ratios the median counts."""

_ALONE = """\
## Environments alone

Steps per second of random players in {copies:,} copies, compiled; a step is one copy's, whoever acts in it, and the
beginning of an episode is none."""

_SIZES = """\
## By the number of parallel games

Plies per second of random legal play (*games alone*), of agents that act and store but do not learn (*collecting*),
and of the *whole loop*, by trained samples per ply. *Learning* is train steps alone, in samples per second; its batch
is the number of parallel games."""

_PROFILE = """\
## Where the time goes

A round, in which each agent acts once in every game and trains once on as many samples as there are games: microseconds
of its parts, measured one by one, and what the whole loop adds to their sum (less than nothing where the parts overlap
on the cores). *Products* are the matrix products of the network's layers, with nothing else between them, each waiting
for the one before; a gradient of weights counts in the faster of its two orders."""

_WORK = """\
The network's floating-point work per second in the whole loop, biases, activations and Adam left out, beside what those
bare matrix products reach:"""

_START = """\
## Start and memory

From Enter to the first trained chunk of the game's default training, imports and compiling included; and the most
memory of a process that trains in {games:,} games with {length} decisions to sample from in each."""

_TRIED = """\
## Tried, and left

Measured once each, beside other work, by prototypes that are not kept; of the first the seconds of the processor that
the loops of `benchmarks.cartpole` and `benchmarks.imagents_loops` take on one core, with `XLA_FLAGS` and without:

- **XLA's older runtime** (`--xla_cpu_use_thunk_runtime=false`, TensorFlow 2.19 alone) is 1.20 times as fast in
  cart-pole at the defaults above and 1.03 times at the zoo's, 1.17 and 1.12 times in tic-tac-toe and connect four at 64
  games, 1.08 times at 256. It is one for a whole process, and changes the last bits: a run would not go on in another
  process as it had begun.
- **bfloat16** makes the products of connect four's `strong` 2.4 times as fast in a graph of TensorFlow's, by oneDNN;
  XLA gains nothing from it. But what is between the products is slower in a graph, and all of `strong`'s loop is 0.86
  times as fast as XLA's in float32."""


def page(results: dict) -> str:
    """The page as Markdown."""
    settings, machine = results["settings"], results["machine"]
    quick = " (`--quick`)" if settings["quick"] else ""
    busy = ", which other programs used too" if machine["load_at_start"] > 0.5 else ""
    lines = [_BEGINNING.format(quick=quick, busy=busy, repeats=settings["repeats"], **machine), ""]
    lines += [settings["note"], ""] if settings["note"] else []
    lines += [*_others(results["others"]), *_alone(results["environments"]),
              *_cartpole(results["cartpole"]), *_sizes(results), *_profile(results)]
    memory = results["memory"]
    lines += [_START.format(games=memory[0]["parallel_games"], length=memory[0]["replay_length"]), ""]
    lines += [*_table(["", "first trained chunk", "memory"], _start(results)), _TRIED, ""]
    return "\n".join(lines)


def _others(others: list[dict]) -> Iterator[str]:
    ours = {(row["game"], row["measure"]): row for row in others if row["system"] == "imagents"}
    if not ours:
        return
    some = next(row for row in ours.values() if row["measure"] == "learn")
    yield _OTHERS.format(games=some["parallel_games"], samples=some["samples_per_ply"])
    yield ""
    for measure, title in (("learn", "plies/s, playing and learning"), ("play", "plies/s, random legal play")):
        games = [game for game in _NAMES if (game, measure) in ours]
        systems = dict.fromkeys(row["system"] for row in others if row.get("measure", "learn") == measure)
        systems = ["imagents", *(system for system in systems if system != "imagents")]
        heading = [title]
        for game in games:
            heading += [_NAMES[game], "imagents is"]
        rows = []
        for system in systems:
            cells = [system]
            for game in games:
                row = next((row for row in others if (row["system"], row["game"], row.get("measure", "learn"))
                            == (system, game, measure)), None)
                speed = row["plies_per_second"] if row else None
                ratio = ours[game, measure]["plies_per_second"] / speed if speed else None
                cells += [_number(speed), "" if system == "imagents" else _times(ratio)]
            rows.append(cells)
        yield from _table(heading, rows)


def _alone(rows: list[dict]) -> Iterator[str]:
    yield _ALONE.format(copies=rows[0]["copies"])
    yield ""
    named = [f"{row['environment']}, {row['settings']}".rstrip(", ") for row in rows]
    cells = ([name, _number(row["plies_per_second"])] for name, row in zip(named, rows, strict=True))
    yield from _table(["", "steps/s"], [*cells])


def _cartpole(rows: list[dict]) -> Iterator[str]:
    yield _CARTPOLE
    yield ""
    found = {(row["system"], row["settings"]): row for row in rows}
    amounts = dict.fromkeys(row["settings"] for row in rows)
    heading = ["steps/s, playing and learning", *(cell for amount in amounts for cell in (amount, "imagents is"))]
    body = []
    for system in dict.fromkeys(row["system"] for row in rows):
        cells = [system]
        for row in (found[system, amount] for amount in amounts):
            cells += [_number(row["steps_per_second"]), _times(row.get("imagents_is"))]
        body.append(cells)
    yield from _table(heading, body)


def _sizes(results: dict) -> Iterator[str]:
    yield _SIZES
    yield ""
    for game in _games(results):
        rows = [row for row in results["imagents"] if row["game"] == game]
        amounts = sorted({row["samples_per_ply"] for row in rows if row["measure"] == "learn"})
        heading = [f"{_NAMES[game]}: games", "games alone", "collecting", "learning, samples/s"]
        heading += [f"whole loop, {amount:g} per ply" for amount in amounts]
        body = []
        for size in sorted({row["parallel_games"] for row in rows}):
            speeds = [_row(rows, size, measure)["plies_per_second"] for measure in ("play", "collect")]
            speeds.append(_row(rows, size, "train")["trained_samples_per_second"])
            for amount in amounts:
                row = _row(rows, size, "learn", amount)
                speeds.append(row and row["plies_per_second"])
            body.append([f"{size:,}", *map(_number, speeds)])
        yield from _table(heading, body)
    for game in _games(results):
        first = results["settings"]["samples_per_ply"][0]
        speeds = {row["parallel_games"]: row["plies_per_second"] for row in results["imagents"]
                  if (row["game"], row["measure"], row.get("samples_per_ply")) == (game, "learn", first)}
        largest, best = max(speeds), max(speeds, key=speeds.get)
        if len(speeds) == 1:
            continue
        share = speeds[largest] / speeds[best]
        yield (f"{_NAMES[game]}, {first:g} trained samples per ply: {largest:,} games run at {share:.0%} of the plies "
               f"per second of the best number, {best:,}.")
        yield ""


def _profile(results: dict) -> Iterator[str]:
    yield _PROFILE
    yield ""
    heading = ["games", "games alone", "products, acting", "rest of collecting", "products, training",
               "rest of training", "added by the whole", "whole loop"]
    work = []
    for game in _games(results):
        body = []
        rows = [row for row in results["imagents"] if row["game"] == game]
        for products in (products for products in results["products"] if products["game"] == game):
            size = products["parallel_games"]
            first = results["settings"]["samples_per_ply"][0]
            play, collect, train = (_row(rows, size, m)["microseconds_per_round"] for m in ("play", "collect", "train"))
            whole = _row(rows, size, "learn", first)["microseconds_per_round"]
            acting, training = 1e6 * products["play_seconds"], 1e6 * products["train_seconds"]
            parts = [play, acting, collect - play - acting, training, train - training, whole - collect - train, whole]
            body.append([f"{size:,}", *(f"{part:,.0f}" for part in parts)])
            flops = (products["play_flops"] + products["train_flops"]) / 1e3  # per microsecond: GFLOP/s
            reached, bare = flops / whole, flops / (acting + training)
            work.append([_NAMES[game], f"{size:,}", f"{reached:,.0f}", f"{bare:,.0f}", f"{reached / bare:.0%}"])
        yield f"{_NAMES[game]}, microseconds per round:"
        yield ""
        yield from _table(heading, body)
    yield _WORK
    yield ""
    yield from _table(["", "games", "GFLOP/s", "bare products, GFLOP/s", "share"], work)


def _start(results: dict) -> Iterator[list[str]]:
    for start, memory in zip(results["start"], results["memory"]):
        yield [_NAMES[start["game"]], f"{start['seconds_to_first_chunk']:.1f} s", f"{memory['peak_gib']:.2f} GiB"]


def _games(results: dict) -> list[str]:
    return list(dict.fromkeys(row["game"] for row in results["imagents"]))


def _row(rows: list[dict], size: int, measure: str, samples_per_ply: float | None = None) -> dict | None:
    for row in rows:
        if (row["parallel_games"], row["measure"]) == (size, measure):
            if samples_per_ply is None or row["samples_per_ply"] == samples_per_ply:
                return row
    return None


def _table(heading: list[str], rows) -> list[str]:
    lines = [heading, ["---"] + ["---:"] * (len(heading) - 1), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]


def _number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return ""
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    return f"{float(f'{value:.3g}'):,.0f}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{_number(ratio) if ratio >= 100 else format(ratio, '.3g')} times as fast"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=pathlib.Path)
    parser.add_argument("page", type=pathlib.Path)
    options = parser.parse_args(arguments)
    try:
        results = json.loads(options.figures.read_text())
    except FileNotFoundError:
        parser.error(f"{options.figures} does not exist: make benchmark writes it")
    write_text(options.page, page(results))
    print(options.page)


if __name__ == "__main__":
    main()
