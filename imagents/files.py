"""Files that are there whole or not at all, whatever happens while they are written, and are read with care; locks."""

import contextlib
import errno
import fcntl
import functools
import hashlib
import json
import os
import pathlib
import re
import secrets
import shlex
import stat
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from imagents.errors import InputError, escaped

LOCK = ".lock"  # the file that is locked in a locked folder
SEAL = "sha256_of_this"  # the last entry of a sealed JSON file: the checksum of the others
_MOST = 2**28  # bytes of a file of data
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.writing")
_MOST_JSON = 2**24  # which takes many times as much memory
_MOST_SUMMED = 2**40  # a file of that size is none: it takes no room on a disk, and hours to read
_LONGEST_NAME = 255  # bytes, of a file's name


@contextlib.contextmanager
def opened(path: str | os.PathLike, most: int = _MOST) -> Iterator[BinaryIO]:
    """Opens a regular file, which may be a stranger's, to read it.

    Args:
      path: the file; a link to one is followed.
      most: its greatest size, in bytes.

    Raises:
      OSError: if it cannot be read, is no regular file (a folder, a device, a pipe), or is larger.
    """
    # So that a pipe without a writer does not block.
    with open(path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", os.fspath(path))
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"Larger than {most} bytes", os.fspath(path))
        yield file


def read_bytes(path: str | os.PathLike, most: int = _MOST) -> bytes:
    """The content of a file, as `opened` gives it."""
    with opened(path, most) as file:
        return file.read(os.fstat(file.fileno()).st_size)


def read_text(path: str | os.PathLike, most: int = _MOST) -> str:
    """The same as text in UTF-8, whatever the locale.

    Raises:
      UnicodeDecodeError: (a ValueError) if it is not; and as `read_bytes` does.
    """
    return read_bytes(path, most).decode()


def read_json(path: str | os.PathLike, most: int = _MOST_JSON) -> Any:
    """What a JSON file holds.

    Raises:
      ValueError: if it is no JSON in UTF-8, is nested beyond reason, or names something twice; and as `opened` does.
    """
    try:
        return json.loads(read_text(path, most), object_pairs_hook=_by_name)
    except RecursionError:
        raise ValueError("it is nested beyond reason") from None


def _by_name(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = {}
    for name, value in pairs:
        if name in content:
            raise ValueError(f"it names {name!r} twice")
        content[name] = value
    return content


def sealed(content: dict) -> dict:
    """The same with a checksum of itself, which is its last entry; what was sealed is equal to what it was."""
    content = json.loads(json.dumps({name: value for name, value in content.items() if name != SEAL}))
    return content | {SEAL: hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()}


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file whole or not at all."""
    with replacing(path) as writing:
        writing.write_text(text, encoding="utf-8")


def write_json(path: pathlib.Path, content) -> None:
    """Writes a JSON file whole or not at all."""
    write_text(path, json.dumps(content, indent=2) + "\n")


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Within this context a file is written under the name that it gives; then it is on the disk, under its own."""
    writing = temporary(path)
    try:
        yield writing
        sync(writing)
        os.replace(writing, path)
    except BaseException:
        writing.unlink(missing_ok=True)
        raise
    sync(path.parent)


def temporary(path: pathlib.Path) -> pathlib.Path:
    """A name under which a file or folder is written before it gets its own: another one each time."""
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.writing")  # not longer than a name can be


def temporaries(folder: pathlib.Path) -> list[pathlib.Path]:
    """What lies in a folder under such names: left by a kill, unless somebody is writing it now."""
    return [path for path in folder.glob(".*writing") if path.name == ".writing" or _TEMPORARY.fullmatch(path.name)]


def sync(path: pathlib.Path) -> None:
    """Brings a file, or the names in a folder, to the disk: a power cut does not take them back."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot do it, most of these for folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def lock(path: pathlib.Path) -> int:
    """Locks a folder until the file descriptor that it returns is closed; the end of a process closes it.

    Raises:
      InputError: if another process has locked it.
      OSError: if it cannot be written.
    """
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o666)  # the umask says who else may
    except PermissionError:
        if not os.access(path, os.W_OK):
            raise
        descriptor = os.open(path / LOCK, os.O_RDONLY)  # a colleague's, who shares the folder
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InputError(f"{path} is in use: another process trains in it") from None
    except OSError:
        pass  # a file system without locks: nothing can be refused there
    return descriptor


@contextlib.contextmanager
def taking_turns(folder: pathlib.Path) -> Iterator[None]:
    """Within this context nobody else is in one for the same folder: who comes later waits."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@functools.cache
def note_unsealed(path: str | os.PathLike) -> None:
    """Says once of a file, on standard error, that it is believed without a checksum of itself."""
    print(f"imagents: {path} carries no checksum of itself: it was written by an earlier version", file=sys.stderr)


def checksum(path: pathlib.Path) -> str:
    """SHA-256 of a file, which is read as `opened` does."""
    with opened(path, _MOST_SUMMED) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(folder: pathlib.Path, name: str) -> pathlib.Path:
    """The file of that name below a folder.

    Raises:
      ValueError: if the name, or a link that it names, leads out of the folder.
    """
    path = folder / name
    if not pathlib.Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"{name} leads out of {folder}")
    return path


@contextlib.contextmanager
def plain_path(folder: str | os.PathLike) -> Iterator[str]:
    r"""Within this context, an existing folder by a path that every library understands as the system does.

    TensorFlow takes `[`, `*`, `?` and a backslash in a path for a pattern, drops `link/..` without following the link,
    and knows no names that are not UTF-8.
    """
    path = os.path.realpath(folder)
    if re.fullmatch(r"[\w /.:,+=@%~-]+", path):
        yield path
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def refusing(path: str | os.PathLike) -> Iterator[None]:
    """Within this context what keeps a path from being written, before anything is done, is an InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


def check_name(path: str | os.PathLike) -> None:
    """Raises an InputError for a path that is not to be made: one that cannot be, or cannot be shown and pasted."""
    text = os.fspath(path)
    if escaped(text) != text:
        raise InputError(f"{text}: a name of printable characters, in UTF-8, is needed")
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in pathlib.Path(path).parts):
        raise InputError(f"{text}: a name of at most {_LONGEST_NAME} bytes is needed")
    with refusing(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.stat(path)


def in_shell(path: str | os.PathLike) -> str:
    """A path as it stands in a command that is printed to be pasted."""
    text = os.fspath(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def reason(error: Exception) -> str:
    """Why a file could not be read or written, in a few words."""
    # TensorFlow says: FILE; reason [Op:NAME].
    said = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return said.splitlines()[0].split("; ")[-1].split(" [Op:")[0]


def no_run(folder: str | os.PathLike, name: str) -> InputError:
    """What is said of a folder that is no run's, as it lacks a file of that name."""
    if os.path.isfile(os.path.join(folder, "study.json")):
        runs = os.path.join(folder, "runs")
        return InputError(
            f"{folder} is a study's folder: imagents report {in_shell(folder)} shows it, and its runs are in {runs}"
        )
    return InputError(f"{folder} is not a run folder: it has no {name}")
