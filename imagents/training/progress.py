"""What a training prints while it runs: a bar on a terminal, now and then a line elsewhere."""

import pathlib
import sys
import time
from collections.abc import Mapping

import tqdm

from imagents.config import agents_in

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """A progress bar for terminals of 80 columns; plain lines if the output is not a terminal, the first one at once.

    Args:
      path: the run folder, to name it.
      measures: what the run's measures.json holds; the first with a short name is shown.
      quiet: whether to print nothing.
      metric_lines: whether to print, instead of a bar or lines for people, a line of `name=value` for each row that
        measures everything, strength too, which is what machines read.
    """

    def __init__(
        self, path: pathlib.Path, measures: Mapping[str, Mapping], quiet: bool = False, metric_lines: bool = False
    ):
        self._path, self._quiet, self._metric_lines = path, quiet, metric_lines
        self._measure = next(((name, m["short"], m["kind"]) for name, m in measures.items() if m["short"]), None)
        self._printed_at = float("-inf")
        self._bar = self._seconds_before = None
        self._strength = ""

    def __enter__(self):
        if not self._quiet:
            print(f"training in {self._path}", flush=True)
            if sys.stderr.isatty() and not self._metric_lines:
                layout = "{percentage:3.0f}%|{bar:8}|{desc}"
                size = dict(ncols=80, nrows=20)  # some terminals say that they have none
                self._bar = tqdm.tqdm(total=1.0, bar_format=layout, desc=" compiling ...", **size)
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def say(self, text: str) -> None:
        """Shows a line, also while TensorFlow keeps the main thread."""
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        elif not self._quiet:
            print(text, flush=True)

    def trained(self, fraction: float, seconds: float, row: dict[str, float]) -> None:
        """Shows the first chunk before it is measured, which takes longer than to train one; arguments of `update`."""
        if self._seconds_before is None and fraction < 1 and not self._metric_lines:
            self.update(fraction, seconds, row)

    def update(self, fraction: float, seconds: float, row: dict[str, float]) -> None:
        """Shows a row of metrics.

        Args:
          fraction: how much of the budget is spent.
          seconds: of training so far.
          row: a row of metrics.csv.
        """
        if self._quiet:
            return
        if self._metric_lines:
            if fraction >= 1 or all(value == value for value in row.values()):
                write_metric_line(row)
            return
        if self._seconds_before is None:  # the first chunk compiled: it says nothing about speed
            self._seconds_before, self._fraction_before = seconds, fraction
        spent = fraction - self._fraction_before
        rate = (seconds - self._seconds_before) / spent if spent > 0 else float("nan")
        left = rate * (1 - fraction)
        if self._measure:
            self._strength = _strength(row, *self._measure) or self._strength  # it is not measured in every row
        if self._bar is not None:
            self._bar.set_description_str(" " + _line(row, left, self._strength), refresh=False)
            self._bar.n = fraction
            self._bar.refresh()
        elif time.monotonic() - self._printed_at >= _SECONDS_BETWEEN_LINES or fraction >= 1:
            self._printed_at = time.monotonic()
            print(f"{100 * fraction:3.0f}% {_line(row, left, self._strength)}"[:80], flush=True)


def write_metric_line(figures: Mapping[str, float]) -> None:
    """Prints figures as `metrics name=value name=value`, without those that are NaN.

    In a single write, as whoever reads the other end of a pipe may else see it in two parts.
    """
    line = " ".join(f"{name}={value:.6g}" for name, value in figures.items() if value == value)
    sys.stdout.write(f"metrics {line}\n")
    sys.stdout.flush()


def _line(row: dict[str, float], seconds_left: float, strength: str = "") -> str:
    known = [loss for agent in agents_in(row) if (loss := row[f"{agent}_loss"]) == loss]
    losses = [f"{loss:.3f}".lstrip("0") for loss in _few(known)] or ["-"]  # nobody has learned yet
    wins = [f"{100 * row[name]:.0f}" for name in row if name.endswith("_wins")]
    parts = [f"{_short(row['steps'])} {_short(row['steps_per_second'])}/s", "loss", *losses]
    if wins:
        parts += ["win%", *wins]
    if strength or "draws" in row:
        parts.append(strength or f"draw% {100 * row['draws']:.0f}")  # 80 columns hold one
    if seconds_left == seconds_left:
        parts.append(f"{int(seconds_left) // 60}:{int(seconds_left) % 60:02d} left")
    return " ".join(parts)


def _strength(row: dict[str, float], measure: str, short: str, kind: str) -> str:
    """The agents' values of a measure; "" where the row has none."""
    values = [row.get(f"{agent}_{measure}", float("nan")) for agent in agents_in(row)]
    values = _few([value for value in values if value == value])
    if not values:
        return ""
    if kind == "share":
        return f"{short}% " + " ".join(f"{100 * value:.0f}" for value in values)
    return f"{short} " + " ".join(_short(value) if kind == "count" else f"{value:.3g}" for value in values)


def _few(values: list[float]) -> list[float]:
    """The agents' values if a line has room for them, else their least and greatest."""
    return values if len(values) <= 3 else [min(values), max(values)]


def _short(number: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 0.9995 * limit:  # which three digits round up
            return f"{number / limit:.3g}{unit}"
    return f"{number:.0f}"
