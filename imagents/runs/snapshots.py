"""Snapshots: the agents' networks as they were at some points of a run, small enough to keep many.

    RUN/snapshots/0000012000.npz     after 12,000 rounds: every variable of every agent's greedy policy

A checkpoint holds everything that a training needs to go on; a snapshot only what an agent needs to play. The ones
that are kept are spread evenly over the run: after every chunk at first, and whenever there are too many, every
second one goes and they come half as often.
"""

import contextlib
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from imagents.config import run_folder
from imagents.learning.agent import IMAgent
from imagents.runs.run import Run, fitting
from imagents.training.loop import build_agents

FOLDER = "snapshots"


def save_snapshot(
    run: str | os.PathLike, agents: Sequence[IMAgent], chunk: int, rounds: int, plies: int, most: int
) -> None:
    """Writes a snapshot if it is due, and drops those that have become too many.

    Args:
      run: the run folder.
      agents: the agents.
      chunk: number of chunks trained, from 1.
      rounds: number of rounds trained; the snapshot is named after it.
      plies: number of plies played.
      most: snapshots to keep; 0 keeps none.
    """
    if most < 1:
        return
    apart = chunks_apart(chunk, most)
    if chunk % apart:
        return
    folder = pathlib.Path(run) / FOLDER
    folder.mkdir(exist_ok=True)
    arrays = {f"{a.name}/{i}": x.numpy() for a in agents for i, x in enumerate(a.policy.variables())}
    writing = folder / ".writing.npz"
    try:
        np.savez(writing, rounds=rounds, plies=plies, **arrays)
        os.replace(writing, folder / f"{rounds:010d}.npz")
    except BaseException:
        writing.unlink(missing_ok=True)
        raise
    rounds_per_chunk = rounds // chunk
    for path in snapshots(run):
        if int(path.stem) // rounds_per_chunk % apart:
            path.unlink()


def chunks_apart(chunk: int, most: int) -> int:
    """Every how many chunks one is kept, so that of the first `chunk` ones `most` or fewer are: a power of 2."""
    apart = 1
    while chunk // apart > most:
        apart *= 2
    return apart


def snapshots(run: str | os.PathLike) -> list[pathlib.Path]:
    """The snapshots of a run, oldest first."""
    return sorted((pathlib.Path(run) / FOLDER).glob("[0-9]*.npz"))


def snapshot_plies(path: str | os.PathLike) -> int:
    """How many plies had been played when a snapshot was taken."""
    with _reading(pathlib.Path(path)) as arrays:
        return int(arrays["plies"])


def load_agents(path: str | os.PathLike) -> list[IMAgent]:
    """The agents of a run, to play with: networks as they were, replay buffers empty.

    Args:
      path: a run folder (its newest checkpoint is taken), one of its checkpoints, or one of its snapshots.

    Raises:
      ValueError: if it is none of these, or damaged.
    """
    path = pathlib.Path(path)
    run = Run(run_folder(path))
    if path.suffix == ".npz":
        agents = build_agents(run.config)
        with _reading(path) as arrays:
            for agent in agents:
                for i, variable in enumerate(agent.policy.variables()):
                    variable.assign(arrays[f"{agent.name}/{i}"])
        return agents
    checkpoint = path if run_folder(path) != path else run.newest_checkpoint()
    manifest = run.check(checkpoint)
    agents = build_agents(run.config)
    # Only the learners: everything else has the size of the training's batch of games.
    saved = _Saved()
    saved.agents = [_Saved() for _ in agents]
    for place, agent in zip(saved.agents, agents):
        place._learner = agent.learner
    with fitting(checkpoint, manifest):
        reader = tf.train.Checkpoint(trainer=saved).read(str(checkpoint / "state"))
        reader.assert_existing_objects_matched().expect_partial()
    return agents


class _Saved(tf.Module):
    """A part of a checkpoint's tree of objects."""


@contextlib.contextmanager
def _reading(path: pathlib.Path):
    """Opens a snapshot; whatever is wrong with it is a ValueError in one sentence."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except Exception as error:  # zip and zlib, numpy and struct each have errors of their own
        raise ValueError(f"{path} is not a snapshot of a run: {error}") from None
