"""How good the players of a training are in a game of OpenSpiel: exactly where that is known, and by their returns."""

from typing import Any

import numpy as np
import tensorflow as tf

from imagents.bridges.open_spiel.exact import Exact, information
from imagents.bridges.open_spiel.world import load_game
from imagents.evaluation.returns import Returns, returns_text
from imagents.learning.agent import IMAgent
from imagents.learning.policies import has_q_values


class Strength(Returns):
    """The returns of all players together, and what OpenSpiel knows exactly of how they play.

    *greedy* is what each holds to be best; *sampled* each action as often as its own policy says: an algorithm that
    learns values has that at the temperature at which its exploration ends, or the greedy one.

    Args:
      name: the game's.
      measures: the names of what is measured.
      Others: as of `Returns`.
    """

    def __init__(self, name: str, measures, environment, players, episodes: int, xla: bool = False):
        super().__init__(environment, players, episodes, xla)
        game, self._measures = load_game(name), list(measures)
        known = information(game) if all(map(_says_what_it_plays, players)) else None
        self._exact = Exact(game, known, environment.time_step_spec(), players) if known else None

    def report(self) -> dict[str, dict[str, Any]]:
        """By agent: its mean return and lives; exploitability and NashConv, alike for each, NaN of who does not say."""
        report, together = super().report(), dict.fromkeys(self._measures[1:], float("nan"))
        if self._exact:
            together = self._exact.measures(greedy, "greedy") | self._exact.measures(sampled, "sampled")
        return {name: values | together for name, values in report.items()}

    @staticmethod
    def text(report: dict[str, dict[str, Any]]) -> str:
        """A report as people read it, in 80 columns."""
        return report_text(report)


def greedy(player, time_step) -> tf.Tensor:
    """How often a player takes each action if it plays what it holds to be best."""
    own = player.greedy_probabilities if isinstance(player, IMAgent) else player.probabilities
    return own(time_step)


def sampled(player, time_step) -> tf.Tensor:
    """How often a player takes each action by its own policy."""
    if not isinstance(player, IMAgent) or not has_q_values(player.algorithm.policy):
        return player.probabilities(time_step, collect=True)
    if not player.temperature:
        return greedy(player, time_step)
    values = player.q_values(time_step).numpy().astype(float)
    below = (values - np.nanmax(values, axis=1, keepdims=True)) / player.temperature
    return np.nan_to_num(np.exp(below), nan=0.0)  # what is illegal has no value


def report_text(report: dict[str, dict[str, Any]]) -> str:
    """What `Strength.report` gives, as people read it in 80 columns."""
    lines = [returns_text(report)]
    for values in list(report.values())[:1]:  # alike for each
        for measure in ("exploitability", "nash_conv"):
            found = [f"{case} {values[f'{measure}_{case}']:.4g}" for case in ("greedy", "sampled")
                     if f"{measure}_{case}" in values]  # fmt: skip
            lines += [f"together  {measure.replace('_', ' ')} {', '.join(found)}"] if found else []
    return "\n".join(lines)


def _says_what_it_plays(player) -> bool:
    has_state = isinstance(player, IMAgent) and tf.nest.flatten(player.internal_state)
    return hasattr(player, "probabilities") and not has_state
