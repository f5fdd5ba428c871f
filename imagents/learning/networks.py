"""Q networks, also one to which mirror images are the same position, and what networks are told of a view."""

import functools
import itertools
import math
from collections.abc import Callable, Sequence

import tensorflow as tf
from tf_agents.networks import network

from imagents.errors import InputError
from imagents.learning.images import ImageEncoder, is_image
from imagents.process import check_memory
from imagents.randomness import make_seed
from imagents.settings import QLearning
from imagents.xla import as_rows, matmul

_ROOT_HALF = math.sqrt(0.5)


class Flat(tf.keras.layers.Layer):
    """A view as numbers, float32 `[B, num_features]`: all that is in it, images through convolutions of their own.

    Args:
      spec: nest of specs of the view.
      seed: of the initial weights of convolutions.

    Attributes:
      num_features: how many numbers that are.
    """

    def __init__(self, spec, seed: int = 0):
        super().__init__()
        self._specs = [tf.TensorSpec(part.shape, part.dtype) for part in tf.nest.flatten(spec)]
        parts = enumerate(tf.nest.flatten(spec))
        self._encoders = {str(i): ImageEncoder(x, make_seed(seed, f"image {i}")) for i, x in parts if is_image(x)}
        self.num_features = sum(
            self._encoders[str(i)].num_features if str(i) in self._encoders else part.shape.num_elements()
            for i, part in enumerate(self._specs)
        )

    def call(self, view) -> tf.Tensor:
        parts = []
        for i, (x, spec) in enumerate(zip(tf.nest.flatten(view), self._specs, strict=True)):
            encode = self._encoders.get(str(i))
            parts.append(encode(x) if encode else tf.reshape(tf.cast(x, tf.float32), [-1, spec.shape.num_elements()]))
        return tf.concat(parts, axis=1)


