"""What a space holds goes to arrays and back, and masks come from wherever they are told."""

import numpy as np
import pytest
from gymnasium import spaces

from imagents.bridges.spaces import Seat
from imagents.bridges.worlds import leaves
from imagents.errors import InputError

TWO = spaces.Discrete(2)


def seen(space, value):
    """The arrays that show a value, which are as the nest says."""
    seat = Seat(space, TWO)
    arrays, mask = seat.see(value, {})
    assert mask is None
    for array, leaf in zip(arrays, leaves(seat.view), strict=True):
        assert np.shape(array) == leaf.shape
        if leaf.low is not None:
            assert (np.asarray(array) >= leaf.low).all() and (np.asarray(array) <= leaf.high).all()
    return arrays


@pytest.mark.parametrize(
    ("space", "value", "shown"),
    [
        (spaces.Discrete(3), 1, [[0, 1, 0]]),
        (spaces.Discrete(3, start=5), np.int64(7), [[0, 0, 1]]),
        (spaces.MultiDiscrete([2, 3]), [1, 0], [[0, 1, 1, 0, 0]]),
        (spaces.MultiDiscrete([2, 2], start=[4, 1]), [4, 2], [[1, 0, 0, 1]]),
        (spaces.MultiBinary(3), [1, 0, 1], [[1, 0, 1]]),
        (spaces.Box(-1, 1, (2,)), np.float32([0.5, -1]), [[0.5, -1]]),
        (spaces.Dict(b=TWO, a=spaces.Box(0, 255, (1, 1, 3), np.uint8)), {"a": np.uint8([[[7, 8, 9]]]), "b": 0},
         [[[[7, 8, 9]]], [1, 0]]),
        (spaces.Tuple([TWO, spaces.Dict(x=TWO)]), (1, {"x": 0}), [[0, 1], [1, 0]]),
    ],
)  # fmt: skip
def test_what_is_seen(space, value, shown):
    assert [np.asarray(array).tolist() for array in seen(space, value)] == shown


@pytest.mark.parametrize(
    ("space", "dtype"),
    [(spaces.Box(-1, 1, (2,), np.float64), "float32"), (spaces.Box(0, 255, (9, 9, 3), np.uint8), "uint8"),
     (spaces.Box(-5, 5, (2,), np.int64), "int64"), (TWO, "float32"), (spaces.MultiBinary(2), "int8")],
)  # fmt: skip
def test_images_stay_bytes_and_numbers_are_of_32_bits(space, dtype):
    assert Seat(space, TWO).view.dtype == dtype


def test_bounds_are_kept_where_there_are_bounds():
    bounded = Seat(spaces.Box(np.float32([0, -2]), np.float32([1, 2])), TWO).view
    assert bounded.low.tolist() == [0, -2] and bounded.high.tolist() == [1, 2]
    assert Seat(spaces.Box(np.float32([0, -np.inf]), np.float32([1, 2])), TWO).view.low is None


@pytest.mark.parametrize(
    ("space", "low", "high", "done"),
    [
        (spaces.Discrete(3, start=2), 2, 4, {2: 2, 4: 4}),
        (spaces.MultiDiscrete([2, 3]), 0, 5, {0: [0, 0], 2: [0, 2], 3: [1, 0], 5: [1, 2]}),
        (spaces.MultiDiscrete([2, 2], start=[1, 5]), 0, 3, {2: [2, 5]}),
        (spaces.MultiBinary(2), 0, 3, {1: [0, 1], 2: [1, 0]}),
    ],
)
def test_what_is_done_by_a_number(space, low, high, done):
    seat = Seat(TWO, space)
    assert (seat.actions.low, seat.actions.high, seat.actions.shape) == (low, high, ())
    for number, action in done.items():
        made = seat.do(iter([np.int32(number)]))
        assert np.asarray(made).tolist() == action and made in space


