"""Empowerment where nobody knows where actions lead: a bound on it, learned from the agent's own decisions.

    I(action; next view)  >=  E[ log2 q(action | view, next view) - log2 w(action | view) ]

for any planner q, that tells the action from what came of it, and any source w, that chooses it. The best source for a
planner is w ~ 2 ** u, where u(view, action) = E[log2 q(action | view, next view)], and the bound is then log2 of the
sum of 2 ** u over actions (Mohamed & Rezende 2015, https://arxiv.org/abs/1509.08731).
"""

import math

import tensorflow as tf

from imagents.errors import InputError
from imagents.learning.motives import Motivation, Place
from imagents.motivation.channels import Dynamics, Empowerment
from imagents.motivation.predicting import Predicting
from imagents.seats import is_numbered
from imagents.xla import pick

_NEVER = -1e9  # the logarithm of how likely an action is that is not legal


class LearnedEmpowerment(Predicting):
    """Pays what a decision leads to: a lower bound on the empowerment of the view there, one action ahead, in bits.

    A network tells the action from two views in a row (the planner), another one foresees how well, for each action in
    a view. Where actions lead to one view each, the bound comes to log2 of the number of views that can be reached,
    whatever the agent likes to do; where they are uncertain it is the tighter the more evenly the agent tries them.
    What no action changes, such as noise, adds nothing. Of actions that it never took it knows nothing. An end, after
    which nothing can be done, pays nothing.

    Longer plans would need to be chosen beforehand, without a look at what comes: an agent's own decisions are not.

    Args:
      place: where it is at home.

    Raises:
      InputError: for actions that are numbers.
    """

    def __init__(self, place: Place):
        super().__init__(place, "empowerment")
        if not is_numbered(place.action_spec):
            raise InputError(f"{place.owner}: motivation = 'empowerment': its actions are numbers, not numbered")
        self._planner = self._network(2 * self.width, self.actions, name="planner")
        self._foresight = self._network(self.width, self.actions, name="foresight")
        self._train(self._planner, self._foresight)

    def bonus(self, decisions):
        return tf.where(self.has_settled, self._raw(decisions), 0.0)

    def bits(self, view, legal_moves=()) -> tf.Tensor:
        """The bound in N views, float32 `[N]`; of legal moves, bool `[N, A]`, where not all are."""
        total = tf.reduce_logsumexp(_among(legal_moves, self._told(view)), axis=1)
        return tf.maximum(total / math.log(2.0), 0.0)

    def _raw(self, decisions):
        return tf.where(decisions.discount > 0.0, self.bits(decisions.next_view, decisions.next_legal_moves), 0.0)

    def _losses(self, decisions):
        views = tf.concat([self._sees(decisions.view), self._sees(decisions.next_view)], axis=1)
        planned = tf.nn.log_softmax(_among(decisions.legal_moves, self._planner(views)[0]))
        planned, told = (pick(x, decisions.action) for x in (planned, self._told(decisions.view)))
        return (tf.stop_gradient(planned) - told) ** 2 - planned

    def _told(self, view) -> tf.Tensor:
        """How well the planner will tell each action: log q as it is expected, float32 `[N, A]`; chance at first."""
        chance = math.log(max(self.actions - 1, 1e-6))
        return tf.math.log_sigmoid(self._foresight(self._sees(view))[0] - chance)


def empowerment_in(place: Place, dynamics: Dynamics | None, steps: int) -> Motivation:
    """`Empowerment` where the dynamics are known, elsewhere `LearnedEmpowerment`, which looks one action ahead."""
    return LearnedEmpowerment(place) if dynamics is None else Empowerment(place, dynamics, steps)


def _among(legal_moves, x: tf.Tensor) -> tf.Tensor:
    return tf.where(legal_moves, x, _NEVER) if tf.is_tensor(legal_moves) else x
