"""Whatever is read from outside may be anything: it is refused in one sentence, or taken; nothing else happens.

A few hundred examples each in `make test`, thousands in `make test-slow`.
"""

import contextlib
import gzip
import io
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import small_config, untrained_run

from imagents import InputError, cli, commands
from imagents.config import TrainConfig, load_config
from imagents.environments.boards.connect_four import positions
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.export.reading import ExportedAgent
from imagents.opening import load_agents, open_path, open_shipped
from imagents.plotting.reading import read_metrics
from imagents.runs.metrics import Metrics
from imagents.runs.run import Run
from imagents.runs.snapshots import snapshot_counts, snapshots
from imagents.training import experiment

CONFIG = small_config()
FIELDS = list(CONFIG.to_dict())

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def examples(few: int, many: int):
    """The numbers of examples of a test: few, the same every time; many others as a slow test."""
    return pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.slow)])


def fuzz(count: int, *strategies):
    """Calls the function that it decorates with examples."""
    options = settings(
        max_examples=count, derandomize=count < 300, deadline=None, suppress_health_check=list(HealthCheck)
    )
    return lambda check: options(given(*strategies)(check))()


def mutated(whole: bytes) -> st.SearchStrategy[bytes]:
    """A file cut off, with other bytes in it, with a piece twice, or another one altogether."""
    place = st.integers(0, max(0, len(whole) - 1))
    return st.one_of(
        place.map(lambda end: whole[:end]),
        st.builds(lambda at, new: whole[:at] + new + whole[at + len(new) :], place, st.binary(min_size=1, max_size=4)),
        st.tuples(place, place).map(lambda x: whole[: max(x)] + whole[min(x) :]),
        st.binary(max_size=60),
        st.text(max_size=60).map(str.encode),
        json_values.map(lambda value: json.dumps(value).encode()),
    )


@contextlib.contextmanager
def refused_or_taken(*also):
    """Whatever happens here is fine, or is refused in one sentence."""
    try:
        yield
    except (InputError, *also) as error:
        assert str(error)
        assert len(str(error).splitlines()) <= 3, str(error)


# The command line

FLAGS = {
    "train": ["--" + name.replace("_", "-") for name in FIELDS] + ["--preset", "--resume", "--output-dir"],
    "evaluate": ["--games", "--solver-games", "--seed"],
    "tournament": ["--environment", "--games", "--seed", "--output-dir"],
    "export": ["--output-dir", "--formats"],
    "play": ["--seed", "--environment"],
}
VALUES = "RUN RUN:player_1 RUN/snapshots random minimax:1 perfect random=1,heuristic=3 tic_tac_toe connect_four 5x5x4"
VALUES += " dqn eager onnx -1 0 1 16 0.5 1e30 nan None -- --json"


@examples(60, 1_000)
def test_any_command_line_is_done_or_refused(run, count, monkeypatch, tmp_path):
    """Up to the job itself: what a job does, others test."""
    prepared = {name: lambda arguments, f=commands.COMMANDS[name]: f(arguments) and (lambda: 0) for name in FLAGS}
    monkeypatch.setattr(cli, "COMMANDS", prepared)
    monkeypatch.setattr(experiment, "Experiment", lambda *arguments, **settings: None)  # which takes seconds to build
    monkeypatch.chdir(tmp_path)
    value = st.sampled_from(VALUES.split()).map(lambda x: x.replace("RUN", str(run.path))) | st.text(max_size=8)

    @fuzz(count, st.data())
    def check(data):
        command = data.draw(st.sampled_from(list(FLAGS)))
        flag = st.sampled_from(FLAGS[command]) | st.text(max_size=4)
        arguments = data.draw(st.lists(value, max_size=2))
        for pair in data.draw(st.lists(st.tuples(flag, value), max_size=3)):
            arguments += pair
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = cli.main([command, *arguments])
            except SystemExit as exit:
                status = exit.code
        assert status in (0, 2), (status, err.getvalue())
        assert status == 0 or err.getvalue().strip()
        assert "Traceback" not in err.getvalue()


# config.json and run folders


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """An untrained run with all that a run can hold."""
    run = untrained_run(tmp_path_factory.mktemp("runs") / "run", snapshots=1)
    run.append_metrics({"round": 20, "steps": 700, "player_1_loss": 0.5})
    return run


