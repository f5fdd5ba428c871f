"""Environments and agents of a researcher's own get a run folder and all that comes with it, by MODULE:FUNCTION."""

import gc
import importlib
import json
import pathlib
import shutil
import signal
import sys

import numpy as np
import pandas as pd
import pytest
import strangers
from small import SMALL, small_config, small_flags, stop_after, timeless, untrained_run

import imagents
from imagents import cli, own, plotting
from imagents.app.local import LocalCast
from imagents.app.space import prepare_space
from imagents.app.trainings import Trainings
from imagents.cloud.sagemaker.description import training_job
from imagents.config import load_config
from imagents.errors import InputError
from imagents.runs.run import Run
from imagents.seats import is_asked
from imagents.training.experiment import Experiment
from imagents.training.loop import Trainer

# TF-Agents has no way to close the threads of a PyEnvironment but to be told so.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TINY = dict(parallel_games=4, batch_size=4, rounds_per_chunk=5, evaluate_every=3, steps=60, execution="eager")
GRAPH = TINY | dict(execution="graph")
ONE = TINY | dict(parallel_games=1, steps=40)  # of what TF-Agents makes a single copy only


@pytest.fixture(scope="module", autouse=True)
def collected():
    yield
    gc.collect()  # here, where its warnings are expected


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module of the user's own in the present folder; on import it leaves a file `imported` there."""
    name = f"mine_{tmp_path.name}".replace("-", "_")
    text = pathlib.Path(__file__).with_name("strangers.py").read_text()
    (tmp_path / f"{name}.py").write_text(f"{text}\nopen('imported', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command puts the present folder there
    monkeypatch.setattr(own, "_TRUSTED", {})
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
def command(capsys):
    """Runs `imagents` with these words; returns its status, and what it said."""

    def run(*words) -> tuple[int, str]:
        status = cli.main(list(map(str, words)))
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def train(*words, **settings) -> list:
    return ["train", *words, *small_flags(**TINY | settings)]


def evaluation(run: str) -> dict:
    return json.loads((pathlib.Path(run) / "evaluation.json").read_text())


# One agent in TF-Agents' own kinds of environments


@pytest.mark.parametrize("function, settings", [
    ("batched", TINY), ("native", GRAPH), pytest.param("single", ONE, marks=pytest.mark.slow),
    pytest.param("kept", TINY, marks=pytest.mark.slow),
])  # fmt: skip
def test_any_environment_of_one_agent_trains_resumes_is_evaluated_and_exported(module, command, function, settings):
    name = f"{module}:{function}"
    assert command(*train("--environment", name, "--output-dir", "run", **settings))[0] == 0
    assert load_config("run").environment.name == name
    before = len(Run("run").metrics())
    status, said = command("train", "--resume", "run", "--environment", name, "--steps", 2 * settings["steps"])
    assert status == 0 and "done: run" in said
    assert len(Run("run").metrics()) > before
    assert {path.name for path in pathlib.Path("run/plots").iterdir()} >= {"returns.png", "losses.png", "strength.png"}
    assert command("evaluate", "run", "--games", 8)[0] == 0
    assert command("export", "run")[0] == 0
    [agent] = imagents.load_agents("run/export/player_1/1")
    trainer = imagents.load_run("run")
    best = imagents.load_agents("run")[0]
    time_step = trainer.environment.reset()
    np.testing.assert_array_equal(agent.policy.action(time_step).action, best.act(time_step))


@pytest.mark.parametrize("function", ["kept", pytest.param("native", marks=pytest.mark.slow)])
def test_a_stopped_run_is_that_of_no_stop_where_the_environment_keeps_its_state(module, function, capsys):
    config = imagents.TrainConfig(imagents.trust(f"{module}:{function}"), **SMALL | TINY | dict(steps=120))
    whole = imagents.train(config, "whole", quiet=True)
    experiment = Experiment(config, "parted")
    stop_after(experiment, 2)
    stopped = experiment.run(quiet=True)
    assert stopped.metrics()["round"].tolist() == [0, 5, 10]
    resumed = imagents.train(resume="parted", quiet=True)
    noted = "from round 10 on new episodes have begun: the environment keeps no state" in capsys.readouterr().err
    assert noted == (pathlib.Path("parted/notes.txt").exists()) == (function == "native")
    if function == "kept":
        pd.testing.assert_frame_equal(timeless(whole), timeless(resumed))
        assert evaluation("whole")["agents"] == evaluation("parted")["agents"]


@pytest.mark.slow
def test_a_stopped_run_says_how_to_go_on(module, command, monkeypatch):
    def stopped(trainer, num_rounds, run_chunk=Trainer.run):
        signal.raise_signal(signal.SIGINT)
        return run_chunk(trainer, num_rounds)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", stopped)
        status, said = command(*train("--environment", f"{module}:kept", "--output-dir", "run"))
    told = "stopped, nothing lost; to go on: imagents "
    assert status == 128 + signal.SIGINT and told in said
    words = said.rpartition(told)[-1].split()
    assert command(*words)[0] == 0 and evaluation("run")["round"] > 5


@pytest.mark.slow
def test_the_best_checkpoint_is_what_is_exported_and_evaluated(module, command):
    words = train("--environment", f"{module}:kept", "--output-dir", "run", steps=200, evaluate_every=1)
    assert command(*words)[0] == 0
    run, metrics = Run("run"), Run("run").metrics()
    kept = run.check(run.best_checkpoint())
    measured = metrics["player_1_mean_return"]
    assert kept["measure"] == measured.max()  # the first that was as good as any
    assert kept["rounds"] == metrics["round"][measured.idxmax()] < metrics["round"].iloc[-1]
    report = evaluation("run")
    assert report["checkpoint"] == "best" and report["last"]["checkpoint"] == metrics["round"].iloc[-1]
    assert report["agents"].keys() == report["last"]["agents"].keys() == {"player_1"}
    for words, rounds in (([], kept["rounds"]), (["--last"], metrics["round"].iloc[-1])):
        assert command("export", "run", *words)[0] == 0
        known = json.loads(pathlib.Path("run/export/player_1/1/imagents.json").read_text())
        assert known["rounds"] == rounds
    weights = [imagents.load_agents(path)[0].policy.variables()
               for path in ("run", "run/checkpoints/best", run.newest_checkpoint())]  # fmt: skip
    same = [all(np.array_equal(x, y) for x, y in zip(weights[0], other, strict=True)) for other in weights[1:]]
    assert same == [True, False]


# Three agents of one's own


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A run of three agents, each with a reward, a view or a name of its own; to be copied before it is changed."""
    folder = tmp_path_factory.mktemp("three")
    text = pathlib.Path(__file__).with_name("strangers.py").read_text()
    (folder / "crowd.py").write_text(f"{text}\nopen('imported', 'w').close()\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", [*sys.path])
        words = ["--environment", "crowd:three", "--agents", "crowd:three_agents", "--output-dir", "run"]
        assert cli.main(train(*words, steps=120)) == 0
    own._TRUSTED.clear()
    del sys.modules["crowd"]
    return folder


@pytest.fixture
def crowd(three, tmp_path, monkeypatch):
    """A copy of that run, `run`, in the present folder, which has its module, too; nobody has imported it."""
    shutil.copytree(three / "run", tmp_path / "run")
    shutil.copy(three / "crowd.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(own, "_TRUSTED", {})
    yield Run("run")
    sys.modules.pop("crowd", None)


NAMES = ["player_1", "hedonist", "player_3"]


def test_agents_of_ones_own_have_a_run_folder_with_metrics_plots_and_checkpoints(crowd):
    metrics = crowd.metrics()[1:-1]  # the first is of untrained agents, and the last is short
    for name, given, paid in zip(NAMES, [4, 4.5, 5], [4, 1.5, 5], strict=True):  # the latter by its own reward
        assert (metrics[f"{name}_return"] == given).all() and (metrics[f"{name}_own_return"] == paid).all()
        assert np.isfinite(metrics[f"{name}_loss"]).all()
    assert evaluation("run")["agents"] == {  # what the environment pays
        "player_1": {"mean_return": 4, "lives": 100},
        "hedonist": {"mean_return": 4.5, "lives": 200},
        "player_3": {"mean_return": 5, "lives": 100},
    }
    settings = json.loads((crowd.path / "config.json").read_text())
    assert (settings["environment"], settings["agents"]) == ("crowd:three", "crowd:three_agents")
    assert {"algorithm", "learning_rate", "loss", "motivation"} < {*settings["unused"]} < settings.keys()
    assert settings.keys() - {*settings["unused"], "unused", "versions", "began_in"} == crowd.settings().keys() > {
        "seed", "warmup_rounds", "parallel_games", "agents"}  # fmt: skip
    assert crowd.checkpoints() and crowd.snapshots() and not crowd.best_checkpoint()  # what is best depends on others
    assert {path.name for path in (crowd.path / "plots").iterdir()} == {"returns.png", "losses.png", "strength.png"}


@pytest.mark.slow
def test_agents_of_ones_own_resume_are_evaluated_and_exported(crowd, command):
    assert command("train", "--resume", "run", "--trust", "--steps", 200)[0] == 0
    assert crowd.metrics()["steps"].iloc[-1] >= 200
    for path in ("run", crowd.snapshots()[0], crowd.newest_checkpoint()):
        status, said = command("evaluate", path, "--games", 8)
        assert status == 0 and [line.split()[0] for line in said.splitlines()] == ["policy:", *NAMES]
    status, said = command("export", "run")
    done = [word for name in NAMES for word in ("done:", f"run/export/{name}/1")]
    assert status == 0 and said.split() == [*done, "policy:", "sampled"]
    trusted = dict(own._TRUSTED)
    own._TRUSTED.clear()
    assert command("evaluate", "run/export/hedonist") == (
        2, "imagents evaluate: run/export/hedonist is one exported agent: name the run, whose players are evaluated "
           "together\n")  # fmt: skip
    own._TRUSTED.update(trusted)
    environment = imagents.load_run("run").environment
    for seat, name in enumerate(NAMES):
        exported = imagents.load_agents(f"run/export/{name}/1")[0]
        agent = imagents.load_agents(f"run:{name}")[0]
        assert exported.seat == agent.seat == seat
        time_step = environment.current_time_step()
        state = agent.policy.get_initial_state(4)
        before = exported.policy.get_initial_state(4)
        expected, got = agent.policy.action(time_step, state), exported.policy.action(time_step, before)
        asked = is_asked(time_step, seat)
        np.testing.assert_array_equal(got.action[asked], expected.action[asked])


@pytest.mark.parametrize("words", ["evaluate run", "export run", "train --resume run --steps 200"])
def test_reading_a_run_imports_nothing_that_its_files_name(crowd, command, words):
    status, said = command(*words.split())
    assert status == 2 and said == (
        f"imagents {words.split()[0]}: environment = 'crowd:three' is a function of somebody's own, and nothing is "
        "imported because a file names it: name it yourself (--environment crowd:three), say --trust, or in Python "
        "imagents.trust('crowd:three')\n"
    )
    assert command(*words.split(), "--environment", "crowd:three")[1].startswith(
        f"imagents {words.split()[0]}: agents = 'crowd:three_agents' is a function of somebody's own"
    )
    assert "crowd" in sys.modules  # as it was named


def test_whatever_shows_a_run_imports_nothing(crowd):
    assert load_config("run").training.agents == "crowd:three_agents"
    assert len(plotting.save_all("run")) == 3
    cast = LocalCast(pathlib.Path())
    assert [path.name for path in cast.runs()] == ["run"]
    shown = Trainings(cast.runs).training({"run": "run"})["html"]
    assert "crowd:three: " in shown and shown.count("<img") == 3
    assert "Mean return of an episode, all of them greedy" in shown and "hedonist" in shown
    assert "crowd" not in sys.modules and not pathlib.Path("imported").exists()


NOBODY = "environment = 'crowd:three' is a function of somebody's own, and nothing is imported because a file names it"
FOR_TWO = "crowd:three has 3 seats, and a tournament is for two: imagents evaluate measures a run's players together"
UNSEEN = "crowd:three cannot be played in a terminal: it does not describe what a seat knows"


@pytest.mark.parametrize(
    "words, sentence, imports",
    [
        ("play run", NOBODY, False),
        ("play run --trust", UNSEEN, True),
        ("play --environment crowd:three", UNSEEN, True),
        ("play --watch run:hedonist random", "--watch: it is for boards, and crowd:three is none", False),
        ("tournament run random", NOBODY, False),
        ("tournament run random --trust", FOR_TWO, True),
        ("tournament run/snapshots run:hedonist", NOBODY, False),
        ("tournament run/snapshots run:hedonist --trust", FOR_TWO, True),
    ],
)
def test_what_a_person_cannot_play_and_more_than_two_cannot_compete_in(crowd, command, words, sentence, imports):
    status, said = command(*words.split())
    assert status == 2 and said.startswith(f"imagents {words.split()[0]}: {sentence}") and said.count("\n") == 1
    assert ("crowd" in sys.modules) == imports


@pytest.mark.slow
def test_a_tournament_in_an_environment_of_ones_own(module, command):
    name = f"{module}:two"
    assert command(*train("--environment", name, "--output-dir", "run"))[0] == 0
    status, said = command("tournament", "run", "random", "--trust", "--games", 4, "--output-dir", "result")
    assert status == 0 and "done: result" in said
    [match] = json.loads(pathlib.Path("result/tournament.json").read_text())["matches"]
    assert (match["seat_0"]["mean_return"], match["seat_1"]["mean_return"], match["mean_return"]) == (3, 1, 2)


AGENTS = """
import imagents


def make_agents(environment, seed):
    config = imagents.TrainConfig("tic_tac_toe", seed=seed, parallel_games=environment.batch_size, hidden_layers=(8,))
    paid = lambda time_step, seat, state: 3 * imagents.own_reward(time_step, seat, state)
    return [imagents.build_agent(config, environment, 0, reward_fn=paid), imagents.build_agent(config, environment, 1)]
"""


def test_agents_that_a_script_made_play_once_they_are_named_again(tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(own, "_TRUSTED", {})
    (tmp_path / "my_reward.py").write_text(AGENTS)
    name = "__main__:make_agents"
    imagents.trust("my_reward:make_agents", name)
    untrained_run("run", agents=name)
    own._TRUSTED.clear()
    words = "tournament", "run", "random", "--games", 2
    assert command(*words)[1].startswith(f"imagents tournament: agents = {name!r} was made in a script or inside of")
    assert command(*words, "--agents", "my_reward:make_agents")[0] == 0
    sys.modules.pop("my_reward")


def test_a_page_offers_what_is_no_board_to_nobody(crowd):
    imagents.trust("crowd:three")
    imagents.trust("crowd:three_agents")
    cast = LocalCast(pathlib.Path())
    assert [*cast.games] == ["tic_tac_toe", "connect_four"]
    with pytest.raises(InputError, match="^crowd:three is no board"):
        prepare_space(pathlib.Path("space"), [pathlib.Path("run")])


@pytest.mark.slow
def test_functions_are_given_again_from_python(crowd, monkeypatch):
    with pytest.raises(InputError, match="imagents.trust\\('crowd:three'\\)"):
        imagents.train(resume="run", steps=200, quiet=True)
    monkeypatch.syspath_prepend(".")
    module = importlib.import_module("crowd")
    imagents.train(resume="run", steps=160, environment=module.three, agents=module.three_agents, quiet=True)
    own._TRUSTED.clear()
    imagents.trust(module.three)
    assert imagents.trust("crowd:three_agents") == "crowd:three_agents"
    imagents.train(resume="run", steps=200, quiet=True)
    assert crowd.metrics()["steps"].iloc[-1] >= 200


@pytest.mark.slow
def test_functions_need_no_module(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "_TRUSTED", {})

    def world(batch_size, seed):
        return strangers.three_alike(batch_size, seed)

    def living(environment, seed):
        return [imagents.IMAgent(environment, seat=seat, sample_batch_size=4, seed=seed) for seat in range(3)]

    config = small_config(**TINY)
    run = imagents.train(config, tmp_path / "run", environment=world, agents=living, quiet=True)
    assert run.config.environment.name.endswith(":test_functions_need_no_module.<locals>.world")
    assert run.config.algorithm == config.algorithm and run.config.training.steps == 60
    longer = imagents.train(resume=run.path, steps=120, environment=world, agents=living, quiet=True)
    assert longer.metrics()["steps"].iloc[-1] >= 120


# What does not fit


@pytest.mark.parametrize(
    "words, sentence",
    [
        ("--environment {}:nothing", "{}:nothing made a Walk: a TFEnvironment is needed"),
        ("--environment {}:one_too_many", "{}:one_too_many made 5 copies: 4 side by side are needed"),
        ("--environment {}:single", "{}:single made 1 copies: 4 side by side are needed"),
        ("--environment gone:make", "gone:make: there is no module gone here"),
        ("--environment {}:gone", "{0}:gone: {0} has no 'gone'"),
        ("--environment {}:", "{0}:: {0} has no ''"),
        ("--environment :make", ":make: '' is no name of a module, as in my_world:make"),
        ("--environment {}:kept --opponent random",
         "opponent = 'random': {}:kept has 1 seat: players names who sits at each"),
        ("--environment {}:three --players learner random",
         "players = ['learner', 'random']: {}:three has 3 seats, and each needs a name"),
        ("--environment {}:three --players learner heuristic random",
         "players[1] = 'heuristic': unknown player 'heuristic': choose random, first_legal, trained, learner, league, "
         "person, or the folder of a run"),
        ("--environment {}:three --players league learner random",
         "players[0] = 'league': a league is for two seats: with more it would have to say whom it meets"),
        ("--environment {}:three --share-weights True",
         "player_2: the algorithm that it is given was made for other views or actions than its own"),
        ("--environment {}:kept --algorithm c51",
         "algorithm = 'c51': {}:kept does not say what an episode returns: choose another one"),
        ("--agents {}:three_agents", "player_3: seat = 2: the environment has seats 0 to 1"),
        ("--environment {0}:three --agents {0}:no_agents",
         "{}:no_agents made a NoneType: a list of players is needed"),
        ("--environment {0}:three --agents {0}:gone", "{0}:gone: {0} has no 'gone'"),
        ("--environment {0}:kept --agents {0}:three_agents", "hedonist: seat = 1: the environment has seat 0 alone"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence_and_nothing_is_written(module, command, words, sentence):
    status, said = command(*train(*words.format(module).split(), "--output-dir", "run"))
    assert (status, said) == (2, f"imagents train: {sentence.format(module)}\n")
    assert not pathlib.Path("run").exists()


def test_what_goes_wrong_inside_of_a_function_shows_its_trace(module, command):
    pathlib.Path("broken.py").write_text("import no_such_module\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        command(*train("--environment", "broken:make"))


def test_a_module_that_trains_where_it_is_imported_is_named(module, command):
    text = f"import imagents\nfrom {module} import kept\nimagents.train(imagents.TrainConfig(steps=1), 'run')\n"
    pathlib.Path("script.py").write_text(text)
    pathlib.Path("run").mkdir()
    pathlib.Path("run/mine").touch()
    assert command(*train("--environment", "script:kept")) == (
        2, "imagents train: script:kept: script cannot be imported: run is not empty: choose a new folder, or go on "
           "with --resume run\n")  # fmt: skip


@pytest.mark.parametrize("made_in", ["__main__:world", "mine:main.<locals>.world"])
def test_a_function_that_no_import_finds_is_named_anew(module, command, made_in):
    imagents.trust(strangers.kept, made_in)
    untrained_run("run", made_in)
    own._TRUSTED.clear()
    for words in ([], ["--trust"]):
        assert command("evaluate", "run", *words) == (
            2, f"imagents evaluate: environment = '{made_in}' was made in a script or inside of a function: name where "
               "it is to be found now (--environment MODULE:FUNCTION), or in Python imagents.trust(FUNCTION, "
               f"'{made_in}')\n")  # fmt: skip
    assert command("evaluate", "run", "--environment", f"{module}:kept", "--games", 8)[0] == 0


def test_a_run_that_has_no_use_for_a_function_says_so(module, command):
    assert command(*train("--environment", f"{module}:kept", "--output-dir", "run"))[0] == 0
    status, said = command("evaluate", "run", "--agents", f"{module}:three_agents")
    assert status == 2 and f"agents = '{module}:three_agents': this run has '', and a run keeps it" in said


def test_sagemaker_refuses_functions_of_ones_own(module, command):
    trusted = imagents.trust(f"{module}:kept")
    for settings in (dict(environment=trusted), dict(agents=f"{module}:three_agents")):
        with pytest.raises(InputError, match=f"{module}:"):
            training_job(imagents.TrainConfig(**settings))


# Who sits where


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_each_seat_has_its_own_player_and_learners_may_share_an_algorithm(module, command, shared):
    words = train("--environment", f"{module}:three_alike", "--output-dir", "run", share_weights=shared)
    assert command(*words)[0] == 0
    first, _, third = imagents.load_run("run").agents
    assert (first.algorithm is third.algorithm) == shared == load_config("run").training.share_weights
    noted = pathlib.Path("run/notes.txt")
    assert (noted.exists() and "share_weights = True" in noted.read_text()) == shared
    assert first.replay_buffer is not third.replay_buffer
    assert command("train", "--resume", "run", "--steps", 120)[0] == 0
    snapshot = imagents.load_agents(Run("run").snapshots()[-1])
    variables = (agent.policy.variables() for agent in snapshot[::2])
    assert all(np.array_equal(x, y) for x, y in zip(*variables, strict=True)) == shared
    assert command("export", "run")[1].count("done:") == 3
    # The others: some that do not learn, an agent of that run, and one or the other by chance.
    for players in (["random", "run", "learner"], ["learner", "random=1,first_legal=2", "run:player_3"]):
        name = f"with-{players[-1]}".replace(":", "-")
        words = train("--environment", f"{module}:three_alike", "--output-dir", name, "--players", *players)
        assert command(*words)[0] == 0
        seats = [seat for seat, player in enumerate(players) if player == "learner"]
        assert [agent.seat for agent in imagents.load_run(name).agents] == seats
        assert [*evaluation(name)["agents"]] == [f"player_{seat + 1}" for seat in seats]
        assert command("evaluate", name, "--games", 8)[0] == 0


def test_an_agent_sits_nowhere_but_at_its_own_seat(module, command):
    assert command(*train("--environment", f"{module}:three_alike", "--output-dir", "run"))[0] == 0
    words = train("--environment", f"{module}:three_alike", "--players", "learner", "run:player_3", "random")
    assert command(*words, "--output-dir", "other") == (
        2, f"imagents train: players[1] = 'run:player_3': player_3 learned to play seat 2 of {module}:three_alike, and "
           "can play no other\n")  # fmt: skip


def test_the_second_seat_of_a_board_learns_against_the_first(tmp_path, command):
    path = tmp_path / "run"
    assert command(*train("--players", "random", "learner", "--output-dir", path))[0] == 0
    assert load_config(path).agent_names == ["player_2"] and [*evaluation(path)["agents"]] == ["player_2"]


@pytest.mark.slow
def test_limits_count_as_ends_where_that_is_asked_for(module, command):
    for ends in (False, True):
        name = f"ends_{ends}"
        assert command(*train("--environment", f"{module}:kept", "--output-dir", name, limits_are_ends=ends))[0] == 0
        [agent] = imagents.load_run(name).agents
        decisions = agent.replay_buffer.gather_all()
        unpaid = decisions.discount.numpy()[decisions.reward.numpy() == 0]  # what the goal pays is an end anyhow
        assert (unpaid == 0).any() == ends
