"""The trials of a search: which there are, which is next, which are stopped early, and which won.

    trials.json                     the settings of each, in the order in which they were asked for
    runs/*-trial-*                  their runs
    runs/*-trial-*/stopped.json     after how many steps one was stopped early, and what it had reached
    trials.csv                      a row for each

What a trial reached is read from its run folder, and nowhere else, so a kill loses nothing. A trial with the settings
of an earlier one has the same run.
"""

import dataclasses
import math
import pathlib
from collections.abc import Callable
from typing import Any

import pandas as pd

from imagents.errors import InputError
from imagents.files import read_json, replacing, write_json
from imagents.plotting.reading import read_metrics
from imagents.runs.folders import FAILED
from imagents.studies.pool import Job
from imagents.studies.search import Search
from imagents.studies.study import Study, Wanted, find_runs, told

_STOPPED = "stopped.json"
_COLUMNS = ("state", "steps", "value")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run of a trial, or all of them, ended: finished, stopped or failed; what it took, and what it reached."""

    state: str
    steps: int
    seconds: float
    value: float


@dataclasses.dataclass(frozen=True)
class Trial:
    """One of a setting's trials, and its runs; none if no training can have such settings together."""

    setting: str
    number: int
    values: dict[str, Any]
    runs: tuple[Wanted, ...]


class Trials:
    """The trials of a study's search, in its folder.

    Args:
      folder: the study's.
      study: the study, which has a search.
      say: called with a sentence about each run that ends.
    """

    def __init__(self, folder: pathlib.Path, study: Study, say: Callable[[str], None] = lambda sentence: None):
        self._folder, self._study, self._say = folder, study, say
        self._search: Search = study.searched
        self._asked, self._trials = asked(folder), []
        self._paths = {identity: found.path for identity, found in find_runs(folder).items()}
        self._outcomes: dict[str, Outcome] = {}  # of runs that have ended, by identity
        self._rungs: dict[tuple[str, int], dict[str, float]] = {}  # what a setting's runs had there, by identity
        counts = dict.fromkeys(study.configs, 0)
        for one in self._asked:
            if one["setting"] in counts:
                self._take(one, counts[one["setting"]])
                counts[one["setting"]] += 1

    def begun(self) -> list[Job]:
        """What is left to train of the trials that there are."""
        runs = {run.identity: run for trial in self._trials for run in trial.runs}
        return [self._job(run) for identity, run in runs.items() if identity not in self._outcomes]

    def missing(self) -> int:
        """How many trials are still to come, at most."""
        spent = sum(outcome.seconds for outcome in self._outcomes.values())
        if self._search.hours is not None and spent >= 3600 * self._search.hours:
            return 0
        return self._search.trials * len(self._study.configs) - len(self._trials)

    def more(self) -> list[Job]:
        """The runs of the next trial; none if there are enough."""
        while self.missing() > 0:
            of = [trial.setting for trial in self._trials]
            setting = min(self._study.configs, key=of.count)
            past = [(trial.values, self._value(trial)) for trial in self._trials if trial.setting == setting]
            known = {run.identity for trial in self._trials for run in trial.runs}
            one = {"setting": setting, "values": self._search.propose(len(past), past)}
            self._asked.append(one)
            write_json(self._folder / "trials.json", self._asked)
            if runs := [run for run in self._take(one, len(past)).runs if run.identity not in known]:
                return [self._job(run) for run in runs]
        return []

    def ended(self, job: Job, failed: str | None) -> Job | None:
        """Notes how a trial's run went. Returns it again if it paused and is good enough to go on."""
        run = job.wanted
        outcome = self._look(run)
        if failed and outcome is None:  # not by its settings: the same command tries it again
            outcome = self._outcomes[run.identity] = Outcome("failed", 0, 0.0, self._search.worst)
        if outcome is None:
            here = self._rungs[_setting(run), job.until]
            if self._search.goes_on(here[run.identity], [*here.values()]):
                return self._job(run)
            write_json(job.path / _STOPPED, _so_far(read_metrics(job.path), self._search, run))
            outcome = self._look(run)
        value = f"{self._search.objective} {outcome.value:.6g}"
        self._say(f"{run.setting}: " + (f"failed: {failed}" if failed else f"{outcome.state}, {value}"))
        return None

    def winners(self) -> Study | None:
        """The study of what each setting is best with; None before all trials have ended, or if all of them failed."""
        if self.missing() > 0 or self.begun():
            return None
        found = []
        for setting, values in self._study.values.items():
            of = [trial for trial in self._trials if trial.setting == setting]
            if finished := [trial for trial in of if self._state(trial) == "finished"]:
                best = max(finished, key=lambda trial: self._search.sign * self._value(trial)).values
                words = [setting] if self._study.grid or self._study.settings else []
                found.append({"name": ", ".join(words + told(best))} | values | best)
        return Study(settings=found, seeds=self._study.seeds) if found else None

    def table(self) -> pd.DataFrame:
        """Columns `setting, trial`, what is searched, `state, steps, value`: of what was stopped, what it had then."""
        rows = []
        for trial in sorted(self._trials, key=lambda trial: [*self._study.configs].index(trial.setting)):
            state, outcomes = self._state(trial), self._of(trial)
            steps = max((outcome.steps for outcome in outcomes), default=0)
            value = sum(outcome.value for outcome in outcomes) / len(outcomes) if outcomes else self._search.worst
            ended = (state, steps, value) if state else ("", None, math.nan)
            rows.append((trial.setting, trial.number, *trial.values.values(), *ended))
        names = [each.name for each in self._search.space]
        return pd.DataFrame(rows, columns=["setting", "trial", *names, *_COLUMNS]).astype({"steps": "Int64"})

    def write(self) -> None:
        """Writes trials.csv."""
        with replacing(self._folder / "trials.csv") as writing:
            self.table().to_csv(writing, index=False)

    def _take(self, one: dict[str, Any], number: int) -> Trial:
        """Makes a trial of one of trials.json, and looks at what there is of its runs."""
        setting, runs = one["setting"], ()
        try:
            config = self._study.configs[setting].replace(**one["values"])
            name = f"{setting}, trial {number}"
            runs = tuple(Wanted(name, config.replace(seed=seed)) for seed in self._search.seeds)
        except InputError as error:
            self._say(f"{setting}, trial {number}: failed: {error}")
        trial = Trial(setting, number, one["values"], runs)
        if number < self._search.trials:
            self._trials.append(trial)
            for run in runs:
                self._look(run)
        return trial

    def _job(self, run: Wanted) -> Job:
        """The run, up to the next rung."""
        path = self._paths.get(run.identity)
        if path is None:
            taken = {path.name for path in (self._folder / "runs").glob("*")}
            taken |= {path.name for path in self._paths.values()}
            path = self._paths[run.identity] = self._folder / "runs" / run.free_name(taken)
        rungs = self._search.rungs(run.config)
        ahead = (rung for rung in rungs if run.identity not in self._rungs.get((_setting(run), rung), {}))
        return Job(run, path, next(ahead, None))

    def _look(self, run: Wanted) -> Outcome | None:
        """What the folder of a run says: how it ended, if it did, and what it had at the rungs that it came to."""
        path = self._paths.get(run.identity)
        if path is None or not (path / "config.json").exists():
            return None
        rungs = self._search.rungs(run.config)
        table = read_metrics(path) if rungs and (path / "metrics.csv").exists() else None
        for rung in rungs if table is not None else ():
            if (so_far := _so_far(table, self._search, run, rung)) is not None:
                self._rungs.setdefault((_setting(run), rung), {})[run.identity] = so_far["value"]
        outcome = None
        if (path / FAILED).exists():
            outcome = Outcome("failed", 0, 0.0, self._search.worst)
        elif (path / _STOPPED).exists():
            outcome = Outcome("stopped", **read_json(path / _STOPPED))
        elif (path / "evaluation.json").exists():
            found = read_json(path / "evaluation.json")
            agents = (found["last"] if self._search.checkpoint == "last" and "last" in found else found)["agents"]
            values = [agent[self._search.objective] for agent in agents.values()]
            value = math.nan if None in values else sum(values) / len(values)
            value = self._search.worst if math.isnan(value) else value
            outcome = Outcome("finished", found["steps"], found["seconds"], value)
        if outcome is not None:
            self._outcomes[run.identity] = outcome
        return outcome

    def _of(self, trial: Trial) -> list[Outcome]:
        return [self._outcomes[run.identity] for run in trial.runs if run.identity in self._outcomes]

    def _state(self, trial: Trial) -> str:
        """How a trial ended, or ""."""
        states = {outcome.state for outcome in self._of(trial)}
        is_whole = len(self._of(trial)) == len(trial.runs)
        return next((state for state in ("failed", "stopped", "finished") if state in states), "failed") * is_whole

    def _value(self, trial: Trial) -> float | None:
        """The mean over a trial's runs; None until they have ended, or if they were stopped."""
        state = self._state(trial)
        if state == "failed":
            return self._search.worst
        return sum(each.value for each in self._of(trial)) / len(trial.runs) if state == "finished" else None


