"""Two studies side by side: what the settings of both reached, and how probable it is that one has more."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from imagents.errors import InputError
from imagents.files import check_name, refusing, replacing
from imagents.studies.crossplay import CrossPlay, read_cross_play
from imagents.studies.figures import Draw, draw_curves, draw_profiles, write_figures
from imagents.studies.measured import about, first_measure, less_is_better, title_of
from imagents.studies.pages import Block, write_page
from imagents.studies.report import (
    METHODS,
    PROFILES,
    about_curves,
    cross_play_blocks,
    name_of,
    panels_of,
    rows_of,
    scores_of,
    text_of,
)
from imagents.studies.study import Study
from imagents.studies.summary import ALL, Ended, curves, summary, tabulate

_FILES = {"summary.csv", "report.md", "report.html", "curves.png", "curves.pdf", "profiles.png", "profiles.pdf"}


@dataclasses.dataclass(frozen=True, eq=False)
class _Side:
    """One of the two.

    Attributes:
      name: what it is called here; its settings are called NAME: SETTING.
      study: the study.
      runs: those of it that have come to their end.
      every, table: as `summary.tabulate` and `summary.summary` give them.
      played: its cross-play.
    """

    name: str
    study: Study
    runs: Ended
    every: pd.DataFrame
    table: pd.DataFrame
    played: list[CrossPlay]

    def called(self, setting: str) -> str:
        return f"{self.name}: {setting}"

    def scores(self, measure: str, checkpoint: str | None = None) -> dict[str, np.ndarray]:
        found = scores_of(self.every, measure, self.study, checkpoint)
        return {self.called(setting): scores for setting, scores in found.items()}


def prepare_comparison(folders: Sequence[pathlib.Path], output_dir: pathlib.Path | None = None) -> pathlib.Path:
    """Where the comparison of two studies goes: the folder that is given, or outputs/ONE-and-OTHER.

    Raises:
      InputError: if it is one of the two, or holds anything else than such a report.
    """
    one, other = (folder.resolve().name for folder in folders)
    target = output_dir or pathlib.Path("outputs") / f"{one}-and-{other}"
    check_name(target)
    if len({os.path.realpath(path) for path in (*folders, target)}) < 3:
        raise InputError(f"{target}: two different studies are compared, in a folder that is neither of them")
    if target.is_dir() and (others := {path.name for path in target.iterdir()} - _FILES):
        raise InputError(f"{target} holds {min(others)}: name a new folder, or that of such a comparison")
    return target


def write_comparison(
    target: pathlib.Path, studies: Mapping[pathlib.Path, Study], runs: Mapping[pathlib.Path, Ended], pdf: bool = False
) -> str:
    """Writes summary.csv, report.md, report.html and figures of two studies into a folder. Returns what to print of it.

    Each setting of the second study is compared with that of the same name in the first one, else with its first.

    Args:
      target: where to, as `prepare_comparison` gives it.
      studies: the two, by their folders.
      runs: those that have come to their end, by their study's folder.
      pdf: whether to write the figures as PDF files, too.
    """
    names = [name_of(folder) for folder in studies]
    names = names if len(set(names)) == 2 else [str(folder) for folder in studies]
    sides = tuple(_side(name, folder, study, runs[folder]) for name, (folder, study) in zip(names, studies.items()))
    one, other = sides
    table = pd.concat([side.table.assign(setting=side.table["setting"].map(side.called)) for side in sides])
    with refusing(target):
        target.mkdir(parents=True, exist_ok=True)
    with replacing(target / "summary.csv") as writing:
        table.to_csv(writing, index=False)
    measures = [name for name in one.table["measure"].unique() if name in set(other.table["measure"])]
    measures = sorted(measures, key=lambda name: name != first_measure(one.study))  # that one first
    draws = _figures(sides, measures) if measures else {}
    write_figures(target, draws, pdf)
    title = f"{one.name} and {other.name}"
    write_page(target, title, [("title", (1, title)), *_blocks(sides, table, measures, set(draws))])
    return text_of(table, measures[0], one.study) if measures else "the two have no measure in common"


def _side(name: str, folder: pathlib.Path, study: Study, runs: Ended) -> _Side:
    every = tabulate(runs, study)
    return _Side(name, study, runs, every, summary(every, study), read_cross_play(folder, runs))


def _figures(sides: tuple[_Side, _Side], measures: list[str]) -> dict[str, Draw]:
    study, measure, draws = sides[0].study, measures[0], {}
    if panels := panels_of(study, measures, functools.partial(_curves, sides)):
        draws["curves"] = functools.partial(draw_curves, panels)
    scores = sides[0].scores(measure) | sides[1].scores(measure)
    if np.isfinite(np.concatenate([*scores.values()])).any():
        less = less_is_better(study, measure)
        draws["profiles"] = functools.partial(draw_profiles, scores, title_of(study, measure), less)
    return draws


def _curves(sides: tuple[_Side, _Side], measure: str) -> dict[str, pd.DataFrame]:
    return {
        side.called(setting): curve
        for side in sides
        for setting, curve in curves(side.runs, side.study, measure).items()
    }


def _blocks(
    sides: tuple[_Side, _Side], table: pd.DataFrame, measures: list[str], figures: set[str]
) -> Iterator[Block]:
    one, other = sides
    for side in sides:
        failed = sum(run.failed is not None for _, _, run in side.runs) or "none"
        yield "text", f"{side.name}: {len(side.runs)} of {len(side.study.runs())} runs are finished, {failed} failed."
    if "curves" in figures:
        yield "image", ("curves.png", "learning curves")
        yield "text", about_curves(len(measures))
    if "profiles" in figures:
        yield "image", ("profiles.png", f"performance profiles of {title_of(one.study, measures[0])}")
        yield "text", PROFILES
    known = list(one.study.configs)
    like = {other.called(name): one.called(name if name in known else known[0]) for name in other.study.configs}
    of_all = table[table["agent"] == ALL]
    for name in measures:
        for checkpoint in ("best", "last"):
            rows = of_all[(of_all["measure"] == name) & (of_all["checkpoint"] == checkpoint)]
            if not rows.empty:
                yield "title", (2, title_of(one.study, name, "best" if checkpoint == "best" else ""))
                if said := about(one.study, name):
                    yield "text", said
                scores = one.scores(name, checkpoint) | other.scores(name, checkpoint)
                yield "table", rows_of(rows, scores, like, f"its like in {one.name}", less_is_better(one.study, name))
    if not measures:
        yield "text", "The two have no measure in common."
    yield from cross_play_blocks([
        dataclasses.replace(played, setting=side.called(played.setting)) for side in sides for played in side.played
    ])
    yield "text", METHODS
