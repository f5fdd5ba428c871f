"""Environments of PettingZoo live here: by a function, and by their names on the command line."""

import functools
import importlib
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("pettingzoo", reason="needs the extra pettingzoo")

import zoos
from small import small_flags
from worlds import F, L, M

import imagents
from imagents import cli, own
from imagents.bridges.pettingzoo import from_pettingzoo
from imagents.bridges.workers import CopyFailed
from imagents.config import environment_settings
from imagents.errors import InputError
from imagents.training.loop import Trainer

SPREAD = "pettingzoo:mpe2.simple_spread_v3(max_cycles=5)"


def at_once(*rows, **settings):
    return from_pettingzoo(functools.partial(zoos.AtOnce, rows, **settings), 1)


def in_turn(*script, **settings):
    return from_pettingzoo(functools.partial(zoos.InTurn, script, **settings), 1)


def told(environment, steps, action=0):
    """By time step: who is asked, the seats' rewards, step types and discounts, and the episode's."""
    shown = [environment.reset()]
    for _ in range(steps):
        taken = tf.constant([action])
        shown.append(environment.step(taken if environment.action_spec().__class__ is not tuple else
                                      (taken,) * environment.num_seats))  # fmt: skip
    return [
        (
            "".join(name for name, acts in zip(environment.agents, step.observation["acts"][0].numpy()) if acts),
            step.reward[0].numpy().tolist(),
            step.observation["step_types"][0].numpy().tolist(),
            step.observation["discounts"][0].numpy().tolist(),
            (int(step.step_type[0]), float(step.discount[0])),
        )
        for step in shown
    ]


def decisions(environment, rounds, **settings):
    """What each agent remembers after so many rounds: (what it saw first, reward, discount, what it saw then)."""
    agents = [
        imagents.IMAgent(environment, seat=seat, sample_batch_size=2, replay_length=50, **settings)
        for seat in range(environment.num_seats)
    ]
    Trainer(environment, agents, train_steps_per_round=0, execution="eager").run(rounds)
    found = []
    for agent in agents:
        every = agent.replay_buffer.gather_all()
        rows = every.view[:, 0], every.reward, every.discount, every.next_view[:, 0]
        found.append([*zip(*(x.numpy().tolist() for x in rows))])
    return found


# All at once

DIES = (  # a is there always, b dies in the second step, c comes in it, is cut off, and begins another life at once
    {"a": (1, 0), "b": (2, 0)},
    {"a": (3, 1), "b": (4, 2)},
    {"a": (5, 1), "b": (6, 4, "E"), "c": (7, 8)},
    {"a": (8, 1), "c": (9, 16)},
    {"a": (10, 1), "c": (11, 32, "L")},
    {"a": (12, 1), "c": (13, 0)},
    {"a": (14, 64, "E"), "c": (15, 128, "EL")},
)


def test_agents_that_die_come_late_and_begin_again_live_their_own_lives():
    """One's end is nobody else's, and the episode is over when nobody is there: any other step would be an error."""
    assert told(at_once(*DIES), 7) == [
        ("ab", [0, 0, 0], [F, F, F], [1, 1, 1], (F, 1)),
        ("ab", [1, 2, 0], [M, M, F], [1, 1, 1], (M, 1)),
        ("ac", [1, 4, 0], [M, L, F], [1, 0, 1], (M, 1)),
        ("ac", [1, 0, 24], [M, L, M], [1, 0, 1], (M, 1)),  # 8 of them were paid before c's first decision
        ("a", [1, 0, 32], [M, L, L], [1, 0, 1], (M, 1)),
        ("ac", [1, 0, 0], [M, L, F], [1, 0, 1], (M, 1)),
        ("", [64, 0, 128], [L, L, L], [0, 0, 0], (L, 0)),
        ("ab", [0, 0, 0], [F, F, F], [1, 1, 1], (F, 1)),
    ]


