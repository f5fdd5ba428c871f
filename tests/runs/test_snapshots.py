"""Snapshots: few, spread over the run, and enough to play with."""

import json
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from small import small_config

from imagents import InputError
from imagents.config import run_folder
from imagents.files import sealed
from imagents.opening import load_agents
from imagents.runs.run import Run
from imagents.runs.snapshots import read_snapshot, save_snapshot, snapshot_counts, snapshots
from imagents.training.loop import build

SMALL = small_config()
SETTINGS = SMALL.to_dict()


@pytest.fixture
def trainer():
    return build(SMALL)


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", SMALL)


def rounds_kept(run) -> list[int]:
    return [int(path.stem) for path in snapshots(run.path)]


@pytest.mark.parametrize(
    "chunks, most, kept",
    [
        (3, 4, [10, 20, 30]),
        (4, 4, [10, 20, 30, 40]),
        (5, 4, [10, 20, 30, 40]),
        (6, 4, [10, 20, 40, 60]),
        (9, 4, [10, 20, 40, 60, 80]),
        (12, 4, [10, 20, 40, 80, 120]),
        (100, 4, [10, 20, 40, 80, 160, 320, 640, 960]),
        (100, 8, [10, 20, 40, 80, 160, 320, 480, 640, 800, 960]),
        (5, 1, [10, 20, 40]),
        (5, 0, []),
    ],
)
def test_they_are_spread_evenly_and_become_sparser_as_the_run_grows_but_early_on(run, trainer, chunks, most, kept):
    for chunk in range(chunks + 1):
        save_snapshot(run.path, trainer.agents, 10 * chunk, 70 * chunk, 10, most, SETTINGS)
    assert rounds_kept(run) == [0] * (most > 0) + kept


def test_a_resumed_run_keeps_the_same_ones(run, trainer):
    for chunk in [*range(1, 8), *range(5, 10)]:
        save_snapshot(run.path, trainer.agents, 10 * chunk, 70 * chunk, 10, 4, SETTINGS)
    assert rounds_kept(run) == [10, 20, 40, 60, 80]


def test_agents_come_back_with_the_networks_they_had(run, trainer):
    for agent in trainer.agents:
        for variable in agent.policy.variables():
            variable.assign(variable + 1.0)
    save_snapshot(run.path, trainer.agents, 10, 70, 10, 4, SETTINGS)
    [path] = snapshots(run.path)
    loaded = load_agents(path)
    assert [(agent.name, agent.seat, agent.batch_size) for agent in loaded] == [("player_1", 0, 1), ("player_2", 1, 1)]
    for before, after in zip(trainer.agents, loaded):
        for x, y in zip(before.policy.variables(), after.policy.variables(), strict=True):
            np.testing.assert_array_equal(x, y)
    assert snapshot_counts(path)[1] == 70
    assert run_folder(path) == run.path


def test_what_is_no_snapshot_is_refused(run):
    with pytest.raises(InputError, match="is not a snapshot of a run"):
        load_agents(run.path / "snapshots" / "0000000010.npz")
    with pytest.raises(InputError, match="holds no checkpoint"):
        load_agents(run.path)


# Damaged, hostile, and of before


@pytest.fixture
def snapshot(run, trainer):
    """A snapshot of a run, and what is in it."""
    save_snapshot(run.path, trainer.agents, 10, 70, 10, 4, SETTINGS)
    [path] = snapshots(run.path)
    with np.load(path) as arrays:
        return path, dict(arrays)


@pytest.mark.parametrize(
    "name, value",
    [("environment", "connect_four"), ("environment", "4x3x3"), ("reward_win", 2.0), ("first_mover", "alternate"),
     ("hidden_layers", [4])],
)  # fmt: skip
def test_one_of_other_settings_than_its_runs_is_refused_by_the_settings_name(run, snapshot, name, value):
    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps(config | {name: value}))
    with pytest.raises(InputError, match=f"has {name} = .*, but its snapshot 0000000010 was made with .*: one of"):
        load_agents(snapshot[0])


