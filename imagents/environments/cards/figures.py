"""How far the policies of a run are from an equilibrium, beside those that draw nothing."""

import matplotlib
import pandas as pd

from imagents.config import agents_in
from imagents.plotting import environment_name, read_metrics
from imagents.plotting.style import PALETTE, STYLE, RunFigure
from imagents.plotting.words import shown

_LINES = {  # colour, width, and kind; softmax and behaviour are often the same
    "greedy": (PALETTE[0], 1.4, "-"),
    "softmax": (PALETTE[2], 3.0, "-"),
    "behaviour": ("0.15", 1.2, "--"),
    "average": (PALETTE[1], 2.6, "-"),
}
_LEAST = 1e-4  # that is drawn; an equilibrium has no place on a logarithmic axis


@matplotlib.rc_context(STYLE)
def exploitability(game, run) -> RunFigure | None:
    """Draws the exploitability of both agents' policies over steps, on a logarithmic axis; None if none was measured.

    Args:
      game: the game's settings.
      run: the run folder, or its metrics.
    """
    metrics = read_metrics(run)
    agents = agents_in(metrics)
    columns = [f"{agent}_exploitability_{policy}" for agent in agents[:1] for policy in _LINES]  # alike for both
    if not columns or any(column not in metrics for column in columns):
        return None
    measured = metrics.set_index("steps")[columns].apply(pd.to_numeric, errors="coerce").dropna()
    figure = RunFigure(figsize=(8, 5.4), layout="constrained")
    axes = figure.subplots()
    for (policy, (colour, width, line)), column in zip(_LINES.items(), columns, strict=True):
        values = measured[column]
        label = f"{policy}: {shown(values.iloc[-1], 'number')}" if len(values) else policy
        values = values.clip(lower=_LEAST)
        axes.plot(values.index, values, color=colour, linewidth=width, linestyle=line, label=label)
    if game.floor is not None:
        axes.axhline(game.floor, color="0.3", linestyle=":", label=f"least of pure policies: {game.floor:.4g}")
    axes.set(yscale="log", xlabel="steps", ylabel="exploitability", xlim=(0, max(metrics["steps"], default=0) or 1))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        set_formatter("{x:.3g}")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    name = game.title if isinstance(run, pd.DataFrame) else environment_name(run).capitalize()
    figure.suptitle(f"{name}: exploitability", fontsize=15, parse_math=False)
    return figure
