"""Q networks for boards, and features that they can look at."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tf_agents.networks import network

from imagents.games.grid import Grid
from imagents.randomness import make_seed


class LineFeatures:
    """What a stone would add to: features of a view of own and opponent's stones.

    A line of k cells is a side's own as long as the other side has no stone in it. For each
    side, for its lines that lack one stone and for those that lack two, the features say which
    empty cells lie on such a line. Under gravity they also count, for each column, such lines
    through the cell that a stone would fall to and through the cell above it, and say which
    cell that is. Multiplications by two fixed matrices, cheaper than a hidden layer.

    Args:
      game: the rules: rows, columns, k, gravity.
    """

    def __init__(self, game: Grid):
        self._game = game
        self._on_line = game.cells_on_lines()
        # An own stone counts 1, an opponent's k + 1: their sum tells how many there are of each.
        sums = [n * weight for n in (game.k - 1, game.k - 2) if n > 0 for weight in (1, game.k + 1)]
        self._sums = np.array(sums, np.float32).reshape(-1, 1, 1)

    def __call__(self, view: tf.Tensor) -> tf.Tensor:
        """The view and its features.

        Args:
          view: bool `[B, 2, rows, columns]`, own stones and the opponent's.

        Returns:
          float32 `[B, F]`.

        Raises:
          ValueError: for a view of another shape.
        """
        game = self._game
        needed = [2, game.rows, game.columns]
        if tf.nest.is_nested(view) or view.shape[1:] != needed:
            raise ValueError(f"line features of {game.name} need a view of shape {needed}: own stones and the other's")
        stones = tf.cast(tf.reshape(view, [-1, 2 * game.num_cells]), tf.float32)
        empty = 1.0 - tf.add_n(tf.split(stones, 2, axis=1))
        on_line = tf.cast(self._on_line, tf.float32)
        sums = tf.matmul(stones, tf.concat([on_line, (game.k + 1) * on_line], axis=0))  # [B, lines]
        lines = tf.cast(sums == self._sums, tf.float32)  # [4, B, lines]
        counts = tf.matmul(tf.reshape(lines, [-1, lines.shape[2]]), on_line, transpose_b=True)
        counts = tf.reshape(counts, [len(self._sums), -1, game.num_cells]) * empty
        features = [stones, *tf.unstack(tf.minimum(counts, 1.0))]
        if game.gravity:
            below = [[0, 0], [0, game.columns]]  # a row, under the board for one and empty for the other
            landing = empty * (1.0 - tf.pad(empty[:, game.columns :], below))
            above = tf.pad(landing[:, game.columns :], below)
            features.append(landing)
            for cells in (landing, above):
                by_column = tf.reshape(counts * cells, [len(self._sums), -1, game.rows, game.columns])
                features += tf.unstack(tf.reduce_sum(by_column, axis=2))
        return tf.concat(features, axis=1)


class QNetwork(network.Network):
    """Fully connected layers with ReLU over the flattened view, then one output per action.

    Args:
      input_tensor_spec: nest of specs of the agent's own view; every tensor is cast to
        float32, flattened and concatenated.
      num_actions: number of actions A.
      hidden_layers: width of each hidden layer.
      num_atoms: 1 for Q values `[B, A]`; more for the logits of a distribution over
        returns, `[B, A, num_atoms]` (Bellemare et al. 2017, https://arxiv.org/abs/1707.06887).
      features: a function from the view to float32 `[B, F]` that takes the place of
        flattening, such as `LineFeatures`.
      seed: of the initial weights.
    """

    def __init__(
        self,
        input_tensor_spec,
        num_actions: int,
        hidden_layers: Sequence[int] = (128, 128),
        num_atoms: int = 1,
        features: Callable | None = None,
        seed: int = 0,
        name: str = "QNetwork",
    ):
        super().__init__(input_tensor_spec, name=name)
        self.num_atoms = num_atoms
        self._features = features or self._flattened
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
        self._layers_in_order.append(_Output(num_actions * num_atoms, small))

    def call(self, observation, step_type=None, network_state=(), training=False):
        del step_type, training
        x = self._features(observation)
        for layer in self._layers_in_order:
            x = layer(x)
        return tf.reshape(x, [-1, *self._output_shape]), network_state

    def _flattened(self, observation) -> tf.Tensor:
        leaves = [tf.cast(x, tf.float32) for x in tf.nest.flatten(observation)]
        specs = tf.nest.flatten(self.input_tensor_spec)
        return tf.concat(
            [tf.reshape(x, [-1, spec.shape.num_elements()]) for x, spec in zip(leaves, specs)], axis=1
        )


class _Output(tf.keras.layers.Layer):
    """A dense layer that keeps its kernel as `[outputs, inputs]`.

    With few outputs XLA finds the gradient of such a kernel on a CPU ten times faster than the other way round.
    """

    def __init__(self, units: int, kernel_initializer):
        super().__init__(name="output")
        self._units, self._kernel_initializer = units, kernel_initializer

    def build(self, input_shape):
        shape = [self._units, input_shape[-1]]
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self._kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=[self._units], initializer="zeros")

    def call(self, x):
        return tf.matmul(x, self.kernel, transpose_b=True) + self.bias
