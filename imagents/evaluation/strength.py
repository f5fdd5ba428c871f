"""How strong agents are: the cheap measures that training logs, exact where they can be."""

import dataclasses
import textwrap

import numpy as np
import tensorflow as tf

from imagents.agent import IMAgent
from imagents.environment import time_step_at
from imagents.evaluation import exact
from imagents.evaluation.matches import Arena
from imagents.games import BoardGame
from imagents.players import PolicyPlayer, RandomPlayer


def greedy_moves(agent: IMAgent, game: BoardGame, boards: np.ndarray) -> np.ndarray:
    """The agent's greedy moves, int32 `[N]`, on boards `[N, rows, columns]`, its seat to move."""
    time_step = time_step_at(game, boards, agent.seat)
    policy = agent.policy
    return policy.action(time_step, policy.get_initial_state(len(boards))).action.numpy()


class Strength(tf.Module):
    """Measures the agents of one training again and again.

    Tic-tac-toe is measured exactly: the share of optimal moves over all positions, and
    the lines of play by which the agent can be beaten, moving first and second. Other
    games: the share of games won against a random player, moving first and second.

    Args:
      game: the rules.
      agents: the agents.
      num_games: per agent and match.
      seed: of the random player.
    """

    def __init__(self, game: BoardGame, agents: list[IMAgent], num_games: int = 2000, seed: int = 0):
        super().__init__(name="strength")
        self._game, self._agents = game, list(agents)
        self._exact = (game.rows, game.columns, game.k, game.gravity) == (3, 3, 3, False)
        if not self._exact:
            self._arena = Arena(game, num_games, seed=seed)
            self._random = RandomPlayer(seat=1, name="evaluation/random", seed=seed)
            self._players = [PolicyPlayer(a.policy, a.seat, 0, a.name) for a in agents]
        measures = ("optimal", "losing_first", "losing_second")
        measures = measures if self._exact else ("random_first", "random_second")
        self.columns = [f"{agent.name}_{measure}" for agent in agents for measure in measures]

    def measure(self) -> dict[str, float]:
        """`columns` of metrics.csv."""
        values = []
        for name, report in self.report().items():
            if self._exact:
                values += [report["optimal_share"], report["losing_lines_first"]]
                values += [report["losing_lines_second"]]
            else:
                values += [report[f"random_{turn}"]["win_rate"] for turn in ("first", "second")]
        return dict(zip(self.columns, values))

    def report(self) -> dict[str, dict]:
        """Everything measured, by agent, as plain values for JSON."""
        if self._exact:
            return {agent.name: self._exactly(agent) for agent in self._agents}
        return {player.name: self._against_random(player) for player in self._players}

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
                lines.append(
                    f"{name}  wins {100 * first['win_rate']:.1f} % of {first['games']} games against "
                    f"random moving first, {100 * second['win_rate']:.1f} % of {second['games']} "
                    "moving second"
                )
        return "\n".join(textwrap.fill(line, 80, subsequent_indent=" " * 10) for line in lines)

    def _exactly(self, agent: IMAgent) -> dict:
        boards = exact.positions().boards(agent.seat)
        result = exact.evaluate(greedy_moves(agent, self._game, boards))
        return dataclasses.asdict(result) | {"unbeatable": result.unbeatable}

    def _against_random(self, player: PolicyPlayer) -> dict:
        match = self._arena.play(player, self._random)
        return {
            f"random_{turn}": dataclasses.asdict(r) | {"games": r.games, "win_rate": r.win_rate}
            for turn, r in (("first", match.moving_first), ("second", match.moving_second))
        }
