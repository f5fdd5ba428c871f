"""The training tab of the page: a run's figures and its evaluation, also while it trains, and episodes to watch.

A run is read by `_read` alone, which turns whatever is wrong with it into a sentence; it is held to what it can do in
seconds, so that no run and no visitor keeps the others from the page.
"""

import base64
import logging
import os
import pathlib
import threading
from collections.abc import Callable

from imagents.app import run_sheet
from imagents.app.folder import run_name, untrusted
from imagents.app.gate import Once
from imagents.app.templating import render
from imagents.config import load_config
from imagents.errors import InputError, counted
from imagents.files import read_bytes
from imagents.runs.run import checkpoints
from imagents.training.videos import VIDEOS, episode

_MOST_BYTES = {"metrics.csv": 2**26, "config.json": 2**20, "measures.json": 2**20, "evaluation.json": 2**20}
_LONGEST_FILM = 2**23  # bytes
_FILMING = 20.0  # seconds, at most
_OFTEN = 4  # seconds, of news about a run that has none
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
        self._filming = threading.Lock()
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
        run = self._chosen(request)
        if run is None:
            said = run_sheet.said("There is no run here yet: imagents train")
            return {"run": "", "stamp": "", "html": said, "again": False}
        names = [run_name(path) for path in self._runs()]
        files, content = self._newest(run)
        stamp = f"{len(names)} {files}"
        reply = {"run": run_name(run), "stamp": stamp, "html": None, "again": files != _stamp(run)}
        if request.get("run") == run_name(run) and request.get("stamp") == stamp:
            return reply
        return reply | {"html": run_sheet.choice(run_name(run), names) + content}

    def watch(self, request) -> dict:
        """An episode of a run's agents as they are now: the newest film that its training made, or else one for this.

        Args:
          request: `run`, a run's name.

        Returns:
          `html`.
        """
        run = self._chosen(request if isinstance(request, dict) else {})
        if run is None:
            return {"html": _film("", said="There is no run here yet.")}
        if not self._filming.acquire(blocking=False):
            return {"html": _film(run_name(run), said="Others are watching: try again in a moment.")}
        try:
            return {"html": _watch(run)}
        except InputError as error:
            return {"html": _film(run_name(run), said=f"It cannot be watched here: {_placeless(error, run)}")}
        except Exception:
            _LOG.exception("a run that cannot be watched")
            return {"html": _film(run_name(run), said="This run cannot be watched.")}
        finally:
            self._filming.release()

    def _chosen(self, request: dict) -> pathlib.Path | None:
        """The run of that name, or else the newest; None if there is none."""
        runs = {run_name(path): path for path in self._runs()}
        name = request.get("run")
        return runs.get(name if isinstance(name, str) else None, next(iter(runs.values()), None))

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
        return self._drawn.get(run) or ("", run_sheet.said("One moment: others are looking, too."))


def _stamp(run: pathlib.Path) -> str:
    """Another one whenever a file of the run is, and once it has gone quiet."""
    found = [str(run_sheet.is_news(run)), str(run_sheet.waiting(run) // _OFTEN)]
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
        return run_sheet.html(run)
    except InputError as error:
        said = f"This run is damaged: {_placeless(error, run)}"
    except Exception:
        _LOG.exception("a run that cannot be shown")
        said = "This run cannot be shown."
    return run_sheet.said(said)


def _check(run: pathlib.Path) -> None:
    """Raises an InputError if a file of a run lies elsewhere or is too large to be shown."""
    for name, most in _MOST_BYTES.items():
        _check_file(run / name, most)


def _check_file(path: pathlib.Path, most: int) -> None:
    if path.resolve().parent != path.parent.resolve():
        raise InputError(f"{path} is a link to another place")
    if path.exists() and path.stat().st_size > most:
        raise InputError(f"{path} is larger than {most:,} bytes")


def _watch(run: pathlib.Path) -> str:
    """The newest film of a run, or one of now if that is older than its newest checkpoint and one can be made."""
    begins = _begins(run)
    films, known = sorted((run / VIDEOS).glob("[0-9]*.gif")), checkpoints(run)
    if films and (not known or untrusted(run) or films[-1].stat().st_mtime >= known[-1].stat().st_mtime):
        _check_file(films[-1], _LONGEST_FILM)
        caption = f"Filmed after {int(films[-1].stem):,} steps of training{begins}"
        return _film(run_name(run), read_bytes(films[-1], _LONGEST_FILM), caption)
    if not known:
        raise InputError("it has no checkpoint yet")
    if name := untrusted(run):
        raise InputError(f"it needs {name}, code of your own, and this page imports none: imagents watch RUN --trust")
    film = episode(known[-1], seed=0, seconds=_FILMING)
    return _film(run_name(run), film.gif(), f"As they play in the checkpoint of round {int(known[-1].name):,}{begins}")


def _begins(run: pathlib.Path) -> str:
    """How the games of a run begin, for a caption; "" if with the beginning."""
    plies = getattr(load_config(run).environment, "opening_plies", 0)
    return f"; its games begin after 0 to {counted(plies, 'random move')}" if plies else ""


def _film(run: str, image: bytes = b"", caption: str = "", said: str = "") -> str:
    return str(render("film", run=run, image=base64.b64encode(image).decode(), caption=caption, said=said))


def _placeless(error: InputError, run: pathlib.Path) -> str:
    """What is wrong with a run, without where it lies, which concerns nobody."""
    return str(error).replace(f"{run.parent}{os.sep}", "")[:300]
