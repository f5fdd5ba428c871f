"""Epsilon-greedy collection: how often it explores, what it explores, and what it leaves alone."""

import collections

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import policy_saver, tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.learning.agent import IMAgent
from imagents.learning.policies import LegalEpsilonGreedyPolicy
from imagents.randomness import make_generator

NUM_ACTIONS = 9
OBSERVATION_SPEC = {"legal_moves": tensor_spec.TensorSpec([NUM_ACTIONS], tf.bool)}


class Fixed(tf_policy.TFPolicy):
    """A greedy policy that always plays one action, counts its calls in its state and says so in its info."""

    def __init__(self, action, minimum=0, dtype=tf.int32, num_actions=NUM_ACTIONS):
        super().__init__(
            ts.time_step_spec(OBSERVATION_SPEC),
            tensor_spec.BoundedTensorSpec([], dtype, minimum, minimum + num_actions - 1),
            policy_state_spec=tf.TensorSpec([], tf.int32),
            info_spec={"doubled": tf.TensorSpec([], tf.int32)},
            automatic_state_reset=False,
        )
        self.weight = tf.Variable(1.0)
        self._fixed = action

    def _action(self, time_step, policy_state, seed=None):
        action = tf.fill(tf.shape(time_step.step_type), tf.constant(self._fixed, self.action_spec.dtype))
        return policy_step.PolicyStep(action, policy_state + 1, {"doubled": 2 * policy_state})

    def _variables(self):
        return [self.weight]


def collect_policy(greedy, epsilon, seed=0, **settings):
    return LegalEpsilonGreedyPolicy(
        greedy, epsilon, make_generator(seed, "test"), **{"legal_moves_fn": lambda seen: seen["legal_moves"]} | settings
    )


def time_step(legal_moves):
    return ts.restart({"legal_moves": tf.constant(legal_moves)}, batch_size=len(legal_moves))


def actions(policy, legal_moves, rounds=1):
    """What the policy plays, `[rounds, B]`."""
    state = tf.zeros([len(legal_moves)], tf.int32)
    return np.array([policy.action(time_step(legal_moves), state).action.numpy() for _ in range(rounds)])


def all_legal(batch_size):
    return np.ones([batch_size, NUM_ACTIONS], bool)


def test_without_epsilon_it_is_the_greedy_policy():
    assert set(actions(collect_policy(Fixed(4), 0.0), all_legal(1000)).ravel()) == {4}


def test_each_game_has_its_own_epsilon():
    """Games 0 to 3 with 0, 0.1, 0.5 and 1: of 9,000 moves a random one is the greedy one in 1 of 9."""
    policy = collect_policy(Fixed(4), tf.constant([0.0, 0.1, 0.5, 1.0] * 100))
    played = actions(policy, all_legal(400), rounds=90).reshape(90, 100, 4)
    share_of_others = (played != 4).mean(axis=(0, 1))
    assert share_of_others[0] == 0.0
    expected = np.array([0.1, 0.5, 1.0]) * 8 / 9  # 0.089, 0.444, 0.889
    np.testing.assert_allclose(share_of_others[1:], expected, atol=0.02)  # 4 standard deviations or more


def test_one_epsilon_serves_all_games_and_can_change():
    epsilon = tf.Variable(1.0)
    policy = collect_policy(Fixed(4), epsilon)
    np.testing.assert_allclose((actions(policy, all_legal(9000)) != 4).mean(), 8 / 9, atol=0.02)
    epsilon.assign(0.0)
    assert set(actions(policy, all_legal(9000)).ravel()) == {4}


def test_it_explores_every_legal_move_equally_often_and_no_other():
    legal = np.zeros([20_000, NUM_ACTIONS], bool)
    legal[:10_000, [0, 3, 8]] = True
    legal[10_000:, 5] = True
    played = actions(collect_policy(Fixed(4), 1.0), legal)[0]
    counts = collections.Counter(played[:10_000].tolist())
    assert set(counts) == {0, 3, 8}
    assert sum((count - 10_000 / 3) ** 2 / (10_000 / 3) for count in counts.values()) < 13.8  # 99.9 % of 2 degrees
    assert set(played[10_000:]) == {5}


