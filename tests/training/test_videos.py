"""Agents are filmed while they train: videos that play, of which the last few stay, in the run and in TensorBoard."""

import io

import pytest
import tensorflow as tf
from PIL import Image
from small import small_config, timeless, untrained_run
from worlds import Row, Scripted

import imagents
from imagents import own
from imagents.errors import InputError
from imagents.runs.events import events
from imagents.training import videos


def in_tensorboard(run) -> list[tuple[int, list[bytes]]]:
    """The steps at which there is a video, and what it is: width, height and a GIF."""
    found = [e for path in events(run.path / "events") for e in tf.compat.v1.train.summary_iterator(str(path))]
    return [(e.step, list(v.tensor.string_val)) for e in found for v in e.summary.value if v.tag == "episode"]


def test_videos_play_and_the_last_ones_stay(tmp_path, monkeypatch, eagerly):
    monkeypatch.setattr(videos, "_KEPT", 1)
    run = untrained_run(tmp_path / "run", "rock_paper_scissors", algorithm="dqn", episode_length=3)
    writer = tf.summary.create_file_writer(str(run.path / "events"))
    for steps in (50, 100):
        videos.film(run, steps, steps, writer)
    [kept] = (run.path / "videos").iterdir()
    assert kept.name == "000000000100.gif"
    steps, (width, height, gif) = in_tensorboard(run)[-1]
    assert steps == 100 and gif == kept.read_bytes()
    played = Image.open(io.BytesIO(gif))
    assert played.n_frames == 4 and played.size == (int(width), int(height))  # steps + 1


@pytest.mark.slow
def test_a_training_is_filmed_every_so_many_steps_also_after_it_was_stopped(tmp_path):
    config = small_config("rock_paper_scissors", algorithm="dqn", episode_length=3, steps=500, record_every=200)
    run = imagents.train(config, tmp_path / "run", quiet=True)
    imagents.train(resume=run.path, steps=1000, quiet=True)
    unfilmed = imagents.train(config.replace(record_every=0), tmp_path / "unfilmed", quiet=True)
    assert timeless(run).iloc[: len(unfilmed.metrics())].equals(timeless(unfilmed))
    steps = [int(path.stem) for path in sorted((run.path / "videos").iterdir())]
    assert [each // 200 for each in steps] == [1, 2, 3, 4, 5] and [each for each, _ in in_tensorboard(run)] == steps


def test_an_environment_that_does_not_draw_itself_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "_TRUSTED", {})
    rows = [Row([0], [0.0, 0.0]), Row([1], [1.0, 0.0]), Row([], [0.0, 1.0])]
    name = imagents.trust(lambda copies, seed: Scripted(rows, copies), "mine:make")
    with pytest.raises(InputError, match="^Scripted does not draw itself"):
        imagents.train(small_config(name, record_every=10), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()
