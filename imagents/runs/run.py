"""A run: the folder that one training wrote.

    config.json       its settings (`unused`: those that agents of one's own do not have), the versions it ran with
    measures.json     what measures how good its agents are
    metrics.csv       one row per chunk of rounds; fewer in a long run, see `Experiment`
    notes.txt         what happened to the run: other budgets, damage
    events/           the same for TensorBoard
    checkpoints/N/    everything after N rounds, with checksums; the newest ones are kept
    checkpoints/best/ the same, where the agents were best, in environments that can tell
    snapshots/N.npz   the agents' networks after N rounds; some are kept, spread over the run
    evaluation.json   playing strength at the end
    policy.csv        what the agents do, where an environment can tell it all
    plots/            figures
    tracking.json     where a tracker has it, if one has
    .lock             held by the process that trains

Whatever is written whole is written under a temporary name, brought to the disk and then renamed, so that a kill or
a power cut at any moment leaves either the old or the new.
"""

import contextlib
import datetime
import os
import pathlib
import re
import shutil
import sys
import weakref
from collections.abc import Mapping

import pandas as pd
import tensorflow as tf

import imagents
from imagents.config import TrainConfig, check_made_with, load_config
from imagents.errors import InputError
from imagents.files import (
    SEAL,
    checksum,
    in_shell,
    inside,
    lock,
    plain_path,
    read_json,
    reason,
    refusing,
    sealed,
    sync,
    temporaries,
    temporary,
    write_json,
)
from imagents.plotting.reading import read_metrics
from imagents.runs.events import cut_events, sync_events
from imagents.runs.folders import claim_new
from imagents.runs.metrics import Metrics, is_known
from imagents.runs.snapshots import snapshots
from imagents.settings import settings_of

BEST = "best"  # the name of the best checkpoint
_KEPT_CHECKPOINTS = 2
_FOLDERS = ("checkpoints", "snapshots", "plots")  # in which a kill can leave half a file
_STATE = re.compile(r"state\.(index|data-\d{5}-of-\d{5})")  # the files that TensorFlow writes
_VERSIONS = {"imagents": imagents.__version__, "tensorflow": tf.__version__}


