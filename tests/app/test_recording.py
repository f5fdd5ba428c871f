"""Games as animations."""

import io
import shutil
import subprocess

import pytest
from PIL import Image

from imagents import cli
from imagents.animation import check_format
from imagents.app.recording import draw, record
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.record import Record
from imagents.errors import InputError

ORANGE, BLUE, WON = (217, 95, 2), (27, 108, 168), (255, 209, 102)
GAME = Record(TIC_TAC_TOE, 0, (0, 3, 1, 4, 2))
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is missing")


def right_of_centre(image, game, cell, pixels=15):
    """The colour beside the middle of a cell, where a disc has no mark."""
    row, column = divmod(cell, game.columns)
    left = (image.width - 64 * game.columns) // 2
    return image.getpixel((left + 64 * column + 32 + pixels, 40 + 64 * row + 32))


def test_a_gif_shows_every_position_and_the_last_one_longer(tmp_path):
    path = tmp_path / "game.gif"
    record(GAME, path, seconds=0.5)
    with Image.open(path) as image:
        assert image.n_frames == 6 and image.info["loop"] == 0
        durations = []
        for frame in range(image.n_frames):
            image.seek(frame)
            durations.append(image.info["duration"])
    assert durations == [500] * 5 + [2500]


def test_stones_lie_where_they_were_played():
    image = draw(Record(CONNECT_FOUR, 0, (3, 3, 0)))
    assert image.size == (472, 436)  # a caption, and a margin around
    colours = [right_of_centre(image, CONNECT_FOUR, cell) for cell in (38, 31, 35, 0)]
    assert colours == [ORANGE, BLUE, ORANGE, (255, 255, 255)]
    ringed = [cell for cell in (38, 31, 35) if right_of_centre(image, CONNECT_FOUR, cell, 23) == (255, 255, 255)]
    assert ringed == [35]  # the last move
    assert image.getpixel((12 + 32 + 15, 40 + 64 * 5 + 32)) == ORANGE


def test_the_winning_line_and_only_it_is_marked():
    image = draw(GAME)
    edges = [(96 + 64 * (cell % 3) + 7, 40 + 64 * (cell // 3) + 32) for cell in range(9)]
    assert [cell for cell, edge in enumerate(edges) if image.getpixel(edge) == WON] == [0, 1, 2]


def test_any_game_and_any_names_fit(tmp_path):
    small = Record(BoardGame("2x2x2", 2, 2, 2, False), 0, (0, 3, 1))
    animation = record(small, names=("a very long name of a player" * 5, "Ω"))
    assert {frame.size for frame in animation.frames} == {(384, 180)}


def test_a_notebook_shows_it():
    html = record(GAME)._repr_html_()
    assert html.startswith("<img alt=") and "data:image/gif;base64,R0lGOD" in html


@needs_ffmpeg
def test_an_mp4_has_the_length_of_the_game(tmp_path):
    path = record(GAME, seconds=0.5).save(tmp_path / "game.mp4")
    assert path.read_bytes()[4:8] == b"ftyp"
    probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    assert float(subprocess.check_output(probe)) == pytest.approx(5.0, abs=0.1)
    assert [p.name for p in tmp_path.iterdir()] == ["game.mp4"]


def test_without_ffmpeg_an_mp4_is_refused_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="MP4 needs ffmpeg, which is not installed; choose .gif"):
        check_format(tmp_path / "game.mp4")


@pytest.mark.parametrize("name", ["game.gif", pytest.param("game.mp4", marks=needs_ffmpeg)])
def test_a_full_disk_ends_a_game_in_one_sentence_and_keeps_the_last_recording(tmp_path, capfd, little_room, name):
    command = ["play", "--watch", "random", "random", "--seconds", "0", "--record", str(tmp_path / name)]
    (tmp_path / name).write_bytes(b"the last one")
    with little_room(1000):
        assert cli.main(command) == 1
    assert capfd.readouterr().err.startswith(f"imagents play: {tmp_path / name} cannot be written: ")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"the last one"


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a:b/game.mp4", "-a/%d.mp4", f"here/{'x' * 251}.mp4"])
def test_ffmpeg_writes_to_a_file_of_any_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    folder, _, file = name.partition("/")
    (tmp_path / folder).mkdir()
    assert record(GAME, name).frames and [path.name for path in (tmp_path / folder).iterdir()] == [file]


@pytest.mark.parametrize(
    "name, said",
    [
        ("game.png", "is a .gif or an .mp4"),
        ("no/game.gif", "there is no folder"),
        (f"{'x' * 252}.gif", "a name of at most 255 bytes is needed"),
        ("a\x1b[31m.gif", r"\\x1b\[31m.gif: a name of printable characters, in UTF-8, is needed"),
    ],
)
def test_what_cannot_be_recorded_to(tmp_path, name, said):
    with pytest.raises(InputError, match=said):
        record(GAME, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_no_time_at_all_is_refused():
    with pytest.raises(InputError, match="seconds = 0"):
        record(GAME, seconds=0)


def test_a_recording_is_small():
    """For a page: a long game of connect four."""
    moves = tuple(column for _ in range(3) for column in (0, 1, 2, 4, 5, 6, 3)) + (0, 1)
    gif = record(Record(CONNECT_FOUR, 0, moves)).gif()
    assert len(gif) < 120_000 and Image.open(io.BytesIO(gif)).n_frames == 24