def test_each_decision_closes_once_with_all_that_it_was_paid():
    first, second, third = decisions(at_once(*DIES), 7)
    assert first == [(1, 1, 1, 3), (3, 1, 1, 5), (5, 1, 1, 8), (8, 1, 1, 10), (10, 1, 1, 12), (12, 64, 0, 14)]
    assert second == [(2, 2, 1, 4), (4, 4, 0, 6)]
    assert third == [(7, 24, 1, 9), (9, 32, 1, 11), (13, 128, 0, 15)]


def test_who_sees_nothing_is_not_asked_and_is_paid_all_the_same():
    rows = {"a": (1, 0), "b": (2, 0)}, {"a": (None, 1), "b": (3, 0)}, {"a": (4, 2), "b": (5, 0)}, {"a": (6, 4, "L")}
    environment = at_once(*rows, names="ab")
    assert [step[0] for step in told(environment, 3)] == ["ab", "b", "ab", ""]
    found = decisions(at_once(*rows, names="ab"), 3)
    assert found[0] == [(1, 3, 1, 4), (4, 4, 1, 6)] and found[1][:2] == [(2, 0, 1, 3), (3, 0, 1, 5)]


def test_who_is_gone_without_notice_has_ended():
    environment = at_once({"a": (1, 0), "b": (2, 0)}, {"a": (3, 1)}, {"a": (4, 1, "L")}, names="ab")
    assert [step[2:] for step in told(environment, 2)][1:] == [([M, L], [1, 0], (M, 1)), ([L, L], [1, 0], (L, 1))]


def test_everybody_does_what_it_chose_itself():
    """Actions of three agents with 2, 3 and 4 of them, by name."""
    made = []
    environment = from_pettingzoo(lambda: made.append(zoos.AtOnce(DIES[2:])) or made[-1], 1, agents=("c", "a", "b"))
    assert [spec.maximum for spec in environment.action_spec()] == [3, 1, 2]
    environment.reset()
    environment.step((tf.constant([3]), tf.constant([1]), tf.constant([2])))
    assert made[-1].done == [{"a": 1, "c": 3}]  # b is dead, and does nothing


def test_the_last_view_of_who_is_cut_off_is_asked_for():
    environment = at_once({"a": (1, 0)}, {"a": (None, 1, "L")}, names="a")
    environment.reset()
    with pytest.raises(InputError, match="^copy 0: a is cut off, and its last observation, which has a worth, is mis"):
        environment.step((tf.constant([0]),))


# In turn

RACE = ("a", {"a": 1, "b": 2}, ""), ("b", {"a": 4, "b": 8}, ""), ("a", {"a": 16, "b": 32}, "aB")


def test_what_is_paid_while_others_act_reaches_the_agent_that_it_belongs_to():
    environment = in_turn(*RACE)
    assert not isinstance(environment.action_spec(), tuple)
    assert told(environment, 3) == [
        ("a", [0, 0], [F, F], [1, 1], (F, 1)),
        ("b", [0, 0], [M, F], [1, 1], (M, 1)),
        ("a", [5, 2], [M, M], [1, 1], (M, 1)),  # b's 2 are from before it was first asked
        ("", [16, 40], [L, L], [0, 1], (L, 1)),
    ]
    assert decisions(in_turn(*RACE), 2) == [[(0, 5, 1, 2), (2, 16, 0, 3)], [(1, 42, 1, 3)]]


def test_agents_with_actions_of_their_own_take_turns_by_tuples():
    made = []
    environment = from_pettingzoo(lambda: made.append(zoos.InTurn(RACE, alike=False)) or made[-1], 1)
    assert [spec.maximum for spec in environment.action_spec()] == [1, 2]
    assert [step[0] for step in told(environment, 2, action=1)] == ["a", "b", "a"]
    environment.step((tf.constant([0]), tf.constant([2])))
    assert made[-1].done == [("a", 1), ("b", 1), ("a", 0)]


