"""int32 variables that a GPU can hold.

TensorFlow keeps every int32 variable in the processor's memory, also where all others are on a GPU, and a program that
XLA compiles for a GPU can read none of those. So where there is a GPU, an int32 variable holds its bits as uint32.
"""

import functools

import tensorflow as tf
from tensorflow.python.ops.resource_variable_ops import ResourceVariable


class Int32Variable(ResourceVariable):
    """An int32 variable whose bits are kept as uint32; otherwise like any other, in checkpoints too."""

    def __init__(self, initial_value, **settings):
        initial_value = initial_value() if callable(initial_value) else initial_value
        super().__init__(_to_bits(initial_value), **settings | {"dtype": tf.uint32})

    @property
    def dtype(self):
        return tf.int32

    def _read_variable_op(self, no_copy=False):
        return tf.bitcast(super()._read_variable_op(no_copy), tf.int32)

    def sparse_read(self, indices, name=None):
        return tf.bitcast(super().sparse_read(indices, name), tf.int32)

    def gather_nd(self, indices, name=None):
        return tf.gather_nd(self.read_value(), indices, name=name)

    def assign(self, value, use_locking=None, name=None, read_value=True):
        value = _to_bits(value)
        if not self.shape.is_compatible_with(value.shape):
            raise ValueError(f"cannot assign a value of shape {value.shape} to a variable of shape {self.shape}")
        tf.raw_ops.AssignVariableOp(resource=self.handle, value=value)
        return self

    def assign_add(self, delta, use_locking=None, name=None, read_value=True):
        return self.assign(self.read_value() + delta)

    def assign_sub(self, delta, use_locking=None, name=None, read_value=True):
        return self.assign(self.read_value() - delta)

    def scatter_nd_update(self, indices, updates, name=None):
        tf.raw_ops.ResourceScatterNdUpdate(ref=self.handle, indices=indices, updates=_to_bits(updates))
        return self

    def _restore_from_tensors(self, restored_tensors):
        return super()._restore_from_tensors({name: _to_bits(x) for name, x in restored_tensors.items()})


def _creator(create, **settings):
    if _is_int32(settings) and tf.config.list_logical_devices("GPU"):
        return Int32Variable(**{name: settings[name] for name in ("initial_value", "trainable", "name")})
    return create(**settings)


def _is_int32(settings) -> bool:
    value, dtype = settings["initial_value"], settings.get("dtype")
    if dtype is None:
        dtype = getattr(value, "dtype", None) or (tf.int32 if isinstance(value, int) else None)
    return dtype is not None and tf.as_dtype(dtype) == tf.int32 and not isinstance(value, bool)


def _to_bits(value):
    return tf.bitcast(tf.convert_to_tensor(value, tf.int32), tf.uint32)


_scope = tf.variable_creator_scope(_creator)  # a name holds it: one that is thrown away is left


@functools.cache
def keep_int32_on_gpus() -> None:
    """From now on an int32 variable is an `Int32Variable`, where there is a GPU."""
    _scope.__enter__()
