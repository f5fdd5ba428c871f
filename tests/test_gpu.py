"""An int32 variable that a GPU can hold is to its users like any other."""

import numpy as np
import pytest
import tensorflow as tf

from imagents import gpu
from imagents.config import TrainConfig
from imagents.training.loop import build


@pytest.fixture
def variable():
    return gpu.Int32Variable(tf.constant([[1, -2], [3, -4]]), name="words")


def test_it_holds_its_bits_in_a_type_that_gpus_keep(variable):
    assert variable.dtype == tf.int32 and tf.bitcast(variable, tf.uint32).dtype == tf.uint32
    assert tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=tf.uint32).numpy()[0, 1] == 2**32 - 2
    np.testing.assert_array_equal(variable, [[1, -2], [3, -4]])


@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_read_and_written_like_any_other(variable, compiled):
    def program():
        variable.assign_add([[1, 1], [1, 1]])
        variable.scatter_nd_update([[1]], [[-7, 8]])
        variable.assign_sub(tf.ones_like(variable))
        return variable + 1, tf.gather(variable, [1]), variable[0], tf.gather_nd(variable, [[0, 1]])

    both, row, first, entry = tf.function(program, jit_compile=compiled)()
    np.testing.assert_array_equal(both, [[2, -1], [-7, 8]])
    np.testing.assert_array_equal(row, [[-8, 7]])
    np.testing.assert_array_equal(first, [1, -2])
    np.testing.assert_array_equal(entry, [-2])
    with pytest.raises(ValueError, match=r"shape \(3,\) to a variable of shape \(2, 2\)"):
        variable.assign([1, 2, 3])


def test_checkpoints_of_either_kind_are_read_by_the_other(variable, tmp_path):
    plain = tf.Variable([[0, 0], [0, 0]])
    path = tf.train.Checkpoint(x=variable).write(str(tmp_path / "bits"))
    tf.train.Checkpoint(x=plain).read(path).assert_consumed()
    np.testing.assert_array_equal(plain, variable)
    plain.assign(-plain)
    tf.train.Checkpoint(x=variable).read(tf.train.Checkpoint(x=plain).write(str(tmp_path / "plain"))).assert_consumed()
    np.testing.assert_array_equal(variable, [[-1, 2], [-3, 4]])


def test_a_training_on_them_is_the_same(monkeypatch, eagerly):
    config = TrainConfig("tic_tac_toe", parallel_games=8, batch_size=8, hidden_layers=(8,), replay_length=8)

    def train():
        trainer = build(config)
        trainer.run(8)
        return trainer

    plain = train()
    devices = tf.config.list_logical_devices
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: devices("CPU" if kind == "GPU" else kind))
    bits = train()
    assert [v.dtype for v in bits.variables] == [v.dtype for v in plain.variables]
    kinds = [type(v) for v in bits.variables if v.dtype == tf.int32]
    assert kinds and set(kinds) == {gpu.Int32Variable}
    for one, other in zip(plain.variables, bits.variables, strict=True):
        np.testing.assert_array_equal(one, other)
