"""Imports imagents before any test can import TensorFlow, which then starts in Keras 2 mode."""

import contextlib
import gc
import resource

import pytest
from oracle import read_boards

from imagents.plotting.style import RunFigure

gc.set_threshold(100_000, 50, 100)  # what TensorFlow keeps is millions of objects, which are gone through each time


@pytest.fixture(autouse=True)
def sketches(request, monkeypatch):
    """Trainings draw their figures coarsely and lay nothing out, but where figures are what is tested."""
    if {"plotting", "app"} & {*request.path.parts} or request.node.get_closest_marker("slow"):
        return
    draw = RunFigure.savefig

    def sketch(figure, *args, **kwargs):
        figure.set_layout_engine("none")
        draw(figure, *args, **kwargs | {"dpi": 20})

    monkeypatch.setattr(RunFigure, "savefig", sketch)


@pytest.fixture
def eagerly():
    """Code that cannot be told so runs step by step: to compile a handful of rounds takes far longer."""
    import tensorflow as tf

    from imagents.xla import start_xla

    start_xla()  # which is done once a process, and would compile nothing below
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def little_room():
    """A context in which no file can have more than some bytes, as on a disk that has no more."""

    @contextlib.contextmanager
    def limited(most: int):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture
def at():
    """A function of a game, boards drawn in X (seat 0), O (seat 1) and dots, and the seat to move: what is shown."""
    from imagents.environments.boards.environment import time_step_at

    return lambda game, *drawings, seat=0: time_step_at(game, read_boards(*drawings, game=game), seat)
