"""Where a job finds and leaves its files: folders below /opt/ml, named in SM_* variables."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import threading
from collections.abc import Mapping

from imagents.errors import InputError
from imagents.files import read_bytes

_VIDEO_SECONDS = 5.0  # until new ones are looked for again
_NOT_DATA = ("code", "sm_drivers")  # channels through which version 3 of the SDK sends code


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a job runs, from its environment.

    Attributes:
      base: /opt/ml.
      model, output: the folders of which SageMaker makes model.tar.gz and output.tar.gz.
      channels: the folders of input data by name.
      hosts: all machines of the job; rank: which of them this is, from 0.
      job_name: the job's name.
      is_tuning: whether the job is one of a tuning job.
    """

    base: pathlib.Path
    model: pathlib.Path
    output: pathlib.Path
    channels: dict[str, pathlib.Path]
    hosts: list[str]
    rank: int
    job_name: str
    is_tuning: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Place":
        """Reads SM_* variables.

        Raises:
          InputError: outside of a job, or for one that says something else than SageMaker does.
        """
        try:
            base = pathlib.Path(environment["SM_OUTPUT_DIR"]).parent
            channels = {name: base / "input" / "data" / name for name in _names(environment, "SM_CHANNELS")}
            hosts = sorted(_names(environment, "SM_HOSTS"), key=_natural)
            host, job = environment["SM_CURRENT_HOST"], parsed("SM_TRAINING_ENV", environment["SM_TRAINING_ENV"], dict)
            if host not in hosts:
                raise InputError(f"SM_CURRENT_HOST = {host!r}: it is none of SM_HOSTS, {', '.join(hosts)}")
            settings = base / "input" / "config" / "hyperparameters.json"
            given = parsed(str(settings), read_bytes(settings), dict) if settings.exists() else {}
            return cls(
                base,
                pathlib.Path(environment["SM_MODEL_DIR"]),
                pathlib.Path(environment["SM_OUTPUT_DATA_DIR"]),
                {name: folder for name, folder in channels.items() if name not in _NOT_DATA},
                hosts,
                hosts.index(host),
                str(job["job_name"]),
                "_tuning_objective_metric" in given,
            )
        except KeyError as error:
            raise InputError(f"{error.args[0]} is not set: this is what runs in a SageMaker job") from None

    @property
    def own_name(self) -> str:
        """The name of this machine's folders; "" if it is the only one."""
        return self.hosts[self.rank] if len(self.hosts) > 1 else ""

    @property
    def run(self) -> pathlib.Path:
        """The run folder. The jobs of a tuning job share their checkpoints' address, so each has its own there."""
        return self.base / "checkpoints" / (self.job_name if self.is_tuning else "imagents") / (self.own_name or "run")


def link_events(place: Place) -> None:
    """Lets the run's events appear where SageMaker looks for TensorBoard's files."""
    events, shown = place.run / "events", place.base / "output" / "tensorboard" / place.own_name
    shown.mkdir(parents=True, exist_ok=True)
    if events.is_symlink():
        events.unlink()
    elif events.exists():
        shutil.copytree(events, shown, dirs_exist_ok=True)
        shutil.rmtree(events)
    events.symlink_to(shown, target_is_directory=True)


@contextlib.contextmanager
def videos_shown(place: Place):
    """Within this context a run's videos are copied to the job's intermediate output, which AWS' toolkit sends to S3
    file by file, once one was written and closed there."""
    from imagents.training.videos import VIDEOS

    shown, over = place.base / "output" / "intermediate" / place.own_name, threading.Event()

    def copy_new() -> None:
        if videos := sorted((place.run / VIDEOS).glob("*.gif")):
            shown.mkdir(parents=True, exist_ok=True)
        for video in videos:
            with contextlib.suppress(FileNotFoundError):  # the oldest ones go
                if not (shown / video.name).exists():
                    shutil.copyfile(video, shown / video.name)

    def copy_all() -> None:
        while not over.wait(_VIDEO_SECONDS):
            copy_new()
        copy_new()

    copying = threading.Thread(target=copy_all)
    copying.start()
    try:
        yield
    finally:
        over.set()
        copying.join()


def write_results(place: Place) -> None:
    """The run folder as what the job leaves behind."""
    from imagents.files import write_json
    from imagents.opening import export_run
    from imagents.runs.run import Run

    model, output = place.model / place.own_name, place.output / place.own_name
    write_json(place.run / "job.json", {"job": place.job_name, "host": place.hosts[place.rank]})
    for folder in (model, output):
        folder.mkdir(parents=True, exist_ok=True)
    run = Run(place.run)
    best = run.best_checkpoint()
    kept = [run.newest_checkpoint().name, *([best.name] if best else [])]
    ours = {"checkpoints": kept, "snapshots": [path.name for path in run.snapshots()]}

    def left_out(folder: str, names: list[str]) -> set[str]:
        """What is unfinished, older, or not ours, such as the marks of SageMaker's copying, which come and go."""
        wanted = ours.get(os.path.relpath(folder, place.run), names)
        return {name for name in names if name not in wanted or name.startswith(".") or ".sagemaker-upload" in name}

    shutil.copytree(place.run, model / "run", ignore=left_out, dirs_exist_ok=True)
    for exported in export_run(run.path, model):
        if place.own_name:  # TensorFlow Serving knows models by the folder's name alone
            target = model / f"{place.own_name}-{exported.parent.name}"
            shutil.rmtree(target, ignore_errors=True)
            exported.parent.rename(target)
    for name in ("config.json", "measures.json", "metrics.csv", "evaluation.json"):
        if (place.run / name).exists():
            shutil.copy(place.run / name, output / name)
    if (model / "run" / "plots").exists():  # whoever stops a job does not wait for them
        shutil.copytree(model / "run" / "plots", output / "plots", dirs_exist_ok=True)


def parsed(name: str, text: str | bytes, kind: type):
    """A value in JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no JSON: {error}") from None
    if not isinstance(value, kind):
        raise InputError(f"{name} = {text[:80]!r}: a {kind.__name__} is needed")
    return value


def _names(environment: Mapping[str, str], variable: str) -> list[str]:
    names = parsed(variable, environment[variable], list)
    if not all(isinstance(name, str) for name in names):
        raise InputError(f"{variable} = {environment[variable][:80]!r}: a list of names is needed")
    return names


def _natural(name: str) -> list:
    """Orders algo-2 before algo-10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
