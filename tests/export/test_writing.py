"""Exported agents: a board in, a move out, without imagents; the same moves as the agent's own greedy policy."""

import concurrent.futures
import functools
import importlib.util
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from oracle import read_boards

from imagents import IMAgent, cli
from imagents.config import TrainConfig
from imagents.environments.boards.connect_four import positions
from imagents.environments.boards.environment import BoardGameEnvironment, greedy_moves, time_step_at
from imagents.environments.boards.features import LineFeatures
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.tic_tac_toe import exact
from imagents.export import writing
from imagents.export.model import LOWEST, AgentModel
from imagents.export.reading import ExportedAgent
from imagents.export.writing import export_agent
from imagents.files import temporary
from imagents.learning.algorithms import categorical_dqn
from imagents.learning.perspective import own_stones
from imagents.opening import export_run, load_agents
from imagents.runs.run import Run
from imagents.seats import PASS
from imagents.training.loop import build

FORMATS = ["saved_model", "onnx", "tflite"]
FOLDERS = dict(zip(FORMATS, ["1", "onnx", "tflite"], strict=True))
every_format = pytest.mark.parametrize("format_name", FORMATS)


def needs(format_name):
    if format_name == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")


def make_agent(game, seat=0, **settings) -> IMAgent:
    """An agent with large random weights, so that its Q values are far apart."""
    environment = BoardGameEnvironment(game)
    if game == CONNECT_FOUR:  # like those of its presets, if the agent sees the board as they do
        plain = "observation_fn" in settings
        network = {} if plain else dict(features=LineFeatures(game), mirror=game.columns)
        settings = {"algorithm": categorical_dqn(hidden_layers=(32, 16), **network)} | settings
    agent = IMAgent(environment.time_step_spec(), environment.action_spec(), seat=seat, **settings)
    generator = np.random.default_rng(seat)
    for variable in agent.policy.variables():
        variable.assign(generator.normal(size=variable.shape, scale=0.3))
    return agent


def all_boards(game, seat) -> np.ndarray:
    """Every position of tic-tac-toe, or labelled ones of connect four; `seat` is to move."""
    if game == TIC_TAC_TOE:
        return exact.positions().boards(seat).astype(np.int32)
    return np.concatenate([positions.load(name).boards(seat) for name in ("early", "middle", "late")]).astype(np.int32)


def check_moves(moves, agent, game, boards):
    """The agent's own; a mirrored one has two that are worth the same on a board that is its own mirror image."""
    symmetric = (boards == boards[:, :, ::-1]).all(axis=(1, 2)) & (game == CONNECT_FOUR)
    expected = greedy_moves(agent, game, boards)
    np.testing.assert_array_equal(moves[~symmetric], expected[~symmetric])
    q_values = agent.q_values(time_step_at(game, boards, agent.seat)).numpy()
    each = np.arange(len(boards))
    np.testing.assert_allclose(q_values[each, moves], q_values[each, expected], rtol=1e-5, atol=1e-5)


@pytest.fixture(params=[TIC_TAC_TOE, CONNECT_FOUR], ids=lambda game: game.name)
def game(request):
    return request.param


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A function of a game: both seats' agents, and the folder with their models in every format."""

    @functools.cache
    def once(game) -> tuple:
        agents, folder = [make_agent(game, seat) for seat in (0, 1)], tmp_path_factory.mktemp(game.name)
        formats = FORMATS if importlib.util.find_spec("tf2onnx") else ["saved_model", "tflite"]
        for agent in agents:
            export_agent(agent, game, folder, formats, {"note": "mine"})
        return agents, folder

    return once


@pytest.fixture
def exports(game, exported):
    return exported(game)


