"""Whether a study that is asked for can go on in a folder: what made its runs stays as it was."""

import pathlib
from collections.abc import Mapping

from imagents.errors import InputError, brief
from imagents.studies.study import BUDGET, Found, Study, load_study
from imagents.studies.trials import asked


def check_fits(folder: pathlib.Path, study: Study, found: dict[str, Found]) -> None:
    """Refuses to go on with a study whose runs were made with other settings than they would be now.

    Seeds and settings may be added or left out, and a budget may grow; what trials of a search were made with stays.

    Args:
      folder: the study's.
      study: what is asked now.
      found: the runs that are there, as `find_runs` gives them.

    Raises:
      InputError: that names the setting.
    """
    if not (folder / "study.json").exists():
        return
    before = load_study(folder)
    searched = {one["setting"] for one in asked(folder)} if study.search and before.search else set()
    if searched:
        _check_same(folder, before.to_dict()["search"], study.to_dict()["search"])
    used = {run.setting for run in before.runs() if run.identity in found}
    for name, config in study.configs.items():
        if name not in used | searched or name not in before.configs:
            continue
        old, new = before.configs[name].to_dict(), config.to_dict()
        for key in {**old, **new}:
            was, now = old.get(key), new.get(key)
            grows = name not in searched and key in BUDGET and was is not None and now is not None and now > was
            if was != now and not grows:
                raise InputError(f"{key} = {brief(now)}: the runs of {name} in {folder} have {brief(was)}, and a study "
                                 "keeps that: give the settings another name, or the study another folder")


def _check_same(folder: pathlib.Path, before: Mapping, now: Mapping) -> None:
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            said = "nothing" if key not in before else brief(before[key])
            raise InputError(f"search: {key} = {brief(now.get(key))}: the trials in {folder} were made with {said}, "
                             "and a study keeps that: give it another folder")
