"""`imagents study` and `imagents report`."""

import contextlib
import dataclasses
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Literal

import tyro

from imagents.arguments import Job, parse_words
from imagents.errors import InputError, counted
from imagents.files import in_shell, lock, read_json, refusing, write_json
from imagents.own import trust_again
from imagents.studies.study import Study, find_runs, load_study, read_study


@dataclasses.dataclass(frozen=True)
class StudyCommand:
    """Trains many runs, settings times seeds, and says what they show together; the same command goes on."""

    file: tyro.conf.Positional[pathlib.Path]
    """What to train, a TOML file: `seeds`, and settings in `[base]`, `[grid]`, `[[settings]]`, `[search]`."""
    output_dir: pathlib.Path | None = None
    """The study's folder; outputs/ and the file's name if not given."""
    workers: int = 0
    """Processes; as many as there are cores, or processors in the Ray cluster, if not given."""
    dry_run: bool = False
    """Lists the runs, and how long they take if one is finished; trains nothing."""
    engine: Literal["local", "ray"] = "local"
    """Where runs are trained: by processes of this machine, or on a Ray cluster that shares the study's folder."""
    address: str | None = None
    """Of the Ray cluster, as `ray.init` takes it, such as auto; a new one on this machine if not given."""
    copy_to: str = ""
    """An address, such as s3://BUCKET/FOLDER, to which runs are copied after each checkpoint, and from which one that
    is not here any more is fetched."""


def study(arguments: Sequence[str]) -> Job:
    """`imagents study`."""
    command = parse_words("study", StudyCommand, arguments)
    if command.workers < 0:
        raise InputError(f"workers = {command.workers}: a number of processes, or 0 for as many as there are cores")
    if command.address and command.engine != "ray":
        raise InputError(f"address = {command.address!r}: it is for --engine ray")
    asked = read_study(command.file)
    folder = command.output_dir or pathlib.Path("outputs") / command.file.stem
    if command.dry_run:
        return lambda: _print_plan(folder, asked)
    again = f"imagents study {in_shell(command.file)}"
    again += f" --output-dir {in_shell(command.output_dir)}" if command.output_dir else ""
    for name in ("engine", "address", "workers", "copy_to"):
        if (value := getattr(command, name)) and value != "local":
            again += f" --{name.replace('_', '-')} {in_shell(str(value))}"
    return lambda: run_study(asked, folder, command.workers, again, command.engine, command.address, command.copy_to)


def run_study(
    asked: Study,
    folder: str | os.PathLike,
    workers: int = 0,
    again: str = "the same call",
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    copy_to: str = "",
) -> int:
    """Trains what is missing of a study, and writes its report.

    Args:
      asked: the study.
      folder: where it is.
      workers: how many processes train; as many as there are cores, or processors in the cluster, if 0.
      again: what goes on with it, for people.
      engine: where they do: "local", on this machine, or "ray", on a cluster that shares the folder.
      address: of that cluster, as `ray.init` takes it; a new one on this machine if None.
      copy_to: an address, as fsspec knows them, to which runs are copied after each checkpoint; "" for none.

    Returns:
      0 if all runs finished, 1 if some failed, 128 and the signal's number if one stopped it.

    Raises:
      InputError: if the folder holds runs that were made with other settings, or another process is at it.
    """
    from imagents.studies.copies import Copies
    from imagents.studies.fits import check_fits
    from imagents.studies.local import Local
    from imagents.studies.population import trials_of
    from imagents.studies.ray import Ray
    from imagents.studies.report import write_report
    from imagents.studies.running import Running
    from imagents.studies.summary import finished
    from imagents.studies.telling import say

    folder = pathlib.Path(folder)
    check_fits(folder, asked, find_runs(folder))
    if copy_to:
        Copies(copy_to)  # refuses what is no address
    log = folder / "workers.log"
    with contextlib.ExitStack() as stack:
        workplace = Ray(log, address, copy_to) if engine == "ray" else Local(log, copy_to)
        stack.callback(workplace.close)
        with refusing(folder):
            (folder / "runs").mkdir(parents=True, exist_ok=True)
            stack.callback(os.close, lock(folder))
        write_json(folder / "study.json", asked.to_dict())
        running, wanted = Running(folder, workplace, workers), asked
        if asked.search:
            trials = trials_of(folder, asked, say)
            running.search(trials)
            trials.write()
            wanted = trials.winners()
        if wanted is not None and not running.stopped_by:
            running.runs(wanted)
        runs = finished(folder, wanted) if wanted else []
        print(write_report(folder, wanted or asked, runs))
    if running.stopped_by:
        print(f"stopped, nothing lost; to go on: {again}")
        return 128 + running.stopped_by
    print(f"done: {folder / 'report.html'}")
    return 0 if running.all_well and runs and all(run.failed is None for _, _, run in runs) else 1


