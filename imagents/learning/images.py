"""What a Q network makes of an image: a few convolutions, as small as the image is."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from imagents.randomness import make_seed


class _Convolution(NamedTuple):
    size: int  # of its kernel, along either side
    step: int  # from one place to the next
    filters: int


_LARGE = (_Convolution(8, 4, 16), _Convolution(4, 2, 32))  # of Mnih et al. 2013, https://arxiv.org/abs/1312.5602
_SMALL = (_Convolution(3, 1, 16), _Convolution(3, 1, 32))
_LARGE_SIDE, _SMALL_SIDE = 36, 5  # of an image, the shorter one, from which on there is room for these


def is_image(spec: tf.TensorSpec) -> bool:
    """Whether a part of a view is taken as an image: uint8 `[height, width, channels]`, not too small."""
    return spec.dtype == tf.uint8 and spec.shape.rank == 3 and min(spec.shape[:2]) >= _SMALL_SIDE


class ImageEncoder(tf.keras.layers.Layer):
    """Convolutions with ReLU over images uint8 `[B, height, width, channels]`, flattened: float32 `[B, num_features]`.

    Args:
      spec: of an image; its maximum, if it has one, becomes 1.
      seed: of the initial weights.

    Attributes:
      num_features: how many numbers it makes of an image.
    """

    def __init__(self, spec: tf.TensorSpec, seed: int = 0):
        super().__init__()
        sides, layers = list(spec.shape[:2]), _LARGE if min(spec.shape[:2]) >= _LARGE_SIDE else _SMALL
        self._scale = 1.0 / max(1.0, float(np.max(getattr(spec, "maximum", tf.uint8.max))))
        self._convolutions = []
        for i, (size, step, filters) in enumerate(layers):
            he = tf.keras.initializers.HeUniform(seed=make_seed(seed, f"convolution {i}"))
            self._convolutions.append(
                tf.keras.layers.Conv2D(filters, size, step, activation="relu", kernel_initializer=he)
            )
            sides = [(side - size) // step + 1 for side in sides]
        self.num_features = math.prod(sides) * layers[-1].filters

    def call(self, images):
        x = tf.cast(images, tf.float32) * self._scale
        for convolution in self._convolutions:
            x = convolution(x)
        return tf.reshape(x, [-1, self.num_features])
