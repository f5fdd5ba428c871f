"""OpenSpiel: its games here, and agents from here as its bots and policies.

Its names are found when they are first used: a worker that steps copies imports no TensorFlow.
"""

import importlib

_HOMES = {
    "from_open_spiel": "imagents.bridges.open_spiel.incoming",
    "to_bot": "imagents.bridges.open_spiel.outgoing",
    "to_policy": "imagents.bridges.open_spiel.outgoing",
}

__all__ = [*_HOMES]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
