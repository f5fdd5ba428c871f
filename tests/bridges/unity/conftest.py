"""Scenes that are played by a thread in the place of a build's process."""

import os
import threading

import builds
import pytest

from imagents.bridges.unity import link
from imagents.bridges.unity.scene import Scene
from imagents.bridges.unity.world import UnityWorld


class _Thread:
    """As much of a `subprocess.Popen` as a link asks for."""

    def __init__(self, scene, port: int):
        scene = scene() if isinstance(scene, type) else scene
        self._thread = threading.Thread(target=builds.play, args=[scene, port], daemon=True)
        self._thread.start()

    def poll(self):
        return None if self._thread.is_alive() else 0

    def wait(self, timeout):
        self._thread.join(timeout)


@pytest.fixture
def opened(monkeypatch):
    """A function of a stand-in's scene, and of what else a `Scene` has: a world that has been looked at.

    Every link to it has the scene for itself if that is a class; an object is played by all of them.
    """
    worlds = []

    def open_one(scene, **settings) -> UnityWorld:
        monkeypatch.setattr(link, "_command", lambda path: [path])
        monkeypatch.setattr(link.subprocess, "Popen", lambda words, **_: _Thread(scene, int(words[-1])))
        world = UnityWorld(Scene(os.fspath("scene"), **settings))
        world.description = world.describe()
        world.close()
        if hasattr(scene, "done"):
            scene.done.clear()
            scene.resets = 0
        worlds.append(world)
        return world

    yield open_one
    for world in worlds:
        world.close()