def test_saved_models_lie_as_tensorflow_serving_wants_them_with_metadata_beside(exports, game):
    _, folder = exports
    for seat, name in enumerate(["player_1", "player_2"]):
        model = folder / name / "1"
        assert (model / "saved_model.pb").exists()
        metadata = json.loads((model / "imagents.json").read_text())
        assert metadata["game"] == {
            "name": game.name, "rows": game.rows, "columns": game.columns, "k": game.k, "gravity": game.gravity
        }
        assert (metadata["agent"], metadata["seat"], metadata["note"]) == (name, seat, "mine")
        assert metadata["inputs"] == {"board": {"dtype": "int32", "shape": [None, game.rows, game.columns]}}
        assert metadata["outputs"] == {
            "action": {"dtype": "int32", "shape": [None]},
            "legal_actions": {"dtype": "bool", "shape": [None, game.num_actions]},
            "probabilities": {"dtype": "float32", "shape": [None, game.num_actions]},
            "q_values": {"dtype": "float32", "shape": [None, game.num_actions]},
        }
        assert set(metadata["versions"]) == {"imagents", "tensorflow", "tf_agents", "numpy", "python"}


PLAIN = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("imagents", "tf_agents", "tf_keras"):
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Absent())
import numpy as np
import tensorflow as tf

for line in sys.stdin:
    model, boards, answers = json.loads(line)
    serve = tf.saved_model.load(model).signatures["serving_default"]
    answer = serve(board=tf.constant(np.load(boards)))
    np.savez(answers, **{name: value.numpy() for name, value in answer.items()})
