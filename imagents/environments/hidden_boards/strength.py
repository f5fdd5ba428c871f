"""How good agents are where stones are hidden: all together, and each from its own seat against random play."""

import textwrap
from typing import Any

import tensorflow as tf

from imagents.evaluation.matches import Results
from imagents.evaluation.returns import Returns
from imagents.players.base import RandomPlayer

_GAMES = 1000  # of each agent against random play, while it trains


class Strength(tf.Module):
    """Measures the players of one training again and again, in games of their own.

    Args:
      environment: the game's settings.
      trainer: the training, a `Trainer`, or whatever has its `environment`, `players` and `agents`.
      seed: of the random player.
      episodes: of each kind, at least; None while they train.
    """

    def __init__(self, environment, trainer, seed: int = 0, episodes: int | None = None):
        super().__init__(name="strength")
        copies = trainer.environment.batch_size
        self._together = Returns(environment.build(copies, seed), trainer.players, episodes or 100)
        self._alone = {}
        for agent in trainer.agents:
            players = [RandomPlayer(seat, "evaluation/random", seed) for seat in range(2)]
            players[agent.seat] = agent
            self._alone[agent.name] = Returns(environment.build(copies, seed), players, episodes or _GAMES)
        self._seats = {agent.name: agent.seat for agent in trainer.agents}

    def report(self) -> dict[str, dict[str, Any]]:
        """By agent, as plain values for JSON: its measures by their names, and details."""
        report = self._together.report()
        for name, alone in self._alone.items():
            alone.report()
            wins, losses, draws, _ = alone.tallies().values()  # an illegal move is nobody's here
            if self._seats[name] == 1:
                wins, losses = losses, wins
            results = Results(wins, draws, losses)
            report[name] = {"random": results.win_rate} | report[name] | {"against_random": results.to_dict()}
        return report

    def text(self, report: dict[str, dict[str, Any]]) -> str:
        """A report as people read it, in 80 columns."""
        return report_text(report)


def report_text(report: dict[str, dict[str, Any]]) -> str:
    """What `Strength.report` gives, as people read it in 80 columns."""
    lines = []
    for name, values in report.items():
        random = values["against_random"]
        said = (
            f"{name}  wins {100 * random['win_rate']:.1f} % of {random['games']} games against random play and loses "
            f"{100 * random['loss_rate']:.1f} %, mean return {values['mean_return']:.4g} with all players greedy"
        )
        lines.append(textwrap.fill(said, 80, subsequent_indent=" " * 10))
    return "\n".join(lines)
