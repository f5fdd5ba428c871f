"""What a path holds: a run, a checkpoint, a snapshot, an export. The one place that answers."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf

import imagents
from imagents.config import TrainConfig, environment_settings, load_config, run_folder, split_agent
from imagents.errors import InputError
from imagents.export.model import AgentModel
from imagents.export.reading import ExportedAgent, learned_environment, model_folder, read_metadata
from imagents.export.writing import check_formats, write_models
from imagents.files import check_name, read_json, refusing
from imagents.learning.agent import IMAgent
from imagents.learning.build import build_agents
from imagents.runs.folders import finished_runs, is_study
from imagents.runs.run import BEST, Run
from imagents.runs.snapshots import SNAPSHOTS, read_snapshot, snapshot_counts

SHIPPED = pathlib.Path(imagents.__file__).parent / "shipped"  # trained agents, by environment


@dataclasses.dataclass(frozen=True)
class Opened:
    """What a path holds.

    Attributes:
      path: the path; of an export its model folder.
      environment: the settings of the environment that its agents learned.
      agent_names: whom it holds.
      config: the settings of their training; None of an export.
      load: reads the agents.
    """

    path: pathlib.Path
    environment: Any
    agent_names: list[str]
    config: TrainConfig | None
    load: Callable[[], list]

    @functools.cached_property
    def agents(self) -> list[IMAgent] | list[ExportedAgent]:
        """The agents, to play with: networks as they were, replay buffers empty. Read when first asked for.

        Raises:
          InputError: if what holds them is damaged.
        """
        return self.load()

    def agent_for(self, environment, seat: int, name: str = "") -> IMAgent | ExportedAgent:
        """The agent that is to play a seat.

        Args:
          environment: the settings of the environment to play in.
          seat: the seat.
          name: the agent's name; "" for the one that learned to play the seat, if there is one, else for the first.

        Raises:
          InputError: if there is no such agent, or it learned another game.
        """
        if self.environment.name != environment.name:
            raise InputError(
                f"{self.path} is a run of {self.environment.name}, and this is a game of {environment.name}"
            )
        agents = self.only(name).agents if name else self.agents
        return next((agent for agent in agents if agent.seat == seat), agents[0])

    def only(self, name: str) -> "Opened":
        """The same with one of its agents alone.

        Raises:
          InputError: if there is none of that name.
        """
        if name not in self.agent_names:
            raise InputError(f"{self.path} has no agent {name!r}: its agents are {', '.join(self.agent_names)}")
        return dataclasses.replace(
            self, agent_names=[name], load=lambda: [agent for agent in self.agents if agent.name == name]
        )

    def provenance(self, agent: str) -> dict:
        """What is known of an agent's training: its settings, and how strong it was at the end if this is the end."""
        run = Run(run_folder(self.path))
        path = run.newest_checkpoint() if run.path == self.path else self.path
        is_best, is_snapshot = path.name == BEST, path.suffix == ".npz"
        rounds = snapshot_counts(path)[0] if is_snapshot else read_json(path / "manifest.json")["rounds"]
        known = {"run": run.path.absolute().name, "rounds": rounds, "training": self.config.to_dict()}
        try:
            evaluation = read_json(run.path / "evaluation.json")
            found = evaluation if is_best or "last" not in evaluation else evaluation["last"]
            fits = is_best or evaluation["round"] == rounds
            return known | ({"evaluation": found["agents"][agent]} if fits else {})
        except (OSError, ValueError, KeyError, TypeError):
            return known  # not evaluated, or not yet


