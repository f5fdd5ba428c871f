"""What a learned best response gets of two learners over their training: `make results` adds what is missing.

The agents are those of benchmarks/studies/phantom_tic_tac_toe.toml; at each of a run's snapshots, and in the end, a
best response to each is learned (`imagents.evaluation.best_response`): to the agent as it draws its actions in the end,
and to the greedy one. Figures go to benchmarks/best_response.json, and docs/results.md is written from them.

    python -m benchmarks.best_response
"""

import concurrent.futures
import itertools
import json
import math
import multiprocessing
import os
import pathlib
import statistics
from collections.abc import Iterator, Sequence

from imagents.files import read_json, write_json
from imagents.studies.commands import run_study
from imagents.studies.study import read_study
from imagents.studies.summary import finished

FIGURES = pathlib.Path("benchmarks/best_response.json")
STUDY = pathlib.Path("benchmarks/studies/phantom_tic_tac_toe.toml")
RUNS = pathlib.Path("outputs/results/phantom_tic_tac_toe")
POLICIES = ("sampled", "greedy")


def main() -> None:
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else []
    done = {(row["policy"], row["setting"], row["seed"], row["number"]) for row in figures}
    study = read_study(STUDY)
    run_study(study, RUNS, again="make results")
    rows = {}  # what is missing, by its path and policy
    for policy, (setting, seed, run) in itertools.product(POLICIES, finished(RUNS, study)):
        for number, (path, steps) in enumerate(_checkpoints(run.path)):
            if (policy, setting, seed, number) not in done:
                row = {"policy": policy, "setting": setting, "seed": seed, "number": number, "steps": steps}
                rows[str(path), policy] = row
    print(f"{len(rows)} best responses are missing, about {len(rows) / 60:.1f} hours of a core", flush=True)
    workers = os.cpu_count() or 1
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # as many processes as cores
    spawn = multiprocessing.get_context("spawn")
    order = list(study.configs)
    with concurrent.futures.ProcessPoolExecutor(workers, spawn, max_tasks_per_child=1) as pool:
        found = {pool.submit(responses_to, *what, row["seed"]): row for what, row in rows.items()}
        for future in concurrent.futures.as_completed(found):
            figures.append(found[future] | {"agents": future.result()})
            print(json.dumps(figures[-1]), flush=True)
            figures.sort(key=lambda row: (POLICIES.index(row["policy"]), order.index(row["setting"]), row["seed"],
                                          row["number"]))  # fmt: skip
            write_json(FIGURES, figures)


def responses_to(path: str, policy: str, seed: int) -> dict[str, dict]:
    """What a learned best response gets of each agent of a run or a snapshot, by agent."""
    from imagents.evaluation.best_response import learn_best_response
    from imagents.opening import open_path
    from imagents.players.frozen import PolicyPlayer

    opened, found = open_path(path), {}
    for agent in opened.agents:
        agent.exploration.note_budget(1.0)
        plays = agent.collect_policy if policy == "sampled" else agent.policy
        players = [None, None]
        players[agent.seat] = PolicyPlayer(plays, agent.seat, agent.name)
        found[agent.name] = learn_best_response(opened.environment, players, 1 - agent.seat, seed).to_dict()
    return found


def _checkpoints(folder: pathlib.Path) -> list[tuple[pathlib.Path, int]]:
    """A run's snapshots and the run itself, with the steps that each has learned from."""
    from imagents.runs.run import Run
    from imagents.runs.snapshots import snapshot_counts

    steps = read_json(folder / "evaluation.json")["steps"]
    return [*((path, snapshot_counts(path)[1]) for path in Run(folder).snapshots()), (folder, steps)]


def section(figures: Sequence[dict]) -> Iterator[str]:
    """The part of docs/results.md."""
    yield "## Phantom tic-tac-toe"
    yield ""
    yield from _INTRODUCTION.splitlines()
    yield ""
    yield f"    imagents study {STUDY}"
    yield ""
    yield "| the agents | | steps | seeds | of the agent at seat 0 | at seat 1 | half the sum |"
    yield "|---|---|---|---|---|---|---|"
    for key in dict.fromkeys((row["setting"], row["policy"], row["number"]) for row in figures):
        rows = [row for row in figures if (row["setting"], row["policy"], row["number"]) == key]
        by_agent = [[row["agents"][name] for row in rows] for name in ("player_1", "player_2")]
        means = [[each["mean_return"] for each in agent] for agent in by_agent]
        halves = [[(each["interval"][1] - each["interval"][0]) / 2 for each in agent] for agent in by_agent]
        means.append([(x + y) / 2 for x, y in zip(*means)])
        halves.append([math.hypot(x, y) / 2 for x, y in zip(*halves)])
        steps = statistics.mean(row["steps"] for row in rows)
        cells = " | ".join(_cell(x, half) for x, half in zip(means, halves))
        yield f"| {key[0]} | {key[1]} | {steps / 1e6:.1f} M | {len(rows)} | {cells} |"


def _cell(means: Sequence[float], halves: Sequence[float]) -> str:
    half = math.hypot(*halves) / len(halves)
    spread = f" ({min(means):.2f} to {max(means):.2f})" if len(means) > 1 else ""
    return f"{statistics.mean(means):.3f} ± {half:.3f}{spread}"


_INTRODUCTION = """\
What a learned best response gets on average of two learners, DQNs that explore by the Boltzmann rule or PPO: of agents
that draw their actions as they do at the end of their training (sampled), and of greedy ones. Half the sum is how far
both are from an equilibrium, at least. Each figure is of 10,240 games of each seed; ± is its 95 % interval, and in
brackets are the least and the most over seeds."""


if __name__ == "__main__":
    main()
