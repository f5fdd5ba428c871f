"""The `imagents` command: help at once, one sentence for bad input, exit codes that scripts can rely on."""

import fcntl
import importlib.metadata
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from imagents import cli
from imagents.runs.run import Run

COMMAND = [sys.executable, "-m", "imagents.cli"]
SMALL = "--parallel-games 32 --batch-size 32 --rounds-per-chunk 10 --hidden-layers 16 --execution graph".split()


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
    assert "--plies" in result.stdout and "Training budget in environment steps" in result.stdout
    assert not result.stderr


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["fly"], "imagents: unknown command 'fly': choose one of "),
        (["train", "--game", "chess"], "unknown game 'chess': choose one of tic_tac_toe, connect_four"),
        (["train", "--preset", "huge"], "preset = 'huge': tic_tac_toe has the presets default"),
        (["train", "--minutes", "-1"], "minutes = -1.0: a budget is more than 0"),
        (["train", "--plies", "0"], "plies = 0: a budget is more than 0"),
        (["train", "--batch-size", "-5"], "batch_size = -5: at least 1 is needed"),
        (["train", "--hidden-layers", "64", "0"], "hidden_layers = 0: a layer has at least 1 unit"),
        (["train", "--opponent", "nobody"], "nobody"),
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


@pytest.mark.parametrize("arguments", [["--plies", "many"], ["--algorithm", "ppo"], ["--speed", "9"]])
def test_arguments_of_another_kind_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["train", *arguments])
    assert exit.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


def test_a_preset_sets_defaults_that_other_flags_override(tmp_path, eagerly):
    arguments = ["--game", "connect_four", "--plies", "500", "--output-dir", str(tmp_path / "run")]
    assert cli.main(["train", *arguments, *SMALL]) == 0
    config = Run(tmp_path / "run").config
    assert (config.algorithm, config.plies, config.minutes) == ("c51", 500, None)
    assert config.hidden_layers == (16,)


def test_flags_can_be_spelled_with_underscores_and_as_hyperparameters(tmp_path, eagerly):
    """As a SageMaker job passes them."""
    arguments = ["--plies", "500", "--output_dir", str(tmp_path / "run"), "--parallel_games", "32"]
    assert cli.main(["train", *arguments, *SMALL]) == 0
    assert Run(tmp_path / "run").config.parallel_games == 32


def test_train_and_resume_from_the_shell(tmp_path):
    run = tmp_path / "run"
    arguments = ["train", "--plies", "1000", "--output-dir", str(run), *SMALL]
    result = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
    assert result.returncode == 0
    if importlib.metadata.version("tensorflow").startswith("2.19."):
        assert result.stderr == ""  # no noise of TensorFlow's; of 2.21 there is some
    assert "optimal moves" in result.stdout and f"done: {run}" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= max(80, len(f"training in {run}"))
    assert cli.main(["train", "--resume", str(run), "--batch-size", "7"]) == 2  # a run keeps its settings
    assert cli.main(["train", "--resume", str(run), "--plies", "2000"]) == 0
    assert json.loads((run / "evaluation.json").read_text())["plies"] >= 2000


def test_ctrl_c_saves_everything_and_says_how_to_go_on(tmp_path):
    """On a real terminal, where the progress bar is drawn."""
    run = tmp_path / "run"
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    arguments = ["train", "--plies", "100000000", "--output-dir", str(run), *SMALL]
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
    assert f"stopped, nothing lost; to go on: imagents train --resume {run}" in text.replace("\r\n", "")
    assert "win%" in text
    bar = [line for line in text.replace("\n", "\r").split("\r") if "win%" in line]
    assert max(map(len, bar)) <= 80
    assert len(Run(run).checkpoints()) == 2  # of the beginning and of now
    assert Run(run).metrics()["round"].iloc[-1] == int(Run(run).checkpoints()[-1].name)
