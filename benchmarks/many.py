"""Published figures of small learners, each the share of a thousand trainings: `make results` trains what is missing.

A training is what `imagents train` makes of its flags and a seed, to the last bit (a test compares them), but without a
run folder: one compiled program is kept, and each seed begins with the variables of a training that was built anew.
Figures go to benchmarks/many.json, and docs/results.md is written from them.

    python -m benchmarks.many [CELL ...]
"""

import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator

from imagents.config import TrainConfig
from imagents.evaluation.matches import wilson_interval
from imagents.files import write_json

FIGURES = pathlib.Path("benchmarks/many.json")


@dataclasses.dataclass(frozen=True)
class Cell:
    """A training, repeated.

    settings: those that are not the preset's, by name; `environment` among them.
    measure: what has to be 1 in the measures of a training's first agent for it to count.
    published: what is known of it, and from where.
    seeds: how many.
    """

    settings: dict[str, object]
    measure: str
    published: str
    seeds: int = 1000

    def command(self) -> str:
        words = []
        for name, value in self.settings.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        return " ".join(["imagents train", *words, "--seed SEED"])


_MATIGNON, _PUBLIC = "Matignon et al. 2012", "a public replication"
_HYSTERETIC = {"hysteretic": 0.1}
_COLD = {"exploration": "boltzmann", "exploration_start": 5000.0, "exploration_end": 0.0, "exploration_decay": 0.997}
_COLDER_LATER = _COLD | {"exploration_decay": 0.999, "steps": 20_000}
_CONSTANT = {"exploration_start": 0.2, "exploration_end": 0.2, "exploration_decay": 1.0, "steps": 3_000}
_GAMES = ("climbing", "penalty", "climbing_partly_stochastic")
_DILEMMA = {"environment": "prisoners_dilemma", "observe_actions": True, "discount": 0.9, "exploration_decay": 0.0,
            "steps": 30_000}  # fmt: skip


def _cells() -> Iterator[tuple[str, Cell]]:
    best = "optimal_joint_share"
    known = {  # Boltzmann, independent and hysteretic; epsilon, the same
        "climbing": ("16 %", "100 %", "0 %", "no figure"),
        "penalty": ("97 %", "100 %", "no figure", "no figure"),
        "climbing_partly_stochastic": ("no figure", "82 %", "no figure", "no figure"),
    }
    for game in _GAMES:
        for i, (way, exploration) in enumerate((("temperature", _COLD), ("epsilon", {}))):
            for j, (kind, rule) in enumerate((("independent", {}), ("hysteretic", _HYSTERETIC))):
                yield f"{game}, {way}, {kind}", Cell(
                    {"environment": game} | exploration | rule, best, f"{known[game][2 * i + j]} ({_MATIGNON})"
                )
    for game in _GAMES[:2]:
        yield f"{game}, distributed", Cell({"environment": game, "distributed": True} | _CONSTANT, best,
                                           f"100 % ({_MATIGNON})")  # fmt: skip
        yield f"{game}, lenient", Cell({"environment": game, "lenient_temperature": 500.0}, best, "no figure")
    for agents in (2, 3, 4, 5):
        yield f"penalty, {agents} agents", Cell(
            {"environment": "penalty", "num_agents": agents} | _COLDER_LATER, best, f"100 % ({_MATIGNON})"
        )
    together, apart = "cooperation_rate", {"opponent": "tit_for_tat"}
    endless, cut = {"episode_length": 0}, {"episode_length": 10}
    yield "dilemma, two learners", Cell(_DILEMMA | endless, together, f"21.4 % ({_PUBLIC})", 500)
    yield "dilemma, tit for tat", Cell(_DILEMMA | endless | apart, together, f"100 % ({_PUBLIC})", 500)
    yield "dilemma, tit for tat, cut off", Cell(_DILEMMA | cut | apart, together, "no figure", 500)
    yield "dilemma, tit for tat, cut-offs as ends", Cell(
        _DILEMMA | cut | apart | {"limits_are_ends": True}, together, "no figure", 500
    )


CELLS = dict(_cells())


def trainings(config: TrainConfig, seeds: Iterable[int]) -> Iterator[dict[str, dict[str, float]]]:
    """What the agents of each training come to: their measures by agent."""
    import tensorflow as tf

    from imagents.training.budget import Budget, follow_schedules
    from imagents.training.loop import build

    trainer = None
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        for seed in seeds:
            fresh = build(config.replace(seed=seed))
            if trainer is None:
                trainer, budget = fresh, Budget.of(vars(config.training))
                strength = config.environment.strength(trainer)
            else:
                beginning = tf.train.Checkpoint(trainer=fresh).write(os.path.join(folder, "beginning"))
                tf.train.Checkpoint(trainer=trainer).read(beginning).assert_consumed()
            while (spent := budget.spent(int(trainer.steps), 0.0)) < 1.0:
                follow_schedules(config, trainer.agents, spent)
                trainer.run(config.training.rounds_per_chunk)
            yield strength.report()


def _share(name: str, seeds: range) -> int:
    """How many trainings of a cell count."""
    cell = CELLS[name]
    found = trainings(TrainConfig(**cell.settings), seeds)
    return sum(next(iter(report.values()))[cell.measure] > 1 - 1e-6 for report in found)


def main() -> None:
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    wanted = {name: cell for name, cell in CELLS.items() if all(part in name for part in sys.argv[1:])}
    missing = [name for name in wanted if name not in figures]
    workers = os.cpu_count() or 1
    print(f"{len(missing)} of {len(wanted)} figures are missing: some {0.05 * len(missing):.1f} hours", flush=True)
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # as many processes as cores
    with concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for name in missing:
            cell, began = CELLS[name], time.perf_counter()
            parts = [range(i, cell.seeds, workers) for i in range(workers)]
            count = sum(pool.map(_share, [name] * workers, parts))
            low, high = wilson_interval(count, cell.seeds)
            seconds = round(time.perf_counter() - began, 1)
            figures[name] = {"count": count, "of": cell.seeds, "interval": [low, high], "seconds": seconds}
            print(f"{name}: {count / cell.seeds:.1%} ({low:.1%} to {high:.1%}), {seconds:.0f} s", flush=True)
            write_json(FIGURES, {name: figures[name] for name in CELLS if name in figures})


def section(figures: dict[str, dict]) -> Iterator[str]:
    """The part of docs/results.md."""
    yield "## Matrix games"
    yield ""
    yield from _INTRODUCTION.splitlines()
    yield ""
    yield "| learner | command | share | 95 % | of | published |"
    yield "|---|---|---|---|---|---|"
    for name, row in figures.items():
        low, high = row["interval"]
        yield (f"| {name} | `{CELLS[name].command()}` | {row['count'] / row['of']:.1%} | {low:.1%} to {high:.1%} | "
               f"{row['of']:,} | {CELLS[name].published} |")  # fmt: skip


_INTRODUCTION = """\
The share of trainings, each of its own seed, whose greedy joint action is the best; in the prisoner's dilemma, whose
greedy players cooperate in plays 11 to 20. One copy each, rate 0.1, values from 0. Published: Matignon, Laurent and
Le Fort-Piat 2012, *Independent reinforcement learners in cooperative Markov games: a survey*, and a public replication
of such learners (dasimoni/RL, whose dilemma pays 5, 3, 1 and 0 as this one does)."""


if __name__ == "__main__":
    main()