def test_what_is_done_in_parts():
    two = spaces.Tuple([TWO, spaces.Box(0, 9, (), np.int64)])
    space = spaces.Dict(turn=spaces.Box(-1, 1, (2,)), shoot=TWO, two=two)
    seat = Seat(TWO, space)
    assert [leaf.dtype for leaf in leaves(seat.actions)] == ["int32", "float32", "int32", "int32"]
    assert sorted(seat.actions) == ["shoot", "turn", "two"]
    made = seat.do(iter([1, np.float32([0.5, 1.5]), 0, np.int32(7)]))
    assert made["shoot"] == 1 and made["turn"].tolist() == [0.5, 1.0] and made["two"] == (0, 7)
    assert made in space


def test_text_is_left_out_and_said():
    seat = Seat(spaces.Dict(mission=spaces.Text(9), place=TWO), TWO)
    assert sorted(seat.view) == ["place"] and seat.notes == ["'mission' of its observations is text, which is left out"]
    assert len(seat.see({"mission": "run", "place": 1}, {})[0]) == 1


MASK, VIEW = np.int8([1, 0, 1]), spaces.Dict(observation=TWO, action_mask=spaces.MultiBinary(3))


def test_a_mask_is_read_wherever_it_is():
    three = spaces.Discrete(3)
    in_info, in_view = Seat(TWO, three, {"action_mask": MASK}), Seat(VIEW, three)
    assert in_info.legal == in_view.legal == 3 and in_view.view.shape == (2,)
    assert in_info.see(1, {"action_mask": MASK})[1].tolist() == [True, False, True]
    arrays, mask = in_view.see({"observation": 1, "action_mask": MASK}, {})
    assert mask.tolist() == [True, False, True] and arrays[0].tolist() == [0, 1]
    other = Seat(spaces.Dict(place=TWO, action_mask=spaces.MultiBinary(3)), three)
    assert sorted(other.view) == ["place"]


def test_masks_that_disagree_or_vanish_are_refused():
    both = Seat(VIEW, spaces.Discrete(3), {"action_mask": MASK})
    shown = {"observation": 1, "action_mask": MASK}
    assert both.see(shown, {"action_mask": MASK.astype(bool)})[1].tolist() == [True, False, True]
    with pytest.raises(InputError, match="^the action_mask of the observation and that of info disagree$"):
        both.see(shown, {"action_mask": 1 - MASK})
    with pytest.raises(InputError, match="^info has no action_mask here"):
        both.see(shown, {})
    with pytest.raises(InputError, match=r"^action_mask has shape \(2,\): \(3,\) is needed"):
        both.see(shown, {"action_mask": np.ones(2)})


def test_masks_of_parts_make_a_mask_of_their_product():
    """As sb3-contrib has it: the masks of all parts, one after the other."""
    seat = Seat(TWO, spaces.MultiDiscrete([2, 3]), {"action_mask": np.ones(5)})
    mask = seat.see(0, {"action_mask": np.array([0, 1, 1, 0, 1])})[1]
    assert mask.reshape(2, 3).tolist() == [[False] * 3, [True, False, True]]


@pytest.mark.parametrize(
    ("observations", "actions", "said"),
    [
        (spaces.Text(9), TWO, "Text cannot be seen here"),
        (spaces.Sequence(TWO), TWO, "Sequence cannot be seen here"),
        (spaces.Dict(x=spaces.Text(9)), TWO, "leaves nothing to see"),
        (TWO, spaces.Text(9), "Text cannot be acted in here"),
        (TWO, spaces.Box(-np.inf, np.inf, (2,)), "has no bounds"),
        (TWO, spaces.MultiDiscrete([9] * 9), "has 387420489 actions: 4096 can be numbered"),
        (VIEW, spaces.Box(0, 1, (2,)), "there are masks of legal actions, and the actions are Box"),
    ],
)
def test_what_does_not_fit_is_refused(observations, actions, said):
    with pytest.raises(InputError, match=said):
        Seat(observations, actions)
