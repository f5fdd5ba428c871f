"""One process per run, settings and checkpoints that belong together, numbers that stay finite, files that are data."""

import ast
import hashlib
import json
import math
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from small import small_config, small_flags

import imagents
from imagents import InputError, cli
from imagents.files import temporary
from imagents.learning.algorithms import dqn
from imagents.learning.perspective import own_reward
from imagents.opening import load_agents
from imagents.runs.run import Run
from imagents.runs.snapshots import chunks_apart
from imagents.training.experiment import Experiment, train
from imagents.training.loop import Trainer, load_run

CONFIG = small_config()


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Run:
    return train(CONFIG, tmp_path_factory.mktemp("runs") / "run", quiet=True)


@pytest.fixture
def run(trained, tmp_path) -> Run:
    return Run(shutil.copytree(trained.path, tmp_path / "run"))


# One process per run


def test_a_second_training_in_a_run_folder_is_refused_until_the_first_has_ended(run):
    code = "import pathlib, sys; from imagents.files import lock; lock(pathlib.Path(sys.argv[1]))"
    code += "; print(0, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "0\n"
        before = sorted(path.stat().st_mtime_ns for path in run.path.rglob("*"))
        with pytest.raises(InputError, match=f"^{run.path} is in use: another process trains in it$"):
            Experiment(resume=run.path, steps=90)
        assert sorted(path.stat().st_mtime_ns for path in run.path.rglob("*")) == before
        load_agents(run.path)  # evaluating, plotting and exporting a run that trains is fine
        other.kill()
    assert train(resume=run.path, steps=90, quiet=True).metrics()["steps"].iloc[-1] >= 90


def test_a_run_is_free_again_after_training_and_after_a_refusal(run):
    with pytest.raises(InputError, match="exclude each other"):
        Experiment(CONFIG, run.path, resume=run.path)
    (run.checkpoints()[-1] / "state.index").write_bytes(b"nonsense")
    for _ in range(2):
        with pytest.raises(InputError, match="is damaged"):
            Experiment(resume=run.path)
    run.claim()
    run.release()
    run.claim()
    with pytest.raises(InputError, match="is in use"):
        Run(run.path).claim()


def test_two_trainings_cannot_begin_in_the_same_folder(tmp_path):
    first = Experiment(CONFIG, tmp_path / "run")
    with pytest.raises(InputError, match="run is not empty"):
        Experiment(CONFIG, tmp_path / "run")
    first.run(quiet=True)


def test_a_run_killed_before_its_first_checkpoint_begins_when_it_is_resumed(tmp_path):
    Run.create(tmp_path / "run", CONFIG).release()
    (tmp_path / "run" / "checkpoints" / ".writing").mkdir(parents=True)
    assert train(resume=tmp_path / "run", quiet=True).metrics()["steps"].iloc[-1] >= 60


def test_a_folder_in_which_a_training_was_killed_before_its_first_file_is_new(tmp_path):
    for path in (tmp_path / ".lock", temporary(tmp_path / "config.json")):
        path.write_text("")
    Run.create(tmp_path, CONFIG)


# What belongs together


@pytest.mark.parametrize("name, value", [("hidden_layers", [9]), ("seed", 5), ("environment", "connect_four")])
def test_settings_changed_by_hand_are_named(run, name, value):
    path = run.path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    before = path.read_text(), (run.path / "metrics.csv").read_text()
    was = CONFIG.to_dict()[name]
    for load in (lambda: Experiment(resume=run.path), lambda: load_agents(run.path),
                 lambda: load_run(run.path)):
        with pytest.raises(InputError) as error:
            load()
        assert str(error.value) == (
            f"{path} has {name} = {value!r}, but its checkpoint 0000000003 was made with {was!r}: "
            "one of the two is not this run's"
        )
    assert (path.read_text(), (run.path / "metrics.csv").read_text()) == before


def rewrite_manifest(checkpoint: pathlib.Path, **changes) -> None:
    """As another version of imagents would have written it."""
    manifest = json.loads((checkpoint / "manifest.json").read_text()) | changes
    del manifest["sha256_of_this"]
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (checkpoint / "manifest.json").write_text(json.dumps(manifest | {"sha256_of_this": digest}))


