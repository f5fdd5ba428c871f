"""A run folder is shared with whatever else lies there, and housekeeping in it never ends a training."""

import errno
import json
import os
import pathlib
import shutil

import pytest
import tensorflow as tf
from small import small_config

from imagents import InputError, files
from imagents.app.folder import newest
from imagents.cloud.sagemaker.place import Place, write_results
from imagents.opening import load_agents
from imagents.runs.run import Run, checkpoints
from imagents.runs.snapshots import save_snapshot, snapshots
from imagents.training.loop import build


@pytest.fixture(scope="module")
def trainer():
    return build(small_config())


@pytest.fixture
def run(tmp_path) -> Run:
    run = Run.create(tmp_path / "run", small_config())
    yield run
    run.release()


def save(run, trainer, *rounds):
    for number in rounds:
        run.save(tf.train.Checkpoint(trainer=trainer), number, float(number))


def names(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# What is not ours


@pytest.mark.parametrize("name", ["0000000004-best", "4", "00000000040", "0000000004 (copy)", "newest"])
def test_a_folder_with_another_name_is_no_checkpoint(run, trainer, name):
    save(run, trainer, 0, 4)
    mine = shutil.copytree(run.path / "checkpoints" / "0000000004", run.path / "checkpoints" / name)
    save(run, trainer, 6, 8)
    assert names(run.path / "checkpoints") == sorted(["0000000006", "0000000008", name])
    assert names(mine) == ["manifest.json", "state.data-00000-of-00001", "state.index"]
    assert run.newest_checkpoint().name == newest(run.path) == "0000000008"
    (mine / "state.index").write_text("damaged")
    assert run.drop_damaged() == [] and mine.exists()
    load_agents(run.path)


@pytest.mark.parametrize("name", ["0000000004.tar.gz", "0000000012", "notes.txt", ".DS_Store"])
def test_a_file_beside_the_checkpoints_is_left_alone(run, trainer, name):
    save(run, trainer, 0, 4)
    (run.path / "checkpoints" / name).write_text("mine")
    save(run, trainer, 6, 8)
    assert (run.path / "checkpoints" / name).read_text() == "mine"
    assert [path.name for path in run.checkpoints()] == ["0000000006", "0000000008"]


@pytest.mark.parametrize("name", ["0000000010-best.npz", "10.npz", "0000000010.npz.bak", "x.npz"])
def test_a_file_beside_the_snapshots_is_left_alone(run, trainer, name):
    for chunk in range(1, 9):
        save_snapshot(run.path, trainer.agents, 10 * chunk, 70 * chunk, 10, 4, run.config.to_dict())
        (run.path / "snapshots" / name).write_text("mine")
    assert [path.stem for path in snapshots(run.path)] == [f"{n:010d}" for n in (10, 20, 40, 60, 80)]
    assert (run.path / "snapshots" / name).read_text() == "mine"


def test_marks_that_come_and_go_while_a_checkpoint_is_written_are_no_part_of_it(run, trainer, monkeypatch):
    """As SageMaker makes them beside the files that it copies."""
    state = tf.train.Checkpoint(trainer=trainer)
    write, write_json = state.write, run.save.__globals__["write_json"]

    def marked(prefix):
        write(prefix)
        for name in ("state.index", "state.data-00000-of-00001"):
            pathlib.Path(prefix).with_name(f"{name}.sagemaker-uploading").touch()

    def unmarked(path, content):
        for mark in path.parent.glob("*.sagemaker-uploading"):
            mark.unlink()
        write_json(path, content)

    monkeypatch.setattr(state, "write", marked)
    monkeypatch.setitem(run.save.__globals__, "write_json", unmarked)
    run.save(state, 4, 1.0)
    manifest = run.check(run.newest_checkpoint())
    assert list(manifest["sha256"]) == ["state.data-00000-of-00001", "state.index"]


def test_a_job_leaves_its_run_behind_without_marks_copies_and_older_checkpoints(run, trainer, tmp_path, monkeypatch):
    save(run, trainer, 0, 4)
    save_snapshot(run.path, trainer.agents, 10, 70, 10, 4, run.config.to_dict())
    shutil.copytree(run.path / "checkpoints" / "0000000004", run.path / "checkpoints" / "0000000004-best")
    marks = ["checkpoints/0000000004/state.index", "snapshots/0000000010.npz", "config.json"]
    for name in marks:
        (run.path / f"{name}.sagemaker-uploading").symlink_to("gone")  # cannot be copied
    monkeypatch.setattr(Place, "run", run.path)
    monkeypatch.setattr("imagents.opening.export_run", lambda path, folder: [])
    write_results(Place(tmp_path, tmp_path / "model", tmp_path / "output", {}, ["algo-1"], 0, "job", False))
    copied = tmp_path / "model" / "run"
    assert sorted(str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()) == [
        *(f"checkpoints/0000000004/{name}" for name in ("manifest.json", "state.data-00000-of-00001", "state.index")),
        "config.json", "job.json", "snapshots/0000000010.npz",
    ]  # fmt: skip
    assert names(tmp_path / "output") == ["config.json"]


# Housekeeping


@pytest.mark.parametrize("number", [errno.ENOTEMPTY, errno.EBUSY, errno.EACCES])
def test_an_old_checkpoint_that_cannot_be_removed_goes_next_time(run, trainer, monkeypatch, number):
    save(run, trainer, 0, 4)
    rmdir = os.rmdir

    def refuse(path, *arguments, **settings):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "rmdir", refuse)
    save(run, trainer, 6)
    assert run.newest_checkpoint().name == "0000000006" and "0000000000" in names(run.path / "checkpoints")
    monkeypatch.setattr(os, "rmdir", rmdir)
    save(run, trainer, 8)
    assert names(run.path / "checkpoints") == ["0000000006", "0000000008"]


