"""How good the players of a training are in poker together, exactly, from what each does in every information state.

An agent is measured as four policies. *greedy* and *softmax* are made of what it has learned: the best action, and
every action as often as exp(Q / temperature) says. *behaviour* is how it explores by the end of the newest chunk.
*average* is the mean of its greedy policies after all chunks, in which each counts in an information state as much as
its own actions lead there: so plays who draws one of the chunks before each game. A player that does not learn plays
the same each time.
"""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from imagents.environments.cards.environment import State
from imagents.environments.cards.measures import POLICIES, average, policies_csv, value_of, weighted
from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.learning.policies import has_q_values
from imagents.number import Number


class Record(tf.Module):
    """What was noted over a training; checkpoints hold it.

    chunks: int64 `[]`, how many there were; sums: float64 `[I, A]`, of the greedy policies after each, weighted;
    behaviour: float64 `[I, A]`, how the players explored after the last one.
    """

    def __init__(self, shape: Sequence[int]):
        super().__init__(name="record")
        self.chunks = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.sums = tf.Variable(tf.zeros(shape, tf.float64), trainable=False)
        self.behaviour = tf.Variable(tf.zeros(shape, tf.float64), trainable=False)


class Strength(tf.Module):
    """Measures the players of one training again and again, and changes nothing of them.

    Args:
      environment: the game's settings.
      players: the training's, one per seat: agents, and players that can say what they play.
      trains: whether they are in a training; else what only that knows, their behaviour and their average, is measured
        where a record of one was read.

    Attributes:
      record: what `note_chunk` notes.

    Raises:
      InputError: for a player that cannot, in one sentence.
    """

    def __init__(self, environment, players: Sequence, trains: bool = True):
        super().__init__(name="strength")
        for seat, player in enumerate(players):
            has_state = isinstance(player, IMAgent) and tf.nest.flatten(player.internal_state)
            if has_state or not hasattr(player, "probabilities"):
                raise InputError(
                    f"players[{seat}] = {player.name!r}: poker is measured exactly, which needs players that can say "
                    "how often they take each action: a learner without a memory, the folder of a run, "
                    f"{', '.join(['random', 'first_legal', *environment.players()])}"
                )
        self._face, self._players, self._trains = environment, list(players), trains
        self._temperature = Number(environment.softmax_temperature)
        rules, world = environment.rules, environment.build(1, 0)
        information = rules.information
        self._rows = [np.flatnonzero(information.seat == seat) for seat in range(2)]
        self._asked = [world.time_step_at(State(information.deal[rows], information.node[rows])) for rows in self._rows]
        self.record = Record([len(information.seat), rules.width])

    def note_chunk(self) -> None:
        """Notes what the players have become by a chunk of their training."""
        self.record.chunks.assign_add(1)
        self.record.sums.assign_add(weighted(self._face.rules, self._joint(_last)))
        self.record.behaviour.assign(self._behaviour())

    def report(self) -> dict[str, dict[str, Any]]:
        """By agent, as plain values for JSON: its measures by their names; those of both are alike for each."""
        values = {policy: value_of(self._face.rules, table) for policy, table in self._policies().items()}
        together = {f"exploitability_{policy}": value.nash_conv / 2 for policy, value in values.items()}
        together |= {f"nash_conv_{policy}": value.nash_conv for policy, value in values.items()}
        played, report = value_of(self._face.rules, self._joint(_played)), {}
        for player in self._players:
            if isinstance(player, IMAgent):
                own = {"mean_return": played.returns[player.seat],
                       "best_response_return": played.best_responses[1 - player.seat]}  # fmt: skip
                has_values = has_q_values(player.algorithm.policy)
                temperature = {"softmax_temperature": self._temperature.numpy()} if has_values else {}
                numbers = own | together | temperature
                report[player.name] = {name: float(number) for name, number in numbers.items()}
        return report

    def text(self, report: dict[str, dict[str, Any]]) -> str:
        """A report as people read it, in 80 columns."""
        return report_text(report)

    def files(self) -> dict[str, str]:
        """What there is to keep at the end of a training beside its measures, by the file's name."""
        return {"policy.csv": policies_csv(self._face.rules, self._policies())}

    def _policies(self) -> dict[str, np.ndarray]:
        """The joint policies that are known, each `[I, A]`."""
        found = {"greedy": self._joint(_greedy), "softmax": self._joint(self._softmax)}
        if int(self.record.chunks):
            found["behaviour"] = self.record.behaviour.numpy()
            found["average"] = average(self._face.rules, self.record.sums.numpy())
        elif self._trains:  # and has not begun
            found |= {"behaviour": self._behaviour(), "average": self._joint(_last)}
        return found

    def _joint(self, policy: Callable) -> np.ndarray:
        """What both play, `[I, A]`, where an agent plays `policy(agent, time_step)`."""
        table = np.zeros(self.record.sums.shape)
        for player, rows, asked in zip(self._players, self._rows, self._asked, strict=True):
            plays = policy if isinstance(player, IMAgent) else _played
            table[rows] = plays(player, asked)
        return table / table.sum(axis=1, keepdims=True)  # float32 is not exact

    def _softmax(self, agent: IMAgent, time_step) -> np.ndarray:
        """By its Q values; an algorithm that learns a policy has one."""
        if not has_q_values(agent.algorithm.policy):
            return _learned(agent, time_step)
        values = agent.q_values(time_step).numpy().astype(float)
        below = (values - np.nanmax(values, axis=1, keepdims=True)) / self._temperature.numpy()
        return np.nan_to_num(np.exp(below), nan=0.0)  # what is illegal has no value

    def _behaviour(self) -> np.ndarray:
        """What both play as they explore now, `[I, A]`: each as if it drew one of its copies before each game."""
        sums = np.zeros(self.record.sums.shape)
        for player, rows, asked in zip(self._players, self._rows, self._asked, strict=True):
            for plays, copies in _explored(player, asked):
                table = np.zeros_like(sums)
                table[rows] = plays / plays.sum(axis=1, keepdims=True)
                sums += copies * weighted(self._face.rules, table)
        return average(self._face.rules, sums)


