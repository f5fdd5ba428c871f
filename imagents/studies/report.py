"""The page of a study: report.md and report.html, summary.csv and figures beside them."""

import functools
import itertools
import math
import pathlib
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

import imagents
from imagents.errors import counted
from imagents.files import in_shell, replacing
from imagents.plotting.words import abridged, words
from imagents.studies import statistics
from imagents.studies.crossplay import MEASURES, CrossPlay, gaps, read_cross_play
from imagents.studies.figures import Draw, draw_cross_play, draw_curves, draw_profiles, write_figures
from imagents.studies.mattered import trial_blocks
from imagents.studies.measured import about, first_measure, less_is_better, measures_of, title_of, unit_of
from imagents.studies.pages import Block, Rows, write_page
from imagents.studies.study import Study
from imagents.studies.summary import ALL, Ended, curves, reached, summary, tabulate


def write_report(folder: pathlib.Path, study: Study, runs: Ended, pdf: bool = False) -> str:
    """Writes summary.csv, report.md, report.html and the figures into a study's folder. Returns what to print of it.

    Args:
      folder: the study's.
      study: the study.
      runs: those of it that have come to their end, as `summary.finished` gives them.
      pdf: whether to write the figures as PDF files, too, for a column of a paper.
    """
    every, measure = tabulate(runs, study), first_measure(study)
    table, played = summary(every, study), read_cross_play(folder, runs)
    with replacing(folder / "summary.csv") as writing:
        table.to_csv(writing, index=False)
    draws = _figures(study, runs, every, played)
    write_figures(folder, draws, pdf)
    blocks = [*_blocks(folder, study, runs, every, table, played, set(draws)), *trial_blocks(folder)]
    write_page(folder, name_of(folder), blocks)
    return text_of(table, measure, study)


def _figures(study: Study, runs: Ended, every: pd.DataFrame, played: list[CrossPlay]) -> dict[str, Draw]:
    """The figures that there are, by the names of their files."""
    draws, measure = {}, first_measure(study)
    title, less = title_of(study, measure), less_is_better(study, measure)
    if panels := panels_of(study, measures_of(study), lambda name: curves(runs, study, name)):
        draws["curves"] = functools.partial(draw_curves, panels)
    scores = scores_of(every, measure, study)
    if len(scores) > 1 and np.isfinite(np.concatenate(list(scores.values()))).any():
        draws["profiles"] = functools.partial(draw_profiles, scores, title, less)
    if played:
        draws["crossplay"] = functools.partial(draw_cross_play, played)
    return draws


def panels_of(
    study: Study, measures: Sequence[str], curves_of: Callable[[str], dict[str, pd.DataFrame]]
) -> dict[str, tuple[str, dict[str, pd.DataFrame]]]:
    """The panels of learning curves: of the first measures that have any."""
    drawn = ((name, found) for name in measures if (found := curves_of(name)))
    first = itertools.islice(drawn, MOST_PANELS)
    return {title_of(study, name): (unit_of(study, name), found) for name, found in first}


def about_curves(measures: int) -> str:
    """What is to be said below the learning curves of so many measures."""
    which = f" The first {MOST_PANELS} of {measures} measures are drawn." if measures > MOST_PANELS else ""
    return f"Over runs that did not fail; bands are 95 % intervals at each point.{which}"


