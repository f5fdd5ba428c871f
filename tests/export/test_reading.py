"""Exported agents read back, and `load_player`: anything that an agent was kept in, at either seat."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from small import untrained_run

import imagents
from imagents.environments.boards.arena import Arena
from imagents.environments.boards.environment import BoardGameEnvironment, greedy_moves
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE, get_game
from imagents.errors import InputError
from imagents.export.model import AgentModel
from imagents.export.reading import ExportedAgent, model_folder, read_metadata
from imagents.export.writing import export_agent, write_models
from imagents.files import sealed
from imagents.opening import SHIPPED, export_run, open_path, open_shipped, shipped
from imagents.players.names import make_player
from imagents.runs.snapshots import snapshots
from imagents.seats import PASS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of untrained agents, with everything that they can be kept in."""
    run = untrained_run(tmp_path_factory.mktemp("runs") / "mine", snapshots=1)
    export_run(run.path, formats=["saved_model", "tflite"])
    return run


def kept_in(run) -> list:
    """A run, a checkpoint, a snapshot, and exports as a folder, a model folder and a file."""
    model = run.path / "export" / "player_1"
    return [
        run.path, run.checkpoints()[0], snapshots(run.path)[0], model, model / "1", model / "1" / "saved_model.pb",
        model / "tflite",
    ]


def test_load_player_takes_whatever_an_agent_was_kept_in(run):
    moves = []
    for path in kept_in(run):
        for seat in (0, 1):
            player = imagents.load_player(path, "player_1", seat=seat)
            assert player.seat == seat and player.name == str(path)
            environment = BoardGameEnvironment(TIC_TAC_TOE, 4, first_mover=f"seat_{seat}")
            moves.append(player.act(environment.reset()).numpy())
    assert len(np.unique(moves)) == 1 and moves[0][0] != PASS


@pytest.mark.parametrize("kept", ["run", "saved_model", "tflite"])
def test_it_plays_matches_at_either_seat(run, kept):
    path = {"run": run.path, "saved_model": run.path / "export" / "player_2",
            "tflite": run.path / "export" / "player_2" / "tflite"}[kept]
    first, second = (imagents.load_player(path, "player_2", seat=seat) for seat in (0, 1))
    arena = Arena(TIC_TAC_TOE, 50)
    assert arena.play(first, make_player("random", TIC_TAC_TOE, 1)).games == 50
    assert arena.play(make_player("random", TIC_TAC_TOE, 0), second).games == 50


def test_an_exported_agent_is_a_player_by_its_path(run):
    player = make_player(str(run.path / "export" / "player_1"), TIC_TAC_TOE, 1)
    assert player.seat == 1
    with pytest.raises(ValueError, match="is a run of tic_tac_toe, and this is a game of connect_four"):
        make_player(str(run.path / "export" / "player_1"), CONNECT_FOUR, 1)


def test_of_a_run_the_agent_of_that_seat_is_taken(run):
    chosen = [imagents.load_player(run.path, seat=seat) for seat in (0, 1)]
    named = [imagents.load_player(run.path, f"player_{seat + 1}", seat) for seat in (0, 1)]
    for player, other in zip(chosen, named, strict=True):
        for x, y in zip(player.variables, other.variables, strict=True):
            np.testing.assert_array_equal(x, y)


def test_the_newest_version_counts(run, tmp_path):
    model = run.path / "export" / "player_1" / "1"
    for version in ("2", "10", ".11.writing", "notes"):
        shutil.copytree(model, tmp_path / version)
    assert model_folder(tmp_path) == tmp_path / "10"


def test_of_several_other_models_one_has_to_be_chosen(run, tmp_path):
    for name in ("tflite", "onnx"):
        shutil.copytree(run.path / "export" / "player_1" / "tflite", tmp_path / name)
    with pytest.raises(ValueError, match="holds several models: choose onnx or tflite"):
        imagents.load_player(tmp_path)


# Damaged and foreign


def spoil(file, content):
    file.write_bytes(content)


def foreign(folder):
    (folder / "imagents.json").unlink()


def rewrite(**changes):
    """Changes of somebody who seals them, as any stranger can."""

    def spoil(folder):
        content = json.loads((folder / "imagents.json").read_text()) | changes
        (folder / "imagents.json").write_text(json.dumps(sealed(content)))

    return spoil


def edit(old, new):
    """A change by hand, or by a disk."""

    def spoil(folder):
        text = (folder / "imagents.json").read_text()
        assert old in text
        (folder / "imagents.json").write_text(text.replace(old, new))

    return spoil


def state(**changes):
    return rewrite(state={"state": {"dtype": "int32", "shape": [], "initial": 0} | changes})


