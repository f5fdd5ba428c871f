"""Figures of a run or a tournament, drawn from the files in its folder alone.

    from imagents import plotting
    plotting.losses("outputs/my-run")
    plotting.pair_results("outputs/tournament-...")

Every function that draws returns a matplotlib `Figure` that shows itself as the last line of a notebook cell. None of
them imports TensorFlow, asks for a matplotlib backend or registers with pyplot, so that figures can be drawn on any
machine, beside a training that is still running, and are freed like any other object. What draws is imported when it
is used: a training starts without.
"""

from imagents.errors import InputError
from imagents.homes import found_when_used

try:
    import matplotlib  # noqa: F401
except ValueError as error:  # figures need no backend, but matplotlib wants to know the one of the environment
    raise InputError(f"MPLBACKEND: {error}") from None

_HOMES = {
    "Measures": "reading",
    "PALETTE": "style",
    "RunFigure": "style",
    "bars": "intervals",
    "elo_curve": "tournament",
    "environment_name": "reading",
    "losses": "runs",
    "outcomes": "runs",
    "pair_results": "tournament",
    "read_measures": "reading",
    "read_metrics": "reading",
    "read_tournament": "tournament",
    "returns": "runs",
    "save_all": "runs",
    "strength": "runs",
    "visit_maps": "visits",
}
__all__ = [*_HOMES]
__getattr__ = found_when_used(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})