def reported(folder: pathlib.Path, study: Study) -> Study:
    """What a study's report is about: of a search that is over the study of its winners, else the study itself."""
    return (Trials(folder, study).winners() or study) if study.search else study


def asked(folder: pathlib.Path) -> list[dict[str, Any]]:
    """The trials that a study's folder has: the `setting` that each is of, and its `values`.

    Raises:
      InputError: if its trials.json is damaged.
    """
    path = folder / "trials.json"
    try:
        return read_json(path) if path.exists() else []
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}") from None


def _setting(run: Wanted) -> str:
    return run.setting.rpartition(", trial ")[0]


def _so_far(table: pd.DataFrame, search: Search, run: Wanted, rung: int = 0) -> dict[str, Any] | None:
    """The `steps`, `seconds` and `value` of a run when it was measured first after so many steps; last if that is 0."""
    face = run.config.environment
    of = {name: table[[f"{agent}_{name}" for agent in run.config.agent_names]].mean(axis=1, skipna=False)
          for name in face.measures}  # fmt: skip
    there = table.index[pd.DataFrame(of).notna().any(axis=1) & (table["steps"] >= rung)]
    if there.empty:
        return None
    row, value, first = there[0] if rung else there[-1], of[search.objective], of[next(iter(of))]
    if face.keeps_best and search.checkpoint == "best" and first[: row + 1].notna().any():
        value = value[first[: row + 1].idxmax()]
    else:
        value = value[row]
    about = {"steps": int(table["steps"][row]), "seconds": float(table["seconds"][row])}
    return about | {"value": search.worst if math.isnan(value) else float(value)}
