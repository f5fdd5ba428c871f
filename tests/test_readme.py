"""What the README and the documentation show, works: blocks of Python run, commands do.

A block that needs what a test machine lacks (a cluster, a browser, hours) says so in its first line, `# needs ...`. It
is checked for syntax and flags, and counted here. Of all others everything is run but what sets a machine up.
"""

import ast
import importlib.metadata
import importlib.util
import io
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from unittest import mock

import pytest
import tensorflow as tf
from small import SMALL, small_flags, untrained_run

from imagents import cli, commands, plotting
from imagents.config import BRIDGES, DEFAULT_ENVIRONMENT, TrainConfig, environment_class

for extra in ("bitbully", "onnxruntime", "tf2onnx"):  # the pages show them
    pytest.importorskip(extra)

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\S*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NEEDS = "# needs "
MARKED = {"sh": 14, "python": 4}  # blocks that no test runs: there are no more than these
SLOW = {  # five to ten seconds each, in make test-slow
    "docs/environments/poker-0", "docs/how-to/own-environment-1", "docs/how-to/own-agent-1",
    "docs/export-0", "docs/export-1",
}  # fmt: skip
BLOCKS = [
    pytest.param(page, code, id=name, marks=[pytest.mark.slow] if name in SLOW else [])
    for page in PAGES
    for i, code in enumerate(code for language, code in FENCE.findall(page.read_text()) if language == "python")
    for name in [f"{page.relative_to(ROOT).with_suffix('')}-{i}"]
]
SHELL_BLOCKS = {  # each once, however many pages show it
    tuple(lines): pytest.param(page, code.startswith(NEEDS), lines, id=f"{page.relative_to(ROOT).with_suffix('')}-{i}")
    for page in reversed(PAGES)
    for i, code in enumerate(code for language, code in FENCE.findall(page.read_text()) if language == "sh")
    if (lines := [line for line in code.replace("\\\n", " ").splitlines() if line.split("#")[0].strip()])
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
OUTSIDE = {"curl", "docker", "jupyter", "ray"}  # programs that only marked blocks have
SETS_UP = {"cd", "export", "source"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the pages call RUN: a small run, with its agents exported in every format."""
    path = tmp_path_factory.mktemp("documentation") / "run"
    assert cli.main(["train", *LESS["train"], "--output-dir", str(path)]) == 0
    if any("RUN/export" in block.values[1] for block in BLOCKS):
        assert cli.main(["export", str(path), "--formats", "saved_model", "onnx", "tflite"]) == 0
    return path


@pytest.fixture(scope="module")
def poker(tmp_path_factory):
    """What the pages call POKER: a run of it, whose agents have learned nothing."""
    return untrained_run(tmp_path_factory.mktemp("documentation") / "poker", "kuhn_poker", algorithm="dqn").path


@pytest.fixture
def briefly(eagerly, monkeypatch):
    """Whoever trains a run gets small chunks, and no plots: the pages show how, other tests that it works."""
    for environment in ("tic_tac_toe", "connect_four", "5x5x4", "somebodys:own", "open_spiel:"):
        presets = environment_class(environment).presets
        for name in presets:
            monkeypatch.setitem(presets, name, presets[name] | BRIEF)
    monkeypatch.setattr(plotting, "save_all", lambda run, own, format="png": [])


@pytest.mark.filterwarnings("ignore:(?s).*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:The old environment creation API")  # of PettingZoo, which goes on
@pytest.mark.filterwarnings("ignore:Encoding a StructuredValue with type:UserWarning")  # PolicySaver does so
@pytest.mark.parametrize("page, code", BLOCKS)
def test_python_block(page, code, request, tmp_path, monkeypatch):
    if code.startswith(NEEDS):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("imagents."):
                source = importlib.util.find_spec(node.module).loader.get_source(node.module)
                assert all(f'"{name.name}"' in source for name in node.names)
        return
    monkeypatch.chdir(tmp_path)
    if "ai_edge_litert" in code:  # which is not installed here; the same interpreter is in TensorFlow
        monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", tf.lite)
    if re.search(PLACE, code):
        code = re.sub(PLACE, str(request.getfixturevalue("run")), code)
    if page.name != "README.md":
        request.getfixturevalue("briefly")
        code = re.sub(r"\b(steps=|run\()([\d_]+_000)", lambda budget: f"{budget[1]}{int(budget[2]) // 100}", code)
    exec(compile(code, "documentation", "exec"), {"__name__": "__main__"})


shell_blocks = pytest.mark.parametrize("page, is_marked, lines", [*reversed(SHELL_BLOCKS.values())])


@shell_blocks
def test_shell_block(page, is_marked, lines, request, tmp_path, monkeypatch, capsys):
    """Every option exists and every value is accepted; what a later line needs is really done, with a small budget."""
    prepare(page, lines, tmp_path, monkeypatch)
    needed = made_by if not is_marked else lambda words: ""
    run_block(lines, is_marked, request, capsys, lambda words, later: needed(words) and needed(words) in later)


@pytest.mark.slow
@shell_blocks
def test_shell_block_in_full(page, is_marked, lines, request, tmp_path, monkeypatch, capsys):
    """Every command is really run, with a small budget; whoever is asked for a move gives up at once."""
    if is_marked:
        pytest.skip("needs what is not here")
    prepare(page, lines, tmp_path, monkeypatch)
    run_block(lines, is_marked, request, capsys, is_needed=lambda words, later: True)


def prepare(page, lines, folder, monkeypatch):
    """What has been shown before: the page's own module where commands name it, and the page of studies' own."""
    monkeypatch.chdir(folder)
    if "my_world:" in str(lines):
        (folder / "my_world.py").write_text(first(page, "python"))
        monkeypatch.delitem(sys.modules, "my_world", raising=False)
    if "climb.toml" in str(lines):
        shown = first(ROOT / "docs" / "studies.md", "toml")
        (folder / "climb.toml").write_text(shown.replace("seeds = 30", "seeds = 1").replace("5000", "200"))


def first(page, language: str) -> str:
    """The first block of a page in a language."""
    return next(code for found, code in FENCE.findall(page.read_text()) if found == language)


def run_block(lines, is_marked, request, capsys, is_needed):
    for number, line in enumerate(lines):
        line = line.replace("EXPORT", "RUN/export/player_2")
        for place, name in ((PLACE, "run"), (r"\bPOKER\b", "poker")):
            if re.search(place, line):
                line = re.sub(place, str(request.getfixturevalue(name)), line)
        words = shlex.split(line, comments=True)
        variables = [word.partition("=")[0] for word in itertools.takewhile(lambda word: "=" in word, words)]
        program, *words = words[len(variables) :]
        program = program.removeprefix(".venv/bin/")
        if program == "export":
            variables = [word.partition("=")[0] for word in words]
        assert all(any(name in test.read_text() for test in TESTS) for name in variables), variables
        later = "\n".join(lines[number + 1 :])
        if program == "imagents":
            imagents_command(words, None if is_marked else is_needed(words, later), capsys)
        elif program == "make":
            plain = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES")}
            dry = subprocess.run(["make", "-n", *words], cwd=ROOT, env=plain, capture_output=True, text=True)
            assert dry.returncode == 0, dry.stderr
            for command in re.findall(r"bin/imagents (.*)", dry.stdout):
                imagents_command(shlex.split(command), False, capsys)
        elif program == "pip":
            extras = re.findall(r"\.\[([\w,-]+)\]", line)
            assert set(",".join(extras).replace("_", "-").split(",")) - {""} <= declared_extras()
            assert all((ROOT / name).exists() for name in re.findall(r"-[cr] (\S+)", line))
        elif program == "python" and words[:2] == ["-m", "pytest"]:
            assert not is_needed(words, later) or subprocess.run([sys.executable, *words]).returncode == 0
        elif program == "python" and words[0] == "-m":
            source = importlib.util.find_spec(words[1]).loader.get_source(words[1])
            assert [word for word in words[2:] if word.startswith("--") and word not in source] == []
        else:
            assert program in SETS_UP or (is_marked and program in OUTSIDE), f"say here how to try {program}"


def imagents_command(words, really, capsys):
    """Tries a command: really; if that is false as far as it goes at once; by what its help explains if it is None."""
    command, *rest = words
    if command in LESS and really is not None:
        if command == "train" and not {"--output-dir", "--resume"} & {*rest}:
            rest = [*rest, "--output-dir", tempfile.mkdtemp(dir=".")]
        less = LESS[command] if command != "train" or "--resume" in rest else small_training(rest)
        job = commands.COMMANDS[command]([*less, *rest, *LEAST.get(command, [])])
        if really:
            assert job() == 0
        return
    if command == "study":  # a file of ours, of hours, is read and listed
        file = ROOT / rest[0] if (ROOT / rest[0]).exists() else rest[0]
        assert cli.main([command, str(file), "--dry-run", "--output-dir", tempfile.mkdtemp(dir=".")]) == 0
    if really or command in ("environments", "new"):
        really = command != "study" or file == rest[0]
        with mock.patch.object(sys, "stdin", io.StringIO("q\n")):  # who is asked for a move
            assert not really or cli.main([command, *rest]) == 0
    with pytest.raises(SystemExit) as exit:  # all flags
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
    chosen = {name: named[name] for name in ("algorithm", "preset") if name in named}
    known = TrainConfig(environment, **chosen).fields()
    changes = {"evaluate_every": 1, "steps": 200}
    return small_flags(**changes, but=[name for name in SMALL if name not in known])


def made_by(words) -> str:
    """The folder that a command makes; "" if the page does not name it."""
    return words[words.index("--output-dir") + 1] if "--output-dir" in words else ""


def declared_extras() -> set[str]:
    return {name.replace("_", "-") for name in importlib.metadata.metadata("imagents").get_all("Provides-Extra")}


def test_every_module_has_a_room_in_the_architecture():
    rooms = (ROOT / "docs" / "architecture.md").read_text()
    package = ROOT / "imagents"
    names = {path.name for path in package.iterdir() if path.suffix == ".py"}
    names |= {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()}
    assert [name for name in sorted(names) if f"`{name}`" not in rooms] == []


@pytest.mark.parametrize("language", MARKED)
def test_blocks_that_are_not_run_are_counted(language):
    code = [code for page in PAGES for found, code in FENCE.findall(page.read_text()) if found == language]
    assert sum(NEEDS in block for block in code) == sum(block.startswith(NEEDS) for block in code) == MARKED[language]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_code_is_narrow_and_says_in_which_language_it_is(page):
    blocks = FENCE.findall(page.read_text())
    assert [line for _, code in blocks for line in code.splitlines() if len(line) > 88] == []
    assert {language for language, _ in blocks} <= {
        "sh", "python", "text", "toml", "json", "yaml", "{toctree}", "{eval-rst}"}  # fmt: skip
    for language, code in blocks:
        {"json": json.loads, "toml": tomllib.loads}.get(language, str)(code)
    if page.name != "results.md":  # which is written by a program, and says what took hours
        plain = "".join(code for language, code in blocks if language == "text")
        text = re.sub("^", "    ", plain, flags=re.MULTILINE) + FENCE.sub("", page.read_text())
        assert re.findall(r"^    (?:imagents|make|pip|python) .*", text, re.MULTILINE) == []
