"""Pictures of the page and of the terminal, to look at, and what can be said of them without eyes: `make looks`.

The page is shown on a phone and on a desk, light and dark, and the terminal with 80 columns; the pictures are in
build/looks. It fails where something is wider than its window, cut, too pale (axe-core), or has no whole ring when it
has the focus. It needs the extras web, browser and solver, and Chromium.
"""

import fcntl
import html
import os
import pathlib
import pty
import re
import shutil
import socket
import struct
import subprocess
import sys
import termios

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

FOLDER = pathlib.Path("build/looks")
SIZES = {"phone": (360, 740), "desk": (1280, 720)}
COLUMNS = 80
IMAGENTS = [sys.executable, "-m", "imagents.cli"]
RUNS = {  # what the training tab shows
    "tic_tac_toe": ["--steps", "3000000", "--parallel-games", "256"],
    "cartpole": ["--environment", "cartpole", "--steps", "20000"],
}
TERMINAL = {  # what is typed, and the answers
    "help": (["--help"], ""), "train-help": (["train", "--help"], ""), "play-help": (["play", "--help"], ""),
    "environments": (["environments"], ""), "play": (["play", "--seed", "1"], "4\nh\n?\nq\n"),
    "watch": (["play", "--environment", "connect_four", "--watch", "heuristic", "random", "--seconds", "0"], ""),
    "mistake": (["train", "--environment", "connect-four"], ""),
}  # fmt: skip
_COLOURS = {"1": "font-weight:700", "2": "opacity:.65", "38;5;208": "color:#ff8700", "38;5;39": "color:#00afff"}
# Which elements are cut: text that its box hides, letters of a drawing that lie outside of it or on the edge of a tile.
CUT = """() => [...document.querySelectorAll('.imagents *')].filter(node => {
  const box = node.getBoundingClientRect(), style = getComputedStyle(node);
  if (!box.width || !node.textContent.trim()) return false;
  if (node instanceof SVGElement) {
    const board = node.closest('svg').getBoundingClientRect();
    if (node.tagName !== 'text') return false;
    const tile = node.parentElement.matches('.q') && node.previousElementSibling.getBoundingClientRect();
    if (tile && (box.left < tile.left + 1 || box.right > tile.right - 1)) return true;
    return box.left < board.left - 1 || box.right > board.right + 1;
  }
  const hides = style.overflowX !== 'visible' || style.textOverflow === 'ellipsis';
  if (node.tagName === 'SELECT') {
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = style.font;
    const text = node.selectedOptions[0] ? pen.measureText(node.selectedOptions[0].text).width : 0;
    return text > box.width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 14;
  }
  return node.tagName !== 'OPTION' && hides && node.scrollWidth > node.clientWidth + 1 && style.overflowX !== 'auto';
}).map(node => node.outerHTML.slice(0, 120))"""
# Which elements show no ring when they have the focus, or one that something hides.
RINGS = """() => [...document.querySelectorAll('.imagents :is(button, select, input, a, summary, [tabindex="0"])')]
  .filter(node => !node.disabled && node.getBoundingClientRect().width).filter(node => {
    node.focus();
    const style = getComputedStyle(node), box = node.getBoundingClientRect();
    const drawn = node instanceof SVGElement;
    const has = drawn ? style.stroke !== 'none' && parseFloat(style.strokeWidth) > 0 : style.outlineStyle !== 'none';
    const out = drawn ? 0 : parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset);
    let whole = box.left - out >= 0 && box.right + out <= innerWidth;
    for (let around = node.parentElement; around && around !== document.body; around = around.parentElement) {
      if (getComputedStyle(around).overflowX === 'visible') continue;
      const edge = around.getBoundingClientRect();
      whole &&= box.left - out >= edge.left - .5 && box.right + out <= edge.right + .5;
    }
    return !(has && whole);
  }).map(node => node.outerHTML.slice(0, 120))"""


class Looks:
    """Takes pictures, and gathers what is wrong with them.

    Attributes:
      faults: sentences, none if all is well.
    """

    def __init__(self):
        self.faults, self._axe = [], Axe()

    def take(self, tab, name: str, fits: str = "") -> None:
        """A picture of the page as it stands.

        Args:
          tab: the browser's page.
          name: the picture's name.
          fits: what has to be seen without scrolling on a desk, a selector.
        """
        tab.mouse.move(0, 0)
        tab.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        tab.wait_for_timeout(400)  # for what moves
        tab.screenshot(path=FOLDER / f"{name}.png", full_page="phone" in name, animations="disabled")
        faults = []
        if tab.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
            faults.append("wider than the window")
        if fits and "desk" in name:
            bottom = tab.evaluate(f"document.querySelector('{fits}').getBoundingClientRect().bottom")
            if bottom > tab.viewport_size["height"]:
                faults.append(f"{fits} ends at {bottom:.0f} pixels, below the window")
        faults += [f"cut: {node}" for node in tab.evaluate(CUT)]
        for violation in self._axe.run(tab, ".imagents").response["violations"]:
            faults += [f"{violation['id']}: {node['html'][:120]}" for node in violation["nodes"]]
        tab.keyboard.press("Tab")  # so that the focus is shown
        faults += [f"no whole ring: {node}" for node in tab.evaluate(RINGS)]
        self.faults += [f"{name}: {fault}" for fault in faults]


