"""What a process has around it: its standard streams, signals, memory, and the settings of TensorFlow."""

import contextlib
import os
import pathlib
import re
import resource
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

from imagents.errors import InputError


def open_streams() -> None:
    """Opens the standard streams that were closed, on nothing; and what one cannot encode or decode is no error."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # its number is free, and the next file to open would get that, and all output
            stream = open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8")
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def fitted(text: str, stream: TextIO, indent: int = 0) -> str:
    """A line as a stream shows it: on a terminal in lines of 80 columns, the others indented; else as it is."""
    if not stream.isatty():
        return text
    options = {"break_long_words": False, "break_on_hyphens": False, "subsequent_indent": " " * indent}
    return textwrap.fill(text, 80, **options)


class Announcing:
    """Within this context the import of a module, which takes seconds, is said on a terminal beforehand.

    Args:
      module: its name.
      stream: where it is said.
    """

    def __init__(self, module: str, stream: TextIO):
        self._module, self._stream = module, stream

    def __enter__(self):
        if self._stream.isatty():
            sys.meta_path.insert(0, self)
        return self

    def __exit__(self, *_):
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path=None, target=None) -> None:
        """Finds nothing, as others do."""
        if name == self._module:
            self.__exit__()
            print(f"loading {self._module} ...", file=self._stream, flush=True)


# Signals


def end(number: int, frame=None) -> None:
    """Ends the process at once, by a signal."""
    del frame
    os._exit(128 + number)


def called(number: int) -> str:
    """What people call a signal."""
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


@contextlib.contextmanager
def ended_by(number: int) -> Iterator[None]:
    """Within this context a signal ends the process; the first process of a container would ignore it otherwise."""
    if threading.current_thread() is not threading.main_thread():
        yield  # nobody sends signals here
        return
    before = signal.signal(number, end)
    try:
        yield
    finally:
        signal.signal(number, before)


class Signals:
    """Within this context SIGINT, and other signals that it takes, call `stop(number)`; a second one does what it did.

    At once, also while TensorFlow compiles: Python runs handlers in the main thread, between two of its steps, but
    writes the number of a signal to a pipe when it comes. A thread waits at the other end.
    """

    def __init__(self, stop: Callable[[int], None]):
        self._stop, self._before, self._is_again, self._answered = stop, {}, False, threading.Event()
        self._is_main = threading.current_thread() is threading.main_thread()

    def __enter__(self):
        if self._is_main:
            self._reading, self._writing = os.pipe()
            os.set_blocking(self._writing, False)
            self._waking_before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
            threading.Thread(target=self._listen, daemon=True).start()
        self.take(signal.SIGINT)
        return self

    def take(self, number: int) -> None:
        """Answers a signal from now on."""
        if self._is_main and number not in self._before:
            self._before[number] = signal.signal(number, self._handle)

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._is_main:
            signal.set_wakeup_fd(self._waking_before)
            os.close(self._writing)

    def _listen(self) -> None:
        while byte := os.read(self._reading, 1):
            number = byte[0]
            if number in self._before and not self._answered.is_set():
                self._stop(number)
                self._answered.set()
            elif self._before.get(number, signal.getsignal(number)) in (end, signal.SIG_DFL):
                end(number)
            else:
                self._is_again = True
        os.close(self._reading)

    def _handle(self, number, frame) -> None:
        if not self._answered.wait(1.0):  # somebody else took the pipe's place
            self._stop(number)
        for n, handler in self._before.items():
            signal.signal(n, handler)
        if self._is_again:  # while Python could run no handler
            self._before[number](number, frame)


# Memory


def check_memory(what: str, num_bytes: int) -> None:
    """Raises an InputError, before anything is made of that size, if there is no memory for it."""
    free = _free_memory()
    if num_bytes > free:
        raise InputError(f"{what} would need {num_bytes / 1e9:,.1f} GB of memory, and there are {free / 1e9:,.1f} GB")


def _free_memory() -> float:
    """Bytes that this process can get: of the machine, of its control group, and by its own limit."""
    most = [float("inf")]
    for file, name, unit in (("/proc/meminfo", "MemAvailable:", 1024), ("/sys/fs/cgroup/memory.max", "", 1),
                             ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "", 1)):  # fmt: skip
        with contextlib.suppress(OSError, ValueError, IndexError):  # another system, or no limit
            text = pathlib.Path(file).read_text(encoding="utf-8")
            most.append(unit * int(text.partition(name)[2].split()[0] if name else text))
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        with contextlib.suppress(OSError):
            pages = pathlib.Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]
            most.append(max(0, limit - int(pages) * resource.getpagesize()))
    return min(most)


# TensorFlow


def check_tensorflow() -> None:
    """Raises an InputError for a setting of TensorFlow's, good for the whole process, with which agents cannot work."""
    import tensorflow as tf

    floatx, policy = tf.keras.backend.floatx(), tf.keras.mixed_precision.global_policy().name
    strategy = type(tf.distribute.get_strategy()).__name__
    for is_set, setting, undo in (
        (floatx != "float32", f"floatx = {floatx}", "tf.keras.backend.set_floatx('float32')"),
        (policy != "float32", f"the policy {policy}", "tf.keras.mixed_precision.set_global_policy('float32')"),
        (hasattr(tf.Tensor, "astype"), "NumPy behaviour", "start Python without experimental_enable_numpy_behavior()"),
        (tf.distribute.has_strategy(), f"the scope of a {strategy}", "build and train outside of it"),
        (not tf.executing_eagerly(), "graph mode", "build outside of tf.function and tf.Graph, in eager mode"),
    ):
        if is_set:
            raise InputError(f"agents learn with TensorFlow as it is by default, not with {setting}: {undo}")


def what_lacks(error: BaseException) -> str:
    """In one sentence what an error of TensorFlow's says that this machine lacks; "" for any other error."""
    said = re.sub(r"^({{.*?}} *)+|\n.*| *\[Op:.*", "", str(error), flags=re.DOTALL)  # not in which operation
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return f"out of memory: {said}"
    is_tensorflows = type(error).__module__.startswith("tensorflow.")
    return said if is_tensorflows and re.search("devices? (for )?spec|unknown device|cuda", said, re.IGNORECASE) else ""
