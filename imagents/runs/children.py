"""Runs that go on from another run's checkpoint, with other settings, in a folder of their own that names that one."""

import os
import pathlib
import shutil
from typing import Any

from imagents.config import TrainConfig
from imagents.files import SEAL, read_json, sealed, temporary, write_json

_LEFT_OUT = (".lock", "evaluation.json", "plots", "snapshots", "videos")  # what says how the parent ended


def open_child(parent: pathlib.Path, child: pathlib.Path, config: TrainConfig, past: list[Any]) -> None:
    """Makes a run that goes on from the newest checkpoint of another one, whole or not at all.

    Args:
      parent: the run folder that it begins with; nobody trains in it now.
      child: the run folder to make, beside it.
      config: the child's settings, with which its checkpoints have to fit.
      past: what its config.json keeps of the settings that it had before, plain values for JSON.
    """
    writing = temporary(child)
    try:
        shutil.copytree(parent, writing, ignore=shutil.ignore_patterns(*_LEFT_OUT, ".*.writing"))
        content = read_json(writing / "config.json") | config.to_dict()
        write_json(writing / "config.json", content | {"parent": {"run": parent.name, "past": past}})
        for path in writing.glob("checkpoints/*/manifest.json"):
            manifest = {name: value for name, value in read_json(path).items() if name != SEAL}
            write_json(path, sealed(manifest | {"settings": config.to_dict()}))
        os.rename(writing, child)
    except BaseException:
        shutil.rmtree(writing, ignore_errors=True)
        raise
