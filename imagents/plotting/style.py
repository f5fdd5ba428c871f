"""What all figures share: how they look and show themselves."""

import io
import pathlib

import matplotlib
import matplotlib.figure
import matplotlib.ticker
import matplotlib.transforms
import seaborn as sns

from imagents.drawing import MARKERS, SEATS
from imagents.files import replacing

_BELOW = 36  # points from an axis to its legend, for its ticks and its label
_BACKEND = ("backend", "backend_fallback")  # of whoever shows figures; drawing needs none
STYLE = {name: value for name, value in matplotlib.rcParamsDefault.items() if name not in _BACKEND}
STYLE |= {**sns.axes_style("whitegrid"), **sns.plotting_context("notebook"), "axes.titlesize": 13}
STYLE |= {"axes.formatter.useoffset": False, "axes.formatter.limits": (-6, 15), "pdf.fonttype": 42}  # 42: fonts as such
"""All settings of matplotlib: whatever a matplotlibrc says, figures look the same, and no LaTeX is asked for."""
PALETTE = SEATS
"""Of agents: those of their seats, which boards have, too."""
PERCENT = matplotlib.ticker.FuncFormatter(lambda share, _: f"{100 * share:.6g} %")


class RunFigure(matplotlib.figure.Figure):
    """A figure that notebooks show although pyplot, whose figures must be closed by hand, does not know it."""

    @matplotlib.rc_context(STYLE)  # ticks are made, and fonts looked for, only now
    def savefig(self, *args, **kwargs):
        super().savefig(*args, **kwargs)

    def png(self, dpi: int = 100) -> bytes:
        """It as the content of a PNG file, of so many dots per inch."""
        image = io.BytesIO()
        self.savefig(image, format="png", dpi=dpi)
        return image.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()


def save(figure: RunFigure, path: pathlib.Path) -> None:
    """Writes a file whole or not at all, in the format that its name ends in."""
    with replacing(path) as unfinished:
        figure.savefig(unfinished, format=path.suffix.removeprefix("."), dpi=120)


def looks(names: list[str]) -> dict[str, tuple[str, str]]:
    """Returns each name's colour and mark, those of its seat: also where only one of the players is drawn."""
    order = list(dict.fromkeys(["player_1", "player_2", *names]))
    places = {name: order.index(name) % len(SEATS) for name in names}
    return {name: (SEATS[place], MARKERS[place]) for name, place in places.items()}


def steps_axis(axes, most: float) -> None:
    """The x axis of what is drawn over steps: from 0 to the most of them, in thousands, millions or billions."""
    size, unit = (1e9, " (billion)") if most >= 1e9 else (1e6, " (million)") if most >= 1e6 else (1, "")
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6, steps=(1, 2, 5, 10)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / size:,.10g}")
    axes.set(xlabel=f"steps{unit}", xlim=(0, most or 1))


def legend_below(axes, **options) -> None:
    """Names the curves below their axes, where they hide nothing."""
    columns = 1 if any(len(text) > 20 for text in axes.get_legend_handles_labels()[1]) else 2
    below = matplotlib.transforms.ScaledTranslation(0, -_BELOW / 72, axes.figure.dpi_scale_trans)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": axes.transAxes + below}
    legend = axes.legend(**place, ncols=columns, frameon=False, **options)
    for text in legend.get_texts():
        text.set_parse_math(False)  # names are no formulas


def plain_log_axis(axes) -> None:
    """A logarithmic y axis with numbers as people write them, however little of a decade it shows."""
    low, high = axes.get_ylim()
    few = high < 10 * low
    axes.yaxis.set_major_locator(
        matplotlib.ticker.MaxNLocator(5) if few else matplotlib.ticker.LogLocator(10, subs=(1, 2, 5))
    )
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
