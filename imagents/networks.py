"""Q networks for boards."""

from collections.abc import Sequence

import tensorflow as tf
from tf_agents.networks import network

from imagents.randomness import make_seed


class QNetwork(network.Network):
    """Fully connected layers with ReLU over the flattened view, then one output per action.

    Args:
      input_tensor_spec: nest of specs of the agent's own view; every tensor is cast to
        float32, flattened and concatenated.
      num_actions: number of actions A.
      hidden_layers: width of each hidden layer.
      num_atoms: 1 for Q values `[B, A]`; more for the logits of a distribution over
        returns, `[B, A, num_atoms]` (Bellemare et al. 2017, https://arxiv.org/abs/1707.06887).
      seed: of the initial weights.
    """

    def __init__(
        self,
        input_tensor_spec,
        num_actions: int,
        hidden_layers: Sequence[int] = (128, 128),
        num_atoms: int = 1,
        seed: int = 0,
        name: str = "QNetwork",
    ):
        super().__init__(input_tensor_spec, name=name)
        self.num_atoms = num_atoms
        self._output_shape = [num_actions] + ([num_atoms] if num_atoms > 1 else [])
        initializer = tf.keras.initializers
        self._layers_in_order = [
            tf.keras.layers.Dense(
                width,
                activation="relu",
                kernel_initializer=initializer.HeUniform(seed=make_seed(seed, f"layer {i}")),
            )
            for i, width in enumerate(hidden_layers)
        ]
        # Small outputs: at first every action is worth about nothing.
        small = initializer.RandomUniform(-0.03, 0.03, seed=make_seed(seed, "output"))
        self._layers_in_order.append(
            tf.keras.layers.Dense(num_actions * num_atoms, kernel_initializer=small)
        )

    def call(self, observation, step_type=None, network_state=(), training=False):
        del step_type, training
        leaves = [tf.cast(x, tf.float32) for x in tf.nest.flatten(observation)]
        specs = tf.nest.flatten(self.input_tensor_spec)
        x = tf.concat(
            [tf.reshape(x, [-1, spec.shape.num_elements()]) for x, spec in zip(leaves, specs)], axis=1
        )
        for layer in self._layers_in_order:
            x = layer(x)
        return tf.reshape(x, [-1, *self._output_shape]), network_state
