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
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from imagents.errors import InputError
from imagents.files import read_json, replacing, write_json
from imagents.studies.outcomes import STOPPED, Outcome, history, outcome_of
from imagents.studies.pool import Job
from imagents.studies.search import Search
from imagents.studies.study import Study, Wanted, find_runs, told

_COLUMNS = ("state", "steps", "value")


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
        self._asked, self._trials, self._is_new = asked(folder), [], True
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

    def waiting(self) -> list[Job]:
        """What is left of them, and has to wait for others."""
        return []

    def is_over(self, job: Job) -> bool:
        """Whether nothing is left to train of a job's run."""
        return job.wanted.identity in self._outcomes

    def missing(self) -> int:
        """How many trials are still to come, at most."""
        spent = sum(outcome.seconds for outcome in self._outcomes.values())
        if self._search.hours is not None and spent >= 3600 * self._search.hours:
            return 0
        return self._search.trials * len(self._study.configs) - len(self._trials)

    def more(self) -> list[Job]:
        """What is left of earlier trials, then the runs of the next one; none if there are enough."""
        if self._is_new:
            self._is_new = False
            if jobs := self.begun():
                return jobs
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
            if (further := self._paused(job)) is not None:
                return further
            outcome = self._look(run)
        if outcome is not None:
            value = f"{self._search.objective} {outcome.value:.6g}"
            self._say(f"{run.setting}: " + (f"failed: {failed}" if failed else f"{outcome.state}, {value}"))
        return None

    def _paused(self, job: Job) -> Job | None:
        """Stops a run that came to a rung, or lets it go on."""
        here = self._rungs[_setting(job.wanted), job.until]
        if self._search.goes_on(here[job.wanted.identity], [*here.values()]):
            return self._job(job.wanted)
        so_far = history(job.path, self._search, job.wanted).iloc[-1]
        write_json(job.path / STOPPED, {"steps": int(so_far["steps"])} | dict(so_far[["seconds", "value"]]))
        return None

    def winners(self) -> Study | None:
        """The study of what each setting is best with; None before all trials have ended, or if all of them failed."""
        if self.missing() > 0 or self.begun():
            return None
        found, pasts = [], {}
        for setting, values in self._study.values.items():
            of = [trial for trial in self._trials if trial.setting == setting]
            if finished := [trial for trial in of if self._state(trial) == "finished"]:
                best = max(finished, key=lambda trial: self._search.sign * self._value(trial))
                words, past = [setting] if self._study.grid or self._study.settings else [], best.runs[0].past
                words += [">".join([*(told({name: before[name]})[0] for _, before in past), told({name: value})[0]])
                          for name, value in best.values.items()]  # fmt: skip
                name = re.sub(r">[^>=]+=", ">", ", ".join(words))
                found.append({"name": name} | values | best.values)
                pasts[name] = past
        return Study(settings=found, seeds=self._study.seeds, pasts=pasts) if found else None

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
        path = self._path(run)
        rungs = self._search.rungs(run.config)
        ahead = (rung for rung in rungs if run.identity not in self._rungs.get((_setting(run), rung), {}))
        return Job(run, path, next(ahead, None))

    def _path(self, run: Wanted) -> pathlib.Path:
        """A run's folder, which need not be there yet."""
        if run.identity not in self._paths:
            taken = {path.name for path in (self._folder / "runs").glob("*")}
            taken |= {path.name for path in self._paths.values()}
            self._paths[run.identity] = self._folder / "runs" / run.free_name(taken)
        return self._paths[run.identity]

    def _look(self, run: Wanted) -> Outcome | None:
        """What the folder of a run says: how it ended, if it did, and what it had at the rungs that it came to."""
        path = self._paths.get(run.identity)
        if path is None or not (path / "config.json").exists():
            return None
        if rungs := self._search.rungs(run.config):
            there = history(path, self._search, run)
            places = np.searchsorted(there["steps"], rungs)  # where it was measured first after so many steps
            for rung, place in zip(rungs, places):
                if place < len(there):
                    of = self._rungs.setdefault((_setting(run), rung), {})
                    of[run.identity] = float(there["value"].iloc[place])
        outcome = outcome_of(path, self._search)
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