def test_a_checkpoint_of_another_version_that_does_not_fit_is_named(run):
    newest = run.checkpoints()[-1]
    settings = {name: value for name, value in CONFIG.to_dict().items() if name != "hidden_layers"}  # as if it were new
    rewrite_manifest(newest, versions={"imagents": "0.0.1"}, settings=settings)
    config = CONFIG.replace(hidden_layers=(9,))
    run.write_config(config)
    for load in (lambda: Experiment(resume=run.path), lambda: load_agents(run.path),
                 lambda: load_run(run.path)):
        with pytest.raises(InputError, match=f"{newest} was written by imagents 0.0.1 and does not fit ") as error:
            load()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name, apart", [
    ("manifest.json", 4), pytest.param("manifest.json", 1, marks=pytest.mark.slow), ("state.index", 0),
    ("state.data-00000-of-00001", 0),
])  # fmt: skip
def test_any_flipped_bit_of_a_checkpoint_is_found(run, name, apart):
    """In every byte that is so far apart from the one before, or in 50 somewhere."""
    older, newest = run.checkpoints()
    path, rng = newest / name, np.random.default_rng(0)
    whole = path.read_bytes()
    places = range(0, len(whole), apart) if apart else rng.integers(0, len(whole), 50)
    unnoticed = []
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        try:
            manifest = run.check(newest)
        except InputError as error:
            assert f"{newest} is damaged: remove it to go on from {older.name}" in str(error)
        else:
            path.write_bytes(whole)
            assert manifest == run.check(newest)
            unnoticed.append(chr(whole[place]))
    # One kind of space for another changes nothing, nor does 1E-05 for 1e-05.
    assert all(character.isspace() or character == "e" for character in unnoticed)


def test_the_older_checkpoint_that_is_offered_is_a_sound_one(run):
    older, newest = run.checkpoints()
    for checkpoint in (older, newest):
        (checkpoint / "state.index").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=f"{newest} is damaged: there is no older one"):
        Experiment(resume=run.path)


@pytest.mark.parametrize("text", ["", "round,st"])
def test_metrics_that_a_kill_left_half_written_come_again(run, text, trained):
    shutil.rmtree(run.checkpoints()[-1])
    (run.path / "metrics.csv").write_text(text)
    again = train(resume=run.path, quiet=True).metrics()
    assert len(again) == len(trained.metrics())
    assert again["steps"].tolist() == trained.metrics()["steps"].tolist()


# Numbers


def small_trainer(execution, learning_rate=1e-3, reward_fn=own_reward, **settings) -> Trainer:
    environment = imagents.BoardGameEnvironment(imagents.TIC_TAC_TOE, batch_size=16)
    specs = environment.time_step_spec(), environment.action_spec()

    def agent(seat):
        algorithm = dqn(hidden_layers=(8,), optimizer=tf.keras.optimizers.Adam(learning_rate))
        return imagents.IMAgent(
            *specs, seat=seat, batch_size=16, algorithm=algorithm, sample_batch_size=16, reward_fn=reward_fn
        )

    return Trainer(environment, [agent(0), agent(1)], execution=execution, **settings)


@pytest.mark.parametrize(
    "reward, execution",
    [(1e30, "eager"), (math.inf, "eager"), (math.nan, "eager"), pytest.param(math.nan, "xla", marks=pytest.mark.slow)],
)
def test_rewards_of_a_users_function_that_cannot_be_learned_from_stop_the_training(reward, execution):
    # Warming up: a loss would else become bad before the first game has ended, and be what is named.
    trainer = small_trainer(execution, reward_fn=lambda *args: own_reward(*args) * reward, warmup_rounds=20)
    with pytest.raises(FloatingPointError) as error:
        trainer.run(20)
    sentence = str(error.value)
    assert sentence.startswith("the return of player_1 became ")
    assert sentence.endswith(": try a smaller learning_rate, and rewards near 1, all of them finite")


@pytest.mark.parametrize("execution", ["eager", pytest.param("graph", marks=pytest.mark.slow)])
def test_weights_that_explode_stop_the_training(execution):
    with pytest.raises(FloatingPointError, match="try a smaller learning_rate"):
        small_trainer(execution, learning_rate=1e30, warmup_rounds=2).run(20)


