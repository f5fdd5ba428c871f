"""How strong agents at a board are while they train: exactly where somebody knows, else against a random player."""

import textwrap
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from imagents.environments.boards.arena import Arena
from imagents.players.base import RandomPlayer
from imagents.players.frozen import agent_player


class Strength(tf.Module):
    """Measures the agents of one training again and again.

    Args:
      environment: the game's settings. If its measures count wins against random play, games are played for them.
      agents: the agents.
      num_games: per agent and match.
      seed: of the random player.
    """

    def __init__(self, environment, agents, num_games: int = 2000, seed: int = 0):
        super().__init__(name="strength")
        self._environment, self._agents = environment, list(agents)
        if "random_first" in environment.measures:
            self._arena = Arena(environment.game, num_games)
            self._random = RandomPlayer(seat=1, name="evaluation/random", seed=seed)
            self._players = [agent_player(agent, environment, 0) for agent in agents]

    def report(self) -> dict[str, dict[str, Any]]:
        """Everything measured, by agent: measures by their names, and details, as plain values for JSON."""
        return self._found(lambda judge: judge.assess)

    def measured(self) -> dict[str, dict[str, Any]]:
        """A report without details that take their time, for a row of metrics.csv."""
        return self._found(lambda judge: getattr(judge, "measures", judge.assess))

    def _found(self, how: Callable[[Any], Callable]) -> dict[str, dict[str, Any]]:
        judge, game = self._environment.judge(), self._environment.game
        known = {agent.name: how(judge)(agent, game) if judge else {} for agent in self._agents}
        for player in getattr(self, "_players", ()):
            match = self._arena.play(player, self._random, opening_plies=0)
            turns = {"random_first": match.moving_first, "random_second": match.moving_second}
            known[player.name] |= {name: results.win_rate for name, results in turns.items()}
            known[player.name]["random"] = {name: results.to_dict() for name, results in turns.items()}
        return known

    def text(self, report: dict[str, dict[str, Any]]) -> str:
        """A report as people read it, in 80 columns."""
        judge, lines = self._environment.judge(), []
        for name, values in report.items():
            parts = [judge.summary(values)] if judge else []
            if "random" in values:
                first, second = (values["random"][f"random_{turn}"] for turn in ("first", "second"))
                parts.append(
                    f"wins {100 * first['win_rate']:.1f} % of {first['games']} games against random moving first, "
                    f"{100 * second['win_rate']:.1f} % of {second['games']} moving second"
                )
            lines.append(textwrap.fill(f"{name}  {', '.join(parts)}", 80, subsequent_indent=" " * 10))
        return "\n".join(lines)