def test_in_turn_too_agents_vanish_come_late_and_begin_again():
    script = (
        ("a", {"b": 1}, "-b"),  # gone, and paid
        ("a", {"a": 2}, "+c"),
        ("c", {"c": 4}, "+b"),
        ("b", {"b": 8}, "c"),
        ("b", {"a": 16, "b": 32}, "ab"),
    )
    assert told(in_turn(*script, names="abc", late="c"), 5) == [
        ("a", [0, 0, 0], [F, F, F], [1, 1, 1], (F, 1)),
        ("a", [0, 1, 0], [M, L, F], [1, 0, 1], (M, 1)),
        ("c", [0, 0, 0], [M, L, F], [1, 0, 1], (M, 1)),
        ("b", [0, 0, 0], [M, F, M], [1, 1, 1], (M, 1)),
        ("b", [0, 8, 4], [M, M, L], [1, 1, 0], (M, 1)),
        ("", [18, 32, 0], [L, L, L], [0, 0, 0], (L, 0)),
    ]


# Masks

ONE = [[0, 1], [1, 0], [0, 1]]  # in each step one action alone is legal


@pytest.mark.parametrize("where", [("view",), ("info",), ("view", "info")])
def test_a_mask_is_read_wherever_it_is(where):
    """Ones are legal: who explores all the time does nothing else."""
    mask = dict.fromkeys(where, ONE)
    made = []
    environment = from_pettingzoo(lambda: made.append(zoos.InTurn(RACE, mask=mask)) or made[-1], 1)
    agents = [imagents.IMAgent(environment, seat=seat, epsilon=1.0, sample_batch_size=2) for seat in range(2)]
    Trainer(environment, agents, train_steps_per_round=0, execution="eager").run(2)
    assert made[-1].done == [("a", 1), ("b", 0), ("a", 1)]


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        ({"view": ONE, "info": [[0, 1], [1, 1], [0, 1]]}, "the action_mask of the observation and that of info disag"),
        ({"info": [[0, 1], None, [0, 1]]}, "info has no action_mask here, and had one where the first episode began"),
        ({"info": [None, [0, 1], None]}, "info has action_mask here, and had none where the first episode began"),
        ({"view": [[0, 1], [0, 0], [0, 1]]}, "b is asked to act, and by its action_mask nothing is legal"),
    ],
)
def test_masks_that_contradict_are_missing_or_leave_nothing_are_errors(mask, said):
    environment = in_turn(*RACE, mask=mask)
    environment.reset()
    with pytest.raises(InputError, match=f"^copy 0: {said}"):
        environment.step(tf.constant([1]))


# Whole environments


@pytest.fixture
def modules(recwarn):  # PettingZoo would like a registry to be used
    from mpe2 import simple_adversary_v3, simple_spread_v3
    from pettingzoo.classic import connect_four_v3, leduc_holdem_v4, rps_v2, tictactoe_v3

    return {
        "connect four": connect_four_v3.env,
        "tic-tac-toe": tictactoe_v3.env,
        "leduc": leduc_holdem_v4.env,
        "rps in turn": rps_v2.env,
        "rps": rps_v2.parallel_env,
        "spread": functools.partial(simple_spread_v3.parallel_env, max_cycles=5),
        "adversary in turn": functools.partial(simple_adversary_v3.env, max_cycles=5),
        "continuous": functools.partial(simple_spread_v3.parallel_env, max_cycles=5, continuous_actions=True),
    }


@pytest.mark.parametrize(
    "name",
    ["connect four", "spread", *(pytest.param(name, marks=pytest.mark.slow) for name in (
        "tic-tac-toe", "leduc", "rps in turn", "rps", "adversary in turn", "continuous"))],
)  # fmt: skip
def test_pettingzoos_own_keep_to_the_contract(name, modules):
    assert imagents.check_environment(lambda copies, seed: from_pettingzoo(modules[name], copies, seed=seed)) == []


def trace(environment, steps=12):
    shown = [environment.reset()]
    for step in range(steps):
        actions = tf.constant([(step + copy) % 2 for copy in range(environment.batch_size)])
        shown.append(environment.step((actions,) * 3))
    environment.close()
    return [np.asarray(x) for step in shown for x in tf.nest.flatten(step)]


def test_workers_and_seeds_change_nothing_else_and_everything(modules):
    def traced(seed, **settings):
        return trace(from_pettingzoo(modules["spread"], 3, seed=seed, **settings))

    here, there, other = traced(1), traced(1, workers=2), traced(2)
    assert all(map(np.array_equal, here, there)) and not all(map(np.array_equal, here, other))


