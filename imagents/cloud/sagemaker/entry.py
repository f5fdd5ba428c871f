"""What runs in a SageMaker job: the training command, or the evaluation of a model.

Both of AWS' ways of starting a script (the training toolkit of the TensorFlow images, the drivers of the SDK's version
3) give it hyperparameters as flags and folders in SM_* variables. In these folders:

    /opt/ml/checkpoints/imagents/run/ the run folder, copied to S3 while the job runs, and back after an interruption
    /opt/ml/output/tensorboard/       its events
    /opt/ml/model/player_1/1/         the trained agents in TensorFlow Serving's layout; becomes model.tar.gz
    /opt/ml/model/run/                the run folder
    /opt/ml/output/data/              plots, metrics and evaluation; becomes output.tar.gz
    /opt/ml/output/failure            why the job failed, in one sentence

Where several machines each train a seed of their own, each has folders of its own name: checkpoints/imagents/algo-2/,
model/algo-2/run/, model/algo-2/algo-2-player_1/1/, output/data/algo-2/.
"""

import os
import pathlib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence

from imagents.cloud.sagemaker import archive
from imagents.cloud.sagemaker.description import config_of, evaluated
from imagents.cloud.sagemaker.place import Place, link_events, parsed, videos_shown, write_results
from imagents.config import TrainConfig, load_config
from imagents.errors import InputError
from imagents.files import read_bytes
from imagents.flags import number
from imagents.own import is_program, trust
from imagents.process import what_lacks

MODEL_CHANNEL = "model"
_IGNORED = ("model_dir", "_tuning_objective_metric")  # flags that are AWS', not ours


def train() -> int:
    """Trains as `imagents train` does, or goes on with the run that is there. Returns the exit code."""
    return _reporting(_train)


def evaluate() -> int:
    """Evaluates the agents in the channel `model`. Returns the exit code."""
    return _reporting(_evaluate)


def _train(place: Place, settings: dict[str, str]) -> int:
    from imagents import commands
    from imagents.runs.run import checkpoints

    if len(place.hosts) > 1:
        settings["seed"] = str(number("seed", int, settings.get("seed", "0")) + place.rank)
        print(f"{place.own_name}, one of {len(place.hosts)} machines, trains the seed {settings['seed']}", flush=True)
    for name in {"opponent", "players"} & set(settings):
        settings[name] = _from_channels(name, settings[name], place)
    if "environment" in settings:
        settings["environment"] = _program(settings["environment"], place)
    if MODEL_CHANNEL in place.channels and not place.run.exists():
        shutil.copytree(_run_of_model(place), place.run)
        print("going on with the training in the channel model", flush=True)
    is_old = _prepare_run(place)
    where = ["--resume" if is_old else "--output-dir", str(place.run)]
    job = commands.train([*_flags(settings, config_of(settings)), *where])
    link_events(place)
    with videos_shown(place):
        code = job()
    if not checkpoints(place.run):
        return code  # stopped before there was anything
    write_results(place)
    return 0 if code >= 128 else code  # stopped by SageMaker: what there is is a result


def _evaluate(place: Place, settings: dict[str, str]) -> int:
    from imagents.evaluation.report import prepare_evaluation, report_text
    from imagents.files import write_json, write_text
    from imagents.training.progress import write_metric_line

    unknown = set(settings) - {"games", "solver_games", "seed"}
    if unknown:
        raise InputError(f"unknown setting {min(unknown)!r}: an evaluation has games, solver_games and seed")
    if MODEL_CHANNEL not in place.channels:
        raise InputError("the channel model is missing: give its address to fit as {'model': 's3://.../model.tar.gz'}")
    numbers = {name: number(name, int, value) for name, value in settings.items()}
    run = _run_of_model(place)
    _trust_program(load_config(run).environment.name, place)
    report = prepare_evaluation(run, **numbers)()
    job = run / "job.json"
    report["run"] = str(parsed(str(job), read_bytes(job), dict).get("job", "run")) if job.exists() else "run"
    text = report_text(report)
    print(text, flush=True)
    write_metric_line(_figures(report))
    for folder in (place.output, place.model):
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "report.json", report)
        write_text(folder / "report.txt", text + "\n")
    return 0


def _reporting(job: Callable[[Place, dict[str, str]], int]) -> int:
    """Runs a job; what is wrong is one sentence in the log and in its failure reason, a fault of ours also a trace."""
    place = None
    try:
        place = Place.from_environment()
        code = job(place, _settings(sys.argv[1:]))
        sentence = "the training stopped, see its log" if code else ""
    except (InputError, OSError, FloatingPointError) as error:
        code, sentence = 2 if isinstance(error, InputError) else 1, str(error)
    except BaseException as error:
        _write_failure(place, what_lacks(error) or f"{type(error).__name__}: {error}")
        raise
    if sentence:
        print(f"imagents: {sentence}", file=sys.stderr, flush=True)
        _write_failure(place, sentence)
    return code


