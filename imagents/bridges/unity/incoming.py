"""Scenes of Unity ML-Agents as a `TFEnvironment`."""

import functools
import os

from imagents.bridges.environment import BridgedEnvironment
from imagents.bridges.unity.link import EDITOR
from imagents.bridges.unity.scene import Scene
from imagents.bridges.unity.world import UnityWorld
from imagents.bridges.workers import side_by_side
from imagents.bridges.worlds import description_of
from imagents.errors import InputError

_known = {}  # what builds that did not change since have said of themselves: to start one takes seconds


def from_unity(
    path: str | os.PathLike, batch_size: int = 1, *, seed: int = 0, workers: int = 0, name: str = "", **scene
) -> BridgedEnvironment:
    """B copies of a build side by side, each of which is a process of its own; or the scene in the editor.

    Every agent of a scene has a seat. Masks of legal actions are true where an action is legal. An episode is over
    where no agent lives any more; `interrupted` is a cut-off, with discount 1.

    Args:
      path: of the build's executable; "editor" waits until Play is pressed in the editor, for one copy.
      batch_size: number of copies B.
      seed: of a copy's first episode, with which its build is seeded; Unity takes no other one later.
      workers: processes that talk to the builds, for which several are stepped at a time; 0 for none.
      name: what it is called in messages.
      scene: any of `imagents.bridges.unity.scene.Scene`.

    Raises:
      InputError: for what cannot be opened, in one sentence.
    """
    path, title = os.fspath(path), name or f"unity:{path}"
    try:
        scene = Scene(path, **scene)
    except TypeError as error:
        raise InputError(f"{title}: {error}") from None
    if path == EDITOR and batch_size != 1:
        raise InputError(f"batch_size = {batch_size}: the editor has one copy of a scene")
    try:
        seats, description = _described(scene)
    except InputError as error:
        raise InputError(f"{title}: {error}") from None
    copies = side_by_side(functools.partial(UnityWorld, scene, seats), description, batch_size, workers)
    return BridgedEnvironment(title, description, copies, batch_size, seed)


def _described(scene: Scene) -> tuple[list, object]:
    """How many seats of which behaviours a scene has, and what it says of itself."""
    key = scene.path == EDITOR or os.path.exists(scene.path) and os.stat(scene.path).st_mtime_ns, repr(scene)
    if key not in _known:
        world = UnityWorld(scene)
        description = description_of(world)
        _known[key] = world.seats, description
    return _known[key]
