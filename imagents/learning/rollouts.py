"""Rollouts: an agent's newest decisions in order, learned from once and then forgotten.

`FIFOReplayBuffer` is for algorithms that learn single decisions in any order, again and again. What learns from what it
has just done itself needs all of it, in order, and once. Copies fill at different rates: where a copy closed nothing
while another did there is a gap, which is neither learned from nor counted.
"""

import tensorflow as tf

from imagents.learning.replay import RowFormat
from imagents.process import check_memory
from imagents.randomness import make_generator, uniform
from imagents.seats import where_copy


class Rollouts(tf.Module):
    """The newest decisions of each of B copies, oldest first, with gaps.

    Args:
      data_spec: nest of `tf.TensorSpec`s of a decision, without the batch dimension.
      batch_size: number of copies B.
      max_length: slots S. A slot takes what all copies close at one time step.

    Attributes:
      in_place: as of `FIFOReplayBuffer`.
    """

    def __init__(self, data_spec, batch_size: int, max_length: int):
        super().__init__(name="rollouts")
        self.in_place = False
        self.data_spec, self.batch_size, self.max_length = data_spec, batch_size, max_length
        self.row_format = RowFormat(data_spec)
        size = 4 * batch_size * max_length * self.row_format.num_words
        check_memory(f"rollouts of {batch_size} x {max_length} decisions", 2 * size)
        shape = [max_length, batch_size]
        self._table = tf.Variable(tf.zeros([*shape, self.row_format.num_words], tf.int32), trainable=False)
        self._are_there = tf.Variable(tf.zeros(shape, tf.bool), trainable=False)
        self._next = tf.Variable(tf.zeros([], tf.int32), trainable=False)
        self._num_lost = tf.Variable(tf.zeros([], tf.int64), trainable=False)

    @property
    def num_lost(self) -> tf.Tensor:
        """Decisions for which there was no room any more when they were to be learned from."""
        return self._num_lost.read_value()

    def num_frames(self) -> tf.Tensor:
        """Decisions that are there."""
        return tf.reduce_sum(tf.cast(self._are_there, tf.int32))

    def add_rows(self, rows: tf.Tensor, mask: tf.Tensor) -> None:
        """Adds the decisions of `mask`, bool `[B]`, packed by `row_format`, int32 `[B, num_words]`."""
        slot = self._next.read_value() % self.max_length
        forgotten = tf.gather(self._are_there, slot) & tf.reduce_any(mask)
        self._num_lost.assign_add(tf.reduce_sum(tf.cast(forgotten, tf.int64)))
        for variable, new in ((self._table, rows), (self._are_there, mask)):
            kept = tf.where(tf.reduce_any(mask), new, tf.gather(variable, slot))
            if self.in_place:
                variable.scatter_nd_update([[slot]], kept[tf.newaxis])
            else:
                variable.assign(tf.tensor_scatter_nd_update(variable.read_value(), [[slot]], kept[tf.newaxis]))
        self._next.assign(tf.where(tf.reduce_any(mask), (slot + 1) % self.max_length, slot))

    def take(self, whole_lives: bool = False):
        """Hands out decisions, and forgets them.

        Args:
          whole_lives: only those of lives that are over; others stay.

        Returns:
          All decisions, nest of tensors `[S, B, ...]`, and which of them are handed out, bool `[S, B]`.
        """
        order = (self._next.read_value() + tf.range(self.max_length)) % self.max_length
        are_there, rows = tf.gather(self._are_there, order), tf.gather(self._table, order)
        flat = self.row_format.unpack(tf.reshape(rows, [-1, self.row_format.num_words]))
        shape = [self.max_length, self.batch_size]
        decisions = tf.nest.map_structure(lambda x: tf.reshape(x, [*shape, *x.shape[1:]]), flat)
        taken = are_there & over(decisions, are_there) if whole_lives else are_there
        self._are_there.assign(tf.gather(are_there & ~taken, tf.math.invert_permutation(order)))
        # Which changes nothing, and XLA does not know: what does not change in a loop it computes before the loop, and
        # lessons are in one that most rounds do not enter.
        self._next.assign(self._next.read_value() % self.max_length)
        return decisions, taken


class Histories(Rollouts):
    """The newest decisions in order, of which windows are learned from again and again, each with equal probability.

    Args:
      seed: of its own generator, which draws them.
      Others: as for `Rollouts`.
    """

    def __init__(self, data_spec, batch_size: int, max_length: int, *, seed: int = 0):
        super().__init__(data_spec, batch_size, max_length)
        self._generator = make_generator(seed, "replay")

    def sample(self, count: int, length: int):
        """Draws windows of as many slots, with replacement: from any slot on, of any copy.

        Returns:
          All decisions, nest of tensors `[length, count, ...]`, and which are there, bool `[length, count]`: a window
          is shorter at first, and has gaps where its copy closed nothing.
        """
        filled = tf.reduce_sum(tf.cast(tf.reduce_any(self._are_there, axis=1), tf.int32))
        wide = tf.minimum(filled, length)
        draws = uniform(self._generator, [2, count])
        first = tf.cast(draws[0] * tf.cast(filled - wide + 1, tf.float32), tf.int32)
        after = tf.minimum(first, filled - wide) + wide  # in the order of the filled slots, the oldest first
        copies = tf.minimum(tf.cast(draws[1] * self.batch_size, tf.int32), self.batch_size - 1)
        steps = tf.range(length)[:, tf.newaxis]
        slots = (self._next.read_value() - filled + after - length + steps) % self.max_length
        places = tf.stack([slots, tf.broadcast_to(copies, [length, count])], axis=2)
        are_there = tf.gather_nd(self._are_there.read_value(), places) & (steps >= length - wide)
        places = tf.reshape(places, [-1, 2])
        rows = self._table.gather_nd(places) if self.in_place else tf.gather_nd(self._table.read_value(), places)
        decisions = self.row_format.unpack(rows)
        decisions = tf.nest.map_structure(lambda x: tf.reshape(x, [length, count, *x.shape[1:]]), decisions)
        return decisions, are_there


def flat(nest):
    """What there is of each decision, one copy's after another's: nest of tensors `[S, B, ...]` -> `[S * B, ...]`."""
    return tf.nest.map_structure(lambda x: tf.reshape(x, [-1, *x.shape[2:]]), nest)


def over(decisions, are_there: tf.Tensor) -> tf.Tensor:
    """Which decisions belong to lives that are over, bool `[S, B]`: an end came, or another life's first decision."""

    def step(later, row):
        closes_here, _ = later
        begins, discount, is_there = row
        is_over = closes_here | (discount == 0.0)
        return where_copy(is_there, (begins | is_over, is_over), (closes_here, tf.zeros_like(is_over)))

    nothing = tf.zeros_like(are_there[0])
    rows = decisions.begins, decisions.discount, are_there
    return tf.scan(step, rows, (nothing, nothing), reverse=True)[1]
