"""Bridges to environments of other packages, a file or a folder each; packages are optional, and imported inside.

    worlds.py, workers.py   one environment in plain Python, and B copies of it, also in processes without TensorFlow
    environment.py          these copies as one `TFEnvironment` that keeps to `imagents.seats`
    spaces.py               spaces as Gymnasium has them, which PettingZoo shares
    turns.py                one seat of an environment from here, from decision to decision
    shown.py                what a seat of an environment from here sees and does, in such spaces
    settings.py             the face that they have in common: names with arguments in brackets, what to install
"""

import importlib
from collections.abc import Callable, Mapping


def found_when_used(package: str, homes: Mapping[str, str]) -> Callable:
    """A package's `__getattr__`, so that a worker that steps copies imports no TensorFlow.

    Args:
      package: its name.
      homes: by public name, the module that it lives in.
    """

    def found(name: str):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    return found
