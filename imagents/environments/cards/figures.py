"""How far the policies of a run are from an equilibrium, beside those that draw nothing."""

import matplotlib
import pandas as pd

from imagents.environments.cards.measures import POLICIES
from imagents.plotting import environment_name, read_metrics
from imagents.plotting.style import PALETTE, STYLE, RunFigure, shown


@matplotlib.rc_context(STYLE)
def exploitability(game, run) -> RunFigure | None:
    """Draws the exploitability of both agents' policies over steps, on a logarithmic axis; None if none was measured.

    Args:
      game: the game's settings.
      run: the run folder, or its metrics.
    """
    metrics = read_metrics(run)
    agents = [column.removesuffix("_loss") for column in metrics if column.endswith("_loss")]
    columns = [f"{agent}_exploitability_{policy}" for agent in agents[:1] for policy in POLICIES]  # alike for both
    if not columns or any(column not in metrics for column in columns):
        return None
    measured = metrics.set_index("steps")[columns].apply(pd.to_numeric, errors="coerce").dropna()
    figure = RunFigure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for colour, policy, column in zip(PALETTE[:1] + PALETTE[2:3] + PALETTE[3:4] + PALETTE[1:2], POLICIES, columns):
        values = measured[column]
        label = f"{policy}: {shown(values.iloc[-1], 'number')}" if len(values) else policy
        width = 2.6 if policy == "average" else 1.4
        axes.plot(values.index, values.clip(lower=1e-4), color=colour, linewidth=width, label=label)
    if game.floor is not None:
        axes.axhline(game.floor, color="0.3", linestyle=":", label=f"least of pure strategies: {game.floor:.4g}")
    axes.set(yscale="log", xlabel="steps", ylabel="exploitability", xlim=(0, max(metrics["steps"], default=1) or 1))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(loc="best", framealpha=0.9)
    name = game.title if isinstance(run, pd.DataFrame) else environment_name(run).capitalize()
    figure.suptitle(f"{name}: exploitability", fontsize=15, parse_math=False)
    return figure
