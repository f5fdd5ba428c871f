"""What training reaches, over seeds, and what each choice brings: `make results` trains what is missing.

Every training is the command of a user; its figures go to benchmarks/strength.json, and docs/results.md is written from
those. Trainings that are there already are not repeated; a run that was stopped goes on.

    python -m benchmarks.strength [--studies quick perfect ...] [--seeds 0 1 2] [--no-train]
"""

import dataclasses
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable

import tyro

from benchmarks import best_response, many
from imagents.files import write_json, write_text

FIGURES = pathlib.Path("benchmarks/strength.json")
PAGE = pathlib.Path("docs/results.md")


@dataclasses.dataclass(frozen=True)
class Study:
    """A training to be repeated over seeds.

    game, preset: of `imagents train`.
    flags: further settings of the command, by their names.
    seeds: how many.
    solver_games: against the perfect player, after the training; each side begins half of them.
    episodes: fresh ones, after the training, in which the best checkpoint and the last one are measured; 0 for those of
      the training's own end.
    """

    game: str
    preset: str = "default"
    flags: dict[str, object] = dataclasses.field(default_factory=dict)
    seeds: int = 3
    solver_games: int = 0
    episodes: int = 0

    def arguments(self, seed: int) -> list[str]:
        """What follows `imagents`."""
        return ["train", "--environment", self.game, "--preset", self.preset, "--seed", str(seed), *_words(self.flags)]

    def command(self) -> str:
        words = self.arguments(0)
        words[words.index("--seed") + 1] = "SEED"
        return " ".join(["imagents", *words])


def _words(flags: dict[str, object]) -> list[str]:
    words = []
    for name, value in flags.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


_PLAIN_256 = {"symmetry": "none", "hidden_layers": [256, 256]}
_PLAIN_512 = {"symmetry": "none", "hidden_layers": [512, 256]}
_BLIND = {"hide_velocity": True}
_PENDULUM = {
    "algorithm": "ppo", "discount": 0.9, "parallel_games": 16, "rollout_length": 128, "epochs": 10, "minibatches": 8,
    "rounds_per_chunk": 128, "evaluate_every": 8, "steps": 200_000,
}  # fmt: skip
STUDIES = {
    "cartpole default": Study("cartpole", seeds=10, episodes=1000),
    "cartpole ppo": Study("cartpole", "ppo", seeds=10),
    "cartpole reinforce": Study("cartpole", "reinforce"),
    "cartpole recurrent_ppo, without velocities": Study("cartpole", "recurrent_ppo", _BLIND, seeds=10),
    "cartpole drqn, without velocities": Study("cartpole", "drqn", _BLIND),
    "cartpole ppo, without velocities": Study("cartpole", "ppo", _BLIND),
    "pendulum ppo": Study("gymnasium:Pendulum-v1", flags=_PENDULUM, seeds=5),
    "tic_tac_toe default": Study("tic_tac_toe", seeds=10),
    "tic_tac_toe perfect": Study("tic_tac_toe", "perfect", seeds=5),
    "connect_four quick": Study("connect_four", "quick", solver_games=200),
    "connect_four default": Study("connect_four", solver_games=200),
    "connect_four strong": Study("connect_four", "strong", seeds=1, solver_games=200),
    "connect_four quick, ordinary network": Study("connect_four", "quick", _PLAIN_256, seeds=1, solver_games=200),
    "connect_four strong, ordinary network": Study("connect_four", "strong", _PLAIN_512, seeds=1, solver_games=200),
}

