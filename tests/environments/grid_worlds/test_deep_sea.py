"""The deep sea is bsuite's, and says in which episode of a training it was solved."""

import json
import pathlib

import numpy as np
import played
import pytest
import tensorflow as tf
from worlds import F, L, M

import imagents
from imagents.config import TrainConfig
from imagents.environments.grid_worlds.deep_sea import DeepSeaEnvironment, Strength, right_actions
from imagents.evaluation.report import evaluate_run
from imagents.training.experiment import train

DATA = pathlib.Path(__file__).parents[2] / "data"


# Beside bsuite


def compare(size: int, dives: dict) -> int:
    """Plays them all side by side, and compares every step. Returns how many there were."""
    ours, copies = DeepSeaEnvironment(len(dives["actions"]), size), np.arange(len(dives["actions"]))
    time_step = ours.reset()
    for i in range(size + 1):
        seen = time_step.observation.numpy().reshape(len(copies), -1)
        expected = np.zeros_like(seen)
        cell = dives["cells"][:, i]
        expected[copies[cell >= 0], cell[cell >= 0]] = True
        np.testing.assert_array_equal(seen, expected)
        np.testing.assert_array_equal(time_step.step_type, F if i == 0 else L if i == size else M)
        np.testing.assert_array_equal(time_step.discount, float(i < size))
        if i:
            np.testing.assert_allclose(time_step.reward, dives["rewards"][:, i - 1], rtol=0, atol=1e-6)
        if i < size:
            time_step = ours.step(dives["actions"][:, i].astype(np.int32))
    state = ours.get_state()
    assert int(state.episodes) == len(copies) and int(state.bad_episodes) == dives["bad"][-1]
    good = dives["bad"] / (1 + copies) < 0.9
    assert ours.solved_episode() == (1 + int(good.argmax()) if good.any() else None)
    assert len(copies) / 4 < dives["bad"][-1] < len(copies)
    return dives["actions"].size


def test_2000_steps_are_bsuites():
    with np.load(DATA / "deep_sea.npz") as file:
        recorded = {size: {key: file[f"{size}/{key}"] for key in ("actions", "rewards", "cells", "bad")}
                    for size in (10, 20)}  # fmt: skip
    assert sum(compare(size, dives) for size, dives in recorded.items()) >= 2_000


@pytest.mark.slow
def test_100_000_steps_are_bsuites():
    pytest.importorskip("bsuite")
    assert sum(compare(size, played.dives(size, 200, seed=size)) for size in range(10, 51, 2)) >= 100_000


# Rules


def dive(environment: DeepSeaEnvironment, *goes_right) -> list[float]:
    """An episode, each copy's or all copies' steps to the right or to the left. Returns what each copy is paid."""
    right, copies = right_actions(len(goes_right)).reshape(-1), environment.batch_size
    if environment.current_time_step().is_last()[0]:
        environment.step(np.zeros(copies, np.int32))
    paid = np.zeros(copies)
    for wanted in goes_right:
        cells = environment.current_time_step().observation.numpy().reshape(copies, -1).argmax(axis=1)
        action = np.where(wanted, right[cells], 1 - right[cells])
        paid += environment.step(action.astype(np.int32)).reward.numpy()
    assert environment.current_time_step().is_last().numpy().all()
    return paid.round(6).tolist()


@pytest.mark.parametrize(
    "goes_right, paid",
    [((1, 1, 1, 1), 0.99), ((0, 0, 0, 0), 0), ((0, 1, 1, 1), -0.0075), ((1, 1, 1, 0), -0.0075)],
    ids=["to the treasure", "to the left", "too late", "past it"],
)
def test_only_going_right_in_every_row_finds_the_treasure(goes_right, paid):
    assert dive(DeepSeaEnvironment(size=4), *goes_right) == [paid]


def test_actions_differ_from_cell_to_cell_as_in_bsuite():
    np.testing.assert_array_equal(right_actions(20), np.random.RandomState(42).binomial(1, 0.5, [20, 20]))
    assert right_actions(20).mean() == pytest.approx(0.5, abs=0.1)


def test_it_draws_itself():
    environment = DeepSeaEnvironment(size=3)
    environment.step(right_actions(3)[:1, 0])
    assert environment.text() == ". . .\n. o .\n. . ."


# When it is solved