class Run:
    """The files of one run.

    Args:
      path: an existing run folder.

    Raises:
      InputError: if it is not one.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.config = load_config(self.path)
        self._metrics = Metrics(self.path / "metrics.csv")
        self._lock = None

    def __repr__(self) -> str:
        return f"<Run {self.path}: {self.config.environment.name}>"

    @classmethod
    def create(cls, path: str | os.PathLike, config: TrainConfig) -> "Run":
        """Makes a new run folder, its parents too, and claims it.

        Raises:
          InputError: if there is something in it already, or it cannot be written.
        """
        path = pathlib.Path(path)
        with contextlib.ExitStack() as stack:
            descriptor = claim_new(path)
            stack.callback(os.close, descriptor)
            with refusing(path):
                about = {"versions": _VERSIONS, "began_in": os.path.relpath(os.getcwd(), os.path.realpath(path))}
                about |= {"unused": unused} if (unused := _unused(config)) else {}
                write_json(path / "config.json", config.to_dict() | about)
            run = cls(path)
            stack.pop_all()
        run._lock = weakref.finalize(run, os.close, descriptor)
        return run

    def claim(self) -> None:
        """Keeps other processes from training in this run until `release`, or until this process ends in any way.

        Raises:
          InputError: if another process trains in it, or it cannot be written.
        """
        if self._lock is None or not self._lock.alive:
            with refusing(self.path):
                self._lock = weakref.finalize(self, os.close, lock(self.path))
            for leftover in (path for name in ("", *_FOLDERS) for path in temporaries(self.path / name)):
                with contextlib.suppress(OSError):
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()

    def release(self) -> None:
        """Lets other processes train in this run."""
        if self._lock is not None:
            self._lock()

    def has_begun(self) -> bool:
        """Whether anything was trained: a run that was killed before its first checkpoint has nothing to lose."""
        return bool(self.checkpoints()) or (self.path / "metrics.csv").exists()

    @contextlib.contextmanager
    def writing(self):
        """Within this context whatever keeps a file from being written is an OSError that says so in one sentence."""
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            if not (self.path / "config.json").exists():
                raise OSError(f"{self.path} is gone: it was deleted, or its disk was taken away") from None
            raise OSError(
                f"{self.path} cannot be written: {reason(error)}; what was saved is sound, and once it can be written "
                f"again imagents train --resume {in_shell(self.path)} goes on from there"
            ) from None

    def write_config(self, config: TrainConfig) -> None:
        """Changes the settings of the run (its budget, to go on with it)."""
        if config == self.config:
            return
        content = read_json(self.path / "config.json")
        write_json(self.path / "config.json", content | config.to_dict())
        self.config = config

    def settings(self) -> dict[str, object]:
        """Its settings, flat, as plain values for JSON, without those that its agents do not have."""
        unused = _unused(self.config)
        return {name: value for name, value in self.config.to_dict().items() if name not in unused}

    def metrics(self) -> pd.DataFrame:
        """metrics.csv, one row per chunk."""
        return read_metrics(self.path)

    def append_metrics(self, row: Mapping[str, float]) -> None:
        """Adds a row to metrics.csv; the first one decides the columns. NaN is left empty."""
        self._metrics.append(row)

    def restore(self, manifest: dict, steps: int) -> None:
        """Makes metrics.csv and the events what they were at the newest checkpoint; the rest will come again.

        Args:
          manifest: the checkpoint's.
          steps: that had been taken then.

        Raises:
          InputError: if metrics.csv is no table of metrics.
        """
        if damage := self._metrics.restore(manifest["rounds"], manifest.get("metrics")):
            self.note(damage)
            self.change_manifest(manifest)  # it is told once
        cut_events(self.path / "events", steps or -1)  # of one before the first step nothing is kept

    def note(self, sentence: str) -> None:
        """Tells something about the run that whoever looks at it later should know, too: in its notes.txt."""
        print(f"imagents: {sentence}", file=sys.stderr, flush=True)
        with (self.path / "notes.txt").open("a", encoding="utf-8") as file:
            file.write(f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S} {sentence}\n")

    def save(
        self,
        state: tf.train.Checkpoint,
        rounds: int,
        seconds: float,
        schedule: dict | None = None,
        best: float | None = None,
    ) -> None:
        """Writes a checkpoint and drops the oldest, or takes the place of the best one.

        Args:
          state: what to write.
          rounds, seconds: trained until now.
          schedule: the budget over which the learning rate falls; that of the run if None.
          best: how much of the first measure there is, if it is the most so far.
        """
        folder = self.path / "checkpoints"
        target = folder / (f"{rounds:010d}" if best is None else BEST)
        writing = temporary(target)
        folder.mkdir(exist_ok=True)
        try:
            writing.mkdir()
            with plain_path(writing) as folder_name:
                state.write(f"{folder_name}/state")
            files = {file.name: checksum(file) for file in sorted(writing.iterdir()) if _STATE.fullmatch(file.name)}
            manifest = {"rounds": rounds, "seconds": seconds, "settings": self.config.to_dict(), "versions": _VERSIONS}
            manifest |= {"schedule": schedule, "metrics": self._metrics.known(), "measure": best, "sha256": files}
            write_json(writing / "manifest.json", sealed(manifest))
            for path in (*(writing / name for name in files), writing):
                sync(path)
            # Rows and events until now will not come again.
            self._metrics.sync()
            sync_events(self.path / "events")
        except BaseException:
            shutil.rmtree(writing, ignore_errors=True)  # on a full disk it would be in the way
            raise
        shutil.rmtree(target, ignore_errors=True)
        os.rename(writing, target)
        sync(folder)
        for old in self.checkpoints()[:-_KEPT_CHECKPOINTS]:
            shutil.rmtree(old, ignore_errors=True)  # what a reader on a network disk still holds goes next time

    def thin(self) -> None:
        """Removes the checkpoints that nothing needs once a run is finished: all but the newest and the best one."""
        for old in self.checkpoints()[:-1]:
            shutil.rmtree(old, ignore_errors=True)

    def change_manifest(self, manifest: dict, **changes) -> None:
        """Writes into the newest checkpoint what is known of the run now."""
        manifest = manifest | {"metrics": self._metrics.known()} | changes
        write_json(self.newest_checkpoint() / "manifest.json", sealed(manifest))

    def snapshots(self) -> list[pathlib.Path]:
        """The snapshots, oldest first."""
        return snapshots(self.path)

    def checkpoints(self) -> list[pathlib.Path]:
        """The checkpoint folders, oldest first."""
        return checkpoints(self.path)

    def read(self, path: pathlib.Path, objects: tf.train.Checkpoint, manifest: dict, whole: bool = False) -> None:
        """Reads a checkpoint into objects, each of which it has to hold; it may hold more.

        Args:
          path: the checkpoint.
          objects: what to read into.
          manifest: the checkpoint's, as `check` gave it.
          whole: whether it may hold nothing else.

        Raises:
          InputError: if it was made by another version.
        """
        try:
            with plain_path(path) as folder:
                reader = objects.read(f"{folder}/state")
                reader.assert_consumed() if whole else reader.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            version = manifest.get("versions", {}).get("imagents", "another version")
            raise InputError(
                f"{path} was written by imagents {version} and does not fit imagents {imagents.__version__}: "
                f"{str(error).splitlines()[0]}"
            ) from None

    def best_checkpoint(self) -> pathlib.Path | None:
        """The folder of the best checkpoint, if the run keeps one."""
        best = self.path / "checkpoints" / BEST
        return best if best.is_dir() else None

    def newest_checkpoint(self) -> pathlib.Path:
        """The newest checkpoint's folder.

        Raises:
          InputError: if there is none.
        """
        if not self.checkpoints():
            raise InputError(f"{self.path} holds no checkpoint to go on from")
        return self.checkpoints()[-1]

    def check_to_resume(self) -> dict | None:
        """The manifest of the newest checkpoint, as `check` gives it; None if nothing was trained.

        Raises:
          InputError: if it is damaged, or the run is one of version 0.1.0.
        """
        if self.is_old:
            raise InputError(
                f"{self.path} is a run of imagents 0.1.0, which can be evaluated, played and exported, but not resumed"
            )
        return self.check(self.newest_checkpoint()) if self.has_begun() else None

    @property
    def is_old(self) -> bool:
        """Whether the run was made by version 0.1.0."""
        return "game" in read_json(self.path / "config.json")

    @property
    def began_in(self) -> pathlib.Path:
        """The folder that the relative paths in its settings were meant from, also if it was moved with the run."""
        return self.path / str(read_json(self.path / "config.json").get("began_in", os.getcwd()))

    def drop_damaged(self) -> list[pathlib.Path]:
        """Removes damaged checkpoints, such as one that was copied while it was written. Returns what went."""
        kept = [*self.checkpoints(), *filter(None, [self.best_checkpoint()])]
        damaged = [path for path in kept if _sound_manifest(path) is None]
        for path in damaged:
            shutil.rmtree(path, ignore_errors=True)
        return damaged

    def check(self, checkpoint: pathlib.Path) -> dict:
        """The manifest of a checkpoint, after comparing its checksums and its settings.

        Raises:
          InputError: if the checkpoint is damaged or none, or made with other settings than the run's.
        """
        manifest = _sound_manifest(checkpoint)
        if manifest is None:
            older = [path for path in self.checkpoints() if path < checkpoint and _sound_manifest(path)]
            advice = f"remove it to go on from {older[-1].name}" if older else "there is no older one"
            raise InputError(f"the checkpoint {checkpoint} is damaged: {advice}")
        check_made_with(self.path, self.config, manifest.get("settings", {}), f"checkpoint {checkpoint.name}")
        return manifest


def _unused(config: TrainConfig) -> list[str]:
    """The settings that agents of one's own do not have: who makes them gives them others."""
    theirs = {"algorithm", "share_weights", "limits_are_ends", "league_size", "league_win_rate"}
    theirs |= settings_of(config.algorithm).keys() - {"train_steps_per_round", "warmup_rounds"}  # which are the loop's
    return [name for name in config.to_dict() if config.training.agents and name.rpartition(".")[2] in theirs]


def checkpoints(run: str | os.PathLike) -> list[pathlib.Path]:
    """The checkpoint folders of a run, oldest first; whatever has another name is somebody else's."""
    return sorted(path for path in (pathlib.Path(run) / "checkpoints").glob("[0-9]" * 10) if path.is_dir())


def _sound_manifest(checkpoint: pathlib.Path) -> dict | None:
    """The manifest of a checkpoint; None if anything in it is not what was written."""
    try:
        manifest = read_json(checkpoint / "manifest.json")
        # Those of before had no settings either.
        sound = sealed(manifest) == manifest if {SEAL, "settings"} & manifest.keys() else True
        sound = sound and all(checksum(inside(checkpoint, n)) == s for n, s in manifest["sha256"].items())
        sound = sound and "state.index" in manifest["sha256"] and isinstance(manifest["seconds"], float)
        sound = sound and is_known(manifest.get("metrics")) and isinstance(manifest.get("schedule"), dict | None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return manifest if sound else None
