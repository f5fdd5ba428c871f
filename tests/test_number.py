"""A number that a compiled program reads as it runs does what Python's own would do in its place."""

import pytest
import tensorflow as tf

from imagents.number import Number, fixed, noted

SHARE, OTHER = 0.2, 0.15


def used(share, other):
    """Whatever TensorFlow and TF-Agents do with a setting."""
    x = tf.constant([0.15, 0.2, 3.0])
    return (
        x * share, share * x, x**share, share**x, x - share, share - x, share**0, 1 - share, 1 + share, share - other,
        x > share, x == share, tf.maximum(share, x), tf.where(x > share, 0.0, share), tf.where(x > share, share, 0.0),
        tf.cast(share, tf.int32), tf.fill([2], share),
    )  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True])
def test_it_does_what_the_number_does_that_it_stands_for(compiled):
    expected = used(SHARE, OTHER)
    share, other = Number(0.9), Number(OTHER)
    program = tf.function(lambda: used(share, other), jit_compile=True) if compiled else lambda: used(share, other)
    before = program()
    share.assign(Number(SHARE))
    for found, wanted in zip(program(), expected, strict=True):
        assert (found.numpy() == (wanted.numpy() if tf.is_tensor(wanted) else tf.constant(wanted).numpy())).all()
    assert (before[0].numpy() != expected[0].numpy()).any()
    assert not compiled or program.experimental_get_tracing_count() == 1


def test_in_64_bits_as_python_computes():
    step = 2**-25 + 2**-50  # 32 bits have no room for the second half, which decides how 1 - step is rounded
    assert (1 - Number(step)).numpy() == tf.constant(1 - step).numpy() != (1 - tf.constant(step)).numpy()


def test_a_whole_number_counts():
    period = Number(3)
    assert (tf.range(5, dtype=tf.int64) % period).numpy().tolist() == [0, 1, 2, 0, 1]
    assert tf.cast(period, tf.int32).dtype == tf.int32


def test_what_a_program_is_made_of_is_asked_of_its_value():
    assert not Number(0.0) and Number(0.5) and Number(0.5) > 0 and not Number(0.5) > 1 and Number(0.5) < 1
    assert Number(1.0) == 1 and Number(1.0) != 0.5 and Number([1.0, 2.0]) == Number([1.0, 2.0])


def test_where_it_is_fixed_a_program_keeps_it():
    number = Number(2.0)

    @tf.function
    def program():
        with fixed():
            return 1.0 + number

    assert program().numpy() == 3.0
    number.assign(Number(5.0))
    assert program().numpy() == 3.0


def test_no_module_and_no_checkpoint_holds_it():
    module = tf.Module()
    module.number = Number(2.0)
    assert not module.variables
    with noted() as numbers:
        made = [Number(1.0), Number(2)]
    Number(3.0)
    assert [*map(id, numbers)] == [*map(id, made)]
