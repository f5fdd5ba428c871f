"""Imports go one way: the table of rooms in docs/architecture.md, read from its top, is the order in which they may."""

import ast
import pathlib
import re

PACKAGE = pathlib.Path(__file__).parent.parent / "imagents"
ARCHITECTURE = PACKAGE.parent / "docs" / "architecture.md"

ARROWS = {  # present exceptions; the list may only shrink
    "imagents.environments.boards.verdicts -> imagents.app.session",
    "imagents.evaluation.matches -> imagents.environments.boards.board_game",
    "imagents.evaluation.matches -> imagents.environments.boards.environment",
    "imagents.evaluation.report -> imagents.environments.boards.board_game",
    "imagents.evaluation.report -> imagents.environments.boards.games",
    "imagents.evaluation.report -> imagents.environments.boards.strength",
    "imagents.evaluation.report -> imagents.environments.boards.tic_tac_toe.exact",
    "imagents.evaluation.tournament -> imagents.environments.boards.board_game",
    "imagents.evaluation.tournament -> imagents.training.loop",
    "imagents.export.model -> imagents.environments.boards.board_game",
    "imagents.export.model -> imagents.environments.boards.environment",
    "imagents.export.reading -> imagents.environments.boards.board_game",
    "imagents.export.reading -> imagents.environments.boards.environment",
    "imagents.export.writing -> imagents.environments.boards.board_game",
    "imagents.export.writing -> imagents.environments.boards.games",
    "imagents.players -> imagents.environments.boards.players.columns",
    "imagents.players -> imagents.environments.boards.players.perfect",
    "imagents.players -> imagents.environments.boards.players.person",
    "imagents.players -> imagents.environments.boards.players.search",
    "imagents.players.frozen -> imagents.environments.boards.board_game",
    "imagents.players.frozen -> imagents.environments.boards.games",
    "imagents.players.frozen -> imagents.environments.boards.memory",
    "imagents.players.league -> imagents.environments.boards.memory",
    "imagents.players.mixture -> imagents.environments.boards.board_game",
    "imagents.players.mixture -> imagents.environments.boards.memory",
    "imagents.players.names -> imagents.environments.boards.board_game",
    "imagents.players.names -> imagents.environments.boards.players.columns",
    "imagents.players.names -> imagents.environments.boards.players.perfect",
    "imagents.players.names -> imagents.environments.boards.players.person",
    "imagents.players.names -> imagents.environments.boards.players.search",
    "imagents.runs.run -> imagents.training.loop",
    "imagents.runs.snapshots -> imagents.training.loop",
    "imagents.training.experiment -> imagents.environments.boards.games",
    "imagents.training.experiment -> imagents.environments.boards.strength",
    "imagents.training.loop -> imagents.environments.boards.environment",
    "imagents.training.loop -> imagents.environments.boards.features",
    "imagents.training.loop -> imagents.environments.boards.games",
}
CIRCLE = {
    "imagents.players.frozen",
    "imagents.players.names",
    "imagents.runs.run",
    "imagents.runs.snapshots",
    "imagents.training.loop",
}


def rooms() -> dict[str, int]:
    """The row of every room: a module or a folder of the package, as imports name it."""
    text = ARCHITECTURE.read_text()
    table = re.search(r"^## Rooms$.*?^\| room .*?\n\|[-|]+\n(.*?)^$", text, re.DOTALL | re.MULTILINE)[1]
    names = [re.findall(r"`([\w/.]+)`", line.split("|")[1]) for line in table.splitlines()]
    return {
        f"imagents.{name.removesuffix('.py').strip('/').replace('/', '.')}".removesuffix(".__init__"): row
        for row, names_of_row in enumerate(names)
        for name in names_of_row
    }


def modules() -> dict[str, pathlib.Path]:
    paths = {path.relative_to(PACKAGE.parent).with_suffix(""): path for path in PACKAGE.rglob("*.py")}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in paths.items()}


def imported(path: pathlib.Path, known: dict[str, pathlib.Path]) -> set[str]:
    """The modules of the package that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found |= {n if (n := f"{node.module}.{alias.name}") in known else node.module for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(known)


def room_of(module: str, known: dict[str, int]) -> str:
    """The room that a module is in: the longest name that it begins with."""
    return max((room for room in known if f"{module}.".startswith(f"{room}.")), key=len)


def test_a_module_imports_only_from_its_room_and_those_above():
    order, known = rooms(), modules()
    arrows = {
        f"{module} -> {target}"
        for module, path in known.items()
        for target in imported(path, known)
        if target != "imagents" and order[room_of(target, order)] > order[room_of(module, order)]
    }
    assert arrows == ARROWS


def test_no_modules_import_each_other_in_a_circle():
    known = modules()
    left = {module: imported(path, known) - {module} for module, path in known.items()}
    while True:  # takes away who imports nobody that is left, and whom nobody imports
        wanted = set().union(*left.values())
        going = {module for module, targets in left.items() if not targets & set(left) or module not in wanted}
        if not going:
            break
        left = {module: targets for module, targets in left.items() if module not in going}
    assert set(left) == CIRCLE
