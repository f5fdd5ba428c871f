"""What training reaches, over seeds: `make results` trains what is missing, and writes docs/results.md.

What is trained stands in benchmarks/studies/NAME.toml, a study of `imagents study` each; its runs go to
outputs/results/NAME. What each run reached goes to benchmarks/results/NAME.csv, as soon as its study ends or, of one
that was stopped, when it goes on. A run whose figures are there is not trained again, wherever its folder is.

    python -m benchmarks.results [NAME ...] [--no-train] [--workers N]
"""

import argparse
import dataclasses
import pathlib
from collections.abc import Callable, Iterator

import pandas as pd

from benchmarks import against_random, results_page
from imagents.evaluation.report import evaluate_run
from imagents.files import read_json, replacing, write_text
from imagents.own import is_own, trust
from imagents.plotting.reading import read_metrics
from imagents.studies.commands import run_study
from imagents.studies.study import Study, Wanted, read_study
from imagents.studies.summary import ALL, finished, tabulate

STUDIES, FIGURES, RUNS = map(pathlib.Path, ("benchmarks/studies", "benchmarks/results", "outputs/results"))
COLUMNS = ["setting", "seed", "checkpoint", "agent", "measure", "value"]
Figures = dict[str, dict[str, float]]  # by agent, and by measure


def names() -> list[str]:
    """Those of all studies."""
    return sorted(path.stem for path in STUDIES.glob("*.toml"))


def load(name: str) -> tuple[Study, pd.DataFrame]:
    """A study, and what is known of its runs: a table as `imagents.study_results` gives, with `steps` and `seconds`."""
    path = FIGURES / f"{name}.csv"
    return read_study(STUDIES / f"{name}.toml"), pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)


def missing(study: Study, table: pd.DataFrame) -> list[Wanted]:
    """The runs of which nothing is known."""
    known = set(zip(table["setting"], table["seed"]))
    return [run for run in study.runs() if (run.setting, run.seed) not in known]


def only(study: Study, runs: list[Wanted]) -> Study:
    """A study of these runs and as few others as crossing seeds and settings allows; of a grid every cell is named."""
    seeds, settings = sorted({run.seed for run in runs}), {run.setting for run in runs}
    named = [{"name": name} | values for name, values in study.values.items() if name in settings]
    return dataclasses.replace(study, base={}, grid={}, settings=named, seeds=seeds)


def hours(runs: list[Wanted], table: pd.DataFrame) -> float | None:
    """What runs may take: each as long as others of its settings did, else as long as any; None if nothing is known."""
    seconds = table[table["measure"] == "seconds"]
    if seconds.empty:
        return None
    of_setting, any_other = seconds.groupby("setting")["value"].mean(), seconds["value"].mean()
    return sum(of_setting.get(run.setting, any_other) for run in runs) / 3600