def _blocks(
    folder: pathlib.Path, study: Study, runs: Ended, every: pd.DataFrame, table: pd.DataFrame,
    played: list[CrossPlay], figures: set[str],
) -> Iterator[Block]:  # fmt: skip
    failed = [run for _, _, run in runs if run.failed is not None]
    yield "title", (1, name_of(folder))
    yield "text", (f"{len(runs)} of {counted(len(study.runs()), 'run')} are finished "
                   f"({counted(len(study.configs), 'setting')}, {counted(len(study.seeds), 'seed')}), "
                   f"{len(failed) or 'none'} failed. The unit is the run: what its agents reached is averaged first, "
                   "and a run that failed counts as the worst. What each measure is, its environment's page says "
                   "under Measures (docs/environments).")  # fmt: skip
    if "curves" in figures:
        yield "image", ("curves.png", "learning curves")
        yield "text", about_curves(len(measures_of(study)))
    of_all = table[table["agent"] == ALL]
    groups = list(of_all.groupby(["measure", "checkpoint"], sort=False))
    places = {name: place for place, name in enumerate(measures_of(study))}  # the order of the curves
    for (measure, checkpoint), rows in sorted(groups, key=lambda group: places.get(group[0][0], len(places))):
        yield "title", (2, title_of(study, measure, checkpoint if _has_best(of_all, measure) else ""))
        if said := about(study, measure):
            yield "text", said
        scores = scores_of(every, measure, study, checkpoint)
        first, less = next(iter(study.configs)), less_is_better(study, measure)
        yield "table", rows_of(rows, scores, dict.fromkeys(scores, first), first, less)
    if "profiles" in figures:
        yield "title", (2, "Performance profiles")
        yield "image", ("profiles.png", f"performance profiles of {title_of(study, first_measure(study))}")
        yield "text", PROFILES
    elif len(study.configs) == 1:
        yield "text", "Performance profiles (profiles.png) compare settings, and are drawn of two or more."
    yield from cross_play_blocks(played)
    if played:
        yield "image", ("crossplay.png", "what the agent of each seed gets with the partners of each")
    if failed:
        yield "title", (2, "Runs that failed")
        yield "table", [("run", "why"), *((run.path.name, run.failed) for run in failed)]
    yield "title", (2, "How to repeat it")
    for name, values in study.values.items():
        yield "text", f"{name}:"
        yield "code", command_of(values)
        if past := study.pasts.get(name):
            yield "text", f"So its runs end: these settings changed after {', '.join(f'{s:,}' for s, _ in past)} steps."
    yield "text", f"imagents {imagents.__version__}; the versions that each run had are in its config.json."
    yield "text", METHODS


MOST_PANELS = 4  # of learning curves
_COLUMNS = 80  # of a terminal
PROFILES = "How many runs get beyond each threshold; bands are Wilson's 95 % intervals."
METHODS = """What was reached is the interquartile mean over runs, or, where each run succeeds or does not, the share
that does. Intervals hold the true value in 95 of 100 studies: of shares of runs by Wilson 1927, of three or four runs
by Tukey and McLaughlin 1963, of more by a bootstrap at the expanded quantiles of Hesterberg 2015, of probabilities
of improvement by Newcombe 2006. Fewer than three runs are an anecdote, and have none. Estimates are those of Agarwal et
al. 2021."""


def rows_of(rows: pd.DataFrame, scores: dict[str, np.ndarray], others: dict[str, str], named: str, less: bool) -> Rows:
    """The table of one measure: a line for each setting, compared with another one.

    Args:
      rows: of the summary.
      scores: of the runs of each setting.
      others: by setting, the one that it is compared with; itself if with none.
      named: what the head of the column calls that one.
      less: whether less is better.
    """
    versus = [f"P({'less' if less else 'more'} than {named})"] if len(scores) > 1 else []
    lines = [("setting", "reached", "95 % interval", *versus, "mean", "median", "runs", "failed")]
    sign = -1.0 if less else 1.0
    for row in rows.itertuples():
        interval = f"{number(row.low)} to {number(row.high)}" if math.isfinite(row.low) else "none"
        other = others.get(row.setting, row.setting)
        alone = row.setting == other or other not in scores
        more = ["" if alone else _improvement(sign * scores[row.setting], sign * scores[other]) for _ in versus]
        first_of_all, *estimates = map(number, (reached(row.mean, row.iqm, row.method), row.mean, row.median))
        lines.append((row.setting, first_of_all, interval, *more, *estimates, f"{row.runs}", f"{row.failed}"))
    return lines


