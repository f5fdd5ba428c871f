"""The `imagents` command: help at once, one sentence for bad input, exit codes that scripts can rely on."""

import contextlib
import fcntl
import functools
import gc
import importlib.metadata
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from small import small_config, small_flags

from imagents import InputError, cli, commands, flags
from imagents.config import BRIDGES, ENVIRONMENTS, TrainConfig, environment_class
from imagents.learning import build
from imagents.runs.run import Run
from imagents.training.experiment import train

COMMAND = [sys.executable, "-m", "imagents.cli"]


def explanation(capsys, *arguments) -> str:
    """What `--help` prints, without its boxes and line breaks."""
    with pytest.raises(SystemExit) as exit:
        cli.main([*arguments, "--help"])
    assert exit.value.code == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize("words", [[], ["--player-2.learning-rate", "1e-4"]])
def test_a_setting_of_an_environment_may_allow_an_algorithm(words):
    """What episodes return, which C51 has to know, is known of a board whose lines win."""
    board = ["--environment", "pettingzoo:classic.connect_four_v3", "--algorithm", "c51"]
    settings, _ = flags.parse_training("imagents train", [*board, "--line", "4", *words], commands.Train)
    assert TrainConfig(**settings).environment.line == 4
    with pytest.raises(InputError, match="does not say what an episode returns"):
        flags.parse_training("imagents train", [*board, *words], commands.Train)


