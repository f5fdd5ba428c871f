"""Makes the pictures of README.md and docs/play.md: python docs/images/make.py, some 3 minutes.

It needs the extras web, browser and solver, and Chromium.
"""

import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

from PIL import Image
from playwright.sync_api import sync_playwright

import imagents
from imagents import plotting

FOLDER = pathlib.Path(__file__).parent
MOVES = (3, 3, 2, 4)  # of the visitor, who soon errs


def screenshot(path: pathlib.Path) -> None:
    """The page in a game of connect four, light, in 256 colours."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = subprocess.Popen([sys.executable, "-m", "imagents.cli", "web", "--port", str(port)], stdout=subprocess.PIPE)
    try:
        page.stdout.readline()  # says that it listens
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            tab = chromium.new_page(viewport={"width": 1280, "height": 720})
            tab.goto(f"http://127.0.0.1:{port}")
            tab.click("text=Connect four")
            for switch in ("q_values", "verdicts"):
                tab.check(f'[data-set="{switch}"]')
                tab.wait_for_timeout(1000)
            for number, column in enumerate(MOVES):
                tab.click(f'[data-move="{column}"]')
                tab.wait_for_selector(f'[data-ply="{2 * number + 1}"]')
            tab.mouse.move(0, 0)
            tab.evaluate("document.activeElement.blur()")
            tab.wait_for_selector(".verdict b", timeout=60_000)
            tab.screenshot(path=path, animations="disabled")
            chromium.close()
    finally:
        page.terminate()
        page.wait()
    shrink(path)


def curve(path: pathlib.Path) -> None:
    """How strong two agents are over a training of tic-tac-toe."""
    with tempfile.TemporaryDirectory() as folder:
        run = imagents.train(imagents.TrainConfig("tic_tac_toe"), f"{folder}/run", quiet=True)
        path.write_bytes(plotting.strength(run.path).png(90))
    shrink(path)


def shrink(path: pathlib.Path) -> None:
    """Leaves 256 colours to a picture."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    screenshot(FOLDER / "page.png")
    curve(FOLDER / "strength.png")
    players = ("trained", "perfect")
    imagents.record(imagents.watch("connect_four", players, seed=3), FOLDER / "game.gif", players)
