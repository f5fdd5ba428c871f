"""Environments of Gymnasium live here: by a function, and by their names on the command line."""

import gc
import importlib
import json
import pathlib
import subprocess
import sys

import gymnasium
import gyms
import numpy as np
import pytest
import tensorflow as tf
from gymnasium import wrappers
from small import small_config, small_flags, untrained_run

import imagents
from imagents import cli, own
from imagents.bridges.gymnasium import from_gymnasium
from imagents.config import TrainConfig, environment_settings
from imagents.errors import InputError
from imagents.players.base import RandomPlayer
from imagents.training.loop import Trainer

FORAGING = "gymnasium:lbforaging:Foraging-8x8-2p-2f-coop-v3"


def trace(environment, steps=40):
    """What is shown in so many steps of fixed actions, and closes it."""
    shown = [environment.reset()]
    for step in range(steps):
        shown.append(environment.step(tf.constant([(step + copy) % 3 for copy in range(environment.batch_size)])))
    environment.close()
    return shown


def contract(make, **settings):
    """The faults of what is made of it."""
    return imagents.check_environment(lambda copies, seed: from_gymnasium(make, copies, seed=seed, **settings))


@pytest.mark.parametrize("env", [gyms.Count, gyms.Masked, gyms.MaskInView, gyms.Shared, gyms.Hybrid])
def test_it_keeps_to_the_contract(env):
    assert contract(env) == []


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", "Taxi-v4", "FrozenLake-v1", "Acrobot-v1"])
def test_gymnasiums_own_keep_to_the_contract(name):
    assert contract(lambda: gymnasium.make(name, disable_env_checker=True, max_episode_steps=30)) == []


def test_terminated_and_truncated_are_told_apart_with_their_own_last_view():
    shown, lengths = trace(from_gymnasium(gyms.Count, 4)), set()
    for before, after in zip(shown, shown[1:]):
        steps, over = after.observation[:, 1].numpy().astype(int), after.is_last().numpy()
        assert (steps[over] == before.observation[:, 1].numpy()[over] + 1).all()  # not the next episode's first
        assert (after.discount.numpy() == np.where(over, steps % 2, 1)).all()
        assert (steps[before.is_last().numpy()] == 0).all()
        lengths |= set(steps[over].tolist())
    assert lengths == {2, 3, 4, 5}


def test_of_nested_limits_the_tightest_is_a_cut_off():
    limited = trace(from_gymnasium(lambda: wrappers.TimeLimit(wrappers.TimeLimit(gyms.Count(least=6), 5), 3), 2))
    assert [step.observation[0, 1].numpy() for step in limited[:5]] == [0, 1, 2, 3, 0]
    assert bool(limited[3].is_last()[0]) and limited[3].discount.numpy().tolist() == [1, 1]


def test_an_end_at_a_step_that_is_named_is_a_cut_off():
    plain, cut = (trace(from_gymnasium(gyms.Count, 4, cut_off_at=steps)) for steps in (0, 4))
    for one, other in zip(plain, cut, strict=True):
        limit = one.is_last() & (one.observation[:, 1] == 4)
        np.testing.assert_array_equal(other.discount, tf.where(limit, 1.0, one.discount))
        np.testing.assert_array_equal(other.observation, one.observation)
    assert any((one.discount != other.discount).numpy().any() for one, other in zip(plain, cut))


def test_a_tuple_of_actions_is_as_many_seats():
    environment = from_gymnasium(gyms.Shared, 2)
    first, second = environment.time_step_spec().observation["views"]
    assert environment.num_seats == 2 and (first.shape, second.shape) == ([2], [10])
    environment.reset()
    after = environment.step((tf.constant([2, 0]), tf.constant([1, 0])))
    assert after.reward.numpy().tolist() == [[2, 1], [0, 0]]
    assert after.observation["views"][1].numpy().argmax(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("env", [gyms.Hybrid, lambda: gymnasium.make("Pendulum-v1")])
def test_random_players_act_in_parts_and_within_bounds(env):
    environment = from_gymnasium(env, 3)
    player = RandomPlayer(0, seed=1, action_spec=environment.action_spec())
    trainer = Trainer(environment, [player], execution="graph")
    trainer.run(20)
    assert int(trainer.steps) > 30
    drawn = tf.nest.flatten([player.act(environment.reset()) for _ in range(20)])
    parts = [part for part in drawn if part.dtype.is_floating]
    assert min(map(tf.reduce_min, parts)) < 0 < max(map(tf.reduce_max, parts))


def test_masks_keep_learners_within_what_is_legal():
    """The environment raises an error for what is not."""
    environment = from_gymnasium(gyms.Masked, 4)
    trainer = Trainer(environment, [imagents.IMAgent(environment, epsilon=1.0, sample_batch_size=4)], execution="eager")
    trainer.run(30)
    legal = trainer.agents[0].replay_buffer.gather_all().legal_moves.numpy()
    assert legal[:, :2].all() and 0 < legal[:, 2].mean() < 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (gyms.OldOne, "^OldOne: a OldOne was made: a gymnasium.Env is needed$"),
        (gyms.Disagreeing, "^copy 0: the action_mask of the observation and that of info disagree$"),
    ],
)
def test_what_does_not_fit_is_one_sentence(make, said):
    with pytest.raises(InputError, match=said):
        trace(from_gymnasium(make, 1))


