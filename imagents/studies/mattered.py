"""What the trials of a search say about its settings, for the page of a study, from trials.csv alone."""

import math
import pathlib
from collections.abc import Iterator

import numpy as np
import pandas as pd

from imagents.studies.measured import title_of
from imagents.studies.ranges import Range
from imagents.studies.study import load_study

_SHOWN = 10  # trials


def trial_blocks(folder: pathlib.Path) -> Iterator[tuple[str, object]]:
    """What a study's page says about its trials, as blocks of `imagents.studies.report`; nothing without a search."""
    study, path = load_study(folder), folder / "trials.csv"
    if study.searched is None or not path.exists():
        return
    search = study.searched
    table = pd.read_csv(path, dtype={"state": str}, keep_default_na=False, na_values={"value": [""]})
    ended = table[table["state"] != ""]
    counts = ", ".join(f"{(ended['state'] == state).sum()} {state}" for state in ("finished", "stopped", "failed"))
    most = "most" if search.sign > 0 else "least"
    objective = title_of(study, search.objective)
    yield "title", (2, "Settings that mattered")
    yield "text", (f"Of {len(table)} trials {counts}. Judged by: {objective}; {most} is best. Trials have seeds "
                   "that no run above has: they say where to look, not how good a setting is.")  # fmt: skip
    for setting, trials in ended.groupby("setting", sort=False):
        if len(study.configs) > 1:
            yield "text", f"{setting}:"
        scores = search.sign * trials["value"].to_numpy()
        best_first = trials.iloc[np.argsort(-scores, kind="stable")]
        best = best_first.head(max(1, len(trials) // 3))
        yield "table", [
            ("setting", "searched", "best third of trials", "rank correlation with the objective"),
            *((each.name, _span(each.values, each.kind), _found(best[each.name], each), _correlation(trials, each))
              for each in search.space),
        ]  # fmt: skip
        names = [each.name for each in search.space]
        yield "table", [
            ("trial", *names, "ended", objective),
            *((f"{row.trial}", *(f"{row[name]}" for name in names), _how(row), f"{row.value:.6g}")
              for _, row in best_first.head(_SHOWN).iterrows()),
        ]  # fmt: skip
    if len(ended) > _SHOWN:
        yield "text", "All trials are in trials.csv."


def _how(row: pd.Series) -> str:
    return f"{row.state} after {int(row.steps):,} steps" if row.state == "stopped" else row.state


def _span(values, kind: str) -> str:
    return ", ".join(map(str, values)) if kind == "choice" else f"{values[0]:g} to {values[1]:g}"


def _found(values: pd.Series, each: Range) -> str:
    """Where the values of some trials lie."""
    if each.kind == "choice":
        return ", ".join(f"{name} ({count})" for name, count in values.value_counts().items())
    values = values.astype(float)
    return f"{values.min():.4g} to {values.max():.4g}"


def _correlation(trials: pd.DataFrame, each: Range) -> str:
    """Spearman's, which knows no infinities: what failed comes last."""
    if each.kind == "choice" or len(trials) < 3:
        return ""
    ranks = [trials[name].astype(float).rank() for name in (each.name, "value")]
    found = ranks[0].corr(ranks[1])
    return "" if math.isnan(found) else f"{found:+.2f}"
