"""Scenes of Unity's live here: by a function, and by the path of a build on the command line."""

import json
import pathlib
import threading

import builds
import numpy as np
import pytest
import tensorflow as tf
from builds import BASIC, Basic, Crowd, Scripted, build, info
from small import small_config

import imagents
from imagents import cli, own
from imagents.bridges.unity import from_unity, incoming, link
from imagents.config import TrainConfig, environment_settings
from imagents.errors import InputError
from imagents.training import loop


class Hybrid(Scripted):
    """One agent with a continuous action and a discrete one."""

    def __init__(self):
        super().__init__({BASIC: [info(1)]}, behaviours={BASIC: (2, [2])})


@pytest.fixture
def played(opened, monkeypatch):
    """A function of a scene and its settings: makes it an environment, of which a thread plays each copy."""
    monkeypatch.setattr(incoming, "_known", {})

    def play(scene, **settings):
        opened(scene, **settings)
        return lambda copies, seed=0: from_unity("scene", copies, seed=seed, **settings)

    return play


@pytest.mark.parametrize(
    ("scene", "settings"),
    [
        (Basic, {"episode_steps": 60}),
        (Crowd, {"episode_steps": 20}),
        (Crowd, {"episode_steps": 0, "behaviours": {"Left": 3, "Right": 1}}),
        (Hybrid, {"episode_steps": 3}),
    ],
)
def test_it_keeps_to_the_contract(played, scene, settings):
    assert imagents.check_environment(played(scene, **settings), 200) == []


def test_a_scene_of_several_is_that_many_seats(played):
    environment = played(Crowd)(2)
    spec = environment.time_step_spec().observation
    assert environment.num_seats == 3 and {*spec} == {"views", "legal_moves", "acts", "step_types", "discounts"}
    assert [mask.shape[0] for mask in spec["legal_moves"]] == [6, 6, 2]
    first, again = environment.reset(), played(Crowd)(2).reset()
    views = np.stack([first.observation["views"][0], again.observation["views"][0]])
    assert (views[0] == views[1]).all() and (views[0, 0] != views[0, 1]).any()  # a seed for each copy


def test_learners_keep_within_what_is_legal(played, eagerly):
    """The scene ends with an error where one does not."""
    environment = played(Crowd)(2)
    agents = [imagents.IMAgent(environment, seat=seat, epsilon=1.0, sample_batch_size=4) for seat in range(3)]
    loop.Trainer(environment, agents, execution="eager").run(20)
    decisions = agents[0].replay_buffer.gather_all()
    legal = tf.gather(decisions.legal_moves, decisions.action, axis=1, batch_dims=1)
    assert len(legal) > 10 and tf.reduce_all(legal) and not tf.reduce_all(decisions.legal_moves)


def test_what_goes_wrong_inside_names_the_copy(tmp_path):
    environment = from_unity(build(tmp_path, "Dying"), 2, seed=1)
    environment.reset()
    with pytest.raises(InputError, match="^copy 0: .*game.x86_64 ended with status 3; it said last: out of marbles$"):
        for _ in range(4):
            environment.step(tf.constant([2, 0]))
    environment.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"path": "none"}, "^unity:none: there is no such file"),
        ({"path": "editor", "batch_size": 2}, "^batch_size = 2: the editor has one copy of a scene$"),
        ({"path": "none", "speed": 2}, "^unity:none: .*unexpected keyword argument 'speed'"),
        ({"path": "none", "behaviours": {"Car": 0}}, "^behaviours: Car has 0 seats, and at least 1 is needed$"),
        ({"path": "none", "engine": {"speed": 2}}, "^engine: 'speed' is none of "),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(arguments, said):
    with pytest.raises(InputError, match=said):
        from_unity(**arguments)


def test_the_editor_is_opened_once_and_agents_are_measured_where_they_train(monkeypatch, capsys, eagerly):
    monkeypatch.setattr(incoming, "_known", {})
    server, port = link._serve(None, None, thread := link._OneThread(), 0)
    server.stop(None).wait()
    thread.shutdown()
    monkeypatch.setattr(link, "EDITOR_PORT", port)
    editor = threading.Thread(target=builds.play, args=[scene := Basic(), port], daemon=True)
    editor.start()
    config = small_config("unity:editor", episode_steps=10, parallel_games=1, batch_size=4)
    trainer = loop.build(config)
    trainer.run(4)
    strength = config.environment.strength(trainer, episodes=2)
    assert strength.report()["player_1"]["lives"] == 2 and int(trainer.rounds) == 4
    trainer.run(4)
    strength.close()
    assert editor.is_alive() and not config.environment.keeps_best
    trainer.environment.close()
    editor.join(5.0)
    assert not editor.is_alive() and capsys.readouterr().err.count("press Play") == 1
    assert scene.told


