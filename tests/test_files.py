"""Files are read with care: they may be a stranger's; and written whole, whoever else writes."""

import errno
import os
import stat
import threading

import pytest

from imagents import files
from imagents.files import LOCK, lock, read_bytes, read_text, sync, taking_turns, temporaries, temporary, write_text


def test_a_regular_file_is_read_also_through_a_link(tmp_path):
    (tmp_path / "file").write_bytes("é".encode())
    (tmp_path / "link").symlink_to("file")
    assert read_bytes(tmp_path / "link") == b"\xc3\xa9"
    assert read_text(tmp_path / "link") == "é"


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_nothing_but_a_regular_file_is_read(tmp_path, kind):
    path = tmp_path / "file"
    {"folder": os.mkdir, "pipe": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero")}[kind](path)
    with pytest.raises(OSError, match="Not a regular file"):
        read_bytes(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bytes(tmp_path / "file", most=5) == b"12345"
    with pytest.raises(OSError, match="Larger than 4 bytes"):
        read_bytes(tmp_path / "file", most=4)


def test_a_name_to_write_under_is_used_once(tmp_path):
    names = {temporary(tmp_path / "config.json") for _ in range(100)}
    assert len(names) == 100
    for path in [*list(names)[:3], tmp_path / ".mine.writing", tmp_path / ".config.json.0123456g.writing"]:
        path.write_text("")
    assert len(temporaries(tmp_path)) == 3


def test_whoever_writes_a_file_at_the_same_time_it_is_whole(tmp_path):
    def write(letter):
        for _ in range(20):
            write_text(tmp_path / "file", letter * 10_000)

    threads = [threading.Thread(target=write, args=[letter]) for letter in "abcd"]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {*read_text(tmp_path / "file")} in [{letter} for letter in "abcd"]
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_a_file_system_that_cannot_sync_a_folder_does_not_have_to(tmp_path, monkeypatch, number):
    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", refuse)
    sync(tmp_path)
    write_text(tmp_path / "file", "whole")
    assert read_text(tmp_path / "file") == "whole"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is_not_taken_for_one_that_cannot(tmp_path, monkeypatch, number):
    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        write_text(tmp_path / "file", "whole")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("umask, mode", [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_the_umask_says_who_else_may_lock_a_folder(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        os.close(lock(tmp_path))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / LOCK).stat().st_mode) == mode


def test_a_colleagues_lock_can_be_taken_in_a_folder_that_is_shared(tmp_path, monkeypatch):
    """One that may be read only, as older versions made it."""
    os.close(lock(tmp_path))
    opened = os.open

    def open_(path, flags, *mode):
        if str(path).endswith(LOCK) and flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, flags, *mode)

    monkeypatch.setattr(files.os, "open", open_)
    descriptor = lock(tmp_path)
    with pytest.raises(ValueError, match="is in use"):
        lock(tmp_path)
    os.close(descriptor)
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError):
        lock(tmp_path)


def test_those_who_take_turns_are_never_in_a_folder_together(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(50):
            with taking_turns(tmp_path):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(most) == 200 and max(most) == 1 and os.listdir(tmp_path) == []
