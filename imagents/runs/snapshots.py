"""Snapshots: the agents' networks as they were at some points of a run, small enough to keep many.

    RUN/snapshots/0000012000.npz     after 12,000 rounds: every variable of every agent's greedy policy

A checkpoint holds everything that a training needs to go on; a snapshot only what an agent needs to play. The ones
that are kept are spread evenly over the run: after every chunk at first, and whenever there are too many, every
second one goes and they come half as often.
"""

import contextlib
import io
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from imagents.errors import InputError
from imagents.files import replacing
from imagents.learning.agent import IMAgent

SNAPSHOTS = "snapshots"  # the folder of them


def save_snapshot(
    run: str | os.PathLike, agents: Sequence[IMAgent], chunk: int, rounds: int, steps: int, most: int
) -> None:
    """Writes a snapshot if it is due, and drops those that have become too many.

    Args:
      run: the run folder.
      agents: the agents.
      chunk: number of chunks trained, from 1.
      rounds: number of rounds trained; the snapshot is named after it.
      steps: number of steps taken.
      most: snapshots to keep; 0 keeps none.
    """
    if most < 1:
        return
    apart = chunks_apart(chunk, most)
    if chunk % apart:
        return
    folder = pathlib.Path(run) / SNAPSHOTS
    folder.mkdir(exist_ok=True)
    arrays = {f"{a.name}/{i}": x.numpy() for a in agents for i, x in enumerate(a.policy.variables())}
    content = io.BytesIO()
    np.savez(content, rounds=rounds, steps=steps, **arrays)
    with replacing(folder / f"{rounds:010d}.npz") as writing:
        writing.write_bytes(content.getbuffer())
    rounds_per_chunk = rounds // chunk
    for path in snapshots(run):
        if int(path.stem) // rounds_per_chunk % apart:
            with contextlib.suppress(OSError):  # one too many is no reason to stop
                path.unlink()


def chunks_apart(chunk: int, most: int) -> int:
    """Every how many chunks one is kept, so that of the first `chunk` ones `most` or fewer are: a power of 2."""
    apart = 1
    while chunk // apart > most:
        apart *= 2
    return apart


def snapshots(run: str | os.PathLike) -> list[pathlib.Path]:
    """The snapshots of a run, oldest first; a file of any other name is somebody else's."""
    return sorted(path for path in (pathlib.Path(run) / SNAPSHOTS).glob("[0-9]" * 10 + ".npz") if path.is_file())


def snapshot_steps(path: str | os.PathLike) -> int:
    """How many steps had been taken when a snapshot was."""
    with reading_snapshot(pathlib.Path(path)) as arrays:
        return int(arrays["steps" if "steps" in arrays else "plies"])  # the latter in version 0.1.0


@contextlib.contextmanager
def reading_snapshot(path: pathlib.Path):
    """Opens a snapshot; whatever is wrong with it is an InputError in one sentence."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except Exception as error:  # zip and zlib, numpy and struct each have errors of their own
        raise InputError(f"{path} is not a snapshot of a run: {error}") from None
