"""Everything that can be known of an agent that plays tic-tac-toe, and how people read it."""

import dataclasses
from typing import Any

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import greedy_moves
from imagents.environments.boards.tic_tac_toe import exact
from imagents.errors import counted


def assess(agent, game: BoardGame) -> dict[str, Any]:
    """The agent's measures, and all else under `exact`: an `Evaluation` and whether it is unbeatable."""
    result = exact.evaluate(greedy_moves(agent, game, exact.positions().boards(agent.seat)))
    return {
        "optimal": result.optimal_share,
        "losing_first": result.losing_lines_first,
        "losing_second": result.losing_lines_second,
        "exact": dataclasses.asdict(result) | {"unbeatable": result.unbeatable},
    }


def summary(values: dict[str, Any]) -> str:
    """`assess` in a line."""
    known = values["exact"]
    verdict = "unbeatable" if known["unbeatable"] else "can be beaten"
    return (
        f"{100 * known['optimal_share']:.2f} % optimal moves, {verdict}: "
        f"{counted(known['losing_lines_first'], 'losing line')} of {known['lines_first']} moving first, "
        f"{known['losing_lines_second']} of {known['lines_second']} moving second"
    )


def report_lines(values: dict[str, Any]) -> list[str]:
    """`assess` in lines of 80 columns."""
    known = values["exact"]
    lines = [
        f"  optimal moves  {100 * known['optimal_share']:.2f} % of 4520 positions, "
        f"{100 * known['optimal_share_critical']:.2f} % where one can be wrong",
        f"  losing lines   {known['losing_lines_first']} of {known['lines_first']} moving first, "
        f"{known['losing_lines_second']} of {known['lines_second']} moving second"
        + (": unbeatable" if known["unbeatable"] else ""),
    ]
    for key, opponent in (("random", "random"), ("best_response", "best response")):
        for turn in ("first", "second"):
            result = known[f"{key}_{turn}"]
            lines.append(
                f"  v {opponent:13} moving {turn:6}  {100 * result['win']:6.2f} % won  "
                f"{100 * result['draw']:6.2f} % drawn  {100 * result['loss']:6.2f} % lost"
            )
    return lines
