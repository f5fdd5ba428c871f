"""The tables of what goes with what, and of algorithms' defaults: pages have what the code says.

    .venv/bin/python tests/test_tables.py

writes them, after it has tried every algorithm and every motivation in every row: a minute or two.
"""

import pathlib
import re

import pytest

from imagents.config import ENVIRONMENTS, TrainConfig
from imagents.errors import InputError
from imagents.motivated import _SETTINGS, MOTIVATIONS, Motivated
from imagents.settings import ALGORITHMS, settings_of

DOCS = pathlib.Path(__file__).parent.parent / "docs"
ENVIRONMENT_ROWS = {  # an environment for all of its kind: the words before its table's cells
    "tic_tac_toe": "[tic-tac-toe](environments/tic-tac-toe.md)",
    "connect_four": "[connect four](environments/connect-four.md)",
    "5x5x4": "[any board](how-to/own-environment.md), as `5x5x4`",
    "phantom_tic_tac_toe": "[phantom tic-tac-toe](environments/phantom-tic-tac-toe.md)",
    "climbing": "[matrix games](environments/matrix-games.md)",
    "kuhn_poker": "[Kuhn poker](environments/poker.md)",
    "leduc_poker": "[Leduc poker](environments/poker.md)",
    "cartpole": "[cartpole](environments/cartpole.md)",
    "foraging": "[foraging](environments/foraging.md)",
    "deep_sea": "[deep sea](environments/deep-sea.md)",
    "rooms": "[rooms](environments/rooms.md)",
    "gymnasium:CartPole-v1": "[Gymnasium](environments/gymnasium.md), as `CartPole-v1`",
    "gymnasium:Pendulum-v1": "the same, floats as actions, as `Pendulum-v1`",
    "pettingzoo:classic.tictactoe_v3": "[PettingZoo](environments/pettingzoo.md), as `tictactoe_v3`",
    "open_spiel:kuhn_poker": "[OpenSpiel](environments/open-spiel.md), as its `kuhn_poker`",
}
BY = {"gymnasium:Pendulum-v1": {"algorithm": "ppo"}}  # which chooses floats
PAGES = {"algorithms": "choose.md", "motivations": "choose.md", "values": "algorithms.md", "policies": "algorithms.md"}
VALUES, POLICIES = ("dqn", "double_dqn", "c51", "drqn", "tabular"), ("reinforce", "a2c", "ppo", "recurrent_ppo")
WITHOUT = {  # it has a loss of its own, and learns no single values
    "c51": {"loss", "hysteretic", "distributed", "lenient_temperature", "lenient_decay", "lenient_moderation"}
}


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in ([""] + head, ["---"] * (len(head) + 1), *rows)]


def found(name: str) -> list[str]:
    """The lines of a table in its page, between two marks."""
    return (DOCS / PAGES[name]).read_text().split(f"<!-- {name} -->\n")[1].split("\n<!-- end -->")[0].splitlines()


def algorithms(goes) -> list[str]:
    return table(
        [f"`{name}`" for name in ALGORITHMS],
        [[words, *(cell(goes, environment, name) for name in ALGORITHMS)]
         for environment, words in ENVIRONMENT_ROWS.items()],
    )  # fmt: skip


def motivations(goes) -> list[str]:
    return table(
        [f"`{name}`" for name in MOTIVATIONS],
        [[words, *("yes" if goes(environment, motivation=name, **BY.get(environment, {})) else "no"
                   for name in MOTIVATIONS)] for environment, words in ENVIRONMENT_ROWS.items()],
    )  # fmt: skip


def cell(goes, environment: str, algorithm: str) -> str:
    presets = TrainConfig(environment).environment.presets
    own = [name for name, values in presets.items() if len(values) > 1 and values.get("algorithm", "dqn") == algorithm]
    if own and goes(environment, preset=own[0]):
        return "preset"
    return "yes" if goes(environment, algorithm=algorithm) else "no"


def defaults(names: tuple[str, ...]) -> list[str]:
    """The settings of algorithms, but for motivations', with their defaults."""
    known = {name: settings_of(ALGORITHMS[name]) for name in names}
    settings = dict.fromkeys(key for fields in known.values() for key in fields if key not in settings_of(Motivated))

    def value(name, key):
        default = known[name][key].default if key in known[name] and key not in WITHOUT.get(name, ()) else ""
        if isinstance(default, float):
            return f"{default:g}"
        return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)

    flags = [[f"`--{key.replace('_', '-')}`", *(value(name, key) for name in names)] for key in settings]
    return table([f"`{name}`" for name in names], flags)