assert not {"imagents", "tf_agents", "tf_keras"} & set(sys.modules)
"""


def test_plain_tensorflow_loads_it_and_makes_the_agents_moves_everywhere(tmp_path, exported):
    """On all 4,520 positions of tic-tac-toe and on 3,000 labelled ones of connect four, at both seats."""
    orders, expected = [], []
    for game in (TIC_TAC_TOE, CONNECT_FOUR):
        agents, folder = exported(game)
        for agent in agents:
            here, boards = str(tmp_path / f"{game.name}-{agent.name}"), all_boards(game, agent.seat)
            np.save(f"{here}.npy", boards)
            orders.append([str(folder / agent.name / "1"), f"{here}.npy", f"{here}.npz"])
            expected.append((agent, game, boards))
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "PYTHON"))}
    lines = "\n".join(map(json.dumps, orders))
    result = subprocess.run([sys.executable, "-c", PLAIN], input=lines, env=clean, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for (agent, game, boards), (_, _, path) in zip(expected, orders, strict=True):
        answer = np.load(path)
        check_moves(answer["action"], agent, game, boards)
        assert answer["legal_actions"][np.arange(len(boards)), answer["action"]].all()
        q_values = agent.q_values(time_step_at(game, boards, agent.seat)).numpy()
        np.testing.assert_allclose(answer["q_values"], np.nan_to_num(q_values, nan=LOWEST), rtol=1e-5, atol=1e-5)


@every_format
def test_every_format_makes_the_agents_moves(exports, game, format_name):
    needs(format_name)
    agents, folder = exports
    for agent in agents:
        boards = all_boards(game, agent.seat)
        exported = ExportedAgent(folder / agent.name / FOLDERS[format_name])
        check_moves(greedy_moves(exported, game, boards), agent, game, boards)


NO_MOVE_TIC_TAC_TOE = {
    "XX. OO. 3..": "a value outside 0..2",
    "XXX OO. ...": "won by the agent",
    "XX. OOO X..": "won by the opponent",
    "XOX XOO OXX": "full",
    "XX. O.. ...": "the opponent is to move",
    "OO. ... ...": "two stones more than the agent's",
}
NO_MOVE_CONNECT_FOUR = {
    "....... ....... ....... ....... ....... X.O9...": "a value outside 0..2",
    "....... ....... X...... XO..... XO..... XO.....": "won by the agent",
    "....... ....... ....... XO..... XXO.... XOO..X.": "the opponent is to move",
    "....... ....... ....... ....... X...... ..O....": "a hanging stone",
    "....... ....... ....... ...O... ....... X......": "a hanging stone of the opponent's",
    "OOXXOOX XXOOXXO OOXXOOX XXOOXXO OOXXOOX XXOOXXO": "full",
}


@every_format
@pytest.mark.parametrize(
    "game, bad, good",
    [
        (TIC_TAC_TOE, NO_MOVE_TIC_TAC_TOE, "XO. ... ..."),
        (CONNECT_FOUR, NO_MOVE_CONNECT_FOUR, "....... ....... ....... ....... ....... O......"),
    ],
    ids=["tic_tac_toe", "connect_four"],
    indirect=["game"],
)
def test_boards_without_a_move_to_make_are_answered_among_good_ones(exports, game, bad, good, format_name):
    needs(format_name)
    agents, folder = exports
    boards = read_boards(good, *bad, good).astype(np.int32)
    answer = ask(folder / "player_1", format_name, boards)
    expected = greedy_moves(agents[0], game, boards[:1])[0]
    assert answer["action"].tolist() == [expected] + [-1] * len(bad) + [expected]
    assert not answer["legal_actions"][1:-1].any()
    assert (answer["q_values"][1:-1] == LOWEST).all() and np.isfinite(answer["q_values"]).all()
    shares, best = answer["probabilities"], answer["q_values"].argmax(axis=1)
    assert not shares[1:-1].any() and shares[[0, -1]].sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (shares[[0, -1], best[[0, -1]]] == shares[[0, -1]].max(axis=1)).all()  # it is sure of what is best


def ask(folder, format_name, boards) -> dict:
    """What a model answers, as arrays."""
    exported = ExportedAgent(folder / FOLDERS[format_name])
    return {name: np.asarray(value) for name, value in exported.policy._model({"board": tf.constant(boards)}).items()}


@every_format
@pytest.mark.parametrize("count", [0, 1, 1024])
def test_takes_any_number_of_boards(exports, game, format_name, count):
    needs(format_name)
    answer = ask(exports[1] / "player_1", format_name, np.zeros([count, game.rows, game.columns], np.int32))
    assert answer["action"].shape == (count,) and answer["q_values"].shape == (count, game.num_actions)


@every_format
def test_boards_of_the_wrong_shape_are_an_error_and_no_crash(exports, game, format_name):
    needs(format_name)
    with pytest.raises(Exception, match="(?i)shape|dimension"):
        ask(exports[1] / "player_1", format_name, np.zeros([2, game.rows + 1, game.columns], np.int32))


def test_the_time_step_signature_takes_a_policy_savers_names_and_moves_as_the_agent_acts(exports, game):
    agents, folder = exports
    environment = BoardGameEnvironment(game, 64, opening_plies=6, seed=3)
    agent = make_agent(game, 1, batch_size=64)
    signature = tf.saved_model.load(str(folder / "player_2" / "1")).signatures["time_step"]
    time_step = environment.reset()
    for _ in range(12):
        observation = {f"0/observation/{name}": value for name, value in time_step.observation.items()}
        others = {f"0/{name}": getattr(time_step, name) for name in ("step_type", "reward", "discount")}
        action = signature(**observation, **others)["action"]
        np.testing.assert_array_equal(action, agent.act(time_step))
        legal = time_step.observation["legal_moves"]
        time_step = environment.step(tf.where(action == PASS, tf.argmax(legal, axis=1, output_type=tf.int32), action))


# An agent's own transforms


def upside_down(observation, seat, state):
    return own_stones(observation, seat, state)[:, :, ::-1]


def to_the_left(action, seat, state):
    return tf.maximum(action - 1, 0)


def test_own_views_and_actions_are_part_of_the_model_and_no_move_is_illegal(tmp_path):
    agent = make_agent(CONNECT_FOUR, observation_fn=upside_down, action_fn=to_the_left)
    export_agent(agent, CONNECT_FOUR, tmp_path)
    boards = all_boards(CONNECT_FOUR, 0)
    answer = ask(tmp_path / "player_1", "saved_model", boards)
    moves = greedy_moves(agent, CONNECT_FOUR, boards)
    rows = np.arange(len(boards))
    legal = answer["legal_actions"][rows, moves]
    assert 0.8 < legal.mean() < 1.0  # sometimes the column to the left is full
    best = answer["q_values"].argmax(axis=1)
    np.testing.assert_array_equal(answer["action"], np.where(legal, moves, best))


def remembering_agent(game=TIC_TAC_TOE) -> IMAgent:
    """It counts its moves, and sees the number."""

    def view(observation, seat, state):
        board = tf.cast(observation["board"], tf.float32)
        return board + tf.reshape(state["moves"], [-1, 1, 1]) * 5.0

    def count(state, time_step, seat):
        return {"moves": state["moves"] + 1.0, "last": tf.reduce_sum(time_step.observation["board"], axis=2)}

    initial = {"moves": 0.0, "last": np.zeros([3], np.int32)}
    return make_agent(game, observation_fn=view, state_fn=count, initial_state=initial)


@every_format
def test_internal_state_goes_in_and_comes_out(tmp_path, format_name):
    needs(format_name)
    agent = remembering_agent()
    [model] = export_agent(agent, TIC_TAC_TOE, tmp_path, [format_name])
    exported = ExportedAgent(model)
    assert exported.metadata["state"] == {
        "state_last": {"dtype": "int32", "shape": [3], "initial": [0, 0, 0]},
        "state_moves": {"dtype": "float32", "shape": [], "initial": 0.0},
    }
    time_step = time_step_at(TIC_TAC_TOE, all_boards(TIC_TAC_TOE, 0), 0)
    state, exported_state = agent.policy.get_initial_state(4520), exported.policy.get_initial_state(4520)
    first_moves = None
    for _ in range(3):
        step = agent.policy.action(time_step, state)
        exported_step = exported.policy.action(time_step, exported_state)
        np.testing.assert_array_equal(step.action, exported_step.action)
        state, exported_state = step.state, exported_step.state
        for name in ("moves", "last"):
            np.testing.assert_array_equal(state[name], exported_state[f"state_{name}"])
        first_moves = step.action if first_moves is None else first_moves
    assert (first_moves != step.action).numpy().any()  # what it remembers makes a difference


def test_state_stays_where_there_is_no_move_to_make(tmp_path):
    [model] = export_agent(remembering_agent(), TIC_TAC_TOE, tmp_path)
    serve = tf.saved_model.load(str(model)).signatures["serving_default"]
    boards = tf.constant(read_boards("XO. ... ...", "XXX OO. ..."), tf.int32)
    answer = serve(board=boards, state_moves=tf.constant([2.0, 2.0]), state_last=tf.zeros([2, 3], tf.int32))
    assert answer["next_state_moves"].numpy().tolist() == [3.0, 2.0]


def in_python(observation, seat, state):
    return tf.ensure_shape(tf.numpy_function(np.float32, [observation["board"]], tf.float32), [None, 3, 3])


def for_two_boards(observation, seat, state):
    return own_stones(observation, seat, state) & tf.zeros([observation["board"].shape[0] or 2, 1, 1, 1], tf.bool)


@pytest.mark.parametrize(
    "view, sentence",
    [
        (in_python, "player_1 cannot be exported: one of its transforms runs in Python"),
        (for_two_boards, "player_1 cannot be exported: what it computes has to work for any number of copies: "),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_sentence(view, sentence):
    def shaped(observation, seat, state):
        x = view(observation, seat, state)
        return tf.reshape(x, [observation["board"].shape[0] or -1, *x.shape[1:]])

    agent = make_agent(TIC_TAC_TOE, observation_fn=shaped)
    with pytest.raises(ValueError, match=sentence) as raised:
        AgentModel(agent, TIC_TAC_TOE)
    assert "\n" not in str(raised.value)


def test_an_agent_of_another_game_is_refused():
    with pytest.raises(ValueError, match="player_1 cannot be exported: it was made for another environment than conn"):
        AgentModel(make_agent(TIC_TAC_TOE), CONNECT_FOUR)


# Runs and the command


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = TrainConfig(parallel_games=8, hidden_layers=(8,), algorithm="c51", execution="eager")
    run, trainer = Run.create(tmp_path_factory.mktemp("runs") / "mine", config), build(config)
    run.save(tf.train.Checkpoint(trainer=trainer), 20, 0.0)
    evaluation = {"round": 20, "agents": {"player_1": {"unbeatable": False}, "player_2": {"unbeatable": True}}}
    (run.path / "evaluation.json").write_text(json.dumps(evaluation))
    return run


def test_the_command_writes_both_agents_into_the_run_and_says_nothing_else(run, capfd):
    assert cli.main(["export", str(run.path)]) == 0
    written = [run.path / "export" / name / "1" for name in ("player_1", "player_2")]
    printed = capfd.readouterr()
    assert printed.out.splitlines() == [*(f"done: {path}" for path in written), "policy: greedy"] and printed.err == ""
    metadata = json.loads((written[1] / "imagents.json").read_text())
    assert metadata["evaluation"] == {"unbeatable": True}
    assert metadata["training"] == run.config.to_dict()
    assert (metadata["run"], metadata["rounds"]) == ("mine", 20)


@pytest.mark.parametrize("format_name", ["onnx", "tflite"])
def test_the_other_formats_are_silent_too(run, tmp_path, format_name, capfd):
    needs(format_name)
    arguments = ["export", str(run.checkpoints()[-1]), "--output-dir", str(tmp_path), "--formats", format_name]
    assert cli.main(arguments) == 0
    exported = ExportedAgent(tmp_path / "player_1")
    greedy_moves(exported, TIC_TAC_TOE, np.zeros([2, 3, 3], np.int32))
    printed = capfd.readouterr()
    assert printed.err == "" and printed.out.count("\n") == 3


def test_a_model_is_replaced_whole_or_not_at_all(run, tmp_path, monkeypatch):
    agent = load_agents(run.path)[0]
    [model] = export_agent(agent, TIC_TAC_TOE, tmp_path)
    before = (model / "imagents.json").read_text()

    def fails(model, folder):
        (folder / "half").touch()
        raise OSError("disk full")

    monkeypatch.setitem(writing._WRITERS, "saved_model", fails)
    with pytest.raises(OSError, match="disk full"):
        export_agent(agent, TIC_TAC_TOE, tmp_path)
    assert (model / "imagents.json").read_text() == before
    assert [path.name for path in model.parent.iterdir()] == ["1"]
    monkeypatch.undo()
    export_agent(agent, TIC_TAC_TOE, tmp_path)
    assert [path.name for path in model.parent.iterdir()] == ["1"]


def test_exports_of_the_same_agent_at_once_are_each_whole(tmp_path, monkeypatch):
    def slowly(model, folder):
        (folder / "first").write_text(model)
        time.sleep(0.02)
        (folder / "second").write_text(model)

    monkeypatch.setitem(writing._WRITERS, "saved_model", slowly)
    monkeypatch.setattr(writing, "_description", lambda model, format_name: {})
    target = tmp_path / "player_1" / "1"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: writing._write(name, target, "saved_model", {}), "abcdefgh"))
    assert (target / "first").read_text() == (target / "second").read_text()
    assert sorted(path.name for path in target.iterdir()) == ["first", "imagents.json", "second"]
    assert [path.name for path in target.parent.iterdir()] == ["1"]


@pytest.mark.parametrize("there", ["nothing", "the model"])
def test_what_a_killed_export_left_goes_and_a_model_that_it_moved_away_comes_back(tmp_path, monkeypatch, there):
    def fails(model, folder):
        raise OSError("disk full")

    monkeypatch.setitem(writing._WRITERS, "saved_model", fails)
    target = tmp_path / "player_1" / "1"
    old = target.with_name(".1.old")
    (target if there == "the model" else old).mkdir(parents=True)
    temporary(target).mkdir()
    with pytest.raises(OSError, match="disk full"):
        writing._write(None, target, "saved_model", {})
    assert [path.name for path in target.parent.iterdir()] == ["1"]


@pytest.mark.parametrize(
    "format_name, room",  # bytes, which are too few for the metadata, too, or for the model alone
    [("saved_model", 400), ("saved_model", 3000), ("tflite", 400), pytest.param("onnx", 400, marks=pytest.mark.slow)],
)
def test_a_full_disk_ends_the_command_in_one_sentence_and_keeps_what_was_there(
    run, tmp_path, capfd, little_room, format_name, room
):
    needs(format_name)
    command = ["export", str(run.path), "--output-dir", str(tmp_path), "--formats", format_name]
    assert cli.main(command) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    capfd.readouterr()
    with little_room(room):
        assert cli.main(command) == 1
    assert capfd.readouterr().err == f"imagents export: {tmp_path}/player_1 cannot be written: File too large\n"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "name, format_name",
    [("a[1]", "saved_model"), ("a\\b*", "saved_model"), ("-a ?", "saved_model"), ("link/..", "saved_model"),
     ("a[1]", "tflite"), pytest.param("a[1]", "onnx", marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_folder_of_any_name_holds_models_that_can_be_read(run, tmp_path, monkeypatch, capfd, format_name, name):
    needs(format_name)
    (tmp_path / "far" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/below")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", str(run.path), f"--output-dir={name}", "--formats", format_name]) == 0
    exported, [agent, _] = ExportedAgent(f"{name}/player_1"), load_agents(run.path)
    board = np.zeros([1, 3, 3], np.int32)
    assert greedy_moves(exported, TIC_TAC_TOE, board) == greedy_moves(agent, TIC_TAC_TOE, board)
    assert (tmp_path / ("far" if name == "link/.." else name) / "player_1" / FOLDERS[format_name]).is_dir()


def test_to_know_the_commit_of_a_checkout_nothing_is_written_into_it(tmp_path, monkeypatch):
    package = tmp_path / "imagents" / "__init__.py"
    package.parent.mkdir()
    package.write_text("1")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    monkeypatch.setattr(writing.imagents, "__file__", str(package))
    os.utime(package, (1, 1))  # git would look again, and write down that nothing has changed
    before = (tmp_path / ".git" / "index").read_bytes()
    assert writing._git_commit() == commit and (tmp_path / ".git" / "index").read_bytes() == before
    package.write_text("2")
    assert writing._git_commit() == f"{commit}-dirty"


def test_one_agent_of_a_run_is_exported_by_its_name(run, tmp_path, capfd):
    for path in (run.path, run.checkpoints()[0]):
        folder = tmp_path / path.name
        assert cli.main(["export", f"{path}:player_2", "--output-dir", str(folder)]) == 0
        assert [path.name for path in folder.iterdir()] == ["player_2"]
    assert json.loads((folder / "player_2" / "1" / "imagents.json").read_text())["run"] == "mine"


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["RUN:player_3"], "has no agent 'player_3': its agents are player_1, player_2"),
        (["x" * 300], "config.json cannot be read: File name too long"),
        (["RUN", "--output-dir", "NEW/" + "x" * 300], "a name of at most 255 bytes is needed"),
        (["RUN", "--output-dir", "NEW/line\nbreak"], r"NEW/line\nbreak: a name of printable characters, in UTF-8, is"),
        (["/nowhere"], "imagents export: /nowhere is not a run folder: it has no config.json"),
        (["RUN", "--output-dir", "/proc/there"], "imagents export: /proc/there cannot be written"),
        (["RUN/checkpoints/0000000007"], "is damaged"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(run, arguments, sentence, capsys):
    assert cli.main(["export", *(argument.replace("RUN", str(run.path)) for argument in arguments)]) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err and printed.err.count("\n") == 1 and not printed.out


def test_a_format_that_is_not_installed_is_named_with_what_installs_it(run, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"onnx needs tf2onnx and onnx: pip install 'imagents\[onnx\]'"):
        export_run(run.path, formats=["onnx"])
    with pytest.raises(ValueError, match="unknown format 'keras': choose among saved_model, onnx, tflite"):
        export_run(run.path, formats=["keras"])
