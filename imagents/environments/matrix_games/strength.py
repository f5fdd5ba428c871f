"""How good the players of a training are in a matrix game together, exactly, from what each plays in every state."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.matrix_games.measures import joint_shares, optimal, own_shares, value_of
from imagents.environments.matrix_games.players import joint_actions
from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.number import Number

_TOGETHER = {"nash_conv": "NashConv {:.4g} a play", "optimal_joint_share": "best joint actions in {:.1%} of plays",
             "cooperation_rate": "cooperation in {:.1%}"}  # fmt: skip


class Strength(tf.Module):
    """Measures the players of one training again and again, and changes nothing of them.

    Args:
      environment: the game's settings.
      players: the training's, one per seat: agents, greedy, and players that can say what they play.
      trains: whether to say, too, what they play as they explore, which nobody knows of agents that are only kept.

    Raises:
      InputError: for a player that cannot, in one sentence.
    """

    def __init__(self, environment, players: Sequence, trains: bool = True):
        super().__init__(name="strength")
        self._game, self._players, self._trains = environment, list(players), trains
        self._payoffs, self._plays = Number(environment.payoffs), Number(environment.plays)
        for seat, player in enumerate(players):
            has_state = isinstance(player, IMAgent) and tf.nest.flatten(player.internal_state)
            if has_state or not hasattr(player, "probabilities"):
                raise InputError(
                    f"players[{seat}] = {player.name!r}: matrix games are measured exactly, which needs players whose "
                    "choice depends on the last joint action alone: a learner, the folder of a run, random, "
                    "always:ACTION, tit_for_tat, grim or pavlov"
                )
        self._time_step = states(environment)

    def report(self) -> dict[str, dict[str, Any]]:
        """By agent, as plain values for JSON: its measures by their names; those of all together are alike for each."""
        game, payoffs, plays = self._game, self._payoffs.numpy(), int(self._plays.numpy())
        value, optimum = value_of(self._policies(), payoffs, plays), optimal(payoffs)
        gains = np.maximum(value.best_responses - value.returns, 0) / plays  # never below, but for rounding
        together = {"nash_conv": gains.sum(), "optimal_joint_share": _share(value.share @ optimum)}
        if "cooperation_rate" in game.measures:
            played = own_shares(value.share, len(game.actions), game.num_seats)
            together["cooperation_rate"] = _share(played[:, 0].mean())
        explored, report = self._explored() if self._trains else None, {}
        for player in self._players:
            if isinstance(player, IMAgent):
                seat = player.seat
                own = {"mean_return": value.returns[seat], "best_response_gain": gains[seat]} | together
                if self._trains:
                    own |= {f"plays_{name}": _share(x) for name, x in zip(game.actions, explored[seat], strict=True)}
                report[player.name] = {name: float(x) for name, x in own.items()}
        return report

    def _explored(self) -> np.ndarray:
        """How often each seat plays each action as agents explore, `[N, A]`, in the second half of the plays."""
        game, plays = self._game, int(self._plays.numpy())
        share = joint_shares(self._policies(collect=True), plays)[plays // 2 :].mean(axis=0)
        return own_shares(share, len(game.actions), game.num_seats)

    def text(self, report: dict[str, dict[str, Any]]) -> str:
        """A report as people read it, in 80 columns."""
        return report_text(report)

    def _policies(self, collect: bool = False) -> list[np.ndarray]:
        """What each seat plays in every state, float64 `[S, A]`."""
        tables = []
        for player in self._players:
            table = np.asarray(player.probabilities(self._time_step, collect), np.float64)
            tables.append(table / table.sum(axis=1, keepdims=True))  # float32 is not exact
        return tables


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)  # which rounding may pass


def states(environment) -> ts.TimeStep:
    """The time steps of all states that there are, `[S]`: the start, and after each joint action by its number."""
    num_seats = environment.num_seats
    last = joint_actions(len(environment.actions), num_seats)
    last = tf.constant(np.concatenate([np.full([1, num_seats], -1, np.int32), last]))
    count = last.shape[0]
    step_type = tf.constant([ts.StepType.FIRST] + [ts.StepType.MID] * (count - 1), tf.int32)
    observation = environment.build(1, 0).observation_after(last)
    return ts.TimeStep(step_type, tf.zeros([count, num_seats]), tf.ones([count]), observation)


def report_text(report: dict[str, dict[str, Any]]) -> str:
    """What `Strength.report` gives, as people read it in 80 columns."""
    lines = []
    for name, values in report.items():
        own = "mean return {mean_return:.4g}, a best response gains {best_response_gain:.4g} a play".format(**values)
        lines.append(f"{name}  {own}")
    known = [text.format(values[name]) for name, text in _TOGETHER.items() if name in values]
    return "\n".join([*lines, *textwrap.wrap(f"together  {', '.join(known)}", 80, subsequent_indent=" " * 10)])