def test_random_legal_moves_are_respected_whatever_they_are():
    rng = np.random.default_rng(0)
    legal = rng.random([5000, NUM_ACTIONS]) < rng.random([5000, 1])
    legal[np.arange(5000), rng.integers(0, NUM_ACTIONS, 5000)] = True
    played = actions(collect_policy(Fixed(4), 1.0), legal, rounds=4)
    assert legal[np.arange(5000), played].all()


def test_whether_to_explore_and_what_to_play_are_independent():
    """A move explored at epsilon 0.5 is as uniform as one at 1: the draws of the two questions are not the same."""
    played = actions(collect_policy(Fixed(0), 0.5), all_legal(40_000))[0]
    counts = np.bincount(played, minlength=NUM_ACTIONS)[1:]
    expected = 40_000 * 0.5 / NUM_ACTIONS
    assert sum((counts - expected) ** 2 / expected) < 26.1  # 99.9 % of 8 degrees of freedom


def test_without_legal_moves_every_action_of_the_spec_is_explored():
    greedy = Fixed(-1, minimum=-1, dtype=tf.int64, num_actions=4)
    played = actions(collect_policy(greedy, 1.0, legal_moves_fn=None), all_legal(1000))
    assert played.dtype == np.int64 and set(played.ravel()) == {-1, 0, 1, 2}


def test_legal_moves_count_from_the_smallest_action():
    greedy = Fixed(10, minimum=10)
    legal = all_legal(500)
    legal[:, :7] = False  # 10 to 16 are illegal
    assert set(actions(collect_policy(greedy, 1.0), legal).ravel()) == {17, 18}


def test_the_same_seed_plays_the_same_moves_and_another_seed_others():
    one, same, other = (actions(collect_policy(Fixed(4), 0.5, seed=seed), all_legal(50), 3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any(axis=1).all() and (one[0] != one[1]).any()


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "compiled"])
def test_it_plays_the_same_moves_in_a_graph_and_compiled(jit_compile):
    rng = np.random.default_rng(1)
    legal = rng.random([64, NUM_ACTIONS]) < 0.5
    legal[:, 4] = True
    policy = collect_policy(Fixed(4), 0.7)
    function = tf.function(
        lambda legal: policy.action(ts.restart({"legal_moves": legal}, 64), tf.zeros([64], tf.int32)).action,
        autograph=False,
        jit_compile=jit_compile,
    )
    played = [function(tf.constant(legal)).numpy() for _ in range(3)]
    np.testing.assert_array_equal(played, actions(collect_policy(Fixed(4), 0.7), legal, rounds=3))


def test_state_info_specs_and_variables_are_the_greedy_policys():
    greedy = Fixed(4)
    policy = collect_policy(greedy, 1.0)
    step = policy.action(time_step(all_legal(3)), tf.constant([5, 6, 7]))
    assert step.state.numpy().tolist() == [6, 7, 8] and step.info["doubled"].numpy().tolist() == [10, 12, 14]
    assert policy.time_step_spec == greedy.time_step_spec and policy.action_spec == greedy.action_spec
    assert policy.policy_state_spec == greedy.policy_state_spec and policy.info_spec == greedy.info_spec
    assert [variable is greedy.weight for variable in policy.variables()] == [True]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
def test_a_batch_of_any_size_takes_the_epsilons_by_turns(batch_size):
    """As when a policy saver traces it without a batch size, or one game is played with a policy made for many."""
    policy = collect_policy(Fixed(0), tf.constant([0.0, 1.0, 0.0]))
    played = actions(policy, all_legal(batch_size), rounds=50)
    explores = [(played[:, game] != 0).any() for game in range(batch_size)]
    assert explores == [game % 3 == 1 for game in range(batch_size)]


def test_a_policy_saver_saves_the_collect_policy_for_batches_of_any_size(tmp_path):
    environment = BoardGameEnvironment(TIC_TAC_TOE, 4)
    agent = IMAgent(environment, epsilon=[0.1, 0.2, 0.3, 0.4])
    policy_saver.PolicySaver(agent.collect_policy, batch_size=None).save(str(tmp_path / "policy"))
    saved = tf.saved_model.load(str(tmp_path / "policy"))
    time_step = BoardGameEnvironment(TIC_TAC_TOE, 6).reset()
    assert saved.action(time_step, ()).action.shape == [6]
