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
from imagents.environments.boards.games import get_game
from imagents.environments.boards.strength import Strength
from imagents.runs.files import write_json
from imagents.runs.run import Run, check_is_new
from imagents.runs.snapshots import chunks_apart, save_snapshot
from imagents.training.loop import build
from imagents.training.progress import Progress

_ROWS = 4096  # of metrics.csv, before they come half as often


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
            self._run.claim()
        try:
            self._prepare(config, path if resume is None else None)
        except BaseException:
            if self._run is not None:
                self._run.release()
            raise

    def _prepare(self, config: TrainConfig, path: pathlib.Path | None) -> None:
        """Builds everything; makes the run folder, or goes on from its newest checkpoint."""
        if self._run is not None:
            if self._run.has_begun():
                self._run.check_newest()
            self.config = _resumed(self._run.config, config)
        self.trainer = build(self.config)
        self._strength = Strength(get_game(self.config.game), self.trainer.agents, seed=self.config.seed)
        self._checkpoint = tf.train.Checkpoint(trainer=self.trainer, strength=self._strength)
        self._seconds = 0.0
        if self._run is None:
            self._run = Run.create(path, self.config)
        elif self._run.has_begun():
            self._seconds = self._run.restore(self._checkpoint)
        try:
            with self._run.writing():
                self._run.write_config(self.config)
                self._run.truncate_metrics(int(self.trainer.rounds))
                if not self._run.checkpoints():
                    self._save()  # from here on a kill loses nothing that was logged
        except OSError as error:
            raise ValueError(str(error)) from None

    def run(self, quiet: bool = False, metric_lines: bool = False) -> Run:
        """Trains until the budget is spent, or until SIGINT or SIGTERM asks to stop.

        A stop finishes the chunk under way and saves everything; the signal's number is
        then in `stopped_by`. In the first chunk, which compiles, nothing is there to be
        saved, and SIGTERM does what it does without imagents.

        A row of metrics.csv and of the events is a chunk. From 4,096 chunks on it is every
        second one, from 8,192 on every fourth, and so on, so that long runs stay small.

        Args:
          quiet: whether to print nothing.
          metric_lines: whether to print lines of `name=value`, see `imagents.training.progress.Progress`.

        Raises:
          OSError: if the run folder cannot be written any more, in one sentence.
          FloatingPointError: if numbers became infinite or NaN, in one sentence; the
            checkpoints are from before.
        """
        self._run.claim()
        try:
            self.stopped_by = None
            self._train(quiet, metric_lines)
            with self._run.writing():
                if self.stopped_by is None:
                    report = self._strength.report()
                    write_json(self._run.path / "evaluation.json", self._progress_so_far() | {"agents": report})
                    if not quiet:
                        print(self._strength.text(report))
                if self.stopped_by != signal.SIGTERM:  # whoever sends that does not wait for figures
                    plotting.save_all(self._run.path)
        except FloatingPointError as error:
            raise FloatingPointError(f"{error}; the newest good state is {self._run.newest_checkpoint()}") from None
        finally:
            self._run.release()
        return self._run

    def _train(self, quiet: bool, metric_lines: bool) -> None:
        saved_at, saved_rounds = self._seconds, int(self.trainer.rounds)
        with self._run.writing():
            events = tf.summary.create_file_writer(str(self._run.path / "events"))
        with Progress(self._run.path, quiet, metric_lines) as progress, _Signals(self._stop) as signals:
            while self._fraction_done() < 1.0 and self.stopped_by is None:
                row, is_due = self._train_chunk()
                with self._run.writing():
                    if is_due:
                        self._run.append_metrics(row)
                        _write_events(events, row)
                    self._save_snapshot()
                    if self._seconds - saved_at >= 60 * self.config.checkpoint_minutes:
                        self._save()
                        saved_at, saved_rounds = self._seconds, int(self.trainer.rounds)
                progress.update(self._fraction_done(), self._seconds, row)
                signals.take(signal.SIGTERM)
            with self._run.writing():
                events.close()
                if saved_rounds != int(self.trainer.rounds):
                    self._save()

    def _train_chunk(self) -> tuple[dict[str, float], bool]:
        """Trains a chunk. Returns its row of metrics.csv, and whether it is one of those that are kept."""
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
        apart, is_end = chunks_apart(chunk, _ROWS), self._fraction_done() >= 1.0
        if chunk % (self.config.evaluate_every * apart) == 0 or is_end:
            row |= self._strength.measure()
        else:
            row |= dict.fromkeys(self._strength.columns, float("nan"))
        return row, chunk % apart == 0 or is_end

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
        self.trainer.check_weights()
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
    """Within this context SIGINT, and other signals that it takes, call `stop(number)`; a second one ends at once."""

    def __init__(self, stop):
        self._stop = stop

    def __enter__(self):
        self._before = {}
        self.take(signal.SIGINT)
        return self

    def take(self, number: int) -> None:
        if number not in self._before:
            try:
                self._before[number] = signal.signal(number, self._handle)
            except ValueError:  # not the main thread: nobody sends signals here
                pass

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number, frame):
        self._stop(number)
        for n, handler in self._before.items():
            signal.signal(n, handler)