def test_an_old_snapshot_that_cannot_be_removed_stays(run, trainer, monkeypatch):
    def refuse(path, missing_ok=False):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(pathlib.Path, "unlink", refuse)
    for chunk in (1, 2):
        save_snapshot(run.path, trainer.agents, 10 * chunk, 70 * chunk, 10, 1, run.config.to_dict())
    assert len(snapshots(run.path)) == 2


def test_what_a_kill_left_half_written_goes_when_the_run_is_claimed(run, trainer):
    save(run, trainer, 0)
    run.release()
    left = [run.path / "config.json", run.path / "checkpoints" / "0000000004", run.path / "plots" / "losses.png"]
    left = [files.temporary(path) for path in left] + [run.path / "checkpoints" / ".writing"]
    for path in left:
        path.mkdir(parents=True)
    mine = run.path / ".thesis.writing"
    mine.write_text("mine")
    run.claim()
    assert not any(path.exists() for path in left) and mine.read_text() == "mine"


@pytest.fixture
def synced(monkeypatch) -> list[str]:
    """The names of what is brought to the disk."""
    names, fsync = [], os.fsync

    def watched(descriptor):
        names.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    return names


def test_all_that_a_checkpoint_proves_is_on_the_disk_before_it_counts(run, trainer, synced, monkeypatch):
    run.append_metrics({"round": 4, "steps": 70})
    writer = tf.summary.create_file_writer(str(run.path / "events"))
    with writer.as_default(step=70):
        tf.summary.scalar("loss", 1.0)
    writer.close()
    rename, before = os.rename, []
    monkeypatch.setattr(os, "rename", lambda *paths: (before.extend(synced), rename(*paths)))
    save(run, trainer, 4)
    events = names(run.path / "events")
    assert {"metrics.csv", "state.index", "state.data-00000-of-00001", *events} < {*before}
    assert synced[-1] == "checkpoints"


def test_snapshots_and_figures_are_brought_to_the_disk(run, trainer, synced):
    from imagents import plotting

    run.append_metrics({"round": 4, "steps": 70, "player_1_loss": 0.5, "player_1_return": 0.1})
    save_snapshot(run.path, trainer.agents, 10, 70, 10, 4, run.config.to_dict())
    plotting.save_all(run.path)
    for name, folder in (("0000000010.npz", "snapshots"), ("losses.png", "plots"), ("returns.png", "plots")):
        place = next(i for i, found in enumerate(synced) if found.startswith(f".{name}."))
        assert synced[place + 1] == folder


# What the checkpoint knows


@pytest.mark.parametrize("metrics", [5, {}, {"bytes": "many", "rows": 1, "header": "round", "sha256": ""}])
def test_a_manifest_that_knows_nonsense_is_damaged(run, trainer, metrics):
    save(run, trainer, 4)
    path = run.newest_checkpoint() / "manifest.json"
    run.change_manifest(json.loads(path.read_text()), metrics=metrics)
    with pytest.raises(InputError, match="is damaged: there is no older one"):
        run.check(run.newest_checkpoint())


def test_checkpoints_are_found_in_folders_of_any_name(tmp_path, trainer):
    run = Run.create(tmp_path / "run*", small_config())
    (run.path / "checkpoints" / "0000000004").mkdir(parents=True)
    assert [path.name for path in checkpoints(run.path)] == ["0000000004"]
    run.release()
