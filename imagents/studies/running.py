"""Trains what is missing of a study: the trials of its search, and the runs that are reported."""

import pathlib
import sys

from imagents.studies.pool import Job, Pool
from imagents.studies.study import Study, find_runs
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
        begun, missing = trials.begun(), trials.missing()
        print(f"{missing + len(begun)} trials to train: {self._folder}", flush=True)
        if begun or missing:
            self._train(Pool(self._engine, trials.ended, begun, trials.more), len(begun) + missing)

    def runs(self, study: Study) -> None:
        """Trains the runs of a study that are not finished."""
        found, jobs, names = find_runs(self._folder), [], {path.name for path in (self._folder / "runs").iterdir()}
        wanted = study.runs()
        for run in wanted:
            known = found.get(run.identity)
            if known and known.finishes(run):
                continue
            path = known.path if known else self._folder / "runs" / run.free_name(names)
            names.add(path.name)
            jobs.append(Job(run, path))
        done = len(wanted) - len(jobs)
        print(f"{len(wanted)} runs, {done} finished: {self._folder}", flush=True)

        def ended(job: Job, failed: str | None) -> None:
            nonlocal done
            done += 1
            said = f"failed: {failed}" if failed else "finished"
            say(f"{done} of {len(wanted)}: {job.wanted.setting}, seed {job.wanted.seed}: {said}")

        if jobs:
            self._train(Pool(self._engine, ended, jobs), len(jobs))

    def _train(self, pool: Pool, most: int) -> None:
        self.stopped_by = pool.run(min(self._workers or self._engine.workers, most))
        self.all_well &= pool.all_well


def say(sentence: str) -> None:
    """Tells people how far it is."""
    print(sentence, file=sys.stderr, flush=True)
