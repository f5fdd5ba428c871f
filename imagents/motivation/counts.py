"""Novelty by counting: what was seldom tried is paid for, and what was never tried is hoped for.

    bonus(view, action)  =  1 / sqrt(n)            Strehl & Littman 2008; Bellemare et al. 2016, arXiv 1606.01868
    hope(view, action)   =  C / (n + 1) ** 2       Rashid et al. 2020, https://arxiv.org/abs/2002.12174

where n is how often the agent has taken that action in that view. A bonus on what was learned from says nothing of
actions that were never taken; hope does, where an action is chosen and in targets.
"""

import tensorflow as tf

from imagents.errors import InputError
from imagents.learning.motives import Moment, Motivation, Place
from imagents.learning.optimism import buckets_of, digest
from imagents.learning.tabular import Numbering
from imagents.number import Number
from imagents.process import check_memory
from imagents.seats import is_numbered, num_actions

_EXACT = 2**16  # views at the most, if each has a number of its own
_BUCKETS, _HASHES = 2**17, 2  # of others: a count is the least of so many
_BUCKETS_OF_LIFE, _HASHES_OF_LIFE = 2**12, 2


class _Rows:
    """Where views are in tables of counts: each in several rows, in one of its own if there are few.

    Attributes:
      tables, size: how many tables of how many rows there are, one behind the other.
    """

    def __init__(self, spec, most: int, buckets: int, hashes: int):
        try:
            self._number = Numbering(spec)
        except InputError:
            self._number = None
        is_exact = self._number is not None and self._number.count <= most
        self.tables, self.size = (1, self._number.count) if is_exact else (hashes, buckets)
        self._number = self._number if is_exact else None

    def __call__(self, view) -> tf.Tensor:
        """Nest of `[N, ...]` -> int32 `[tables, N]`."""
        if self._number:
            return self._number(view)[tf.newaxis]
        firsts = self.size * tf.range(self.tables)[:, tf.newaxis]
        return buckets_of(digest(view), self.size, self.tables) + firsts


class Counts(Motivation):
    """Pays for what was seldom done: 1 at first, without units, then 1 / sqrt(n), in all lives together.

    Where views are made of booleans and bounded integers and there are up to 65,536 of them, counts are exact. Others
    are hashed in two ways into 131,072 buckets each, and the lesser of the two counts is taken (a count-min sketch,
    Cormode & Muthukrishnan 2005), which is never too small: of 10,000 different views about 5 in 1,000 have one that is
    too great. Numbers have to be equal to the last bit to be the same view, so it is for views that come again: where
    something always changes, such as noise, every view is new. An agent whose actions are numbers counts views alone.

    Args:
      place: where it is at home.
      optimism: C, in units of reward; 0 for none. Only for algorithms that learn values of actions, but for c51.

    Raises:
      InputError: for optimism about actions that are numbers.
    """

    def __init__(self, place: Place, optimism: float = 0.0):
        super().__init__(name="counts")
        is_counted = is_numbered(place.action_spec)
        self._actions = num_actions(place.action_spec) if is_counted else 1
        self._rows = _Rows(place.sight_spec.view, _EXACT, _BUCKETS, _HASHES)
        size = self._rows.tables * self._rows.size * self._actions
        check_memory(f"counts of {self._actions} actions", 8 * size)
        self._table = tf.Variable(tf.zeros([size], tf.int32), trainable=False)  # flat, which XLA changes much faster
        self._optimism = Number(optimism)
        if optimism > 0:
            if not is_counted:
                raise InputError(f"{place.owner}: counts_optimism = {optimism}: its actions are numbers, not numbered")
            self.hopes = self._hopes

    def note_decisions(self, asked, sight, action):
        entries = self._entries(sight.view, action)
        ones = tf.broadcast_to(tf.cast(asked, tf.int32), entries.shape)
        counted = tf.tensor_scatter_nd_add(self._table.read_value(), entries[..., tf.newaxis], ones)
        self._table.assign(counted)

    def bonus(self, decisions):
        times = tf.reduce_min(tf.gather(self._table, self._entries(decisions.view, decisions.action)), axis=0)
        return tf.math.rsqrt(tf.cast(tf.maximum(times, 1), tf.float32))

    def counts(self, view) -> tf.Tensor:
        """How often each action was taken in some views, int32 `[N, num_actions]`."""
        entries = self._actions * self._rows(view)[..., tf.newaxis] + tf.range(self._actions)
        return tf.reduce_min(tf.gather(self._table, entries), axis=0)

    def _hopes(self, view) -> tf.Tensor:
        return self._optimism / (1.0 + tf.cast(self.counts(view), tf.float32)) ** 2

    def _entries(self, view, action: tf.Tensor) -> tf.Tensor:
        """Where the counts of N actions in as many views are, int32 `[tables, N]`."""
        return self._actions * self._rows(view) + (tf.cast(action, tf.int32) if self._actions > 1 else 0)


class EpisodicCounts(Motivation):
    """Pays 1, without units, for coming to a view in which the agent has not decided yet in this life, else nothing.

    It is paid at once, with the reward. Views are told apart as by `Counts`, with two hashes into 4,096 buckets: of a
    life of 500 different views about 1 in 100 is taken for one that was met. Where every view is new it pays always.
    """

    def __init__(self, place: Place):
        super().__init__(name="episodic_counts")
        self._rows = _Rows(place.sight_spec.view, _BUCKETS_OF_LIFE, _BUCKETS_OF_LIFE, _HASHES_OF_LIFE)
        size = self._rows.tables * self._rows.size * place.batch_size
        check_memory(f"what {place.batch_size} lives have met", 8 * size)
        self._met = tf.Variable(tf.zeros([size], tf.int32), trainable=False)  # in which life last
        self._life = tf.Variable(tf.ones([place.batch_size], tf.int32), trainable=False)

    def note_decisions(self, asked, sight, action):
        entries = self._entries(sight.view)
        lives = tf.broadcast_to(tf.where(asked, self._life.read_value(), 0), entries.shape)
        met = tf.tensor_scatter_nd_max(self._met.read_value(), entries[..., tf.newaxis], lives)
        self._met.assign(met)

    def felt(self, moment: Moment):
        met = tf.reduce_min(tf.gather(self._met, self._entries(moment.sight.view)), axis=0)
        is_new = moment.asked & (met < self._life.read_value())
        self._life.assign_add(tf.cast(moment.time_step.is_last(), tf.int32))
        return tf.cast(is_new, tf.float32)

    def _entries(self, view) -> tf.Tensor:
        """Where the lives are that have met N views, one in each copy, int32 `[tables, N]`."""
        rows = self._rows(view)
        return rows.shape[1] * rows + tf.range(rows.shape[1])
