"""What motivations that learn to predict have in common: how they see, how they learn, and in which units they pay."""

import math

import tensorflow as tf

from imagents.learning.decisions import Decision
from imagents.learning.motives import Motivation, Place
from imagents.learning.networks import Flat, QNetwork
from imagents.randomness import make_seed
from imagents.seats import is_numbered, num_actions
from imagents.xla import repeat

_BOUND = 5.0  # of a normalised number that is seen, in standard deviations
_RATE, _MINIBATCH = 1e-4, 256
_SETTLING = 10_000.0  # decisions from which it learns nothing but how to see
_HIDDEN, _OUTPUTS = 64, 32


class Predicting(Motivation):
    """Pays what a prediction says of a decision, over its root mean square so far: about 1, whatever is seen.

    It sees views as numbers, each normalised by its own running mean and standard deviation, within 5 of these; images
    through convolutions that stay as they were drawn. Statistics and predictions are learned from the decisions that
    the algorithm learns from, once a lesson, in steps of Adam on up to 256 of them (rate 0.0001). The first 10,000
    only show it what numbers are like: it pays nothing then, and predicts nothing.

    Args:
      place: where it is at home.
      name: what it is called.

    Attributes:
      width: how many numbers it sees.
    """

    def __init__(self, place: Place, name: str):
        super().__init__(name=name)
        self._seed, self._action_spec = make_seed(place.seed, name), place.action_spec
        self._flat = Flat(place.sight_spec.view, self._seed)
        self.width = self._flat.num_features
        self._flat(tf.nest.map_structure(lambda x: tf.zeros([1, *x.shape], x.dtype), place.sight_spec.view))  # made
        self._mean, self._variance = (tf.Variable(tf.zeros([self.width]), trainable=False) for _ in range(2))
        self._seen, self._square = (tf.Variable(0.0, trainable=False) for _ in range(2))  # decisions; of what was paid
        self._optimizer = tf.keras.optimizers.Adam(_RATE)

    def bonus(self, decisions):
        return tf.math.divide_no_nan(self._raw(decisions), tf.sqrt(self._square.read_value()))

    def learn(self, decisions, counts):
        weights, size = tf.cast(counts, tf.float32), counts.shape[0]
        raw, numbers = self._raw(decisions), self._flat(decisions.next_view)
        decisions = decisions._replace(next_legal_moves=(), memory=())
        parts = math.ceil(size / _MINIBATCH)
        places = tf.range(math.ceil(size / parts)) * parts  # each part has some of all copies and times

        def learn_part(i):
            rows = tf.minimum(places + i, size - 1)
            batch = tf.nest.map_structure(lambda x: tf.gather(x, rows), decisions)
            self._apply(self._gradients(batch, tf.where(places + i < size, tf.gather(weights, rows), 0.0)))
            return [i + 1]

        if parts > 1:
            repeats = tf.where(self.has_settled, parts, 0)
            tf.while_loop(lambda i: i < repeats, learn_part, [tf.zeros([], tf.int32)])
        else:  # of what the bonus was computed of, outside of the loop: so XLA computes it once
            gradients = self._gradients(decisions, weights)
            repeat(lambda: self._apply(gradients), tf.cast(self.has_settled, tf.int32))
        self._take_in(raw, numbers, weights)

    def _gradients(self, decisions: Decision, weights: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.math.divide_no_nan(tf.reduce_sum(weights * self._losses(decisions)), tf.reduce_sum(weights))
        return tape.gradient(loss, self._trained)

    def _apply(self, gradients: list[tf.Tensor]) -> None:
        self._optimizer.apply_gradients(zip(gradients, self._trained, strict=True))
        self._after_step()

    def _raw(self, decisions: Decision) -> tf.Tensor:
        """What N decisions are worth in units of its own, float32 `[N]`."""
        raise NotImplementedError

    def _losses(self, decisions: Decision) -> tf.Tensor:
        """What its predictions are to make small, float32 `[N]`."""
        raise NotImplementedError

    def _after_step(self) -> None:
        """Called after each gradient step."""

    def _take_in(self, raw: tf.Tensor, numbers: tf.Tensor, weights: tf.Tensor) -> None:
        """Adds rows of weight 1 or 0, float32 `[N]`, to all statistics (Chan et al. 1979)."""
        seen, new = self._seen.read_value(), tf.reduce_sum(weights)
        weights = tf.math.divide_no_nan(weights, new)[:, tf.newaxis]
        share = tf.math.divide_no_nan(new, seen + new)
        mean = tf.reduce_sum(weights * numbers, axis=0)
        variance, change = tf.reduce_sum(weights * (numbers - mean) ** 2, axis=0), mean - self._mean
        self._variance.assign_add(share * (variance - self._variance + (1.0 - share) * change**2))
        self._mean.assign_add(share * change)
        rest = tf.maximum(seen - _SETTLING, 0.0)
        share = tf.where(seen >= _SETTLING, tf.math.divide_no_nan(new, rest + new), 0.0)
        self._square.assign_add(share * (tf.reduce_sum(weights[:, 0] * raw**2) - self._square))
        self._seen.assign_add(new)

    def _network(self, inputs: int, outputs: int = _OUTPUTS, name: str = "") -> QNetwork:
        """From so many numbers to others, with a hidden layer."""
        made = QNetwork(tf.TensorSpec([inputs]), outputs, (_HIDDEN,), seed=make_seed(self._seed, name), name=name)
        made.create_variables()
        return made

    def _train(self, *networks: QNetwork) -> None:
        """Says what is learned."""
        self._trained = [variable for network in networks for variable in network.trainable_variables]
        self._optimizer.build(self._trained)

    def _sees(self, view) -> tf.Tensor:
        """Views as normalised numbers, float32 `[N, width]`."""
        deviation = tf.sqrt(self._variance) + 1e-5 * tf.abs(self._mean) + 1e-8
        return tf.clip_by_value((self._flat(view) - self._mean) / deviation, -_BOUND, _BOUND)

    def _acts(self, action: tf.Tensor) -> tf.Tensor:
        """Actions as numbers, float32 `[N, actions]`."""
        if is_numbered(self._action_spec):
            return tf.one_hot(action, num_actions(self._action_spec))
        return tf.reshape(action, [-1, self._action_spec.shape.num_elements()])

    @property
    def has_settled(self) -> tf.Tensor:
        """Whether it has seen enough to learn, and to pay; bool `[]`."""
        return self._seen.read_value() > _SETTLING

    @property
    def actions(self) -> int:
        """How many numbers an action is."""
        spec = self._action_spec
        return num_actions(spec) if is_numbered(spec) else spec.shape.num_elements()


def error(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """The mean squared error of each row: `[N, K]` -> float32 `[N]`."""
    return tf.reduce_mean((target - prediction) ** 2, axis=1)
