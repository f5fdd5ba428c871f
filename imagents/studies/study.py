"""A study: settings times seeds, each an ordinary run, in one folder.

    study.json      what was asked
    runs/*          run folders, each known by its settings and its seed, whatever its name
    summary.csv     what they show together
    report.md, report.html, curves.png    the same for people
"""

import dataclasses
import functools
import itertools
import json
import os
import pathlib
import re
import tomllib
from collections.abc import Container, Mapping, Sequence
from typing import Any

from imagents.config import TrainConfig, load_config
from imagents.errors import InputError, brief, check_seed
from imagents.files import read_json, read_text, reason
from imagents.runs.folders import FAILED
from imagents.studies.ranges import whole
from imagents.studies.search import FIRST_SEED, Search

BUDGET = ("steps", "minutes")
_PARTS = {
    "seeds": ((int, list, tuple), "a number of seeds, or a list of them, is"),
    "base": (Mapping, "settings by their names are"),
    "grid": (Mapping, "lists of values by setting are"),
    "settings": ((list, tuple), "a list of settings, each with its name, is"),
    "search": (Mapping, "ranges by setting are"),
    "budget": (Mapping, "trials or hours are"),
}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One run of a study: the name of its settings, and everything that it needs.

    `past` are settings that it had before: pairs of a number of steps, and the values that it had up to there.
    """

    setting: str
    config: TrainConfig
    past: tuple[tuple[int, dict[str, Any]], ...] = ()

    @property
    def seed(self) -> int:
        return self.config.training.seed

    @functools.cached_property
    def identity(self) -> str:
        """Equal for runs that differ in their budget alone."""
        kept = {name: value for name, value in self.config.to_dict().items() if name not in BUDGET}
        return json.dumps([kept, self.past] if self.past else kept)

    @property
    def parent(self) -> "Wanted":
        """The run with whose checkpoint it begins, if it has a past."""
        return Wanted(self.setting, self.config.replace(**self.past[-1][1]), self.past[:-1])

    @property
    def folder_name(self) -> str:
        """A readable name for its folder; it identifies nothing."""
        plain = re.sub(r"[^\w.=-]+", "-", self.setting)[:80].strip("-")
        return f"{plain}-seed-{self.seed}" + (f"-from-{self.past[-1][0]}" if self.past else "")

    def free_name(self, taken: Container[str]) -> str:
        """The same, or with -2, -3, ... at its end, if that is taken."""
        names = itertools.chain([self.folder_name], (f"{self.folder_name}-{number}" for number in itertools.count(2)))
        return next(name for name in names if name not in taken)


@dataclasses.dataclass(frozen=True)
class Study:
    """What to train: settings crossed in a grid or named, each with every seed.

    Args:
      base: settings of all runs, by the names of the command line's flags with underscores.
      grid: lists of values by setting, which are crossed.
      settings: further settings, each with its `name`; not crossed with each other, but with the grid.
      seeds: so many, from 0 on, or which.
      search: ranges of further settings by name, and how to search them: `objective`, `direction`, `checkpoint`,
        `method`, `seed`, `seeds`, `early_stopping`. What each of the settings above is best with is trained with the
        study's seeds, and only that is reported.
      budget: of a search: `trials` of each of the settings above, `hours` of training of all trials.
      pasts: by the name of settings the values that their runs had before, as `Wanted` has them: what a search found
        that changes settings on the way. No file says that.

    Raises:
      InputError: for what no training can have, before anything is made.
    """

    base: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    grid: Mapping[str, Sequence] = dataclasses.field(default_factory=dict)
    settings: Sequence[Mapping[str, Any]] = ()
    seeds: int | Sequence[int] = 1
    search: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    budget: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    pasts: Mapping[str, tuple] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for part, (kinds, needed) in _PARTS.items():
            if not isinstance(getattr(self, part), kinds) or isinstance(getattr(self, part), bool):
                raise InputError(f"{part} = {brief(getattr(self, part))}: {needed} needed")
        seeds = range(self.seeds) if isinstance(self.seeds, int) else self.seeds
        object.__setattr__(self, "seeds", tuple(seeds))
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError(f"seeds = {brief(list(self.seeds))}: at least one, and different ones, are needed")
        for seed in self.seeds:
            check_seed(seed)
        for name, values in self.grid.items():
            if not isinstance(values, (list, tuple)) or not values:
                raise InputError(f"grid: {name} = {brief(values)}: a list of values is needed")
        names = [one.get("name") if isinstance(one, Mapping) else None for one in self.settings]
        if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
            raise InputError(f"settings: the names are {brief(names)}: each needs one of its own")
        object.__setattr__(self, "values", self._make_values())
        object.__setattr__(self, "_configs", {name: _config(values) for name, values in self.values.items()})
        if self.budget and not self.search:
            raise InputError(f"budget = {brief(dict(self.budget))}: it is for a search, and there is none")
        searched = Search.of(self.search, self.budget, self._configs) if self.search else None
        object.__setattr__(self, "searched", searched)
        if searched and max(self.seeds) >= FIRST_SEED:
            raise InputError(f"seeds = {brief(list(self.seeds))}: with a search they are below {FIRST_SEED}, where the "
                             "seeds of trials begin")

    @property
    def configs(self) -> dict[str, TrainConfig]:
        """The settings of seed 0, by their names, in the order of the study."""
        return dict(self._configs)

    def runs(self) -> list[Wanted]:
        """All runs that are wanted: for each seed all settings, so that an early stop leaves whole comparisons."""
        configs = self._configs.items()
        return [
            Wanted(name, config.replace(seed=seed), self.pasts.get(name, ()))
            for seed in self.seeds for name, config in configs
        ]  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for study.json; `Study(**values)` is the way back."""
        return json.loads(json.dumps({part: getattr(self, part) for part in _PARTS}))

    def _make_values(self) -> dict[str, dict[str, Any]]:
        found = {}
        for named, values in itertools.product(self.settings or ({},), itertools.product(*self.grid.values())):
            crossed = dict(zip(self.grid, values))
            own = {name: value for name, value in named.items() if name != "name"}
            if twice := [name for name in own if name in crossed]:
                raise InputError(f"grid: {twice[0]} is a setting of {named['name']}, too: name it once")
            words = [named["name"]] if named else []
            words += told(crossed)
            values = {name: whole(value) for name, value in (dict(self.base) | own | crossed).items()}
            if "seed" in values:
                raise InputError(f"seed = {values['seed']}: seeds says which there are")
            if twice := [name for name in values if name in self.search]:
                raise InputError(f"search: {twice[0]} is a setting already: name it once")
            found[", ".join(words) or values.get("environment", "base")] = values
        return found


