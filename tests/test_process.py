"""What is around a process: closed streams, poor terminals, signals in the middle of C code, little memory."""

import contextlib
import importlib
import io
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf
from small import small_config, small_flags

import imagents
from imagents import InputError, cli, process
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.learning.build import build_agent, build_agents
from imagents.training.loop import Trainer

GB = 10**9


def shell(code: str, redirections: str = "", **environ) -> subprocess.CompletedProcess:
    """Runs Python from a shell, which can close streams."""
    command = f'"$0" -c "$1" {redirections}'
    return subprocess.run(["sh", "-c", command, sys.executable, code], capture_output=True, env=os.environ | environ)


# Streams


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_sentence_is_wrapped_on_a_terminal_and_nowhere_else():
    sentence = "a-word " * 30
    lines = process.fitted(sentence, Terminal(), indent=3).splitlines()
    assert max(map(len, lines)) <= 80 and all(line.startswith("   a-word") for line in lines[1:]) and len(lines) == 3
    assert process.fitted(sentence, io.StringIO()) == sentence


def test_a_module_that_takes_long_is_announced_on_a_terminal(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    for name, stream, said in (("slow_1", io.StringIO(), ""), ("slow_2", Terminal(), "loading slow_2 ...\n")):
        (tmp_path / f"{name}.py").touch()
        importlib.invalidate_caches()
        with process.Announcing(name, stream) as announcing:
            importlib.import_module(name)
            assert importlib.import_module(name)  # a second time says nothing
        assert stream.getvalue() == said and announcing not in sys.meta_path


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_what_a_closed_stream_is_told_goes_nowhere(closed, tmp_path):
    """And not into the next file that is opened, which had its number."""
    file = tmp_path / "file"
    done = shell(f"""
import os, subprocess, sys
from imagents.process import open_streams
open_streams()
with open({str(file)!r}, "w") as file:
    assert sys.stdin.read() == ""
    print("said", flush=True)
    print("wrong", file=sys.stderr, flush=True)
    os.write(1, b"said\\n")  # as C libraries do
    os.write(2, b"wrong\\n")
    subprocess.run(["sh", "-c", "echo said; echo wrong >&2"], check=True)  # and those that it starts
    file.write("content")
""", f"{closed} {'' if '<' in closed else '</dev/null'}")
    assert done.returncode == 0
    assert done.stdout == (b"" if ">&-" in closed.replace("2>&-", "") else b"said\n" * 3)
    assert done.stderr == (b"" if "2>&-" in closed else b"wrong\n" * 3)
    assert file.read_text() == "content"


@pytest.mark.parametrize("arguments, status", [("--version", 0), ("fly", 2), ("train --environment chess", 2)])
def test_a_command_ends_as_usual_when_its_streams_are_closed(arguments, status):
    code = f"""
import os, sys
from imagents.cli import main
status = main({arguments.split()!r})
sys.exit(status if sys.stdout and sys.stderr and os.fstat(2) else 1)
"""
    assert shell(code, "<&- >&- 2>&-").returncode == status


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_a_training_does_its_work_when_its_streams_are_closed(closed, tmp_path):
    arguments = ["train", "--output-dir", str(tmp_path / "run"), *small_flags()]
    done = shell(f"import sys; from imagents.cli import main; sys.exit(main({arguments!r}))", closed)
    assert done.returncode == 0 and (tmp_path / "run" / "evaluation.json").exists()
    assert (b"done: " in done.stdout) == (closed == "2>&-")


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-15", "utf-8"])
def test_text_that_a_terminal_does_not_know_is_no_error(encoding):
    """Such as a board in a font that is not there, or a folder's name that is no UTF-8."""
    done = shell("""
import sys
from imagents.process import open_streams
open_streams()
print("\\u25cf \\udcff", file=sys.stdout)
print("\\u25cf \\udcff", file=sys.stderr)
""", PYTHONIOENCODING=encoding, PYTHONUTF8="0")  # fmt: skip
    shown = ("\u25cf" if encoding == "utf-8" else "\\u25cf") + " \\udcff\n"
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, shown, shown)


def test_bytes_that_are_no_text_can_be_typed():
    code = "from imagents.process import open_streams; open_streams(); print(repr(input()))"
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], input=b"\xff1\n", capture_output=True)
    assert done.stdout.decode() == "'\\\\xff1'\n"


# Signals

BUSY = """
import contextlib, hashlib, os, signal, sys
from imagents.process import Signals, ended_by

def busy():  # C code that keeps the main thread and lets others run, as TensorFlow does while it compiles
    hashlib.pbkdf2_hmac("sha256", b"", b"", 8_000_000)

print("begun", os.getpid(), flush=True)
"""
STOP = "with Signals(lambda number: print('stop', number, flush=True)) as signals:\n    "


