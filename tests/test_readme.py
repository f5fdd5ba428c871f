"""What the README and the documentation show, works: blocks of Python run, commands do, links lead somewhere."""

import importlib.metadata
import importlib.util
import itertools
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import pytest
import tensorflow as tf
from small import SMALL, small_flags

from imagents import cli, commands, plotting
from imagents.config import BRIDGES, DEFAULT_ENVIRONMENT, TrainConfig, environment_class

for extra in ("bitbully", "onnxruntime", "tf2onnx"):  # the pages show them
    pytest.importorskip(extra)

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    pytest.param(page, code, id=f"{page.relative_to(ROOT).with_suffix('')}-{i}")
    for page in PAGES
    for i, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]
SHELL_BLOCKS = {  # each once, however many pages show it
    tuple(lines): pytest.param(lines, id=f"{page.relative_to(ROOT).with_suffix('')}-{i}")
    for page in reversed(PAGES)
    for i, block in enumerate(re.findall(r"```(?:sh|bash|console)\n(.*?)```", page.read_text(), re.DOTALL))
    if (lines := [line for line in block.replace("\\\n", " ").splitlines() if line.split("#")[0].strip()])
}
TESTS = [*(ROOT / "tests").rglob("test_*.py")]
PLACE = r"\bRUN\b|\boutputs/JOB\b"  # stands for a run folder
LESS = {  # what makes a command quick, unless the page says otherwise
    "train": small_flags(evaluate_every=1, steps=200),
    "evaluate": ["--games", "10", "--solver-games", "0"],
    "tournament": ["--games", "10"],
    "export": [],
}
LEAST = {"train": ["--steps", "100"]}  # whatever the page says
BRIEF = {"rounds_per_chunk": 4, "warmup_rounds": 2}  # in Python, unless the page says otherwise
ELSEWHERE = {"curl", "docker", "jupyter", "tensorboard", "cd", "git", "ray", "source"}  # programs of others


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the pages call RUN: a small run, with its agents exported in every format."""
    path = tmp_path_factory.mktemp("documentation") / "run"
    assert cli.main(["train", *LESS["train"], "--output-dir", str(path)]) == 0
    if any("RUN/export" in block.values[1] for block in BLOCKS):
        assert cli.main(["export", str(path), "--formats", "saved_model", "onnx", "tflite"]) == 0
    return path


@pytest.fixture
def briefly(eagerly, monkeypatch):
    """Whoever trains a run gets small chunks, and no plots: the pages show how, other tests that it works."""
    for environment in ("tic_tac_toe", "connect_four", "5x5x4", "somebodys:own"):
        presets = environment_class(environment).presets
        for name in presets:
            monkeypatch.setitem(presets, name, presets[name] | BRIEF)
    monkeypatch.setattr(plotting, "save_all", lambda run, own, format="png": [])


@pytest.mark.filterwarnings("ignore:(?s).*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:The old environment creation API")  # of PettingZoo, which goes on
@pytest.mark.filterwarnings("ignore:Encoding a StructuredValue with type:UserWarning")  # PolicySaver does so
@pytest.mark.parametrize("page, code", BLOCKS)
def test_python_block(page, code, request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "ai_edge_litert" in code:  # which is not installed here; the same interpreter is in TensorFlow
        monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", tf.lite)
    if re.search(PLACE, code):
        code = re.sub(PLACE, str(request.getfixturevalue("run")), code)
    if page.name != "README.md":
        request.getfixturevalue("briefly")
        code = re.sub(r"\b(steps=|run\()([\d_]+_000)", lambda budget: f"{budget[1]}{int(budget[2]) // 100}", code)
    exec(compile(code, "documentation", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("lines", [*reversed(SHELL_BLOCKS.values())])
def test_shell_block(lines, request, tmp_path, monkeypatch, capsys):
    """Every option exists and every value is accepted; what a later line needs is really done, with a small budget."""
    monkeypatch.chdir(tmp_path)
    run_block(lines, request, capsys, is_needed=lambda words, later: made_by(words) and made_by(words) in later)


@pytest.mark.slow
@pytest.mark.parametrize("lines", [*reversed(SHELL_BLOCKS.values())])
def test_shell_block_in_full(lines, request, tmp_path, monkeypatch, capsys):
    """Every command is really run, with a small budget."""
    monkeypatch.chdir(tmp_path)
    run_block(lines, request, capsys, is_needed=lambda words, later: True)


def run_block(lines, request, capsys, is_needed):
    for number, line in enumerate(lines):
        if re.search(PLACE, line):
            line = re.sub(PLACE, str(request.getfixturevalue("run")), line)
        words = shlex.split(line, comments=True)
        variables = [word.partition("=")[0] for word in itertools.takewhile(lambda word: "=" in word, words)]
        assert all(any(name in test.read_text() for test in TESTS) for name in variables), variables
        program, *words = words[len(variables) :]
        program = program.removeprefix(".venv/bin/")
        if program == "imagents":
            imagents_command(words, is_needed(words, "\n".join(lines[number + 1 :])), capsys)
        elif program == "make":
            plain = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES")}
            dry = subprocess.run(["make", "-n", *words], cwd=ROOT, env=plain, capture_output=True, text=True)
            assert dry.returncode == 0, dry.stderr
            for command in re.findall(r"bin/imagents (.*)", dry.stdout):
                imagents_command(shlex.split(command), False, capsys)
        elif program == "pip":
            extras = re.findall(r"\[([\w,]+)\]", line)
            assert set(",".join(extras).split(",")) - {""} <= set(declared_extras())
            assert all((ROOT / name).exists() for name in re.findall(r"-[cr] (\S+)", line))
        elif program == "python" and words[0] == "-m":
            source = importlib.util.find_spec(words[1]).loader.get_source(words[1])
            assert [word for word in words[2:] if word.startswith("--") and word not in source] == []
        else:
            assert program in ELSEWHERE, f"say in this test how to try {program}"


def imagents_command(words, really, capsys):
    command, *rest = words
    if command in LESS:
        if command == "train" and not {"--output-dir", "--resume"} & {*rest}:
            rest = [*rest, "--output-dir", tempfile.mkdtemp(dir=".")]
        less = LESS[command] if command != "train" or "--resume" in rest else small_training(rest)
        job = commands.COMMANDS[command]([*less, *rest, *LEAST.get(command, [])])
        if really:
            assert job() == 0
        return
    with pytest.raises(SystemExit) as exit:  # commands that need somebody at a keyboard, a server, a cloud
        cli.main([command, *itertools.takewhile(str.isidentifier, rest), "--help"])
    assert exit.value.code == 0
    explained = capsys.readouterr().out
    assert [word for word in rest if word.startswith("--") and word.split("=")[0] not in explained] == []


def small_training(words) -> list[str]:
    """Flags of a small training that the algorithm of this one knows."""
    named = {name.removeprefix("--"): value for name, value in itertools.pairwise(words)}
    environment = named.get("environment", DEFAULT_ENVIRONMENT)
    if ":" in environment and environment.partition(":")[0] not in BRIDGES:
        return LESS["train"]
    chosen = {"algorithm": named["algorithm"]} if "algorithm" in named else {}
    known = TrainConfig(environment, **chosen).fields()
    changes = {"evaluate_every": 1, "steps": 200}
    return small_flags(**changes, but=[name for name in SMALL if name not in known])


def made_by(words) -> str:
    """The folder that a command makes; "" if the page does not name it."""
    return words[words.index("--output-dir") + 1] if "--output-dir" in words else ""


def declared_extras():
    return importlib.metadata.metadata("imagents").get_all("Provides-Extra")


def test_every_module_has_a_room_in_the_architecture():
    rooms = (ROOT / "docs" / "architecture.md").read_text()
    package = ROOT / "imagents"
    names = {path.name for path in package.iterdir() if path.suffix == ".py"}
    names |= {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()}
    assert [name for name in sorted(names) if f"`{name}`" not in rooms] == []


def test_links_between_pages_lead_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
