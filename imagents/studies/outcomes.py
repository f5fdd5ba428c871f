"""What the folder of a trial's run says of the objective of a search."""

import dataclasses
import math
import pathlib

import numpy as np
import pandas as pd

from imagents.files import read_json
from imagents.plotting.reading import read_metrics
from imagents.runs.folders import FAILED
from imagents.studies.search import Search
from imagents.studies.study import Wanted

STOPPED = "stopped.json"  # in the folder of a run that was stopped early: steps, seconds and value


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run of a trial, or all of them, ended: finished, stopped or failed; what it took, and what it reached."""

    state: str
    steps: int
    seconds: float
    value: float


def outcome_of(run: pathlib.Path, search: Search) -> Outcome | None:
    """How a run ended; None if it has not."""
    if (run / FAILED).exists():
        return Outcome("failed", 0, 0.0, search.worst)
    if (run / STOPPED).exists():
        return Outcome("stopped", **read_json(run / STOPPED))
    if not (run / "evaluation.json").exists():
        return None
    found = read_json(run / "evaluation.json")
    agents = (found["last"] if search.checkpoint == "last" and "last" in found else found)["agents"]
    values = [agent[search.objective] for agent in agents.values()]
    value = math.nan if None in values else sum(values) / len(values)
    return Outcome("finished", found["steps"], found["seconds"], search.worst if math.isnan(value) else value)


def history(path: pathlib.Path, search: Search, run: Wanted) -> pd.DataFrame:
    """Columns `steps, seconds, value`: what a run had of the objective each time that it was measured, as it is judged.

    What came after its newest checkpoint is left out: it will come again.
    """
    saved = max((int(each.name) for each in path.glob("checkpoints/" + "[0-9]" * 10)), default=0)
    if not saved or not (path / "metrics.csv").exists():
        return pd.DataFrame({"steps": [], "seconds": [], "value": []})
    table, face = read_metrics(path), run.config.environment
    table = table[is_measured(table, run) & (table["round"] <= saved)]
    value, first = (table[[f"{agent}_{name}" for agent in run.config.agent_names]].to_numpy().mean(axis=1)
                    for name in (search.objective, next(iter(face.measures))))  # fmt: skip
    if face.keeps_best and search.checkpoint == "best" and len(first):
        most = np.fmax.accumulate(np.nan_to_num(first, nan=-np.inf))
        is_new = np.diff(most, prepend=-np.inf) > 0
        value = value[np.maximum.accumulate(np.where(is_new, np.arange(len(first)), 0))]
    return table[["steps", "seconds"]].assign(value=np.where(np.isnan(value), search.worst, value))


def is_measured(table: pd.DataFrame, run: Wanted) -> pd.Series:
    """In which rows of a run's metrics its agents are measured, where it can pause."""
    names = [f"{agent}_{name}" for agent in run.config.agent_names for name in run.config.environment.measures]
    return table[names].notna().any(axis=1)
