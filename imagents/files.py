"""Files that are there whole or not at all, whatever happens while they are written, and are read with care; locks."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import re
import secrets
import stat
from collections.abc import Iterator

from imagents.errors import InputError

LOCK = ".lock"  # the file that is locked in a locked folder
_MOST = 2**28  # bytes of a file of data
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.writing")


def read_bytes(path: str | os.PathLike, most: int = _MOST) -> bytes:
    """The content of a regular file, which may be a stranger's.

    Args:
      path: the file; a link to one is followed.
      most: its greatest size, in bytes.

    Raises:
      OSError: if it cannot be read, is no regular file (a folder, a device, a pipe), or is larger.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer does not block
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", os.fspath(path))
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"Larger than {most} bytes", os.fspath(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def read_text(path: str | os.PathLike, most: int = _MOST) -> str:
    """The same as text in UTF-8, whatever the locale.

    Raises:
      UnicodeDecodeError: (a ValueError) if it is not; and as `read_bytes` does.
    """
    return read_bytes(path, most).decode()


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
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.writing")


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


def checksum(path: pathlib.Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
