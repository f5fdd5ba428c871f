"""The documentation site builds without a warning, and what its pages say of the games is what the code does."""

import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from imagents.config import BRIDGES, ENVIRONMENTS, environment_class
from imagents.environments.boards.environment import BoardGameEnvironment, Rewards
from imagents.environments.boards.games import GAMES
from imagents.environments.boards.tic_tac_toe import exact
from imagents.randomness import sample_legal
from imagents.seats import PASS

ROOT = pathlib.Path(__file__).parent.parent
DOCS = ROOT / "docs"


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as `make docs` does it, from a copy of the pages.

    In a process of its own: Sphinx changes the defaults in the signatures of what it documents.
    """
    pytest.importorskip("sphinx", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs", ignore=shutil.ignore_patterns("reference", ".ipynb_checkpoints"))
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "docs", "html"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return folder / "html", "" if result.returncode == 0 else result.stderr


@pytest.mark.slow
def test_the_site_builds_without_a_warning(site):
    _, problems = site
    assert problems == ""


def test_the_site_has_the_change_log_that_the_repository_has():
    assert (DOCS / "changelog.md").read_text() == (DOCS.parent / "CHANGELOG.md").read_text()


@pytest.mark.slow
def test_the_site_asks_the_network_for_nothing(site):
    """So that it can be read offline, and nobody is told who reads it."""
    html, _ = site
    for page in html.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|iframe|source)[^>]+src="(https?:|//)', page.read_text())
        loaded += re.findall(r'<link(?![^>]+rel="(?:canonical|search)")[^>]+href="(https?:|//)', page.read_text())
        assert loaded == [], page
    for style in html.rglob("*.css"):
        assert not re.search(r"url\(.?(https?:|//)", style.read_text()), style


@pytest.mark.slow
def test_the_reference_has_every_module_and_its_docstrings(site):
    html, _ = site
    modules = {path.relative_to(ROOT).with_suffix("") for path in (ROOT / "imagents").rglob("*.py")}
    names = {".".join(module.parts).removesuffix(".__init__") for module in modules}
    pages = {page.stem for page in (html / "reference").glob("*.html")}
    assert {name for name in names if not name.endswith("__main__")} <= pages
    assert "A transition from one decision of an agent to its next." in (
        html / "reference" / "imagents.learning.decisions.html").read_text()


# The pages of environments

_FORM = [
    "Seats", "Observation", "Views", "Actions", "Rewards", "Ends and limits", "Measures", "Oracle",
    "Settings", "Presets", "Versions",
]  # fmt: skip
PAGES = {  # whose environments' they are; but for the bridges', each names its own in code
    page: [name for name in (*ENVIRONMENTS, *BRIDGES) if f"`{name}`" in page.read_text().partition("## Seats")[0]]
    or [page.stem.replace("-", "_")]
    for page in sorted((DOCS / "environments").glob("*.md"))
}
environment_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def faces(page) -> dict[str, type]:
    """The classes of the environments that a page is about."""
    return {name: environment_class(f"{name}:" if name in BRIDGES else name) for name in PAGES[page]}


def section(page, heading: str) -> str:
    return page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all lines of tables, without what code is marked by."""
    lines = [line.replace("`", "").strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines]


@environment_pages
def test_a_page_of_an_environment_has_their_form(page):
    headings = re.findall("^## (.+)$", page.read_text(), re.MULTILINE)
    assert [heading for heading in headings if heading in _FORM] == _FORM


@environment_pages
def test_a_page_has_the_settings_of_its_environments_with_their_defaults(page):
    told = {}
    for flags, defaults, *_ in rows(section(page, "Settings")):
        flags, defaults = flags.split(", "), re.split("[,;] ", defaults)
        told |= dict(zip(flags, defaults if len(flags) == len(defaults) else [defaults[0]] * len(flags)))
    known = {}
    for name, kind in faces(page).items():
        fields = {field.name: field.default for field in dataclasses.fields(kind) if field.name != "name"}
        fields |= {key: value for key, value in kind.presets["default"].items() if name in GAMES and key in fields}
        known = {f"--{key.replace('_', '-')}": value for key, value in fields.items()} | known
    assert set(known) <= set(told)
    wrong = {flag: (told[flag], value) for flag, value in known.items() if told[flag] not in (str(value), f"{value:g}"
             if isinstance(value, float) else "")}  # fmt: skip
    assert wrong == {}


