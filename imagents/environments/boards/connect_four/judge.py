"""How good an agent's moves are in connect-four positions with known values, and how people read it."""

import dataclasses
from typing import Any

import numpy as np

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.connect_four import positions
from imagents.environments.boards.environment import greedy_moves

CHOOSING_SET = "choosing_close"  # whose measures are logged, and choose; the other sets are for reports


def assess(agent, game: BoardGame) -> dict[str, Any]:
    """The agent's measures, by which it may be chosen, and under `positions` good and perfect moves in every set."""
    sets = {name: positions.load(name) for name in positions.SETS}
    boards = np.concatenate([labelled.boards(agent.seat) for labelled in sets.values()])
    moves = np.split(greedy_moves(agent, game, boards), np.cumsum([len(labelled) for labelled in sets.values()])[:-1])
    found = {
        name: dataclasses.asdict(positions.evaluate(chosen, labelled))
        for (name, labelled), chosen in zip(sets.items(), moves)
    }
    return {kind: found[CHOOSING_SET][kind] for kind in ("good", "perfect")} | {"positions": found}


def measures(agent, game: BoardGame) -> dict[str, float]:
    """Those by which it may be chosen alone, which takes a fraction of the time."""
    labelled = positions.load(CHOOSING_SET)
    found = positions.evaluate(greedy_moves(agent, game, labelled.boards(agent.seat)), labelled)
    return {"good": found.good, "perfect": found.perfect}


def summary(values: dict[str, Any]) -> str:
    """`assess` in a line."""
    close, critical = (values["positions"][name] for name in ("close", "critical"))
    return (
        f"{100 * close['good']:.1f} % good and {100 * close['perfect']:.1f} % perfect moves in close positions, "
        f"{100 * critical['good']:.1f} % good in critical ones"
    )


def report_lines(values: dict[str, Any]) -> list[str]:
    """`assess` in lines of 80 columns."""
    lines = ["  labelled positions     good   perfect   random play:  good   perfect"]
    for name in filter(values["positions"].get, positions.MIXED | positions.CLOSER):
        labelled, quality = positions.load(name), values["positions"][name]
        random = positions.evaluate(labelled.legal / labelled.legal.sum(axis=1, keepdims=True), labelled)
        lines.append(
            f"  {name:8} {quality['positions']:8}  {100 * quality['good']:6.1f} %  {100 * quality['perfect']:6.1f} %"
            f"          {100 * random.good:6.1f} %  {100 * random.perfect:6.1f} %"
        )
    return lines
