"""When the agents of a training are measured: as often as its settings say, and more often at its beginning.

Untrained weights are kept when a training begins and measured after its first chunk, which compiles, so that nothing
waits for that; so are the agents after 1, 2, 4, 8, ... chunks. Whatever is measured beyond what `evaluate_every` asks
for leaves everything as it was: all other figures are those of a training without it.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from imagents.config import TrainConfig
from imagents.training.loop import Trainer

Report = dict[str, dict[str, Any]]
_NAN = float("nan")


class Measuring:
    """Measures the agents of a training for the rows of its metrics.csv.

    Args:
      strength: of the environment's `strength`; trainer: the training; config: its settings.
      offer: takes each report that is due by the settings.
    """

    def __init__(self, strength, trainer: Trainer, config: TrainConfig, offer: Callable[[Report], None]):
        self._strength, self._trainer, self._offer = strength, trainer, offer
        self._report = getattr(strength, "measured", strength.report)  # whichever is quicker
        self._every, self._measures = config.training.evaluate_every, list(config.measures())
        self._untrained = _kept(_variables(trainer.agents)) if not int(trainer.rounds) else []

    def columns(self, chunk: int, apart: int, is_end: bool) -> dict[str, float]:
        """The columns of a chunk.

        Args:
          chunk: its number, from 1.
          apart: every how many chunks there is a row at all.
          is_end: whether it is the last.

        Returns:
          The measures of each agent, NaN where they are not due.
        """
        if chunk % (self._every * apart) == 0 or is_end:
            report = self._report()
            self._offer(report)
            return self._named(report)
        if chunk < self._every and chunk & (chunk - 1) == 0:
            with self._unnoticed():
                return self._named(self._report())
        return self._named({agent.name: {} for agent in self._trainer.agents})

    def beginning(self, first: dict[str, float]) -> list[dict[str, float]]:
        """The row of the untrained agents, once, if the training has begun here.

        Args:
          first: the row of the first chunk, whose columns it has.
        """
        if not self._untrained:
            return []
        (untrained, self._untrained), own = (self._untrained, []), _kept(_variables(self._trainer.agents))
        with self._unnoticed():
            _assign(untrained)
            getattr(self._strength, "note_chunk", lambda: None)()
            measured = self._named(self._report())
            _assign(own)
        return [dict.fromkeys(first, _NAN) | {"round": 0, "steps": 0, "episodes": 0, "seconds": 0.0} | measured]

    def _named(self, report: Report) -> dict[str, float]:
        names = self._measures
        return {f"{agent}_{name}": own[name] if own else _NAN for agent, own in report.items() for name in names}

    @contextlib.contextmanager
    def _unnoticed(self) -> Iterator[None]:
        """Afterwards all that the strength has and the training has not is as it was."""
        ours = {id(found) for found in tf.train.TrackableView(self._trainer).descendants()}
        found = tf.train.TrackableView(self._strength).descendants()
        before = _kept([each for each in found if isinstance(each, tf.Variable) and id(each) not in ours])
        yield
        _assign(before)


def _variables(agents: Sequence) -> list[tf.Variable]:
    return [variable for agent in agents for variable in agent.policy.variables()]


def _kept(variables: Sequence[tf.Variable]) -> list[tuple[tf.Variable, tf.Tensor]]:
    return [(variable, variable.read_value()) for variable in variables]


def _assign(kept: Sequence[tuple[tf.Variable, tf.Tensor]]) -> None:
    for variable, value in kept:
        variable.assign(value)