_BASE = {"steps": 15_000_000} | _PLAIN_256
# What is changed in the quick training of connect four, cut to 15 million plies and with a smaller network.
CHANGES = {
    "nothing": {},
    "mirror images are one position to the network": {"symmetry": "mirror"},
    "and layers of 512 and 256": {"symmetry": "mirror", "hidden_layers": [512, 256]},
    "stones alone": {"features": "stones"},
    "Double DQN": {"algorithm": "double_dqn"},
    "DQN": {"algorithm": "dqn"},
    "two layers of 128": {"hidden_layers": [128, 128]},
    "layers of 512 and 256": {"hidden_layers": [512, 256]},
    "three layers of 256": {"hidden_layers": [256, 256, 256]},
    "more exploration: epsilon up to 0.6": {"epsilon_max": 0.6},
    "more exploration, at most 8 random opening plies": {"epsilon_max": 0.6, "opening_plies": 8},
    "no random opening plies": {"opening_plies": 0},
    "discount 1": {"discount": 1.0},
    "discount 0.97": {"discount": 0.97},
    "learning rate falls to 1e-4 only": {"final_learning_rate": 1e-4},
    "128 decisions per game in the buffer": {"replay_length": 128},
    "256 games, batches of 256": {"parallel_games": 256, "batch_size": 256, "replay_length": 128},
    "less exploration: epsilon from 0.005 to 0.05": {"epsilon_min": 0.005, "epsilon_max": 0.05},
    "target network every 200 steps": {"target_update_period": 200},
    "Polyak averaging": {"target_update_period": 1, "target_update_tau": 0.01},
    "two train steps per round": {"train_steps_per_round": 2},
}
ABLATIONS = {
    f"change: {name}": Study("connect_four", "quick", flags=_BASE | flags, seeds=2) for name, flags in CHANGES.items()
}


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains what is missing of the studies, and writes docs/results.md."""

    studies: tuple[str, ...] = ()
    """The names of the studies to complete, or parts of names; all if not given."""
    seeds: tuple[int, ...] = ()
    """Which seeds; as many as a study wants if not given."""
    train: bool = True
    """Whether to train at all; --no-train only writes the page."""
    runs: pathlib.Path = pathlib.Path("outputs/results")
    """Where the run folders go."""


def main() -> None:
    options = tyro.cli(Options, prog="make results")
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else []
    for name, study in (STUDIES | ABLATIONS).items():
        wanted = not options.studies or name in options.studies
        wanted |= any(part in name for part in options.studies if part not in STUDIES | ABLATIONS)
        if not (options.train and wanted):
            continue
        for seed in options.seeds or range(study.seeds):
            if not any(row["study"] == name and row["seed"] == seed for row in figures):
                print(f"{name}, seed {seed}", flush=True)
                figures.append({"study": name, "seed": seed} | measure(study, seed, options.runs / f"{name}-{seed}"))
                write_json(FIGURES, sorted(figures, key=lambda row: (list(STUDIES | ABLATIONS).index(row["study"]),
                                                                     row["seed"])))
    write_text(PAGE, page(figures))
    print(f"done: {PAGE}")


def measure(study: Study, seed: int, folder: pathlib.Path) -> dict:
    """Trains, evaluates, and returns the figures."""
    folder = pathlib.Path(str(folder).replace(" ", "-").replace(":", ""))
    began = time.perf_counter()
    if (folder / "config.json").exists():
        _imagents("train", "--resume", str(folder))
        wall = None  # of the last part alone it would say little
    else:
        _imagents(*study.arguments(seed), "--output-dir", str(folder))
        wall = time.perf_counter() - began
    result = json.loads((folder / "evaluation.json").read_text())
    row = {
        "date": f"{datetime.date.today()}",
        "plies": result["steps"],
        "seconds": result["seconds"],
        "seconds_from_enter_to_report": wall,
        "agents": {name: _figures(agent) for name, agent in result["agents"].items()},
    }
    for kind, agents in (("best", result), ("last", result.get("last", result))) if not study.episodes else ():
        for name, agent in agents["agents"].items():
            row["agents"][name] |= {kind: agent["mean_return"]} if "lives" in agent else {}
    if study.solver_games:
        report = json.loads(_imagents("evaluate", str(folder), "--solver-games", str(study.solver_games), "--json"))
        for name, agent in report["agents"].items():
            for turn in ("first", "second"):
                match = agent["matches"]["perfect"]
                row["agents"][name][f"perfect_{turn}"] = match[f"moving_{turn}"]["score"]
                row["agents"][name][f"perfect_{turn}_wins"] = match[f"moving_{turn}"]["win_rate"]
    for kind, flag in (("best", []), ("last", ["--last"])) if study.episodes else ():
        report = json.loads(_imagents("evaluate", str(folder), "--games", str(study.episodes), *flag, "--json"))
        for name, agent in report["agents"].items():
            row["agents"][name][kind] = agent["mean_return"]
    return row


def _imagents(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "imagents.cli", *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _figures(agent: dict) -> dict[str, float]:
    """The figures of an agent in a run's evaluation.json that the page shows."""
    if "exact" in agent:
        names = ("optimal_share", "unbeatable", "losing_lines_first", "losing_lines_second")
        return {name: agent["exact"][name] for name in names}
    figures = {f"{turn}_wins": agent[turn] for turn in ("random_first", "random_second") if turn in agent}
    for name, quality in agent.get("positions", {}).items():
        figures |= {f"{name}_good": quality["good"], f"{name}_perfect": quality["perfect"]}
    return figures


