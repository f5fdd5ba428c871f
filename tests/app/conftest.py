"""A page that is served as `imagents web` does, over runs of its own, and a browser to look at it."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from imagents.config import TrainConfig
from imagents.environments.boards.games import GAMES
from imagents.environments.boards.record import Record
from imagents.files import write_json
from imagents.runs.run import Run
from imagents.training.loop import build

ROOT = pathlib.Path(__file__).parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def _serve(command, cwd=ROOT, host="127.0.0.1", **environ):
    port = free_port()
    # A machine on which nobody has set a locale, and whose way out leads through a proxy that is not there.
    environ = {"GRADIO_SERVER_PORT": str(port), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
               "all_proxy": "socks5://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"} | environ
    command = [str(port) if word == "PORT" else word for word in command]
    process = subprocess.Popen(
        command, cwd=cwd, env=os.environ | environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        _wait_for(process, host, port)
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        process.send_signal(signal.SIGINT)  # Ctrl-C
        said = process.communicate(timeout=30)[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert "Traceback" not in said and "Error" not in said, said  # whatever the tests sent


def _wait_for(process, host, port):
    until = time.monotonic() + 300
    while time.monotonic() < until:
        with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection(host, port)) as probe:
            probe.request("GET", "/")
            assert probe.getresponse().status == 200
            return
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.2)
    raise AssertionError("the page did not start")


@pytest.fixture(scope="session")
def serve():
    """Starts a page by a command, in which PORT stands for a free port; gives its address, and ends it by Ctrl-C."""
    return _serve


def _write_run(path: pathlib.Path, rows: int = 3, **settings) -> Run:
    run = Run.create(path, TrainConfig(**settings))
    for row in range(rows):
        measured = {"round": 100 * row, "steps": 1000 * (row + 1), "player_1_loss": 0.5, "player_2_loss": 0.25}
        measured |= {"player_1_return": 0.1, "player_2_return": -0.1, "player_1_optimal": 0.75, "player_2_optimal": 0.5}
        run.append_metrics(measured)
    return run


def _make_run(path: pathlib.Path, rounds: int = 0, **settings) -> Run:
    config = TrainConfig(parallel_games=8, batch_size=8, hidden_layers=(16,), execution="eager", **settings)
    run, trainer = Run.create(path, config), build(config)
    run.save(tf.train.Checkpoint(trainer=trainer), rounds, 0.0)
    return run


@pytest.fixture(scope="session")
def write_run():
    """Writes the files of a run that has logged some rows, without any training."""
    return _write_run


@pytest.fixture(scope="session")
def make_run():
    """Makes a run of untrained agents, with a checkpoint."""
    return _make_run


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("web") / "runs"
    _write_run(folder / "measured")
    write_json(folder / "measured" / "evaluation.json", {"agents": {"player_1": {"optimal_share": 0.987654}}})
    (folder.parent / "secret.txt").write_text("a secret")
    return folder


@pytest.fixture(scope="session")
def page_address(runs):
    pytest.importorskip("gradio", reason="the extra `web` is missing")
    with _serve([sys.executable, "-m", "imagents.cli", "web", "--runs", str(runs), "--port", "PORT"]) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; where there is none, the tests skip, unless IMAGENTS_BROWSER says that there has to be."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        return no_browser("the extra `browser` is missing (playwright)")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            no_browser("no Chromium is installed: apt-get install chromium")
        yield chromium
        chromium.close()


def no_browser(reason):
    if os.environ.get("IMAGENTS_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


class Visitor:
    """Somebody at the page: clicks, and reads what it says."""

    def __init__(self, browser, address, size=(1280, 860), **options):
        viewport = dict(zip(("width", "height"), size, strict=True))
        self.context = browser.new_context(viewport=viewport, has_touch=size[0] < 500, **options)
        self.page = self.context.new_page()
        self.complaints, self.foreign = [], []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else
                     self.foreign.append(r.url))
        self.page.goto(address)
        self.page.wait_for_selector("[data-move], .anew", timeout=60_000)

    @property
    def state(self) -> dict:
        return json.loads(self.page.evaluate("sessionStorage.getItem('imagents.visit')"))

    @property
    def record(self) -> Record:
        state = self.state
        return Record(GAMES[state["game"]], state["first"], tuple(state["moves"]))

    @property
    def status(self) -> str:
        return self.page.inner_text(".status")

    def does(self, action):
        """Does something on the page and waits until its state has changed."""
        kept = "sessionStorage.getItem('imagents.visit')"
        before = self.page.evaluate(kept)
        action()
        self.page.wait_for_function(f"before => {kept} !== before", arg=before)

    def click(self, selector):
        self.does(lambda: self.page.click(selector))

    def move(self, action):
        self.click(f'[data-move="{action}"]')

    def choose(self, field, value):
        self.does(lambda: self.page.select_option(f'[data-set="{field}"]', value))

    def game(self, name):
        if self.state["game"] != name:
            self.click(f'[data-value="{name}"]')

    def plays(self, choose):
        """Plays by clicks, as `choose` says, until a game is over."""
        while not self.record.is_over:
            self.move(choose(self.record))
        return self.record


@pytest.fixture(scope="session")
def visitor():
    """The class of those who look at a page."""
    return Visitor
