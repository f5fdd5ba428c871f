"""Copies of a world, in this process and in others: the same episodes, and whatever goes wrong names the copy."""

import os
import sys
import threading
import time

import numpy as np
import pytest
import toys

from imagents.bridges.workers import CopyFailed, side_by_side
from imagents.bridges.worlds import FIRST, LAST, PASS, Leaf, layout, leaves
from imagents.errors import InputError

COPIES, ON = 5, np.full(5, -1)


def played(make, workers=0, steps=12, copies=COPIES):
    """What they show in some steps; a copy that is over begins anew, with the number of the step as its seed."""
    side = side_by_side(make, make().describe(), copies, workers)
    shown = [side.advance([np.zeros(copies, np.int32)], np.arange(copies))]
    for step in range(steps):
        over = shown[-1][0] == LAST
        seeds = np.where(over, 100 + step, -1)
        shown.append(side.advance([(np.arange(copies, dtype=np.int32) + step) % 3], seeds))
    side.close()
    return shown


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_any_number_of_workers_gives_the_same(workers):
    here, there = played(toys.Alone), played(toys.Alone, workers)
    for one, other in zip(here, there, strict=True):
        for x, y in zip(one, other, strict=True):
            np.testing.assert_array_equal(x, y)
            assert x.dtype == y.dtype
    assert any((shown[0] == LAST).any() for shown in here)


def test_what_is_shown_does_not_change_later():
    shown = played(toys.Alone)
    numbers = [arrays[3][:, 1].copy() for arrays in shown]  # steps of the episode
    assert [set(number) for number in numbers[:2]] == [{0.0}, {1.0}]


def test_a_copy_that_is_passed_over_waits():
    side = side_by_side(toys.InTurn, toys.InTurn().describe(), 2)
    first = side.advance([np.zeros(2, np.int32)], np.arange(2))
    after = side.advance([np.array([PASS, 1], np.int32)], ON[:2])
    step_type, reward, discount, acts, *_, own, other = after
    assert step_type.tolist() == [FIRST, 1] and acts.tolist() == [[True, False], [False, True]]
    assert reward[0].tolist() == [0, 0] and reward[1, 0] > 0 and discount.tolist() == [1, 1]
    np.testing.assert_array_equal(own[0], first[-1][0])
    assert own[1, 1] == other[1, 1] == 1


def test_workers_know_functions_of_a_script_and_no_tensorflow():
    class Mine(toys.Alone):  # which no import finds
        def render(self):
            return "tensorflow" in sys.modules, os.getpid(), self._number

    side = side_by_side(Mine, Mine().describe(), 3, 2)
    shown = side.advance([np.zeros(3, np.int32)], np.arange(3))
    has_tensorflow, process, number = side.render()
    assert not has_tensorflow and process != os.getpid() and number == shown[3][0, 0]
    assert side.frame().tolist() == np.zeros([2, 3, 3]).tolist()
    side.close()


def test_a_closed_one_has_no_processes():
    side = side_by_side(toys.Alone, toys.Alone().describe(), 4, 2)
    side.advance([np.zeros(4, np.int32)], np.arange(4))
    processes = [process.pid for process in side._processes]
    assert all(os.path.exists(f"/proc/{pid}") for pid in processes)
    began = time.monotonic()
    side.close()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in processes) and time.monotonic() - began < 2.0


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("way", "kind", "said"),
    [
        ("raises", CopyFailed, "^copy 3: ZeroDivisionError: there is no more\n\nTraceback .*toys.py"),
        ("NaN", InputError, "^copy 3: it shows NaN, or pays what is no finite number$"),
        ("paid", InputError, "^copy 3: it shows NaN, or pays what is no finite number$"),
        ("shape", InputError, r"^copy 3: it shows something of shape \(3,\) where its space has \(2,\)$"),
    ],
)
def test_what_goes_wrong_names_the_copy(way, kind, said, workers):
    with pytest.raises(kind, match=f"(?s){said}"):
        failing(way, workers)


@pytest.mark.parametrize(("way", "how"), [("dies", "by SIGKILL"), ("leaves", "with status 3")])
def test_a_process_that_ends_names_the_copy(way, how):
    with pytest.raises(CopyFailed, match=f"^copy 3: the process that it lives in ended {how}$"):
        failing(way, 2)


def test_a_view_may_be_infinite():
    assert np.isinf(failing("infinite view", 0)[3]).any()


def failing(way, workers):
    """Five copies, of which the fourth goes wrong in its second step: the others began with an odd number."""
    odd, even = (next(s for s in range(99) if np.random.default_rng(s).integers(100) % 2 == rest) for rest in (1, 0))
    side = side_by_side(lambda: toys.Failing(way), toys.Alone().describe(), COPIES, workers)
    try:
        side.advance([np.zeros(COPIES, np.int32)], np.array([odd, odd, odd, even, odd]))
        for _ in range(3):
            shown = side.advance([np.zeros(COPIES, np.int32)], ON)
    finally:
        side.close()
    return shown


def test_what_cannot_be_made_is_refused():
    for copies, workers, said in ((0, 0, "batch_size = 0"), (2, -1, "workers = -1")):
        with pytest.raises(InputError, match=said):
            side_by_side(toys.Alone, toys.Alone().describe(), copies, workers)
    lock = threading.Lock()
    with pytest.raises(InputError, match="workers = 1: what makes it does not survive cloudpickle: "):
        side_by_side(lambda: lock and toys.Alone(), toys.Alone().describe(), 2, 1)


def test_leaves_come_in_the_order_of_tensorflow():
    import tensorflow as tf

    nest = {"b": (Leaf((1,), "int8"), {"z": Leaf((2,), "bool")}), "a": Leaf((), "float32")}
    assert leaves(nest) == tf.nest.flatten(nest)


def test_the_layout_is_that_of_the_observation():
    """After step type, reward and discount: acts, discounts, legal moves, step types, views."""
    assert [leaf.shape for leaf in layout(toys.InTurn().describe())] == [(), (2,), (), (2,), (3,), (3,), (2,), (2,)]
    lives = [(), (2,), (), (2,), (2,), (2,), (2,), (2,)]
    assert [leaf.shape for leaf in layout(toys.Lives().describe())] == lives
    assert [leaf.shape for leaf in layout(toys.Alone().describe())] == [(), (), (), (2,)]