class Busy:
    """A process in the middle of C code."""

    def __init__(self, code: str, *prefix: str):
        command = [*prefix, sys.executable, "-c", BUSY + code]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.line().startswith("begun")
        time.sleep(0.2)
        self._busy_until = time.monotonic() + 0.6  # much less than it takes

    def line(self) -> str:
        return self._process.stdout.readline().rstrip("\n")

    def send(self, number: int) -> None:
        process = self._process.pid
        children = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()
        os.kill(int(children[0]) if children else process, number)  # within unshare

    def end(self, at_once: bool = True) -> tuple[int, str]:
        _, errors = self._process.communicate(timeout=60)
        assert (time.monotonic() < self._busy_until) == at_once
        return self._process.returncode, errors


def test_a_signal_is_answered_while_the_main_thread_is_in_c_code_and_a_second_one_ends_at_once():
    process = Busy(f"with ended_by(signal.SIGINT):\n  {STOP}busy()")
    process.send(signal.SIGINT)
    assert process.line() == "stop 2"
    process.send(signal.SIGINT)
    assert process.end() == (130, "")


def test_a_second_signal_of_another_kind_ends_at_once_too():
    process = Busy(f"with ended_by(signal.SIGINT), ended_by(signal.SIGTERM):\n  {STOP}signals.take(15); busy()")
    process.send(signal.SIGTERM)
    assert process.line() == "stop 15"
    process.send(signal.SIGINT)
    assert process.end() == (130, "")


def test_after_one_signal_the_work_is_finished():
    process = Busy(f"with ended_by(signal.SIGINT):\n  {STOP}busy()\nprint('done')")
    process.send(signal.SIGINT)
    assert [process.line(), process.line()] == ["stop 2", "done"]
    assert process.end(at_once=False) == (0, "")


def test_a_signal_that_is_not_taken_yet_ends_at_once():
    process = Busy(f"with ended_by(signal.SIGTERM):\n  {STOP}busy()")
    process.send(signal.SIGTERM)
    assert process.end() == (143, "")


def test_in_a_users_own_program_a_second_one_is_an_interrupt_that_can_be_caught():
    process = Busy(f"""
try:
  {STOP.replace("    ", "      ")}busy()
except KeyboardInterrupt:
    print('caught')
""")
    process.send(signal.SIGINT)
    assert process.line() == "stop 2"
    process.send(signal.SIGINT)
    assert process.line() == "caught"
    assert process.end(at_once=False) == (0, "")


NAMESPACE = ["unshare", *(["--user"] if os.getuid() else []), "--fork", "--pid", "--kill-child"]
needs_namespaces = pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode != 0,
    reason="needs unshare, and the right to use it",
)


@needs_namespaces
@pytest.mark.parametrize("code", ["busy()", f"{STOP}busy()", "import time; time.sleep(9)"])
def test_the_first_process_of_a_container_is_ended_by_sigterm(code):
    """For which the kernel's own action is to ignore it."""
    indented = "\n".join("  " + line for line in code.split("\n"))
    process = Busy(f"assert os.getpid() == 1\nwith ended_by(signal.SIGTERM):\n{indented}", *NAMESPACE)
    process.send(signal.SIGTERM)
    is_in_c = code == "busy()"  # without a thread that listens, Python has to come back
    assert process.end(at_once=not is_in_c) == (143, "")


