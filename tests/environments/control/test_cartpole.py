"""CartPole in tensors does what Gymnasium's does, and its limit is a cut-off."""

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from worlds import F, L, M

import imagents
from imagents.config import TrainConfig
from imagents.environments.control.cartpole import LIMIT, CartPoleEnvironment, State, has_fallen, move
from imagents.evaluation.report import evaluate_run
from imagents.training.experiment import train

UPRIGHT, FALLING = [0.0] * 4, [0.0, 0.0, 0.2, 3.0]  # one step later it leans by .26, and 12 degrees are .209
LEFT, RIGHT = 0, 1


def at(environment: CartPoleEnvironment, motion, steps) -> CartPoleEnvironment:
    """Goes on from there: motion `[B, 4]` and steps `[B]`."""
    environment.set_state(State(tf.constant(motion, tf.float32), tf.constant(steps, tf.int32)))
    return environment


def shown(time_step) -> list[tuple]:
    """Step type, reward and discount of each copy."""
    return list(zip(*(x.numpy().tolist() for x in time_step[:3]), strict=True))


# Beside Gymnasium


def test_a_step_is_gymnasiums_from_100_000_states():
    rng, theirs = np.random.default_rng(0), CartPoleEnv()
    motions = (rng.uniform(-1, 1, [100_000, 4]) * [2.45, 3, 0.22, 3]).astype(np.float32)
    actions = rng.integers(0, 2, len(motions))
    after, fallen = np.empty_like(motions), np.empty(len(motions), bool)
    for i, (motion, action) in enumerate(zip(motions.astype(float), actions)):
        theirs.state, theirs.steps_beyond_terminated = motion, None
        after[i], reward, fallen[i], _, _ = theirs.step(action)
        assert reward == 1
    found = move(tf.constant(motions), tf.constant(actions, tf.int32))
    np.testing.assert_allclose(found, after, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(has_fallen(found), fallen)
    assert 10_000 < fallen.sum() < 90_000


@pytest.mark.parametrize("balances", [True, False])
def test_an_episode_ends_and_pays_as_gymnasiums_does(balances):
    ours, theirs = CartPoleEnvironment(seed=1), gymnasium.make("CartPole-v1")
    time_step, steps, ended = ours.reset(), 0, False
    step = tf.function(ours.step)
    theirs.reset()
    while not ended:
        motion = time_step.observation[0].numpy()
        assert not time_step.is_last() and time_step.is_first() == (steps == 0)
        action = int(motion[2] + motion[3] > 0) if balances else RIGHT
        theirs.unwrapped.state = motion.astype(float)  # else float32 and float64 would part on their long way
        time_step, steps = step(tf.constant([action])), steps + 1
        observation, reward, terminated, truncated, _ = theirs.step(action)
        np.testing.assert_allclose(time_step.observation[0], observation, rtol=0, atol=1e-5)
        ended = terminated or truncated
        assert shown(time_step) == [(L if ended else M, reward, 0.0 if terminated else 1.0)]
    assert (truncated, steps == LIMIT) == (balances, balances)


# Ends and limits


def test_a_limit_is_a_cut_off_and_a_fall_an_end_also_at_the_limit():
    environment = at(CartPoleEnvironment(4), [UPRIGHT, FALLING, FALLING, UPRIGHT], [499, 498, 499, 498])
    assert shown(environment.step([LEFT] * 4)) == [(L, 1, 1), (L, 1, 0), (L, 1, 0), (M, 1, 1)]
    time_step = environment.step([LEFT] * 4)  # the last copy comes to its limit while the others begin anew
    assert shown(time_step) == [(F, 0, 1)] * 3 + [(L, 1, 1)]
    assert np.abs(time_step.observation[:3]).max() <= 0.05


@pytest.mark.parametrize("cell, most", [(0, 2.4), (2, np.radians(12))], ids=["track", "lean"])
def test_a_fall_is_beyond_12_degrees_or_the_track_on_either_side(cell, most):
    for side in (-1, 1):
        motion = np.zeros([2, 4], np.float32)
        motion[:, cell] = side * most * np.array([0.9999, 1.0001])
        assert has_fallen(tf.constant(motion)).numpy().tolist() == [False, True]


# What is seen


def test_velocities_can_be_hidden():
    environment = at(CartPoleEnvironment(2, hide_velocity=True), [[1, 2, 0.1, 4], UPRIGHT], [5, 5])
    np.testing.assert_array_equal(environment.current_time_step().observation, np.float32([[1, 0.1], [0, 0]]))
    assert TrainConfig("cartpole", hide_velocity=True).environment.build(2, 0).observation_spec().shape == [2]
    assert TrainConfig("cartpole").environment.build(2, 0).observation_spec().shape == [4]


# Starts, seeds, states


def test_episodes_begin_anywhere_near_the_middle_and_by_the_seed():
    def starts(seed):
        return CartPoleEnvironment(20_000, seed=seed).reset().observation.numpy()

    found = starts(0)
    shares = [np.histogram(found[:, cell], bins=10, range=(-0.05, 0.05))[0] / 20_000 for cell in range(4)]
    np.testing.assert_allclose(shares, 0.1, atol=0.01)
    assert abs(np.corrcoef(found.T) - np.eye(4)).max() < 0.05
    np.testing.assert_array_equal(found, starts(0))
    assert (found != starts(1)).any(axis=1).all()


def test_a_state_set_again_goes_on_as_before():
    environment = CartPoleEnvironment(3, seed=4)
    for _ in range(5):
        environment.step([RIGHT] * 3)
    state = environment.get_state()
    first = [environment.step([LEFT] * 3) for _ in range(4)]
    environment.reset()
    environment.set_state(state)
    tf.nest.map_structure(np.testing.assert_array_equal, first, [environment.step([LEFT] * 3) for _ in range(4)])


def test_it_plays_the_same_eagerly_in_a_graph_and_compiled():
    actions = np.random.default_rng(0).integers(0, 2, [60, 32], np.int32)
    runs = []
    for compiled in (None, False, True):
        environment = CartPoleEnvironment(32, seed=5)
        step = environment.step if compiled is None else tf.function(environment.step, jit_compile=compiled)
        environment.reset()
        runs.append([tf.nest.map_structure(np.array, step(tf.constant(row))) for row in actions])
    assert sum(step.is_last().sum() for step in runs[0]) > 50  # episodes begin anew, by the environment's own draws
    for run in runs[1:]:
        for expected, found in zip(runs[0], run, strict=True):
            tf.nest.map_structure(np.testing.assert_array_equal, expected[:3], found[:3])
            np.testing.assert_allclose(found.observation, expected.observation, rtol=0, atol=1e-4)


def test_it_keeps_to_the_contract():
    assert imagents.check_environment(TrainConfig("cartpole", hide_velocity=True).environment.build) == []


@pytest.mark.parametrize(
    "do, sentence",
    [
        (lambda: CartPoleEnvironment(0), "batch_size = 0: an environment needs at least 1 copy"),
        (lambda: CartPoleEnvironment(3).step([0, 1]),
         r"actions have shape \(2,\): one for each of the 3 copies is needed, shape \(3,\)"),
        (lambda: CartPoleEnvironment(2**45), r"35184372088832 carts would need [\d,.]+ GB of memory, and there are "),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(do, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        do()


# Learning


@pytest.mark.slow
def test_the_default_training_learns_it(tmp_path):
    run = train(TrainConfig("cartpole", seed=3), tmp_path / "run", quiet=True)
    assert run.metrics()["steps"].iloc[-1] < 50_500
    best = evaluate_run(run.path)["agents"]["player_1"]
    assert best["lives"] >= 1000 and best["mean_return"] >= 475
