"""`imagents new` writes an environment that works, with a test that passes, and never over anything."""

import importlib
import pathlib
import sys

import pytest

import imagents
from imagents import cli, own


@pytest.fixture
def new(monkeypatch, tmp_path, capsys):
    """`imagents new environment` in an empty folder: a function of the name, to its status and what it said."""
    monkeypatch.chdir(tmp_path)
    others = [place for place in sys.path if not pathlib.Path(place, "my_walk.py").exists()]  # of a page
    monkeypatch.setattr(sys, "path", [str(tmp_path), *others])
    monkeypatch.setattr(own, "_TRUSTED", {})
    for module in ("my_walk", "test_my_walk"):
        monkeypatch.delitem(sys.modules, module, raising=False)

    def write(name: str, kind: str = "environment") -> tuple[int, str]:
        status, said = cli.main(["new", kind, name]), capsys.readouterr()
        return status, said.out + said.err

    yield write
    for module in ("my_walk", "test_my_walk"):
        sys.modules.pop(module, None)


def test_an_environment_and_its_test_pass_as_they_are_written(new):
    status, said = new("my_walk")
    assert status == 0
    assert "\nnext: run its test, and train in it:\npython -m pytest test_my_walk.py\nimagents train" in said
    tests = importlib.import_module("test_my_walk")
    for name in [name for name in dir(tests) if name.startswith("test_")]:
        getattr(tests, name)()
    assert tests.make.__module__ == "my_walk" and "templates" not in pathlib.Path("my_walk.py").read_text()


@pytest.mark.slow
def test_it_is_learned_as_it_is_written(new):
    new("my_walk")
    name, budget = imagents.trust("my_walk:make"), {"parallel_games": 64, "batch_size": 256, "steps": 20_000}
    run = imagents.train(imagents.TrainConfig(name, discount=0.9, **budget), "run", quiet=True)
    assert run.metrics()["player_1_mean_return"].max() == 1.0
    assert imagents.film(run.path).frames


@pytest.mark.parametrize("name", ["my_walk.py", "test_my_walk.py"])
def test_nothing_is_overwritten(new, name):
    pathlib.Path(name).write_text("mine")
    assert new("my_walk") == (2, f"imagents new: {name} is there already: choose another name\n")
    assert pathlib.Path(name).read_text() == "mine" and len([*pathlib.Path().iterdir()]) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my-walk", "name = 'my-walk': a name of a module is needed, as in my_world"),
        ("class", "name = 'class': a name of a module is needed, as in my_world"),
        ("random", "name = 'random': there is a module of that name already, which random.py would hide"),
    ],
)
def test_a_name_that_is_none_is_refused(new, name, said):
    assert new(name) == (2, f"imagents new: {said}\n")
    assert not [*pathlib.Path().iterdir()]