def page(looks: Looks, browser, address: str, where: str, scheme: str) -> None:
    """All that a visitor sees."""
    width, height = SIZES[where]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme,
                                  has_touch=where == "phone")  # fmt: skip
    tab = context.new_page()
    tab.goto(address)
    tab.wait_for_selector("[data-move]", timeout=60_000)

    def move(action):
        before = tab.locator(".ply").count()
        tab.click(f'[data-move="{action}"]')
        tab.wait_for_function(f"document.querySelectorAll('.ply').length > {before}")

    for game, buttons in {"tic_tac_toe": (8, 2), "connect_four": (3, 3, 2, 4)}.items():
        tab.click(f'[data-value="{game}"]')
        tab.wait_for_selector(f'[data-value="{game}"][aria-pressed="true"]')
        looks.take(tab, f"{game}-begins-{where}-{scheme}", ".buttons")
        for switch in ("q_values", "verdicts"):
            tab.check(f'[data-set="{switch}"]')
            tab.wait_for_timeout(500)
        for action in buttons:
            if tab.locator(f'[data-move="{action}"]').count():
                move(action)
        tab.wait_for_function("!document.querySelector('.verdict').innerText.includes('…')", timeout=60_000)
        looks.take(tab, f"{game}-judged-{where}-{scheme}", ".buttons")
        while tab.locator("[data-move]").count():  # somebody loses, or nobody
            tab.locator("[data-move]").last.click()
            tab.wait_for_timeout(500)
        tab.wait_for_function("!document.querySelector('.verdict').innerText.includes('…')", timeout=60_000)
        looks.take(tab, f"{game}-over-{where}-{scheme}", ".buttons")
    tab.click("role=tab[name='Training']")
    for run in RUNS:
        tab.wait_for_selector("[data-run]", timeout=60_000)
        tab.select_option("[data-run]", run)
        tab.wait_for_selector(f".standing:has-text('{run.replace('_', ' ')}')", timeout=60_000)
        tab.click("[data-watch]")
        tab.wait_for_selector(".film img", timeout=60_000)
        looks.take(tab, f"training-{run}-{where}-{scheme}")
    context.close()


def terminal(looks: Looks, browser, scheme: str) -> None:
    """What is said in a terminal, as it is seen there."""
    ink, ground = ("#dddddd", "#1b1b1b") if scheme == "dark" else ("#222222", "#ffffff")
    tab = browser.new_page(viewport={"width": 700, "height": 400})
    for name, (words, typed) in TERMINAL.items():
        said = in_terminal([*IMAGENTS, *words], typed)
        shown = "\n".join((" ".join(("$ imagents", *words)), said))
        plain = re.sub(r"\x1b\[[\d;]*m", "", said)
        looks.faults += [f"terminal-{name}: wider than {COLUMNS} columns: {line}" for line in plain.splitlines()
                         if len(line) > COLUMNS]  # fmt: skip
        style = f"font: 13px/1.3 monospace; width: {COLUMNS + 1}ch; color: {ink}; overflow-wrap: anywhere"
        tab.set_content(f'<body style="background: {ground}"><pre style="{style}; white-space: pre-wrap">'
                        f"{as_html(shown)}</pre>")  # fmt: skip
        tab.screenshot(path=FOLDER / f"terminal-{name}-{scheme}.png", full_page=True)
    tab.close()


def in_terminal(command: list[str], typed: str) -> str:
    """Runs a command in a terminal of 80 columns, and returns all that it shows."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environ = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=environ, close_fds=True) as process:
        os.close(other)
        said, answers = b"", typed.splitlines(keepends=True)
        try:
            while part := os.read(main, 4096):
                said += part
                if answers and said.endswith(b": "):  # it asks
                    os.write(main, answers.pop(0).encode())
        except OSError:  # the other end is closed
            pass
        process.wait()
    os.close(main)
    return said.decode().replace("\r\n", "\n")


def as_html(said: str) -> str:
    """Text with a terminal's colours as HTML."""
    parts, is_open = [], False
    for number, part in enumerate(re.split(r"((?:\x1b\[[\d;]*m)+)", said)):
        if number % 2 == 0:
            parts.append(html.escape(part))
            continue
        codes = re.findall(r"\[([\d;]*)m", part)
        style = "; ".join(_COLOURS[code] for code in codes if code in _COLOURS)
        parts.append("</span>" * is_open + (f'<span style="{style}">' if style else ""))
        is_open = bool(style)
    return "".join(parts)


def main() -> int:
    """Takes all pictures; 1 if something is wrong with one."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, options in RUNS.items():
        if not (FOLDER / "runs" / name / "evaluation.json").exists():
            shutil.rmtree(FOLDER / "runs" / name, ignore_errors=True)
            subprocess.run([*IMAGENTS, "train", *options, "--output-dir", FOLDER / "runs" / name], check=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [*IMAGENTS, "web", "--runs", FOLDER / "runs", "--port", str(port)]
    looks = Looks()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server, sync_playwright() as playwright:
        server.stdout.readline()  # says that it listens
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            for scheme in ("light", "dark"):
                terminal(looks, browser, scheme)
                for where in SIZES:
                    page(looks, browser, f"http://127.0.0.1:{port}", where, scheme)
        finally:
            browser.close()
            server.terminate()
    print(*looks.faults, f"{len(looks.faults)} faults; the pictures are in {FOLDER}", sep="\n")
    return 1 if looks.faults else 0


if __name__ == "__main__":
    sys.exit(main())
