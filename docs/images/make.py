"""Makes the pictures of docs/play.md: python docs/images/make.py (extras web, browser and solver, and Chromium)."""

import pathlib
import shutil
import socket
import subprocess
import sys

from PIL import Image
from playwright.sync_api import sync_playwright

import imagents

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
            tab = chromium.new_page(viewport={"width": 1240, "height": 900})
            tab.goto(f"http://127.0.0.1:{port}")
            tab.click("text=Connect four")
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
    with Image.open(path) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    screenshot(FOLDER / "page.png")
    players = ("trained", "perfect")
    imagents.record(imagents.watch("connect_four", players, seed=3), FOLDER / "game.gif", players)
