"""What a path holds, said in one place; and what it costs to know."""

import collections
import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
from small import small_config

import imagents
from imagents.config import environment_settings, run_folder
from imagents.environments.boards.environment import time_step_at
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.errors import InputError
from imagents.evaluation.report import evaluate_run
from imagents.evaluation.tournament import environment_of
from imagents.export import reading
from imagents.files import checksum, read_json, sealed, write_json
from imagents.learning.agent import IMAgent
from imagents.opening import (
    expand,
    export_run,
    load_agents,
    open_path,
    open_shipped,
    prepare_export,
    shipped,
    split_agent,
)
from imagents.players.names import make_player
from imagents.plotting.reading import read_measures, read_metrics
from imagents.plotting.tournament import read_tournament
from imagents.runs import run as runs
from imagents.runs.run import Run
from imagents.runs.snapshots import save_snapshot
from imagents.training.loop import build

CONFIG = small_config()
START = time_step_at(TIC_TAC_TOE, np.zeros([1, 3, 3]), 0)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A run with two checkpoints, a snapshot and an export; its agents prefer cell 3 at first, and cell 7 later."""
    run, trainer = Run.create(tmp_path_factory.mktemp("runs") / "mine", CONFIG), build(CONFIG)
    for rounds, cell in ((10, 3), (20, 7)):
        for agent in trainer.agents:
            for variable in agent.policy.variables():
                variable.assign(tf.zeros_like(variable))
            agent.policy.variables()[-1].assign(tf.one_hot(cell, 9))
        run.save(tf.train.Checkpoint(trainer=trainer), rounds, 1.5)
        save_snapshot(run.path, trainer.agents, rounds, steps=4 * rounds, rounds_per_chunk=10, most=2,
                      settings=CONFIG.to_dict())  # fmt: skip
    export_run(run.path, formats=["saved_model", "tflite"])
    return run


KINDS = {  # what a path can be: the path in a run's folder, and the cell that its agents prefer
    "run": ("", 7),
    "newest checkpoint": ("checkpoints/0000000020", 7),
    "older checkpoint": ("checkpoints/0000000010", 3),
    "snapshot": ("snapshots/0000000010.npz", 3),
    "exported agent": ("export/player_1", 7),
    "version of an exported agent": ("export/player_1/1", 7),
    "model's file": ("export/player_1/1/saved_model.pb", 7),
    "model of another format": ("export/player_1/tflite", 7),
    "its file": ("export/player_1/tflite/model.tflite", 7),
    "its metadata": ("export/player_1/tflite/imagents.json", 7),
}
every_kind = pytest.mark.parametrize("path, cell", KINDS.values(), ids=KINDS)


@every_kind
def test_it_says_whose_agents_a_path_holds_and_gives_them(run, path, cell):
    opened = open_path(run.path / path)
    is_export = path.startswith("export")
    assert opened.environment == (environment_settings("tic_tac_toe") if is_export else CONFIG.environment)
    assert opened.config == (None if is_export else CONFIG)
    assert opened.agent_names == (["player_1"] if is_export else ["player_1", "player_2"])
    assert opened.path == (reading.model_folder(run.path / path) if is_export else run.path / path)
    assert [agent.name for agent in opened.agents] == opened.agent_names
    assert all(isinstance(agent, reading.ExportedAgent if is_export else IMAgent) for agent in opened.agents)
    assert opened.agents[0].policy.action(START).action.numpy().tolist() == [cell]
    assert opened.agents is opened.agents  # read once
    assert [agent.name for agent in load_agents(str(run.path / path))] == opened.agent_names


@every_kind
def test_whatever_takes_a_path_takes_the_agent_that_it_holds(run, path, cell):
    here = str(run.path / path)
    for player in (make_player(here, "tic_tac_toe", 0), make_player(f"{here}:player_1", "tic_tac_toe", 1),
                   imagents.load_player(here, seat=0), imagents.load_player(here, "player_1", 1)):  # fmt: skip
        shown = time_step_at(TIC_TAC_TOE, np.zeros([1, 3, 3]), player.seat)
        assert player.act(shown).numpy().tolist() == [cell]


class TestChecksums:
    """Every file that vouches for an agent is read once for it: exports may be hundreds of megabytes."""

    @pytest.fixture
    def read(self, monkeypatch):
        """How often the checksum of each file was made."""
        counts = collections.Counter()

        def counted(module):
            checksum = module.checksum

            def count(path):
                counts[path] += 1
                return checksum(path)

            monkeypatch.setattr(module, "checksum", count)

        for module in (runs, reading):
            counted(module)
        return counts

    @every_kind
    @pytest.mark.parametrize(
        "load",
        [
            load_agents,
            imagents.load_player,
            lambda path: make_player(str(path), "tic_tac_toe"),
            lambda path: open_path(path).agents[0].policy.action(START),
        ],
        ids=["load_agents", "load_player", "make_player", "open_path"],
    )
    def test_a_load_makes_each_once(self, run, read, path, cell, load):
        load(run.path / path)
        if path.startswith("snapshots"):
            assert not read  # its zip vouches for itself
            return
        is_export = path.startswith("export")
        folder = reading.model_folder(run.path / path) if is_export else run.path / (path or "checkpoints/0000000020")
        sums = json.loads((folder / ("imagents.json" if is_export else "manifest.json")).read_text())["sha256"]
        assert sums and read == dict.fromkeys([folder / name for name in sums], 1)

    def test_so_do_a_shipped_agent_and_an_export(self, run, read, tmp_path):
        make_player("trained", "connect_four")
        assert read and set(read.values()) == {1}
        read.clear()
        export_run(run.path, tmp_path)
        assert {path.parent for path in read} == {run.checkpoints()[-1]} and set(read.values()) == {1}

    def test_to_know_what_a_run_is_none_is_made(self, run, read):
        assert open_path(run.path).agent_names and expand(str(run.path)) and not read


# Which of its agents


def test_a_seat_is_played_by_who_learned_it_or_else_by_the_first(run):
    both, one = open_path(run.path), open_path(run.path / "export" / "player_2")
    assert [both.agent_for(CONFIG.environment, seat).name for seat in (0, 1)] == ["player_1", "player_2"]
    assert [both.agent_for(CONFIG.environment, seat, "player_2").name for seat in (0, 1)] == ["player_2"] * 2
    assert [one.agent_for(one.environment, seat).name for seat in (0, 1)] == ["player_2"] * 2


def test_who_is_not_there_or_learned_something_else_is_refused_in_one_sentence(run):
    opened = open_path(run.path)
    with pytest.raises(InputError, match="mine has no agent 'player_3': its agents are player_1, player_2$"):
        opened.agent_for(CONFIG.environment, 0, "player_3")
    with pytest.raises(InputError, match="mine is a run of tic_tac_toe, and this is a game of 5x5x4$"):
        opened.agent_for(environment_settings("5x5x4"), 0)


@pytest.mark.parametrize("path", ["nowhere", "", "checkpoints", "file"])
def test_what_holds_no_agent_is_refused_in_one_sentence(tmp_path, path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"^{tmp_path / path} is not a run folder: it has no config.json$"):
        open_path(tmp_path / path)


@pytest.mark.parametrize("take", [open_path, split_agent, expand, run_folder, load_agents])
@pytest.mark.parametrize("path", ["x" * 300, "y/" * 3000, "no/" + "x" * 300 + ":player_1"])
def test_a_name_that_is_too_long_is_no_path(take, path):
    if take in (open_path, load_agents):
        with pytest.raises(InputError, match="cannot be read: File name too long$|is not a run folder"):
            take(path)
    else:
        assert take(path) in (None, [path], pathlib.Path(path))


# One of its agents


@pytest.mark.parametrize("path", ["", "checkpoints/0000000010", "snapshots/0000000010.npz"])
def test_a_path_with_an_agents_name_holds_that_agent_alone(run, path):
    opened = open_path(f"{run.path / path}:player_2")
    assert opened.agent_names == ["player_2"] and [agent.name for agent in opened.agents] == ["player_2"]
    assert opened.path == run.path / path and opened.config == CONFIG
    assert open_path(pathlib.Path(f"{run.path / path}:player_2")).agent_for(CONFIG.environment, 0).name == "player_2"
    assert run_folder(f"{run.path / path}:player_2") == run.path
    with pytest.raises(InputError, match="has no agent 'player_3': its agents are player_1, player_2$"):
        open_path(f"{run.path / path}:player_3")
    with pytest.raises(InputError, match="player_1 has no agent 'player_2': its agents are player_1$|1 has no agent"):
        open_path(f"{run.path / 'export' / 'player_1'}:player_2")


def test_a_colon_in_a_folders_name_is_no_agent(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "a:player_1")
    assert open_path(tmp_path / "a:player_1").agent_names == ["player_1", "player_2"]
    assert open_path(f"{tmp_path}/a:player_1:player_2").agent_names == ["player_2"]


def test_the_report_of_one_agent_is_of_it_alone(run):
    report = evaluate_run(f"{run.path}:player_2", games=2, solver_games=0)
    assert list(report["agents"]) == ["player_2"]


# What holds an agent, and was changed


def test_weights_of_a_checkpoint_that_are_no_numbers_are_refused(tmp_path):
    run, trainer = Run.create(tmp_path / "run", CONFIG), build(CONFIG)
    variable = trainer.agents[1].policy.variables()[-1]
    variable.assign(tf.fill(variable.shape, float("nan")))
    run.save(tf.train.Checkpoint(trainer=trainer), 10, 1.5)
    with pytest.raises(InputError, match="0000000010 is damaged: player_2 has weights that are NaN or infinite$"):
        load_agents(run.path)


@pytest.mark.parametrize("name", ["/dev/zero", "../../config.json", "/etc/passwd", "pipe", "link", "x" * 5000, ""])
def test_a_manifest_names_nothing_but_files_of_its_checkpoint(run, tmp_path, name):
    shutil.copytree(run.checkpoints()[0], tmp_path / "checkpoints" / "0000000010")
    shutil.copy(run.path / "config.json", tmp_path)
    folder = tmp_path / "checkpoints" / "0000000010"
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/dev/zero")
    manifest = read_json(folder / "manifest.json")
    right = checksum(folder / name) if os.path.isfile(folder / name) else "0" * 64
    write_json(folder / "manifest.json", sealed(manifest | {"sha256": manifest["sha256"] | {name: right}}))
    with pytest.raises(InputError, match="0000000010 is damaged: there is no older one$"):
        load_agents(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "measures.json", "metrics.csv", "evaluation.json", "tournament.json"])
@pytest.mark.parametrize("kind", ["pipe", "device", "large"])
def test_whatever_stands_in_the_place_of_a_runs_files_is_refused_and_not_read(run, tmp_path, name, kind):
    for file in ("config.json", "metrics.csv"):
        (tmp_path / file).write_text("{}" if file == "config.json" else "round,steps,player_1_loss\n1,2,3\n")
    shutil.copytree(run.checkpoints()[0], tmp_path / "checkpoints" / "0000000010")
    (tmp_path / name).unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(tmp_path / name)
    elif kind == "device":
        (tmp_path / name).symlink_to("/dev/zero")
    else:
        with open(tmp_path / name, "wb") as file:
            file.truncate(400_000_000)
    read = {
        "config.json": open_path, "measures.json": read_measures, "metrics.csv": read_metrics,
        "tournament.json": read_tournament,
    }  # fmt: skip
    if name == "evaluation.json":
        assert "evaluation" not in open_path(tmp_path).provenance("player_1")
    else:
        with pytest.raises(InputError, match=f"{name} ") as raised:
            read[name](tmp_path)
        assert len(str(raised.value)) < 300


# Names


def test_a_name_is_split_into_a_path_that_exists_and_an_agent(run):
    assert split_agent(str(run.path)) == (str(run.path), "")
    assert split_agent(f"{run.path}:player_2") == (str(run.path), "player_2")
    assert split_agent("random") is None and split_agent("minimax:2") is None and split_agent("/nowhere:x") is None


def test_a_run_stands_for_all_its_agents_and_snapshots_for_all_in_each(run):
    names = ["player_1", "player_2"]
    for path in (run.path, run.checkpoints()[0], run.snapshots()[0]):
        assert expand(str(path)) == [f"{path}:{name}" for name in names]
    found = [f"{snapshot}:{name}" for name in names for snapshot in run.snapshots()]
    assert expand(str(run.path / "snapshots")) == found and len(found) == 4
    for name in ("random", f"{run.path}:player_1", str(run.path / "export" / "player_1"), "/nowhere"):
        assert expand(name) == [name]


def test_a_study_stands_for_all_its_finished_runs(run, tmp_path):
    runs = [tmp_path / "runs" / f"{name}-seed-{number}" for name, number in (("b", 2), ("b", 10), ("a", 3), ("a", 4))]
    write_json(tmp_path / "study.json", {})
    with pytest.raises(InputError, match="is a study's folder, and none of its runs is finished"):
        expand(str(tmp_path))
    for path in runs:
        shutil.copytree(run.path, path)
        write_json(path / "evaluation.json", {})
    write_json(runs[2] / "failed.json", {"failed": "it diverged"})
    finished = [runs[3], *runs[:2]]
    assert expand(str(tmp_path), whole=True) == [*map(str, finished)]
    assert expand(str(tmp_path)) == [f"{path}:{agent}" for path in finished for agent in ("player_1", "player_2")]
    assert expand(f"{tmp_path}:player_2") == [f"{path}:player_2" for path in finished]
    assert environment_of(["random", str(tmp_path)]).name == "tic_tac_toe"
    with pytest.raises(InputError, match="is a study's folder: name one of its runs, such as .*a-seed-4"):
        open_path(tmp_path)


# Shipped agents, and exports


def test_the_agents_that_ship_are_those_of_each_seat():
    assert shipped() == ["connect_four", "tic_tac_toe"]
    for environment in shipped():
        for seat in (0, 1):
            opened = open_shipped(environment, seat)
            assert opened.environment == environment_settings(environment) and opened.config is None
            assert [(agent.name, agent.seat) for agent in opened.agents] == [(f"player_{seat + 1}", seat)]
    with pytest.raises(InputError, match="^no trained agent of 5x5x4 ships with imagents: there are some of connect"):
        open_shipped("5x5x4")


def test_what_is_known_of_a_training_goes_with_its_newest_checkpoint_only(run, tmp_path):
    evaluation = {"round": 20, "agents": {"player_1": {"optimal": 0.5}}}
    (run.path / "evaluation.json").write_text(json.dumps(evaluation))
    known = {"run": "mine", "training": CONFIG.to_dict()}
    newest, older = {"rounds": 20, "evaluation": {"optimal": 0.5}}, {"rounds": 10}
    for path, own in (("", newest), ("checkpoints/0000000020", newest), ("checkpoints/0000000010", older)):
        assert open_path(run.path / path).provenance("player_1") == known | own
    assert open_path(run.path).provenance("player_2") == known | {"rounds": 20}


@pytest.mark.parametrize("path", ["checkpoints/0000000010", "snapshots/0000000010.npz"])
def test_a_copy_with_another_name_is_exported_with_its_own_rounds(run, tmp_path, path):
    copy = (run.path / path).with_stem("the best")
    (shutil.copytree if (run.path / path).is_dir() else shutil.copy)(run.path / path, copy)
    try:
        [model, _] = export_run(copy, tmp_path)
    finally:
        shutil.rmtree(copy) if copy.is_dir() else copy.unlink()
    assert read_json(model / "imagents.json")["rounds"] == 10


def test_an_export_is_not_exported_again(run, tmp_path):
    with pytest.raises(InputError, match="player_1 is exported already: name the run$"):
        prepare_export(run.path / "export" / "player_1", tmp_path)
