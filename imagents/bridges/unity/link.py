"""The line to a build, or to the editor: Unity is the client, and asks what to do next; no TensorFlow.

Unity's first message says who it is, and the answer gives it its seed. Its second one is empty, and the answer to that
is the first command. From then on each message says what its agents see, and each answer what they do.
"""

import concurrent.futures
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref

import grpc

from imagents.bridges.unity.messages import CLOSE, MESSAGES, OK, SERVICE, VERSION, Message
from imagents.errors import InputError

EDITOR = "editor"  # in place of a path
EDITOR_PORT = 5004  # at which the editor looks for a trainer
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")  # through which Unity would look for this machine
_PATIENCE = 2.0  # seconds that a build has to quit by itself
_CAPABILITIES = [field.name for field in MESSAGES["UnityRLCapabilitiesProto"].DESCRIPTOR.fields]


class Link:
    """A build that was started for it, or the editor, once it has called.

    A build gets a port that the system says is free. It is seeded once, where it starts.

    Args:
      path: of the build's executable; `EDITOR` waits for the editor instead.
      seed: of all that it draws.
      timeout: seconds within which it has to answer.
      graphics: whether it draws, which needs a screen.

    Attributes:
      channels_first: whether its images are [channels, height, width], as from version 3 of its package on.
      old_actions: whether it reads actions as a list of numbers, as before version 1.3 of the protocol.

    Raises:
      InputError: if there is no such build, it does not answer, or speaks another protocol.
    """

    def __init__(self, path: str, seed: int, timeout: float, graphics: bool = False):
        self._name, self._timeout, self._process = path, timeout, None
        command = [] if path == EDITOR else _command(path)
        self._received, self._answers = queue.SimpleQueue(), queue.SimpleQueue()
        thread = _OneThread()
        server, port = _serve(self._received, self._answers, thread, 0 if command else EDITOR_PORT)
        self._log, processes = tempfile.TemporaryFile(), []
        self.close = weakref.finalize(self, _end, server, self._answers, thread, processes, self._log)
        if command:
            command += [] if graphics else ["-batchmode", "-nographics"]
            command += ["-logFile", "-", "--mlagents-port", str(port)]
            environment = {name: value for name, value in os.environ.items() if name not in _PROXIES}
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env=environment,
                    start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise InputError(f"{path} does not start: {error.strerror}") from None
            processes.append(self._process)
        else:
            print("press Play in the editor", file=sys.stderr, flush=True)
        self._begin(seed)

    def exchange(self, command: int, actions: dict | None = None, side_channel: bytes = b""):
        """Says what to do, and returns what came of it.

        Args:
          command: `STEP` or `RESET`.
          actions: by behaviour, a list of actions, one for each agent that was asked last, in that order; each is a
            pair of lists, of continuous and of discrete ones.
          side_channel: what the scene is told besides.

        Returns:
          A UnityOutputProto.

        Raises:
          InputError: if it ended, or does not answer.
        """
        answer = Message()
        answer.header.status = OK
        told = answer.unity_input.rl_input
        told.command, told.side_channel = command, side_channel
        for behaviour, rows in (actions or {}).items():
            listed = told.agent_actions[behaviour].value
            for continuous, discrete in rows:
                own = listed.add(continuous_actions=continuous, discrete_actions=discrete)
                if self.old_actions:
                    own.vector_actions_deprecated.extend([*continuous, *discrete])
        self._answers.put(answer)
        return self._next().unity_output

    def _begin(self, seed: int) -> None:
        said = self._next().unity_output.rl_initialization_output
        version = _numbers(said.communication_version)
        if version[0] != _numbers(VERSION)[0]:
            self._fail(f"{self._name} speaks version {said.communication_version or 0} of Unity's protocol: it is "
                       f"{VERSION} here")  # fmt: skip
        self.old_actions, self.channels_first = version < (1, 3), _numbers(said.package_version)[0] >= 3
        answer = Message()
        answer.header.status = OK
        own = answer.unity_input.rl_initialization_input
        own.seed, own.communication_version, own.package_version = seed, VERSION, "imagents"
        own.num_areas = 1
        for capability in _CAPABILITIES:
            setattr(own.capabilities, capability, True)
        self._answers.put(answer)
        self._next()

    def _next(self):
        """The next message; whether the process has ended is asked where none comes."""
        deadline, has_ended = time.monotonic() + self._timeout, False
        while True:
            try:
                message = self._received.get(timeout=0.2)
                break
            except queue.Empty:
                status = self._process.poll() if self._process else None
            if has_ended:  # and what it sent just before would be here by now
                how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
                self._fail(f"{self._name} ended {how}")
            has_ended = status is not None
            if time.monotonic() > deadline:
                what = "its process runs on" if self._process else "is Play pressed in the editor?"
                self._fail(f"{self._name} has not answered for {self._timeout:g} seconds: {what}")
        if message.header.status != OK:
            self._fail(f"{self._name} has closed the line, with status {message.header.status}")
        return message

    def _fail(self, sentence: str) -> None:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        last = [line.strip() for line in lines if any(map(str.isalpha, line))][-1:]
        self.close()
        raise InputError(f"{sentence}{f'; it said last: {last[0][:200]}' if last else ''}")


