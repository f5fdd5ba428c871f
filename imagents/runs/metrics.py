"""metrics.csv: one row per chunk of rounds, and what a checkpoint knows of it.

A checkpoint knows what should be in the file, which is not asked for that: so whatever happens to it, while a training
runs or between two, is noticed when the run is resumed.
"""

import csv
import hashlib
import io
import itertools
import math
import os
import pathlib
import shutil
from collections.abc import Mapping, Sequence

from imagents.errors import InputError
from imagents.files import read_bytes, sync, write_text


class Metrics:
    """The metrics.csv of a run, to be written.

    Args:
      path: the file, which does not have to exist.
    """

    def __init__(self, path: pathlib.Path):
        self._path = path
        self._written = None  # the checksum of what was written until now, by us and before

    def append(self, row: Mapping[str, float]) -> None:
        """Adds a row; the first one decides the columns. NaN is left empty."""
        is_first = not self.known()["bytes"]
        header, line = _line(row), _line("" if math.isnan(x) else x for x in row.values())
        with self._path.open("ab") as file:
            file.write(header + line if not file.tell() else line)
        self._learn(header + line if is_first else line)

    def known(self) -> dict:
        """What should be in the file: how many `rows` and `bytes`, its `header` and its `sha256`."""
        if self._written is None:
            self._begin_with(read_bytes(self._path) if self._path.exists() else b"")
        return self._known | {"rows": max(0, self._known["rows"]), "sha256": self._written.hexdigest()}

    def sync(self) -> None:
        """Brings the file to the disk."""
        if self._path.exists():
            sync(self._path)

    def restore(self, rounds: int, known: Mapping | None) -> str:
        """Makes the file what it was at a checkpoint: rows from after it will come again.

        Args:
          rounds: of the checkpoint.
          known: what `known` said then; None if that was a version that did not ask.

        Returns:
          What is wrong with the file, in one sentence, or "". A file with something wrong is kept under another name;
          of its rows all are left that can be read.

        Raises:
          InputError: if nobody knows its columns.
        """
        content = read_bytes(self._path) if self._path.exists() else b""
        if known and hashlib.sha256(content[: known["bytes"]]).hexdigest() == known["sha256"]:
            if len(content) > known["bytes"]:
                os.truncate(self._path, known["bytes"])
            self._begin_with(content[: known["bytes"]])
            return ""
        lines = content.decode(errors="replace").split("\n")[:-1]  # the end of a line that was cut off is missing
        header = known["header"] if known else lines.pop(0).rstrip("\r") if lines else ""
        if header and "round" not in header.split(","):
            raise InputError(f"{self._path} is damaged: it holds something else than rows of metrics")
        rows, unread, blanks = _readable(lines, header.split(","), rounds)
        sentence = ""
        if known or unread or blanks:
            sentence = f"{self._path} is not what it was at the checkpoint of round {rounds}: {len(rows)} of "
            sentence += f"{known['rows'] if known else len(rows) + unread} rows can be read"
            sentence += f" but for {blanks} of their numbers" * bool(blanks)
            if self._path.exists():
                sentence += f"; the file as it was found is {self._keep_copy()}"
        whole = "".join(f"{line}\r\n" for line in (header, *rows)) * bool(header)
        if whole.encode() != content:
            write_text(self._path, whole)
        self._begin_with(whole.encode())
        return sentence

    def _begin_with(self, content: bytes) -> None:
        self._written, self._known = hashlib.sha256(), {"bytes": 0, "rows": -1, "header": ""}
        self._learn(content)

    def _learn(self, content: bytes) -> None:
        self._written.update(content)
        if not self._known["bytes"]:
            self._known["header"] = content.partition(b"\r\n")[0].decode(errors="replace")
        self._known["bytes"] += len(content)
        self._known["rows"] += content.count(b"\n")

    def _keep_copy(self) -> pathlib.Path:
        names = (self._path.with_name(f"{self._path.name}.damaged-{n}") for n in itertools.count(1))
        copy = next(path for path in names if not path.exists())
        shutil.copyfile(self._path, copy)
        sync(copy)
        return copy


def is_known(value) -> bool:
    """Whether a value is what `Metrics.known` gives, or None."""
    kinds = {"bytes": int, "rows": int, "header": str, "sha256": str}
    return value is None or {name: type(value[name]) for name in kinds} == kinds


def _line(values) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def _readable(lines: Sequence[str], columns: Sequence[str], rounds: int) -> tuple[list[str], int, int]:
    """The rows until a round, without the numbers in them that are none; the numbers of other lines and of these."""
    rows, unread, blanks = [], 0, 0
    for line in lines:
        fields = line.rstrip("\r").split(",")
        numbers = [field if _is_number(field) else "" for field in fields]
        said = numbers[columns.index("round")] if len(numbers) == len(columns) else ""
        if not said.isdecimal():
            unread += 1
        elif int(said) <= rounds:
            rows.append(",".join(numbers))
            blanks += sum(map(str.__ne__, fields, numbers))
    return rows, unread, blanks


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and text.isascii() and "_" not in text
    except ValueError:
        return False
