"""Pages and notebooks need no inner module: what they import are public names, and the reference lists all of those."""

import ast
import importlib
import json
import pathlib
import re

import pytest

import imagents
from imagents.config import BRIDGES

ROOT = pathlib.Path(__file__).parent.parent
FACES = (  # to import from
    "imagents",
    "imagents.motivation",
    "imagents.plotting",
    *(f"imagents.bridges.{name}" for name in BRIDGES),
    "imagents.cloud.sagemaker",
)
MAGIC = re.compile(r"^\s*[!%].*$", re.MULTILINE)  # what only notebooks understand


def examples():
    """Every block of Python on a page, `py` those that no test runs, and every notebook's code as one."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for number, code in enumerate(re.findall(r"```py(?:thon)?\n(.*?)```", page.read_text(), re.DOTALL)):
            yield pytest.param(code, id=f"{page.relative_to(ROOT).with_suffix('')}-{number}")
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(notebook.read_text())["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        yield pytest.param(MAGIC.sub("", code), id=notebook.stem)


every_example = pytest.mark.parametrize("code", [*examples()])


def imported(code: str) -> list[str]:
    """The full name of everything that is imported."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def is_public(name: str) -> bool:
    """Whether a name is one of the faces, or what one of them offers."""
    face, _, member = name.rpartition(".")
    return name in FACES or (face in FACES and member in importlib.import_module(face).__all__)


@every_example
def test_an_example_imports_public_names_only(code):
    ours = [name for name in imported(code) if name.split(".")[0] == "imagents"]
    assert [name for name in ours if not is_public(name)] == []


@every_example
def test_what_an_example_takes_from_imagents_is_public(code):
    taken = {
        node.attr for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "imagents"
    }
    assert taken - {*imagents.__all__, "__file__"} == set()


@every_example
def test_an_example_imports_imagents_before_tensorflow(code):
    """Else TensorFlow is in Keras 3 mode, and imagents refuses to be imported: nothing else here would see it."""
    packages = [name.split(".")[0] for name in imported(code)]
    if "imagents" in packages:
        assert not {"tensorflow", "tf_agents"} & {*packages[: packages.index("imagents")]}


@pytest.mark.parametrize("face", FACES)
def test_every_public_name_is_there(face):
    module = importlib.import_module(face)
    names = [name for name in module.__all__ if name != "__version__"]
    assert names == sorted(names)
    assert [name for name in names if getattr(module, name, None) is None] == []


def test_dir_shows_every_public_name():
    assert {*imagents.__all__} <= {*dir(imagents)}


def test_the_reference_lists_every_public_name_and_its_home():
    text = (ROOT / "docs" / "reference.md").read_text()
    rows = re.findall(r"^\| \{py:\w+\}`imagents\.(\w+) <([\w.]+)>` \| .+ \|$", text, re.MULTILINE)
    assert rows == [(name, f"{home}.{name}") for name, home in imagents._HOMES.items()]
