"""Adam in rows is Keras' Adam."""

import numpy as np
import pytest
import tensorflow as tf

from imagents.learning.adam import Adam

SHAPES = [[5, 7], [7], [7, 2], []]


@pytest.mark.parametrize("compiled", [None, False, True], ids=["eager", "graph", "xla"])
def test_it_does_what_keras_does(compiled):
    """Eagerly and in a graph to the last bit; under XLA but for how it merges a product with a sum."""
    rng = np.random.default_rng(0)
    start = [tf.constant(rng.normal(size=shape), tf.float32) for shape in SHAPES]
    gradients = [[tf.constant(rng.normal(size=shape), tf.float32) for shape in SHAPES] for _ in range(20)]
    found = []
    for kind in (Adam, tf.keras.optimizers.Adam):
        optimizer, variables = kind(0.1), [tf.Variable(x) for x in start]
        optimizer.build(variables)

        def update(step, optimizer=optimizer, variables=variables):
            optimizer.apply_gradients(zip(step, variables, strict=True))

        update = update if compiled is None else tf.function(update, jit_compile=compiled)
        for i, step in enumerate(gradients):
            optimizer.learning_rate.assign(0.1 / (i + 1))
            update(step)
        found.append([x.numpy() for x in (*variables, *optimizer.variables)])
    for x, y in zip(*found, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6 if compiled else 0, atol=0)
    assert not np.allclose(found[0][0], start[0])
