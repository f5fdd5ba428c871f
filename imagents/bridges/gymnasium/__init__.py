"""Gymnasium: its environments here, and environments from here there."""

from imagents.homes import found_when_used

_HOMES = {
    "from_gymnasium": "imagents.bridges.gymnasium.incoming",
    "to_gymnasium": "imagents.bridges.gymnasium.outgoing",
    "to_gymnasium_vector": "imagents.bridges.gymnasium.outgoing",
}

__all__ = [*_HOMES]
__getattr__ = found_when_used(__name__, _HOMES)
