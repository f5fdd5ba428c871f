"""A training from its config to its run folder: the loop, logs, checkpoints, evaluation, plots."""

import dataclasses
import datetime
import os
import pathlib
import signal
import time

import tensorflow as tf

from imagents import plotting
from imagents.config import TrainConfig
from imagents.evaluation.strength import Strength
from imagents.games import get_game
from imagents.progress import Progress
from imagents.run import Run, check_is_new, write_json
from imagents.snapshots import save_snapshot
from imagents.training import build


class Experiment:
    """One training, ready to go. Everything that can be wrong with its settings is found here.

    Args:
      config: the settings; without a budget, the preset's.
      output_dir: the run folder to make; `outputs/<game>-<time>` if None.
      resume: a run folder to go on with. Its own settings hold, but for a budget in
        `config`; `output_dir` has to be None.

    Raises:
      ValueError: for settings or folders that do not work, in one sentence.
    """

    def __init__(
        self,
        config: TrainConfig,
        output_dir: str | os.PathLike | None = None,
        resume: str | os.PathLike | None = None,
    ):
        if resume is not None and output_dir is not None:
            raise ValueError("output_dir and resume exclude each other: a resumed run keeps its folder")
        if resume is None:
            self.config = config.with_budget()
            name = f"{config.game}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
            path = pathlib.Path(output_dir or pathlib.Path("outputs") / name)
            check_is_new(path)
            self._run = None
        else:
            self._run = Run(resume)
            self._run.check_newest()
            self.config = _resumed(self._run.config, config)
        self.trainer = build(self.config)
        self._strength = Strength(get_game(self.config.game), self.trainer.agents, seed=self.config.seed)
        self._checkpoint = tf.train.Checkpoint(trainer=self.trainer, strength=self._strength)
        self._seconds = 0.0
        if self._run is None:
            self._run = Run.create(path, self.config)
        else:
            self._seconds = self._run.restore(self._checkpoint)
            self._run.write_config(self.config)
            self._run.truncate_metrics(int(self.trainer.rounds))

    def run(self, quiet: bool = False) -> Run:
        """Trains until the budget is spent, or until SIGINT or SIGTERM asks to stop.

        A stop finishes the chunk under way and saves everything; the signal's number is
        then in `stopped_by`.

        Args:
          quiet: whether to print nothing.
        """
        self.stopped_by = None
        events = tf.summary.create_file_writer(str(self._run.path / "events"))
        saved_at, saved_rounds = self._seconds, int(self.trainer.rounds)
        with Progress(self._run.path, quiet) as progress, _Signals(self._stop):
            while self._fraction_done() < 1.0 and self.stopped_by is None:
                row = self._train_chunk()
                self._run.append_metrics(row)
                self._save_snapshot()
                _write_events(events, row)
                progress.update(self._fraction_done(), self._seconds, row)
                if self._seconds - saved_at >= 60 * self.config.checkpoint_minutes:
                    self._save()
                    saved_at, saved_rounds = self._seconds, int(self.trainer.rounds)
        events.close()
        if saved_rounds != int(self.trainer.rounds) or not self._run.checkpoints():
            self._save()
        if self.stopped_by is None:
            report = self._strength.report()
            write_json(self._run.path / "evaluation.json", self._progress_so_far() | {"agents": report})
            if not quiet:
                print(self._strength.text(report))
        plotting.save_all(self._run.path)
        return self._run

    def _train_chunk(self) -> dict[str, float]:
        """Trains a chunk. Returns its row of metrics.csv."""
        for agent in self.trainer.agents:
            start, end = self.config.learning_rate, self.config.final_learning_rate
            agent.optimizer.learning_rate.assign(start + (end - start) * self._fraction_done())
        plies = int(self.trainer.plies)
        began = time.perf_counter()
        metrics = self.trainer.run(self.config.rounds_per_chunk)
        seconds = time.perf_counter() - began
        self._seconds += seconds
        row = self._progress_so_far() | {
            "plies_per_second": (int(self.trainer.plies) - plies) / seconds
        }
        row |= metrics
        chunk = int(self.trainer.rounds) // self.config.rounds_per_chunk
        if chunk % self.config.evaluate_every == 0 or self._fraction_done() >= 1.0:
            return row | self._strength.measure()
        return row | dict.fromkeys(self._strength.columns, float("nan"))

    def _progress_so_far(self) -> dict[str, float]:
        return {
            "round": int(self.trainer.rounds),
            "plies": int(self.trainer.plies),
            "games": int(self.trainer.games),
            "seconds": round(self._seconds, 3),
        }

    def _fraction_done(self) -> float:
        """How much of the budget is spent, 0 to 1."""
        fractions = [0.0]
        if self.config.plies is not None:
            fractions.append(int(self.trainer.plies) / self.config.plies)
        if self.config.minutes is not None:
            fractions.append(self._seconds / (60 * self.config.minutes))
        return min(1.0, max(fractions))

    def _save_snapshot(self) -> None:
        rounds, plies = int(self.trainer.rounds), int(self.trainer.plies)
        chunk = rounds // self.config.rounds_per_chunk
        save_snapshot(self._run.path, self.trainer.agents, chunk, rounds, plies, self.config.snapshots)

    def _save(self) -> None:
        self._run.save(self._checkpoint, int(self.trainer.rounds), self._seconds)

    def _stop(self, number: int) -> None:
        self.stopped_by = number


def train(
    config: TrainConfig | None = None,
    output_dir: str | os.PathLike | None = None,
    resume: str | os.PathLike | None = None,
    quiet: bool = False,
) -> Run:
    """Trains the agents that a config describes, or goes on with a run.

    Args:
      config: the settings; `TrainConfig()` if None.
      output_dir: the run folder to make; `outputs/<game>-<time>` if None.
      resume: a run folder to go on with.
      quiet: whether to print nothing.

    Returns:
      The run.

    Raises:
      ValueError: for settings or folders that do not work, before anything is written.
    """
    return Experiment(config or TrainConfig(), output_dir, resume).run(quiet)


def _resumed(before: TrainConfig, now: TrainConfig) -> TrainConfig:
    """The settings of a run that goes on: its own, with the new budget if one is given."""
    if now.plies is None and now.minutes is None:
        return before
    return dataclasses.replace(before, plies=now.plies, minutes=now.minutes)


def _write_events(writer: tf.summary.SummaryWriter, row: dict[str, float]) -> None:
    with writer.as_default(step=row["plies"]):
        for name, value in row.items():
            if name not in ("round", "plies") and value == value:
                tf.summary.scalar(name, value)
    writer.flush()


class _Signals:
    """Within this context SIGINT and SIGTERM call `stop(number)`; a second one ends at once."""

    def __init__(self, stop):
        self._stop = stop

    def __enter__(self):
        self._before = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        except ValueError:  # not the main thread: nobody sends signals here
            pass
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number, frame):
        self._stop(number)
        for n, handler in self._before.items():
            signal.signal(n, handler)