def is_not_refused(environment: str, **settings) -> bool:
    """Whether settings go together as far as they say themselves."""
    try:
        TrainConfig(environment, **settings)
    except InputError:
        return False
    return True


def is_built(environment: str, **settings) -> bool:
    """Whether everything that a training has is made of these settings, its measures too."""
    from imagents.seats import close
    from imagents.training.loop import build

    try:
        config = TrainConfig(environment, **settings)
        trainer = build(config.with_copies(2).replace(execution="eager"))
        config.environment.strength(trainer, 0)
        close(trainer.environment)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("names", [VALUES, POLICIES])
def test_algorithms_have_the_defaults_that_their_page_says(names):
    assert {*VALUES, *POLICIES} == {*ALGORITHMS}
    assert found("values" if names == VALUES else "policies") == defaults(names)


SECTIONS = {  # what each algorithm and each motivation is told by, in its section
    "algorithms.md": ("learns", "from", "actions", "for", "limits", "settings", "source", "reached"),
    "motivation.md": ("pays", "units", "when", "for", "limits", "settings", "source", "reached"),
}
ONES = [*((name, "algorithms.md") for name in ALGORITHMS), *((name, "motivation.md") for name in MOTIVATIONS)]


def section(name: str, page: str) -> dict[str, str]:
    """The table of a section of a page."""
    text = (DOCS / page).read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| (.+?) \| (.+) \|$", text, re.MULTILINE))


@pytest.mark.parametrize(("name", "page"), ONES)
def test_algorithms_and_motivations_have_sections_in_one_form_that_the_top_of_their_page_links_to(name, page):
    assert tuple(section(name, page)) == SECTIONS[page]
    assert f"| [`{name}`](#{name})" in (DOCS / page).read_text().partition("\n## ")[0]


@pytest.mark.parametrize(("name", "page"), ONES)
def test_a_section_names_settings_that_there_are_and_figures_that_results_have(name, page):
    told = section(name, page)
    flags = dict(re.findall(r"`--([a-z-]+)`(?: ([\d.]+))?", told["settings"]))
    if name in ALGORITHMS:
        assert flags.keys() <= {key.replace("_", "-") for key in settings_of(ALGORITHMS[name])}
    else:
        fields = settings_of(Motivated)
        own = {key.replace("_", "-"): fields[key].default for key in _SETTINGS.get(name, {}).values()}
        assert {flag: float(value) for flag, value in flags.items()} == own
    figures = re.findall(r"[\[(](-?[\d.]+ to -?[\d.]+[\])])", told["reached"])
    assert [figure for figure in figures if figure not in (DOCS / "results.md").read_text()] == []


@pytest.mark.parametrize(("make", "of"), [(algorithms, "algorithm"), (motivations, "motivation")])
def test_what_is_refused_at_once_is_told_so_and_all_there_is_has_its_place(make, of):
    """Whether the rest really goes, a test finds that builds it."""
    pytest.importorskip("pettingzoo"), pytest.importorskip("pyspiel")
    told, possible = found(make.__name__), make(is_not_refused)
    assert [re.sub("preset|yes|no", "", line) for line in told] == [re.sub("preset|yes|no", "", x) for x in possible]
    refused = [(x, y) for x, y in zip(told, possible) for a, b in zip(x.split("|"), y.split("|")) if b == " no " != a]
    assert refused == []
    kinds = {type(TrainConfig(name).environment).__module__ for name in ENVIRONMENT_ROWS}
    assert {home.partition(":")[0].replace(".games", ".settings") for home in ENVIRONMENTS.values()} <= {
        kind.replace(".games", ".settings") for kind in kinds}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("make", [algorithms, motivations])
def test_what_goes_with_what_is_what_the_page_says(make):
    pytest.importorskip("pettingzoo"), pytest.importorskip("pyspiel")
    assert found(make.__name__) == make(is_built)


def main() -> None:
    made = {"algorithms": algorithms(is_built), "motivations": motivations(is_built),
            "values": defaults(VALUES), "policies": defaults(POLICIES)}  # fmt: skip
    for name, lines in made.items():
        page = DOCS / PAGES[name]
        before, after = page.read_text().split(f"<!-- {name} -->\n")
        page.write_text(f"{before}<!-- {name} -->\n" + "\n".join(lines) + after[after.index("\n<!-- end -->") :])


if __name__ == "__main__":
    main()