def cross_play_blocks(played: list[CrossPlay]) -> Iterator[Block]:
    """What cross-play showed, if anything was played."""
    if not played:
        return
    yield "title", (2, f"Cross-play: {MEASURES[played[0].measure]}")
    lines = [("setting", "agent", "with its twins", "with others", "difference", "95 % interval", "seeds", "failed")]
    for one in played:
        for agent, *means, found in gaps(one):
            interval = f"{number(found.low)} to {number(found.high)}" if found else "none"
            lines.append((one.setting, agent, *map(number, means), interval, f"{len(one.seeds)}", f"{one.failed}"))
    yield "table", lines
    yield "text", _CROSS_PLAY.format(games=f"{played[0].games:,}", policy=played[0].policy)


_CROSS_PLAY = """What agents get with their twins, with whom they learned, and with those of other seeds: what is more
with twins alone is owed to conventions that nobody else knows (Hu et al. 2020). Each pair met in {games} games, policy:
{policy}. Seeds are drawn, not pairs: intervals are a bootstrap at expanded quantiles, of three or four seeds a
jackknife. Where one agent gains what the other loses, nothing is to be said of both together. Runs that failed have no
agents."""


def _improvement(scores, others) -> str:
    found = statistics.improvement_interval(scores, others)
    share = f"{statistics.probability_of_improvement(scores, others):.2f}"
    return f"{share} ({found.low:.2f} to {found.high:.2f})" if found else share


def text_of(table: pd.DataFrame, measure: str, study: Study) -> str:
    """What the command prints: the first measure, in 80 columns."""
    rows = table[(table["agent"] == ALL) & (table["measure"] == measure)].drop_duplicates("setting")
    if rows.empty:
        return "no run is finished"
    estimates = dict.fromkeys("share" if method == "Wilson" else "interquartile mean" for method in rows["method"])
    title = title_of(study, measure, rows["checkpoint"].iloc[0])
    head = [*textwrap.wrap(f"{title}:", _COLUMNS), f"{' or '.join(estimates)} of the runs (its 95 % interval)"]
    figures = []
    for row in rows.itertuples():
        ends = f"{number(row.low)} to {number(row.high)}" if math.isfinite(row.low) else row.method
        failed = f", {row.failed} failed" if row.failed else ""
        value = number(reached(row.mean, row.iqm, row.method))
        figures.append(f"{value:>8}  ({ends}, n = {row.runs}{failed})")
    settings = abridged(list(rows["setting"]), _COLUMNS - 4 - max(map(len, figures)))
    width = max(map(len, settings))
    return "\n".join([*head, *(f"  {setting:{width}}  {of}" for setting, of in zip(settings, figures))])


def command_of(values: Mapping[str, Any]) -> str:
    """The command that trains a run with these settings, as a study names them; SEED stands for its seed."""
    flags = []
    for name, value in values.items():
        each = value if isinstance(value, (list, tuple)) else [value]
        flags.append(" ".join([f"--{name.replace('_', '-')}", *(in_shell(str(one)) for one in each)]))
    return " ".join(["imagents train", *flags, "--seed SEED"])


def scores_of(
    every: pd.DataFrame, measure: str, study: Study, checkpoint: str | None = None
) -> dict[str, np.ndarray]:
    """What the runs of each setting reached, in the order of the study: of their best checkpoint, if they keep one."""
    of = every[(every["agent"] == ALL) & (every["measure"] == measure)]
    of = of[of["checkpoint"] == (checkpoint or ("best" if (of["checkpoint"] == "best").any() else "last"))]
    found = {name: group.sort_values("seed")["value"].to_numpy() for name, group in of.groupby("setting")}
    return {name: found[name] for name in study.configs if name in found}


def _has_best(table: pd.DataFrame, measure: str) -> bool:
    return "best" in set(table[table["measure"] == measure]["checkpoint"])


def name_of(folder: pathlib.Path) -> str:
    """What people call a study."""
    return words(folder.resolve().name)


def number(value: float) -> str:
    """A figure of a table, which has room for few digits; that of a run that failed is infinite."""
    return f"{value:,.{4 if abs(value) >= 0.1 else 3}g}" if math.isfinite(value) else "failed"
