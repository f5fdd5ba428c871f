"""The training tab of the page: a run's figures and its evaluation, also while it trains.

A run is read by `_read` alone, which turns whatever is wrong with it into a sentence; `_draw` is held to what it can do
in seconds, so that no run and no visitor keeps the others from the page.
"""

import base64
import html
import logging
import os
import pathlib
import threading
from collections.abc import Callable

from imagents import plotting
from imagents.app.gate import Once
from imagents.config import agents_in
from imagents.errors import InputError
from imagents.files import read_json
from imagents.plotting.words import shown

_FIGURES = (plotting.strength, plotting.outcomes, plotting.returns, plotting.losses)
_MOST_BYTES = {"metrics.csv": 2**26, "config.json": 2**20, "measures.json": 2**20, "evaluation.json": 2**20}
_MOST_ROWS = 200  # of the table; and a fifth as many agents
_KEPT = 64  # runs whose figures are kept
_LOG = logging.getLogger(__name__)
_LOG.addFilter(Once())


class Trainings:
    """Answers what a visitor wants to see of the runs in a folder, and of nothing else.

    Args:
      runs: lists the run folders, newest first.
    """

    def __init__(self, runs: Callable[[], list[pathlib.Path]]):
        self._runs = runs
        self._drawing = threading.Lock()  # one run is drawn at a time, and nobody waits for it
        self._drawn: dict[pathlib.Path, tuple[str, str]] = {}  # their stamps and HTML, the newest last

    def training(self, request) -> dict:
        """The runs, and the figures of one of them.

        Args:
          request: `run`, a run's name, and `stamp`, what the last reply said.

        Returns:
          `run`; `stamp`; `html`, or None if nothing has changed since; `again`: whether to ask again soon, since
          others are being served.
        """
        request = request if isinstance(request, dict) else {}
        runs = {path.name: path for path in self._runs()}
        if not runs:
            said = '<p class="none">There is no run here yet: imagents train</p>'
            return {"run": "", "stamp": "", "html": said, "again": False}
        name = request.get("run")
        name = name if isinstance(name, str) and name in runs else next(iter(runs))
        files, content = self._newest(runs[name])
        stamp = f"{len(runs)} {files}"
        reply = {"run": name, "stamp": stamp, "html": None, "again": files != _stamp(runs[name])}
        if request.get("run") == name and request.get("stamp") == stamp:
            return reply
        options = "".join(
            f'<option{" selected" if other == name else ""}>{html.escape(other)}</option>' for other in runs
        )
        choice = f'<p class="runs"><label>Run <select data-run>{options}</select></label></p>'
        return reply | {"html": choice + content}

    def _newest(self, run: pathlib.Path) -> tuple[str, str]:
        """The stamp and the HTML of what is drawn of a run: of now, unless another one is being drawn."""
        stamp = _stamp(run)
        if self._drawn.get(run, ("",))[0] != stamp and self._drawing.acquire(blocking=False):
            try:
                content = _read(run)
                self._drawn.pop(run, None)
                self._drawn[run] = stamp, content
                if len(self._drawn) > _KEPT:
                    del self._drawn[next(iter(self._drawn))]
            finally:
                self._drawing.release()
        return self._drawn.get(run, ("", '<p class="none">One moment: others are looking, too.</p>'))


def _stamp(run: pathlib.Path) -> str:
    """Another one whenever a file of the run is."""
    found = []
    for name in _MOST_BYTES:
        try:
            status = (run / name).stat()
            found.append(f"{status.st_mtime_ns}/{status.st_size}")
        except OSError:
            found.append("-")
    return " ".join(found)


def _read(run: pathlib.Path) -> str:
    """HTML of a run; a sentence if it is damaged."""
    try:
        _check(run)
        return _draw(run)
    except InputError as error:
        said = str(error).replace(f"{run.parent}{os.sep}", "")  # where it lies concerns nobody
        return f'<p class="none">This run is damaged: {html.escape(said[:300])}</p>'
    except Exception:
        _LOG.exception("a run that cannot be shown")
        return '<p class="none">This run cannot be shown.</p>'


def _check(run: pathlib.Path) -> None:
    """Raises an InputError if a file of a run lies elsewhere or is too large to be shown."""
    for name, most in _MOST_BYTES.items():
        path = run / name
        if path.resolve().parent != run.resolve():
            raise InputError(f"{path} is a link to another place")
        if path.exists() and path.stat().st_size > most:
            raise InputError(f"{path} is larger than {most:,} bytes")


def _draw(run: pathlib.Path) -> str:
    environment = plotting.environment_name(run)
    try:
        metrics = plotting.read_metrics(run) if (run / "metrics.csv").exists() else {}
        steps = int(metrics["steps"].iloc[-1])
    except (KeyError, IndexError, ValueError, OverflowError):
        return '<p class="none">Nothing measured yet.</p>'
    standing = f"{environment}, {steps:,} steps so far" if steps else "just begun"
    parts = [f"<p>{html.escape(standing)}</p>", '<div class="figures">']
    for figure in _FIGURES:
        try:
            image = base64.b64encode(figure(run)._repr_png_()).decode()
        except InputError:
            continue  # the run did not measure this
        parts.append(f'<img alt="{html.escape((figure.__doc__ or "").splitlines()[0])}" '
                     f'src="data:image/png;base64,{image}">')
    return "".join(parts) + f"</div>{_evaluation(run, metrics)}"


def _evaluation(run: pathlib.Path, metrics) -> str:
    """The table of evaluation.json, which a training writes at its end; else that of the newest measurements."""
    try:
        agents = {n: _flat(v) for n, v in read_json(run / "evaluation.json")["agents"].items()}
        title = "Evaluation"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        agents, title = {}, "So far"
        for name in agents_in(metrics):
            known = metrics[[column for column in metrics if column.startswith(f"{name}_")]].ffill().iloc[-1].dropna()
            agents[name] = {column.removeprefix(f"{name}_"): value for column, value in known.items()}
    agents = dict(list(agents.items())[: _MOST_ROWS // 5])
    rows = list(dict.fromkeys(measure for values in agents.values() for measure in values))[:_MOST_ROWS]
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
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)[:100]
