"""Files that are there whole or not at all, whatever happens while they are written, and are read with care; locks."""

import errno
import fcntl
import hashlib
import json
import os
import pathlib
import stat

from imagents.errors import InputError

LOCK = ".lock"  # the file that is locked in a locked folder
_MOST = 2**28  # bytes of a file of data


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
    writing = temporary(path)
    try:
        writing.write_text(text, encoding="utf-8")
        sync(writing)
        os.replace(writing, path)
    except BaseException:
        writing.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_json(path: pathlib.Path, content) -> None:
    """Writes a JSON file whole or not at all."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def temporary(path: pathlib.Path) -> pathlib.Path:
    """The name under which a file is written before it gets its own."""
    return path.with_name(f".{path.name}.writing")


def sync(path: pathlib.Path) -> None:
    """Brings a file, or the names in a folder, to the disk: a power cut does not take them back."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot do it for folders
            raise
    finally:
        os.close(descriptor)


def lock(path: pathlib.Path) -> int:
    """Locks a folder until the file descriptor that it returns is closed; the end of a process closes it.

    Raises:
      InputError: if another process has locked it.
      OSError: if it cannot be written.
    """
    descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InputError(f"{path} is in use: another process trains in it") from None
    except OSError:
        pass  # a file system without locks: nothing can be refused there
    return descriptor


def checksum(path: pathlib.Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
