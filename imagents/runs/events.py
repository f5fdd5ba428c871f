"""TensorBoard's events of a run: a file for each time that its training began or went on."""

import os
import pathlib
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from imagents.files import read_bytes, sync

_PROGRESS, _OF_TRAINING = ("episodes", "seconds", "steps_per_second"), ("loss", "return")
_HEADER, _FOOTER = 12, 4  # bytes around a record: its length and a checksum of that, and a checksum of the record


def events(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files; whatever has another name is somebody else's."""
    return sorted(folder.glob("events.out.tfevents.*.v2"))


def sync_events(folder: pathlib.Path) -> None:
    """Brings them to the disk."""
    for path in events(folder):
        sync(path)


def cut_events(folder: pathlib.Path, steps: int) -> None:
    """Drops what they say of later than a number of steps, and half a record: it will come again."""
    for path in events(folder):
        content = read_bytes(path)
        end = _end(content, steps)
        if end < len(content):
            os.truncate(path, end)


def _end(content: bytes, steps: int) -> int:
    """Where the first record begins that comes too late, or is none."""
    at = 0
    while len(content) - at >= _HEADER:
        (length,) = struct.unpack_from("<Q", content, at)
        following = at + _HEADER + length + _FOOTER
        if following > len(content):
            break
        try:
            event = tf.compat.v1.Event.FromString(content[at + _HEADER : at + _HEADER + length])
        except DecodeError:
            break
        if event.step > steps:
            break
        at = following
    return at


def write_event(writer: tf.summary.SummaryWriter, row: Mapping[str, float], agents: Sequence[str] = ()) -> None:
    """Adds a row of metrics, but for what is NaN, in groups: loss/player_1, strength_optimal/player_1, outcome/draws.

    Args:
      writer: of the events.
      row: a row of metrics.csv.
      agents: the names of the agents, each of which has a curve in a chart of a group.
    """
    with writer.as_default(step=row["steps"]):
        for name, value in row.items():
            if name not in ("round", "steps") and value == value:
                tf.summary.scalar(_tag(name, agents), value)
    writer.flush()


def write_about(
    writer: tf.summary.SummaryWriter, settings: Mapping[str, Any], agents: Sequence[str], measures: Sequence[str]
) -> None:
    """Adds what a run is: its settings, as a text and as hyperparameters, and charts that all agents share.

    Args:
      writer: of the events.
      settings: those of the run, flat.
      agents: the names of the agents.
      measures: the names of what their environment measures.
    """
    from tensorboard.plugins.custom_scalar import layout_pb2, summary
    from tensorboard.plugins.hparams import api

    shown = {name: value for name, value in settings.items() if value not in (None, "", [], ())}
    rows = "".join(f"| {name} | {value} |\n" for name, value in shown.items())
    plain = {name: value if isinstance(value, (int, float, str)) else str(value) for name, value in shown.items()}
    groups = [*_OF_TRAINING, *(f"strength_{name}" for name in measures)]
    lines = {group: layout_pb2.MultilineChartContent(tag=[f"^{group}/"]) for group in groups}
    charts = [layout_pb2.Chart(title=group, multiline=content) for group, content in lines.items()]
    layout = layout_pb2.Layout(category=[layout_pb2.Category(title=f"{', '.join(agents)}, side by side", chart=charts)])
    with writer.as_default(step=0):
        tf.summary.text("settings", f"| setting | value |\n|---|---|\n{rows}")
        for about in (api.hparams_pb(plain, trial_id="run"), summary.pb(layout)):
            tf.summary.experimental.write_raw_pb(about.SerializeToString())
    writer.flush()


def _tag(column: str, agents: Sequence[str]) -> str:
    agent = max((agent for agent in agents if column.startswith(f"{agent}_")), key=len, default=None)
    if agent is None:
        return f"progress/{column}" if column in _PROGRESS else f"outcome/{column}"
    kind = column.removeprefix(f"{agent}_")
    group = kind if kind in _OF_TRAINING else "outcome" if kind == "wins" else f"strength_{kind}"
    return f"{group}/{agent}"
