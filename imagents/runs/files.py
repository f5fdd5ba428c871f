"""Files that are there whole or not at all, whatever happens while they are written; and a folder's lock."""

import errno
import fcntl
import hashlib
import json
import os
import pathlib

from imagents.errors import InputError

LOCK = ".lock"  # the file that is locked in a locked folder


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file whole or not at all."""
    writing = temporary(path)
    try:
        writing.write_text(text)
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
