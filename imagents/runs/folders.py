"""New folders, of runs and of other results: nobody's work is written over, also when two begin at once."""

import contextlib
import datetime
import itertools
import os
import pathlib
import re
from collections.abc import Iterator

from imagents.errors import InputError
from imagents.files import LOCK, check_name, in_shell, lock, refusing, temporaries

FAILED = "failed.json"  # in the folder of a study's run that diverged: the sentence that says how


def finished_runs(study: str | os.PathLike) -> list[pathlib.Path]:
    """The finished runs in a study's folder, in the order of the numbers in their names; none if it is no study's."""
    folder = pathlib.Path(study)
    runs = [path.parent for path in (folder / "runs").glob("*/evaluation.json")] if is_study(folder) else []
    numbers = {run: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", run.name)] for run in runs}
    return sorted((run for run in runs if not (run / FAILED).exists()), key=numbers.get)


def is_study(folder: str | os.PathLike) -> bool:
    """Whether a folder is a study's."""
    return os.path.isfile(pathlib.Path(folder) / "study.json")


def claim_new(path: pathlib.Path) -> int:
    """Makes a new folder, its parents too, and locks it. Returns the lock, as `imagents.files.lock` does.

    Raises:
      InputError: if there is something in it already, or another process was faster, or it cannot be written.
    """
    check_is_new(path)
    with refusing(path):
        path.mkdir(parents=True, exist_ok=True)
        descriptor = lock(path)
    try:
        check_is_new(path)  # another process may have come and gone
    except InputError:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def claimed(path: pathlib.Path) -> Iterator[None]:
    """Within this context a new folder, which `claim_new` makes, is locked; afterwards nothing is left of that."""
    descriptor = claim_new(path)
    try:
        yield
    finally:
        (path / LOCK).unlink(missing_ok=True)
        os.close(descriptor)


def dated(name: str) -> pathlib.Path:
    """Where results go that have no folder of their own, outputs/NAME-TIME; MODULE:FUNCTION is no name of a folder."""
    plain = re.sub(r"[^\w-]+", "-", name)
    return pathlib.Path("outputs") / f"{plain}-{datetime.datetime.now():%Y%m%d-%H%M%S}"


def new_folder(path: pathlib.Path) -> pathlib.Path:
    """Makes a folder that was not there, and that nobody else has made: this one, or with -2, -3, ... at its end.

    Raises:
      InputError: if it cannot be written.
    """
    with refusing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for name in itertools.chain([path.name], (f"{path.name}-{n}" for n in itertools.count(2))):
            with contextlib.suppress(FileExistsError):
                path.with_name(name).mkdir()
                return path.with_name(name)


def check_is_new(path: pathlib.Path) -> None:
    """Raises an InputError unless a run folder can be made at `path`."""
    check_name(path)
    if path.is_dir() and {*path.iterdir()} - {path / LOCK, *temporaries(path)}:  # which a kill may have left
        raise InputError(f"{path} is not empty: choose a new folder, or go on with --resume {in_shell(path)}")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file: choose a new folder")
    existing = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(f"{path} cannot be written: {existing} does not let you")
