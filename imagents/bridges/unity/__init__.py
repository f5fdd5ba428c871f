"""Unity ML-Agents: its scenes here, by messages of our own."""

from imagents.homes import found_when_used

_HOMES = {"from_unity": "imagents.bridges.unity.incoming"}

__all__ = [*_HOMES]
__getattr__ = found_when_used(__name__, _HOMES)
