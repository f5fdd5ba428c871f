"""The runs in a folder, as a page knows them: whom they can put at a board, now and as they were earlier."""

import contextlib
import functools
import math
import pathlib
import time

from imagents import own
from imagents.app import about
from imagents.config import load_config
from imagents.environments.boards.settings import board_settings
from imagents.errors import InputError
from imagents.files import read_json
from imagents.opening import learned_in
from imagents.plotting import read_metrics
from imagents.plotting.words import lasting
from imagents.runs.folders import is_study
from imagents.runs.run import checkpoints
from imagents.runs.snapshots import SNAPSHOTS, snapshots

_FRESH = 2.0  # seconds after which the folder is looked at again
_SHARES = (0.1, 0.5)  # of a run's steps, after which it can be met, too
_OF_A_STUDY = 3  # runs that are listed, the newest
_SNAPSHOT = "@"  # between the name of a run and its snapshot's


class Folder:
    """A folder in which runs lie, and studies.

    Args:
      path: the folder; None for none.
    """

    def __init__(self, path: pathlib.Path | None):
        self._path = path and path.resolve()
        self._seen: tuple[list[pathlib.Path], dict[str, dict[str, str]]] = ([], {})
        self._stale_at = 0.0

    def runs(self) -> list[pathlib.Path]:
        """Them, newest first, of each study the newest few; what was found is seconds old at most."""
        return self._look()[0]

    def players(self, game: str) -> dict[str, str]:
        """Whom they can put at a board of that name: what people read, by name."""
        return self._look()[1].get(game, {})

    def find(self, name: str) -> tuple[pathlib.Path, pathlib.Path]:
        """The run of such a player, and what of it is to be opened."""
        run, _, snapshot = name.removeprefix("run/").partition(_SNAPSHOT)
        run = next((path for path in self.runs() if run_name(path) == run), self._path / run)
        return run, run / SNAPSHOTS / f"{snapshot}.npz" if snapshot else run

    def called(self, name: str) -> str:
        """What a sentence calls such a player."""
        run, path = self.find(name)
        if run == path:
            return f"run {run_name(run)}"
        ages = {stem: age for age, stem in _earlier(run, newest(run)).items()}
        return f"run {run_name(run)} {ages.get(path.stem, 'after some time')}{' of training' if int(path.stem) else ''}"

    def _look(self) -> tuple[list[pathlib.Path], dict[str, dict[str, str]]]:
        if self._path is not None and time.monotonic() > self._stale_at:
            found = _by_age([path.parent for path in self._path.glob("[!.]*/config.json")])
            for study in self._path.glob("[!.]*/study.json"):
                runs = _by_age([path.parent for path in study.parent.glob("runs/[!.]*/config.json")])
                found |= dict(list(runs.items())[:_OF_A_STUDY])
            found = sorted(found, key=found.get, reverse=True)
            playing: dict[str, dict[str, str]] = {}
            for path in filter(newest, found):
                if untrusted(path):
                    continue
                playing.setdefault(learned_board(path), {}).update(_selves(path, path.parent == self._path))
            self._seen, self._stale_at = (found, playing), time.monotonic() + _FRESH
        return self._seen


def run_name(run: pathlib.Path) -> str:
    """What a page calls a run: its folder's name, or STUDY/RUN."""
    study = run.parent.parent
    return f"{study.name}/{run.name}" if run.parent.name == "runs" and is_study(study) else run.name


def newest(run: pathlib.Path) -> str:
    found = checkpoints(run)
    return found[-1].name if found else ""


def _age(run: pathlib.Path) -> float:
    """When a run was last changed; 0 if it is gone by now."""
    try:
        return run.stat().st_mtime
    except OSError:
        return 0.0


def _by_age(runs: list[pathlib.Path]) -> dict[pathlib.Path, float]:
    """When they were last changed, newest first; without those that are gone, and links, which may lead anywhere."""
    ages = {run: _age(run) for run in runs if run.resolve() == run}
    return {run: ages[run] for run in sorted(filter(ages.get, ages), key=ages.get, reverse=True)}


