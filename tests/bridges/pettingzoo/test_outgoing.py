"""Environments from here are PettingZoo's: its tests are content, and a game goes as its own, move for move."""

import functools
import warnings

import numpy as np
import pytest

pytest.importorskip("pettingzoo", reason="needs the extra pettingzoo")

import zoos
from worlds import Row, Scripted

import imagents
from imagents.bridges.pettingzoo import from_pettingzoo, to_aec, to_parallel
from imagents.config import ENVIRONMENTS
from imagents.errors import InputError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PettingZoo's tests of its own remarks
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

slow = pytest.mark.slow
FAST = {"tic_tac_toe", "kuhn_poker", "rock_paper_scissors"}
ALL = [name for name in ENVIRONMENTS if name.islower()]
AT_ONCE = ["cartpole", "foraging", "rock_paper_scissors", "public_goods"]


def some(names, fast):
    return [name if name in fast else pytest.param(name, marks=slow) for name in names]


@pytest.fixture(autouse=True)
def all_eagerly(eagerly):
    """Nothing below needs speed."""


@pytest.fixture
def remarks():
    """PettingZoo remarks on what it holds to be unusual, such as masks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", some(ALL, FAST))
def test_pettingzoos_tests_are_content(name, remarks, monkeypatch):
    """Also with render_mode "human", where there is no screen."""
    monkeypatch.delenv("DISPLAY", raising=False)
    api_test(to_aec(name), num_cycles=20)
    seed_test(lambda: to_aec(name), num_cycles=10)
    render_test(functools.partial(to_aec, name))


@pytest.mark.parametrize("name", some(AT_ONCE, FAST))
def test_its_tests_of_those_who_act_at_once_are_content(name, remarks):
    parallel_api_test(to_parallel(name), num_cycles=20)
    parallel_seed_test(lambda: to_parallel(name), num_cycles=10)


def test_what_is_shown_is_exactly_of_its_space():
    env = to_aec("tic_tac_toe", first_mover="seat_1")
    env.reset(seed=1)
    space, seen = env.observation_space("player_2"), env.observe("player_2")
    assert env.agent_selection == "player_2" and env.possible_agents == ["player_1", "player_2"]
    assert seen in space and seen["observation"].dtype == space["observation"].dtype == np.int8
    assert seen["action_mask"].dtype == space["action_mask"].dtype == np.int8 and seen["action_mask"].all()
    assert not env.observe("player_1")["action_mask"].any()  # it is not asked
    flags = [*env.terminations.values(), *env.truncations.values()]
    assert flags == [False] * 4 and {type(flag) for flag in flags} == {bool}


def boards(name):
    """PettingZoo's game, what the agents see there as ours do, and our cell of each of its actions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pettingzoo.classic import connect_four_v3, tictactoe_v3
    if name == "connect_four":
        return connect_four_v3.env(), lambda seen: seen.transpose(2, 0, 1), range(7)
    # Theirs counts down the columns, ours along the rows.
    return tictactoe_v3.env(), lambda seen: seen.transpose(2, 1, 0), np.arange(9).reshape(3, 3).T.ravel()


def leave(env):
    """What each seat has in the end: its reward, and whether it was terminated."""
    found = {}
    for agent in env.agent_iter():
        _, reward, terminated, _, _ = env.last()
        found[env.possible_agents.index(agent)] = reward, terminated
        env.step(None)
    return found


@pytest.mark.parametrize("name", some(["tic_tac_toe", "connect_four"], {"tic_tac_toe"}))
def test_a_board_plays_move_for_move_as_pettingzoos_own(name):
    """Random games, of which one in three ends by a move that is illegal."""
    theirs, stones, ours_of = boards(name)
    ours = to_aec(name, first_mover="seat_0", reward_illegal=-1.0)
    rng, ends = np.random.default_rng(0), set()
    for game in range(12):
        theirs.reset(seed=game)
        ours.reset(seed=game)
        while not any(theirs.terminations.values()):
            seat = ours.possible_agents.index(ours.agent_selection)
            assert seat == theirs.possible_agents.index(theirs.agent_selection)
            seen, reward, *flags, _ = theirs.last()
            view, own_reward, *own_flags, _ = ours.last()
            assert (reward, flags) == (own_reward, own_flags) == (0, [False, False])
            np.testing.assert_array_equal(view["observation"], stones(seen["observation"]))
            mask = seen["action_mask"].astype(bool)
            np.testing.assert_array_equal(view["action_mask"][list(ours_of)], mask)
            illegal, legal = np.flatnonzero(~mask), np.flatnonzero(mask)
            action = (*illegal, *legal)[0] if game % 3 == 0 else rng.choice(legal)
            theirs.step(int(action))
            ours.step(int(ours_of[action]))
        left = leave(theirs)
        assert leave(ours) == left
        ends.add((left[0][0], left[1][0]))
    assert ends >= {(1, -1), (-1, 1)} and ends & {(-1, 0), (0, -1)}


