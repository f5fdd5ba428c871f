"""Rollouts hand out decisions in order and once, with gaps where a copy closed nothing."""

import numpy as np
import pytest
import tensorflow as tf

from imagents.learning.decisions import Decision
from imagents.learning.rollouts import Histories, Rollouts

SPEC = Decision(
    tf.TensorSpec([], tf.int32), (), tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32),
    tf.TensorSpec([], tf.bool), (), tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.float32),
    tf.TensorSpec([], tf.int32), (),
)  # fmt: skip


def rollouts(length: int, batch_size: int = 2) -> Rollouts:
    return Rollouts(SPEC, batch_size, length)


def add(memory: Rollouts, *views, begins=False, discount=1.0) -> None:
    """A slot: the view of each copy's decision, None where it closed none."""
    size = len(views)
    number = tf.constant([0 if view is None else view for view in views])
    spread = [np.broadcast_to(x, size) for x in (begins, discount)]
    decision = Decision(
        number, (), number, tf.zeros([size]), tf.constant(spread[0]), (), tf.zeros([size]),
        tf.constant(spread[1], tf.float32), number, (),
    )  # fmt: skip
    memory.add_rows(memory.row_format.pack(decision, size), tf.constant([view is not None for view in views]))


def taken(memory: Rollouts, whole_lives: bool = False) -> list[list[int]]:
    """The views that are handed out, by copy."""
    decisions, are_there = memory.take(whole_lives)
    return [decisions.view.numpy()[are_there[:, copy], copy].tolist() for copy in range(memory.batch_size)]


def test_decisions_are_handed_out_in_order_and_once():
    memory = rollouts(4)
    for views in ((1, 10), (2, None), (None, 11), (3, 12)):
        add(memory, *views)
    assert int(memory.num_frames()) == 6
    assert taken(memory) == [[1, 2, 3], [10, 11, 12]]
    assert taken(memory) == [[], []]
    add(memory, 4, 13)
    assert taken(memory) == [[4], [13]]


def test_where_no_copy_closed_anything_no_slot_is_spent():
    memory = rollouts(2)
    for views in ((1, 10), (None, None), (None, None), (2, 11)):
        add(memory, *views)
    assert taken(memory) == [[1, 2], [10, 11]]
    assert int(memory.num_lost) == 0


def test_lives_under_way_stay_until_they_are_over():
    memory = rollouts(6)
    add(memory, 1, 10, begins=True)
    add(memory, 2, 11, discount=[0.0, 1.0])  # an end in the first copy
    add(memory, 3, 12, begins=[True, False])
    assert taken(memory, whole_lives=True) == [[1, 2], []]
    add(memory, 4, 13, begins=[False, True])  # the second copy's first life was cut off
    assert taken(memory, whole_lives=True) == [[], [10, 11, 12]]
    assert taken(memory) == [[3, 4], [13]]


def test_what_has_no_room_any_more_is_counted():
    memory = rollouts(2)
    for view in (1, 2, 3):
        add(memory, view, None)
    assert int(memory.num_lost) == 1
    assert taken(memory) == [[2, 3], []]


def windows(memory: Histories, length: int, count: int = 200) -> set[tuple]:
    """Which windows are drawn: what is there of each."""
    decisions, are_there = memory.sample(count, length)
    return {tuple(decisions.view.numpy()[there, i]) for i, there in enumerate(are_there.numpy().T)}


def test_windows_are_drawn_of_decisions_that_follow_each_other_and_stay():
    memory = Histories(SPEC, 2, 4, seed=1)
    for views in ((1, 10), (2, None)):
        add(memory, *views)
    assert windows(memory, 3) == {(1, 2), (10,)}  # no more is there
    for views in ((3, 11), (4, 12), (5, 13)):
        add(memory, *views)
    assert windows(memory, 3) == {(2, 3, 4), (3, 4, 5), (11, 12), (11, 12, 13)}
    assert windows(memory, 4) == {(2, 3, 4, 5), (11, 12, 13)}
    assert int(memory.num_frames()) == 7


def test_windows_are_drawn_alike_in_place_and_compiled():
    drawn = []
    for in_place, compiled in ((False, False), (True, False), (False, True)):
        memory = Histories(SPEC, 2, 3, seed=1)
        memory.in_place = in_place

        def use():
            for views in ((1, 10), (2, 11), (3, None), (4, 12)):
                add(memory, *views)  # noqa: B023
            decisions, are_there = memory.sample(8, 2)  # noqa: B023
            return tf.where(are_there, decisions.view, 0)

        drawn.append(tf.function(use, jit_compile=compiled)().numpy().tolist())
    assert drawn[0] == drawn[1] == drawn[2]


@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_the_same_compiled(compiled):
    memory = rollouts(3)

    def use():
        add(memory, 1, None, begins=True, discount=0.0)
        add(memory, 2, 10, begins=True)
        decisions, are_there = memory.take(whole_lives=True)
        return decisions.view, are_there, memory.num_frames()

    view, are_there, left = tf.function(use, jit_compile=compiled)()
    assert view.numpy()[are_there.numpy()].tolist() == [1] and int(left) == 2
