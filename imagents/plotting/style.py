"""What all figures share: how they look and show themselves."""

import io
import pathlib

import matplotlib
import matplotlib.figure
import matplotlib.ticker
import seaborn as sns

from imagents.files import replacing

_BACKEND = ("backend", "backend_fallback")  # of whoever shows figures; drawing needs none
STYLE = {name: value for name, value in matplotlib.rcParamsDefault.items() if name not in _BACKEND}
STYLE |= {**sns.axes_style("whitegrid"), **sns.plotting_context("notebook"), "axes.titlesize": 13}
"""All settings of matplotlib: whatever a matplotlibrc says, figures look the same, and no LaTeX is asked for."""
PALETTE = ("#d95f02", "#1b6ca8", *(sns.color_palette("colorblind")[index] for index in (2, 4, 5, 9)))
"""Of agents: player_1 and player_2 have the colours of their stones on boards."""
PERCENT = matplotlib.ticker.FuncFormatter(lambda share, _: f"{100 * share:.6g} %")


class RunFigure(matplotlib.figure.Figure):
    """A figure that notebooks show although pyplot, whose figures must be closed by hand, does not know it."""

    @matplotlib.rc_context(STYLE)  # ticks are made, and fonts looked for, only now
    def savefig(self, *args, **kwargs):
        super().savefig(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, format="png", dpi=100)
        return image.getvalue()


def save(figure: RunFigure, path: pathlib.Path) -> None:
    """Writes a PNG file whole or not at all."""
    with replacing(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=120)


def colours(names: list[str]) -> dict[str, str | tuple]:
    """Returns each name's colour: always the same for player_1 and player_2, also where only one of them is drawn."""
    order = list(dict.fromkeys(["player_1", "player_2", *names]))
    return {name: PALETTE[order.index(name) % len(PALETTE)] for name in names}