def _greedy(agent: IMAgent, time_step) -> np.ndarray:
    return np.asarray(agent.greedy_probabilities(time_step), float)


def _last(agent: IMAgent, time_step) -> np.ndarray:
    """What an average is made of: the greedy policy, or the one that an algorithm learns."""
    learns_values = has_q_values(agent.algorithm.policy)
    return _greedy(agent, time_step) if learns_values else _learned(agent, time_step)


def _learned(agent: IMAgent, time_step) -> np.ndarray:
    return np.asarray(agent.probabilities(time_step, collect=True), float)


def _played(player, time_step) -> np.ndarray:
    return np.asarray(player.probabilities(time_step), float)


def _explored(player, time_step) -> list[tuple[np.ndarray, int]]:
    """The ways in which a player explores, each `[N, A]`, and in how many copies of the game."""
    if not isinstance(player, IMAgent):
        return [(_played(player, time_step), 1)]
    amounts = player.exploration.amount.numpy()  # by copy
    _, first, copies = np.unique(amounts, return_index=True, return_counts=True)
    if len(first) == 1:
        return [(np.asarray(player.probabilities(time_step, collect=True), float), 1)]
    each = tf.nest.map_structure(lambda x: tf.repeat(x, len(amounts), axis=0), time_step)  # copies take turns
    plays = np.asarray(player.probabilities(each, collect=True), float)
    plays = plays.reshape(-1, len(amounts), plays.shape[1])
    return [(plays[:, copy], count) for copy, count in zip(first, copies, strict=True)]


def report_text(report: dict[str, dict[str, Any]]) -> str:
    """What `Strength.report` gives, as people read it in 80 columns."""
    lines = [
        f"{name}  mean return {values['mean_return']:.4g}, a best response to it gets "
        f"{values['best_response_return']:.4g}"
        for name, values in report.items()
    ]
    for values in list(report.values())[:1]:  # alike for each
        temperature = values.get("softmax_temperature")  # a learned policy has none
        beside = {"softmax": f" (temperature {temperature:g})" if temperature else " (its own policy)"}
        known = [policy for policy in POLICIES if f"exploitability_{policy}" in values]
        said = [f"{policy}{beside.get(policy, '')} {values[f'exploitability_{policy}']:.4g}" for policy in known]
        lines += textwrap.wrap(f"together  exploitability {', '.join(said)}", 80, subsequent_indent=" " * 10)
    return "\n".join(lines)
