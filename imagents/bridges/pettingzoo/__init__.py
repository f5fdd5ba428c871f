"""PettingZoo: its environments here, and environments from here there."""

from imagents.homes import found_when_used

_HOMES = {
    "from_pettingzoo": "imagents.bridges.pettingzoo.incoming",
    "to_aec": "imagents.bridges.pettingzoo.outgoing",
    "to_parallel": "imagents.bridges.pettingzoo.outgoing",
}

__all__ = [*_HOMES]
__getattr__ = found_when_used(__name__, _HOMES)
