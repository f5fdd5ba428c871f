"""Copies of the runs of a study at an address that fsspec knows, such as s3://BUCKET/FOLDER: what a lost disk leaves.

Runs are trained on a path; after each checkpoint what is new of a run is copied to ADDRESS/NAME, files of checkpoints
first, and a run that is not on the path is fetched from there before it goes on. A checkpoint that was not copied whole
does not fit its checksums, and is left out.
"""

import pathlib
import shutil
import sys

from imagents.errors import InputError
from imagents.files import LOCK, reason, temporary


class Copies:
    """Copies of run folders, by their names.

    Args:
      address: where they are.

    Raises:
      InputError: if nothing that is installed can write there.
    """

    def __init__(self, address: str):
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(address)
        except ImportError as error:
            raise InputError(f"copy_to = {address!r} needs a package that is not installed: {error}") from None
        except (ValueError, OSError) as error:
            raise InputError(f"copy_to = {address!r}: no address that fsspec knows: {error}") from None
        self._address = address
        self._copied: dict[str, dict[str, tuple[int, int]]] = {}  # by run, the time and size of each file

    def push(self, run: pathlib.Path) -> None:
        """Copies what is new of a run, and removes what it has no longer.

        Raises:
          OSError: if that fails.
        """
        there = f"{self._root}/{run.name}"
        files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
        files = {name: path for name, path in files.items() if name != LOCK and ".writing" not in name}
        now = {name: (path.stat().st_mtime_ns, path.stat().st_size) for name, path in files.items()}
        before = self._copied.get(run.name, {})
        for name in sorted(files, key=lambda name: (not name.startswith("checkpoints/"), name)):
            if before.get(name) != now[name]:
                self._files.makedirs(f"{there}/{name}".rpartition("/")[0], exist_ok=True)
                self._files.put_file(str(files[name]), f"{there}/{name}")
        for name in self._names(there) - set(files):
            self._files.rm_file(f"{there}/{name}")
        self._copied[run.name] = now

    def push_if_saved(self, run: pathlib.Path) -> None:
        """The same if there is a new checkpoint; what fails is told, and tried again with the next one."""
        saved = {path.relative_to(run).as_posix() for path in run.glob("checkpoints/*/manifest.json")}
        if saved <= self._copied.get(run.name, {}).keys():
            return
        try:
            self.push(run)
        except OSError as error:
            print(f"imagents: {run} was not copied to {self._address}: {reason(error)}", file=sys.stderr, flush=True)

    def fetch(self, run: pathlib.Path) -> None:
        """Fetches a run, if there is a copy with which it can go on.

        Raises:
          OSError: if that fails.
        """
        from imagents.runs.run import Run

        there, writing = f"{self._root}/{run.name}", temporary(run)
        names = self._names(there)
        if "config.json" not in names:
            return
        try:
            for name in names:
                (writing / name).parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(f"{there}/{name}", str(writing / name))
            found = Run(writing)
            found.drop_damaged()
            if found.checkpoints():
                writing.rename(run)
        finally:
            shutil.rmtree(writing, ignore_errors=True)

    def _names(self, folder: str) -> set[str]:
        """The files in a folder there, relative to it."""
        if not self._files.exists(folder):
            return set()
        start = len(self._files._strip_protocol(folder)) + 1
        return {path[start:] for path in self._files.find(folder)}