def _print_plan(folder: pathlib.Path, asked: Study) -> int:
    from imagents.plotting.words import lasting, size
    from imagents.studies.fits import check_fits
    from imagents.studies.population import trials_of

    found, states, wanted = find_runs(folder), [], asked
    check_fits(folder, asked, found)
    if asked.search:
        trials = trials_of(folder, asked)
        wanted, rows = trials.winners(), trials.table()
        states = [(row.state or "begun", f"{row.setting}, trial {row.trial}") for row in rows.itertuples()]
        states += [("to train", "a further trial")] * max(0, trials.missing())
    if wanted is None:  # the winners are not known yet
        states += [("to train", f"the best of {name}, seed {seed}") for seed in asked.seeds for name in asked.configs]
    for run in wanted.runs() if wanted else ():
        known = found.get(run.identity)
        state = "to train" if known is None else "finished" if known.finishes(run) else "begun"
        states.append((state, f"{run.setting}, seed {run.seed}"))
    print("\n".join(f"{state:9} {what}" for state, what in states))
    left = [state for state, _ in states if state in ("to train", "begun")]
    measured = [run for run in found.values() if run.is_measured]
    estimate = ""
    if measured and left:
        seconds = sum(read_json(run.path / "evaluation.json")["seconds"] for run in measured) / len(measured)
        num_bytes = sum(file.stat().st_size for run in measured for file in run.path.rglob("*") if file.is_file())
        needed = lasting(seconds * len(left)), size(num_bytes / len(measured) * len(left))
        estimate = f", about {needed[0]} of one process and {needed[1]}, as the finished ones took"
    print(f"{counted(len(left), 'run')} to train{estimate}")
    return 0


@dataclasses.dataclass(frozen=True)
class ReportCommand:
    """Writes the report of a study again: summary.csv, report.md, report.html and figures; or one of two studies."""

    studies: tyro.conf.Positional[tuple[pathlib.Path, ...]]
    """The study's folder; or those of two, whose settings are set side by side."""
    output_dir: pathlib.Path | None = None
    """Of two studies: where their report goes; outputs/ONE-and-OTHER if not given."""
    cross_play: tyro.conf.FlagCreatePairsOff[bool] = False
    """Lets the agents of each seed play with the partners of every other one, where that was not done before."""
    games: int = 1000
    """With --cross-play: games of each pair."""
    pdf: tyro.conf.FlagCreatePairsOff[bool] = False
    """Writes the figures as PDF files, too, for a column of a paper."""
    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """With --cross-play: imports your own functions that the studies name."""


def report(arguments: Sequence[str]) -> Job:
    """`imagents report`."""
    return _report(parse_words("report", ReportCommand, arguments))


def report_study(
    folder: str | os.PathLike, cross_play: bool = False, games: int = 1000, pdf: bool = False
) -> pathlib.Path:
    """Writes the report of a study again: summary.csv, report.md, report.html and figures.

    Args:
      folder: the study's.
      cross_play: whether the agents of each seed play with the partners of every other one, where they did not before.
      games: of each pair of them.
      pdf: whether figures are written as PDF files, too, for a column of a paper.

    Returns:
      The folder, in which they are.

    Raises:
      InputError: if it is no study, or one whose agents cannot meet.
    """
    _report(ReportCommand((pathlib.Path(folder),), cross_play=cross_play, games=games, pdf=pdf))()
    return pathlib.Path(folder)


def _report(command: ReportCommand) -> Job:
    if len(command.studies) not in (1, 2):
        raise InputError(f"{len(command.studies)} studies: a report is of one, or of two side by side")
    if command.output_dir and len(command.studies) == 1:
        raise InputError("--output-dir is for two studies: the report of one goes into its folder")
    asked = {folder: load_study(folder) for folder in command.studies}
    for study in asked.values() if command.trust else ():
        for config in study.configs.values():
            trust_again(config, everything=True)

    from imagents.studies.comparison import prepare_comparison, write_comparison
    from imagents.studies.crossplay import check_games, play_missing
    from imagents.studies.population import reported
    from imagents.studies.report import write_report
    from imagents.studies.summary import finished

    [target, *others] = command.studies
    if others:
        target = prepare_comparison(command.studies, command.output_dir)

    for study in asked.values() if command.cross_play else ():
        check_games(study, command.games)

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} pairs" if done < total else "\r\033[K", end="", file=sys.stderr, flush=True)

    def job() -> int:
        shown = {folder: reported(folder, study) for folder, study in asked.items()}
        runs = {folder: finished(folder, study) for folder, study in shown.items()}
        for folder, study in shown.items() if command.cross_play else ():
            with refusing(folder):
                held = lock(folder)
            play_missing(folder, study, runs[folder], command.games, progress)
            os.close(held)
        if others:
            print(write_comparison(target, shown, runs, command.pdf))
        else:
            print(write_report(target, shown[target], runs[target], command.pdf))
        print(f"done: {target / 'report.html'}")
        return 0

    return job
