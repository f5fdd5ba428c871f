"""The best, not only the last: a run keeps the checkpoint with most of a measure that means the same at all times."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from imagents.runs.run import BEST, Run
from imagents.seats import close


class Best:
    """Knows how much of the first measure there was at best.

    Args:
      run: the run.
      measure: the name of the first measure.
    """

    def __init__(self, run: Run, measure: str):
        self._run, self._measure, self._most = run, measure, float("-inf")
        if (kept := run.best_checkpoint()) is not None:
            self._most = float(run.check(kept)["measure"])

    def offer(self, report: Mapping[str, Mapping[str, Any]], save: Callable[[float], None]) -> None:
        """Saves if the mean over the agents is more than it ever was.

        Args:
          report: what was measured, by agent.
          save: writes the checkpoint, given how much there is.
        """
        value = sum(values[self._measure] for values in report.values()) / len(report)
        if value > self._most:
            save(value)
            self._most = value

    def evaluated(self, rounds: int, state: tf.train.Checkpoint, strength: Callable) -> dict[str, Any] | None:
        """How good the agents are at the end, as the best checkpoint has them and as the last one; None without a best.

        Args:
          rounds: of the training.
          state: what goes back to these checkpoints.
          strength: measures the agents, on other episodes than those on which the best one was chosen.
        """

        def report_of(checkpoint: pathlib.Path) -> dict[str, dict[str, Any]]:
            self._run.read(checkpoint, state, self._run.check(checkpoint), whole=True)
            measuring = strength()
            report = measuring.report()
            close(measuring)
            return report

        if (kept := self._run.best_checkpoint()) is None:
            return None
        best, last = map(report_of, (kept, self._run.newest_checkpoint()))
        return {"checkpoint": BEST, "agents": best, "last": {"checkpoint": rounds, "agents": last}}
