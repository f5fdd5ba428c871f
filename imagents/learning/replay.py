"""A first-in-first-out replay buffer that XLA can compile.

`TFUniformReplayBuffer` guards its table with a critical section, which XLA refuses,
and takes a frame from every batch entry at once. Here any subset of a batch can be
added, and a frame is packed into a row of 32-bit words (a boolean takes one bit), so
that adding and sampling move few bytes: a decision on a board of 42 cells takes 44.
"""

import math
import operator

import tensorflow as tf
from tf_agents.replay_buffers import replay_buffer
from tf_agents.replay_buffers.tf_uniform_replay_buffer import BufferInfo

from imagents.errors import InputError
from imagents.process import check_memory
from imagents.randomness import make_generator
from imagents.xla import from_bits, join_columns, selected_first

_EMPTY = "the replay buffer is empty: add frames before sampling from it"


class FIFOReplayBuffer(replay_buffer.ReplayBuffer):
    """The newest `batch_size * max_length` frames; each is sampled with equal probability.

    Frames are single items of `data_spec`, complete in themselves (a transition, not a
    part of a trajectory), so there are no sequences to sample: `num_steps` stays None.

    Args:
      data_spec: nest of `tf.TensorSpec`s of a frame, without the batch dimension.
      batch_size: number of frames offered to each `add_batch`.
      max_length: frames kept per batch entry; the capacity is `batch_size * max_length`.
      seed: of the buffer's own generator, which draws the samples.

    Attributes:
      in_place: whether frames are written into the table where it lies, which XLA cannot; else, for XLA, the table is
        a value that is made anew. What is in it is the same.
    """

    def __init__(self, data_spec, batch_size: int, max_length: int = 32, *, seed: int = 0):
        batch_size, max_length = operator.index(batch_size), operator.index(max_length)  # NumPy's numbers, too
        if batch_size < 1 or max_length < 2:
            raise InputError(
                f"batch_size = {batch_size}, max_length = {max_length}: a replay buffer needs "
                "a batch of at least 1 and a length of at least 2"
            )
        super().__init__(data_spec, capacity=batch_size * max_length)
        self.batch_size, self.in_place = batch_size, False
        self.row_format = RowFormat(data_spec)
        size = 4 * self.capacity * self.row_format.num_words
        check_memory(f"a replay buffer of {batch_size} x {max_length} decisions", 2 * size)  # and a copy, to change
        self._generator = make_generator(seed, "replay")
        # A ring of frames, in blocks of batch_size: a batch touches two blocks at the most.
        shape = [max_length, batch_size, self.row_format.num_words]
        self._table = tf.Variable(tf.zeros(shape, tf.int32), trainable=False, name="table")
        self._added = tf.Variable(tf.zeros([], tf.int64), trainable=False, name="added")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: up to {self.capacity:,} frames of {4 * self.row_format.num_words} bytes>"

    def add_batch(self, items, mask: tf.Tensor | None = None) -> None:
        """Adds a batch of frames, or those of it that `mask` selects, in order.

        Args:
          items: nest of tensors `[batch_size, ...]` like `data_spec`.
          mask: bool `[batch_size]`; all are added if None.
        """
        tf.nest.assert_same_structure(items, self.data_spec)
        self.add_rows(self.row_format.pack(items, self.batch_size, not self.in_place), mask)

    def add_rows(self, rows: tf.Tensor, mask: tf.Tensor | None = None) -> None:
        """`add_batch` for frames that `row_format` has packed, int32 `[batch_size, num_words]`."""
        mask = tf.ones([self.batch_size], tf.bool) if mask is None else tf.convert_to_tensor(mask)
        if mask.dtype != tf.bool or not mask.shape.is_compatible_with([self.batch_size]):
            raise InputError(
                f"the mask is {mask.dtype.name} {mask.shape}: "
                f"bool ({self.batch_size},) is needed, one entry per frame"
            )
        added = self._added.read_value()
        if self.in_place:
            order = tf.where(mask)[:, 0]
            count = tf.size(order, tf.int64)
            self._added.assign(added + count)
            self._table.scatter_nd_update(self._places(added + tf.range(count)), tf.gather(rows, order))
            return
        order, count = selected_first(mask)
        self._added.assign(added + tf.cast(count, tf.int64))
        head = tf.cast(added % self.capacity, tf.int32)
        first_block, first_row = head // self.batch_size, head % self.batch_size

        def fill(i, table):
            """Puts the frames that belong into the i-th block from the head there."""
            block = (first_block + i) % table.shape[0]
            frame = tf.range(self.batch_size) + i * self.batch_size - first_row
            new = tf.gather(rows, tf.gather(order, tf.clip_by_value(frame, 0, self.batch_size - 1)))
            is_new = (frame >= 0) & (frame < count)
            merged = tf.where(is_new[:, tf.newaxis], new, tf.gather(table, block))
            return i + 1, tf.tensor_scatter_nd_update(table, [[block]], merged[tf.newaxis])

        _, table = tf.while_loop(
            lambda i, _: i * self.batch_size < first_row + count,
            fill,
            [tf.constant(0), self._table.read_value()],
        )
        self._table.assign(table)

    def get_next(self, sample_batch_size=None, num_steps=None, time_stacked=True):
        """Samples frames uniformly, with replacement.

        Args:
          sample_batch_size: number of frames N; one without a batch dimension if None.
          num_steps: None, or 1 for frames with a time dimension of 1.
          time_stacked: as in TF-Agents; matters only for `num_steps=1`.

        Returns:
          Nest of tensors `[N, ...]` like `data_spec`, and TF-Agents' `BufferInfo`: ids
          int64 `[N]` (a frame's number since the last `clear`), probabilities float32 `[N]`.

        Raises:
          InputError: for longer sequences, or in eager use if the buffer is empty; in a graph that is TensorFlow's
            InvalidArgumentError, and compiled by XLA nobody notices.
        """
        if not tf.executing_eagerly():
            tf.debugging.assert_positive(self._num_frames(), _EMPTY)  # XLA leaves it out
        return self._get_next(sample_batch_size, num_steps, time_stacked)

    def sample(self, count: int):
        """`get_next` for a loop that has filled the buffer before: in a graph nobody looks whether it is empty."""
        return self._get_next(count, None, True)

    def _get_next(self, sample_batch_size, num_steps, time_stacked):
        if num_steps not in (None, 1):
            raise InputError(
                f"num_steps = {num_steps}: frames of this buffer are complete in themselves, "
                "sample them one at a time (num_steps=None)"
            )
        size = self._num_frames()
        if tf.executing_eagerly() and not size:
            raise InputError(_EMPTY)
        batch = [1 if sample_batch_size is None else sample_batch_size]
        words = self._generator.uniform_full_int(batch, tf.uint32)
        # Scales 32 random bits to [0, size).
        rank = tf.bitwise.right_shift(tf.cast(words, tf.int64) * size, tf.constant(32, tf.int64))
        ids = self._added.read_value() - size + rank
        frames = self._read(ids)
        probabilities = 1.0 / tf.cast(tf.fill(batch, size), tf.float32)
        if num_steps == 1 and time_stacked:
            frames, ids = tf.nest.map_structure(lambda x: x[:, tf.newaxis], (frames, ids))
        if sample_batch_size is None:
            frames, ids, probabilities = tf.nest.map_structure(
                lambda x: x[0], (frames, ids, probabilities)
            )
        if num_steps == 1 and not time_stacked:
            frames, ids = (frames,), (ids,)
        return frames, BufferInfo(ids=ids, probabilities=probabilities)

    def _as_dataset(self, sample_batch_size, num_steps, sequence_preprocess_fn, num_parallel_calls):
        if sequence_preprocess_fn is not None:
            raise InputError("sequence_preprocess_fn: this buffer has no sequences")

        def one(_):
            return self.get_next(sample_batch_size, num_steps)

        return tf.data.Dataset.counter().map(one, num_parallel_calls=num_parallel_calls)

    def _single_deterministic_pass_dataset(
        self, sample_batch_size, num_steps, sequence_preprocess_fn, num_parallel_calls
    ):
        if num_steps is not None or sequence_preprocess_fn is not None:
            raise InputError("a single pass gives frames one at a time: leave num_steps None")
        # What is in the buffer when the pass begins, read as it goes on.
        begin = tf.data.Dataset.from_tensors(0).map(lambda _: (self._added.read_value(), self._num_frames()))
        ids = begin.flat_map(lambda added, size: tf.data.Dataset.range(added - size, added))

        def read(id):
            frame = tf.nest.map_structure(lambda x: x[0], self._read(id[tf.newaxis]))
            return frame, BufferInfo(ids=id, probabilities=())

        dataset = ids.map(read, num_parallel_calls=num_parallel_calls)
        return dataset.batch(sample_batch_size) if sample_batch_size else dataset

    def _gather_all(self):
        """All frames, oldest first: nest of `[num_frames, ...]`."""
        return self._read(self._ids())

    def _num_frames(self) -> tf.Tensor:
        return tf.minimum(self._added.read_value(), self.capacity)

    def _clear(self) -> None:
        self._added.assign(0)

    def _ids(self) -> tf.Tensor:
        """Numbers of the frames in the buffer, oldest first."""
        added = self._added.read_value()
        return tf.range(added - self._num_frames(), added)

    def _places(self, ids: tf.Tensor) -> tf.Tensor:
        """Where frames lie in the table: `[N]` -> `[N, 2]`."""
        row = ids % self.capacity
        return tf.stack([row // self.batch_size, row % self.batch_size], axis=1)

    def _read(self, ids: tf.Tensor):
        if self.in_place:  # once written in place, to read the whole of it would be to copy it
            return self.row_format.unpack(self._table.gather_nd(self._places(ids)))
        table = tf.reshape(self._table.read_value(), [self.capacity, self.row_format.num_words])
        return self.row_format.unpack(tf.gather(table, ids % self.capacity))


class RowFormat:
    """Packs nests of tensors `[N, ...]` into rows of 32-bit words `[N, num_words]` and back.

    The row of a nest is the rows of its parts, one after the other.

    Args:
      data_spec: nest of `tf.TensorSpec`s, without the batch dimension.

    Raises:
      InputError: for a specification that no row can hold.
    """

    def __init__(self, data_spec):
        self._data_spec = data_spec
        self._leaves = [tf.TensorSpec(s.shape, s.dtype) for s in tf.nest.flatten(data_spec)]
        for leaf in self._leaves:
            if not (leaf.dtype.is_bool or leaf.dtype.is_integer or leaf.dtype.is_floating):
                raise InputError(f"a replay buffer cannot hold tensors of type {leaf.dtype.name}")
            if not leaf.shape.num_elements():
                raise InputError(
                    f"a replay buffer cannot hold tensors of shape {leaf.shape}: "
                    "every dimension has to be known and at least 1"
                )
        self._sizes = [self._words(leaf) for leaf in self._leaves]
        self.num_words = sum(self._sizes)

    @staticmethod
    def _words(leaf: tf.TensorSpec) -> int:
        bits = 1 if leaf.dtype.is_bool else 8 * leaf.dtype.size
        return math.ceil(leaf.shape.num_elements() * bits / 32)

    def pack(self, items, batch_size: int, compiled: bool = True) -> tf.Tensor:
        """Nest of tensors `[batch_size, ...]` -> int32 `[batch_size, num_words]`; `compiled` as of `join_columns`."""
        parts = []
        for leaf, x in zip(self._leaves, tf.nest.flatten(items), strict=True):
            x = tf.convert_to_tensor(x)
            shape = [batch_size, *leaf.shape]
            if x.dtype != leaf.dtype or not x.shape.is_compatible_with(shape):
                raise InputError(
                    f"frames hold {x.dtype.name} {x.shape} where {leaf.dtype.name} "
                    f"{tf.TensorShape(shape)} is needed: a batch of {batch_size} as in the "
                    "replay buffer's specification"
                )
            parts += self._to_words(tf.reshape(x, [batch_size, leaf.shape.num_elements()]))
        return join_columns(*parts, compiled=compiled)

    def unpack(self, rows: tf.Tensor):
        """int32 `[N, num_words]` -> nest of tensors `[N, ...]`."""
        columns = tf.split(rows, self._sizes, axis=1)
        leaves = [
            tf.reshape(self._from_words(column, leaf), [-1, *leaf.shape])
            for leaf, column in zip(self._leaves, columns)
        ]
        return tf.nest.pack_sequence_as(self._data_spec, leaves)

    @staticmethod
    def _to_words(x: tf.Tensor) -> list[tf.Tensor]:
        """`[N, size]` of any type -> 32-bit words: columns `[N]` of bits, or `[N, n]`."""
        if x.dtype.is_bool:
            return [from_bits(x[:, i : i + 32], tf.int32) for i in range(0, x.shape[1], 32)]
        if x.dtype.size < 4:
            per_word = 4 // x.dtype.size
            x = tf.pad(x, [[0, 0], [0, -x.shape[1] % per_word]])
            x = tf.reshape(x, [-1, x.shape[1] // per_word, per_word])
        words = tf.bitcast(x, tf.int32)
        return [tf.reshape(words, [words.shape[0], -1])]

    @staticmethod
    def _from_words(column: tf.Tensor, leaf: tf.TensorSpec) -> tf.Tensor:
        if leaf.dtype.is_bool:
            # Processors shift words of 32 bits in bulk: with `imagents.xla.bits` a round took 4 % longer.
            bits = tf.bitwise.right_shift(column[:, :, tf.newaxis], tf.range(32)) & 1
            x = tf.reshape(bits, [-1, 32 * column.shape[1]]) != 0
        elif leaf.dtype.size > 4:
            per_element = leaf.dtype.size // 4
            x = tf.bitcast(tf.reshape(column, [-1, leaf.shape.num_elements(), per_element]), leaf.dtype)
        else:
            x = tf.reshape(tf.bitcast(column, leaf.dtype), [tf.shape(column)[0], -1])
        return x[:, : leaf.shape.num_elements()]