def listing(name):
    """One more name in the list of checksums."""

    def spoil(folder):
        sums = json.loads((folder / "imagents.json").read_text())["sha256"]
        rewrite(sha256=sums | {name: "0" * 64})(folder)

    return spoil


def pipe(name):
    def spoil(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return spoil


def device(name):
    def spoil(folder):
        (folder / name).unlink()
        (folder / name).symlink_to("/dev/zero")

    return spoil


def truncate(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:100])


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (truncate("saved_model.pb"), "is damaged: saved_model.pb is not what the export wrote"),
        (truncate("variables/variables.index"), "is damaged: variables/variables.index is not what the export wrote"),
        (truncate("imagents.json"), "is damaged: imagents.json is not what the export wrote"),
        (lambda folder: (folder / "saved_model.pb").unlink(), "is damaged: saved_model.pb: No such file"),
        (lambda folder: (folder / "imagents.json").write_text("[]"), "is damaged: imagents.json is not what"),
        (rewrite(game={"name": "chess"}), "is damaged: imagents.json names no environment"),
        (rewrite(format="keras"), "is damaged: imagents.json is not what the export wrote"),
        (rewrite(state=None), "is damaged: imagents.json lacks what belongs in it"),
        (rewrite(state=2**40), "is damaged: imagents.json lacks what belongs in it"),
        (state(shape=[2**40]), "is damaged: imagents.json lacks what belongs in it"),
        (state(dtype=5), "is damaged: imagents.json lacks what belongs in it"),
        (state(initial=2**70), "is damaged: imagents.json lacks what belongs in it"),
        (state(), "is damaged: imagents.json lacks what belongs in it"),  # which the model does not take
        (rewrite(agent=5), "is damaged: imagents.json is not what the export wrote"),
        (rewrite(agent="\x1b[31mplayer_1"), "is damaged: imagents.json is not what the export wrote"),
        (rewrite(seat=True), "is damaged: imagents.json is not what the export wrote"),
        (rewrite(seat=2**40), "is damaged: imagents.json is not what the export wrote"),
        (rewrite(format=[]), "is damaged: imagents.json is not what the export wrote"),
        (rewrite(game={"name": "m", "rows": 10**100, "columns": 3, "k": 3, "gravity": 0}), "names no environment"),
        (rewrite(game={"name": [], "rows": 3, "columns": 3, "k": 3, "gravity": 0}), "names no environment"),
        (rewrite(sha256={}), "is damaged: imagents.json is not what the export wrote"),
        (rewrite(sha256={"saved_model.pb": None}), "is damaged: imagents.json is not what the export wrote"),
        (listing("/etc/passwd"), "is damaged: imagents.json is not what the export wrote"),
        (listing("../../../../../../etc/passwd"), "is damaged: imagents.json is not what the export wrote"),
        (listing("/dev/zero"), "is damaged: imagents.json is not what the export wrote"),
        (listing(""), "is damaged: 1: Is a directory"),
        (listing("x" * 5000), "is damaged: xxx.*: File name too long"),
        (pipe("variables/variables.index"), "is damaged: variables.index: Not a regular file"),
        (pipe("imagents.json"), "is damaged: imagents.json: Not a regular file"),
        (device("saved_model.pb"), "is damaged: imagents.json is not what the export wrote"),
        (device("imagents.json"), "is damaged: imagents.json: Not a regular file"),
        (edit('"seat": 0', '"seat": 1'), "is damaged: imagents.json is not what the export wrote"),
        (edit('"k": 3', '"k": 2'), "is damaged: imagents.json is not what the export wrote"),
        (edit('"python"', '"python", "seat": 0'), "is damaged: imagents.json is not what the export wrote"),
        (edit("sha256_of_this", "sha256_of_thi3"), "is damaged: imagents.json is not what the export wrote"),
        (foreign, "holds a model, but not one that imagents exported: it has no imagents.json"),
        (shutil.rmtree, "is not a run folder: it has no config.json"),
    ],
)
def test_damaged_and_foreign_models_are_refused_in_one_sentence(run, tmp_path, spoil, sentence):
    folder = tmp_path / "1"
    shutil.copytree(run.path / "export" / "player_1" / "1", folder)
    spoil(folder)
    with pytest.raises(ValueError, match=sentence) as raised:
        imagents.load_player(folder)
    assert str(raised.value).startswith(str(folder)) and "\n" not in str(raised.value)


def test_no_bit_of_its_metadata_can_change_what_is_read(run, tmp_path):
    folder = tmp_path / "1"
    shutil.copytree(run.path / "export" / "player_1" / "1", folder)
    path, expected, refused = folder / "imagents.json", read_metadata(folder), 0
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(whole), 400).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            assert read_metadata(folder) == expected
        except InputError:
            refused += 1
    assert refused > 300