def test_it_is_solved_when_less_than_9_of_10_episodes_so_far_were_bad():
    environment = DeepSeaEnvironment(size=3)
    for bad, good, solved in [(9, 1, None), (0, 1, 11), (20, 5, 11)]:  # 9 of 10 are not less
        for goes_right in [(1, 0, 1)] * bad + [(1, 1, 1)] * good:
            dive(environment, *goes_right)
        assert environment.solved_episode() == solved


@pytest.mark.parametrize("goes_right, solved", [([0, 1, 1, 1], 11), ([1, 1, 1, 0], 9), ([0, 0, 0, 1], None)])
def test_copies_count_in_their_order_and_a_reset_forgets_nothing(goes_right, solved):
    environment = DeepSeaEnvironment(4, size=2)
    eight = tf.constant(8, tf.int64)
    environment.set_state(environment.get_state()._replace(episodes=eight, bad_episodes=eight))
    environment.reset()
    dive(environment, [1, 1, 1, 1], goes_right)
    environment.reset()
    assert environment.solved_episode() == solved
    assert int(environment.get_state().episodes) == 12


def test_a_state_set_again_counts_on():
    environment = DeepSeaEnvironment(size=2)
    for _ in range(9):
        dive(environment, 0, 0)
    state = environment.get_state()
    again = DeepSeaEnvironment(size=2)
    again.set_state(state)
    for each in (environment, again):
        dive(each, 1, 1)
        dive(each, 1, 1)
        assert each.solved_episode() == 11


RANDOM = dict(parallel_games=32, rounds_per_chunk=31, hidden_layers=(8,), batch_size=8, train_steps_per_round=0,
              epsilon_min=1.0, epsilon_max=1.0, snapshots=0, execution="graph")  # fmt: skip


def evaluated(run) -> dict:
    return json.loads((run.path / "evaluation.json").read_text())["agents"]["player_1"]


def test_a_training_says_when_it_was_solved_and_a_resumed_one_remembers(tmp_path, capsys):
    run = train(TrainConfig("deep_sea", size=2, steps=64, **RANDOM), tmp_path / "run")
    solved = evaluated(run)["solved_episode"]
    assert 1 <= solved <= 32 and f"solved at episode {solved}\n" in capsys.readouterr().out
    assert evaluated(train(resume=run.path, steps=1_000, quiet=True))["solved_episode"] == solved
    assert "solved_episode" not in evaluate_run(run.path, 4)["agents"]["player_1"]  # which plays other episodes


@pytest.mark.parametrize("solved, line", [(7, "solved at episode 7"), (None, "not solved: ")])
def test_a_report_says_it_below_the_return(solved, line):
    report = {"player_1": {"mean_return": 0.0, "lives": 100, "solved_episode": solved}}
    first, second = Strength.text(report).splitlines()
    assert first.startswith("player_1  mean return 0 over 100 lives") and second.startswith(line)


# Seeds, states, contract


def test_it_plays_the_same_eagerly_in_a_graph_and_compiled():
    actions, runs = np.random.default_rng(0).integers(0, 2, [40, 16], np.int32), []
    for compiled in (None, False, True):
        environment = DeepSeaEnvironment(16, size=4)
        step = environment.step if compiled is None else tf.function(environment.step, jit_compile=compiled)
        steps = [tf.nest.map_structure(np.array, step(tf.constant(row))) for row in actions]
        runs.append([*steps, tf.nest.map_structure(np.array, environment.get_state())])
    assert runs[0][-1].solved > 0
    for run in runs[1:]:
        tf.nest.map_structure(np.testing.assert_array_equal, runs[0], run)


def test_it_keeps_to_the_contract():
    assert imagents.check_environment(TrainConfig("deep_sea", size=6).environment.build) == []


@pytest.mark.parametrize(
    "do, sentence",
    [
        (lambda: TrainConfig("deep_sea", size=1), "size = 1: at least 2 is needed"),
        (lambda: DeepSeaEnvironment(0), "batch_size = 0: an environment needs at least 1 copy"),
        (lambda: DeepSeaEnvironment(3).step([0, 1]),
         r"actions have shape \(2,\): one for each of the 3 copies is needed, shape \(3,\)"),
        (lambda: DeepSeaEnvironment(2**45), r"35184372088832 seas of size = 20 would need [\d,.]+ GB of memory, and "),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(do, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        do()


# Learning


@pytest.mark.slow
def test_the_default_training_solves_a_small_one(tmp_path):
    run = train(TrainConfig("deep_sea", size=6, steps=48_000, seed=1), tmp_path / "run", quiet=True)
    found = evaluated(run)
    assert found["mean_return"] == pytest.approx(0.99) and found["solved_episode"] < 8_000