@examples(299, 20_000)
def test_any_config_json_is_taken_or_refused(count, tmp_path):
    whole = json.dumps(CONFIG.to_dict()).encode()
    changed = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), json_values, max_size=3)

    @fuzz(count, mutated(whole) | changed.map(lambda new: json.dumps(CONFIG.to_dict() | new).encode()))
    def check(content):
        (tmp_path / "config.json").write_bytes(content)
        with refused_or_taken():
            assert isinstance(load_config(tmp_path), TrainConfig)


@examples(12, 300)
def test_a_run_folder_with_anything_in_it_is_taken_or_refused(run, count, tmp_path):
    names = sorted(str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file())
    known = Metrics(run.path / "metrics.csv").known()

    @fuzz(count, st.data())
    def check(data):
        path = tmp_path / "run"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(run.path, path)
        for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)):
            kind = data.draw(st.sampled_from(["mutated", "mutated", "mutated", "gone", "a folder"]))
            whole = (path / name).read_bytes()
            (path / name).unlink()
            if kind == "mutated":
                (path / name).write_bytes(data.draw(mutated(whole)))
            elif kind == "a folder":
                (path / name).mkdir()
        with refused_or_taken():
            Run(path).claim()
        with refused_or_taken():
            Run(path).check_to_resume()
        with refused_or_taken(OSError):  # of what is no file, which `Experiment` puts into a sentence
            rounds, knowing = data.draw(st.integers(0, 30)), data.draw(st.sampled_from([None, known]))
            Metrics(path / "metrics.csv").restore(rounds, knowing)
        with refused_or_taken(FileNotFoundError):
            read_metrics(path)
        for snapshot in snapshots(path):
            with refused_or_taken():
                snapshot_counts(snapshot)
        for kept in (path, *snapshots(path)):
            with refused_or_taken():
                load_agents(kept)


# Labelled positions


@examples(299, 20_000)
def test_any_file_of_labelled_positions_is_read_or_refused(count, tmp_path):
    whole = "\n".join(positions.lines(positions.data_file("late"))[:12]).encode()

    @fuzz(count, mutated(whole))
    def check(content):
        (tmp_path / "positions.csv.gz").write_bytes(gzip.compress(content, 1))
        with refused_or_taken():
            assert len(positions.read(tmp_path / "positions.csv.gz"))


# Exported models


@examples(60, 3_000)
@pytest.mark.parametrize("game", [TIC_TAC_TOE, CONNECT_FOUR], ids=lambda game: game.name)
def test_an_exported_model_answers_any_boards(game, count):
    """-1 where there is no move to make, see docs/export.md; and otherwise an empty place."""
    agent = ExportedAgent(open_shipped(game.name).path)
    near, any_number = st.integers(-1, 3), st.integers(-(2**31), 2**31 - 1)
    board = st.lists(near, min_size=game.num_cells, max_size=game.num_cells)
    board |= st.lists(near | any_number, min_size=game.num_cells, max_size=game.num_cells)
    board |= st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=game.num_cells, max_size=game.num_cells)

    @fuzz(count, st.lists(board, min_size=0, max_size=4))
    def check(boards):
        boards = np.array(boards, np.int32).reshape(-1, game.rows, game.columns)
        answer = {name: value.numpy() for name, value in agent.model({"board": tf.constant(boards)}).items()}
        assert answer["action"].shape == (len(boards),) and np.isfinite(answer["q_values"]).all()
        for number, (cells, action) in enumerate(zip(boards, answer["action"])):
            legal = answer["legal_actions"][number]
            assert legal[action] if action != -1 else not legal.any()
            assert action == -1 or cells.reshape(-1)[action] == 0
            assert action == -1 or ((cells >= 0) & (cells <= 2)).all()


@examples(60, 3_000)
def test_any_metadata_of_an_exported_agent_is_taken_or_refused(count, tmp_path):
    source = open_shipped("tic_tac_toe").path
    folder = tmp_path / "agent"
    shutil.copytree(source, folder)
    whole = (source / "imagents.json").read_bytes()
    content = json.loads(whole)
    changed = st.dictionaries(st.sampled_from(list(content)), json_values, min_size=1, max_size=2)

    @fuzz(count, mutated(whole) | changed.map(lambda new: json.dumps(content | new).encode()))
    def check(metadata):
        (folder / "imagents.json").write_bytes(metadata)
        with refused_or_taken():
            open_path(folder)
        with refused_or_taken():
            ExportedAgent(folder)
