"""What the players of a training are worth together: returns of whole episodes, in which every agent is greedy."""

from collections.abc import Sequence

import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.trajectories import time_step as ts

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
        self._states = [variables_for(agent.perspective.initial_state(copies)) for agent in self._agents]
        zeros = tf.zeros([copies])
        self._returns = [tf.Variable(zeros, trainable=False) for _ in self._agents]  # so far, in the present life
        self._sums, self._lives = ([tf.Variable(0.0, trainable=False) for _ in self._agents] for _ in range(2))
        self._ended = tf.Variable(tf.zeros([copies], tf.int32), trainable=False)  # episodes, in each copy
        if xla:
            start_xla()
        self._rounds = tf.function(lambda count: repeat(self._round, count), jit_compile=xla, autograph=False)

    def report(self) -> dict[str, dict[str, float]]:
        """By agent: `mean_return`, of its lives in these episodes, and their number `lives`."""
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
        for agent, total, lives, so_far in zip(self._agents, self._sums, self._lives, self._returns, strict=True):
            cut = tf.cast(self._ended < self._per_copy, tf.float32)
            count = int(lives) + int(tf.reduce_sum(cut))
            total = float(total) + float(tf.reduce_sum(cut * so_far))
            mean = total / count if count else float("nan")
            report[agent.name] = {"mean_return": mean, "lives": count}
        return report

    @staticmethod
    def text(report: dict[str, dict[str, float]]) -> str:
        """A report as people read it, in 80 columns."""
        return returns_text(report)

    def close(self) -> None:
        """Ends what its environment has begun."""
        close(self.environment)

    def _begin(self) -> None:
        for variable in (*self._returns, *self._sums, *self._lives, self._ended):
            variable.assign(tf.zeros_like(variable))
        first = self.environment.reset()
        for agent, state in zip(self._agents, self._states, strict=True):
            initial = agent.perspective.initial_state(self.environment.batch_size)
            assign(state, agent.perspective.next_state(initial, first))
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
            assign(state, where_copy(moved, agent.perspective.next_state(present, after), present))
            reward = tf.where(moved & ~lived(before, agent.seat).is_last(), own_reward(after, agent.seat, ()), 0.0)
            value = tf.where(lived(after, agent.seat).is_first(), 0.0, so_far + reward)
            so_far.assign(tf.where(counts, value, so_far))
            ended = ends(before, after, agent.seat) & counts
            total.assign_add(tf.reduce_sum(tf.where(ended, value, 0.0)))
            lives.assign_add(tf.reduce_sum(tf.cast(ended, tf.float32)))
        self._ended.assign_add(tf.cast(after.is_last() & counts, tf.int32))

    def _act(self, seat: int, time_step: ts.TimeStep) -> tf.Tensor:
        player = self._players[seat]
        if player in self._fixed:
            return player.act(time_step)
        return player.decide(time_step, values_of(self._states[self._agents.index(player)]))


def returns_text(report: dict[str, dict[str, float]]) -> str:
    """What was measured, by agent, as people read it in 80 columns."""
    return "\n".join(
        f"{name}  mean return {values['mean_return']:.6g} over {values['lives']} lives, all of them greedy"
        for name, values in report.items()
    )