def page(figures: list[dict]) -> str:
    """docs/results.md."""
    shares = json.loads(many.FIGURES.read_text()) if many.FIGURES.exists() else {}
    responses = json.loads(best_response.FIGURES.read_text()) if best_response.FIGURES.exists() else []
    parts = (_INTRODUCTION, _tic_tac_toe(figures), _connect_four(figures), many.section(shares),
             _returns(figures, "CartPole", "cartpole", 475), _returns(figures, "Pendulum", "pendulum", -200),
             best_response.section(responses), _changes(figures))  # fmt: skip
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


_INTRODUCTION = """\
# Results

What the presets reach on two cores, and what each choice in them brings. Both agents of every seed count: a cell is
their mean, and in brackets the least and the most. `make results` trains whatever is missing and writes this page; the
figures are in `benchmarks/strength.json`.""".splitlines()


def _tic_tac_toe(figures: list[dict]) -> Iterable[str]:
    yield "## Tic-tac-toe"
    yield ""
    yield "All 4,520 positions, and every line of play by which an agent could be beaten."
    yield ""
    yield "| command | seeds | plies | training | Enter to report | unbeatable agents | optimal moves |"
    yield "|---|---|---|---|---|---|---|"
    for name, rows in _by_study(figures, "tic_tac_toe"):
        agents = [agent for row in rows for agent in row["agents"].values()]
        unbeatable = sum(agent["unbeatable"] for agent in agents)
        yield _row(
            f"`{STUDIES[name].command()}`", len(rows), f"{rows[0]['plies'] / 1e6:.0f} M", _spread(rows, "seconds", "s"),
            _spread(rows, "seconds_from_enter_to_report", "s"), f"{unbeatable} of {len(agents)}",
            _spread(agents, "optimal_share", "%"),
        )


_LABELLED = """\
Labelled positions, 1,000 in each set: a *good* move keeps the game's value, a *perfect* one also wins fastest or loses
slowest. In `early`, `middle` and `late` some move loses value in every position. Uniformly random moves are 75.0 % good
and 30.1 % perfect in `mixed`. The perfect player draws among its best moves and meets each agent from the empty board,
100 games begun by either side; the score counts a draw as half a win. Who moves first can always win, so nobody gets a
point from the perfect player moving second."""


def _connect_four(figures: list[dict]) -> Iterable[str]:
    yield "## Connect four"
    yield ""
    yield from _LABELLED.splitlines()
    yield ""
    yield "| command | seeds | plies | mixed: good | perfect | early: good | middle: good | late: good |"
    yield "|---|---|---|---|---|---|---|---|"
    sets = ("mixed_good", "mixed_perfect", "early_good", "middle_good", "late_good")
    for name, rows in _by_study(figures, "connect_four"):
        agents = [agent for row in rows for agent in row["agents"].values()]
        plies = statistics.mean(row["plies"] for row in rows)
        cells = (_spread(agents, kind, "%") for kind in sets)
        yield _row(f"`{STUDIES[name].command()}`", len(rows), f"{plies / 1e6:.0f} M", *cells)
    yield ""
    yield "| preset | v random: wins first | second | v perfect: score first | second | wins first | second |"
    yield "|---|---|---|---|---|---|---|"
    kinds = ("random_first_wins", "random_second_wins", "perfect_first", "perfect_second", "perfect_first_wins",
             "perfect_second_wins")
    for name, rows in _by_study(figures, "connect_four"):
        agents = [agent for row in rows for agent in row["agents"].values()]
        yield _row(name.removeprefix("connect_four "), *(_spread(agents, kind, "%") for kind in kinds))