def _write_failure(place: Place | None, sentence: str) -> None:
    """Writes where SageMaker looks for it why a job failed, also if it is not known yet what the job is."""
    folder = place.base / "output" if place else pathlib.Path(os.environ.get("SM_OUTPUT_DIR", ""))
    if place or "SM_OUTPUT_DIR" in os.environ:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{place.own_name}: " if place and place.own_name else ""
        (folder / "failure").write_text(f"{name}{sentence}"[:1024], encoding="utf-8", errors="replace")


def _settings(arguments: Sequence[str]) -> dict[str, str]:
    """Flags and their values; each flag has one, as a job's do."""
    if len(arguments) % 2 or not all(name.startswith("--") for name in arguments[::2]):
        raise InputError(f"{' '.join(arguments)}: a job's flags are --name value")
    pairs = {name[2:].replace("-", "_"): value for name, value in zip(arguments[::2], arguments[1::2])}
    return {name: value for name, value in pairs.items() if name not in _IGNORED}


def _flags(settings: Mapping[str, str], config: TrainConfig) -> list[str]:
    """The flags of the training command; lists, which are words in one value, become several."""
    lists = [name for name, field in config.fields().items() if isinstance(field.default, tuple)]
    flags = ["--metric-lines", "True"]
    for name, value in settings.items():
        words = value.split() if name == "players" else value.strip("[]()").replace(",", " ").split()
        flags += [f"--{name}", *words] if name in lists else [f"--{name}={value}"]  # which may look like a flag
    return flags


def _prepare_run(place: Place) -> bool:
    """Whether there is a run to go on with. What a copy in S3 lacks or has too much of is put in order first."""
    from imagents.runs.folders import new_folder
    from imagents.runs.run import Run

    if not (place.run / "config.json").exists():
        shutil.rmtree(place.run, ignore_errors=True)
        return False
    run = Run(place.run)
    for path in run.drop_damaged():
        print(f"checkpoint {path.name} was not copied whole: it is left out", flush=True)
    if run.checkpoints() or not run.has_begun():
        return True
    aside = new_folder(place.run.with_name(f"{place.run.name}.damaged"))
    place.run.rename(aside)
    print(f"no checkpoint was copied whole: the training begins anew, and what there was is in {aside}", flush=True)
    return False


def _from_channels(setting: str, players: str, place: Place) -> str:
    """Names of players with `channel:NAME` replaced by the run in that channel."""

    def run(match: re.Match) -> str:
        return str(_run_in(_channel(match[1], setting, players, place), match[1]))

    return re.sub(r"channel:(\w+)", run, players)


def _channel(name: str, setting: str, value: str, place: Place) -> pathlib.Path:
    """The folder of a channel that a setting names."""
    if name not in place.channels:
        raise InputError(f"{setting} = {value!r}: this job has no channel {name}; its channels are "
                         f"{', '.join(place.channels) or 'none'}")  # fmt: skip
    return place.channels[name]


def _program(environment: str, place: Place) -> str:
    """The name of an environment with `channel:NAME` in place of its program's path replaced by that; S3 has forgotten
    that it may be executed."""
    match = re.match(r"\w+:channel:(\w+)", environment)
    if not match:
        return environment
    folder = _channel(match[1], "environment", environment, place)
    for path in filter(pathlib.Path.is_file, folder.rglob("*")):
        path.chmod(path.stat().st_mode | 0o111)
    return environment.replace(f"channel:{match[1]}", str(folder), 1)


def _trust_program(environment: str, place: Place) -> None:
    """Lets an evaluation start the program of a training that had it from a channel, if this job has that, too."""
    match = re.match(r"(\w+):.*/input/data/(\w+)(.*)", environment)
    if match and is_program(environment):
        trust(_program(f"{match[1]}:channel:{match[2]}{match[3]}", place), environment)


def _run_of_model(place: Place) -> pathlib.Path:
    return _run_in(place.channels[MODEL_CHANNEL], MODEL_CHANNEL, place.own_name)


def _run_in(folder: pathlib.Path, channel: str, host: str = "") -> pathlib.Path:
    """The run folder in a channel, which holds a model.tar.gz, not extracted, or what was in one."""
    packed = folder / "model.tar.gz"
    if packed.exists():
        # The same folder whenever the job begins again: a run keeps its settings, and an opponent is one of them.
        folder = pathlib.Path(tempfile.gettempdir()) / f"imagents-channel-{channel}"
        archive.unpack(packed, folder, f"the model.tar.gz in the channel {channel}")
    for run in (folder / host / "run", folder / "run", folder):
        if (run / "config.json").exists():
            return run
    raise InputError(f"the channel {channel} holds no model of an imagents training")


def _figures(report: dict) -> dict[str, float]:
    """An evaluation's figures, for its metric line."""
    found = {}
    for agent, values in report["agents"].items():
        known = dict(values)
        for opponent, match in values.get("matches", {}).items():
            known |= {f"{opponent}_{turn}": match[f"moving_{turn}"]["win_rate"] for turn in ("first", "second")}
        found |= {f"{agent}_{name}": known[name] for name in evaluated() if name in known}
    return found