# By name


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Runs `imagents` with these words in a folder with a build of Basic; returns its status, and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own, "_TRUSTED", {})
    build(tmp_path)

    def run(*words) -> tuple[int, str]:
        status = cli.main(list(map(str, words)))
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def test_a_name_has_a_path_and_parameters():
    folder = environment_settings("unity:./My Game (1)/game.x86_64")
    assert folder.parts == ("./My Game (1)/game.x86_64", {})
    assert environment_settings("unity:game(gravity=9.5, wind=-1)").parts == ("game", {"gravity": 9.5, "wind": -1})
    assert TrainConfig("unity:game", behaviours="A?team=0=2,B=1").environment._seats == {"A?team=0": 2, "B": 1}


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("unity:", {}, "a name is needed behind the colon"),
        ("unity:game(gravity='low')", {}, "gravity is no number, and the parameters of a scene are numbers$"),
        ("unity:game", {"behaviours": "Car"}, "^behaviours = 'Car': NAME=NUMBER,NAME=NUMBER is needed$"),
        ("unity:game", {"episode_steps": -1}, "^episode_steps = -1: a number of steps is needed, 0 for none$"),
        ("unity:game", {"timeout": 0.0}, "^timeout = 0.0: more than 0 is needed$"),
        ("unity:game", {"time_scale": 0.0}, "^time_scale = 0.0: more than 0 is needed$"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(name, settings, said):
    with pytest.raises(InputError, match=said):
        TrainConfig(name, **settings)


def test_no_program_is_started_because_a_file_names_it(monkeypatch):
    monkeypatch.setattr(own, "_TRUSTED", {})
    face = environment_settings("unity:./game.x86_64")
    with pytest.raises(InputError, match="starts a program of somebody's own, and nothing is started because a file"):
        face.build(1, 0)
    assert imagents.trust("unity:./game.x86_64") == "unity:./game.x86_64"
    with pytest.raises(InputError, match="there is no such file"):
        face.build(1, 0)


@pytest.mark.slow
def test_basic_is_trained_to_its_optimum_by_one_command_and_evaluated_and_resumed(command):
    status, said = command("train", "--environment", "unity:./game.x86_64", "--steps", 5000, "--output-dir", "run")
    assert (status, "mean return 0.93" in said) == (0, True)
    assert json.loads(pathlib.Path("run/evaluation.json").read_text())["agents"]["player_1"]["mean_return"] > 0.9299
    own._TRUSTED.clear()
    status, said = command("evaluate", "run")
    assert status == 2 and "starts a program of somebody's own" in said
    assert "mean return 0.93" in command("evaluate", "run", "--games", 8, "--environment", "unity:./game.x86_64")[1]
    assert command("train", "--resume", "run", "--steps", 6000, "--trust")[0] == 0
    assert pathlib.Path("run/notes.txt").read_text().count("new episodes have begun") == 1


@pytest.mark.slow
def test_the_same_episodes_come_for_any_number_of_workers_and_from_two_resumes(tmp_path):
    path, traces = build(tmp_path, "Crowd"), []
    for workers in (0, 2):
        environment = from_unity(path, 3, seed=4, workers=workers, episode_steps=20)
        shown = [environment.reset()]
        for step in range(50):
            action = [tf.constant([0, 1, 0]) if seat == 2 else tf.constant([1, 0, 1]) * (step % 2) for seat in range(3)]
            shown.append(environment.step(tuple(action)))
        environment.close()
        traces.append([np.asarray(x) for time_step in shown for x in tf.nest.flatten(time_step)])
    for x, y in zip(*traces, strict=True):
        np.testing.assert_array_equal(x, y)
    config = small_config(imagents.trust(f"unity:{path}"), parallel_games=2, batch_size=4, steps=60, episode_steps=5,
                          evaluate_every=1000)  # fmt: skip
    tables = []
    for folder in ("one", "two"):
        run = imagents.train(config, tmp_path / folder, quiet=True)
        tables.append(imagents.train(resume=run.path, steps=120, quiet=True).metrics())
    plain = [table.drop(columns=["seconds", "steps_per_second"]) for table in tables]
    assert plain[0].equals(plain[1])


def test_nothing_of_tensorflow_is_imported_by_what_steps_copies():
    import subprocess
    import sys

    modules = "imagents.bridges.unity.world, imagents.bridges.workers"
    subprocess.run([sys.executable, "-c", f"import sys, {modules}; assert 'tensorflow' not in sys.modules"], check=True)