def open_path(path: str | os.PathLike, last: bool = False) -> Opened:
    """Opens a run folder, a checkpoint, a snapshot, or an export, or one agent of it.

    Of a run its best checkpoint is taken, if it keeps one, else the newest.

    Only what says what it is is read at once; the agents are when they are asked for.

    Args:
      path: of one of these, with or without `:` and an agent's name behind it; of an export an agent's folder, a model
        folder in that, or a model's file.
      last: whether to take the newest checkpoint of a run anyhow.

    Raises:
      InputError: if the path is none of these, or damaged, or holds no such agent.
    """
    path, name = split_agent(path) or (path, "")
    folder = model_folder(path)
    if folder is not None:
        metadata = read_metadata(folder)
        environment, names = learned_environment(folder, metadata), [metadata["agent"]]
        opened = Opened(folder, environment, names, None, lambda: [ExportedAgent(folder, metadata)])
    else:
        path = pathlib.Path(path)
        if is_study(path):
            raise InputError(f"{path} is a study's folder: name one of its runs, such as {runs_of(path)[0]}")
        config = load_config(run_folder(path))
        if run_folder(path) == path and not last:
            path = Run(path).best_checkpoint() or path
        names = [a.name for a in build_agents(config)] if config.training.agents else config.agent_names
        read = _read_snapshot if path.suffix == ".npz" else _read_checkpoint
        opened = Opened(path, config.environment, names, config, lambda: read(path, config))
    return opened.only(name) if name else opened


def learned_in(path: str | os.PathLike):
    """The settings of the environment that the agents learned of whatever a path holds; nothing else is read.

    Raises:
      InputError: if the path holds no agents, or is damaged.
    """
    path = pathlib.Path((split_agent(path) or (path, ""))[0])
    if is_study(path):
        return load_config(runs_of(path)[0]).environment
    if (folder := model_folder(path)) is not None:
        return learned_environment(folder, read_metadata(folder))
    return load_config(path.parent if path.name == SNAPSHOTS else run_folder(path)).environment


def runs_of(study: str | os.PathLike) -> list[pathlib.Path]:
    """The finished runs of a study.

    Raises:
      InputError: if there is none.
    """
    if not (found := finished_runs(study)):
        raise InputError(f"{study} is a study's folder, and none of its runs is finished")
    return found


def open_shipped(environment, seat: int = 0) -> Opened:
    """The trained agent that ships with the package: the one that learned to play that seat.

    Args:
      environment: the environment's name, or its settings.
      seat: the seat.

    Raises:
      InputError: if there is none for this environment.
    """
    name = environment_settings(environment).name
    path = SHIPPED / name / f"player_{seat + 1}" / "1"
    if not path.exists():
        raise InputError(f"no trained agent of {name} ships with imagents: there are some of {', '.join(shipped())}")
    return open_path(path)


def shipped() -> list[str]:
    """The environments of which trained agents ship with the package."""
    return sorted(folder.name for folder in SHIPPED.glob("[!._]*"))


def prepare_export(
    path: str | os.PathLike,
    output_dir: str | os.PathLike | None = None,
    formats: Sequence[str] = ("saved_model",),
    last: bool = False,
    policy: str | None = None,
) -> Callable[[], list[pathlib.Path]]:
    """Does what can fail: loads the agents of a run and makes their models. Returns what writes them.

    Args:
      path: a run folder, one of its checkpoints, or one of its snapshots.
      output_dir: where the agents' folders go; `export` in the run folder if None.
      formats: as for `imagents.export.writing.export_agent`.
      last: as for `open_path`.
      policy: as for `imagents.export.writing.export_agent`.

    Raises:
      InputError: if the path is no run or damaged, or nothing can be written, or as `export_agent` does.
    """
    check_formats(formats)
    opened = open_path(path, last)
    if opened.config is None:
        raise InputError(f"{path} is exported already: name the run")
    folder = pathlib.Path(output_dir) if output_dir is not None else run_folder(path) / "export"
    check_name(folder)
    models = [AgentModel(agent, opened.environment, policy) for agent in opened.agents]
    with refusing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder} cannot be written: Permission denied")
    return lambda: [
        written for model in models for written in write_models(model, folder, formats, opened.provenance(model.name))
    ]


