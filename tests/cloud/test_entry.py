"""What a job makes of its environment and its flags, before anything is trained."""

import gzip
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import types

import pytest
from small import untrained_run

from imagents import cli, own
from imagents.cloud.sagemaker import archive, entry
from imagents.cloud.sagemaker import place as place_module
from imagents.errors import InputError


def environment(base, hosts=("algo-1",), host="algo-1", channels=()):
    return {
        "SM_OUTPUT_DIR": str(base / "output"),
        "SM_MODEL_DIR": str(base / "model"),
        "SM_OUTPUT_DATA_DIR": str(base / "output" / "data"),
        "SM_CHANNELS": json.dumps(list(channels)),
        "SM_HOSTS": json.dumps(list(hosts)),
        "SM_CURRENT_HOST": host,
        "SM_TRAINING_ENV": json.dumps({"job_name": "job"}),
    }


def tuning(base):
    (base / "input" / "config").mkdir(parents=True)
    (base / "input" / "config" / "hyperparameters.json").write_text('{"_tuning_objective_metric": "player_1_optimal"}')


def run(function, flags, monkeypatch, base, **settings):
    for name, value in environment(base, **settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["train.py", *flags])
    return function()


def test_a_job_on_one_machine_has_plain_folders(tmp_path):
    place = entry.Place.from_environment(environment(tmp_path, channels=["model", "code", "sm_drivers"]))
    assert (place.own_name, place.rank) == ("", 0)
    assert place.run == tmp_path / "checkpoints" / "imagents" / "run"
    assert place.channels == {"model": tmp_path / "input" / "data" / "model"}  # not those with the SDK's code


def test_each_of_several_machines_has_folders_of_its_own_name_in_the_order_of_numbers(tmp_path):
    hosts = [f"algo-{i}" for i in (1, 10, 2)]
    place = entry.Place.from_environment(environment(tmp_path, hosts, "algo-10"))
    assert (place.own_name, place.rank) == ("algo-10", 2)
    assert place.run == tmp_path / "checkpoints" / "imagents" / "algo-10"


def test_the_jobs_of_a_tuning_job_do_not_take_each_others_checkpoints(tmp_path):
    tuning(tmp_path)
    assert entry.Place.from_environment(environment(tmp_path)).run == tmp_path / "checkpoints" / "job" / "run"


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--steps", "many"], "steps = 'many': a whole number is needed"),
        (["--opponent", "channel:rival"], "opponent = 'channel:rival': this job has no channel rival"),
        (["--opponent", "nobody"], "opponent = 'nobody': unknown player 'nobody'"),
        (["--steps"], "--steps: a job's flags are --name value"),
        (["--opponent", "--help"], "opponent = '--help': unknown player '--help': choose random, "),
        (["--opponent", "--steps=5"], "opponent = '--steps=5': "),
        (["--opponent", "-h"], "opponent = '-h': unknown player '-h'"),
        (["--preset", "--help"], "preset = '--help': tic_tac_toe has the presets default, perfect"),
        (["--hidden_layers", "8 --help"], "hidden_layers = '--help': a whole number is needed"),
        (["--help", "--help"], "unknown setting 'help': the settings are "),
    ],
)
def test_what_is_wrong_is_the_jobs_failure_reason(flags, sentence, monkeypatch, tmp_path, capsys):
    assert run(entry.train, flags, monkeypatch, tmp_path) == 2
    assert (tmp_path / "output" / "failure").read_text().startswith(sentence)
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def in_channel(base, name, **files):
    folder = base / "input" / "data" / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(text)
    return folder, entry.Place.from_environment(environment(base, channels=[name]))


def test_a_program_from_a_channel_may_be_executed_again(tmp_path):
    folder, place = in_channel(tmp_path, "game", basic="")
    assert entry._program("unity:channel:game/basic(gravity=2)", place) == f"unity:{folder}/basic(gravity=2)"
    assert os.access(folder / "basic", os.X_OK)
    assert entry._program("tic_tac_toe", place) == "tic_tac_toe"
    with pytest.raises(InputError, match="^environment = 'unity:channel:car': this job has no channel car; its"):
        entry._program("unity:channel:car", place)


def test_an_evaluation_starts_the_program_of_its_own_channel_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "_TRUSTED", {})
    folder, place = in_channel(tmp_path, "game", basic="")
    for name in ("unity:/opt/ml/input/data/game/basic", "unity:/opt/basic", "my_world:make"):
        entry._trust_program(name, place)
    assert own._TRUSTED == {"unity:/opt/ml/input/data/game/basic": f"unity:{folder}/basic"}
    with pytest.raises(InputError, match="has no channel car"):
        entry._trust_program("unity:/opt/ml/input/data/car/basic", place)


