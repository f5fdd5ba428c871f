"""Imports imagents before any test can import TensorFlow, which then starts in Keras 2 mode."""

import contextlib
import resource

import pytest
from oracle import read_boards

import imagents  # noqa: F401


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
