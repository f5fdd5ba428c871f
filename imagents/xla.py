"""What is done for XLA's and the processor's sake alone: tensor functions that say why they are as they are.

Callers say what they mean. Each function here means the same as the plain one that its docstring names, to the last
bit, eagerly and in a graph too. Figures were measured on two cores of AMD EPYC.
"""

import contextlib
import functools
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from imagents.gpu import keep_int32_on_gpus

keep_int32_on_gpus()


@contextlib.contextmanager
def without_stderr():
    """Within this context nothing reaches the process's stderr, not even from C++."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@functools.cache
def start_xla() -> None:
    """Compiles a first function while nobody listens: XLA announces itself on stderr, once per process."""
    with without_stderr():
        tf.function(lambda: tf.constant(1) + 1, jit_compile=True)()


# What runs, and what is computed once


def repeat(body: Callable[[], None], times: tf.Tensor) -> None:
    """Calls `body` so many times, an integer scalar; with 0 or 1 it stands for a conditional.

    What is inside a conditional XLA runs on a single core, what is inside a loop on all of them.
    """

    def next_one(i):
        body()
        return [i + 1]

    tf.while_loop(lambda i: i < times, next_one, [tf.zeros_like(times)])


def where_any(condition: tf.Tensor, then: Callable, otherwise):
    """`then()` if `condition` holds anywhere, else `otherwise`; nests of tensors.

    XLA fuses nothing across a conditional. Whatever comes from an environment's step was, without one, the whole step
    computed again for each cell of a view.
    """
    return tf.cond(tf.reduce_any(condition), then, lambda: otherwise)


def join_columns(*parts: tf.Tensor, compiled: bool = True) -> tf.Tensor:
    """`tf.concat(parts, axis=1)` of tensors `[N, n]`, and `[N]` for a single column, filled column by column.

    Into the copy that a concatenation of blocks is, XLA pulls what made them and computes it anew for every number:
    for decisions on their way to the replay buffer, several times as long as the network took. Not `compiled` it is
    that copy: each column is a tensor there, and an image has thousands.
    """
    if not compiled:
        return tf.concat([part[:, tf.newaxis] if len(part.shape) == 1 else part for part in parts], axis=1)
    columns = [tf.unstack(part, axis=1) if len(part.shape) == 2 else [part] for part in parts]
    return tf.stack([column for each in columns for column in each], axis=1)


# Bits


def bits(words: tf.Tensor, count: int) -> tf.Tensor:
    """The lowest bits of integers: `[...]` -> bool `[..., count]`.

    By masks: processors do not shift bitboards, of 64 bits, in bulk by distances that vary.
    """
    return words[..., tf.newaxis] & _masks(count, words.dtype) != 0


def from_bits(values: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """The inverse of `bits`: bool `[..., count]` -> integers `[...]`."""
    return tf.reduce_sum(tf.where(values, _masks(values.shape[-1], dtype), 0), axis=-1)


def _masks(count: int, dtype: tf.DType) -> np.ndarray:
    number = dtype.as_numpy_dtype
    return np.left_shift(number(1), np.arange(count, dtype=number))  # the highest bit is the sign


# Selecting


def pick(x: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """`tf.gather(x, index, batch_dims=1)`: `[B, A, ...]` of float32 and integers `[B]` -> `[B, ...]`.

    By a mask: the gradient of a gather becomes a loop over the batch on a single core. With the transposed kernel
    (see `matmul`) that took more than a tenth of a training round.
    """
    mask = tf.cast(index, tf.int32)[:, tf.newaxis] == tf.range(x.shape[1])
    mask = tf.reshape(mask, [-1, x.shape[1]] + [1] * (len(x.shape) - 2))
    return tf.reduce_sum(tf.where(mask, x, 0.0), axis=1)


def running_count(mask: tf.Tensor) -> tf.Tensor:
    """`tf.cumsum(mask, axis=1)`: how many entries up to each are True, bool `[B, N]` -> int32 `[B, N]`.

    By a masked sum: `tf.cumsum` becomes a slower loop. Random play on 9 cells: 57 -> 21 ns per move.
    """
    up_to = mask[:, tf.newaxis] & np.tri(mask.shape[1], dtype=bool)
    return tf.reduce_sum(tf.cast(up_to, tf.int32), axis=2)


def row_sums(x: tf.Tensor) -> tf.Tensor:
    """`tf.reduce_sum(x, axis=1)` of integers `[N, K]`.

    In columns of 64 first, which processors add side by side: of 1,024 x 640 numbers, 1.3 -> 0.1 ms.
    """
    whole = x.shape[1] - x.shape[1] % 64
    rest = tf.reduce_sum(x[:, whole:], axis=1)
    if not whole:
        return rest
    columns = tf.reduce_sum(tf.reshape(x[:, :whole], [-1, whole // 64, 64]), axis=1)
    return tf.reduce_sum(columns, axis=1) + rest


def selected_first(mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Indices of the True entries of bool `[B]` in order (then anything), int32 `[B]`, and their count.

    A binary search for the first entry of each rank: XLA's sort takes several times longer. And a loop, which XLA does
    not compute anew for everything that is gathered by its result.
    """
    batch_size = mask.shape[0]
    rank = tf.cumsum(tf.cast(mask, tf.int32))  # [B], 1 at the first True
    wanted = tf.range(1, batch_size + 1)

    def halve(step, below):  # below: number of entries known to lie before the wanted one
        reached = tf.minimum(below + step, batch_size)
        is_below = tf.gather(rank, reached - 1) < wanted
        return step // 2, tf.where(is_below, reached, below)

    first_step = 1 << (batch_size.bit_length() - 1)
    _, below = tf.while_loop(
        lambda step, _: step > 0, halve, [tf.constant(first_step), tf.zeros_like(wanted)]
    )
    return tf.minimum(below, batch_size - 1), rank[-1]


# Layers of networks


def as_rows(x: tf.Tensor) -> tf.Tensor:
    """`[B, units]` to `[B, 1, units]`, for everything that follows a product up to the next one.

    Where nothing changes its shape XLA computes in place, and on a CPU then one number at a time instead of eight.
    Most of what made training a sixth faster.
    """
    return tf.expand_dims(x, 1)


def matmul(x: tf.Tensor, kernel: tf.Tensor, transpose_a: bool = False, transpose_b: bool = False) -> tf.Tensor:
    """`tf.matmul` of rows `[B, 1, inputs]` (`[inputs, 1, B]` if `transpose_a`) that gives rows `[B, 1, units]`.

    A kernel with few units is better kept as `[units, inputs]`, for `transpose_b`: on a CPU XLA finds its gradient ten
    times faster than the other way round.
    """
    return as_rows(tf.matmul(tf.squeeze(x, 1), kernel, transpose_a, transpose_b))