@pytest.mark.parametrize(
    "variable, value, sentence",
    [
        ("SM_CHANNELS", "model", "SM_CHANNELS is no JSON: Expecting value: line 1"),
        ("SM_CHANNELS", '{"model": 1}', "SM_CHANNELS = '{\"model\": 1}': a list is needed"),
        ("SM_CHANNELS", "[1]", "SM_CHANNELS = '[1]': a list of names is needed"),
        ("SM_CHANNELS", None, "SM_CHANNELS is not set: this is what runs in a SageMaker job"),
        ("SM_HOSTS", "[" * 100_000, "SM_HOSTS is no JSON: "),
        ("SM_HOSTS", '"algo-1"', "SM_HOSTS = '\"algo-1\"': a list is needed"),
        ("SM_HOSTS", '["algo-2"]', "SM_CURRENT_HOST = 'algo-1': it is none of SM_HOSTS, algo-2"),
        ("SM_TRAINING_ENV", "", "SM_TRAINING_ENV is no JSON: "),
        ("SM_TRAINING_ENV", "{}", "job_name is not set"),
        ("SM_MODEL_DIR", None, "SM_MODEL_DIR is not set: "),
    ],
)
def test_an_odd_environment_is_the_jobs_failure_reason(variable, value, sentence, monkeypatch, tmp_path, capsys):
    odd = {name: text for name, text in (environment(tmp_path) | {variable: value}).items() if text is not None}
    monkeypatch.setitem(globals(), "environment", lambda base: odd)
    monkeypatch.delenv(variable, raising=False)
    for function in (entry.train, entry.evaluate):
        assert run(function, [], monkeypatch, tmp_path) == 2
        assert (tmp_path / "output" / "failure").read_text().startswith(sentence)
        assert capsys.readouterr().err.startswith(f"imagents: {sentence}")


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_hyperparameters_that_are_none_are_the_jobs_failure_reason(content, monkeypatch, tmp_path):
    tuning(tmp_path)
    file = tmp_path / "input" / "config" / "hyperparameters.json"
    file.write_bytes(content)
    assert run(entry.train, [], monkeypatch, tmp_path) == 2
    assert (tmp_path / "output" / "failure").read_text().startswith(str(file))


def test_a_fault_of_ours_is_the_failure_reason_too_and_shows_its_trace(monkeypatch, tmp_path):
    monkeypatch.setattr(entry, "config_of", lambda settings: int("many"))
    with pytest.raises(ValueError, match="invalid literal"):
        run(entry.train, [], monkeypatch, tmp_path)
    reason = (tmp_path / "output" / "failure").read_text()
    assert reason == "ValueError: invalid literal for int() with base 10: 'many'"


