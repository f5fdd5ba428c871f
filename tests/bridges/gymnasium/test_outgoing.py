"""Environments from here are Gymnasium's, for one seat: Gymnasium's own checker is content, and so are players."""

import importlib.util
import os
import pathlib
import subprocess

import gymnasium
import gyms  # noqa: F401  # registers Count-v0
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from imagents.bridges.gymnasium import from_gymnasium, to_gymnasium, to_gymnasium_vector
from imagents.errors import InputError
from imagents.players.base import RandomPlayer

ROOT = pathlib.Path(__file__).parents[3]
slow = pytest.mark.slow


def episode(env, seed=None, choose=lambda legal: legal[0]):
    """The rewards of one episode, what is done being chosen of what is legal, its flags, and its last observation."""
    observation, info = env.reset(seed=seed)
    rewards, over = [], False
    while not over:
        action = env.action_space.start + choose(np.flatnonzero(env.action_masks()))
        observation, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        over = terminated or truncated
        assert observation in env.observation_space
        if "action_mask" in info:
            np.testing.assert_array_equal(info["action_mask"], env.action_masks())
            assert info["action_mask"].dtype == np.int8
    return rewards, (terminated, truncated), observation


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cartpole", {}),
        ("kuhn_poker", {"seat": 1}),
        pytest.param("rock_paper_scissors", {}, marks=slow),
        pytest.param("tic_tac_toe", {"others": "heuristic"}, marks=slow),
        pytest.param("connect_four", {"seat": 1, "opening_plies": 4}, marks=slow),
        pytest.param("foraging", {"seat": 1}, marks=slow),
    ],
)
def test_gymnasiums_checker_is_content(name, settings):
    env = to_gymnasium(name, **settings)
    check_env(env, skip_render_check=True)  # a warning is an error
    for _ in range(3):
        episode(env)
    env.close()


@pytest.mark.parametrize("name", ["cartpole", "tic_tac_toe"])
def test_it_renders_what_the_environment_draws(name):
    env = to_gymnasium(name, render_mode="rgb_array")
    env.reset(seed=0)
    before = env.render()
    assert before.dtype == np.uint8 and before.ndim == 3 and before.shape[-1] == 3
    for _ in range(4):  # a cart moves less than a pixel in one
        env.step(np.flatnonzero(env.action_masks())[-1])
    assert (env.render() != before).any()


def test_a_game_is_won_and_lost_by_what_the_other_one_does_inside():
    """Tic-tac-toe against the lowest legal move."""
    env = to_gymnasium("tic_tac_toe", others="first_legal", first_mover="seat_1")
    observation, info = env.reset(seed=1)
    assert observation.sum() == 1 and observation[1, 0, 0] == 1  # the other one has moved
    assert info["action_mask"].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 1]
    for action, reward, over in ((1, 0, False), (4, 0, False), (7, 1, True)):
        observation, paid, terminated, truncated, info = env.step(action)
        assert (paid, terminated, truncated) == (reward, over, False)
    assert observation[0].tolist() == [[0, 1, 0], [0, 1, 0], [0, 1, 0]]
    env.reset()
    for action, reward, over in ((8, 0, False), (7, -1, True)):  # the other one has 0, 1 and 2 then
        _, paid, terminated, _, _ = env.step(action)
        assert (paid, terminated) == (reward, over)


def test_an_end_terminates_and_a_limit_truncates():
    rewards, flags, _ = episode(to_gymnasium("cartpole"))
    assert flags == (True, False) and len(rewards) < 20
    rewards, flags, _ = episode(to_gymnasium("matching_pennies", others="first_legal", episode_length=3))
    assert flags == (False, True) and len(rewards) == 3 and abs(sum(rewards)) == 3


def test_the_same_seed_is_the_same_episode_and_what_is_compiled_stays():
    env, rng = to_gymnasium("kuhn_poker"), np.random.default_rng(0)
    seeds = {seed: [episode(env, seed)] + [episode(env) for _ in range(5)] for seed in (1, 2)}
    for _ in range(7):
        episode(env, choose=rng.choice)
    again = [episode(env, 1)] + [episode(env) for _ in range(5)]
    assert str(again) == str(seeds[1]) != str(seeds[2])
    assert env._game.step.experimental_get_tracing_count() == 1


