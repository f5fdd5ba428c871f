"""A training from its config to its run folder: the loop, logs, checkpoints, evaluation, plots."""

import functools
import os
import pathlib
import signal
import tempfile
from collections.abc import Callable
from typing import Any, Literal

import tensorflow as tf

from imagents import plotting
from imagents.config import TrainConfig, load_config
from imagents.errors import InputError
from imagents.files import plain_path, write_json, write_text
from imagents.number import noted
from imagents.own import trust, trust_again
from imagents.players.watching import image_of
from imagents.process import Signals, called
from imagents.randomness import make_seed
from imagents.runs.events import write_about, write_event
from imagents.runs.folders import check_is_new, dated, new_folder
from imagents.runs.run import Run
from imagents.runs.snapshots import chunk_of, chunks_apart, save_snapshot
from imagents.runs.tracking import Tracker, check_tracker
from imagents.seats import close
from imagents.training.best import Best
from imagents.training.budget import Budget, follow_schedules, told_rate
from imagents.training.loop import build
from imagents.training.measuring import Measuring
from imagents.training.progress import Progress
from imagents.training.stopwatch import Stopwatch
from imagents.training.videos import Videos
from imagents.values import check

_ROWS = 4096  # of metrics.csv, before they come half as often


class Experiment:
    """One training, ready to go. Everything that can be wrong with its settings is found here.

    Args:
      config: the settings; `TrainConfig()` if None, and those of the run if one is resumed.
      output_dir: the run folder to make; `outputs/<environment>-<time>` if None.
      resume: a run folder to go on with; then `config` and `output_dir` have to be None.
      steps, minutes: the budget of a run that is resumed; its own if both are None.
      schedule: of the learning rate of a run that is resumed with another budget. It falls over the budget that was
        ("kept"), and stays at its final value after that; or over the present one ("new"), for which it rises first.
      environment: your own function (batch_size, seed) that makes the environment, or MODULE:FUNCTION; the config's
        algorithm and training stay. A resumed run needs the one that it was made with, unless it was trusted before.
      agents: your own function (environment, seed) that makes a player for each seat, or MODULE:FUNCTION, likewise.

    Raises:
      InputError: for settings or folders that do not work, in one sentence.
    """

    def __init__(
        self,
        config: TrainConfig | None = None,
        output_dir: str | os.PathLike | None = None,
        resume: str | os.PathLike | None = None,
        steps: int | None = None,
        minutes: float | None = None,
        schedule: Literal["kept", "new"] = "kept",
        environment: Callable | str | None = None,
        agents: Callable | str | None = None,
    ):
        self._run, self._manifest = None, None
        try:
            if resume is None:
                config = config or TrainConfig()
                config = config.within(trust(environment)) if environment else config
                config = config.replace(agents=trust(agents)) if agents else config
                self._begin(config, output_dir, steps, minutes, schedule)
            else:
                trust_again(load_config(resume), environment, agents)
                self._go_on(resume, config, output_dir, steps, minutes, schedule)
            self._prepare()
        except BaseException:
            if self._run is not None:
                self._run.release()
            raise

    def _begin(self, config: TrainConfig, output_dir, steps, minutes, schedule) -> None:
        if (steps, minutes) != (None, None):
            raise InputError("steps and minutes are for a run that is resumed: a new one has them in its config")
        check("schedule", schedule == "kept", schedule, "it is for a run that is resumed")
        self.config = config
        path = pathlib.Path(output_dir or dated(config.environment.name))
        if output_dir:
            check_is_new(path)
        self._build()
        self._run = Run.create(path if output_dir else new_folder(path), config)
        if config.training.share_weights:
            self._run.note("share_weights = True: all learners share one algorithm, each with decisions of its own")

    def _go_on(self, resume, config, output_dir, steps, minutes, schedule) -> None:
        for name, value in (("output_dir", output_dir), ("config", config)):
            if value is not None:
                raise InputError(f"{name} and resume exclude each other: a resumed run keeps its folder and settings")
        self._run = Run(resume)
        self._run.claim()
        check("schedule", schedule in ("kept", "new"), schedule, "choose kept, new")
        manifest = self._manifest = self._run.check_to_resume()
        self.config = self._run.config
        if steps is not None or minutes is not None:
            self.config = self.config.replace(steps=steps, minutes=minutes)
        self._build()
        if manifest:
            self._run.read(self._run.newest_checkpoint(), self._checkpoint, manifest, whole=True)
            self._seconds = float(manifest["seconds"])
            if not self.trainer.keeps_episodes:
                self.trainer.begin_anew()
                self._run.note(
                    f"from round {int(self.trainer.rounds)} on new episodes have begun: the environment keeps no state "
                    "that can be saved, and only here this run is not the same as one that was never stopped"
                )
            if schedule == "kept":
                before = Budget.of(manifest.get("schedule") or manifest.get("settings") or self._run.config.to_dict())
                self._schedule = Budget.of(vars(self.config.replace(**before.to_dict()).training))

    def _build(self) -> None:
        check_tracker(self.config.training.track)
        self._schedule = self._budget  # over which the learning rate falls
        with noted() as self._numbers:
            self.trainer = build(self.config, self._run.began_in if self._run else "")
            self._strength = self.config.environment.strength(self.trainer, self.config.training.seed)
        self._checkpoint = tf.train.Checkpoint(trainer=self.trainer, strength=self._strength)
        self._measures, self._agent_names = self.config.measures(), [agent.name for agent in self.trainer.agents]
        self._seconds, self._stopwatch = 0.0, Stopwatch()
        if self.config.training.record_every:
            image_of(self.trainer.environment)  # refuses one that does not draw itself

    def take_over(self, warm: "Experiment") -> None:
        """Trains in the compiled program of one that has ended, whose settings differ in free ones alone: the same run.

        The other one can do nothing any more. A graph that XLA does not compile holds its numbers for ever.
        """
        if warm.trainer.execution == "graph" and warm._numbers != self._numbers:
            return
        with tempfile.TemporaryDirectory() as folder:
            warm._checkpoint.read(self._checkpoint.write(f"{folder}/state")).assert_consumed()
        for present, own in zip(warm._numbers, self._numbers, strict=True):
            present.assign(own)
        self._numbers, self._checkpoint = warm._numbers, warm._checkpoint
        self.trainer, self._strength = warm.trainer, warm._strength

    @property
    def can_be_reused(self) -> bool:
        """Whether another one can take over what this one has compiled: whether all that it holds is in variables."""
        return self.trainer.keeps_episodes and self.trainer.execution != "eager" and not self.config.training.agents

    def _prepare(self) -> None:
        """Makes the run folder ready for what comes."""
        try:
            with self._run.writing():
                if self._manifest:
                    self._run.restore(self._manifest, int(self.trainer.steps))
                if self._fraction_done() < 1.0:
                    self._record_budget()
                write_json(self._run.path / "measures.json", self._measures)
                if not self._run.checkpoints():
                    self._save()  # from here on a kill loses nothing that was logged
                measure = next(iter(self._measures))
                self._best = Best(self._run, measure) if self.config.environment.keeps_best else None
        except OSError as error:
            raise InputError(str(error)) from None

    def _record_budget(self) -> None:
        """Writes down the budget that the run is trained with from now on, and the one before."""
        self._run.write_config(self.config)
        known = self._manifest or {}
        if "settings" not in known:
            return
        before = Budget.of(known["settings"])
        if (before, Budget.of(known.get("schedule") or known["settings"])) == (self._budget, self._schedule):
            return
        rate = told_rate(self.config, *map(self._spent, (self._schedule, self._budget)), self._schedule == self._budget)
        is_now = f"from round {int(self.trainer.rounds)} on the budget of {self._run.path} is {self._budget}"
        self._run.note(f"{is_now}, and it was {before}; {rate}")
        self._run.change_manifest(known, settings=self.config.to_dict(), schedule=self._schedule.to_dict())

    def run(self, quiet=False, metric_lines=False, figures=True, pauses: Callable | None = None) -> Run:
        """Trains until the budget is spent, or until SIGINT or SIGTERM asks to stop.

        A stop finishes the chunk under way and saves everything; the signal's number is then in `stopped_by`. In the
        first chunk, which compiles, nothing is there to be saved, and SIGTERM does what it does without imagents.

        A row of metrics.csv and of the events is a chunk. From 4,096 chunks on it is every second one, from 8,192 on
        every fourth, and so on, so that long runs stay small.

        Args:
          quiet: whether to print nothing.
          metric_lines: whether to print lines of `name=value`, see `imagents.training.progress.Progress`.
          figures: whether to draw.
          pauses: whether to stop, asked with each row of metrics; `stopped_by` is 0 then.

        Raises:
          OSError: if the run folder cannot be written any more, in one sentence.
          FloatingPointError: if numbers became infinite or NaN, in one sentence; checkpoints are from before.
        """
        self._run.claim()
        self._tracker = Tracker(self._run)
        try:
            self.stopped_by = None
            if self._fraction_done() >= 1.0 and not quiet:
                print(f"nothing to train: the budget, {self._budget}, was spent already; a larger one goes on")
            self._train(quiet, metric_lines, pauses)
            with self._run.writing():
                if self.stopped_by is None:
                    report = self._evaluated()
                    about = self._progress_so_far() | {"policy": "greedy"} | report
                    write_json(self._run.path / "evaluation.json", about)
                    self._tracker.add_report(report["agents"])
                    for name, text in getattr(self._strength, "files", dict)().items():
                        write_text(self._run.path / name, text)
                    if not quiet:
                        print(f"policy: greedy\n{self._strength.text(report['agents'])}")
                if figures and self.stopped_by != signal.SIGTERM:  # whoever sends that does not wait for figures
                    self._plot()
        except FloatingPointError as error:
            raise FloatingPointError(f"{error}; the newest good state is {self._run.newest_checkpoint()}") from None
        finally:
            for each in (self._tracker, self.trainer.environment, self._strength):
                close(each)
            self._run.release()
        return self._run

    def _evaluated(self) -> dict[str, Any]:
        """How good the agents are at the end."""
        seed, rounds = make_seed(self.config.training.seed, "report"), int(self.trainer.rounds)
        strength = functools.partial(self.config.environment.strength, self.trainer, seed)
        found = self._best.evaluated(rounds, self._checkpoint, strength) if self._best is not None else None
        return found or {"checkpoint": rounds, "agents": self._strength.report()}

    def _plot(self) -> None:
        try:
            plotting.save_all(self._run.path, self.config.environment.figures())
        except InputError as error:  # somebody changed metrics.csv meanwhile: no reason to fail, after all that
            self._run.note(f"there are no figures, or old ones: {error}")

    def _train(self, quiet: bool, metric_lines: bool, pauses: Callable | None) -> None:
        saved_at, saved_rounds = self._seconds, int(self.trainer.rounds)
        measuring = Measuring(self._strength, self.trainer, self.config, self._offer)
        videos = Videos(self._run, self.config.training, int(self.trainer.steps))
        progress = Progress(self._run.path, self._measures, quiet, metric_lines)
        with self._run.writing():
            (self._run.path / "events").mkdir(exist_ok=True)
            self._save_snapshot()
        stopping = Signals(lambda number: self._stop(number, progress))
        with plain_path(self._run.path / "events") as folder, progress, self._stopwatch, stopping as signals:
            with self._run.writing():
                events = tf.summary.create_file_writer(folder)
                write_about(events, self._run.settings(), self._agent_names, list(self._measures))
            while self._fraction_done() < 1.0 and self.stopped_by is None:
                row, is_due = self._train_chunk(measuring, progress.trained)
                rows = [*measuring.beginning(row), *([row] if is_due else [])]
                with self._run.writing():
                    for each in rows:
                        self._run.append_metrics(each)
                        write_event(events, each, self._agent_names, self._measures)
                        self._tracker.add(each)
                    self._save_snapshot()
                    if self._seconds - saved_at >= 60 * self.config.training.checkpoint_minutes:
                        self._save()
                        saved_at, saved_rounds = self._seconds, int(self.trainer.rounds)
                progress.update(self._fraction_done(), self._seconds, row)
                if self.stopped_by is None and pauses is not None and pauses(row):
                    self.stopped_by = 0
                signals.take(signal.SIGTERM)
                with self._run.writing():
                    videos.film_where_due(int(self.trainer.rounds), int(self.trainer.steps), self._save, events)
            with self._run.writing():
                events.close()
                if saved_rounds != int(self.trainer.rounds):
                    self._save()

    def _train_chunk(self, measuring: Measuring, trained: Callable) -> tuple[dict[str, float], bool]:
        """Trains a chunk. Returns its row of metrics.csv, and whether it is one of those that are kept."""
        follow_schedules(self.config, self.trainer.agents, self._spent(self._schedule))
        steps, began = int(self.trainer.steps), self._stopwatch.seconds
        metrics = self.trainer.run(self._budget.rounds_ahead(self.trainer, self.config.training.rounds_per_chunk))
        getattr(self._strength, "note_chunk", lambda: None)()
        seconds = self._stopwatch.seconds - began
        self._seconds += seconds
        row = self._progress_so_far() | {"steps_per_second": (int(self.trainer.steps) - steps) / seconds} | metrics
        trained(self._fraction_done(), self._seconds, row)
        chunk = chunk_of(int(self.trainer.rounds), self.config.training.rounds_per_chunk)
        apart, is_end = chunks_apart(chunk, _ROWS), self._fraction_done() >= 1.0
        return row | measuring.columns(chunk, apart, is_end), chunk % apart == 0 or is_end

    def _offer(self, report: dict[str, dict[str, Any]]) -> None:
        if self._best is not None:
            with self._run.writing():
                self._best.offer(report, self._save)

    def _progress_so_far(self) -> dict[str, float]:
        return {
            "round": int(self.trainer.rounds),
            "steps": int(self.trainer.steps),
            "episodes": int(self.trainer.episodes),
            "seconds": round(self._seconds, 3),
        }

    @property
    def _budget(self) -> Budget:
        return Budget.of(vars(self.config.training))

    def _spent(self, budget: Budget) -> float:
        return budget.spent(int(self.trainer.steps), self._seconds)

    def _fraction_done(self) -> float:
        return self._spent(self._budget)

    def _save_snapshot(self) -> None:
        rounds, steps, training = int(self.trainer.rounds), int(self.trainer.steps), self.config.training
        often = training.rounds_per_chunk, training.snapshots
        save_snapshot(self._run.path, self.trainer.agents, rounds, steps, *often, self.config.to_dict())

    def _save(self, best: float | None = None) -> None:
        self.trainer.check_weights()
        self._run.save(self._checkpoint, int(self.trainer.rounds), self._seconds, self._schedule.to_dict(), best)

    def _stop(self, number: int, progress: Progress) -> None:
        self.stopped_by = number
        progress.say(f"stopping after the chunk under way; a second {called(number)} ends at once")


def train(
    config: TrainConfig | None = None,
    output_dir: str | os.PathLike | None = None,
    resume: str | os.PathLike | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    quiet: bool = False,
    schedule: Literal["kept", "new"] = "kept",
    environment: Callable | str | None = None,
    agents: Callable | str | None = None,
) -> Run:
    """Trains the agents that a config describes, or goes on with a run. Returns the run.

    Args:
      config, output_dir, resume, steps, minutes, schedule, environment, agents: as for `Experiment`.
      quiet: whether to print nothing.

    Raises:
      InputError: for settings or folders that do not work, before anything is written.
    """
    return Experiment(config, output_dir, resume, steps, minutes, schedule, environment, agents).run(quiet)
