"""A league: the agent that learns plays against its own frozen past.

Whenever the agent wins often enough, a copy of it as it is now joins the pool; once the pool is full, the oldest
copy leaves. Playing one's whole past rather than only one's newest self keeps old answers from being forgotten
(fictitious self-play, Heinrich, Lanctot and Silver 2015, https://proceedings.mlr.press/v37/heinrich15.html; leagues,
Vinyals et al. 2019, https://doi.org/10.1038/s41586-019-1724-z).
"""

import operator
from collections.abc import Callable

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.learning.agent import IMAgent
from imagents.number import Number
from imagents.players.base import Player
from imagents.process import check_memory


class LeaguePlayer(Player):
    """A pool of past selves, each of which plays an equal share of the parallel games.

    Past selves explore as the agent does in training, so that both sides err equally often and a win rate says
    who is better. Game b is played by place b modulo `size`; while fewer selves than places are there, they sit in
    several. A self that joins takes over its games where they stand.

    Args:
      agent: the agent whose past selves play.
      actor: an agent built like the agent, for as many games as a place has. The places' weights are loaded
        into it by turns; its own are of no account.
      size: places in the pool.
      win_rate: share of all games in a chunk of training that the agent has to win for a copy of it to join.
      seat: the seat to play.
      exchange: what a past self is shown, made of the time step; the time step itself if None.
    """

    def __init__(
        self,
        agent: IMAgent,
        actor: IMAgent,
        size: int,
        win_rate: float,
        seat: int,
        exchange: Callable[[ts.TimeStep], ts.TimeStep] | None = None,
    ):
        super().__init__(seat, "league")
        self._size, self._win_rate = size, Number(win_rate)
        self._agent, self._actor = agent, actor
        self._exchange = exchange or (lambda time_step: time_step)
        size_of_one = sum(x.dtype.size * x.shape.num_elements() for x in agent.policy.variables())
        check_memory(f"a league of {size} past selves", size * size_of_one)
        # The oldest is the first self, untrained; every place starts with it.
        self._pool = [  # per variable of the policy: [size, ...]
            tf.Variable(tf.repeat(x.read_value()[tf.newaxis], size, axis=0), trainable=False)
            for x in agent.policy.variables()
        ]
        self.joined = tf.Variable(1, dtype=tf.int64, trainable=False)  # selves so far, the first included

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        shown = self._exchange(time_step)
        by_place = tf.nest.map_structure(lambda x: tf.reshape(x, [-1, self._size, *x.shape[1:]]), shown)
        policy, actions = self._actor.collect_policy, []
        for place in range(self._size):
            for weights, variable in zip(self._pool, self._actor.policy.variables()):
                variable.assign(weights.read_value()[place])
            own = tf.nest.map_structure(operator.itemgetter((slice(None), place)), by_place)
            actions.append(policy.action(own, policy.get_initial_state(own.step_type.shape[0])).action)
        return tf.reshape(tf.stack(actions, axis=1), [-1])

    def after_chunk(self, metrics: dict[str, float]) -> dict[str, float]:
        """Lets the agent join if it has won enough; returns how many have joined so far, `league_joined`."""
        if metrics[f"{self._agent.name}_wins"] >= self._win_rate.numpy():
            self.join()
        return {"league_joined": float(self.joined)}

    def join(self) -> None:
        """Adds a copy of the agent as it is now; the oldest leaves if the pool is full."""
        joined = int(self.joined)
        for weights, variable in zip(self._pool, self._agent.policy.variables()):
            places = list(tf.unstack(weights.read_value()))
            places[joined % self._size] = variable.read_value()
            members = min(joined + 1, self._size)
            weights.assign(tf.stack([places[place % members] for place in range(self._size)]))
        self.joined.assign_add(1)