def test_seats_that_end_apart_are_refused():
    environment, zero = from_gymnasium(gyms.Apart, 1), tf.constant([0])
    environment.reset()
    with pytest.raises(InputError, match=r"^copy 0: some end before others, \[True, False\]: such environments are"):
        environment.step((zero, zero))


@pytest.mark.slow
def test_an_image_is_learned_to_the_optimum():
    """Which way a bar lies, wherever it is: a task of one step, whose best return is 1."""
    environment = from_gymnasium(gyms.Bars, 32, seed=1)
    assert environment.time_step_spec().observation.dtype == tf.uint8
    agent = imagents.IMAgent(environment, algorithm=imagents.dqn(hidden_layers=(32,), seed=1), sample_batch_size=128,
                             epsilon=0.3, replay_length=200, seed=1)  # fmt: skip
    assert agent.replay_buffer.data_spec.view.dtype == tf.uint8
    trainer = Trainer(environment, [agent], train_steps_per_round=2, execution="graph")
    trainer.run(400)
    fresh = from_gymnasium(gyms.Bars, 500, seed=2)
    action = agent.act(fresh.reset())
    assert float(tf.reduce_mean(fresh.step(action).reward)) == 1.0


# By name


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Runs `imagents` with these words in an empty folder; returns its status, and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own, "_TRUSTED", {})

    def run(*words) -> tuple[int, str]:
        status = cli.main(list(map(str, words)))
        said = capsys.readouterr()
        gc.collect()
        return status, said.out + said.err

    return run


def test_a_name_with_arguments_makes_it():
    environment = environment_settings("gymnasium:CartPole-v1(max_episode_steps=3)").build(2, 0)
    shown = [environment.reset(), *(environment.step(tf.constant([0, 1])) for _ in range(3))]
    assert shown[-1].is_last().numpy().all() and shown[-1].discount.numpy().tolist() == [1, 1]
    assert environment_settings("gymnasium:Count-v0").build(1, 0).frame().shape == (4, 6, 3)


def test_a_run_in_it_is_filmed(tmp_path):
    run = untrained_run(tmp_path / "run", "gymnasium:Count-v0")
    animation = imagents.film(run.path)
    assert len(animation.frames) > 2 and len({frame.size for frame in animation.frames}) == 1


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("gymnasium:CartPole-v99", {}, "^gymnasium:CartPole-v99: Environment version `v99` for environment `CartPole`"),
        ("gymnasium:Nothing-v0", {}, "^gymnasium:Nothing-v0: Environment `Nothing` doesn't exist"),
        ("gymnasium:CartPole-v1(gravity=0)", {}, "unexpected keyword argument 'gravity'"),
        ("gymnasium:CartPole-v1", {"wrappers": "gymnasium.wrappers:Nope"}, "^wrappers = 'gymnasium.wrappers:Nope': "),
        ("gymnasium:CartPole-v1", {"wrappers": "Nope"}, "^wrappers = 'Nope': MODULE:NAME,MODULE:NAME is needed$"),
        ("gymnasium:CartPole-v1", {"wrappers": "a:b"}, "^wrappers = 'a:b' is a function of somebody's own"),
        ("gymnasium:CartPole-v1", {"cut_off_at": -1}, "^cut_off_at = -1: a number of steps is needed, 0 for none$"),
        ("gymnasium:gone:Gone-v0", {}, "imports gone, a module of somebody's own, and nothing is imported"),
    ],
)
def test_what_a_name_does_not_find_is_one_sentence(name, settings, said, monkeypatch):
    monkeypatch.setattr(own, "_TRUSTED", {})
    with pytest.raises(InputError, match=said):
        TrainConfig(name, **settings).environment.build(1, 0)