def test_handlers_are_as_they_were_afterwards():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], signal.set_wakeup_fd(-1)
    with process.ended_by(signal.SIGTERM), process.Signals(lambda number: None) as signals:
        signals.take(signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert ([signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], signal.set_wakeup_fd(-1)) == before


# Memory


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(process, "_free_memory", lambda: 8 * GB)


@pytest.mark.parametrize(
    "changes, what",
    [
        ({"replay_length": 2**31}, "a replay buffer of 16 x 2147483648 decisions would need 1,"),
        ({"hidden_layers": (100_000, 100_000)},
         "player_1: a Q network with hidden_layers = (100000, 100000) would need 160"),
        ({"hidden_layers": (10**9,)}, "batch_size = 16 with hidden_layers = (1000000000,) would need 64.0 GB"),
        ({"batch_size": 2**31}, "batch_size = 2147483648 with hidden_layers = (8,) would need 146"),
        ({"opponent": "league", "league_size": 2**14, "parallel_games": 2**14, "hidden_layers": (4096,)},
         "opponent = 'league': a league of 16384 past selves would need "),
        ({"parallel_games": 2**31}, "2147483648 parallel games would need "),
        ({"parallel_games": 2**31, "environment": "8x8x4"}, "2147483648 parallel games would need "),
    ],
)  # fmt: skip
def test_sizes_for_which_there_is_no_memory_are_refused_before_anything_is_written(
    changes, what, little, tmp_path, capsys
):
    flags = small_flags(**changes)
    assert cli.main(["train", "--output-dir", str(tmp_path / "run"), *flags]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"imagents train: {what}") and printed.endswith(" of memory, and there are 8.0 GB\n")
    assert not (tmp_path / "run").exists()


def test_matches_for_which_there_is_no_memory_are_refused(little):
    for games in (2**31, 4 * 10**9):
        with pytest.raises(InputError, match=f"^{games} parallel games would need .* and there are 8.0 GB"):
            imagents.play_tournament(["random", "heuristic"], "tic_tac_toe", games=games)


def test_what_a_process_may_have_is_less_than_the_machines_memory_and_its_own_limit():
    code = """
import resource
from imagents.process import _free_memory
resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9))
print(_free_memory())
"""
    assert 10**9 < float(shell(code).stdout) < 2 * 10**9
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
    assert 0 < process._free_memory() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


# TensorFlow


@pytest.fixture
def as_before():
    yield
    tf.keras.backend.set_floatx("float32")
    tf.keras.mixed_precision.set_global_policy("float32")


SETTINGS = {
    "floatx = float64": lambda: tf.keras.backend.set_floatx("float64"),
    "floatx = float16": lambda: tf.keras.backend.set_floatx("float16"),
    "the policy mixed_float16": lambda: tf.keras.mixed_precision.set_global_policy("mixed_float16"),
    "the policy mixed_bfloat16": lambda: tf.keras.mixed_precision.set_global_policy("mixed_bfloat16"),
    "the scope of a OneDeviceStrategy": lambda: tf.distribute.OneDeviceStrategy("CPU:0").scope(),
    "the scope of a MirroredStrategy": lambda: tf.distribute.MirroredStrategy(["CPU:0"]).scope(),
    "graph mode": lambda: tf.Graph().as_default(),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_with_which_agents_cannot_work_is_named_where_one_is_built(setting, as_before):
    config = small_config()
    environment = config.environment.build(4, 0)
    agents = build_agents(config)
    builders = (
        lambda: BoardGameEnvironment(imagents.TIC_TAC_TOE),
        lambda: build_agent(config.replace(parallel_games=4), environment, 0),
        lambda: imagents.IMAgent(environment.time_step_spec(), environment.action_spec(), batch_size=4),
        lambda: Trainer(environment, agents),
        lambda: imagents.train(config, "never/made"),
    )
    for build in builders:
        with SETTINGS[setting]() or contextlib.nullcontext():
            with pytest.raises(InputError, match=f"TensorFlow as it is by default, not with {setting}: "):
                build()


@pytest.mark.slow
def test_numpy_behaviour_is_named(tmp_path):
    """Which cannot be undone."""
    done = shell("""
import imagents, tensorflow as tf
tf.experimental.numpy.experimental_enable_numpy_behavior()
imagents.BoardGameEnvironment(imagents.TIC_TAC_TOE)
""")
    assert b"InputError: agents learn with TensorFlow as it is by default, not with NumPy behaviour" in done.stderr


def test_what_the_machine_lacks_is_said_and_a_fault_of_ours_shows_its_trace(tmp_path, monkeypatch, capsys):
    def elsewhere():
        with tf.device("/job:elsewhere/device:CPU:0"):
            return tf.constant(1) + 1

    def too_large():  # as TensorFlow says it, which looks for room for ten seconds first
        said = "OOM when allocating tensor with shape[1048576,1073741824] and type float by allocator cpu [Op:Fill]"
        raise tf.errors.ResourceExhaustedError(None, None, f"{{{{function_node __wrapped__Fill}}}} {said}")

    arguments = ["train", "--output-dir", str(tmp_path / "run"), *small_flags()]
    for lacking, sentence in (
        (too_large, "out of memory: OOM when allocating tensor with shape[1048576,1073741824]"),
        (lambda: [0] * 2**60, "out of memory: "),
        (elsewhere, "/job:elsewhere/replica:0/task:0/device:CPU:0 unknown device."),
    ):
        monkeypatch.setattr("imagents.learning.build.build_agent", lambda *_, **__: lacking())  # noqa: B023
        assert cli.main(arguments) == 1
        printed = capsys.readouterr().err
        assert printed.startswith(f"imagents train: {sentence}") and printed.count("\n") == 1
        assert "{{" not in printed and "[Op" not in printed
    wrong = lambda *_, **__: tf.matmul(tf.zeros([2, 3]), tf.zeros([2, 3]))  # noqa: E731
    monkeypatch.setattr("imagents.learning.build.build_agent", wrong)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size-incompatible"):
        cli.main(arguments)
    assert not (tmp_path / "run").exists()
