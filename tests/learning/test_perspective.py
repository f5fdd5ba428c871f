"""A perspective is an agent's own side of an environment, as pure functions; whatever does not fit is named."""

import numpy as np
import pytest
import tensorflow as tf
from oracle import read_board, read_boards
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.environment import BoardGameEnvironment, time_step_at
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.errors import InputError
from imagents.learning.perspective import Perspective, Sight, own_reward, own_stones
from imagents.seats import own_view


def perspective(seat=0, batch_size=2, **arguments) -> Perspective:
    environment = BoardGameEnvironment(TIC_TAC_TOE)
    return Perspective(environment.time_step_spec(), environment.action_spec(), seat, batch_size, **arguments)


def at(*drawings, seat=0) -> ts.TimeStep:
    return time_step_at(TIC_TAC_TOE, read_boards(*drawings), seat)


# Worked example: an agent whose sight and reward fade with every time step, and which then presses one cell further.
TIRED = dict(
    initial_state={"energy": 1.0},
    state_fn=lambda state, time_step, seat: {"energy": state["energy"] / 2},
    observation_fn=lambda observation, seat, state: state["energy"],
    reward_fn=lambda time_step, seat, state: own_reward(time_step, seat, state) * state["energy"],
    action_fn=lambda action, seat, state: action + tf.cast(state["energy"] < 1.0, tf.int32) * (1 + seat),
)


def test_what_is_seen_rewarded_and_done_is_made_by_the_transforms_of_seat_and_state():
    tired = perspective(seat=1, **TIRED)
    time_step = at("X.. ... ...", "... ... ...", seat=1)._replace(reward=tf.constant([[0.0, 4.0], [4.0, 0.0]]))
    fresh = tired.initial_state(2)
    later = tired.next_state(tired.next_state(fresh, time_step), time_step)
    assert [state["energy"].numpy().tolist() for state in (fresh, later)] == [[1, 1], [0.25, 0.25]]
    assert tired.sight(time_step, later).view.numpy().tolist() == [0.25, 0.25]
    assert tired.reward(time_step, later).numpy().tolist() == [1, 0]
    assert [tired.action(tf.constant([3, 5]), s).numpy().tolist() for s in (fresh, later)] == [[3, 5], [5, 7]]


def test_an_algorithm_counts_its_actions_from_0_wherever_the_environments_begin():
    spec = ts.time_step_spec(tf.TensorSpec([2], tf.float32))
    doubling = dict(action_fn=lambda action, seat, state: 2 * action)
    for first, transforms, done in ((5, {}, [5, 7]), (-1, {}, [-1, 1]), (5, doubling, [10, 14])):
        actions = tensor_spec.BoundedTensorSpec([], tf.int64, first, first + 2)
        one = Perspective(spec, actions, **transforms)
        assert one.environment_action_spec == actions
        assert (one.action_spec.minimum, one.action_spec.maximum, one.action_spec.dtype) == (0, 2, tf.int64)
        assert one.action(tf.constant([0, 2], tf.int64), ()).numpy().tolist() == done


def test_floats_are_counted_in_the_environments_bounds_and_stay_within():
    spec = ts.time_step_spec(tf.TensorSpec([2], tf.float32))
    actions = tensor_spec.BoundedTensorSpec([2, 1], tf.float32, [[0], [-np.inf]], [[4], [1]])
    one = Perspective(spec, actions, action_fn=lambda action, seat, state: -action)
    assert one.action_spec.shape == [2] and one.environment_action_spec == actions
    done = one.action(tf.constant([[0.5, -7.0], [-1.0, 0.5], [9.0, 9.0]]), ())
    assert done.numpy()[..., 0].tolist() == [[-3, 7], [0, -0.5], [-4, -1]]  # without bounds as they are


def test_it_has_no_variables_and_makes_none():
    def refuse(next_creator, **arguments):
        raise AssertionError("a variable was made")

    environment, time_step = BoardGameEnvironment(TIC_TAC_TOE), at("X.. ... ...")
    with tf.variable_creator_scope(refuse):
        for arguments in ({}, TIRED):
            specs = environment.time_step_spec(), environment.action_spec()
            one = Perspective(*specs, 0, 1, **arguments)
            state = one.next_state(one.initial_state(1), time_step)
            one.sight(time_step, state), one.reward(time_step, state), one.action(tf.constant([0]), state)
            assert not any(isinstance(x, tf.Variable) for x in tf.nest.flatten(list(vars(one).values())))


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
def test_asked_twice_it_answers_the_same_eagerly_and_compiled(compiled):
    tired, time_step = perspective(**TIRED), at("XO. ... ...", "... .X. ..O")
    state = tired.next_state(tired.initial_state(2), time_step)

    def answers():
        sight, action = tired.sight(time_step, state), tired.action(tf.constant([1, 2]), state)
        return sight, tired.reward(time_step, state), action, tired.next_state(state, time_step)

    traced = tf.function(answers, jit_compile=compiled, autograph=False)
    for found in (answers(), traced()):
        tf.nest.map_structure(np.testing.assert_array_equal, found, answers())


def test_it_answers_for_any_number_of_copies_whatever_it_was_tried_with():
    tired, time_step = perspective(batch_size=2, **TIRED), at(*["X.. ... ..."] * 5)
    assert tired.sight(time_step, tired.initial_state(5)).view.shape == [5]


# What is seen


