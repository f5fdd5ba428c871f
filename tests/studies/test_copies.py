"""Runs of a study are copied to an address as they are trained, and come back from there."""

import pathlib
import shutil

import pandas as pd
import pytest

from imagents import cli
from imagents.config import TrainConfig
from imagents.runs.run import Run
from imagents.studies.copies import Copies
from imagents.studies.worker import Worker

CONFIG = TrainConfig("climbing", algorithm="tabular", steps=16, rounds_per_chunk=8, execution="eager", evaluate_every=2)


def files(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.name != ".lock"}  # fmt: skip


def test_a_run_that_is_gone_comes_back_and_goes_on_as_if_it_had_not_been(tmp_path):
    address, run = f"file://{tmp_path}/copies", tmp_path / "runs/one"
    Worker(address).train(CONFIG, run, until=5)
    assert files(run) == files(tmp_path / "copies/one")
    rows = Run(run).metrics()
    shutil.rmtree(run)
    assert Worker(address).train(CONFIG, run)["failed"] is None
    assert files(run) == files(tmp_path / "copies/one")
    pd.testing.assert_frame_equal(Run(run).metrics()[: len(rows)], rows)
    assert len(Run(run).metrics()) == 5 and len(Run(run).checkpoints()) == 1
    other = Worker(address).answer({"settings": CONFIG.replace(seed=1).to_dict(), "path": str(run), "until": None})
    assert other["error"] == f"{run} is a run with other settings"


def test_a_checkpoint_that_was_not_copied_whole_is_left_out(tmp_path):
    copies, run = Copies(f"file://{tmp_path}/copies"), tmp_path / "one"
    Worker().train(CONFIG, run, until=5)
    copies.push(run)
    newest, older = sorted((tmp_path / "copies/one/checkpoints").iterdir())[::-1]
    (newest / "state.index").unlink()
    shutil.rmtree(run)
    copies.fetch(run)
    assert [path.name for path in Run(run).checkpoints()] == [older.name]
    shutil.rmtree(older)
    shutil.rmtree(run)
    copies.fetch(run)
    assert not run.exists()  # there is nothing to go on from


@pytest.mark.parametrize("address, sentence", [
    ("nowhere://x", "copy_to = 'nowhere://x': no address that fsspec knows: "),
    ("dropbox://x", "copy_to = 'dropbox://x' needs a package that is not installed: "),
])  # fmt: skip
def test_an_address_that_cannot_be_written_is_refused_before_anything_is_made(
    tmp_path, monkeypatch, capsys, address, sentence
):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("climb.toml").write_text("[base]\nenvironment = 'climbing'\nalgorithm = 'tabular'\nsteps = 8\n")
    assert cli.main(["study", "climb.toml", "--copy-to", address]) == 2
    assert sentence in capsys.readouterr().err and not pathlib.Path("outputs").exists()
