"""How strong agents are: the cheap measures that training logs, exact where they can be."""

import dataclasses
import textwrap

import numpy as np
import tensorflow as tf

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import time_step_at
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.tic_tac_toe import exact
from imagents.environments.boards.tic_tac_toe.exact import positions
from imagents.evaluation.matches import Arena
from imagents.learning.agent import IMAgent
from imagents.players.base import RandomPlayer
from imagents.players.frozen import PolicyPlayer

LOGGED_SET = "mixed"  # of the labelled positions; the others are for reports


def greedy_moves(agent: IMAgent, game: BoardGame, boards: np.ndarray) -> np.ndarray:
    """The agent's greedy moves, int32 `[N]`, on boards `[N, rows, columns]`, its seat to move."""
    time_step = time_step_at(game, boards, agent.seat)
    policy = agent.policy
    return policy.action(time_step, policy.get_initial_state(len(boards))).action.numpy()


def exact_report(agent: IMAgent) -> dict:
    """Tic-tac-toe: everything that can be known of an agent, as plain values for JSON."""
    result = exact.evaluate(greedy_moves(agent, TIC_TAC_TOE, exact.positions().boards(agent.seat)))
    return dataclasses.asdict(result) | {"unbeatable": result.unbeatable}


def positions_report(agent: IMAgent) -> dict[str, dict]:
    """Connect four: shares of good and perfect moves in the labelled positions, by set, as plain values for JSON."""
    sets = {name: positions.load(name) for name in positions.SETS}
    boards = np.concatenate([labelled.boards(agent.seat) for labelled in sets.values()])
    moves = np.split(greedy_moves(agent, CONNECT_FOUR, boards), np.cumsum([len(s) for s in sets.values()])[:-1])
    return {
        name: dataclasses.asdict(positions.evaluate(chosen, labelled))
        for (name, labelled), chosen in zip(sets.items(), moves)
    }


class Strength(tf.Module):
    """Measures the agents of one training again and again.

    Tic-tac-toe is measured exactly: the share of optimal moves over all positions, and
    the lines of play by which the agent can be beaten, moving first and second. Connect
    four: the shares of good and of perfect moves in labelled positions, and the share of
    games won against a random player, moving first and second; other games: the latter.

    Args:
      game: the rules.
      agents: the agents.
      num_games: per agent and match.
      seed: of the random player.
    """

    def __init__(self, game: BoardGame, agents: list[IMAgent], num_games: int = 2000, seed: int = 0):
        super().__init__(name="strength")
        self._game, self._agents = game, list(agents)
        self._exact = game == TIC_TAC_TOE
        if not self._exact:
            self._arena = Arena(game, num_games)
            self._random = RandomPlayer(seat=1, name="evaluation/random", seed=seed)
            self._players = [PolicyPlayer(a.policy, a.seat, 0, a.name) for a in agents]
        self.columns = [
            f"{agent.name}_{measure}"
            for agent in agents
            for measure in (
                ("optimal", "losing_first", "losing_second") if self._exact else
                ("good", "perfect", "random_first", "random_second") if game == CONNECT_FOUR else
                ("random_first", "random_second")
            )
        ]

    def measure(self) -> dict[str, float]:
        """`columns` of metrics.csv."""
        values = []
        for report in self.report().values():
            if self._exact:
                values += [report["optimal_share"], report["losing_lines_first"], report["losing_lines_second"]]
            else:
                labelled = report.get("positions", {}).get(LOGGED_SET, {})
                values += [labelled[kind] for kind in ("good", "perfect") if kind in labelled]
                values += [report[f"random_{turn}"]["win_rate"] for turn in ("first", "second")]
        return dict(zip(self.columns, values, strict=True))

    def report(self) -> dict[str, dict]:
        """Everything measured, by agent, as plain values for JSON."""
        if self._exact:
            return {agent.name: exact_report(agent) for agent in self._agents}
        return {a.name: self._sampled_report(a, player) for a, player in zip(self._agents, self._players)}

    def text(self, report: dict[str, dict]) -> str:
        """A report as people read it, in 80 columns."""
        lines = []
        for name, values in report.items():
            if self._exact:
                verdict = "unbeatable" if values["unbeatable"] else "can be beaten"
                lines.append(
                    f"{name}  {100 * values['optimal_share']:.2f} % optimal moves, {verdict}: "
                    f"{values['losing_lines_first']} losing lines of "
                    f"{values['lines_first']} moving first, {values['losing_lines_second']} of "
                    f"{values['lines_second']} moving second"
                )
            else:
                first, second = values["random_first"], values["random_second"]
                labelled = values.get("positions", {}).get(LOGGED_SET)
                judged = labelled and (
                    f"{100 * labelled['good']:.1f} % good and {100 * labelled['perfect']:.1f} % perfect moves, "
                )
                lines.append(
                    f"{name}  {judged or ''}"
                    f"wins {100 * first['win_rate']:.1f} % of {first['games']} games against "
                    f"random moving first, {100 * second['win_rate']:.1f} % of {second['games']} "
                    "moving second"
                )
        return "\n".join(textwrap.fill(line, 80, subsequent_indent=" " * 10) for line in lines)

    def _sampled_report(self, agent: IMAgent, player: PolicyPlayer) -> dict:
        match = self._arena.play(player, self._random, opening_plies=0)
        labelled = {"positions": positions_report(agent)} if self._game == CONNECT_FOUR else {}
        records = {"random_first": match.moving_first, "random_second": match.moving_second}
        return labelled | {turn: record.to_dict() for turn, record in records.items()}