def _selves(run: pathlib.Path, as_it_was: bool) -> dict[str, str]:
    """Whom a run can put at the board: its agents now, and if asked as they were; what people read, by name."""
    name = f"run/{run_name(run)}"
    short = run_name(run).replace(f"{learned_board(run)}-", "")  # a menu has little room, and what differs comes first
    earlier = _earlier(run, newest(run)) if as_it_was else {}
    selves = {f"{name}{_SNAPSHOT}{stem}": f"{age} · {short}" for age, stem in earlier.items()}
    return {name: f"now · {short}" if selves else f"Run {short}"} | selves


@functools.lru_cache(1000)
def _earlier(run: pathlib.Path, newest: str) -> dict[str, str]:
    """The snapshots of a run that can be met, by their ages in words: of before it learned, and early in its learning.

    None that is as old as the newest checkpoint; those that come nearest to some shares of its steps, on a logarithmic
    scale.
    """
    measured = _measured(run, newest)
    now = _in_words(measured[int(newest)][0]) if int(newest) in measured else ""
    ages = {path.stem: measured[int(path.stem)] for path in snapshots(run) if int(path.stem) in measured}
    found = {stem: at for stem, at in ages.items() if int(stem) != int(newest) and _in_words(at[0]) != now}
    learned = {stem: steps for stem, (_, steps) in found.items() if steps}
    most = max((steps for _, steps in measured.values()), default=0)
    chosen = [stem for stem in found if stem not in learned][:1]
    if learned:
        chosen += [min(learned, key=lambda stem: abs(math.log(learned[stem] / (share * most)))) for share in _SHARES]
    return {_in_words(found[stem][0]): stem for stem in chosen}  # of those of the same age one


@functools.lru_cache(1000)
def _measured(run: pathlib.Path, newest: str) -> dict[int, tuple[float, int]]:
    """Seconds and steps of training, by round, where they are measured."""
    del newest  # there is more once that is another one
    try:
        rows = read_metrics(run)[["round", "seconds", "steps"]].dropna().astype(float).itertuples(index=False)
        return {0: (0.0, 0)} | {int(rounds): (seconds, int(steps)) for rounds, seconds, steps in rows}
    except (InputError, KeyError, ValueError):
        return {}


def _in_words(seconds: float) -> str:
    return f"after {lasting(seconds)}" if seconds else "before it learned"


def about_run(run: pathlib.Path, seat: int, path: pathlib.Path | None = None) -> str:
    """Who the agent is that plays a seat, of a run or, of that path, of one of its snapshots; "" if nothing says it."""
    try:
        training, evaluation = read_json(run / "config.json"), {}
        if path not in (None, run):
            steps = _measured(run, newest(run))[int(path.stem)][1]
            return about.who(training | {"steps": steps}) if steps else "Untrained."
        with contextlib.suppress(OSError):
            evaluation = read_json(run / "evaluation.json")["agents"].get(f"player_{seat + 1}", {})
        return about.who(training, evaluation)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def untrusted(run: pathlib.Path) -> str:
    """The name of a function of somebody's own that has to be imported before anybody plays in a run; "" if none is.

    A page imports nothing, so nobody meets its agents there: but for functions that are trusted in this process.
    """
    return next((name for name in _own(run) if not own.is_trusted(name)), "")


@functools.lru_cache(1000)
def _own(run: pathlib.Path) -> tuple[str, ...]:
    """The functions and modules of somebody's own that a run names."""
    try:
        config = load_config(run)
    except InputError:
        return ()
    names = (config.environment.name, config.training.agents, *getattr(config.environment, "wrappers", "").split(","))
    return tuple(filter(own.is_own, names))


@functools.lru_cache(1000)
def learned_board(run: pathlib.Path) -> str:
    """The board that a run's agents learned; "" if they learned none, or the run is damaged."""
    try:
        return board_settings(learned_in(run)).name
    except InputError:
        return ""
