"""Everything that applies to the agents of a run: exact numbers, labelled positions, matches."""

import os
import textwrap
from collections.abc import Callable

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.strength import exact_report, positions_report
from imagents.environments.boards.tic_tac_toe.exact import positions
from imagents.evaluation.matches import Arena
from imagents.export.reading import ExportedAgent, exported_game
from imagents.learning.agent import IMAgent
from imagents.players.frozen import PolicyPlayer, learned_game
from imagents.players.names import make_player
from imagents.runs.snapshots import load_agents

OPPONENTS = {"tic_tac_toe": ("random", "heuristic", "perfect"), "connect_four": ("random", "heuristic", "minimax:4")}
_ANYBODY = ("random", "heuristic")  # play every game


def evaluate_run(path: str | os.PathLike, games: int = 1000, solver_games: int = 20, seed: int = 0) -> dict:
    """Evaluates the agents of a run.

    Args:
      path: a run folder (its newest checkpoint is taken), one of its checkpoints, one of its snapshots, or an export.
      games: per match, an even number; half of them are begun by each side.
      solver_games: the same against the perfect connect-four player, who takes up to seconds per game; 0 for none.
      seed: of the opponents and the openings.

    Returns:
      Plain values, for JSON: `run`, `game`, and for each of `agents`: `exact` (tic-tac-toe) or `positions` (connect
      four), and `matches` by opponent. `solver` says why nobody played against the perfect connect-four player.

    Raises:
      ValueError: if the path is no run or damaged, or a number of games is odd or less than 2.
    """
    return prepare_evaluation(path, games, solver_games, seed)()


def prepare_evaluation(
    path: str | os.PathLike, games: int = 1000, solver_games: int = 20, seed: int = 0
) -> Callable[[], dict]:
    """Does what can fail: loads the agents for `evaluate_run`. Returns what evaluates them."""
    game = learned_game(path)
    agents = [ExportedAgent(path)] if exported_game(path) else load_agents(path)
    arena = Arena(game, games, seed)
    opponents = [(arena, make_player(name, game, 1, seed, games)) for name in OPPONENTS.get(game.name, _ANYBODY)]
    report = {"run": str(path), "game": game.name, "agents": {}}
    if game == CONNECT_FOUR and solver_games:
        try:
            opponents.append((Arena(game, solver_games, seed), make_player("perfect", game, 1, seed, solver_games)))
        except ValueError as error:
            report["solver"] = str(error)

    def evaluate() -> dict:
        for agent in agents:
            player = PolicyPlayer(agent.policy, agent.seat, 0, agent.name)
            player.runs_in_python = getattr(agent, "runs_in_python", False)
            others = [(arena, PolicyPlayer(a.policy, a.seat, 1, a.name)) for a in agents if a is not agent]
            matches = {opponent.name: where.play(player, opponent).to_dict() for where, opponent in opponents + others}
            report["agents"][agent.name] = _known(agent, game) | {"matches": matches}
        return report

    return evaluate


def _known(agent: IMAgent, game: BoardGame) -> dict:
    """What can be said without playing."""
    if game == TIC_TAC_TOE:
        return {"exact": exact_report(agent)}
    return {"positions": positions_report(agent)} if game == CONNECT_FOUR else {}


def report_text(report: dict) -> str:
    """An evaluation as people read it, in 80 columns."""
    blocks = []
    for name, values in report["agents"].items():
        lines = [name]
        if "exact" in values:
            lines += _exact_lines(values["exact"])
        if "positions" in values:
            lines += _position_lines(values["positions"])
        blocks.append("\n".join(lines + _match_lines(values["matches"])))
    if "solver" in report:
        blocks.append(textwrap.fill(report["solver"], 80))
    return "\n\n".join(blocks)


def _exact_lines(values: dict) -> list[str]:
    lines = [
        f"  optimal moves  {100 * values['optimal_share']:.2f} % of 4520 positions, "
        f"{100 * values['optimal_share_critical']:.2f} % where one can be wrong",
        f"  losing lines   {values['losing_lines_first']} of {values['lines_first']} moving first, "
        f"{values['losing_lines_second']} of {values['lines_second']} moving second"
        + (": unbeatable" if values["unbeatable"] else ""),
    ]
    for key, opponent in (("random", "random"), ("best_response", "best response")):
        for turn in ("first", "second"):
            result = values[f"{key}_{turn}"]
            lines.append(
                f"  v {opponent:13} moving {turn:6}  {100 * result['win']:6.2f} % won  "
                f"{100 * result['draw']:6.2f} % drawn  {100 * result['loss']:6.2f} % lost"
            )
    return lines


def _position_lines(values: dict) -> list[str]:
    lines = ["  labelled positions     good   perfect   random play:  good   perfect"]
    for name, quality in values.items():
        labelled = positions.load(name)
        random = positions.evaluate(labelled.legal / labelled.legal.sum(axis=1, keepdims=True), labelled)
        lines.append(
            f"  {name:8} {quality['positions']:8}  {100 * quality['good']:6.1f} %  {100 * quality['perfect']:6.1f} %"
            f"          {100 * random.good:6.1f} %  {100 * random.perfect:6.1f} %"
        )
    return lines


def _match_lines(matches: dict) -> list[str]:
    lines = ["  match v       moving games  won %         95 %  drawn   lost %         95 %"]
    varied = 0
    for opponent, match in matches.items():
        mark = "*" if match["opening_plies"] else ""
        varied = varied or match["opening_plies"]
        for turn in ("first", "second"):
            record = match[f"moving_{turn}"]
            won, lost = (_interval(record[f"{kind}_rate_95"]) for kind in ("win", "loss"))
            lines.append(
                f"  {opponent + mark:13} {turn:6} {record['games']:5}  {100 * record['win_rate']:5.1f} {won:>13}  "
                f"{100 * record['draw_rate']:5.1f}    {100 * record['loss_rate']:5.1f} {lost:>13}"
            )
            opponent = mark = ""
    if varied:
        lines.append(f"  * all games would be the same: they begin after 0 to {varied} random plies")
    return lines


def _interval(shares: list[float]) -> str:
    low, high = (100 * share for share in shares)
    return f"({low:.1f}-{high:.1f})"
