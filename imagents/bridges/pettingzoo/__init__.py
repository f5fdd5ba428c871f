"""PettingZoo: its environments here, and environments from here there.

Its names are found when they are first used: a worker that steps copies imports no TensorFlow.
"""

import importlib

_HOMES = {
    "from_pettingzoo": "imagents.bridges.pettingzoo.incoming",
    "to_aec": "imagents.bridges.pettingzoo.outgoing",
    "to_parallel": "imagents.bridges.pettingzoo.outgoing",
}

__all__ = [*_HOMES]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
