"""Imports imagents before any test can import TensorFlow, which then starts in Keras 2 mode."""

import pytest

import imagents  # noqa: F401


@pytest.fixture
def eagerly(monkeypatch):
    """Trainings of a handful of rounds run step by step: to compile them, or to trace a graph, takes far longer."""
    from imagents.training.loop import Trainer

    init = Trainer.__init__

    def init_eager(self, *args, **kwargs):
        init(self, *args, **{**kwargs, "execution": "eager"})

    monkeypatch.setattr(Trainer, "__init__", init_eager)