def test_one_of_before_is_read_and_said_once_to_carry_no_sum(run, tmp_path, capsys):
    folder = tmp_path / "1"
    shutil.copytree(run.path / "export" / "player_1" / "1", folder)
    content = json.loads((folder / "imagents.json").read_text())
    del content["sha256_of_this"]
    (folder / "imagents.json").write_text(json.dumps(content))
    assert ExportedAgent(folder).name == imagents.load_agents(folder)[0].name == "player_1"
    sentence = f"imagents: {folder}/imagents.json carries no checksum of itself: it was written by an earlier version\n"
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize("kind, value", [("saved_model", np.nan), ("saved_model", np.inf), ("tflite", np.nan)])
def test_weights_that_are_no_numbers_are_refused(run, tmp_path, kind, value):
    agent = open_path(run.path).load()[0]
    model = AgentModel(agent, "tic_tac_toe")
    agent.policy.variables()[0].assign(tf.fill(agent.policy.variables()[0].shape, value))
    with pytest.raises(InputError, match="^player_1 cannot be exported: it has weights that are NaN or infinite$"):
        export_agent(agent, "tic_tac_toe", tmp_path, [kind])
    [folder] = write_models(model, tmp_path, [kind], {})
    with pytest.raises(InputError, match="is damaged: what it expects of moves is NaN or infinite$"):
        ExportedAgent(folder)


def test_an_agent_of_a_board_by_another_name_plays_by_its_shape(run, tmp_path):
    folder = tmp_path / "1"
    shutil.copytree(run.path / "export" / "player_1" / "1", folder)
    rewrite(game={"name": "noughts and crosses", "rows": 3, "columns": 3, "k": 3, "gravity": False})(folder)
    agent = ExportedAgent(folder)
    assert agent.environment.name == "3x3x3"
    assert agent.policy.action(BoardGameEnvironment(get_game("3x3x3")).reset()).action.shape == [1]


def test_bad_wishes_are_refused_in_one_sentence(run, tmp_path):
    with pytest.raises(ValueError, match="seat = 2: seats are 0 to 1"):
        imagents.load_player(run.path, seat=2)
    with pytest.raises(ValueError, match="has no agent 'player_3': its agents are player_1, player_2"):
        imagents.load_player(run.path, "player_3")
    with pytest.raises(ValueError, match="is not a run folder"):
        imagents.load_player(tmp_path)
    with pytest.raises(ValueError, match="is no agent that imagents exported"):
        ExportedAgent(tmp_path)


# The agents that ship with the package


def test_they_carry_a_sum_of_themselves(capsys):
    for name in shipped():
        for seat in (0, 1):
            assert "sha256_of_this" in read_metadata(open_shipped(name, seat).path)
    assert not capsys.readouterr().err


def test_they_are_small():
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) < 2_000_000


@pytest.mark.parametrize("number", [1, 2])
def test_those_of_tic_tac_toe_are_as_strong_as_their_metadata_says(number):
    agent = ExportedAgent(SHIPPED / "tic_tac_toe" / f"player_{number}")
    report = agent.environment.judge().assess(agent, TIC_TAC_TOE)
    assert report["exact"]["unbeatable"]
    assert report["optimal"] == pytest.approx(agent.metadata["evaluation"]["optimal_share"], abs=0.001)


@pytest.mark.parametrize("number", [1, 2])
def test_those_of_connect_four_are_as_strong_as_their_metadata_says(number):
    agent = ExportedAgent(SHIPPED / "connect_four" / f"player_{number}")
    expected = agent.metadata["evaluation"]["positions"]
    found = agent.environment.judge().assess(agent, CONNECT_FOUR)["positions"]
    for name, quality in expected.items():
        assert found[name]["good"] == pytest.approx(quality["good"], abs=0.005)
    assert found["close"]["good"] == pytest.approx(0.902, abs=0.005)


@pytest.mark.parametrize("game", [TIC_TAC_TOE, CONNECT_FOUR], ids=lambda game: game.name)
def test_they_are_players(game):
    player = imagents.load_player(open_shipped(game).path)
    match = Arena(game, 100).play(player, make_player("random", game, 1))
    assert match.total.score > 0.9


def test_greedy_moves_of_an_exported_agent_are_legal_at_the_start():
    agent = ExportedAgent(open_shipped(CONNECT_FOUR).path)
    assert 0 <= greedy_moves(agent, CONNECT_FOUR, np.zeros([1, 6, 7], np.int32))[0] < 7