def test_rewards_add_up_until_the_agent_is_asked():
    """Of the last round of matching pennies each gets what the joint action pays, and a limit truncates."""
    env = to_aec("matching_pennies", episode_length=2)
    env.reset(seed=0)
    paid = {agent: [] for agent in env.agents}
    for agent in env.agent_iter():
        _, reward, terminated, truncated, _ = env.last()
        paid[agent].append((reward, terminated, truncated))
        env.step(None if terminated or truncated else 0)
    assert paid == {
        "player_1": [(0, False, False), (1, False, False), (1, False, True)],
        "player_2": [(0, False, False), (-1, False, False), (-1, False, True)],
    }


def turns_of(env) -> list[tuple]:
    """Whose turns there are in an episode, what each has been paid by then, and whether it is over for it."""
    env.reset()
    turns = []
    for agent in env.agent_iter():
        _, reward, *flags, _ = env.last()
        turns.append((agent[-1], reward, any(flags)))
        env.step(None if any(flags) else 0)
    return turns


def test_agents_that_die_and_come_again_leave_and_are_there_again():
    """In and out again: seats whose lives differ from the episode; who is born again is asked again."""
    rows = (
        {"a": (1, 0), "b": (2, 0)},
        {"a": (3, 1), "b": (4, 2, "E")},
        {"a": (5, 4), "b": (6, 0)},
        {"a": (7, 8, "L"), "b": (8, 16, "E")},
    )
    imagents.trust(lambda copies, seed: from_pettingzoo(lambda: zoos.AtOnce(rows, names="ab"), copies), "here:dies")
    env = to_parallel("here:dies")
    env.reset()
    there = []
    while env.agents:
        seen, paid, terminated, truncated, _ = env.step(dict.fromkeys(env.agents, 0))
        there.append((list(env.agents), paid, sorted(n for n in seen if terminated.get(n) or truncated.get(n))))
    assert there == [
        (["player_1"], {"player_1": 1, "player_2": 2}, ["player_2"]),
        (["player_1", "player_2"], {"player_1": 4}, []),
        ([], {"player_1": 8, "player_2": 16}, ["player_1", "player_2"]),
    ]
    assert (terminated, truncated) == ({"player_1": False, "player_2": True}, {"player_1": True, "player_2": False})
    assert turns_of(to_aec("here:dies")) == [
        ("1", 0, False), ("2", 0, False), ("2", 2, True), ("1", 1, False), ("1", 4, False), ("2", 0, False),
        ("1", 8, True), ("2", 16, True),
    ]  # fmt: skip


def test_steps_in_which_nobody_is_asked_are_made_by_themselves():
    rows = [Row([0], [0, 0]), Row([], [1, 2]), Row([0, 1], [4, 8]), Row([], [16, 32])]
    imagents.trust(lambda copies, seed: Scripted(rows, copies, alike=True), "here:waits")
    assert turns_of(to_aec("here:waits")) == [
        ("1", 0, False), ("1", 5, False), ("2", 10, False), ("1", 16, True), ("2", 32, True)
    ]  # fmt: skip


@slow
def test_out_and_in_again_it_keeps_to_the_contract(remarks):
    assert contract(lambda: to_aec("tic_tac_toe")) == contract(lambda: to_parallel("foraging")) == []


def contract(make):
    """The faults of what is made of it."""
    return imagents.check_environment(lambda copies, seed: from_pettingzoo(make, copies, seed=seed))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: to_aec("chess"), "^unknown environment 'chess'"),
        (lambda: to_aec("tic_tac_toe", size=3), "^unknown setting 'size'"),
        (lambda: to_aec("tic_tac_toe", "video"), "^render_mode = 'video': tic_tac_toe has human, ansi, rgb_array$"),
        (lambda: to_parallel("kuhn_poker"), "^kuhn_poker: its seats act in turn, and a ParallelEnv asks all at once: "),
    ],
)
def test_what_does_not_fit_is_one_sentence(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_an_action_that_is_none_is_one_sentence():
    env = to_parallel("rock_paper_scissors")
    env.reset(seed=0)
    with pytest.raises(InputError, match=r"^player_2 does None: one of Discrete\(3\) is needed$"):
        env.step({"player_1": 0})
