"""Files are read with care: they may be a stranger's."""

import os

import pytest

from imagents.files import read_bytes, read_text


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