def told(values: Mapping[str, Any]) -> list[str]:
    """Settings in words."""
    return [f"{name}={_word(value)}" for name, value in values.items()]


def _config(values: dict[str, Any]) -> TrainConfig:
    try:
        return TrainConfig(**values)
    except TypeError:
        raise InputError(f"settings are {brief(values)}: names are needed") from None


def read_study(path: str | os.PathLike) -> Study:
    """The study that a TOML file describes.

    Raises:
      InputError: if it cannot be read, or describes none, in one sentence that names the file.
    """
    try:
        content = tomllib.loads(read_text(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason(error)}") from None
    except ValueError as error:  # no UTF-8, no TOML
        raise InputError(f"{path} is no TOML file: {error}") from None
    if unknown := [name for name in content if name not in _PARTS]:
        raise InputError(f"{path}: unknown part {unknown[0]!r}: a study has {', '.join(_PARTS)}")
    try:
        return Study(**content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def load_study(folder: str | os.PathLike) -> Study:
    """The study that a folder holds.

    Raises:
      InputError: if it is none.
    """
    try:
        content = read_json(pathlib.Path(folder) / "study.json")
        return Study(**{"search": {}, "budget": {}} | content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder} is not a study's folder: it has no sound study.json") from None


@dataclasses.dataclass(frozen=True)
class Found:
    """A run folder of a study: how far it is."""

    path: pathlib.Path
    config: TrainConfig
    failed: str | None

    @property
    def is_measured(self) -> bool:
        return (self.path / "evaluation.json").exists()

    def finishes(self, wanted: Wanted) -> bool:
        """Whether there is nothing left to train: its budget is spent, or it diverged."""
        if self.failed is not None:
            return True
        budgets = [{name: vars(config.training)[name] for name in BUDGET} for config in (self.config, wanted.config)]
        return self.is_measured and budgets[0] == budgets[1]


def find_runs(folder: pathlib.Path) -> dict[str, Found]:
    """The runs of a study, by their identities; folders that hold none, as a kill can leave, are passed over."""
    found = {}
    for path in sorted((folder / "runs").glob("*/config.json")):
        try:
            config = load_config(path.parent)
        except InputError:
            continue
        failed = read_json(path.parent / FAILED)["failed"] if (path.parent / FAILED).exists() else None
        past = tuple((steps, values) for steps, values in read_json(path).get("parent", {}).get("past", ()))
        found[Wanted("", config, past).identity] = Found(path.parent, config, failed)
    return found


def _word(value) -> str:
    return "x".join(map(_word, value)) if isinstance(value, (list, tuple)) else str(whole(value))
