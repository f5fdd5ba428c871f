"""The training tab of the page: a run's figures and its evaluation, also while it trains."""

import base64
import functools
import html
import json
import pathlib
import threading
from collections.abc import Callable

from imagents import plotting
from imagents.errors import InputError
from imagents.plotting.style import shown

_FIGURES = (plotting.strength, plotting.outcomes, plotting.returns, plotting.losses)


class Trainings:
    """Answers what a visitor wants to see of the runs in a folder, and of nothing else.

    Args:
      runs: lists the run folders, newest first.
    """

    def __init__(self, runs: Callable[[], list[pathlib.Path]]):
        self._runs = runs
        self._lock = threading.Lock()  # figures are drawn one after the other, each once per row of metrics
        self._drawn = functools.lru_cache(8)(_draw)

    def training(self, request) -> dict:
        """The runs, and the figures of one of them.

        Args:
          request: `run`, a run's name, and `stamp`, what the last reply said.

        Returns:
          `run`; `stamp`; `html`, or None if nothing has changed since.
        """
        request = request if isinstance(request, dict) else {}
        runs = {path.name: path for path in self._runs()}
        if not runs:
            return {"run": "", "stamp": "", "html": '<p class="none">There is no run here yet: imagents train</p>'}
        name = request.get("run")
        name = name if isinstance(name, str) and name in runs else next(iter(runs))
        stamp = f"{len(runs)} {_stamp(runs[name] / 'metrics.csv')} {_stamp(runs[name] / 'evaluation.json')}"
        if request.get("run") == name and request.get("stamp") == stamp:
            return {"run": name, "stamp": stamp, "html": None}
        options = "".join(
            f'<option{" selected" if other == name else ""}>{html.escape(other)}</option>' for other in runs
        )
        with self._lock:
            content = self._drawn(runs[name], stamp)
        choice = f'<p class="runs"><label>Run <select data-run>{options}</select></label></p>'
        return {"run": name, "stamp": stamp, "html": choice + content}


def _stamp(path: pathlib.Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "-"
    return f"{found.st_mtime_ns}/{found.st_size}"


def _draw(run: pathlib.Path, stamp: str) -> str:
    del stamp  # when it changes, everything is drawn again
    try:
        metrics = plotting.read_metrics(run)
        steps = int(metrics["steps"].iloc[-1])
        standing = f"{plotting.environment_name(run)}, {steps:,} steps so far" if steps else "just begun"
    except (KeyError, IndexError, ValueError):
        return '<p class="none">Nothing measured yet.</p>'
    parts = [f"<p>{html.escape(standing)}</p>", '<div class="figures">']
    for figure in _FIGURES:
        try:
            image = base64.b64encode(figure(run)._repr_png_()).decode()
        except InputError:
            continue  # the run did not measure this
        parts.append(f'<img alt="{html.escape((figure.__doc__ or "").splitlines()[0])}" '
                     f'src="data:image/png;base64,{image}">')
    return "".join(parts) + f"</div>{_evaluation(run)}"


def _evaluation(run: pathlib.Path) -> str:
    """The table of evaluation.json, which a training writes at its end; else that of the newest measurements."""
    try:
        agents = {n: _flat(v) for n, v in json.loads((run / "evaluation.json").read_text())["agents"].items()}
        title = "Evaluation"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        metrics, agents, title = plotting.read_metrics(run), {}, "So far"
        for name in (column.removesuffix("_loss") for column in metrics if column.endswith("_loss")):
            known = metrics[[column for column in metrics if column.startswith(f"{name}_")]].ffill().iloc[-1].dropna()
            agents[name] = {column.removeprefix(f"{name}_"): value for column, value in known.items()}
    rows = dict.fromkeys(measure for values in agents.values() for measure in values)
    measures = _measures(run)
    head = "".join(f"<th scope=col>{html.escape(name.replace('_', ' '))}" for name in agents)
    body = "".join(
        f"<tr><th scope=row>{html.escape(_title(name, measures))}"
        + "".join(f"<td>{html.escape(_shown(values.get(name), measures.get(name)))}" for values in agents.values())
        for name in rows
    )
    return f"<table><caption>{title}</caption><tr><td>{head}{body}</table>"


def _measures(run: pathlib.Path) -> plotting.Measures:
    try:
        return plotting.read_measures(run)
    except InputError:
        return {}  # the names say enough


def _title(name: str, measures: plotting.Measures) -> str:
    measure = measures.get(name)
    return ", ".join(filter(None, (measure["title"], measure["case"]))) if measure else name.replace("_", " ")


def _flat(values: dict, before: str = "") -> dict:
    flat = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}, ") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat


def _shown(value, measure: dict | None = None) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, list):
        return " to ".join(map(_shown, value))
    if measure and isinstance(value, (int, float)):
        return shown(value, measure["kind"])
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
