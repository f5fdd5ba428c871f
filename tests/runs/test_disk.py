"""A full, read-only or vanished disk stops a training in one sentence, and nothing is lost or overwritten.

The disks are real: small tmpfs file systems, which root may mount, and everybody else in a user namespace.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from small import small_config, small_flags, timeless

from imagents import InputError, cli
from imagents.runs.run import Run
from imagents.training.experiment import Experiment, train
from imagents.training.loop import Trainer, load_run

CONFIG = small_config(steps=450, evaluate_every=5, checkpoint_minutes=1e-9)  # a checkpoint after every chunk


def mount(*arguments) -> bool:
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    if not shutil.which("mount") or not mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", path):
        pytest.skip("mounting a file system is for root only; the last test here mounts it in a user namespace")
    yield path
    subprocess.run(["umount", "--lazy", path], capture_output=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    return train(CONFIG, tmp_path_factory.mktemp("runs") / "finished", quiet=True)


def assert_same_run(run: Run, other: Run) -> None:
    pd.testing.assert_frame_equal(timeless(run), timeless(other))
    for x, y in zip(load_run(run.path).variables, load_run(other.path).variables, strict=True):
        np.testing.assert_array_equal(x, y)


def files(path: pathlib.Path) -> dict[str, str]:
    """The checksum of every file below a folder."""
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in path.rglob("*") if p.is_file()}


def fill(disk: pathlib.Path, but: int) -> pathlib.Path:
    """Fills a disk but for some bytes."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1024)):
                pass
        except OSError:
            pass
    os.truncate(path, path.stat().st_size - but)
    return path


def after_chunk(experiment: Experiment, chunk: int, do) -> None:
    """Does something when that chunk has been trained and before anything of it is written."""
    run_chunk, seen = experiment.trainer.run, []

    def run(num_rounds):
        metrics = run_chunk(num_rounds)
        seen.append(num_rounds)
        if len(seen) == chunk:
            do()
        return metrics

    experiment.trainer.run = run


@pytest.mark.slow
@pytest.mark.parametrize("room", [0, 8_192])  # nothing fits, or no checkpoint
def test_a_full_disk_stops_a_training_which_goes_on_once_there_is_room(finished, disk, room, capfd):
    path = disk / "run"
    experiment = Experiment(CONFIG, path)
    after_chunk(experiment, 3, lambda: fill(disk, but=room))
    with pytest.raises(OSError) as error:
        experiment.run(quiet=True)
    assert str(error.value) == (
        f"{path} cannot be written: No space left on device; what was saved is sound, and once it can be written again "
        f"imagents train --resume {path} goes on from there"
    )
    assert not list(path.rglob("*writing*"))
    before = files(path / "checkpoints")
    if room == 0:  # not even the settings can be written
        assert cli.main(["train", "--resume", str(path), "--steps", "500"]) == 2
        [sentence] = capfd.readouterr().err.splitlines()
        assert sentence.startswith(f"imagents train: {path} cannot be written: No space left on device; ")
    assert files(path / "checkpoints") == before and Run(path).check_to_resume()["rounds"] in (4, 6)
    (disk / "filler").unlink()
    assert_same_run(finished, train(resume=path, quiet=True))
    assert not capfd.readouterr().err  # no noise of TensorFlow's


def test_the_command_says_so_too(disk, capfd, monkeypatch):
    run_chunk = Trainer.run

    def run(self, num_rounds):
        metrics = run_chunk(self, num_rounds)
        fill(disk, but=0)
        return metrics

    monkeypatch.setattr(Trainer, "run", run)
    assert cli.main(["train", "--output-dir", str(disk / "run"), *small_flags()]) == 1
    [sentence] = capfd.readouterr().err.splitlines()
    assert sentence.startswith(f"imagents train: {disk / 'run'} cannot be written: No space left on device; ")


def test_a_disk_without_room_for_the_beginning_is_named(disk):
    fill(disk, but=0)
    with pytest.raises(InputError, match="run cannot be written: No space left on device"):
        Experiment(CONFIG, disk / "run")
    (disk / "filler").unlink()
    filler = fill(disk, but=16_384)  # enough for the settings, not for a checkpoint
    with pytest.raises(InputError, match="run cannot be written: No space left on device; "):
        Experiment(CONFIG, disk / "run")
    filler.unlink()
    train(resume=disk / "run", steps=50, quiet=True)


@pytest.mark.slow
def test_a_read_only_run_is_named_and_left_alone(disk):
    path = disk / "run"
    train(CONFIG.replace(steps=100), path, quiet=True)
    before = files(path)
    assert mount("-o", "remount,ro", disk)
    for arguments in ({"resume": path}, {"steps": 200, "resume": path}):
        with pytest.raises(InputError, match="run cannot be written: Read-only file system"):
            train(**arguments)
    with pytest.raises(InputError, match="new cannot be written: "):
        train(CONFIG, disk / "new")
    assert files(path) == before
    load_run(path)  # reading is fine
    assert mount("-o", "remount,rw", disk)
    assert train(resume=path, steps=200, quiet=True).metrics()["steps"].iloc[-1] >= 200


@pytest.mark.parametrize("way", ["deleted", "unmounted"])
def test_a_folder_that_vanishes_is_named_and_not_made_again(disk, way):
    path = disk / "run"
    experiment = Experiment(CONFIG, path)
    vanish = {"deleted": lambda: shutil.rmtree(path), "unmounted": lambda: subprocess.run(["umount", "-l", disk])}
    after_chunk(experiment, 2, vanish[way])
    with pytest.raises(OSError) as error:
        experiment.run(quiet=True)
    assert str(error.value) == f"{path} is gone: it was deleted, or its disk was taken away"
    assert not path.exists()


def test_all_of_this_in_a_user_namespace(request):
    """For those who are not root."""
    if os.geteuid() == 0:
        pytest.skip("root has mounted the disks already")
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here: it takes root, or user namespaces")
    command = [*namespace, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    result = subprocess.run(command, capture_output=True, text=True, cwd=request.config.rootpath)
    assert result.returncode == 0, result.stdout
