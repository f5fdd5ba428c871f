"""Trains what is missing of a study: the trials of its search, and the runs that are reported."""

import pathlib

from imagents.plotting.reading import read_metrics
from imagents.runs.children import open_child
from imagents.runs.folders import FAILED
from imagents.studies.outcomes import is_measured
from imagents.studies.pool import Job, Pool
from imagents.studies.study import Study, Wanted, find_runs
from imagents.studies.telling import say, telling
from imagents.studies.trials import Trials


class Running:
    """Trains in a study's folder, and says how far it is.

    Args:
      folder: the study's.
      engine: what makes workers, see `imagents.studies.pool`.
      workers: how many; as many as the engine has if 0.

    Attributes:
      all_well: whether nothing failed.
      stopped_by: the number of the signal that stopped it, or None.
    """

    def __init__(self, folder: pathlib.Path, engine, workers: int):
        self._folder, self._engine, self._workers = folder, engine, workers
        self.all_well, self.stopped_by = True, None

    def search(self, trials: Trials) -> None:
        """Trains the trials of a search that have not ended, and those that are still to come."""
        paused = trials.waiting()
        left = len(trials.begun()) + len(paused) + max(0, trials.missing())
        print(f"{left} trials to train: {self._folder}", flush=True)
        if left:
            pool = Pool(self._engine, trials.ended, more=trials.more, is_over=trials.is_over, paused=paused)
            self._train(pool, left)

    def runs(self, study: Study) -> None:
        """Trains the runs of a study that are not finished."""
        found = find_runs(self._folder)
        self._paths, jobs, wanted = {identity: run.path for identity, run in found.items()}, [], study.runs()
        for run in wanted:
            known = found.get(run.identity)
            if known is None or not known.finishes(run):
                jobs.append(self._job_for(run))
        done, goals = len(wanted) - len(jobs), {run.seed: {} for run in wanted}
        for run in wanted:  # a run with a past has ancestors, which are trained for its sake
            of = run
            while of.past:
                of = of.parent
                goals[run.seed][of.identity] = run
        print(f"{len(wanted)} runs, {done} finished: {self._folder}", flush=True)

        def ended(job: Job, failed: str | None) -> Job | None:
            nonlocal done
            goal = goals[job.wanted.seed].get(job.wanted.identity)
            if job.until is not None and goal is not None and (not failed or (job.path / FAILED).exists()):
                further = self._job_for(goal)
                if not (further.path / FAILED).exists():
                    return further
            done += 1
            said = f"failed: {failed}" if failed else "finished"
            say(f"{done} of {len(wanted)}: {job.wanted.setting}, seed {job.wanted.seed}: {said}")
            return None

        if jobs:
            self._train(Pool(self._engine, ended, jobs), len(jobs))

    def _job_for(self, goal: Wanted) -> Job:
        """What has to be trained next for a run's sake; what comes after an ancestor that failed has failed, too."""
        while (job := self._job(goal)).wanted != goal and (job.path / FAILED).exists():
            pass
        return job

    def _job(self, run: Wanted, until: int | None = None) -> Job:
        """The run, in its folder; or an ancestor of it that has to come somewhere first."""
        path = self._paths.get(run.identity)
        if path is None and run.past:
            steps, parent = run.past[-1][0], self._paths.get(run.parent.identity)
            if parent is None or not _has_come(parent, run.parent, steps):
                return self._job(run.parent, steps)
        if path is None:
            taken = {path.name for path in (*self._paths.values(), *(self._folder / "runs").iterdir())}
            path = self._paths[run.identity] = self._folder / "runs" / run.free_name(taken)
            if run.past:
                open_child(parent, path, run.config, [[*before] for before in run.past])
        return Job(run, path, until)

    def _train(self, pool: Pool, most: int) -> None:
        with telling(pool, most):
            self.stopped_by = pool.run(min(self._workers or self._engine.workers, most))
        self.all_well &= pool.all_well


def _has_come(path: pathlib.Path, run: Wanted, steps: int) -> bool:
    """Whether a run was measured after so many steps, or never will be."""
    if (path / FAILED).exists() or not (path / "metrics.csv").exists():
        return (path / FAILED).exists()
    table = read_metrics(path)
    return bool((is_measured(table, run) & (table["steps"] >= steps)).any())
