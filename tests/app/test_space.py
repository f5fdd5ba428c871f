"""The folder for a Space: what is in it, that it needs no TensorFlow, and that it is started and played."""

import os
import re
import subprocess
import sys

import pytest

from imagents.cli import main
from imagents.opening import SHIPPED

pytest.importorskip("gradio", reason="the extra `web` is missing")


@pytest.fixture(scope="module")
def space(tmp_path_factory, make_run):
    folder = tmp_path_factory.mktemp("spaces")
    make_run(folder / "mine")
    assert main(["web", "--space", str(folder / "space"), "--agents", str(folder / "mine")]) == 0
    return folder / "space"


def test_the_folder_is_what_a_space_starts_from(space):
    assert {p.name for p in space.iterdir()} == {"README.md", "agents", "app.py", "imagents", "requirements.txt"}
    block = dict(re.findall(r"^(\w+): (.+)$", space.joinpath("README.md").read_text().split("---")[1], re.MULTILINE))
    assert (block["sdk"], block["app_file"], block["license"]) == ("gradio", "app.py", "apache-2.0")
    requirements = space.joinpath("requirements.txt").read_text().split()
    assert f"gradio=={block['sdk_version']}" in requirements
    assert len(block["short_description"]) <= 60  # which is what a Space takes
    assert not [line for line in requirements if "tensorflow" in line or "tf" in line.split(">")[0].split("-")]


def test_the_shipped_agents_and_the_run_are_there_as_lite_models(space):
    models = {path.parent.relative_to(space / "agents").as_posix() for path in space.glob("agents/**/model.tflite")}
    shipped = {f"{game.name}/trained/player_{n}/tflite" for game in SHIPPED.glob("[!._]*") for n in (1, 2)}
    assert models == shipped | {f"tic_tac_toe/mine/player_{n}/tflite" for n in (1, 2)}


def test_nothing_in_it_names_a_place_of_this_machine(space):
    for path in space.rglob("*"):
        if path.suffix in (".py", ".md", ".txt", ".json"):
            assert str(space.parent) not in path.read_text(), path


def look_inside(space, code, *missing):
    """Runs Python in the folder, where neither TensorFlow nor what else is named is installed."""
    missing = ["tensorflow", "tf_agents", "gym", "gradio", "tyro", *missing]
    code = f"""
import sys
sys.modules |= dict.fromkeys({missing})
import pathlib
from imagents.app.cast import ModelCast
from imagents.app.page import Page
cast = ModelCast(pathlib.Path("agents"))
{code}"""
    done = subprocess.run([sys.executable, "-c", code], cwd=space, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_it_imports_is_there_without_tensorflow_and_tf_agents(space):
    look_inside(space, """
assert list(cast.games) == ["tic_tac_toe", "connect_four"]
tic_tac_toe, connect_four = cast.games.values()
assert list(cast.opponents(tic_tac_toe)) == ["trained", "mine", "heuristic", "random", "perfect"]
assert list(cast.opponents(connect_four)) == ["trained", "heuristic", "random"]
state = {"players": ["you", "perfect"], "verdicts": True}
reply = Page(cast).reply({"state": state, "do": "move", "value": 0})
assert reply["state"]["moves"] == [0, 4] and "draw with perfect play" in reply["html"]
""", "bitbully")


def test_with_the_solver_connect_four_has_exact_verdicts_there(space):
    pytest.importorskip("bitbully", reason="the extra `solver` is missing")
    pytest.importorskip("bitbully_databases", reason="the extra `solver` is missing")
    look_inside(space, """
assert list(cast.opponents(cast.games["connect_four"])) == ["trained", "heuristic", "random", "perfect"]
state = {"game": "connect_four", "players": ["you", "perfect"], "verdicts": True}
reply = Page(cast).reply({"state": state, "do": "move", "value": 3})
assert reply["judge"] and "Orange wins" in Page(cast).judge({"state": reply["state"]})["html"]
cast.scorers["connect_four"].close()
""")


@pytest.mark.parametrize("arguments, said", [
    (["--agents", "nowhere"], "nowhere"),
    (["--agents", str(SHIPPED / "tic_tac_toe" / "player_1"), str(SHIPPED / "connect_four" / "player_1")], "two agents"),
])
def test_what_cannot_be_is_said_before_anything_is_written(tmp_path, capsys, arguments, said):
    assert main(["web", "--space", str(tmp_path / "space"), *arguments]) == 2
    assert said in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").touch()
    assert main(["web", "--space", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err and [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_it_is_written_where_nobody_has_set_a_locale(space, tmp_path):
    environ = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "imagents.cli", "web", "--space", str(tmp_path / "space")]
    subprocess.run(command, env=environ, check=True)
    for name in ("README.md", "app.py", "imagents/app/page.js"):
        assert (tmp_path / "space" / name).read_bytes() == (space / name).read_bytes()


@pytest.mark.slow
def test_it_is_started_and_played_with_nothing_but_its_requirements(space, tmp_path, serve, browser, visitor):
    environment = tmp_path / "environment"
    install = [sys.executable, "-m", "uv"]
    subprocess.run([*install, "venv", "-q", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([*install, "pip", "install", "-q", "--python", python, "-r", space / "requirements.txt"], check=True)
    with serve([str(python), "app.py"], cwd=space, GRADIO_SERVER_NAME="127.0.0.1") as address:
        person = visitor(browser, address)
        person.does(lambda: person.page.check('[data-set="q_values"]'))
        for game, action in (("tic_tac_toe", 4), ("connect_four", 3)):
            person.game(game)
            person.move(action)
            assert len(person.state["moves"]) == 2 and person.page.locator(".board .q").count() >= 7
            while not person.record.is_over:
                person.move(person.record.legal[-1])
        assert person.complaints == [] and person.foreign == []
        person.context.close()
