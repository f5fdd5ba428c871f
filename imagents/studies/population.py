"""Population-based training (Jaderberg et al. 2017): trials that learn from one another which settings are good by now.

All train side by side in ten generations. After each of them, the worst quarter goes on from checkpoints of the best
quarter, with settings somewhat less or more than theirs, in a run of its own that names its parent. A generation ends
when all have come there, so that the same seed gives the same population, however many workers there are and whatever
happens to them.
"""

import dataclasses
import math
import pathlib
import random
from collections.abc import Callable

from imagents.runs.children import open_child
from imagents.studies.pool import Job
from imagents.studies.study import Study, Wanted
from imagents.studies.trials import Trial, Trials


class Population(Trials):
    """The trials of a study's search, each of which has one run after another."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._under_way: set[str] = set()  # runs, by identity
        self._known: set[str] = set()  # those that have a parent, and were looked at
        self._first = {(trial.setting, trial.number): trial for trial in self._trials}
        self.begun()

    def begun(self) -> list[Job]:
        """What can be trained now; nothing before all are asked for."""
        return [self._job(run) for run in self._follow(opening=False)] if self.missing() <= 0 else []

    def waiting(self) -> list[Job]:
        ready = {job.wanted.identity for job in self.begun()}
        runs = [run for trial in self._trials for run in trial.runs if run.identity not in ready]
        return [self._job(run) for run in runs if run.identity not in self._outcomes]

    def more(self) -> list[Job]:
        """The next member; once all are there, what can be trained now, and is not."""
        self._is_new = False
        if self.missing() > 0:
            jobs = super().more()
            self._first = {(trial.setting, trial.number): trial for trial in self._trials}
        else:
            jobs = [self._job(run) for run in self._follow(opening=True) if run.identity not in self._under_way]
        self._under_way |= {job.wanted.identity for job in jobs}
        return jobs

    def ended(self, job: Job, failed: str | None) -> Job | None:
        self._under_way.discard(job.wanted.identity)
        return super().ended(job, failed)

    def _paused(self, job: Job) -> None:
        """Waits for the others."""

    def _follow(self, opening: bool) -> list[Wanted]:
        """Follows all members from the first generation on, as far as they have come.

        Args:
          opening: whether to open the runs of members that change; else nothing is written, and those are waited for.

        Returns:
          What can be trained.
        """
        ready, self._trials = [], []
        for setting in self._study.configs:
            members = [trial for (name, _), trial in self._first.items() if name == setting]
            for steps in self._search.rungs(self._study.configs[setting]):
                here = [self._had(member, steps) for member in members]
                if None in here:
                    break
                members = self._changed(members, here, steps, opening)
            self._trials += members
            waiting = [run for member in members for run in member.runs if run.identity not in self._outcomes]
            behind = [run for run in waiting if self._rung(run) == min(map(self._rung, waiting))]
            ready += behind
        return ready

    def _rung(self, run: Wanted) -> float:
        """Where a run pauses next."""
        return self._job(run).until or math.inf

    def _had(self, member: Trial, steps: int) -> float | None:
        """What a member had after so many steps; None if it has not come there."""
        if self._state(member) == "failed":
            return self._search.worst
        return self._rungs.get((member.setting, steps), {}).get(member.runs[0].identity)

    def _changed(self, members: list[Trial], here: list[float], steps: int, opening: bool) -> list[Trial]:
        """The members of the next generation."""
        worth = [self._search.sign * value for value in here]
        order = sorted(range(len(members)), key=lambda place: (-worth[place], place))
        quarter = max(1, len(members) // 4)
        best, changed = [place for place in order[:quarter] if worth[place] > -math.inf], list(members)
        for place in order[-quarter:] if best else ():
            if worth[place] == worth[best[-1]]:
                continue
            draws = random.Random(f"{self._search.seed}/trial {place} after {steps} steps")
            parent = members[draws.choice(best)]
            values = {each.name: each.near(parent.values[each.name], draws) for each in self._search.space}
            run = Wanted(f"{parent.setting}, trial {members[place].number}", parent.runs[0].config.replace(**values),
                         (*parent.runs[0].past, (steps, parent.values)))  # fmt: skip
            changed[place] = dataclasses.replace(members[place], values=values, runs=(run,))
            if run.identity in self._known:
                continue
            if opening and not (self._path(run) / "config.json").exists():
                open_child(self._path(parent.runs[0]), self._path(run), run.config, [[*before] for before in run.past])
                self._say(f"{run.setting}: goes on from {parent.runs[0].setting}, with {values}")
            if (self._path(run) / "config.json").exists():
                self._known.add(run.identity)
                self._look(run)
        return changed


def reported(folder: pathlib.Path, study: Study) -> Study:
    """What a study's report is about: of a search that is over the study of its winners, else the study itself."""
    return (trials_of(folder, study).winners() or study) if study.search else study


def trials_of(folder: pathlib.Path, study: Study, say: Callable[[str], None] = lambda sentence: None) -> Trials:
    """The trials of a study's search, or its population."""
    return (Population if study.searched.method == "pbt" else Trials)(folder, study, say)
