"""What is done for XLA's sake means what the plain functions mean, eagerly, in a graph and compiled."""

import os

import numpy as np
import pytest
import tensorflow as tf

from imagents import xla

MODES = {
    "eager": lambda function: function,
    "graph": lambda function: tf.function(function, autograph=False),
    "xla": lambda function: tf.function(function, jit_compile=True, autograph=False),
}
RNG = np.random.default_rng(0)
MASK = RNG.random([50, 9]) < 0.4
OUTPUTS = RNG.normal(size=[50, 9, 3]).astype(np.float32)
ACTIONS = RNG.integers(0, 9, 50)
COLUMNS = RNG.integers(-(2**31), 2**31, [50, 5]).astype(np.int32)

PLAIN = {
    "pick": (xla.pick, lambda x, i: tf.gather(x, i, batch_dims=1), (OUTPUTS, ACTIONS)),
    "pick numbers": (xla.pick, lambda x, i: tf.gather(x, i, batch_dims=1), (OUTPUTS[..., 0], ACTIONS)),
    "row_sums": (xla.row_sums, lambda x: tf.reduce_sum(x, axis=1), (np.tile(COLUMNS, 27),)),
    "row_sums of few": (xla.row_sums, lambda x: tf.reduce_sum(x, axis=1), (COLUMNS,)),
    "running_count": (xla.running_count, lambda x: tf.cumsum(tf.cast(x, tf.int32), axis=1), (MASK,)),
    "join_columns": (xla.join_columns, lambda *parts: tf.concat(parts, axis=1), (COLUMNS, COLUMNS[:, :1])),
    "join columns uncompiled": (
        lambda *parts: xla.join_columns(*parts, compiled=False),
        xla.join_columns,
        (COLUMNS, COLUMNS[:, 0], COLUMNS[:, :1]),
    ),
    "where_any": (lambda x: xla.where_any(x[0], lambda: x, ~x), lambda x: x, (MASK[MASK.any(axis=1)],)),
    "where none": (lambda x: xla.where_any(x[0], lambda: ~x, x), lambda x: x, (MASK & False,)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("function", "plain", "arguments"), PLAIN.values(), ids=PLAIN)
def test_it_means_the_plain_function(function, plain, arguments, mode):
    arguments = [tf.constant(x) for x in arguments]
    found, expected = MODES[mode](function)(*arguments), plain(*arguments)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("dtype", "size"), [(tf.int32, 32), (tf.int64, 64)])
def test_bits_are_those_of_the_number_and_make_it_again(mode, dtype, size):
    numbers = [0, 1, 2, 5, -1, 2 ** (size - 1) - 1, -(2 ** (size - 1))]
    expected = [[bool(number >> bit & 1) for bit in range(size)] for number in numbers]
    found = MODES[mode](lambda x: xla.bits(x, size))(tf.constant(numbers, dtype))
    np.testing.assert_array_equal(found, expected)
    again = MODES[mode](lambda x: xla.from_bits(x, dtype))(found)
    assert again.dtype == dtype and again.numpy().tolist() == numbers


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_selected_first_gives_the_places_of_what_is_true_in_order(mode, size):
    function = MODES[mode](xla.selected_first)
    for share in (0.0, 0.3, 1.0):
        mask = RNG.random(size) < share
        order, count = function(tf.constant(mask))
        assert order.numpy()[: int(count)].tolist() == np.flatnonzero(mask).tolist()
        assert order.shape == [size] and ((order >= 0) & (order < size)).numpy().all()


@pytest.mark.parametrize("mode", MODES)
def test_repeat_calls_the_body_so_many_times(mode):
    count = tf.Variable(0)
    function = MODES[mode](lambda times: xla.repeat(lambda: count.assign_add(1), times))
    for times, total in ((0, 0), (1, 1), (5, 6)):
        function(tf.constant(times))
        assert int(count) == total


@pytest.mark.parametrize("transposed", [{}, {"transpose_a": True}, {"transpose_b": True}], ids=str)
def test_matmul_gives_the_product_as_rows(transposed):
    x, kernel = RNG.normal(size=[4, 4]), RNG.normal(size=[4, 4])
    expected = tf.matmul(x, kernel, **transposed)[:, tf.newaxis]
    np.testing.assert_array_equal(xla.matmul(xla.as_rows(tf.constant(x)), kernel, **transposed), expected)


def test_without_stderr_nothing_is_heard_and_afterwards_everything(capfd):
    with pytest.raises(KeyError), xla.without_stderr():
        os.write(2, b"nobody hears this")
        raise KeyError
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