@environment_pages
def test_a_page_has_the_presets_of_its_environments_and_what_the_results_say_of_them(page):
    told = {(row[0].split(",")[0].split(" of ")[0], row[1], row[2]) for row in rows(section(page, "Presets")) if row[0]}
    for kind in faces(page).values():
        for preset, values in kind.presets.items():
            steps, minutes = values.get("steps"), values.get("minutes")
            budget = f"{steps:,} steps" if steps else f"{minutes:g} minutes"
            assert (preset, values.get("algorithm", "dqn"), budget) in told
    results = (DOCS / "results.md").read_text()
    figures = re.findall(r"-?[\d.]+(?: %| ± [\d.]+)? [\[(]-?[\d.]+ to -?[\d.]+[\])]", section(page, "Presets"))
    assert [figure for figure in figures if re.split(r" (?=[(\[])", figure)[1] not in results] == []


@pytest.mark.parametrize("name", [name for name in ENVIRONMENTS if name.islower()])
def test_every_environment_has_a_page(name):
    assert any(f"`{name}`" in page.read_text() for page in (DOCS / "environments").glob("*.md"))


# What the pages say of the games

game_pages = pytest.mark.parametrize("game", GAMES.values(), ids=lambda game: game.name)
WORDS = {"tic_tac_toe": "tic-tac-toe", "connect_four": "connect-four"}


def table(game) -> dict[str, str]:
    """The table at the top of a game's page."""
    text = (DOCS / "environments" / f"{WORDS[game.name]}.md").read_text()
    return dict(re.findall(r"^\| (.+?) \| (.+?) \|$", text, re.MULTILINE))


def described(spec) -> str:
    text = f"{spec.dtype.name} `{list(spec.shape)}`"
    return f"{text}, {int(spec.minimum)} to {int(spec.maximum)}" if hasattr(spec, "minimum") else text


@game_pages
def test_a_games_page_has_the_specs_of_its_environment(game):
    environment, page = BoardGameEnvironment(game), table(game)
    assert page["name"] == f"`{game.name}`"
    assert page["from Python"] == f"`imagents.{game.name.upper()}`, which is `{game!r}`".replace(
        f"name='{game.name}'", f'"{game.name}"')
    shown = {f"observation `{name}`": described(spec) for name, spec in environment.observation_spec().items()}
    shown |= {"action": described(environment.action_spec()), "reward": described(environment.reward_spec())}
    assert {name: page[name] for name in shown} == shown
    assert {name for name in page if name.startswith("observation")} == {name for name in shown if "obs" in name}


@game_pages
def test_a_games_page_has_its_prizes_and_its_size(game):
    page, rewards = table(game), Rewards()
    assert page["reward of a win, a loss, a draw"] == f"{rewards.win:g}, {rewards.loss:g}, {rewards.draw:g}"
    assert page["reward of an illegal move"] == f"{rewards.illegal:g}"
    assert page["longest game"] == f"{game.num_cells} plies"
    assert page["winning lines"] == str(len(game.lines()))
    if game.name == "tic_tac_toe":
        assert page["positions in which somebody has to move"] == f"{exact.NUM_POSITIONS:,}"


GOLDEN = {  # (game, version): what `playthrough` gives
    ("tic_tac_toe", "1"): "8fd8bdd01dde04a1",
    ("connect_four", "1"): "4cf17e521faff7e6",
}


@game_pages
def test_what_a_game_shows_and_does_is_that_of_its_version(game):
    """If this fails, it shows, pays or does something else than before: give its page a new version, and say what."""
    assert playthrough(game) == GOLDEN[game.name, table(game)["version"]]


def playthrough(game) -> str:
    """The checksum of all time steps of 256 games side by side, whose legal, illegal and passed moves are fixed."""
    environment = BoardGameEnvironment(game, 256, first_mover="alternate")
    time_step, digest = environment.reset(), hashlib.sha256()
    for ply in range(2 * game.num_cells):
        for leaf in tf.nest.flatten(time_step):
            digest.update(leaf.numpy().tobytes())
        draws = (np.arange(256) * 7919 + ply * 104729) % 65536 / 65536
        legal = sample_legal(time_step.observation["legal_moves"], tf.constant(draws, tf.float32)).numpy()
        special = (np.arange(256) + ply) % 32  # now and then somebody passes, and more rarely an illegal move
        time_step = environment.step(np.select([special == 0, special * ply == 31], [PASS, game.num_actions], legal))
    return digest.hexdigest()[:16]
