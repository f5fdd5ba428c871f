"""What commands have in common: their words, the run that they are about, and whose functions may be imported."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

from imagents.config import load_config, run_folder, split_agent
from imagents.errors import check_seed
from imagents.flags import asks_for_help, explained, parse, refuse_old_flags
from imagents.own import is_own, trust, trust_again
from imagents.runs.folders import finished_runs

Job = Callable[[], int]  # does the work of a command and returns its exit status


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfRun:
    """What a command that reads a run needs to know besides."""

    last: bool = False
    """Takes the newest checkpoint of a run that keeps its best one, too."""
    trust: bool = False
    """Imports your own functions that the run's files name; naming them here does it, too."""
    environment: str = ""
    """Of a run in an environment of your own: its MODULE:FUNCTION."""
    agents: str = ""
    """Of a run with agents of your own: their MODULE:FUNCTION."""


def trust_run(command) -> None:
    """Trusts the functions of a run that its user names again on the command line, or all of them with --trust."""
    if command.trust or command.environment or command.agents:
        trust_again(load_config(run_folder(command.run)), command.environment, command.agents, command.trust)


def trust_players(command, names: Sequence[str]) -> None:
    """Trusts the functions that are named on the command line, and with --trust what the files of players name."""
    from imagents.opening import learned_in

    if is_own(command.environment):
        trust(command.environment)
    for path, _ in filter(None, map(split_agent, names)) if command.trust or command.agents else ():
        if command.trust and is_own(name := learned_in(path).name):
            trust(name)
        places = run_folder(path), pathlib.Path(path).parent, *finished_runs(path)
        runs = [run for run in places if (run / "config.json").exists()]
        for config in map(load_config, runs[:1]):
            trust_again(config, agents=command.agents if config.training.agents else None, everything=command.trust)


def parse_words(name: str, kind, arguments: Sequence[str]):
    """Parses a command whose arguments are not settings: `--json` alone switches it on."""
    refuse_old_flags(arguments)
    command = parse(explained(kind) if asks_for_help(arguments) else kind, arguments, f"imagents {name}")
    if getattr(command, "seed", None) is not None:
        check_seed(command.seed)
    return command
