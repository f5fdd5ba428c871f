"""Images go through convolutions on their way into a Q network, and everything else does not."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec

from imagents.learning.images import ImageEncoder, is_image
from imagents.learning.networks import QNetwork


def image_spec(*shape, most=255):
    return tensor_spec.BoundedTensorSpec(shape, tf.uint8, 0, most)


def test_an_image_has_bytes_two_sides_and_channels():
    assert is_image(image_spec(5, 9, 1)) and is_image(tf.TensorSpec([84, 84, 4], tf.uint8))
    for other in (image_spec(4, 9, 1), image_spec(9, 9), image_spec(9), tf.TensorSpec([9, 9, 1], tf.int32),
                  tf.TensorSpec([9, 9, 1], tf.float32)):  # fmt: skip
        assert not is_image(other)


@pytest.mark.parametrize(("shape", "num_features"), [((5, 5, 3), 32), ((7, 9, 1), 3 * 5 * 32), ((84, 84, 4), 81 * 32)])
def test_it_becomes_as_many_features_as_its_convolutions_leave(shape, num_features):
    """Two of 3 x 3 leave 4 fewer on either side; of 84, a step of 4 leaves 20, and a step of 2 leaves 9."""
    encoder = ImageEncoder(image_spec(*shape))
    assert encoder.num_features == num_features
    assert encoder(tf.zeros([2, *shape], tf.uint8)).shape == [2, num_features]


def test_it_is_scaled_by_the_most_that_it_can_be():
    half = tf.fill([1, 5, 5, 1], tf.constant(5, tf.uint8))
    bright, dark = (ImageEncoder(image_spec(5, 5, 1, most=most), seed=1)(half).numpy() for most in (5, 50))
    np.testing.assert_allclose(bright, 10 * dark, rtol=1e-5)
    assert bright.any()


def test_what_moves_in_the_image_moves_in_what_it_becomes():
    spot = np.zeros([2, 9, 9, 1], np.uint8)
    spot[0, 3, 3], spot[1, 4, 5] = 255, 255
    here, there = tf.reshape(ImageEncoder(image_spec(9, 9, 1))(tf.constant(spot)), [2, 5, 5, 32]).numpy()
    np.testing.assert_array_equal(here[:4, :3], there[1:, 2:])


def test_a_network_encodes_the_images_of_a_view_and_takes_the_rest_as_it_is():
    view = {"image": image_spec(7, 7, 3), "heading": tf.TensorSpec([4], tf.float32), "small": image_spec(2, 2, 1)}
    network = QNetwork(view, 3, hidden_layers=(8,))
    network.create_variables()
    kernels = [variable.shape.as_list() for variable in network.trainable_variables if len(variable.shape) > 1]
    assert sorted(kernels, key=len) == [[3 * 3 * 32 + 4 + 4, 8], [3, 8], [3, 3, 3, 16], [3, 3, 16, 32]]
    values, _ = network(tf.nest.map_structure(lambda spec: tf.ones([5, *spec.shape], spec.dtype), view))
    assert values.shape == [5, 3]


def test_the_same_seed_makes_the_same_network():
    one, same, other = (QNetwork(image_spec(7, 7, 1), 2, (8,), seed=seed) for seed in (1, 1, 2))
    for network in (one, same, other):
        network.create_variables()
    for each, is_same in ((same, True), (other, False)):
        alike = [np.array_equal(x, y) for x, y in zip(one.variables, each.variables, strict=True)]
        assert all(alike) == is_same
