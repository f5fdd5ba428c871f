"""TensorBoard's events end where the checkpoint does."""

import pytest
import tensorflow as tf
from tensorflow.python.summary.summary_iterator import summary_iterator

from imagents.runs.events import cut_events, events, write_about, write_event


def write(folder, steps):
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in steps:
            tf.summary.scalar("loss", 1.0, step=step)
    writer.close()


def logged(folder):
    found = [event.step for path in events(folder) for event in summary_iterator(str(path)) if event.summary.value]
    return sorted(found)


def test_what_came_after_the_checkpoint_is_cut_in_every_file(tmp_path):
    write(tmp_path, [10, 20, 30])
    write(tmp_path, [40, 50])
    cut_events(tmp_path, 40)
    assert logged(tmp_path) == [10, 20, 30, 40]
    cut_events(tmp_path, 20)
    assert logged(tmp_path) == [10, 20]
    write(tmp_path, [30])
    assert logged(tmp_path) == [10, 20, 30]


@pytest.mark.parametrize("cut", [1, 5, 17, 30])
def test_half_a_record_is_cut_too(tmp_path, cut):
    write(tmp_path, [10, 20])
    [path] = events(tmp_path)
    whole = path.read_bytes()
    write(tmp_path / "longer", [10, 20, 30])
    longer = events(tmp_path / "longer")[0].read_bytes()
    path.write_bytes(whole + longer[len(whole) : len(whole) + cut])
    cut_events(tmp_path, 100)
    assert path.read_bytes() == whole


def test_a_file_that_ends_in_time_is_left_as_it_is(tmp_path):
    write(tmp_path, [10, 20])
    [path] = events(tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    cut_events(tmp_path, 20)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_other_files_are_nobodys_business(tmp_path):
    names = ["events.out.tfevents.1.host.2.3.v2.sagemaker-uploading", "notes.txt", "events.out.tfevents.profile"]
    for name in names:
        (tmp_path / name).write_text("mine")
    cut_events(tmp_path, 0)
    cut_events(tmp_path / "nowhere", 0)
    assert [(tmp_path / name).read_text() for name in names] == ["mine"] * 3


def tags(folder):
    """The tags and the plugins that they are for."""
    [path] = events(folder)
    values = [value for event in summary_iterator(str(path)) for value in event.summary.value]
    return {value.tag: value.metadata.plugin_data.plugin_name for value in values}


def test_figures_are_in_groups_and_all_agents_have_charts_in_common(tmp_path):
    agents = ["player_1", "player_1_b"]  # one name begins with another
    writer = tf.summary.create_file_writer(str(tmp_path))
    write_about(writer, {"environment": "cartpole", "hidden_layers": [8, 8], "minutes": None}, agents, ["optimal"])
    row = {"round": 1, "steps": 5, "seconds": 1.0, "draws": 0.5, "player_1_wins": 0.25, "player_1_loss": 0.1}
    row |= {"player_1_b_loss": 0.2, "player_1_b_optimal": 0.9, "player_1_optimal": float("nan")}
    write_event(writer, row, agents)
    writer.close()
    found = tags(tmp_path)
    assert {tag for tag, plugin in found.items() if plugin == "scalars"} == {
        "progress/seconds", "outcome/draws", "outcome/player_1", "loss/player_1", "loss/player_1_b",
        "strength_optimal/player_1_b",
    }  # fmt: skip
    assert {"settings": "text", "custom_scalars__config__": "custom_scalars"}.items() <= found.items()
    assert "hparams" in found.values()
    [path] = events(tmp_path)
    assert b"^loss/" in path.read_bytes() and b"^strength_optimal/" in path.read_bytes()
