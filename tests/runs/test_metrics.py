"""metrics.csv is what the checkpoint knew, or it is said, and nothing of it is lost."""

import numpy as np
import pytest

from imagents import InputError
from imagents.plotting.reading import read_metrics
from imagents.runs.metrics import Metrics

ROWS = [{"round": 10 * i, "steps": 70 * i, "player_1_loss": 0.5 / i, "player_1_optimal": float("nan")}
        for i in range(1, 21)]  # fmt: skip
ROUNDS = 200


@pytest.fixture
def path(tmp_path):
    metrics = Metrics(tmp_path / "metrics.csv")
    for row in ROWS:
        metrics.append(row)
    return tmp_path / "metrics.csv"


@pytest.fixture
def known(path):
    return Metrics(path).known()


def damaged_copies(path):
    return sorted(copy.name for copy in path.parent.iterdir() if copy != path)


def test_what_is_known_is_known_without_looking_at_the_file(tmp_path):
    metrics = Metrics(tmp_path / "metrics.csv")
    assert metrics.known()["rows"] == metrics.known()["bytes"] == 0
    for row in ROWS[:10]:
        metrics.append(row)
    (tmp_path / "metrics.csv").write_text("an editor was here\n")
    for row in ROWS[10:]:
        metrics.append(row)
    known = metrics.known()
    assert (known["rows"], known["header"]) == (20, "round,steps,player_1_loss,player_1_optimal")
    assert "10 of 20 rows can be read" in Metrics(tmp_path / "metrics.csv").restore(ROUNDS, known)


@pytest.mark.parametrize("more", ["", "210,1470,0.1,\r\n", "210,14", "nonsense\n\n", "\0" * 100])
def test_what_came_after_the_checkpoint_comes_again(path, known, more):
    before = path.read_bytes()
    path.write_bytes(before + more.encode())
    metrics = Metrics(path)
    assert metrics.restore(ROUNDS, known) == ""
    assert path.read_bytes() == before and damaged_copies(path) == [] and metrics.known() == known


def test_any_flipped_bit_is_noticed_and_takes_no_other_row_along(path, known):
    whole = path.read_bytes()
    header = whole.index(b"\n") + 1
    rng = np.random.default_rng(0)
    for place in [*range(header), *rng.integers(header, len(whole), 60)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        metrics = Metrics(path)
        sentence = metrics.restore(ROUNDS, known)
        assert sentence.startswith(f"{path} is not what it was at the checkpoint of round 200: ")
        [copy] = damaged_copies(path)
        assert sentence.endswith(f"the file as it was found is {path.parent / copy}")
        assert (path.parent / copy).read_bytes() == bytes(flipped)
        (path.parent / copy).unlink()
        columns, *rows = path.read_bytes().splitlines(keepends=True)
        assert columns == whole[:header]
        assert len({*whole[header:].splitlines(keepends=True)} - {*rows}) <= 2  # which a lost line feed joins
        assert metrics.restore(ROUNDS, metrics.known()) == ""  # it is told once


@pytest.mark.parametrize(
    "change, said, left",
    [
        (lambda t: t.replace("round,steps", "round\fsteps"), "20 of 20 rows can be read; ", 20),
        (lambda t: t.replace(",490,0", ",490,O"), "20 of 20 rows can be read but for 1 of their numbers; ", 20),
        (lambda t: t.replace(",490,", ",49_0,"), "20 of 20 rows can be read but for 1 of their numbers; ", 20),
        (lambda t: t.replace("\r\n70,490,", "\r\n7O,490,"), "19 of 20 rows can be read; ", 19),
        (lambda t: t.replace("\r\n70,490,", "\r\n71,490,"), "20 of 20 rows can be read; ", 20),
        (lambda t: t.replace(",490,", ",,490,"), "19 of 20 rows can be read; ", 19),
        (lambda t: t.replace("\r\n", "\n"), "20 of 20 rows can be read; ", 20),  # a spreadsheet saved it
        (lambda t: t[: t.index("\r\n70,") + 2], "6 of 20 rows can be read; ", 6),  # a copy from before the checkpoint
        (lambda t: t[: t.index("\r\n70,") + 9], "6 of 20 rows can be read; ", 6),
        (lambda t: t[: t.index("\r\n")], "0 of 20 rows can be read; ", 0),
        (lambda t: "my,notes\n1,2\n", "0 of 20 rows can be read; ", 0),
        (lambda t: "", "0 of 20 rows can be read; ", 0),
    ],
)
def test_every_row_that_can_be_read_stays_and_the_file_as_it_was_is_kept(path, known, change, said, left):
    changed = change(path.read_bytes().decode())
    path.write_bytes(changed.encode())
    (path.parent / "metrics.csv.damaged-1").write_text("of another day")
    sentence = Metrics(path).restore(ROUNDS, known)
    assert f": {said}" in sentence
    assert (path.parent / "metrics.csv.damaged-2").read_bytes() == changed.encode()
    assert len(path.read_text().splitlines()) == 1 + left
    assert (path.parent / "metrics.csv.damaged-1").read_text() == "of another day"


def test_a_file_that_is_gone_is_said_to_be(path, known):
    path.unlink()
    assert Metrics(path).restore(ROUNDS, known).endswith(": 0 of 20 rows can be read")
    assert read_metrics(path.parent).empty


def test_rows_go_on_below_what_was_left(path, known):
    path.write_bytes(path.read_bytes().replace(b"round", b"r0und"))
    metrics = Metrics(path)
    metrics.restore(ROUNDS, known)
    metrics.append(ROWS[0] | {"round": 210})
    assert read_metrics(path.parent)["round"].tolist() == [*range(10, 220, 10)]
    assert metrics.known() == Metrics(path).known()


def test_a_checkpoint_that_does_not_know_the_file_takes_its_rows_until_then(path):
    whole = path.read_bytes()
    path.write_bytes(whole + b"210,1470,0.1,\r\n220,15")
    assert Metrics(path).restore(ROUNDS, None) == "" and path.read_bytes() == whole
    path.write_bytes(whole.replace(b"70,490", b"70;490"))
    assert "19 of 20 rows can be read" in Metrics(path).restore(ROUNDS, None)
    path.write_text("my,notes\n1,2\n")
    with pytest.raises(InputError, match=f"{path} is damaged: it holds something else than rows of metrics"):
        Metrics(path).restore(ROUNDS, None)
    assert path.read_text() == "my,notes\n1,2\n"
