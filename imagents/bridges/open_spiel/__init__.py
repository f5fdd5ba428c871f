"""OpenSpiel: its games here, and agents from here as its bots and policies."""

from imagents.homes import found_when_used

_HOMES = {
    "from_open_spiel": "imagents.bridges.open_spiel.incoming",
    "to_bot": "imagents.bridges.open_spiel.outgoing",
    "to_policy": "imagents.bridges.open_spiel.outgoing",
}

__all__ = [*_HOMES]
__getattr__ = found_when_used(__name__, _HOMES)
