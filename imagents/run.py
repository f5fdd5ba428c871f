"""A run: the folder that one training wrote.

    config.json       its settings and the versions it ran with
    metrics.csv       one row per chunk of rounds
    events/           the same for TensorBoard
    checkpoints/N/    everything after N rounds, with checksums; the newest ones are kept
    snapshots/N.npz   the agents' networks after N rounds; some are kept, spread over the run
    evaluation.json   playing strength at the end
    plots/            figures

Whatever is written whole is written under a temporary name and then renamed.
"""

import csv
import hashlib
import json
import math
import os
import pathlib
import shutil
from collections.abc import Mapping

import pandas as pd
import tensorflow as tf

import imagents
from imagents.config import TrainConfig, load_config

_KEPT_CHECKPOINTS = 2


class Run:
    """The files of one run.

    Args:
      path: an existing run folder.

    Raises:
      ValueError: if it is not one.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.config = load_config(self.path)

    @classmethod
    def create(cls, path: str | os.PathLike, config: TrainConfig) -> "Run":
        """Makes a new run folder, its parents too.

        Raises:
          ValueError: if there is something in it already, or it cannot be written.
        """
        path = pathlib.Path(path)
        check_is_new(path)
        versions = {"imagents": imagents.__version__, "tensorflow": tf.__version__}
        try:
            path.mkdir(parents=True, exist_ok=True)
            write_json(path / "config.json", config.to_dict() | {"versions": versions})
        except OSError as error:
            raise ValueError(f"{path} cannot be written: {error.strerror}") from None
        return cls(path)

    def write_config(self, config: TrainConfig) -> None:
        """Changes the settings of the run (its budget, to go on with it)."""
        content = json.loads((self.path / "config.json").read_text())
        write_json(self.path / "config.json", content | config.to_dict())
        self.config = config

    def metrics(self) -> pd.DataFrame:
        """metrics.csv, one row per chunk."""
        from imagents.plotting import read_metrics

        return read_metrics(self.path)

    def append_metrics(self, row: Mapping[str, float]) -> None:
        """Adds a row to metrics.csv; the first one decides the columns. NaN is left empty."""
        path = self.path / "metrics.csv"
        is_new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(row)
            writer.writerow(["" if math.isnan(x) else x for x in row.values()])

    def truncate_metrics(self, rounds: int) -> None:
        """Drops the rows after a number of rounds: they will come again."""
        path = self.path / "metrics.csv"
        if not path.exists():
            return
        header, *rows = path.read_text().splitlines(keepends=True)
        column = header.strip().split(",").index("round")
        whole = [row for row in rows if row.endswith("\n") and row.count(",") == header.count(",")]
        kept = [row for row in whole if int(row.split(",")[column]) <= rounds]
        write_text(path, header + "".join(kept))

    def save(self, checkpoint: tf.train.Checkpoint, rounds: int, seconds: float) -> None:
        """Writes a checkpoint and drops the oldest."""
        folder = self.path / "checkpoints"
        writing = folder / ".writing"
        shutil.rmtree(writing, ignore_errors=True)
        writing.mkdir(parents=True)
        checkpoint.write(str(writing / "state"))
        files = {file.name: _checksum(file) for file in sorted(writing.iterdir())}
        write_json(writing / "manifest.json", {"rounds": rounds, "seconds": seconds, "sha256": files})
        target = folder / f"{rounds:010d}"
        shutil.rmtree(target, ignore_errors=True)
        os.rename(writing, target)
        for old in self.checkpoints()[:-_KEPT_CHECKPOINTS]:
            shutil.rmtree(old)

    def checkpoints(self) -> list[pathlib.Path]:
        """The checkpoint folders, oldest first."""
        return sorted((self.path / "checkpoints").glob("[0-9]*"))

    def restore(self, checkpoint: tf.train.Checkpoint) -> float:
        """Reads the newest checkpoint.

        Returns:
          The seconds of training until then.

        Raises:
          ValueError: if there is none, or it is damaged, or made by another config.
        """
        manifest = self.check_newest()
        newest = self.checkpoints()[-1]
        try:
            checkpoint.read(str(newest / "state")).assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise ValueError(
                f"{newest} does not fit this version of imagents: {str(error).splitlines()[0]}"
            ) from None
        return float(manifest["seconds"])

    def newest_checkpoint(self) -> pathlib.Path:
        """The newest checkpoint's folder.

        Raises:
          ValueError: if there is none.
        """
        if not self.checkpoints():
            raise ValueError(f"{self.path} holds no checkpoint to go on from")
        return self.checkpoints()[-1]

    def check_newest(self) -> dict:
        """The manifest of the newest checkpoint, after comparing its checksums."""
        return self.check(self.newest_checkpoint())

    def check(self, checkpoint: pathlib.Path) -> dict:
        """The manifest of a checkpoint, after comparing its checksums.

        Raises:
          ValueError: if the checkpoint is damaged, or none.
        """
        try:
            manifest = json.loads((checkpoint / "manifest.json").read_text())
            sound = all(_checksum(checkpoint / n) == s for n, s in manifest["sha256"].items())
            sound = sound and isinstance(manifest["seconds"], float)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            sound = False
        if not sound:
            older = [path for path in self.checkpoints() if path < checkpoint]
            advice = f"remove it to go on from {older[-1].name}" if older else "there is no older one"
            raise ValueError(f"the checkpoint {checkpoint} is damaged: {advice}")
        return manifest


def load_run(path: str | os.PathLike):
    """The trainer of a run, as its newest checkpoint has it: its agents are `.agents`.

    Raises:
      ValueError: if the folder is not a run or holds no sound checkpoint.
    """
    from imagents.training import build

    run = Run(path)
    run.check_newest()
    trainer = build(run.config)
    # Whatever else the checkpoint holds (how evaluation draws its numbers) is left out.
    tf.train.Checkpoint(trainer=trainer).read(
        str(run.checkpoints()[-1] / "state")
    ).assert_existing_objects_matched().expect_partial()
    return trainer


def check_is_new(path: pathlib.Path) -> None:
    """Raises a ValueError unless a run folder can be made at `path`."""
    if path.is_dir() and any(path.iterdir()):
        raise ValueError(f"{path} is not empty: choose a new folder, or go on with --resume {path}")
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file: choose a new folder")
    existing = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ValueError(f"{path} cannot be written: {existing} does not let you")


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.writing")
    temporary.write_text(text)
    os.replace(temporary, path)


def write_json(path: pathlib.Path, content) -> None:
    """Writes a JSON file whole or not at all."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def _checksum(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
