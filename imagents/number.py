"""Numbers that a compiled program reads when it runs, so that one program serves every value of a setting."""

import contextlib
import contextvars
import operator
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

_NOTED: contextvars.ContextVar[list["Number"] | None] = contextvars.ContextVar("noted", default=None)
_FIXED = contextvars.ContextVar("fixed", default=False)


def _computed(operation: Callable) -> Callable:
    """An operation on a `Number` and what Python alone could compute it with: in 64 bits, as Python would."""

    def method(self: "Number", other):
        if tf.is_tensor(other):
            return NotImplemented  # the tensor's own does it
        return _tensor(operation(self._now(), other._now() if isinstance(other, Number) else other))

    return method


class Number:
    """A setting as it stands in a program: in a variable that belongs to nobody, so that no checkpoint holds it.

    It goes wherever TensorFlow takes a number, and does what that number would do, to the last bit. Truth and
    comparisons ask what a program is made of, while it is traced: they are about the present value.

    Args:
      value: a number, or an array of them, as it is at first.
    """

    def __init__(self, value):
        self._value = np.asarray(value)
        self._variable = tf.Variable(self._value, trainable=False)
        if (made := _NOTED.get()) is not None:
            made.append(self)

    def assign(self, other: "Number") -> None:
        """Takes the value of another one."""
        self._value = other._value
        self._variable.assign(self._value)

    def numpy(self) -> np.ndarray:
        """The present value."""
        return self._value

    def _now(self):
        return self._value if tf.executing_eagerly() or _FIXED.get() else self._variable.read_value()

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other) -> bool:
        return np.array_equal(self._value, other._value if isinstance(other, Number) else other)

    def __lt__(self, other) -> bool:
        return bool(self._value < other)

    def __gt__(self, other) -> bool:
        return bool(self._value > other)

    __hash__ = object.__hash__
    __radd__ = _computed(operator.add)
    __sub__ = _computed(operator.sub)
    __rsub__ = _computed(lambda own, other: other - own)
    __pow__ = _computed(operator.pow)


@contextlib.contextmanager
def noted() -> Iterator[list[Number]]:
    """Within this context all numbers that are made are noted, in their order."""
    token = _NOTED.set([])
    try:
        yield _NOTED.get()
    finally:
        _NOTED.reset(token)


@contextlib.contextmanager
def fixed(are_fixed: bool = True) -> Iterator[None]:
    """Within this context what is traced holds numbers as they are, for ever.

    TensorFlow's own optimizer of graphs rounds differently where it knows less.
    """
    token = _FIXED.set(are_fixed)
    try:
        yield
    finally:
        _FIXED.reset(token)


def _tensor(value, dtype: tf.DType | None = None) -> tf.Tensor:
    """As TensorFlow takes it from Python: a float has 32 bits, unless it is asked for another type."""
    dtype = dtype or (tf.float32 if value.dtype == tf.float64 else value.dtype)
    return tf.cast(value, dtype) if tf.is_tensor(value) else tf.constant(value, dtype)


def _converted(number: Number, dtype: tf.DType | None = None, name: str | None = None, as_ref: bool = False):
    del name, as_ref
    return _tensor(number._now(), dtype)


tf.register_tensor_conversion_function(Number, _converted)
