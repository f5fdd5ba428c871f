"""Novelty by random network distillation (Burda et al. 2018, https://arxiv.org/abs/1810.12894)."""

import tensorflow as tf

from imagents.learning.motives import Place
from imagents.motivation.predicting import Predicting, error


class RND(Predicting):
    """Pays for next views of which a network does not know yet what another one, that never changes, makes of them.

    The error falls as a view is seen more often, and views that are like it profit. What is random is new for ever, and
    ends are paid for like any other view.

    Args:
      place: where it is at home.
    """

    def __init__(self, place: Place):
        super().__init__(place, "rnd")
        self._target = self._network(self.width, name="target")
        self._predictor = self._network(self.width, name="predictor")
        self._train(self._predictor)

    def _raw(self, decisions) -> tf.Tensor:
        seen = self._sees(decisions.next_view)
        return error(tf.stop_gradient(self._target(seen)[0]), self._predictor(seen)[0])

    _losses = _raw