def test_a_budget_may_have_changed(run, snapshot):
    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps(config | {"steps": 500, "minutes": 3}))
    assert load_agents(snapshot[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(run, trainer, value):
    variable = trainer.agents[1].policy.variables()[0]
    variable.assign(np.where(np.arange(variable.shape[-1]) == 1, value, variable.numpy()))
    save_snapshot(run.path, trainer.agents, 10, 70, 10, 4, SETTINGS)
    with pytest.raises(InputError, match="is damaged: player_2 has weights that are NaN or infinite$"):
        load_agents(snapshots(run.path)[0])


def test_one_of_before_is_read_and_said_once_to_carry_no_sum(snapshot, capsys):
    path, arrays = snapshot
    arrays["plies"] = arrays.pop("steps")
    np.savez(path, **{name: array for name, array in arrays.items() if name != "about"})
    assert len(load_agents(path)) == len(load_agents(path)) == 2 and snapshot_counts(path)[1] == 70
    sentence = f"imagents: {path} carries no checksum of itself: it was written by an earlier version\n"
    assert capsys.readouterr().err == sentence


def test_no_bit_of_it_can_change_what_is_read(snapshot):
    path, _ = snapshot
    whole, expected = path.read_bytes(), [x.numpy() for a in load_agents(path) for x in a.policy.variables()]
    variables = {f"{a.name}/{i}": x for a in load_agents(path) for i, x in enumerate(a.policy.variables())}
    refused = 0
    for place in np.random.default_rng(0).integers(0, len(whole), 400).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            read = read_snapshot(path, SMALL, variables)
        except InputError:
            refused += 1
        else:
            for name, before in zip(variables, expected, strict=True):
                np.testing.assert_array_equal(read[name], before)
    assert refused > 300


def resealed(arrays, **changes):
    about = json.loads(str(arrays["about"]))
    return arrays | {"about": np.array(json.dumps(sealed(about | changes)))}


class Spoilt:
    """What a stranger may put in a snapshot's place."""

    def a_bomb(path, arrays):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("player_1/0.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (2**26,)})
                file.write(bytes(2**26))

    def a_bomb_for_a_text(path, arrays):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("about.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array_header_1_0(file, {"descr": "<U16777216", "fortran_order": False, "shape": ()})
                file.write(bytes(2**26))

    def a_bomb_of_the_right_name(path, arrays):
        np.savez_compressed(path, **arrays | {"player_1/0": np.zeros([2**24], np.float32)})

    def a_file_larger_than_its_agents(path, arrays):
        np.savez(path, **arrays | {"more": np.zeros([2**24], np.uint8)})

    def another_type(path, arrays):
        np.savez(path, **arrays | {"player_1/0": arrays["player_1/0"].astype(np.float64)})

    def objects(path, arrays):
        np.savez(path, allow_pickle=True, **arrays | {"player_1/0": np.array([{}], object)})

    def another_array(path, arrays):
        np.savez(path, **arrays | {"player_1/0": arrays["player_1/0"] + 1})

    def settings_of_another_kind(path, arrays):
        np.savez(path, **resealed(arrays, settings=[]))

    def no_sums(path, arrays):
        np.savez(path, **resealed(arrays, sha256=5))

    def something_more_and_no_seal(path, arrays):
        np.savez(path, **{name.replace("about", "abou4"): array for name, array in arrays.items()})

    def a_pipe(path, arrays):
        path.unlink()
        os.mkfifo(path)

    def a_device(path, arrays):
        path.unlink()
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("spoil", [f for name, f in vars(Spoilt).items() if name[0] != "_"], ids=lambda f: f.__name__)
def test_whatever_stands_in_its_place_is_refused_before_it_is_unpacked(snapshot, spoil):
    path, arrays = snapshot
    spoil(path, arrays)
    tracemalloc.start()
    with pytest.raises(InputError, match="^[^\n]*0000000010.npz is not a snapshot of a run: [^\n]+$"):
        load_agents(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**23
