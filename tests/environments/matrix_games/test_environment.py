"""Matrix games as environments: who sees what, when an episode ends, and the same in every way to run it."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

import imagents
from imagents.config import environment_class
from imagents.environments.matrix_games.environment import MatrixGameEnvironment
from imagents.errors import InputError
from imagents.xla import repeat, start_xla

F, M, L = 0, 1, 2
OFTEN = ("climbing_stochastic", "penalty")  # the others differ in what they pay, and are looked at by make test-slow
NAMES = [name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow)
         for name, home in imagents.config.ENVIRONMENTS.items() if ".matrix_games." in home]  # fmt: skip


def made(name="climbing", batch_size=1, seed=0, **settings) -> MatrixGameEnvironment:
    return environment_class(name)(name=name, **settings).build(batch_size, seed)


def step(environment, *actions):
    return environment.step(tuple(tf.constant(each) for each in actions))


def shown(time_step) -> list:
    return [x.numpy().tolist() for x in (time_step.step_type, time_step.reward, time_step.discount)]


@pytest.mark.parametrize("settings", [dict(), dict(episode_length=3), dict(episode_length=4, observe_actions=True)])
@pytest.mark.parametrize("name", NAMES)
def test_every_game_keeps_to_the_contract(name, settings):
    assert imagents.check_environment(lambda copies, seed: made(name, copies, seed, **settings), 100) == []


def test_of_an_endless_game_it_is_only_remarked_that_no_episode_ended():
    with pytest.warns(UserWarning, match="no episode ended"):
        make = lambda copies, seed: made("chicken", copies, seed, episode_length=0)  # noqa: E731
        assert imagents.check_environment(make, 50) == []


def test_a_one_shot_game_ends_after_its_play():
    environment = made()
    assert shown(environment.reset()) == [[F], [[0, 0]], [1]]
    assert shown(step(environment, [0], [0])) == [[L], [[11, 11]], [0]]
    assert shown(step(environment, [1], [1])) == [[F], [[0, 0]], [1]]  # whatever they do
    assert shown(step(environment, [2], [1])) == [[L], [[0, 0]], [0]]
    assert environment.reset().is_first()[0] and environment.get_state().last_actions.numpy().tolist() == [[-1, -1]]


def test_a_longer_one_is_cut_off():
    environment = made(episode_length=2)
    environment.reset()
    assert shown(step(environment, [0], [1])) == [[M], [[-30, -30]], [1]]
    assert shown(step(environment, [2], [2])) == [[L], [[5, 5]], [1]]
    assert shown(step(environment, [0], [0])) == [[F], [[0, 0]], [1]]


def test_an_endless_one_goes_on():
    environment = made(episode_length=0)
    environment.reset()
    for _ in range(50):
        assert shown(step(environment, [1], [2])) == [[M], [[6, 6]], [1]]
    assert environment.get_state().plays.numpy().tolist() == [1]  # a count would run over


def test_each_agent_sees_its_own_last_action_first():
    environment = made("penalty", observe_actions=True, num_agents=3, episode_length=0)
    assert [view.numpy().any() for view in environment.reset().observation["views"]] == [False] * 3
    observation = step(environment, [0], [1], [2]).observation
    assert observation["last_actions"].numpy().tolist() == [[0, 1, 2]]
    a, b, c = np.eye(3, dtype=bool).tolist()
    assert [view.numpy().tolist() for view in observation["views"]] == [[[a, b, c]], [[b, c, a]], [[c, a, b]]]


def test_agents_who_do_not_observe_see_nothing_and_fixed_players_still_can():
    environment = made("chicken", episode_length=5)
    assert environment.reset().observation["last_actions"].numpy().tolist() == [[-1, -1]]
    observation = step(environment, [0], [1]).observation
    assert [view.numpy().tolist() for view in observation["views"]] == [[[False]], [[False]]]
    assert observation["last_actions"].numpy().tolist() == [[0, 1]]


def test_a_new_episode_knows_nothing_of_the_last_one():
    environment = made("chicken", 2, observe_actions=True, episode_length=1)
    environment.reset()
    step(environment, [0, 1], [1, 0])
    time_step = step(environment, [0, 1], [1, 0])
    assert time_step.is_first().numpy().all() and (time_step.observation["last_actions"] == -1).numpy().all()
    assert not time_step.observation["views"][0].numpy().any()


def test_half_of_the_plays_pay_each_outcome_with_the_environments_own_draws():
    environments = [made("climbing_stochastic", 10_000, seed) for seed in (1, 1, 2)]
    for environment in environments:
        environment.reset()
    zeros = [0] * 10_000
    first, again, other = (step(environment, zeros, zeros).reward.numpy() for environment in environments)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[:, 0] == first[:, 1]).all() and set(first[:, 0]) == {10, 12}
    assert abs((first[:, 0] == 10).mean() - 0.5) < 0.02  # four standard deviations


def test_every_joint_action_is_paid_as_the_payoffs_say():
    payoffs = np.random.default_rng(0).normal(size=(1, 3, 3, 3, 3)).astype(np.float32)
    environment = MatrixGameEnvironment(payoffs, 27)
    environment.reset()
    joint = np.array([*np.ndindex(3, 3, 3)])
    np.testing.assert_array_equal(step(environment, *joint.T).reward, payoffs[0].reshape(27, 3))


def test_its_state_can_be_put_back():
    environment = made("climbing_stochastic", 3, episode_length=4, observe_actions=True)
    environment.reset()
    step(environment, [0, 1, 2], [1, 1, 0])
    state, time_step = environment.get_state(), environment.current_time_step()
    step(environment, [1, 1, 1], [1, 1, 1])
    environment.set_state(state)
    tf.nest.map_structure(np.testing.assert_array_equal, environment.current_time_step(), time_step)


@pytest.mark.parametrize(
    "actions, sentence",
    [
        (([3], [0]), "action = 3: actions are 0 to 2"),
        (([0], [-1]), "action = -1: actions are 0 to 2"),
        (([0, 1], [0, 1]), "2 times 2 actions: 2 seats times 1 games are needed"),
    ],
)
def test_actions_that_are_none_are_refused_in_one_sentence(actions, sentence):
    environment = made()
    environment.reset()
    with pytest.raises(InputError, match=f"^{sentence}$"):
        step(environment, *actions)


def test_after_an_end_whatever_is_done_begins_anew():
    environment = made()
    environment.reset()
    assert step(environment, [0], [0]).is_last().numpy().all()
    first = step(environment, [-1], [7])
    assert first.is_first().numpy().all() and (first.reward.numpy() == 0).all()


@pytest.mark.parametrize(
    "payoffs, batch_size, sentence",
    [
        (np.zeros([1, 2, 3, 2]), 1, r"payoffs have shape \(1, 2, 3, 2\): \(outcomes, A, ..., A, N\) with N times A is"),
        (np.zeros([1, 2, 2, 2]), 0, "batch_size = 0: an environment needs at least 1 game"),
    ],
)
def test_what_is_no_game_is_refused_in_one_sentence(payoffs, batch_size, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        MatrixGameEnvironment(payoffs, batch_size)


def trace(execution: str) -> str:
    """The checksum of all that is shown in 40 steps of 64 stochastic games, whose actions are fixed."""
    environment = made("climbing_stochastic", 64, seed=7, episode_length=3, observe_actions=True)
    environment.reset()
    kinds = [tf.TensorSpec([64, *x.shape[1:]], x.dtype) for x in tf.nest.flatten(environment.current_time_step())]
    rows = [tf.Variable(tf.zeros([40, *kind.shape], kind.dtype), trainable=False) for kind in kinds]
    at = tf.Variable(0)

    def play():
        numbers = tf.range(64) * 7919 + at * 104729
        time_step = environment.step((numbers % 3, numbers // 3 % 3))
        for row, x in zip(rows, tf.nest.flatten(time_step), strict=True):
            row.assign(tf.tensor_scatter_nd_update(row.read_value(), [[at.read_value()]], x[tf.newaxis]))
        at.assign_add(1)

    if execution == "xla":
        start_xla()
    run = lambda: repeat(play, tf.constant(40))  # noqa: E731
    (run if execution == "eager" else tf.function(run, jit_compile=execution == "xla", autograph=False))()
    digest = hashlib.sha256()
    for row in rows:
        digest.update(np.ascontiguousarray(row.numpy()).tobytes())
    return digest.hexdigest()[:16]


@pytest.mark.parametrize("execution", ["eager", "graph", "xla"])
def test_what_a_game_shows_and_pays_is_that_of_its_version(execution):
    """If this fails, it shows, pays or draws something else than before: give its page a new version, and say what."""
    assert trace(execution) == "d26bc52d19db7954"
