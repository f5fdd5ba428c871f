"""What the players of a training are worth together: returns of whole episodes, in which every agent is greedy."""

from collections.abc import Sequence

import tensorflow as tf
from tf_agents.environments import tf_environment

from imagents.learning.agent import IMAgent
from imagents.learning.perspective import own_reward
from imagents.seats import PASS, acts_at_once, close, ends, is_asked, lived, shows, turns, where_copy
from imagents.xla import repeat

_EPISODES = 100  # at least so many are played
_MOST_ROUNDS = 10_000  # an episode that is longer counts as far as it came


class Returns(tf.Module):
    """Plays whole episodes in an environment of its own, again and again; the training goes on as if it had not.

    Players that do not learn play as they do in the training, and are put back to what they were. Rewards are the
    environment's, not the agents' own, so that agents of any motivation compare.

    Args:
      environment: a fresh one like the training's, of as many copies.
      players: the training's, one per seat.
      episodes: to play at least, an equal number in each copy.
    """

    def __init__(self, environment: tf_environment.TFEnvironment, players: Sequence, episodes: int = _EPISODES):
        super().__init__(name="returns")
        self.environment = environment
        self._players = list(players)
        self._agents = [player for player in players if isinstance(player, IMAgent)]
        self._fixed = [player for player in players if not isinstance(player, IMAgent)]
        copies = environment.batch_size
        self._per_copy = -(-episodes // copies)
        self._turns, self._at_once = turns(environment), acts_at_once(environment)
        self._passes = not self._at_once and any(shows(environment.observation_spec(), key) for key in ("seat", "acts"))
        self._states = [_variables(agent.perspective.initial_state(copies)) for agent in self._agents]
        zeros = tf.zeros([copies])
        self._returns = [tf.Variable(zeros, trainable=False) for _ in self._agents]  # so far, in the present life
        self._sums, self._lives = ([tf.Variable(0.0, trainable=False) for _ in self._agents] for _ in range(2))
        self._ended = tf.Variable(tf.zeros([copies], tf.int32), trainable=False)  # episodes, in each copy
        self._rounds = tf.function(lambda count: repeat(self._round, count), autograph=False)

    def report(self) -> dict[str, dict[str, float]]:
        """By agent: `mean_return`, of its lives in these episodes, and their number `lives`."""
        kept = [(variable, variable.read_value()) for player in self._fixed for variable in player.variables]
        self._begin()
        for _ in range(0, _MOST_ROUNDS, 100):
            self._rounds(tf.constant(100))
            if (self._ended.numpy() >= self._per_copy).all():
                break
        for variable, value in kept:
            variable.assign(value)
        report = {}
        for agent, total, lives, so_far in zip(self._agents, self._sums, self._lives, self._returns, strict=True):
            cut = tf.cast(self._ended < self._per_copy, tf.float32)
            count = int(lives) + int(tf.reduce_sum(cut))
            mean = (float(total) + float(tf.reduce_sum(cut * so_far))) / count
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
            _assign(state, agent.perspective.next_state(initial, first))
        for player in self._fixed:
            player.observe(first)

    def _round(self) -> None:
        for seats in self._turns:
            self._step(seats)

    def _step(self, seats: Sequence[int]) -> None:
        before = self.environment.current_time_step()
        actions = tuple(self._action(self._players[seat], before) for seat in seats)
        after = self.environment.step(actions if self._at_once else actions[0])
        over = before.is_last()
        moved = over | (~over if self._at_once else is_asked(before, seats[0]))
        counts = self._ended < self._per_copy
        for player in self._fixed:
            player.observe(after, moved)
        for agent, state, so_far, total, lives in zip(
            self._agents, self._states, self._returns, self._sums, self._lives, strict=True
        ):
            present = _values(state)
            _assign(state, where_copy(moved, agent.perspective.next_state(present, after), present))
            reward = tf.where(moved & ~lived(before, agent.seat).is_last(), own_reward(after, agent.seat, ()), 0.0)
            value = tf.where(lived(after, agent.seat).is_first(), 0.0, so_far + reward)
            so_far.assign(tf.where(counts, value, so_far))
            ended = ends(before, after, agent.seat) & counts
            total.assign_add(tf.reduce_sum(tf.where(ended, value, 0.0)))
            lives.assign_add(tf.reduce_sum(tf.cast(ended, tf.float32)))
        self._ended.assign_add(tf.cast(after.is_last() & counts, tf.int32))

    def _action(self, player, time_step) -> tf.Tensor:
        if not isinstance(player, IMAgent):
            return player.act(time_step)
        action = player.decide(time_step, _values(self._states[self._agents.index(player)]))
        asked = is_asked(time_step, player.seat)
        return tf.where(asked, action, tf.cast(PASS, action.dtype)) if self._passes else action


def returns_text(report: dict[str, dict[str, float]]) -> str:
    """What was measured, by agent, as people read it in 80 columns."""
    return "\n".join(
        f"{name}  mean return {values['mean_return']:.6g} over {values['lives']} lives, all of them greedy"
        for name, values in report.items()
    )


def _variables(nest):
    return tf.nest.map_structure(lambda x: tf.Variable(x, trainable=False), nest)


def _values(variables):
    return tf.nest.map_structure(lambda variable: variable.read_value(), variables)


def _assign(variables, values) -> None:
    for variable, value in zip(tf.nest.flatten(variables), tf.nest.flatten(values), strict=True):
        variable.assign(value)