def test_weights_are_checked_before_they_are_kept(trained, tmp_path):
    experiment = Experiment(CONFIG.replace(checkpoint_minutes=1e-9, steps=10_000), tmp_path / "run")
    run_chunk, [_, bad] = experiment.trainer.run, experiment.trainer.agents
    weights = next(x for x in bad.algorithm.variables if x.dtype.is_floating)

    def run(num_rounds):
        metrics = run_chunk(num_rounds)
        if int(experiment.trainer.rounds) == 6:
            weights.assign(weights * np.nan)
        return metrics

    experiment.trainer.run = run
    with pytest.raises(FloatingPointError) as error:
        experiment.run(quiet=True)
    path = tmp_path / "run"
    assert str(error.value) == (
        "the Q network of player_2 became nan: try a smaller learning_rate, and rewards near 1, all of them finite; "
        f"the newest good state is {path / 'checkpoints' / '0000000004'}"
    )
    assert [p.name for p in Run(path).checkpoints()] == ["0000000002", "0000000004"]
    for agent in load_agents(path):
        assert all(np.isfinite(x).all() for x in agent.policy.variables())


def test_the_command_says_what_to_try(tmp_path, capsys):
    flags = small_flags(learning_rate=1e30, rounds_per_chunk=20)
    assert cli.main(["train", "--output-dir", str(tmp_path / "run"), *flags]) == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith("imagents train: ") and "try a smaller learning_rate" in sentence
    assert sentence.endswith(f"the newest good state is {tmp_path / 'run' / 'checkpoints' / '0000000000'}")


# Long runs stay small


def test_rows_come_half_as_often_whenever_they_have_doubled():
    kept = [chunk for chunk in range(1, 100_001) if chunk % chunks_apart(chunk, 4096) == 0]
    assert kept[:4096] == list(range(1, 4097)) and kept[4096:4099] == [4098, 4100, 4102]
    assert len(kept) < 4096 + 2048 * 5  # 100,000 is less than 5 doublings of 4,096


# SIGTERM


@pytest.mark.slow
@pytest.mark.parametrize("game", ["tic_tac_toe", "connect_four"])
def test_sigterm_saves_at_once_and_ends_within_ten_seconds(tmp_path, game):
    """With the default settings: while it compiles, and while it trains."""
    run = tmp_path / "run"
    command = [sys.executable, "-m", "imagents.cli", "train"]
    seconds = []
    for arguments, rows in (["--environment", game, "--output-dir", str(run)], 0), (["--resume", str(run)], 25):
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
        while not (run / "checkpoints").exists() or rows and len(lines(run / "metrics.csv")) <= rows:
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        output, _ = process.communicate()
        seconds.append(time.monotonic() - began)
        assert process.returncode == 143
    print(seconds)
    assert max(seconds) < 10
    assert f"stopped, nothing lost; to go on: imagents train --resume {run}" in output
    assert Run(run).metrics()["round"].iloc[-1] == Run(run).check_to_resume()["rounds"]


def lines(path: pathlib.Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


# Files are data

FORBIDDEN = {"pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib", "yaml"}


def test_nothing_that_is_loaded_can_run_code():
    """No pickle, no eval, no exec in the package; but for what a process hands to its own workers, which is no file."""
    for path in pathlib.Path(imagents.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            where = f"{path}, line {getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                to_workers = {"cloudpickle"} if path.parts[-2:] == ("bridges", "workers.py") else set()
                assert not (FORBIDDEN - to_workers) & {module.split(".")[0] for module in modules}, where
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                assert not (isinstance(node.func, ast.Name) and name in ("eval", "exec", "compile")), where
                assert name not in ("read_pickle", "load_module", "unsafe_load", "load_model"), where
                values = {keyword.arg: getattr(keyword.value, "value", True) for keyword in node.keywords}
                assert values.get("allow_pickle") in (None, False), where
                is_np_load = name == "load" and getattr(getattr(node.func, "value", None), "id", "") in ("np", "numpy")
                assert not is_np_load or values.get("allow_pickle") is False, where