def test_a_sight_is_the_own_view_and_the_legal_moves():
    seen = perspective().sight(at("XO. ... ..."), ())
    assert isinstance(seen, Sight) and seen._fields == ("view", "legal_moves")
    assert seen.legal_moves.numpy().tolist() == [[False, False] + [True] * 7]
    assert seen.view.shape == [1, 2, 3, 3]


@pytest.mark.parametrize("seat", [0, 1])
def test_the_default_view_of_a_board_shows_own_stones_first_whichever_the_seat(seat):
    board = "XO. .X. ..O"
    view = perspective(seat).sight(at(board), ()).view.numpy()[0]
    np.testing.assert_array_equal(view, own_stones(at(board).observation, seat, ())[0])
    np.testing.assert_array_equal(view[0], read_board(board) == seat + 1)
    np.testing.assert_array_equal(view[1], read_board(board) == 2 - seat)


def test_its_specs_are_those_of_what_it_makes():
    default, tired = perspective(), perspective(**TIRED)
    assert default.sight_spec.view == tf.TensorSpec([2, 3, 3], tf.bool) and default.state_spec == ()
    assert default.sight_spec.legal_moves == BoardGameEnvironment(TIC_TAC_TOE).observation_spec()["legal_moves"]
    assert tired.sight_spec.view == tf.TensorSpec([], tf.float32)
    assert tired.state_spec == {"energy": tf.TensorSpec([], tf.float32)}


def test_elsewhere_everything_is_seen_and_all_moves_are_legal():
    spec = ts.time_step_spec({"near": tf.TensorSpec([2], tf.float32), "far": tf.TensorSpec([], tf.int32)})
    one = Perspective(spec, tensor_spec.BoundedTensorSpec([], tf.int32, 0, 3))
    observation = {"near": tf.constant([[1.0, 2.0]]), "far": tf.constant([7])}
    seen = one.sight(ts.restart(observation, batch_size=1), ())
    assert seen == Sight(own_view(observation, 0, ()), ()) == Sight(observation, ())
    assert one.sight_spec == Sight(spec.observation, ())


# What is paid


@pytest.mark.parametrize("dtype", [tf.uint8, tf.int8, tf.uint16])
def test_a_view_may_be_of_small_integers(dtype):
    """TF-Agents draws none, with which transforms could be tried."""
    view = tensor_spec.BoundedTensorSpec([2], dtype, 0, dtype.max)
    actions = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1)
    assert Perspective(ts.time_step_spec(view), actions).sight_spec.view == view


def test_the_default_reward_is_the_seats_share_or_the_only_one_there_is():
    time_step = at("X.. ... ...", "... ... ...")
    shared = time_step._replace(reward=tf.constant([[1.0, -1.0], [0.5, 0.25]]))
    assert [perspective(seat).reward(shared, ()).numpy().tolist() for seat in (0, 1)] == [[1, 0.5], [-1, 0.25]]
    alone = time_step._replace(reward=tf.constant([3.0, 4.0]))
    assert perspective(1).reward(alone, ()).numpy().tolist() == [3, 4]


def test_the_beginning_of_an_episode_pays_nothing_whatever_a_transform_says():
    generous = perspective(reward_fn=lambda time_step, seat, state: tf.ones([2]))
    time_step = at("X.. ... ...", "... ... ...")._replace(step_type=tf.constant([1, 0]))
    assert generous.reward(time_step, ()).numpy().tolist() == [1, 0]


# What does not fit


@pytest.mark.parametrize(
    "transforms, sentence",
    [
        (
            {"observation_fn": lambda observation, seat, state: "the board"},
            r"player_1: observation_fn returned str 'the board': tensors \[2, ...\] are needed",
        ),
        (
            {"observation_fn": lambda o, seat, state: {"own": o["board"], "turn": tf.constant(seat)}},
            r"player_1: observation_fn returned a int32 tensor of shape \(\): tensors \[2, ...\] are needed",
        ),
        (
            {"observation_fn": lambda o, seat, state: o["board"][0]},
            r"player_1: observation_fn returned a int32 tensor of shape \(3, 3\): tensors \[2, ...\] are needed",
        ),
        (
            {"reward_fn": lambda time_step, seat, state: tf.cast(time_step.reward[:, seat], tf.float64)},
            r"player_1: reward_fn returned a float64 tensor of shape \(2,\): a float32 tensor of shape \(2,\)",
        ),
        (
            {"reward_fn": lambda time_step, seat, state: 1.0},
            r"player_1: reward_fn returned float 1.0: a float32 tensor of shape \(2,\) is needed",
        ),
        (
            {"action_fn": lambda action, seat, state: action[:1]},
            r"player_1: action_fn returned a int32 tensor of shape \(1,\): a int32 tensor of shape \(2,\)",
        ),
        (
            {"initial_state": 0.0, "state_fn": lambda state, time_step, seat: {"x": state}},
            "player_1: state_fn returned the structure .*: it has to return one like initial_state",
        ),
        (
            {"initial_state": 0.0, "state_fn": lambda state, time_step, seat: tf.cast(state, tf.int32)},
            r"player_1: state_fn returned a int32 tensor of shape \(2,\): a float32 tensor of shape \(2,\)",
        ),
    ],
)
def test_a_transform_that_returns_something_else_is_named_in_one_sentence(transforms, sentence):
    with pytest.raises(InputError, match=f"^{sentence}") as error:
        perspective(owner="player_1", **transforms)
    assert "\n" not in str(error.value)