@slow
@pytest.mark.parametrize(("name", "others"), [("tic_tac_toe", "minimax:1"), ("gymnasium:Count-v0", [])])
def test_what_thinks_in_python_is_made_anew_by_a_seed(name, others):
    env = to_gymnasium(name, others=others)
    played = [[episode(env, seed), episode(env)] for seed in (1, 2, 1)]
    assert str(played[0]) == str(played[2]) and str(played[0]) != str(played[1])


def test_copies_that_take_turns_begin_anew_in_the_same_step():
    """Each row is what the environment for one says in the same place, and no row is nobody's turn."""
    env = to_gymnasium_vector("tic_tac_toe", 16, others="first_legal", first_mover="seat_0")
    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    observations, infos = env.reset(seed=3)
    ended = 0
    for _ in range(12):
        legal = infos["action_mask"]
        observations, rewards, terminated, truncated, infos = env.step(legal.argmax(axis=1))
        assert observations in env.observation_space and not truncated.any()
        for copy in np.flatnonzero(terminated):
            assert observations[copy].sum() == 0 and infos["action_mask"][copy].all()
            final = infos["final_obs"][copy]
            assert final[0].sum() == 4 if rewards[copy] == 1 else final.sum() > 4
        assert (rewards[~terminated] == 0).all()
        ended += terminated.sum()
    assert ended == 16 * 3  # X: 0, 2, 4, 6 wins, with O at 1, 3, 5: four moves each


def test_copies_that_move_together_begin_anew_in_the_next_step():
    env = to_gymnasium_vector("cartpole", 4)
    assert env.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    env.reset(seed=0)
    over = np.zeros(4, bool)
    for _ in range(30):
        observations, rewards, terminated, _, _ = env.step(np.zeros(4, int))
        assert (rewards == ~over).all() and not (terminated & over).any()
        assert (np.abs(observations[over]) < 0.05).all() and (np.abs(observations[terminated, 2]) > 0.2).all()
        over = terminated
    env.close()


@slow
def test_out_and_in_again_it_is_the_same_environment():
    import imagents

    back = from_gymnasium(lambda: to_gymnasium("tic_tac_toe"), 2)
    assert imagents.check_environment(back) == []
    [mask] = back.reset().observation["legal_moves"]
    assert mask.shape == [2, 9]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(environment_name="chess"), "^unknown environment 'chess'"),
        (dict(environment_name="cartpole", seat=1), "^seat = 1: cartpole has seats 0 to 0$"),
        (dict(environment_name="tic_tac_toe", others=["random", "random"]), "^2 others: tic_tac_toe has 2 seats, so 1"),
        (dict(environment_name="tic_tac_toe", others="nobody"), "^unknown player 'nobody'"),
        (dict(environment_name="tic_tac_toe", render_mode="human"), "^render_mode = 'human': tic_tac_toe has no "),
        (dict(environment_name="tic_tac_toe", size=3), "^unknown setting 'size'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(arguments, said):
    with pytest.raises(InputError, match=said):
        to_gymnasium(**arguments)


def test_a_player_of_ones_own_holds_a_seat():
    env = to_gymnasium("tic_tac_toe", seat=1, others=[RandomPlayer(0, seed=3)])
    env.reset(seed=0)
    assert isinstance(env, gymnasium.Env) and env.action_masks().sum() in (8, 9)


@slow
def test_stable_baselines_learns_in_it():
    """In an environment of its own, with PyTorch: masked PPO, and SB3's own checker."""
    spec = importlib.util.spec_from_file_location("environments", ROOT / "tests" / "cloud" / "environments.py")
    environments = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(environments)
    try:
        python = environments.stable_baselines()
    except (environments.Missing, RuntimeError) as error:
        pytest.skip(str(error)[-300:])
    script = pathlib.Path(__file__).with_name("stable_baselines.py")
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([python, script], capture_output=True, text=True, check=True, env=environ)
    before, after = map(float, done.stdout.split()[:2])
    assert after > before + 0.2  # 0.43 and 0.72 after 4,096 steps