def test_help_imports_no_tensorflow():
    code = """
import sys
from imagents import cli
assert cli.main([]) == cli.main(["--help"]) == cli.main(["--version"]) == 0
try:
    cli.main(["train", "--help"])
except SystemExit as exit:
    assert exit.code == 0
assert "tensorflow" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "usage: imagents COMMAND" in result.stdout
    assert "--steps" in result.stdout and "Training budget in steps of all parallel games" in result.stdout
    assert not result.stderr


def test_python_looks_for_no_garbage_while_a_command_is_prepared_and_imports_tensorflow(monkeypatch):
    def prepared(arguments):
        looks = [gc.isenabled()]
        return lambda: [*looks, gc.isenabled()] != [False, True]

    monkeypatch.setitem(cli.COMMANDS, "plot", prepared)
    assert cli.main(["plot"]) == 0
    monkeypatch.setitem(cli.COMMANDS, "plot", lambda arguments: prepared(arguments) and open("/nowhere/at/all"))
    assert cli.main(["plot"]) == 2 and gc.isenabled()


@pytest.mark.parametrize("words", ["--help", "environments"])
def test_a_reader_that_has_seen_enough_is_no_error(words):
    command = f"{' '.join(COMMAND)} {words} | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, env={**os.environ, "PYTHONUNBUFFERED": ""})
    assert (done.returncode, done.stderr) in ((141, b""), (0, b""))  # 0: all was in the pipe already


def test_environments_are_listed_a_line_each_without_tensorflow():
    code = "import sys; from imagents import cli; cli.main(['environments']); assert 'tensorflow' not in sys.modules"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    lines = listed.splitlines()
    bridges = [environment_class(f"{name}:").written for name in BRIDGES]
    assert [line.split()[0] for line in lines] == [*ENVIRONMENTS, *bridges, "MODULE:FUNCTION"]
    assert {"gymnasium:ID", "open_spiel:NAME", "pettingzoo:MODULE", "unity:PATH"} <= {*bridges}
    assert all(len(line) <= 80 and line.endswith(".") and len(line.split()) > 5 for line in lines)
    assert lines[0] == "tic_tac_toe          Tic-tac-toe: three in a row on three by three cells."


@pytest.mark.parametrize("words, cooperative, steps", [
    (["--cooperative", "--steps", "1e6"], True, 1_000_000),
    (["--steps=2.5e3", "--cooperative"], True, 2500),
    (["--cooperative", "False", "--steps", "5"], False, 5),
    (["--cooperative=True"], True, None),
])  # fmt: skip
def test_a_flag_alone_switches_something_on_and_numbers_may_be_written_short(words, cooperative, steps):
    words = ["--environment", "foraging", *words]
    settings, command = flags.parse_training("imagents train", [*words, "--metric-lines", "--trust"], commands.Train)
    assert (settings["cooperative"], settings["steps"]) == (cooperative, steps)
    assert command.metric_lines is command.trust is True
    of_one, _ = flags.parse_training("imagents train", [*words, "--player-2.distributed"], commands.Train)
    assert of_one["player_2.distributed"] is True


@pytest.mark.parametrize("words", [["--steps", "1.5"], ["--steps", "1e-3"], ["--learning-rate", "1e"]])
def test_a_number_that_is_not_whole_is_no_number_of_steps(words, capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", *words])
    assert words[1] in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], *([name] for name in commands.COMMANDS if name != "sagemaker")])
def test_help_has_80_columns(command, capsys):
    with contextlib.suppress(SystemExit):
        cli.main([*command, "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 4 and max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["fly"], "imagents: unknown command 'fly': choose one of "),
        (["trian"], "imagents: unknown command 'trian': did you mean train? choose one of "),
        (["train", "--environment", "connect-four"], "'connect-four': did you mean connect_four? choose one of "),
        (["environments", "Connect4"], "'Connect4': did you mean connect_four? choose one of "),
        (["play", "--environment", "tic-tac-toe"], "'tic-tac-toe': did you mean tic_tac_toe? choose one of "),
        (["train", "--environment", "chess"], "unknown environment 'chess': choose one of tic_tac_toe, "),
        (["train", "--preset", "huge"], "preset = 'huge': tic_tac_toe has the presets default"),
        (["train", "--algorithm", "sarsa"], "algorithm = 'sarsa': choose dqn, double_dqn, c51, tabular"),
        (["web", "--runs", "x" * 300], "x: File name too long"),
        (["evaluate", "x" * 300], "config.json cannot be read: File name too long"),
        (["play", "x" * 300], "or the folder of a run"),
        (["tournament", "x" * 300, "random", "--environment", "tic_tac_toe"], "or the folder of a run"),
        (["train", "--game", "connect_four"], "imagents train: --game: it is called --environment now"),
        (["train", "--plies=500"], "imagents train: --plies: it is called --steps now"),
        (["play", "--game", "connect_four"], "imagents play: --game: it is called --environment now"),
        (["tournament", "--game=connect_four"], "imagents tournament: --game: it is called --environment now"),
        (["train", "--minutes", "-1"], "minutes = -1.0: a budget is more than 0"),
        (["train", "--steps", "0"], "steps = 0: a budget is more than 0"),
        (["train", "--batch-size", "-5"], "batch_size = -5: at least 1 is needed"),
        (["train", "--hidden-layers", "64", "0"], "hidden_layers = 0: a layer has at least 1 unit"),
        (["train", "--opponent", "nobody"], "nobody"),
        (["train", "--opponent", "person"], "opponent = 'person': a person cannot play so many games"),
        (["train", "--opponent", "random=3,person=1"], "opponent = 'random=3,person=1': a person cannot play so many"),
        (["train", "--seed", "-1"], "seed = -1: "),
        (["play", "--seed", "-1"], "seed = -1: a whole number of at least 0 is needed"),
        (["train", "--resume", "/nowhere"], "/nowhere is not a run folder"),
        (["train", "--output-dir", "/proc/run"], "/proc/run cannot be written"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as exit:
        sys.exit(cli.main(arguments))
    assert exit.value.code == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") <= 6 and not printed.out  # tyro draws a box around its sentence


@pytest.mark.parametrize("arguments", [["--steps", "many"], ["--execution", "fast"], ["--speed", "9"]])
def test_arguments_of_another_kind_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["train", *arguments])
    assert exit.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


@pytest.mark.parametrize(
    "environment, algorithm, sections",
    [
        ("connect_four", "", ["connect-four", "c51", "training"]),
        ("tic_tac_toe", "double_dqn", ["tic-tac-toe", "double-dqn", "training"]),
        ("5x5x4", "", ["BoardSettings", "dqn", "training"]),
    ],
)
def test_help_shows_what_an_environment_and_its_algorithm_understand_each_with_its_sentence(
    environment, algorithm, sections, capsys
):
    chosen = ["--environment", environment] + (["--algorithm", algorithm] if algorithm else [])
    printed = explanation(capsys, "train", *chosen)
    config = TrainConfig(environment, **({"algorithm": algorithm} if algorithm else {}))
    settings = "environment preset algorithm output_dir resume schedule trust metric_lines threads".split()
    settings += config.fields()
    settings += ["algorithms", "motivations", "player"]  # and --player-2.learning-rate, of single agents
    shown = {*re.findall(r"--([a-z-]*[a-z])", printed)} - {"help"}
    assert shown == {name.replace("_", "-") for name in settings}
    assert all(re.search(f" {section} options [─-]", printed) for section in sections)
    assert f"here {', '.join(config.environment.presets)}; every other setting overrides it." in printed
    sentences = {}
    for part in (config.environment, config.algorithm, config.training):
        sentences |= flags._sentences(type(part))
    assert {*sentences} == {*config.fields()}
    assert [sentence for sentence in sentences.values() if not sentence or sentence not in printed] == []
    flat = config.to_dict()
    assert f"--opening-plies INT {sentences['opening_plies']} (default: {flat['opening_plies']})" in printed
    assert f"--discount FLOAT {sentences['discount']} (default: {flat['discount']})" in printed
    assert not {"(default: )", "(default: '')", "None"} & {*re.findall(r"\(default: '?'?\)|None", printed)}


def test_only_bad_input_is_told_in_one_sentence(tmp_path, monkeypatch, capsys):
    """Any other error is a fault of ours, and shows its trace."""
    arguments = ["train", "--output-dir", str(tmp_path / "run"), *small_flags()]

    def fail(*arguments, error, **settings):
        raise error

    monkeypatch.setattr(build, "build_agent", functools.partial(fail, error=InputError("name = 1: 2 is needed")))
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err == "imagents train: name = 1: 2 is needed\n"
    monkeypatch.setattr(build, "build_agent", functools.partial(fail, error=ValueError("shapes do not fit")))
    with pytest.raises(ValueError, match="shapes do not fit"):
        cli.main(arguments)
    assert not list(tmp_path.iterdir())


def test_a_preset_sets_defaults_that_other_flags_override(tmp_path):
    arguments = ["--environment", "connect_four", "--output-dir", str(tmp_path / "run")]
    assert cli.main(["train", *arguments, *small_flags(steps=40)]) == 0
    config = Run(tmp_path / "run").config
    assert (config.algorithm.name, config.training.steps, config.training.minutes) == ("c51", 40, None)
    assert (config.environment.opening_plies, config.algorithm.hidden_layers) == (20, (8,))


def test_a_training_without_a_budget_has_the_presets(tmp_path):
    words = iter(small_flags())
    arguments = [word for word in words if word != "--steps" or not next(words)]
    commands.COMMANDS["train"](["--output-dir", str(tmp_path / "run"), *arguments])  # without doing the job
    assert Run(tmp_path / "run").config.training.steps == TrainConfig().training.steps


def test_flags_can_be_spelled_with_underscores_and_as_hyperparameters(tmp_path):
    """As a SageMaker job passes them."""
    arguments = ["--output_dir", str(tmp_path / "run"), *(word.replace("-", "_") for word in small_flags())]
    arguments = [word.replace("__", "--", 1) if word.startswith("__") else word for word in arguments]
    assert "--parallel_games" in arguments and cli.main(["train", *arguments]) == 0
    assert Run(tmp_path / "run").config.training.parallel_games == 16


def test_figures_of_a_run_are_drawn_when_they_are_asked_for(tmp_path, capsys):
    run = train(small_config(), tmp_path / "run", quiet=True)
    before = {path.name for path in (run.path / "plots").iterdir()}
    shutil.rmtree(run.path / "plots")
    assert cli.main(["plot", str(run.path)]) == 0
    assert {path.name for path in (run.path / "plots").iterdir()} == before
    assert capsys.readouterr().out.count(f"done: {run.path}/plots/") == len(before)
    assert cli.main(["plot", str(run.path), "--format", "svg"]) == 0
    drawings = {path.stem: path.read_text() for path in (run.path / "plots").glob("*.svg")}
    assert {f"{name}.png" for name in drawings} == before and all("<svg" in text for text in drawings.values())


def test_train_and_resume_from_the_shell(tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ["train", "--output-dir", str(run), *small_flags()]
    result = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
    assert result.returncode == 0
    if importlib.metadata.version("tensorflow").startswith("2.19."):
        assert result.stderr == ""  # no noise of TensorFlow's; of 2.21 there is some
    assert "optimal moves" in result.stdout and f"done: {run}" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= max(80, len(f"training in {run}"))
    for change, sentence in [
        (["--batch-size", "7"], "batch_size = 7: this run has 16, and a run keeps it"),
        (["--environment", "5x5x4"], "environment = '5x5x4': this run has 'tic_tac_toe', and a run keeps it"),
        (["--preset", "perfect"], "preset = 'perfect': this run has its settings already, and keeps them"),
        (["--output-dir", "other"], "--output-dir and --resume exclude each other: a resumed run keeps its folder"),
    ]:
        assert cli.main(["train", "--resume", str(run), *change]) == 2
        assert capsys.readouterr().err == f"imagents train: {sentence}\n"
    assert cli.main(["train", "--resume", str(run), "--steps", "120"]) == 0
    assert json.loads((run / "evaluation.json").read_text())["steps"] >= 120


def test_ctrl_c_saves_everything_and_says_how_to_go_on(tmp_path):
    """On a real terminal, where the progress bar is drawn."""
    run = tmp_path / "my run"
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    arguments = ["train", "--output-dir", str(run), *small_flags(steps=100_000_000)]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=inside, stderr=inside)
    os.close(inside)
    deadline = time.time() + 120
    while not (run / "metrics.csv").exists() and time.time() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    screen = b""
    try:
        while chunk := os.read(terminal, 4096):
            screen += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait(60) == 130
    text = screen.decode()
    assert "stopping after the chunk under way; a second Ctrl-C ends at once" in text
    assert f"stopped, nothing lost; to go on: imagents train --resume '{run}'" in text.replace("\r\n", "")
    assert text.startswith("loading tensorflow ...") and "win%" in text
    bar = [line for line in text.replace("\n", "\r").split("\r") if "win%" in line]
    assert max(map(len, bar)) <= 80
    assert len(Run(run).checkpoints()) == 2  # of the beginning and of now
    assert Run(run).metrics()["round"].iloc[-1] == int(Run(run).checkpoints()[-1].name)
