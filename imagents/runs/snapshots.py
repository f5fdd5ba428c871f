"""Snapshots: the agents' networks as they were at some points of a run, small enough to keep many.

    RUN/snapshots/0000012000.npz     after 12,000 rounds: every variable of every agent's greedy policy

A checkpoint holds everything that a training needs to go on; a snapshot only what an agent needs to play, and in
`about`, sealed JSON, the settings of its run and the checksum of each array. The ones that are kept are spread evenly
over the run: after every chunk at first, and whenever there are too many, every second one goes and they come half as
often. Beside these stay the untrained networks and those after 1, 2, 4, 8, ... chunks, as agents learn most early on.
"""

import contextlib
import hashlib
import io
import json
import os
import pathlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from imagents.config import TrainConfig, check_made_with, run_folder
from imagents.errors import InputError
from imagents.files import note_unsealed, opened, replacing, sealed
from imagents.learning.agent import IMAgent

SNAPSHOTS = "snapshots"  # the folder of them
_COUNTS = ("rounds", "steps", "plies")  # the last in version 0.1.0
_LONGEST_ABOUT = 2**22  # bytes


def save_snapshot(
    run: str | os.PathLike,
    agents: Sequence[IMAgent],
    rounds: int,
    steps: int,
    rounds_per_chunk: int,
    most: int,
    settings: Mapping[str, Any],
) -> None:
    """Writes a snapshot if it is due, and drops those that have become too many.

    Args:
      run: the run folder.
      agents: the agents.
      rounds: number of rounds trained; the snapshot is named after it.
      steps: number of steps taken.
      rounds_per_chunk: rounds of a chunk that no budget cuts short.
      most: snapshots to keep, evenly spread; 0 keeps none at all.
      settings: those of the run, flat.
    """
    if most < 1:
        return
    chunk = chunk_of(rounds, rounds_per_chunk)
    apart = chunks_apart(chunk, most)
    if chunk % apart and not _is_early(chunk):
        return
    folder = pathlib.Path(run) / SNAPSHOTS
    folder.mkdir(exist_ok=True)
    arrays = {f"{a.name}/{i}": x.numpy() for a in agents for i, x in enumerate(a.policy.variables())}
    arrays |= {"rounds": np.array(rounds), "steps": np.array(steps)}
    about = sealed({"settings": settings, "sha256": {name: _checksum(array) for name, array in arrays.items()}})
    content = io.BytesIO()
    np.savez(content, about=np.array(json.dumps(about)), **arrays)
    with replacing(folder / f"{rounds:010d}.npz") as writing:
        writing.write_bytes(content.getbuffer())
    for path in snapshots(run):
        number = chunk_of(int(path.stem), rounds_per_chunk)
        if number % apart and not _is_early(number):
            with contextlib.suppress(OSError):  # one too many is no reason to stop
                path.unlink()


def _is_early(chunk: int) -> bool:
    """0, 1, 2, 4, 8 and so on."""
    return chunk & (chunk - 1) == 0


def chunk_of(rounds: int, rounds_per_chunk: int) -> int:
    """The number of the chunk that so many rounds end in, from 1; 0 is before the first."""
    return -(-rounds // rounds_per_chunk)


def chunks_apart(chunk: int, most: int) -> int:
    """Every how many chunks one is kept, so that of the first `chunk` ones `most` or fewer are: a power of 2."""
    apart = 1
    while chunk // apart > most:
        apart *= 2
    return apart


def snapshots(run: str | os.PathLike) -> list[pathlib.Path]:
    """The snapshots of a run, oldest first; a file of any other name is somebody else's."""
    return sorted(path for path in (pathlib.Path(run) / SNAPSHOTS).glob("[0-9]" * 10 + ".npz") if path.is_file())


def snapshot_counts(path: str | os.PathLike) -> tuple[int, int]:
    """After how many rounds, and how many steps, a snapshot was taken, whatever it is called."""
    with _archive(path, most=2**32) as archive:
        steps = "steps" if "steps.npy" in archive.namelist() else "plies"
        return tuple(int(_array(archive, name, (), np.int64)) for name in ("rounds", steps))


def read_snapshot(path: pathlib.Path, config: TrainConfig, variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays of a snapshot, each of which has to be like the variable of its name before it is unpacked.

    Args:
      path: the snapshot.
      config: the settings of its run.
      variables: what they are to be assigned to, by the names of the arrays.

    Raises:
      InputError: if it is damaged or none, or made with other settings.
    """
    size = sum(variable.dtype.size * variable.shape.num_elements() for variable in variables.values())
    with _archive(path, most=2 * size + _LONGEST_ABOUT) as archive:
        about = _about(archive, variables)
        if about is None:
            note_unsealed(path)
        else:
            check_made_with(run_folder(path), config, about["settings"], f"snapshot {path.stem}")
        like = {name: (tuple(x.shape), x.dtype.as_numpy_dtype) for name, x in variables.items()}
        arrays = {name: _array(archive, name, *what) for name, what in like.items()}
        if about and (changed := [name for name, x in arrays.items() if about["sha256"][name] != _checksum(x)]):
            raise ValueError(f"{changed[0]} is not what was written")
        return arrays


@contextlib.contextmanager
def _archive(path: str | os.PathLike, most: int) -> Iterator[zipfile.ZipFile]:
    """Within this context a snapshot is open; whatever is wrong with it is an InputError."""
    try:
        with opened(path, most) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except InputError:
        raise
    except Exception as error:  # zip and zlib, numpy and struct each have errors of their own
        raise InputError(f"{path} is not a snapshot of a run: {error}") from None


def _about(archive: zipfile.ZipFile, names) -> dict | None:
    """What a snapshot says of itself; None if it is one of before, which hold arrays alone."""
    if "about.npy" not in archive.namelist():
        if unknown := set(archive.namelist()) - {f"{name}.npy" for name in (*_COUNTS, *names)}:
            raise ValueError(f"it holds {min(unknown)}")
        return None
    about = json.loads(str(_array(archive, "about", (), None)))
    if sealed(about) != about:
        raise ValueError("about is not what was written")
    return about


def _array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype) -> np.ndarray:
    """An array of a snapshot, if its header says that it is what it has to be; a text, if the dtype is None."""
    with archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        found, _, kind = header(file)
        fits = kind == dtype if dtype else kind.kind == "U" and kind.itemsize <= _LONGEST_ABOUT
        if found != shape or not fits:
            raise ValueError(f"{name} is {kind} {list(found)}, not {np.dtype(dtype or str)} {list(shape)}")
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _checksum(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()
