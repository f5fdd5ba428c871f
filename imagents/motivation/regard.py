"""Regard for others: what they are paid is felt, too. Whoever feels it sees the rewards of all seats, two or more."""

import tensorflow as tf

from imagents.learning.motives import Moment, Motivation, Place, check_others
from imagents.number import Number


class Prosocial(Motivation):
    """Pays the mean of what the others are paid, in units of their rewards, at the moment.

    With weight 1 and two seats that is their sum, the prosocial agent of Peysakhovich & Lerer 2018
    (https://arxiv.org/abs/1709.02865). A negative weight is spite.

    Args:
      place: where it is at home.

    Raises:
      InputError: if there is one seat.
    """

    def __init__(self, place: Place):
        super().__init__(name="prosocial")
        check_others(place, self.name)
        self._seat = place.seat

    def felt(self, moment: Moment):
        rewards = moment.time_step.reward
        return (tf.reduce_sum(rewards, axis=1) - rewards[:, self._seat]) / (rewards.shape[1] - 1)


class InequityAversion(Motivation):
    """Costs what others have more, and what they have less, in units of rewards, at the moment; never more than 0.

        -(envy x mean of max(e_j - e, 0) + guilt x mean of max(e - e_j, 0))      over all others j

    where e is what somebody was paid in this life, the longer ago the less: e <- memory x e + reward, in every step. In
    a game of one play that is Fehr & Schmidt's (1999) with alpha = envy and beta = guilt; over time it is that of
    Hughes et al. 2018 (https://arxiv.org/abs/1803.08884). Envy alone is guilt 0.

    Args:
      place: where it is at home.
      envy, guilt: what a unit of disadvantage and of advantage costs.
      memory: the share of e that is left after a step, 0 to 1.

    Raises:
      InputError: if there is one seat.
    """

    def __init__(self, place: Place, envy: float = 5.0, guilt: float = 0.05, memory: float = 0.965):
        super().__init__(name="inequity_aversion")
        check_others(place, self.name)
        self._seat, self._envy, self._guilt, self._memory = place.seat, *map(Number, (envy, guilt, memory))
        self._had = tf.Variable(tf.zeros([place.batch_size, place.num_seats]), trainable=False)

    def felt(self, moment: Moment):
        is_first, had = moment.time_step.is_first()[:, tf.newaxis], self._had.read_value()
        now = tf.where(moment.counts[:, tf.newaxis], self._memory * had + moment.time_step.reward, had)
        self._had.assign(tf.where(is_first, 0.0, now))
        more = now - now[:, self._seat, tf.newaxis]  # than oneself
        costs = self._envy * tf.maximum(more, 0.0) + self._guilt * tf.maximum(-more, 0.0)
        return -tf.reduce_sum(costs, axis=1) / (now.shape[1] - 1)