_EPISODES = """\
The mean return of fresh greedy episodes: of the checkpoint that a run keeps as its best, chosen on other episodes, and
of the last one. The mean over seeds, and in brackets the least and the most. Where other work ran beside there are no
times."""


def _returns(figures: list[dict], title: str, begins: str, enough: float) -> Iterable[str]:
    """What is told by returns, of the studies whose names begin so."""
    yield f"## {title}"
    yield ""
    yield from _EPISODES.splitlines()
    yield ""
    yield "| command | seeds | steps | training | Enter to report | episodes | best | "\
          f"seeds of {enough:g} or more | last |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, rows in _by_study(figures, begins):
        agents = [agent for row in rows for agent in row["agents"].values()]
        solved = sum(agent["best"] >= enough for agent in agents)
        yield _row(
            f"`{STUDIES[name].command()}`", len(rows), f"{rows[0]['plies']:,}", _spread(rows, "seconds", "s"),
            _spread(rows, "seconds_from_enter_to_report", "s"), STUDIES[name].episodes or 100,
            _spread(agents, "best", ""), f"{solved} of {len(agents)}", _spread(agents, "last", ""),
        )  # fmt: skip


def _changes(figures: list[dict]) -> Iterable[str]:
    yield "## What each choice brings"
    yield ""
    yield "Of connect four:"
    yield ""
    yield f"`{ABLATIONS['change: nothing'].command()}`, and the same with one choice changed."
    yield ""
    yield "| changed | flags | seeds | mixed: good | perfect | early: good | middle: good | late: good | speed |"
    yield "|---|---|---|---|---|---|---|---|---|"
    sets = ("mixed_good", "mixed_perfect", "early_good", "middle_good", "late_good")
    done = dict(_by_study(figures, "change: "))
    for name, rows in done.items():
        agents = [agent for row in rows for agent in row["agents"].values()]
        flags = " ".join(_words(CHANGES[name.removeprefix("change: ")]))
        base = done.get("change: nothing")
        relative = f"{_speed(rows) / _speed(base):.2f}" if base and _speed(rows) else ""
        yield _row(name.removeprefix("change: "), f"`{flags}`" if flags else "", len(rows),
                   *(_spread(agents, kind, "%") for kind in sets), relative)
    yield ""
    yield from _LEFT_OUT.splitlines()


_LEFT_OUT = """\
Tried as well, on the way to these presets, with Double DQN and 4 to 8 million plies, two agents each, and left out
because the agents became no better: mirror images as half of each batch; epsilon ladders that run in opposite
directions for the two seats; epsilon that falls over the training; the number of stones on every line, one-hot, in
place of the cells that complete it; line features without counts by column. Tables indexed by the contents of groups of
cells (n-tuple networks) learn fast per ply, but a scatter by XLA takes 0.2 microseconds an entry on a CPU. With C51 and
15 million plies, one seed: the online network choosing the action whose distribution the target network gives (Double
C51: mixed 95.7 / 84.0, early 82.1), and counts of lines up to 3 per cell instead of 1 (95.3 / 84.5, early 82.3). In
`quick`, seed 0, layers of 1,024 and 512 make no better agents: 28 million plies in the same time (97.0 / 87.9, early
85.0)."""


def _speed(rows: list[dict]) -> float:
    """Plies per second; 0 if other work ran beside, and the seconds say nothing."""
    timed = [row for row in rows if row["seconds"]]
    return sum(row["plies"] for row in timed) / sum(row["seconds"] for row in timed) if timed else 0.0


def _by_study(figures: list[dict], begins: str) -> Iterable[tuple[str, list[dict]]]:
    for name in STUDIES | ABLATIONS:
        rows = [row for row in figures if row["study"] == name]
        if name.startswith(begins) and rows:
            yield name, rows


def _spread(rows: list[dict], name: str, unit: str) -> str:
    """Mean and range of a figure."""
    values = [row[name] for row in rows if row.get(name) is not None]
    if not values:
        return ""
    scale, digits = (100, 1) if unit == "%" else (1, 0) if unit else (1, 1)
    low, mean, high = (f"{scale * x:.{digits}f}" for x in (min(values), statistics.mean(values), max(values)))
    return f"{mean} {unit}".rstrip() + (f" ({low} to {high})" if low != high else "")


def _row(*cells) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
