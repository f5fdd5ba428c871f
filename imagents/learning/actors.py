"""Networks of agents that learn a policy: an actor, which says how likely each action is, and a critic."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.distributions import utils as distribution_utils
from tf_agents.networks import network

from imagents.learning.perspective import Sight, view_of

_FIRST_DEVIATION = 0.5  # of actions whose bounds are -1 and 1


class _Network(network.Network):
    """A network whose variables are made from zeros: TF-Agents makes them from random numbers, of 8 bits only uint8."""

    def create_variables(self, input_tensor_spec=None, **kwargs):
        del input_tensor_spec
        if self._network_output_spec is None:
            zeros = tf.nest.map_structure(lambda spec: tf.zeros([1, *spec.shape], spec.dtype), self.input_tensor_spec)
            self._network_output_spec = _spec_of(self(zeros, **kwargs)[0])
        return self._network_output_spec


def _spec_of(output):
    """What a distribution, or a tensor `[1, ...]`, is without its batch dimension, as TF-Agents says it."""
    if tf.is_tensor(output):
        return tf.TensorSpec(output.shape[1:], output.dtype)
    parameters = distribution_utils.get_parameters(output)
    parameters = network._convert_to_spec_and_remove_singleton_batch_dim(parameters, outer_ndim=1)
    return distribution_utils.DistributionSpecV2(output.event_shape, output.dtype, parameters)


class Actor(_Network):
    """A distribution over the legal actions.

    Args:
      input_tensor_spec: of a `Sight`, or of the bare view where every action is legal.
      action_spec: one integer from 0.
      logits: makes the network of the logits, `[B, A]`, from the spec of the view.
    """

    def __init__(self, input_tensor_spec, action_spec, logits: Callable, name: str = "Actor"):
        super().__init__(input_tensor_spec, name=name)
        self._logits, self._dtype = logits(view_of(input_tensor_spec)), action_spec.dtype

    def call(self, observation, step_type=None, network_state=(), training=False):
        logits, _ = self._logits(view_of(observation), step_type, (), training)
        if isinstance(observation, Sight):
            logits = tf.where(observation.legal_moves, logits, logits.dtype.min)
        return tfp.distributions.Categorical(logits, dtype=self._dtype), network_state


class GaussianActor(_Network):
    """A normal distribution of numbers without bounds, whose standard deviations are the same everywhere.

    Args:
      input_tensor_spec: of the view, or of a `Sight`.
      action_spec: D floats.
      means: makes the network of the means, `[B, D]`, from the spec of the view.
    """

    def __init__(self, input_tensor_spec, action_spec, means: Callable, name: str = "GaussianActor"):
        super().__init__(input_tensor_spec, name=name)
        self._means = means(view_of(input_tensor_spec))
        start = tf.fill([action_spec.shape[0]], _FIRST_DEVIATION)
        self._log_deviations = tf.Variable(tf.math.log(start), name="log_deviations")

    def call(self, observation, step_type=None, network_state=(), training=False):
        means, _ = self._means(view_of(observation), step_type, (), training)
        deviations = tf.exp(self._log_deviations) + tf.zeros_like(means)
        return tfp.distributions.MultivariateNormalDiag(means, deviations), network_state


class Critic(_Network):
    """What a view is worth, float32 `[B]`.

    Args:
      input_tensor_spec: of a `Sight`, or of the bare view.
      values: makes the network of the value, `[B, 1]`, from the spec of the view.
    """

    def __init__(self, input_tensor_spec, values: Callable, name: str = "Critic"):
        super().__init__(input_tensor_spec, name=name)
        self._values = values(view_of(input_tensor_spec))

    def call(self, observation, step_type=None, network_state=(), training=False):
        return self.value(view_of(observation)), network_state

    def value(self, view) -> tf.Tensor:
        """What some views are worth, float32 `[N]`."""
        return tf.squeeze(self._values(view)[0], -1)