@pytest.fixture
def model(tmp_path):
    """A model.tar.gz."""
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in (("run/config.json", b"{}" * 300), ("run/metrics.csv", random.Random(0).randbytes(4000))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def damage(model, how):
    content = bytearray(model.read_bytes())
    if how == "a bit":
        content[len(content) // 2] ^= 4
    elif how == "the end":
        del content[-5:]
    elif how == "half":
        del content[len(content) // 2 :]
    else:
        content = {"nothing": b"", "no archive": b"no archive", "a zip": b"PK\3\4" * 99, "xz": b"\xfd7zXZ\0" * 99,
                   "not packed": gzip.decompress(content), "packed, no archive": gzip.compress(b"no archive" * 99)}[how]
    model.write_bytes(content)


DAMAGES = ["a bit", "the end", "half", "nothing", "no archive", "a zip", "xz", "not packed", "packed, no archive"]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_model_is_named_in_one_sentence(how, model, tmp_path):
    archive.unpack(model, tmp_path / "sound", "s3://bucket/model.tar.gz")
    damage(model, how)
    with pytest.raises(InputError, match="^s3://bucket/model.tar.gz is damaged: [^\\n]+$"):
        archive.unpack(model, tmp_path / "damaged", "s3://bucket/model.tar.gz")


def test_a_file_in_the_place_of_a_folder_is_a_damaged_model_too(model, tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(InputError, match="^MODEL is damaged: "):
        archive.unpack(model, tmp_path, "MODEL")


@pytest.mark.parametrize("how", ["a bit", "no archive"])
@pytest.mark.parametrize("function", [entry.train, entry.evaluate])
def test_a_damaged_model_is_the_jobs_failure_reason(function, how, model, monkeypatch, tmp_path):
    damage(model, how)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "input" / "data" / "model").mkdir(parents=True)
    model.rename(tmp_path / "input" / "data" / "model" / "model.tar.gz")
    assert run(function, [], monkeypatch, tmp_path, channels=["model"]) == 2
    reason = (tmp_path / "output" / "failure").read_text()
    assert reason.startswith("the model.tar.gz in the channel model is damaged: ") and "\n" not in reason


@pytest.mark.parametrize("name", ["gym", "tf_agents"])
def test_a_job_is_not_sent_with_a_folder_that_only_has_the_name_of_a_package(name, monkeypatch, tmp_path):
    (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(InputError, match=f"^the package {name}, .*: {tmp_path / name} is only a folder of that name"):
        archive.source_folder("2.19")


def test_a_job_is_sent_with_the_package_that_sends_it(monkeypatch):
    """Also where a clone hides it."""
    monkeypatch.setitem(sys.modules, "imagents", types.ModuleType("imagents"))
    folder = archive.source_folder("2.19")
    for file in ("imagents/__init__.py", "imagents/cloud/sagemaker/entry.py", "tf_agents/__init__.py"):
        assert (folder / file).exists()


def test_one_of_several_machines_says_which_one_failed(monkeypatch, tmp_path):
    run(entry.train, ["--steps", "0"], monkeypatch, tmp_path, hosts=["algo-1", "algo-2"], host="algo-2")
    assert (tmp_path / "output" / "failure").read_text() == "algo-2: steps = 0: a budget is more than 0"


def test_an_evaluation_needs_a_model_of_ours(monkeypatch, tmp_path):
    assert run(entry.evaluate, [], monkeypatch, tmp_path) == 2
    assert (tmp_path / "output" / "failure").read_text().startswith("the channel model is missing")
    (tmp_path / "input" / "data" / "model").mkdir(parents=True)
    run(entry.evaluate, [], monkeypatch, tmp_path, channels=["model"])
    assert (tmp_path / "output" / "failure").read_text() == "the channel model holds no model of an imagents training"


def test_figures_of_an_environment_of_one_agent_are_its_returns():
    report = {"agents": {"player_1": {"mean_return": 0.93, "lives": 4}}}
    assert entry._figures(report) == {"player_1_mean_return": 0.93}


def test_videos_are_written_into_the_jobs_intermediate_output_as_they_come(monkeypatch, tmp_path):
    monkeypatch.setattr(place_module, "_VIDEO_SECONDS", 0.01)
    place = entry.Place.from_environment(environment(tmp_path))
    videos, shown = place.run / "videos", tmp_path / "output" / "intermediate"
    with place_module.videos_shown(place):
        videos.mkdir(parents=True)
        (videos / "1.gif").write_text("one")
        while not (shown / "1.gif").exists():
            time.sleep(0.01)
        (videos / "1.gif").unlink()
        (videos / "2.gif").write_text("two")
    assert sorted(path.name for path in shown.iterdir()) == ["1.gif", "2.gif"]


def test_outside_of_a_job_it_says_so(monkeypatch, capsys):
    monkeypatch.delenv("SM_OUTPUT_DIR", raising=False)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert entry.train() == 2
    assert capsys.readouterr().err == "imagents: SM_OUTPUT_DIR is not set: this is what runs in a SageMaker job\n"


def test_a_trained_model_lies_where_sagemaker_and_tensorflow_serving_look(monkeypatch, tmp_path, capsys):
    flags = "--steps 500 --parallel_games 32 --batch_size 32 --rounds_per_chunk 10 --execution graph".split()
    flags += ["--hidden_layers", "16 16", "--warmup_rounds", "5", "--model_dir", "s3://bucket/model"]
    assert run(entry.train, flags, monkeypatch, tmp_path) == 0
    for name in ("player_1", "player_2"):
        assert (tmp_path / "model" / name / "1" / "saved_model.pb").exists()
    for part in ("model/run/config.json", "output/data/evaluation.json", "output/data/plots/losses.png"):
        assert (tmp_path / part).exists()
    assert list((tmp_path / "output" / "tensorboard").glob("events*"))
    assert not (tmp_path / "output" / "failure").exists()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("metrics ")]
    assert " steps=" in lines[-1] and " player_2_optimal=" in lines[-1]


def test_a_copy_without_a_whole_checkpoint_is_put_aside_and_the_training_begins_anew(monkeypatch, tmp_path, capsys):
    """As it comes back from S3 if the machine was taken away in the first minute."""
    monkeypatch.setattr(entry.Place, "run", tmp_path / "run")
    place = entry.Place(tmp_path, tmp_path, tmp_path, {}, ["algo-1"], 0, "job", False)
    run = untrained_run(tmp_path / "run")
    assert entry._prepare_run(place) and capsys.readouterr().out == ""
    run.append_metrics({"round": 2, "steps": 60})
    (run.newest_checkpoint() / "state.index").unlink()
    assert not entry._prepare_run(place) and not (tmp_path / "run").exists()
    printed = capsys.readouterr().out
    assert "checkpoint 0000000000 was not copied whole: it is left out\nno checkpoint was copied whole: " in printed
    assert (tmp_path / "run.damaged" / "metrics.csv").exists()


@pytest.mark.parametrize("error, code", [(InputError("bad"), 2), (OSError("full"), 1), (FloatingPointError("nan"), 1)])
def test_a_job_ends_with_the_status_of_the_command(error, code, monkeypatch, tmp_path):
    def fails(*_):
        raise error

    monkeypatch.setattr(entry, "config_of", fails)
    assert run(entry.train, [], monkeypatch, tmp_path) == code


def test_help_imports_neither_tensorflow_nor_an_sdk():
    code = """
import sys
from imagents import cli
assert cli.main(["sagemaker"]) == 0
for command in ("train", "evaluate", "deploy", "logs", "fetch", "plot", "delete"):
    try:
        cli.main(["sagemaker", command, "--help"])
    except SystemExit as exit:
        assert exit.code == 0
assert not {"tensorflow", "sagemaker", "boto3"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_an_unknown_command_is_named(capsys):
    assert cli.main(["sagemaker", "fly"]) == 2
    assert "unknown command 'fly': choose one of train, evaluate, deploy" in capsys.readouterr().err
