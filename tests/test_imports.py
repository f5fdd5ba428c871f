"""Imports go one way: the table of rooms in docs/architecture.md, read from its top, is the order in which they may.

docs/images/rooms.py reads the table and the code, and draws the picture below the table.
"""

import importlib.util
import pathlib
import re
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "images" / "rooms.py")
rooms = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(rooms)

SVG = "{http://www.w3.org/2000/svg}"
SINGLE_GAMES = re.compile(r"tic[-_ ]?tac[-_ ]?toe|connect[-_ ]?four", re.IGNORECASE)
AT_HOME = re.compile(r"environments/.+|shipped/.+|config\.py|__init__\.py")  # where single environments may be named


def test_a_module_imports_only_from_its_room_and_those_above():
    known = rooms.rooms()
    assert [
        f"{module} -> {target}"
        for module, targets in rooms.imports().items()
        for target in targets - {"imagents"}
        if rooms.row_of(target, known) > rooms.row_of(module, known)
    ] == []


def test_no_modules_import_each_other_in_a_circle():
    left = rooms.imports()
    while True:  # takes away who imports nobody that is left, and whom nobody imports
        wanted = set().union(*left.values())
        going = {module for module, targets in left.items() if not targets & set(left) or module not in wanted}
        if not going:
            break
        left = {module: targets for module, targets in left.items() if module not in going}
    assert set(left) == set()


def test_only_environments_and_who_finds_them_name_single_games():
    package = ROOT / "imagents"
    files = [path for suffix in ("py", "js", "css") for path in package.rglob(f"*.{suffix}")]
    naming = {path.relative_to(package).as_posix() for path in files if SINGLE_GAMES.search(path.read_text())}
    assert {name for name in naming if not AT_HOME.fullmatch(name)} == set()
    assert {"config.py", "__init__.py", "environments/boards/games.py"} <= naming  # else nothing was found


def test_the_code_and_the_table_are_read_as_they_are():
    found = rooms.imports()
    board = found["imagents.environments.boards.settings"]
    assert {"imagents.values", "imagents.environments"} <= board  # at its top
    assert "imagents.environments.boards.arena" in board  # in a function
    known = rooms.rooms()
    assert rooms.row_of("imagents.cloud.sagemaker.jobs", known) == known.index(["imagents.cloud"])
    assert rooms.row_of("imagents.cloud.sagemaker.entry", known) == len(known) - 1


def test_the_picture_is_up_to_date():
    assert rooms.PICTURE.read_text() == rooms.svg(), "python docs/images/rooms.py draws it again"


def test_the_picture_has_a_box_for_every_room_and_a_dot_for_every_import():
    picture = xml.etree.ElementTree.fromstring(rooms.svg())
    names = [text.text for text in picture.iter(f"{SVG}text") if text.get("class") != "say"]
    assert names[0] == "__init__.py, homes.py, errors.py, files.py"
    assert names[1] == "process.py, randomness.py, number.py, gpu.py, xla.py"
    assert "learning/" in names
    assert len(names) == len(rooms.rooms())
    assert len([*picture.iter(f"{SVG}circle")]) == len(rooms.arrows())


def test_the_page_shows_the_picture_and_says_how_it_is_made():
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert "(_static/rooms.svg)" in page and "`python docs/images/rooms.py`" in page
