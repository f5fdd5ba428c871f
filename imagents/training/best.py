"""The best, not only the last: a run keeps the checkpoint with most of a measure that means the same at all times."""

from collections.abc import Callable, Mapping
from typing import Any

from imagents.runs.run import Run


class Best:
    """Knows how much of the first measure there was at best.

    Args:
      run: the run.
      measure: the name of the first measure.
    """

    def __init__(self, run: Run, measure: str):
        self._measure, self._most = measure, float("-inf")
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
