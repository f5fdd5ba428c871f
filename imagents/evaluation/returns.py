"""What the players of a training are worth together: returns of whole episodes, in which no agent explores."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.trajectories import time_step as ts

from imagents.errors import counted
from imagents.learning.agent import IMAgent
from imagents.learning.perspective import own_reward
from imagents.seats import assign, close, ends, lived, take_step, telling, turns, values_of, variables_for, where_copy
from imagents.xla import repeat, start_xla

_EPISODES = 100  # at least so many are played
_MOST_ROUNDS = 10_000  # without any end: then what is under way counts as far as it came


class Returns(tf.Module):
    """Plays whole episodes in an environment of its own, again and again; the training goes on as if it had not.

    Players that do not learn play as they do in the training, and are put back to what they were. Rewards are the
    environment's, not the agents' own, so that agents of any motivation compare.

    Args:
      environment: a fresh one like the training's, of as many copies.
      players: the training's, one per seat.
      episodes: to play at least, an equal number in each copy.
      xla: whether XLA compiles it, which environment and players have to allow.
    """

    def __init__(
        self,
        environment: tf_environment.TFEnvironment,
        players: Sequence,
        episodes: int = _EPISODES,
        xla: bool = False,
    ):
        super().__init__(name="returns")
        self.environment = environment
        self._players = list(players)
        self._agents = [player for player in players if isinstance(player, IMAgent)]
        self._fixed = [player for player in players if not isinstance(player, IMAgent)]
        copies = environment.batch_size
        self._per_copy = -(-episodes // copies)
        self._states = [variables_for(agent.initial_state(copies)) for agent in self._agents]
        zeros = tf.zeros([copies])
        # Of each agent, in each copy: its return so far in the present life, the sum of those that ended, their number.
        self._returns, self._sums, self._lives = (
            [tf.Variable(zeros, trainable=False) for _ in self._agents] for _ in range(3)
        )
        self._tallies = tf.Variable(tf.zeros([len(getattr(environment, "tallies", ()))], tf.int64), trainable=False)
        self._standard_errors = {}
        self._ended = tf.Variable(tf.zeros([copies], tf.int32), trainable=False)  # episodes, in each copy
        if xla:
            start_xla()
        self._rounds = tf.function(lambda count: repeat(self._round, count), jit_compile=xla, autograph=False)

    def report(self) -> dict[str, dict[str, float]]:
        """By agent: `mean_return`, of its lives in these episodes, how many `lives`, `unfinished` if some are."""
        kept = [(variable, variable.read_value()) for player in self._fixed for variable in player.variables]
        self._begin()
        ended, rounds = 0, 0  # since an episode ended
        while ended < self._per_copy * self.environment.batch_size and rounds < _MOST_ROUNDS:
            with telling(self.environment):
                self._rounds(tf.constant(100))
            before, ended = ended, int(tf.reduce_sum(self._ended))
            rounds = rounds + 100 if ended == before else 0
        for variable, value in kept:
            variable.assign(value)
        report = {}
        cut = (self._ended < self._per_copy).numpy()
        for agent, *found in zip(self._agents, self._sums, self._lives, self._returns, strict=True):
            totals, lives, so_far = (x.numpy().astype(float) for x in found)
            totals, lives = totals + cut * so_far, lives + cut
            mean = totals.sum() / lives.sum() if lives.any() else float("nan")
            report[agent.name] = {"mean_return": float(mean), "lives": int(lives.sum())}
            if cut.any():
                report[agent.name]["unfinished"] = int(cut.sum())
            self._standard_errors[agent.name] = _standard_error(totals - mean * lives, lives.sum())
        return report

    def standard_errors(self) -> dict[str, float]:
        """Of the mean returns that were reported last, by agent: from how copies differ; NaN if there is one alone."""
        return self._standard_errors

    def tallies(self) -> dict[str, int]:
        """The environment's tallies of the episodes that were reported last, by name."""
        return dict(zip(getattr(self.environment, "tallies", ()), self._tallies.numpy().tolist(), strict=True))

    @staticmethod
    def text(report: dict[str, dict[str, float]]) -> str:
        """A report as people read it, in 80 columns."""
        return returns_text(report)

    def close(self) -> None:
        """Ends what its environment has begun."""
        close(self.environment)

    def _begin(self) -> None:
        for variable in (*self._returns, *self._sums, *self._lives, self._tallies, self._ended):
            variable.assign(tf.zeros_like(variable))
        first = self.environment.reset()
        for agent, state in zip(self._agents, self._states, strict=True):
            assign(state, agent.next_state(agent.initial_state(self.environment.batch_size), first))
        for player in self._fixed:
            player.observe(first)

    def _round(self) -> None:
        for seats in turns(self.environment):
            self._step(seats)

    def _step(self, seats: Sequence[int]) -> None:
        before, after, stepped = take_step(self.environment, seats, self._act)
        moved = before.is_last() | stepped
        counts = self._ended < self._per_copy
        for player in self._fixed:
            player.observe(after, moved)
        for agent, state, so_far, total, lives in zip(
            self._agents, self._states, self._returns, self._sums, self._lives, strict=True
        ):
            present = values_of(state)
            assign(state, where_copy(moved, agent.next_state(present, after), present))
            reward = tf.where(moved & ~lived(before, agent.seat).is_last(), own_reward(after, agent.seat, ()), 0.0)
            value = tf.where(lived(after, agent.seat).is_first(), 0.0, so_far + reward)
            so_far.assign(tf.where(counts, value, so_far))
            ended = ends(before, after, agent.seat) & counts
            total.assign_add(tf.where(ended, value, 0.0))
            lives.assign_add(tf.cast(ended, tf.float32))
        if hasattr(self.environment, "tallies"):
            tally = self.environment.tally() & counts[:, tf.newaxis]
            self._tallies.assign_add(tf.reduce_sum(tf.cast(tally, tf.int64), axis=0))
        self._ended.assign_add(tf.cast(after.is_last() & counts, tf.int32))

    def _act(self, seat: int, time_step: ts.TimeStep) -> tf.Tensor:
        player = self._players[seat]
        if player in self._fixed:
            return player.act(time_step)
        state = self._states[self._agents.index(player)]
        action, after = player.decide(time_step, values_of(state))
        assign(state, after)
        return action


def _standard_error(left: np.ndarray, lives: float) -> float:
    """Of a mean over all lives: `left` is by how much the sum in each copy differs from what its lives let expect."""
    copies = len(left)
    return float(np.sqrt((left**2).sum() * copies / (copies - 1)) / lives) if copies > 1 and lives else float("nan")


def returns_text(report: dict[str, dict[str, float]]) -> str:
    """What was measured, by agent, as people read it in 80 columns."""
    lines = []
    for name, values in report.items():
        lives = counted(values["lives"], "life", "lives")
        lines.append(f"{name}  mean return {values['mean_return']:.6g} over {lives}")
        if unfinished := values.get("unfinished"):
            lines[-1] += f", {unfinished:,} of them unfinished"
    if any("unfinished" in values for values in report.values()):
        lines.append(f"in {_MOST_ROUNDS:,} rounds these did not end: does the environment ever say LAST?")
    return "\n".join(lines)