def test_wrappers_go_around_it_from_the_inside_out(monkeypatch):
    monkeypatch.setattr(own, "_TRUSTED", {})
    names = f"{imagents.trust('gyms:Doubled')},gymnasium.wrappers:FlattenObservation"
    plain, wrapped = (TrainConfig("gymnasium:Count-v0", wrappers=w).environment.build(2, 0) for w in ("", names))
    np.testing.assert_array_equal(wrapped.reset().observation, 2 * plain.reset().observation)


@pytest.mark.slow
def test_a_run_trains_resumes_is_evaluated_exported_and_imports_nothing_by_itself(command, monkeypatch):
    name = "gymnasium:gyms:Count-v0"
    flags = small_flags(parallel_games=4, batch_size=4, workers=2)
    words = ["train", "--environment", name, "--wrappers", "gyms:Doubled", "--cut-off-at", 4, *flags]
    status, said = command(*words, "--output-dir", "run")
    assert (status, "done: run" in said) == (0, True)
    config = json.loads(pathlib.Path("run/config.json").read_text())
    assert (config["environment"], config["wrappers"], config["workers"]) == (name, "gyms:Doubled", 2)
    own._TRUSTED.clear()
    for words in (["train", "--resume", "run", "--steps", 120], ["evaluate", "run"], ["export", "run"]):
        status, said = command(*words)
        assert status == 2 and "imports gyms, a module of somebody's own" in said
    assert command("train", "--resume", "run", "--steps", 120, "--trust")[0] == 0
    assert pathlib.Path("run/notes.txt").read_text().count("new episodes have begun") == 1
    own._TRUSTED.clear()
    status, said = command("evaluate", "run", "--environment", name)
    assert status == 2 and "wrappers = 'gyms:Doubled'" in said
    assert "mean return" in command("evaluate", "run", "--trust", "--games", 8)[1]
    assert command("export", "run", "--trust")[0] == 0


@pytest.mark.slow
def test_a_run_of_gymnasiums_own_may_be_named_again(command):
    assert command("train", "--environment", "gymnasium:CartPole-v1", *small_flags(), "--output-dir", "run")[0] == 0
    again = "--environment", "gymnasium:CartPole-v1"
    assert command("train", "--resume", "run", *again, "--steps", 120)[0] == 0
    assert "mean return" in command("evaluate", "run", *again, "--games", 8)[1]
    status, said = command("evaluate", "run", "--environment", "gymnasium:CartPole-v0")
    assert status == 2 and "this run has 'gymnasium:CartPole-v1', and a run keeps it" in said


@pytest.mark.slow
def test_two_resumes_of_a_run_are_equal(tmp_path):
    config = small_config("gymnasium:CartPole-v1", parallel_games=4, batch_size=4, steps=200, execution="graph")
    tables = []
    for folder in ("one", "two"):
        run = imagents.train(config, tmp_path / folder, quiet=True)
        tables.append(imagents.train(resume=run.path, steps=400, quiet=True).metrics())
    assert tables[0].drop(columns=["seconds", "steps_per_second"]).equals(
        tables[1].drop(columns=["seconds", "steps_per_second"])
    )


# Other packages


def test_foraging_is_shared_by_two_whose_limit_is_reported_as_an_end(monkeypatch):
    pytest.importorskip("lbforaging", reason="needs the extra oracles")
    monkeypatch.setattr(own, "_TRUSTED", {})
    face = environment_settings(imagents.trust(FORAGING))
    assert face.num_seats == 2 and not face.keeps_best
    assert imagents.check_environment(face.build) == [
        "the limit of 50 steps is reported as an end, with discount 0: a cut-off keeps discount 1"
    ]
    cut = TrainConfig(FORAGING, cut_off_at=50).environment
    assert imagents.check_environment(cut.build) == []


def test_a_mission_in_words_is_left_out(monkeypatch):
    pytest.importorskip("minigrid", reason="needs the extra oracles")
    monkeypatch.setattr(own, "_TRUSTED", {})
    face = environment_settings(imagents.trust("gymnasium:minigrid:MiniGrid-Empty-5x5-v0"))
    with pytest.warns(UserWarning, match="'mission' of its observations is text, which is left out"):
        environment = face.build(2, 0)
    [view] = environment.time_step_spec().observation["views"]
    assert sorted(view) == ["direction", "image"] and view["image"].dtype == tf.uint8
    agent = imagents.IMAgent(environment, sample_batch_size=4)
    assert agent.act(environment.reset()).shape == [2]


def test_nothing_of_tensorflow_is_imported_by_what_steps_copies():
    modules = "imagents.bridges.gymnasium.world, imagents.bridges.workers"
    code = f"import sys, {modules}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert importlib.import_module("imagents.bridges.gymnasium").from_gymnasium is from_gymnasium
