"""Files are read with care: they may be a stranger's; and written whole, whoever else writes."""

import errno
import os
import stat
import subprocess
import threading

import pytest
import tensorflow as tf

from imagents import files
from imagents.errors import InputError
from imagents.files import (
    LOCK,
    SEAL,
    check_name,
    checksum,
    in_shell,
    inside,
    lock,
    plain_path,
    read_bytes,
    read_json,
    read_text,
    sealed,
    sync,
    taking_turns,
    temporaries,
    temporary,
    write_json,
    write_text,
)


def test_a_regular_file_is_read_also_through_a_link(tmp_path):
    (tmp_path / "file").write_bytes("é".encode())
    (tmp_path / "link").symlink_to("file")
    assert read_bytes(tmp_path / "link") == b"\xc3\xa9"
    assert read_text(tmp_path / "link") == "é"


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
@pytest.mark.parametrize("read", [read_bytes, checksum])
def test_nothing_but_a_regular_file_is_read(tmp_path, kind, read):
    path = tmp_path / "file"
    {"folder": os.mkdir, "pipe": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero")}[kind](path)
    with pytest.raises(OSError, match="Is a directory" if kind == "folder" else "Not a regular file"):
        read(path)


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


# JSON


@pytest.mark.parametrize(
    "text, sentence",
    [
        ('{"a": 1, "b": {"c": 2, "c": 3}}', "it names 'c' twice"),
        ("[" * 100_000, "it is nested beyond reason"),
        ("[" + "9" * 5000 + "]", "Exceeds the limit"),
        ("é".encode("latin-1"), "codec can't decode"),
        ("", "Expecting value"),
    ],
)
def test_what_is_no_json_is_a_value_error(tmp_path, text, sentence):
    (tmp_path / "file").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=sentence):
        read_json(tmp_path / "file")


def test_json_is_not_read_if_it_is_larger_than_settings_are(tmp_path):
    with open(tmp_path / "file", "wb") as file:
        file.truncate(400_000_000)
    with pytest.raises(OSError, match="Larger than 16777216 bytes"):
        read_json(tmp_path / "file")


def test_what_was_sealed_is_equal_to_what_it_was(tmp_path):
    content = {"b": [1, 2.5, None, float("inf")], "a": {"10": "é", "9": True}}
    write_json(tmp_path / "file", sealed(content))
    read = read_json(tmp_path / "file")
    assert sealed(read) == read and list(read) == ["b", "a", SEAL]
    assert sealed({2: 0, 10: 0}) == {"2": 0, "10": 0, SEAL: sealed({"10": 0, "2": 0})[SEAL]}  # JSON's names are texts
    for changed in ({"b": []}, {"c": 1}, {SEAL: "0" * 64}, {SEAL: None}):
        assert sealed(read | changed) != read | changed


# Names


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../file", "below/../../file", "way_out", "way_out/file", "/dev/zero", ".."]
)
def test_a_name_in_a_list_of_checksums_does_not_lead_out_of_its_folder(tmp_path, name):
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (tmp_path / "file").touch()
    (folder / "way_out").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="leads out of"):
        inside(folder, name)
    assert inside(folder, "below/file") == folder / "below" / "file"


@pytest.mark.parametrize("name", ["line\nbreak", "\x1b[2J", os.fsdecode(b"no utf-8 \xff"), "x" * 256, "é" * 200])
def test_a_name_that_cannot_be_made_or_pasted_is_refused_while_nothing_is_there(tmp_path, name):
    with pytest.raises(InputError, match="a name of (printable characters, in UTF-8,|at most 255 bytes) is needed$"):
        check_name(tmp_path / "not yet there" / name)
    check_name(tmp_path / "not yet there" / "[any] * ? {other} \\ name: '木　😀'")


@pytest.mark.parametrize("name", ["run", "my runs/a", "run[1]", "a'b", "$HOME", "-a", "a;b", "*"])
def test_a_path_in_a_printed_command_is_one_word_that_names_it(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    said = subprocess.run(["sh", "-c", f"ls -d {in_shell(name)}"], cwd=tmp_path, capture_output=True, text=True)
    assert said.stdout.removeprefix("./") == f"{name}\n"


# Paths as TensorFlow reads them


@pytest.fixture
def checkpoint():
    module = tf.Module()
    module.weight = tf.Variable(1.0)
    return tf.train.Checkpoint(module=module)


ODD = ["a[1]", "a]", "a*", "a?", "a{b}", "a\\b", "a\\[", "a\nb", "a b", "a%20", "a:b", "gs:", "-a", "😀", "a.", "~",
       "$a", "a'b", os.fsdecode(b"a\xff"), "a@3", "木　"]  # fmt: skip


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_tensorflow_writes_and_reads_in_a_folder_of_any_name(tmp_path, checkpoint, name):
    for decoy in ("a1", "ab", "a"):  # what a pattern would find instead
        (tmp_path / decoy).mkdir()
    (tmp_path / name).mkdir(exist_ok=True)
    with plain_path(tmp_path / name) as path:
        checkpoint.write(f"{path}/state")
    assert {file.name for file in (tmp_path / name).iterdir()} == {"state.index", "state.data-00000-of-00001"}
    checkpoint.module.weight.assign(5.0)
    with plain_path(tmp_path / name) as path:
        checkpoint.read(f"{path}/state").assert_consumed()
    assert checkpoint.module.weight.numpy() == 1.0


def test_tensorflow_and_python_mean_the_same_folder_behind_links(tmp_path, checkpoint, monkeypatch):
    (tmp_path / "far" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/below")
    monkeypatch.chdir(tmp_path)
    for path, meant in (("link/..", "far"), ("link/../below", "far/below"), ("link", "far/below")):
        with plain_path(path) as plain:
            checkpoint.write(f"{plain}/state")
        assert (tmp_path / meant / "state.index").exists()
        (tmp_path / meant / "state.index").unlink()
