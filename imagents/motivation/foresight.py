"""Surprise and learning progress: how wrong one is of what comes next, and how much less wrong than before."""

import tensorflow as tf

from imagents.learning.motives import Place
from imagents.motivation.predicting import Predicting, error
from imagents.seats import is_numbered

_PATIENCE = 0.995  # the share of what it knew before that is left after each gradient step


class ICM(Predicting):
    """Pays for what it did not foresee, among what tells which action was taken (the intrinsic curiosity module).

    One network makes features of views from which another one tells the action between two of them (the inverse model);
    a third foresees the features of the next view from those of this one and the action. Its error is paid. What no
    action changes is left out by and by; what is random and yet depends on actions surprises for ever.

    Source: Pathak et al. 2017, https://arxiv.org/abs/1705.05363. Here features are 32 numbers whose mean square is 1,
    and the forward model's error does not change them: else they could grow, or become equal.

    Args:
      place: where it is at home.
    """

    def __init__(self, place: Place):
        super().__init__(place, "icm")
        self._features = self._network(self.width, name="features")
        size = self._features.create_variables().shape[0]
        self._inverse = self._network(2 * size, self.actions, name="inverse")
        self._forward = self._network(size + self.actions, size, name="forward")
        self._train(self._features, self._inverse, self._forward)

    def _raw(self, decisions):
        return self._surprise(decisions, *self._both(decisions))

    def _losses(self, decisions):
        before, after = self._both(decisions)
        found = self._inverse(tf.concat([before, after], axis=1))[0]
        actions = self._acts(decisions.action)
        is_one = is_numbered(self._action_spec)
        inverse = tf.nn.softmax_cross_entropy_with_logits(actions, found) if is_one else error(actions, found)
        return inverse + self._surprise(decisions, tf.stop_gradient(before), tf.stop_gradient(after))

    def _both(self, decisions) -> list[tf.Tensor]:
        features = [self._features(self._sees(view))[0] for view in (decisions.view, decisions.next_view)]
        return [x * tf.math.rsqrt(tf.reduce_mean(x**2, axis=1, keepdims=True) + 1e-8) for x in features]

    def _surprise(self, decisions, before: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
        return error(after, self._forward(tf.concat([before, self._acts(decisions.action)], axis=1))[0])


class LearningProgress(Predicting):
    """Pays for what it foresees better than it did a while ago: the error's fall, not the error.

    A network foresees, from a view and an action, what a random network that never changes makes of the next view. Its
    weights of a while ago are a running mean, of which 0.995 is left after each gradient step. What is learned pays;
    what is known pays nothing, and what cannot be known neither, for both are wrong there alike: noise bores it. What
    is forgotten costs.

    Source: gamma-progress, Kim et al. 2020, https://arxiv.org/abs/2007.07853; the idea is Schmidhuber's (1991) and
    Oudeyer's (2007).

    Args:
      place: where it is at home.
    """

    def __init__(self, place: Place):
        super().__init__(place, "learning_progress")
        self._target = self._network(self.width, name="target")
        inputs = self.width + self.actions
        self._now, self._before = (self._network(inputs, name="forward") for _ in range(2))
        self._train(self._now)

    def _raw(self, decisions):
        return self._error(self._before, decisions) - self._error(self._now, decisions)

    def _losses(self, decisions):
        return self._error(self._now, decisions)

    def _after_step(self):
        for old, new in zip(self._before.variables, self._now.variables, strict=True):
            old.assign(_PATIENCE * old + (1.0 - _PATIENCE) * new)

    def _error(self, network, decisions) -> tf.Tensor:
        target = tf.stop_gradient(self._target(self._sees(decisions.next_view))[0])
        known = tf.concat([self._sees(decisions.view), self._acts(decisions.action)], axis=1)
        return error(target, network(known)[0])
