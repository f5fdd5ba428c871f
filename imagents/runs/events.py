"""TensorBoard's events of a run: a file for each time that its training began or went on."""

import os
import pathlib
import struct

import tensorflow as tf
from google.protobuf.message import DecodeError

from imagents.files import read_bytes, sync

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


def write_event(writer: tf.summary.SummaryWriter, row: dict[str, float]) -> None:
    """Adds a row of metrics, but for what is NaN."""
    with writer.as_default(step=row["steps"]):
        for name, value in row.items():
            if name not in ("round", "steps") and value == value:
                tf.summary.scalar(name, value)
    writer.flush()