def export_run(
    path: str | os.PathLike,
    output_dir: str | os.PathLike | None = None,
    formats: Sequence[str] = ("saved_model",),
    last: bool = False,
    policy: Literal["greedy", "sampled"] | None = None,
) -> list[pathlib.Path]:
    """Writes the agents of a run as models, as `prepare_export` explains. Returns the models' folders."""
    return prepare_export(path, output_dir, formats, last, policy)()


def load_agents(path: str | os.PathLike) -> list[IMAgent] | list[ExportedAgent]:
    """The agents of whatever a path holds, as `open_path` has them."""
    return open_path(path).agents


def expand(name: str | os.PathLike, whole: bool = False) -> list[str]:
    """The players that a name on the command line stands for.

    A run folder, a checkpoint or a snapshot stands for all of its agents, and the folder of a run's snapshots for
    all of its agents in each of them; a study's folder for all its finished runs, and with `:` and an agent's name for
    that one of each; every other name for itself.

    Args:
      name: the name.
      whole: whether a run plays as one, each of its agents at the seat that it learned.

    Raises:
      InputError: if a folder is not a run, or holds no snapshot.
    """
    folder, agent = split_agent(name) or (name, "")
    if is_study(folder):
        return [player for run in runs_of(folder) for player in ([f"{run}:{agent}"] if agent else expand(run, whole))]
    path = pathlib.Path(name)
    if path.name == SNAPSHOTS and os.path.isdir(path):
        found = Run(path.parent).snapshots()
        if not found:
            raise InputError(f"{path} holds no snapshot")
        if whole:
            return [str(snapshot) for snapshot in found]
        return [f"{snapshot}:{agent}" for agent in open_path(path.parent).agent_names for snapshot in found]
    if not whole and os.path.exists(path) and (opened := open_path(path)).config is not None:
        return [f"{path}:{agent}" for agent in opened.agent_names]
    return [os.fspath(name)]


def _read_snapshot(path: pathlib.Path, config: TrainConfig) -> list[IMAgent]:
    agents = build_agents(config)
    variables = {f"{agent.name}/{i}": x for agent in agents for i, x in enumerate(agent.policy.variables())}
    for name, array in read_snapshot(path, config, variables).items():
        variables[name].assign(array)
    return _sound(path, agents)


def read_record(path: pathlib.Path, record: tf.Module) -> None:
    """Reads what a strength noted over a training from a run or a checkpoint; of a snapshot nothing is known."""
    if path.suffix != ".npz":
        saved = tf.Module()
        saved.record = record
        run, checkpoint, manifest = _checkpoint_of(path)
        run.read(checkpoint, tf.train.Checkpoint(strength=saved), manifest)


def _checkpoint_of(path: pathlib.Path) -> tuple[Run, pathlib.Path, dict]:
    """The checkpoint that a run or a checkpoint stands for, its run, and its manifest."""
    run = Run(run_folder(path))
    checkpoint = path if run.path != path else run.newest_checkpoint()
    return run, checkpoint, run.check(checkpoint)


def _read_checkpoint(path: pathlib.Path, config: TrainConfig) -> list[IMAgent]:
    """Only what they learned is read: everything else has the size of the training's batch of games."""
    agents = build_agents(config)
    run, checkpoint, manifest = _checkpoint_of(path)
    saved = tf.Module()
    saved.agents = [tf.Module() for _ in agents]
    for place, agent in zip(saved.agents, agents):
        setattr(place, "_learner" if run.is_old else "algorithm", agent.algorithm)
    run.read(checkpoint, tf.train.Checkpoint(trainer=saved), manifest)
    return _sound(checkpoint, agents)


def _sound(path: pathlib.Path, agents: list[IMAgent]) -> list[IMAgent]:
    for agent in agents:
        if not all(np.isfinite(variable.numpy()).all() for variable in agent.policy.variables()):
            raise InputError(f"{path} is damaged: {agent.name} has weights that are NaN or infinite")
    return agents