class QNetwork(network.Network):
    """Fully connected layers with ReLU over the flattened view, then one output per action.

    Args:
      input_tensor_spec: nest of specs of the agent's own view; every tensor is cast to
        float32, flattened and concatenated, images (see `imagents.learning.images`) once
        they went through a few convolutions of their own.
      num_actions: number of actions A.
      hidden_layers: width of each hidden layer.
      num_atoms: 1 for Q values `[B, A]`; more for the logits of a distribution over
        returns, `[B, A, num_atoms]` (Bellemare et al. 2017, https://arxiv.org/abs/1707.06887).
      features: a function from the view to float32 `[B, F]` that takes the place of
        flattening, such as `imagents.environments.boards.features.LineFeatures`.
      mirror: 0, or the number of columns C of a board that means the same if its columns
        are reversed, and the actions' columns with them. Then such a pair gets the same
        numbers, with half the multiplications of an ordinary network of these widths
        (see `_MirrorDense`). Columns are the last axis of the flattened view or features,
        and of the actions.
      seed: of the initial weights.

    Raises:
      InputError: for numbers of features or actions that are no multiples of C, or an odd width
        in a mirrored network.
    """

    def __init__(
        self,
        input_tensor_spec,
        num_actions: int,
        hidden_layers: Sequence[int] = QLearning.hidden_layers,
        num_atoms: int = 1,
        features: Callable | None = None,
        mirror: int = 0,
        seed: int = 0,
        name: str = "QNetwork",
    ):
        super().__init__(input_tensor_spec, name=name)
        self.num_atoms = num_atoms
        self._features = features or Flat(input_tensor_spec, seed)
        self._mirror = mirror = mirror if mirror > 1 else 0  # a single column is its own mirror image
        self._output_shape = [num_actions] + ([num_atoms] if num_atoms > 1 else [])
        if mirror and (num_actions % mirror or any(width % 2 for width in hidden_layers)):
            raise InputError(
                f"a mirrored network needs hidden layers of even width and a multiple of {mirror} actions, "
                f"not {tuple(hidden_layers)} and {num_actions}"
            )
        self._check_memory(hidden_layers)
        self._layers_in_order = []
        for i, width in enumerate(hidden_layers):
            he = tf.keras.initializers.HeUniform(seed=make_seed(seed, f"layer {i}"))
            self._layers_in_order.append(
                _MirrorDense(width // 2, 0, he, batch_last=i == 0) if mirror else _Dense(width, he)
            )
        # Small outputs: at first every action is worth about nothing.
        per_column = num_actions // max(mirror, 1) * num_atoms
        small = tf.keras.initializers.RandomUniform(-0.03, 0.03, seed=make_seed(seed, "output"))
        self._layers_in_order.append(
            _MirrorDense(mirror // 2 * per_column, mirror % 2 * per_column, small, not hidden_layers) if mirror
            else _Dense(num_actions * num_atoms, small, transposed=True)
        )

    def create_variables(self, input_tensor_spec=None, **kwargs):
        """As TF-Agents has it, from zeros instead of random numbers, which it does not draw of 8 bits."""
        del input_tensor_spec
        if self._network_output_spec is None:
            zeros = tf.nest.map_structure(lambda spec: tf.zeros([1, *spec.shape], spec.dtype), self.input_tensor_spec)
            values, _ = self(zeros, **kwargs)
            self._network_output_spec = tf.TensorSpec(values.shape[1:], values.dtype)
        return self._network_output_spec

    def _check_memory(self, hidden_layers: Sequence[int]) -> None:
        parts = tf.nest.flatten(self.input_tensor_spec)
        inputs = getattr(self._features, "num_features", sum(part.shape.num_elements() for part in parts))
        widths = [inputs, *map(int, hidden_layers), math.prod(self._output_shape)]
        weights = sum(a * b for a, b in itertools.pairwise(widths)) // (2 if self._mirror else 1)
        # 32 bits each; also in the target network, and Adam keeps two numbers for each.
        check_memory(f"a Q network with hidden_layers = {tuple(hidden_layers)}", 4 * 4 * weights)

    def call(self, observation, step_type=None, network_state=(), training=False):
        del step_type, training
        x = self._features(observation)
        x = self._paired(x) if self._mirror else as_rows(x)
        for layer in self._layers_in_order[:-1]:
            x = tf.nest.map_structure(tf.nn.relu, layer(x))
        x = self._layers_in_order[-1](x)
        x = self._unpaired(x) if self._mirror else x
        return tf.reshape(x, [-1, *self._output_shape]), network_state

    def _paired(self, x: tf.Tensor) -> list[tf.Tensor]:
        """Features `[B, F]` by column, as the first `_MirrorDense` takes them."""
        if x.shape[1] % self._mirror:
            raise InputError(f"{x.shape[1]} features do not fit a board of {self._mirror} columns")
        x = as_rows(tf.transpose(x))
        columns = [x[column :: self._mirror] for column in range(self._mirror)]
        half = self._mirror // 2
        middle = columns[half : self._mirror - half]
        return [tf.concat(columns[:half], axis=0), tf.concat(columns[: -half - 1 : -1], axis=0), *middle]

    def _unpaired(self, x: list[tf.Tensor]) -> tf.Tensor:
        """The last layer's output as `[B, rows, columns, atoms]`."""
        num_rows = self._output_shape[0] // self._mirror
        per_column = [num_rows, self.num_atoms]
        left, right, *middle = (tf.reshape(y, [-1, y.shape[2] // math.prod(per_column), *per_column]) for y in x)
        return tf.transpose(tf.concat([left, *middle, right[:, ::-1]], axis=1), [0, 2, 1, 3])


class _Dense(tf.keras.layers.Layer):
    """A dense layer, `[B, 1, inputs]` to `[B, 1, units]`.

    Args:
      units: number of outputs.
      kernel_initializer: of the kernel.
      transposed: whether the kernel is kept as `[units, inputs]`, for few units; see `imagents.xla.matmul`.
    """

    def __init__(self, units: int, kernel_initializer, transposed: bool = False):
        super().__init__()
        self._units, self._kernel_initializer, self._transposed = units, kernel_initializer, transposed

    def build(self, input_shape):
        shape = [input_shape[-1], self._units]
        shape = shape[::-1] if self._transposed else shape
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self._kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=[self._units], initializer="zeros")

    def call(self, x):
        return matmul(x, self.kernel, transpose_b=self._transposed) + self.bias


class _MirrorDense(tf.keras.layers.Layer):
    """A dense layer that gives a mirrored output for a mirrored input.

    Input and output are what is on the left, on the right in the same order from the edge, `[B, 1, units]` each, and in
    the middle if anything is; to mirror it is to swap left and right. A layer whose kernel is shared by mirror images
    maps what stays the same under that (sums of left and right) and what changes its sign (differences) apart from each
    other: two products, each a quarter of the work of a dense layer's.

    Source: the equivariant layers of Cohen & Welling 2016, https://arxiv.org/abs/1602.07576.

    Args:
      side: units on either side of the output.
      middle: units in its middle.
      kernel_initializer: of both kernels.
      batch_last: whether the input is `[units, 1, B]`.
    """

    def __init__(self, side: int, middle: int, kernel_initializer, batch_last: bool = False):
        super().__init__()
        self._side, self._middle, self._kernel_initializer = side, middle, kernel_initializer
        self._batch_last, self._axis = batch_last, 0 if batch_last else 2

    def build(self, input_shape):
        side, _, *middle = (shape[self._axis] for shape in input_shape)
        weight = functools.partial(self.add_weight, initializer=self._kernel_initializer)
        self._same = weight("same", [side + sum(middle), self._side + self._middle])
        self._opposite = weight("opposite", [side, self._side])
        self._bias = self.add_weight("bias", [self._side + self._middle], initializer="zeros")

    def call(self, x):
        left, right, *middle = x
        same = tf.concat([(left + right) * _ROOT_HALF, *middle], self._axis)
        same = matmul(same, self._same, transpose_a=self._batch_last) + self._bias
        opposite = matmul((left - right) * _ROOT_HALF, self._opposite, transpose_a=self._batch_last)
        same, middle = same[..., : self._side], [same[..., self._side :]] if self._middle else []
        return [(same + opposite) * _ROOT_HALF, (same - opposite) * _ROOT_HALF, *middle]