def test_an_error_inside_names_the_copy():
    environment = at_once({"a": (1, 0)}, {"a": (2, 0)}, names="a")  # the script is too short
    environment.reset()
    environment.step((tf.constant([0]),))
    with pytest.raises(CopyFailed, match="^copy 0: IndexError: tuple index out of range"):
        environment.step((tf.constant([0]),))


class Nameless(zoos.AtOnce):
    """Nobody knows who may come."""

    def __init__(self):
        super().__init__(DIES)
        self._known = self.possible_agents
        del self.possible_agents

    def action_space(self, agent):
        return zoos.spaces.Discrete(2)


def test_agents_are_named_where_the_environment_does_not():
    assert from_pettingzoo(Nameless, 1, agents=("b", "c", "a")).agents == ("b", "c", "a")
    with pytest.raises(InputError, match="^at_once: it has no possible_agents: name in agents= all that may ever be"):
        from_pettingzoo(Nameless, 1)
    environment = from_pettingzoo(Nameless, 1, agents="ab")
    environment.reset()
    environment.step((tf.constant([0]),) * 2)
    with pytest.raises(InputError, match="^copy 0: 'c' is none of its agents a, b: name in agents= all that may ever"):
        environment.step((tf.constant([0]),) * 2)


# By name


@pytest.mark.parametrize(
    ("name", "agents"),
    [("pettingzoo:classic.tictactoe_v3", ("player_1", "player_2")), (SPREAD, ("agent_0", "agent_1", "agent_2"))],
)
def test_a_name_makes_it_with_its_arguments_and_pictures(name, agents, monkeypatch):
    monkeypatch.setattr(own, "_TRUSTED", {})
    if own.is_own(name):
        imagents.trust(name)
    face = environment_settings(name)
    environment = face.build(2, 0)
    assert environment.agents == agents and face.num_seats == len(agents) and not face.keeps_best
    frame = environment.frame()
    assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.std() > 0
    environment.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pettingzoo:classic.chess_v99", "^pettingzoo:classic.chess_v99: No module named 'pettingzoo.classic.chess_v9"),
        ("pettingzoo:classic.tictactoe_v3(size=4)", "unexpected keyword argument 'size'"),
        ("pettingzoo:mpe2.simple_spread_v3", "and nothing is imported because a file names it"),
        ("pettingzoo:test.example_envs", "pettingzoo.test.example_envs has neither parallel_env nor env"),
    ],
)
def test_what_a_name_does_not_find_is_one_sentence(name, said, monkeypatch):
    monkeypatch.setattr(own, "_TRUSTED", {})
    with pytest.raises(InputError, match=said):
        environment_settings(name).build(1, 0)


@pytest.mark.slow
def test_a_run_trains_resumes_is_evaluated_and_filmed(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own, "_TRUSTED", {})
    flags = small_flags(parallel_games=4, batch_size=4)
    assert cli.main(["train", "--environment", SPREAD, *flags, "--output-dir", "run"]) == 0
    assert json.loads(pathlib.Path("run/config.json").read_text())["environment"] == SPREAD
    own._TRUSTED.clear()
    assert cli.main(["evaluate", "run"]) == 2
    assert cli.main(["train", "--resume", "run", "--steps", "120", "--environment", SPREAD]) == 0
    assert pathlib.Path("run/notes.txt").read_text().count("new episodes have begun") == 1
    assert cli.main(["evaluate", "run", "--trust", "--games", "8"]) == 0
    assert "player_3  mean return -" in capsys.readouterr().out
    assert cli.main(["watch", "run", "--trust", "--record", "film.gif"]) == 0
    from PIL import Image

    with Image.open("film.gif") as film:
        assert film.n_frames == 5 + 1


def test_nothing_of_tensorflow_is_imported_by_what_steps_copies():
    modules = "imagents.bridges.pettingzoo.world, imagents.bridges.workers"
    code = f"import sys, {modules}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert importlib.import_module("imagents.bridges.pettingzoo").from_pettingzoo is from_pettingzoo
