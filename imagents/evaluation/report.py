"""Everything that applies to the agents of a run: what is exactly known of them, and matches."""

import os
import textwrap
import types
from collections.abc import Callable
from typing import Literal

from imagents.config import environment_settings
from imagents.errors import InputError, counted
from imagents.evaluation.best_response import COPIES, learn_best_response, response_text
from imagents.opening import Opened, open_path, read_record
from imagents.players.base import runs_in_python
from imagents.players.frozen import agent_player
from imagents.players.names import make_player
from imagents.players.seating import seat_learned
from imagents.randomness import make_seed
from imagents.seats import close

_COPIES = 64  # side by side, where a run's players are evaluated together


def evaluate_run(
    path: str | os.PathLike,
    games: int = 1000,
    solver_games: int = 20,
    seed: int = 0,
    last: bool = False,
    policy: Literal["greedy", "sampled"] | None = None,
    best_response: bool = False,
) -> dict:
    """Evaluates the agents of a run.

    Args:
      path: a run folder, one of its checkpoints, one of its snapshots, or an export.
      games: per match, an even number; half of them are begun by each side. Where there are no matches, episodes.
      solver_games: the same against opponents who take up to seconds per game; 0 for none.
      seed: of the opponents, the openings, and what agents draw.
      last: whether to take the newest checkpoint of a run that keeps its best one, too.
      policy: how agents play, see `IMAgent.follow`; if None, sampled where information is hidden or seats act all at
        once, else greedy.
      best_response: whether to learn a best response to each agent, too, which takes half a minute or more for each.

    Returns:
      Plain values, for JSON: `run`, `environment`, `policy`, and for each of `agents`: its measures by name and the
      details that its environment knows exactly, and `matches` by opponent. `solver` says why a slow opponent did not
      play. `best_response` of an agent says how one was learned and what it gets, and so does `best_response_return`
      where the environment does not know that exactly.

    Raises:
      InputError: if the path is no run or damaged, a number of games is odd or less than 2, or there are not two seats
        where a best response is asked for.
    """
    return prepare_evaluation(path, games, solver_games, seed, last, policy, best_response)()


def prepare_evaluation(
    path: str | os.PathLike,
    games: int = 1000,
    solver_games: int = 20,
    seed: int = 0,
    last: bool = False,
    policy: str | None = None,
    best_response: bool = False,
) -> Callable[[], dict]:
    """Does what can fail: loads the agents for `evaluate_run`. Returns what evaluates them."""
    opened = open_path(path, last)
    environment = opened.environment
    if best_response and environment.num_seats != 2:
        raise InputError(f"best_response = True: {environment.name} has num_seats = {environment.num_seats}, and a "
                         "best response is learned to one of two")  # fmt: skip
    arena = environment.arena(games, seed)
    if arena is None and opened.config is None:
        raise InputError(f"{path} is one exported agent: name the run, whose players are evaluated together")
    policy = environment.policy(policy)
    if arena is None:
        evaluate = _prepare_together(opened, str(path), games, seed, policy)
    else:
        evaluate = _prepare_matches(opened, str(path), arena, games, solver_games, seed, policy)
    return (lambda: _with_best_responses(evaluate(), opened, seed)) if best_response else evaluate


def _with_best_responses(report: dict, opened: Opened, seed: int) -> dict:
    """Adds to each agent of a report what a best response to it gets at the other seat."""
    xla = opened.config is None or opened.config.training.execution == "xla"
    for agent in opened.agents:
        agent.follow(report["policy"], seed)
        players = [None, None]
        players[agent.seat] = agent_player(agent, opened.environment, agent.seat, batch_size=COPIES)
        found = learn_best_response(opened.environment, players, 1 - agent.seat, seed, xla=xla)
        values = report["agents"][agent.name]
        values.setdefault("best_response_return", found.mean_return)
        values["best_response"] = found.to_dict()
    return report


def _prepare_matches(
    opened: Opened, path: str, arena, games: int, solver_games: int, seed: int, policy: str
) -> Callable[[], dict]:
    """Where players meet in matches: each agent against all that its environment names, and each other agent."""
    environment = opened.environment
    agents = opened.agents
    for agent in agents:
        agent.follow(policy, seed)
    opponents = [(arena, make_player(name, environment, 1, seed, games)) for name in environment.opponents]
    report = {"run": path, "environment": environment.name, "policy": policy, "agents": {}}
    for name in environment.slow_opponents if solver_games else ():
        slow_arena = environment.arena(solver_games, seed)
        try:
            opponents.append((slow_arena, make_player(name, environment, 1, seed, solver_games)))
        except InputError as error:
            report["solver"] = str(error)

    def evaluate() -> dict:
        judge = environment.judge()
        for agent in agents:
            player = agent_player(agent, environment, 0)
            others = [(arena, agent_player(other, environment, 1)) for other in agents if other is not agent]
            matches = {opponent.name: where.play(player, opponent).to_dict() for where, opponent in opponents + others}
            known = judge.assess(agent, environment.game) if judge else {}
            report["agents"][agent.name] = known | {"matches": matches}
        return report

    return evaluate


def _prepare_together(opened: Opened, path: str, games: int, seed: int, policy: str) -> Callable[[], dict]:
    """Where nobody meets in matches: the run's own players, all together, in so many episodes."""
    copies = min(games, opened.config.training.parallel_games, _COPIES)  # it is known to make so many
    seed, face, config = make_seed(seed, "evaluation"), opened.environment, opened.config
    environment = face.build(copies, seed)
    players = seat_learned(opened, environment, policy, seed)
    compiles = config.training.execution == "xla" and not runs_in_python(environment, players)
    together = types.SimpleNamespace(
        environment=environment, players=players, agents=opened.agents, execution="xla" if compiles else "graph"
    )
    strength = face.strength(together, seed, games)
    if hasattr(strength, "record"):
        read_record(opened.path, strength.record)

    def evaluate() -> dict:
        report = {name: values for name, values in strength.report().items() if name in opened.agent_names}
        for each in (environment, strength):
            close(each)
        return {"run": path, "environment": face.name, "policy": policy, "agents": report}

    return evaluate


def report_text(report: dict) -> str:
    """An evaluation as people read it, in 80 columns."""
    if all("matches" in values for values in report["agents"].values()):
        text = _matches_text(report)
    else:
        text = environment_settings(report["environment"]).report_text(report["agents"])
        text = f"policy: {report['policy']}\n{text}"
    responses = {n: values["best_response"] for n, values in report["agents"].items() if "best_response" in values}
    return "\n".join([text, *(response_text(name, values) for name, values in responses.items())])


def _matches_text(report: dict) -> str:
    judge = environment_settings(report["environment"]).judge()
    blocks = [f"policy: {report['policy']}"]
    for name, values in report["agents"].items():
        known = judge.report_lines(values) if judge else []
        blocks.append("\n".join([name, *known, *_match_lines(values["matches"])]))
    if "solver" in report:
        blocks.append(textwrap.fill(report["solver"], 80))
    return "\n\n".join(blocks)


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
        lines += [
            "  * players without chance would play the same game again and again, so these",
            f"    begin with up to {counted(varied, 'random move')}, which can lose by themselves",
        ]
    return lines


def _interval(shares: list[float]) -> str:
    low, high = (100 * share for share in shares)
    return f"({low:.1f}-{high:.1f})"
