"""Bars: means beside each other, each with its interval and of how many it is.

    from imagents import plotting
    plotting.bars({"games won": table}, unit="games", shares=["games won"])
"""

from collections.abc import Collection, Mapping

import matplotlib
import matplotlib.transforms
import pandas as pd
import seaborn as sns

from imagents.errors import InputError
from imagents.plotting.style import PALETTE, PERCENT, STYLE, RunFigure

_COLUMNS = ("value", "low", "high", "count")
_WIDTH, _ROW, _NAMES = 3.3, 0.55, 0.085  # inches: of a panel, of a bar, and of a letter
_ROOM = 1.25  # for the figure that stands behind a bar


@matplotlib.rc_context(STYLE)
def bars(panels: Mapping[str, pd.DataFrame], unit: str = "runs", shares: Collection[str] = ()) -> RunFigure:
    """Draws a bar for each row of each table, from 0, with a line for its interval.

    Args:
      panels: a table for each panel, by its title, with a row for each bar and the columns `value`, `low` and `high`,
        which are drawn, and `count`, of how many of them. All tables have the same rows.
      unit: what is counted, in the plural.
      shares: the panels whose values are shares of 1; they are shown in per cent.

    Raises:
      InputError: if there is nothing to draw, a column is missing, or the rows differ.
    """
    tables = list(panels.values())
    names = list(tables[0].index) if tables else []
    if not names:
        raise InputError("there are no rows to draw bars of")
    for title, table in panels.items():
        if missing := [column for column in _COLUMNS if column not in table]:
            raise InputError(f"{title}: the table lacks the column {missing[0]}")
        if list(table.index) != names:
            raise InputError(f"{title}: the rows {list(table.index)} are not those of the first panel, {names}")
    letters = max(len(f"{name}") for name in names)
    size = _WIDTH * len(tables) + _NAMES * letters, _ROW * len(names) + 0.9
    figure = RunFigure(figsize=size, layout="constrained")
    for panel, (title, table) in zip(figure.subplots(1, len(tables), sharey=True, squeeze=False)[0], panels.items()):
        is_share = title in shares
        for place, row in enumerate(table.itertuples()):
            colour = PALETTE[place % len(PALETTE)]
            panel.barh(place, row.value, height=0.62, color=colour, alpha=0.55, linewidth=0)
            panel.plot([row.low, row.high], [place, place], color="0.15", linewidth=1.6, marker="|", markersize=8)
            shown = f"{100 * row.value:.1f} %" if is_share else f"{row.value:.3g}"
            behind = matplotlib.transforms.offset_copy(panel.transData, figure, x=7, units="points")
            panel.text(max(row.value, row.high), place, shown, transform=behind, va="center", fontsize=10)
        most, least = table[["value", "high"]].to_numpy().max(), table[["value", "low"]].to_numpy().min()
        panel.set(xlim=(min(0.0, _ROOM * least), _ROOM * max(most, 0.0) or 1.0))
        if is_share:
            panel.set_xticks([0, 0.25, 0.5, 0.75, 1] if most > 0.5 else panel.get_xticks()[:-1])
            panel.xaxis.set_major_formatter(PERCENT)
        panel.tick_params(labelsize=10)
        panel.set_title(title, fontsize=12, parse_math=False)
        panel.grid(axis="y", visible=False)
        sns.despine(ax=panel)
    labels, counts = names, [list(table["count"]) for table in tables]
    if all(each == counts[0] for each in counts):  # all panels share the names, and below them how many they are of
        labels = [f"{name}\n{count:,.0f} {unit}" for name, count in zip(names, counts[0])]
    else:
        for panel, each in zip(figure.axes, counts):
            low, high = f"{min(each):,.0f}", f"{max(each):,.0f}"
            panel.set_xlabel(f"{low if low == high else f'{low} to {high}'} {unit}", fontsize=10)
    figure.axes[0].set_yticks(range(len(names)), labels)
    figure.axes[0].invert_yaxis()
    return figure
