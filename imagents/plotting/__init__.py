"""Figures of a run or a tournament, drawn from the files in its folder alone.

    from imagents import plotting
    plotting.losses("outputs/my-run")
    plotting.pair_results("outputs/tournament-...")

Every function that draws returns a matplotlib `Figure` that shows itself as the last line of a notebook cell. None of
them imports TensorFlow, asks for a matplotlib backend or registers with pyplot, so that figures can be drawn on any
machine, beside a training that is still running, and are freed like any other object.
"""

from imagents.errors import InputError

try:
    import matplotlib  # noqa: F401
except ValueError as error:  # figures need no backend, but matplotlib wants to know the one of the environment
    raise InputError(f"MPLBACKEND: {error}") from None

from imagents.plotting.reading import Measures, environment_name, read_measures, read_metrics
from imagents.plotting.runs import losses, outcomes, returns, save_all, strength
from imagents.plotting.style import RunFigure
from imagents.plotting.tournament import elo_curve, pair_results, read_tournament

__all__ = ["Measures", "RunFigure", "elo_curve", "environment_name", "losses", "outcomes", "pair_results"]
__all__ += ["read_measures", "read_metrics", "read_tournament", "returns", "save_all", "strength"]