class _OneThread(concurrent.futures.Executor):
    """Where calls are answered, one after the other; it holds nobody up who wants to end."""

    def __init__(self):
        self._calls = queue.SimpleQueue()
        threading.Thread(target=self._run, args=[self._calls], daemon=True).start()

    def submit(self, function, /, *args, **kwargs):
        future = concurrent.futures.Future()
        self._calls.put((future, function, args, kwargs))
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._calls.put(None)

    @staticmethod
    def _run(calls: queue.SimpleQueue) -> None:
        while call := calls.get():
            future, function, args, kwargs = call
            try:
                future.set_result(function(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)


def _serve(received: queue.SimpleQueue, answers: queue.SimpleQueue, thread: _OneThread, port: int):
    """A `grpc.Server` on this machine, and its port; 0 is any that is free."""

    def exchange(message, context):
        received.put(message)
        return answers.get()

    method = grpc.unary_unary_rpc_method_handler(exchange, Message.FromString, Message.SerializeToString)
    server = grpc.server(
        thread,
        [grpc.method_handlers_generic_handler(SERVICE, {"Exchange": method})],
        options=[("grpc.so_reuseport", 0), *((f"grpc.max_{way}_message_length", -1) for way in ("receive", "send"))],
    )
    try:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError:
        raise InputError(f"port {port}, at which the editor looks for a trainer, is in use by another one") from None
    server.start()
    return server, port


def _end(server: grpc.Server, answers: queue.SimpleQueue, thread: _OneThread, processes: list, log) -> None:
    """Tells Unity to quit, and sees that it does."""
    for _ in range(2):  # where it has just begun to talk it asks twice
        answers.put(Message(header={"status": CLOSE}))
    for process in processes:
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    server.stop(None)
    thread.shutdown()
    log.close()


def _command(path: str) -> list[str]:
    """What starts a build: the file, the same with .x86_64 behind it, or the one of these in a folder.

    Raises:
      InputError: if there is none, or it cannot be executed.
    """
    given, longer = pathlib.Path(path), pathlib.Path(f"{path}.x86_64")
    inside = sorted([*given.glob("*.x86_64"), *given.glob("Contents/MacOS/*")])
    found = [given] if given.is_file() else [longer] if longer.is_file() else inside
    if len(found) != 1:
        what = f"there are {', '.join(each.name for each in found)} in it" if found else "there is no such file"
        raise InputError(f"{what}; the path of a build's executable is needed, such as ./game.x86_64")
    if not os.access(found[0], os.X_OK):
        raise InputError(f"{found[0]} is no program that may be executed: chmod +x {found[0]}")
    return [str(found[0].resolve())]


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version, of 3.0.0-exp.1 for example 3, 0 and 0."""
    return tuple(map(int, re.match(r"[\d.]*", version)[0].strip(".").split("."))) if version[:1].isdigit() else (0,)