def collect(name: str, study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Adds the figures of all runs that have ended since, and writes them down."""
    left, ended = {(run.setting, run.seed) for run in missing(study, table)}, finished(RUNS / name, study)
    measured = tabulate(ended, study)  # of one that failed, what is known of the others says what it failed at
    for setting, seed, run in ended:
        if (setting, seed) not in left:
            continue
        more = further(name, run.path) if run.failed is None else ()
        own = measured[(measured["setting"] == setting) & (measured["seed"] == seed)]
        rows = pd.concat([own, pd.DataFrame([(setting, seed, *row) for row in more], columns=COLUMNS)])
        rows = rows.drop_duplicates(COLUMNS[:-1], keep="last").astype({"value": float})
        table = pd.concat([table, rows] if len(table) else [rows], ignore_index=True)
        FIGURES.mkdir(exist_ok=True)
        with replacing(FIGURES / f"{name}.csv") as writing:
            table.to_csv(writing, index=False, float_format="%.6g")
    return table


def further(name: str, run: pathlib.Path) -> Iterator[tuple[str, str, str, float]]:
    """What is measured of a run besides what it measured itself: checkpoint, agent, measure and value."""
    evaluation = read_json(run / "evaluation.json")
    for measure in ("steps", "seconds"):
        yield "last", ALL, measure, evaluation[measure]
    has_best = "last" in evaluation
    for measured in FURTHER.get(name, ()):
        for checkpoint in ("best", "last") if has_best else ("last",):
            found = pd.DataFrame(measured(run, checkpoint == "last"))
            found[ALL] = found.mean(axis=1)
            for agent, values in found.items():
                yield from ((checkpoint, agent, measure, value) for measure, value in values.items())


def fresh(run: pathlib.Path, last: bool) -> Figures:
    """The mean return of 1,000 fresh episodes, all greedy."""
    report = evaluate_run(run, 1000, last=last, policy="greedy")
    return {name: {"mean_return": agent["mean_return"]} for name, agent in report["agents"].items()}


def drawn(run: pathlib.Path, last: bool) -> Figures:
    """The mean return of 1,000 fresh episodes, in which agents draw from their own policies."""
    report = evaluate_run(run, 1000, last=last, policy="sampled")
    return {name: {"sampled_return": agent["mean_return"]} for name, agent in report["agents"].items()}


def exact(run: pathlib.Path, last: bool) -> Figures:
    """Whether there is no line of play by which an agent is beaten."""
    del last
    agents = read_json(run / "evaluation.json")["agents"]
    return {name: {"unbeatable": float(agent["exact"]["unbeatable"])} for name, agent in agents.items()}


def solved(run: pathlib.Path, last: bool) -> Figures:
    """Whether the sea was solved; at which episode the run says itself."""
    del last
    agents = read_json(run / "evaluation.json")["agents"]
    return {name: {"is_solved": float(agent["solved_episode"] is not None)} for name, agent in agents.items()}


def positions(run: pathlib.Path, last: bool) -> Figures:
    """Good and perfect moves in each set of positions, and games won against random play."""
    del last
    agents = read_json(run / "evaluation.json")["agents"]
    return {
        name: {f"{kind}_{quality}": found[quality] for kind, found in agent["positions"].items()
               for quality in ("good", "perfect")}
        for name, agent in agents.items()
    }  # fmt: skip


def against_perfect(run: pathlib.Path, last: bool) -> Figures:
    """What 200 games against the perfect player bring, half of them begun by either side."""
    matches = {
        name: agent["matches"]["perfect"] for name, agent in evaluate_run(run, 2, 200, last=last)["agents"].items()
    }
    return {
        name: {f"perfect_{turn}{kind}": match[f"moving_{turn}"][key] for turn in ("first", "second")
               for kind, key in (("", "score"), ("_wins", "win_rate"))}
        for name, match in matches.items()
    }  # fmt: skip


def winning(run: pathlib.Path, last: bool) -> Figures:
    """The share of 1,000 games that an agent wins from its own seat against random play."""
    found = against_random.results(str(run), 1000, last=last)
    return {name: {"won": float((returns > 0).mean())} for name, returns in found.items()}


def last_fifth(run: pathlib.Path, last: bool) -> Figures:
    """How many rooms an episode comes to in the last fifth of a training, and how often the screen is in sight."""
    del last
    table = read_metrics(run)
    counts = table[["episodes", "steps"]].diff()
    late = (table["steps"] > 0.8 * table["steps"].max()) & counts["episodes"].gt(0)
    totals, counts = (table[["doors", "screen"]].mul(counts["episodes"], axis=0))[late].sum(), counts[late].sum()
    found = {"rooms_visited": 1 + totals["doors"] / counts["episodes"],
             "screen_in_sight": totals["screen"] / counts["steps"]}  # fmt: skip
    return {"player_1": found}


def flags(run: pathlib.Path, last: bool) -> Figures:
    """After how many steps an episode of the training first ended at the flag, and greedy ones took 130 on average."""
    del last
    table = read_metrics(run)
    first = table[table["player_1_return"] > -200]["steps"].min()  # of the chunk in which it was
    good = table[table["player_1_mean_return"] >= -130]["steps"].min()
    found = {"flag_at": first, "good_at": good, "is_good": float(good == good)}
    return {"player_1": {name: value for name, value in found.items() if value == value}}


FURTHER: dict[str, tuple[Callable[[pathlib.Path, bool], Figures], ...]] = {
    "cartpole": (fresh,),
    "connect_four": (positions, against_perfect),
    "connect_four_changes": (positions,),
    "connect_four_strong": (positions, against_perfect),
    "connect_four_v3": (winning,),
    "deep_sea": (solved,),
    "foraging": (fresh, drawn),
    "foraging_large": (fresh, drawn),
    "mountain_car": (flags,),
    "rooms_noise": (last_fifth,),
    "simple_spread_300k": (fresh,),
    "simple_spread_600k": (fresh,),
    "tic_tac_toe": (exact,),
    "tic_tac_toe_perfect": (exact,),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="studies; all if none is given")
    parser.add_argument("--no-train", action="store_true", help="takes what has ended, and writes the page")
    parser.add_argument("--workers", type=int, default=0, help="processes; as many as there are cores if not given")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - set(names())):
        parser.error(f"there is no study {unknown[0]!r}: {', '.join(names())}")
    wanted = asked.names or names()
    for name in wanted:
        study, table = load(name)
        for config in study.configs.values():
            if is_own(config.environment.name):
                trust(config.environment.name)  # the file is this project's
        table = collect(name, study, table)
        left = missing(study, table)
        expected = hours(left, table)
        time = "" if not left else ", hours unknown" if expected is None else f", about {expected:.1f} hours of a core"
        print(f"{name:22} {len(left):3} of {len(study.runs())} runs are missing{time}", flush=True)
    for name in wanted if not asked.no_train else ():
        study, table = load(name)
        if left := missing(study, table):
            status = run_study(only(study, left), RUNS / name, asked.workers, "make results")
            collect(name, study, table)
            if status > 1:
                raise SystemExit(status)
    write_text(results_page.PAGE, results_page.page({name: load(name) for name in names()}))
    print(f"done: {results_page.PAGE}")


if __name__ == "__main__":
    main()
