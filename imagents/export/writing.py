"""Export: a trained agent as a model that needs neither imagents nor TF-Agents; a board in, a move out.

    FOLDER/player_1/1/        saved_model.pb, variables/, imagents.json: TensorFlow Serving's layout
    FOLDER/player_1/onnx/     model.onnx, imagents.json
    FOLDER/player_1/tflite/   model.tflite, imagents.json

See `imagents.export.model` for what a model takes and gives, and docs/export.md for how it is used. A model is written
under a temporary name and then renamed.
"""

import os
import pathlib
import platform
import shutil
import subprocess
from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf
import tf_agents

import imagents
from imagents.errors import InputError
from imagents.export.formats import check_installed, quietly, write_onnx, write_tflite
from imagents.export.model import AgentModel
from imagents.export.reading import METADATA
from imagents.files import checksum, plain_path, reason, sealed, taking_turns, temporaries, temporary, write_json
from imagents.learning.agent import IMAgent

FOLDERS = {"saved_model": "1", "onnx": "onnx", "tflite": "tflite"}  # formats, and where each lies


def export_agent(
    agent: IMAgent,
    environment,
    output_dir: str | os.PathLike,
    formats: Sequence[str] = ("saved_model",),
    metadata: dict | None = None,
    policy: Literal["greedy", "sampled"] | None = None,
) -> list[pathlib.Path]:
    """Writes an agent as models, replacing those that are there.

    Args:
      agent: the agent.
      environment: the name or the settings of the environment that it was made for.
      output_dir: the folder to write the agent's folder to.
      formats: `saved_model`, `onnx` (extra `onnx`), `tflite`.
      metadata: plain values to add to each model's imagents.json.
      policy: what the models' `action` is, see `AgentModel`; if None, sampled where information is hidden or seats act
        all at once, else greedy.

    Returns:
      The models' folders.

    Raises:
      InputError: if the agent cannot be exported, or a format is unknown or not installed, or lacks an operation.
    """
    check_formats(formats)
    return write_models(AgentModel(agent, environment, policy), pathlib.Path(output_dir), formats, metadata or {})


def check_formats(formats: Sequence[str]) -> None:
    """Raises an InputError for a format that is unknown or not installed, or if there is none."""
    if not formats:
        raise InputError(f"no format: choose among {', '.join(FOLDERS)}")
    for name in formats:
        if name not in FOLDERS:
            raise InputError(f"unknown format {name!r}: choose among {', '.join(FOLDERS)}")
        check_installed(name)


def write_models(
    model: AgentModel, folder: pathlib.Path, formats: Sequence[str], metadata: dict
) -> list[pathlib.Path]:
    """Writes a model in some formats, replacing those that are there; returns their folders.

    Raises:
      OSError: if they cannot be written, in one sentence; and as `export_agent` does.
    """
    targets = [(folder / model.name / FOLDERS[name], name) for name in formats]
    try:
        return [_write(model, target, name, metadata) for target, name in targets]
    except (OSError, tf.errors.OpError) as error:
        raise OSError(f"{folder / model.name} cannot be written: {reason(error)}") from None


def _write(model: AgentModel, target: pathlib.Path, format_name: str, metadata: dict) -> pathlib.Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    writing, old = temporary(target), target.with_name(f".{target.name}.old")
    with taking_turns(target.parent):
        if old.exists() and not target.exists():  # an export was cut off between two renames
            os.rename(old, target)
        for leftover in (*temporaries(target.parent), old):
            shutil.rmtree(leftover, ignore_errors=True)
        writing.mkdir()
        try:
            with quietly():
                _WRITERS[format_name](model, writing)
            files = {str(f.relative_to(writing)): checksum(f) for f in sorted(writing.rglob("*")) if f.is_file()}
            write_json(writing / METADATA, sealed(_description(model, format_name) | metadata | {"sha256": files}))
            if target.exists():
                os.rename(target, old)
            os.rename(writing, target)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(writing, ignore_errors=True)
    return target


def _write_saved_model(model: AgentModel, folder: pathlib.Path) -> None:
    saved = tf.Module()
    saved.read_variables = model.read_variables
    try:
        with plain_path(folder) as path:
            tf.saved_model.save(saved, path, signatures=model.signatures)
    except (AssertionError, ValueError) as error:
        raise InputError(f"{model.name} cannot be exported: {reason(error)}") from None


_WRITERS = {"saved_model": _write_saved_model, "onnx": write_onnx, "tflite": write_tflite}


def _description(model: AgentModel, format_name: str) -> dict:
    """What every model says of itself in imagents.json."""
    serving = model.signatures["serving_default"]
    states = {
        name: {"dtype": value.dtype.name, "shape": list(value.shape), "initial": value.tolist()}
        for name, value in model.state.items()
    }
    return {
        "format": format_name,
        "agent": model.name,
        "seat": model.seat,
        "policy": model.policy,
        **model.inputs.description,
        "inputs": {spec.name: _shape(spec) for spec in serving.structured_input_signature[0]},
        "outputs": {name: _shape(output) for name, output in sorted(serving.structured_outputs.items())},
        "state": states,
        "versions": {
            "imagents": imagents.__version__,
            "tensorflow": tf.__version__,
            "tf_agents": tf_agents.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "git_commit": _git_commit(),
    }


def _git_commit() -> str | None:
    """The commit of the checkout that imagents runs from, `-dirty` if files differ from it; None if there is none."""
    root = pathlib.Path(imagents.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        # Without locks: else it writes into the checkout, only to be faster the next time.
        command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _shape(spec) -> dict:
    return {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
