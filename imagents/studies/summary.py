"""What the runs of a study show together: a row for each setting, agent and measure."""

import math
import os
import pathlib

import numpy as np
import pandas as pd

from imagents.environments import Measure
from imagents.files import read_json
from imagents.plotting.reading import read_metrics
from imagents.studies import statistics
from imagents.studies.population import reported
from imagents.studies.study import Found, Study, find_runs, load_study

ALL = "all"  # in the place of an agent's name: the mean over a run's agents
_KEY = ["setting", "checkpoint", "agent", "measure"]
COLUMNS = [*_KEY, "runs", "failed", "mean", "median", "iqm", "low", "high", "method"]
Ended = list[tuple[str, int, Found]]  # runs that have come to their end, by setting and seed
_POINTS = 60  # of a curve
_RESAMPLES = 2_000  # for each of them


def study_results(folder: str | os.PathLike, study: Study | None = None) -> pd.DataFrame:
    """Everything that was measured at the end of the runs of a study.

    Args:
      folder: the study's.
      study: which of its runs count; those that its study.json asks for if None.

    Returns:
      Columns `setting, seed, checkpoint, agent, measure, value`: a row for each figure of each agent, and for the mean
      over the agents of a run (`all`). `checkpoint` is "best" or "last". Of a run that failed each measure is infinite,
      the worst that there is.
    """
    study = reported(pathlib.Path(folder), study or load_study(folder))
    return tabulate(finished(pathlib.Path(folder), study), study)


def tabulate(runs: Ended, study: Study) -> pd.DataFrame:
    """The table of `study_results`, of runs that `finished` gave."""
    rows, failed = [], []
    for setting, seed, run in runs:
        if run.failed is not None:
            failed.append((setting, seed))
            continue
        evaluation = read_json(run.path / "evaluation.json")
        parts = {"last": evaluation.get("last", evaluation)["agents"]}
        parts = ({"best": evaluation["agents"]} if "last" in evaluation else {}) | parts
        for checkpoint, agents in parts.items():
            table = pd.DataFrame({name: _figures(values) for name, values in agents.items()})
            table[ALL] = table.mean(axis=1, skipna=False)
            rows += [
                (setting, seed, checkpoint, agent, measure, value)
                for agent, values in table.items() for measure, value in values.items() if not math.isnan(value)
            ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["setting", "seed", *_KEY[1:], "value"])
    for setting, seed in failed:
        known = table[table["setting"] == setting] if (table["setting"] == setting).any() else table
        measures = study.configs[setting].environment.measures
        less = {name for name, measure in measures.items() if measure.less_is_better}
        of_one = known.drop_duplicates(_KEY[1:]).assign(setting=setting, seed=seed)
        worst = np.where(of_one["measure"].isin(less), math.inf, -math.inf)
        table = pd.concat([table, of_one.assign(value=worst)], ignore_index=True)
    return table


def finished(folder: pathlib.Path, study: Study) -> Ended:
    """The runs of a study that have come to their end, by setting and seed."""
    found = find_runs(folder)
    runs = [(run, found[run.identity]) for run in study.runs() if run.identity in found]
    return [(run.setting, run.seed, it) for run, it in runs if it.finishes(run)]


def summary(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The table of summary.csv, of that of `study_results`.

    `runs` counts those that failed, too; `low` and `high` are the ends of `method`.
    """
    rows = []
    order = {name: place for place, name in enumerate(study.configs)}
    for key, group in table.groupby(_KEY, sort=False):
        scores = group.sort_values("seed")["value"].to_numpy()
        found = _interval(scores, study.configs[key[0]].environment.measures.get(key[3]))
        ends = (found.low, found.high, found.method) if found else (math.nan, math.nan, _why_none(scores))
        estimates = (statistics.mean(scores), statistics.median(scores), statistics.interquartile_mean(scores))
        rows.append((*key, len(scores), int(np.isinf(scores).sum()), *estimates, *ends))
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.sort_values("setting", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def curves(runs: Ended, study: Study, measure: str) -> dict[str, pd.DataFrame]:
    """How a measure came about, by setting: the mean over the agents of each run, over all runs that did not fail.

    Returns:
      By setting, columns `steps, value, low, high`: the interquartile mean, or the share of runs where each succeeds or
      does not, and its interval, NaN for fewer than three runs. Settings without a curve are left out. Runs whose rows
      of metrics.csv stand at different steps are read in between.
    """
    found: dict[str, list[pd.Series]] = {}
    for setting, _, run in runs:
        if run.failed is None and (curve := _curve(run.path, run.config.agent_names, measure)) is not None:
            found.setdefault(setting, []).append(curve)
    drawn = {}
    for setting, lines in found.items():
        steps = lines[0].index.to_numpy()
        if not all(line.index.equals(lines[0].index) for line in lines):
            steps = np.linspace(max(line.index[0] for line in lines), min(line.index[-1] for line in lines), _POINTS)
        steps = steps[:: max(1, len(steps) // _POINTS)]
        values = np.array([np.interp(steps, line.index, line) for line in lines])
        known = study.configs[setting].environment.measures.get(measure)
        bands = [_interval(column, known, _RESAMPLES) for column in values.T]
        drawn[setting] = pd.DataFrame({
            "steps": steps,
            "value": [
                reached(statistics.mean(column), statistics.interquartile_mean(column), band.method if band else "")
                for column, band in zip(values.T, bands)
            ],
            "low": [band.low if band else math.nan for band in bands],
            "high": [band.high if band else math.nan for band in bands],
        })
    return drawn


def reached(mean: float, iqm: float, method: str) -> float:
    """What an interval of that method is about: the share of runs that succeed, or the interquartile mean."""
    return mean if method == "Wilson" else iqm


def _curve(run: pathlib.Path, agents: list[str], measure: str) -> pd.Series | None:
    metrics = read_metrics(run)
    columns = [name for agent in agents if (name := f"{agent}_{measure}") in metrics]
    if not columns:
        return None
    curve = pd.Series(metrics[columns].mean(axis=1).to_numpy(), index=metrics["steps"]).dropna()
    return curve if len(curve) > 1 else None


def _figures(values: dict) -> dict[str, float]:
    """The numbers among what was measured of an agent; a number that there is not, such as a null, is NaN."""
    plain = {name: value for name, value in values.items() if isinstance(value, (bool, int, float, type(None)))}
    return {name: math.nan if value is None else float(value) for name, value in plain.items()}


def _interval(scores: np.ndarray, measure: Measure | None, resamples: int = 20_000) -> statistics.Interval | None:
    """That of a measure; None stands for one of which nothing more is known than its name."""
    outcomes = statistics.are_outcomes(scores) and (measure is None or measure.kind == "share")
    if (scores == math.inf).any():  # of what failed there is infinitely much, and the interval that of what is not
        found = statistics.interval(-scores, False, resamples)
        return found and statistics.Interval(-found.high, -found.low, found.method)
    return statistics.interval(scores, outcomes, resamples)


def _why_none(scores: np.ndarray) -> str:
    return "anecdote" if len(scores) < statistics.LEAST_RUNS else "too many failed"
