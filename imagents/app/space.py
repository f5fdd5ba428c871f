"""The page as a folder for a Hugging Face Space: it runs there as it is, without TensorFlow and TF-Agents.

    app.py, requirements.txt, README.md     what a Space of the kind `gradio` starts from
    agents/GAME/NAME/AGENT/tflite/          the agents, as LiteRT models of `imagents export`
    imagents/                               the part of imagents that plays
"""

import importlib.metadata
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Sequence

import tensorflow as tf

import imagents
from imagents.app.cast import TRAINED
from imagents.environments.boards.settings import board_settings
from imagents.errors import InputError
from imagents.export.formats import TFLITE_FILE, quietly
from imagents.export.reading import METADATA, ExportedAgent
from imagents.files import checksum, plain_path, sealed, write_json, write_text
from imagents.opening import open_path, open_shipped, prepare_export, shipped
from imagents.runs.folders import check_is_new

_PACKAGE = pathlib.Path(imagents.__file__).parent
_COPIED = (
    *(f"app/{name}" for name in ("__init__.py", "about.py", "cast.py", "gate.py", "minds.py", "page.css", "page.js",
                                 "page.py", "server.py", "session.py", "sheet.py", "templating.py", "visit.py",
                                 "web.py", "templates/page.html", "templates/verdict.html")),
    "config.py", "drawing.py", "errors.py", "files.py", "motivated.py", "own.py", "settings.py", "values.py",
)  # fmt: skip
_FILES = _PACKAGE / "app" / "templates" / "space"  # what a Space starts from


def prepare_space(folder: pathlib.Path, agents: Sequence[pathlib.Path] = ()) -> Callable[[], None]:
    """Does what can fail; returns what writes the folder.

    Args:
      folder: a new folder.
      agents: runs, checkpoints, snapshots or exports to play against, beside the agents that ship with imagents.

    Raises:
      InputError: one sentence about what cannot be.
    """
    check_is_new(folder)
    try:
        gradio = importlib.metadata.version("gradio")
    except importlib.metadata.PackageNotFoundError:
        raise InputError("the page needs Gradio: pip install 'imagents[web]'") from None
    names = [path.resolve().name for path in agents]
    if repeated := {name for name in names if names.count(name) > 1 or name == TRAINED}:
        raise InputError(f"two agents on a page cannot both be called {repeated.pop()!r}: rename a folder")
    writers = [_agent_writer(path) for path in agents]

    def write() -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".writing-") as temporary:
            writing = pathlib.Path(temporary) / "space"
            _copy_package(writing)
            for file in _FILES.glob("*.jinja"):
                text = file.read_text(encoding="utf-8").replace("{{ gradio }}", gradio)
                write_text(writing / file.stem, text.replace("{{ version }}", imagents.__version__))
            for name in shipped():
                for seat in (0, 1):
                    opened = open_shipped(name, seat)
                    _write_lite(opened.agents[0], opened.path, writing / "agents" / name / TRAINED)
            for name, (game_name, writer) in zip(names, writers, strict=True):
                writer(writing / "agents" / game_name / name)
            if folder.exists():
                folder.rmdir()  # it is empty
            writing.rename(folder)

    return write


def _copy_package(folder: pathlib.Path) -> None:
    target = folder / "imagents"
    for name in _COPIED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_PACKAGE / name, target / name)
    # What of an environment imports TensorFlow nobody asks for there.
    ignored = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(_PACKAGE / "environments", target / "environments", ignore=ignored)
    about = f'"""The part of imagents {imagents.__version__} that plays, without TensorFlow."""\n'
    write_text(target / "__init__.py", about)


def _agent_writer(path: pathlib.Path) -> tuple[str, Callable[[pathlib.Path], object]]:
    """The game that an agent learned, and what writes it, and those beside it in a run, into a folder."""
    opened = open_path(path)
    name = board_settings(opened.environment).name
    if opened.config is None:
        [agent] = opened.agents  # says what is wrong with it
        return name, lambda folder: _write_lite(agent, opened.path, folder)

    def write_run(folder: pathlib.Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        prepare_export(path, folder, ("tflite",))()

    return name, write_run


def _write_lite(agent: ExportedAgent, model: pathlib.Path, folder: pathlib.Path) -> None:
    """An exported agent as a LiteRT model."""
    target = folder / agent.name / "tflite"
    target.mkdir(parents=True)
    if agent.metadata["format"] == "tflite":
        shutil.copyfile(model / TFLITE_FILE, target / TFLITE_FILE)
    elif agent.metadata["format"] == "saved_model":
        with quietly(), plain_path(model) as path:
            converter = tf.lite.TFLiteConverter.from_saved_model(path, signature_keys=["serving_default"])
            (target / TFLITE_FILE).write_bytes(converter.convert())
    else:
        raise InputError(f"{model} is a model of the kind {agent.metadata['format']}: name its run or its SavedModel")
    sums = {TFLITE_FILE: checksum(target / TFLITE_FILE)}
    write_json(target / METADATA, sealed(agent.metadata | {"format": "tflite", "sha256": sums}))
