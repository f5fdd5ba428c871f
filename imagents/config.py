"""The settings of a training, in three parts: an environment's own, an algorithm's own, and the training's.

This is the only home of defaults. In Python a config is nested; at every edge (the command line, a run's config.json,
the manifest of a checkpoint, cloud jobs) it is flat: `TrainConfig(**flat)` and `TrainConfig.to_dict` are the way in and
out.
This module imports no TensorFlow, so `imagents --help` answers at once.
"""

import dataclasses
import importlib
import math
import os
import pathlib
import re
import typing
from collections.abc import Callable
from typing import Any, Literal

from imagents.errors import InputError, brief
from imagents.files import read_json
from imagents.own import is_own, trust

ENVIRONMENTS = {  # name: where its settings are, resolved when asked
    "tic_tac_toe": "imagents.environments.boards.tic_tac_toe.settings:TicTacToe",
    "connect_four": "imagents.environments.boards.connect_four.settings:ConnectFour",
    "ROWSxCOLUMNSxK": "imagents.environments.boards.settings:BoardSettings",
}
_OWN = "imagents.environments.own:OwnEnvironment"  # named MODULE:FUNCTION
DEFAULT_ENVIRONMENT = "tic_tac_toe"
RENAMED = {"game": "environment", "plies": "steps"}  # settings of version 0.1.0
_DESCRIBED = re.compile(r"\d+x\d+x\d+(-\w+)?")  # a board by its numbers


@dataclasses.dataclass(frozen=True)
class QLearning:
    """The DQN family: learns the values of actions from single decisions, in any order."""

    name: Literal["dqn", "double_dqn", "c51"] = "dqn"
    hidden_layers: tuple[int, ...] = (128, 128)
    """Width of each hidden layer of the Q network."""
    learning_rate: float = 1e-3
    """Of Adam, at the start."""
    final_learning_rate: float = 1e-4
    """Of Adam, at the end of the budget; it falls linearly."""
    discount: float = 1.0
    """Weight of the next decision's value; its exponent counts an agent's own decisions, however long they take."""
    target_update_period: int = 50
    """Train steps between updates of the target network."""
    target_update_tau: float = 1.0
    """Share of the online weights in an update of the target network."""
    batch_size: int = 1024
    """Decisions per train step of an agent."""
    train_steps_per_round: int = 1
    """Train steps per round (every agent acts once in every parallel game in a round)."""
    warmup_rounds: int = 20
    """Rounds played before the first train step."""
    replay_length: int = 32
    """Newest decisions kept per parallel game, in each agent's replay buffer."""
    epsilon_min: float = 0.1
    """Share of random moves in the least exploring of the parallel games."""
    epsilon_max: float = 0.1
    """Share of random moves in the most exploring one; geometric steps in between."""

    def __post_init__(self):
        object.__setattr__(self, "hidden_layers", tuple(self.hidden_layers))
        for width in self.hidden_layers:
            _check("hidden_layers", width >= 1, width, "a layer has at least 1 unit")
        for name in ("learning_rate", "final_learning_rate"):
            value = getattr(self, name)
            _check(name, 0 < value < math.inf, value, "a learning rate is more than 0")
        _check_least(self, {"batch_size": 1, "target_update_period": 1, "train_steps_per_round": 0, "warmup_rounds": 2,
                            "replay_length": 2})  # fmt: skip
        _check_shares(self, "discount", "epsilon_min", "epsilon_max", "target_update_tau")
        _check("epsilon_max", self.epsilon_max >= self.epsilon_min, self.epsilon_max,
               f"it is not below epsilon_min = {self.epsilon_min}")


ALGORITHMS = {"dqn": QLearning, "double_dqn": QLearning, "c51": QLearning}


@dataclasses.dataclass(frozen=True)
class Training:
    """How long to train, against whom, and what to write down."""

    seed: int = 0
    """Same seed, same machine: same run, bit for bit."""
    steps: int | None = None
    """Training budget in steps of all parallel games together."""
    minutes: float | None = None
    """Training budget in minutes of training time. With neither budget: the preset's."""
    opponent: str = "learner"
    """Short for players with two seats: who plays seat 1 against a learner."""
    players: tuple[str, ...] = ()
    """Who sits where, a name for each seat: learner (an agent, independent of all others), league (past selves of the
    other seat's agent), any player that does not learn (random, heuristic, minimax:2, the folder of a run, ...), or a
    mixture of these, random=1,heuristic=3. Learners everywhere if not given."""
    agents: str = ""
    """In place of players and of the algorithm: your own MODULE:FUNCTION, called with the environment and the seed; it
    returns a player for each seat."""
    share_weights: bool = False
    """Whether all learners share one algorithm, each with decisions of its own; else no two share a variable."""
    limits_are_ends: bool = False
    """Whether a time limit counts as an end, after which nothing is worth anything; for figures found that way."""
    league_size: int = 8
    """Past selves in the pool of a league; parallel_games is a multiple of it."""
    league_win_rate: float = 0.6
    """Share of a chunk's games that the agent has to win for a copy of it to join the league."""
    parallel_games: int = 1024
    """Games played side by side."""
    rounds_per_chunk: int = 200
    """Rounds in one compiled call; one row of metrics.csv each."""
    evaluate_every: int = 10
    """Chunks between evaluations of playing strength."""
    checkpoint_minutes: float = 1.0
    """Minutes of training between checkpoints."""
    snapshots: int = 16
    """Copies of the agents' networks kept over a run, evenly spread in time, for learning curves; 0 keeps none."""
    execution: Literal["xla", "graph", "eager"] = "xla"
    """How rounds run: compiled by XLA, as a TensorFlow graph, or step by step."""

    def __post_init__(self):
        _check_least(self, {"parallel_games": 1, "rounds_per_chunk": 1, "evaluate_every": 1, "league_size": 1,
                            "seed": 0, "snapshots": 0})  # fmt: skip
        for name in ("steps", "minutes"):
            value = getattr(self, name)
            _check(name, value is None or (math.isfinite(value) and value > 0), value, "a budget is more than 0")
        object.__setattr__(self, "players", tuple(self.players))
        if self.players:
            _check("players", "learner" in self.players, self.players, "at least one seat is a learner's")
            _check("opponent", self.opponent == "learner", self.opponent, "players say who plays, an opponent too")
        if self.agents:
            _check("agents", not self.players and self.opponent == "learner", self.agents, "they sit everywhere, and "
                   "neither players nor opponent can be given")  # fmt: skip
        _check_shares(self, "league_win_rate")
        _check("checkpoint_minutes", self.checkpoint_minutes > 0, self.checkpoint_minutes, "more than 0 is needed")


@dataclasses.dataclass(frozen=True, init=False)
class TrainConfig:
    """Settings of one training.

    Args:
      environment: its name, one of `ENVIRONMENTS`, or a board as ROWSxCOLUMNSxK: 5x5x4 (four in a row on five by five
        cells), or 8x8x4-gravity if stones fall; or your own function (batch_size, seed) that makes a TFEnvironment.
      preset: a named set of values for that environment; every other setting overrides it.
      settings: any setting of the environment, the algorithm and the training; `agents` may be a function, too.

    Attributes:
      environment: the environment's own settings, its face; see `imagents.environments`.
      algorithm: those of the TF-Agents agent inside each agent.
      training: the rest.

    Raises:
      InputError: for an unknown setting, or a value that no training can have, in one sentence.
    """

    environment: Any
    algorithm: QLearning
    training: Training

    def __init__(self, /, environment: str | Callable = DEFAULT_ENVIRONMENT, preset: str = "default", **settings):
        environment = trust(environment) if callable(environment) else environment
        if callable(settings.get("agents")):
            settings["agents"] = trust(settings["agents"])
        kind = environment_class(environment)
        presets = list(kind.presets)
        _check("preset", preset in presets, preset, f"{environment} has the presets {', '.join(presets)}")
        settings = {name: _plain(value) for name, value in settings.items()}
        values = kind.presets[preset] | settings
        own_budget = settings.get("steps") is not None or settings.get("minutes") is not None
        budget = settings if own_budget else kind.presets[preset]
        values |= {name: budget.get(name) for name in ("steps", "minutes")}
        algorithm = values.pop("algorithm", QLearning.name)
        _check("algorithm", isinstance(algorithm, str), algorithm, "str is needed")
        _check("algorithm", algorithm in ALGORITHMS, algorithm, f"choose {', '.join(ALGORITHMS)}")
        kinds = {"environment": kind, "algorithm": ALGORITHMS[algorithm], "training": Training}
        known = [name for part in kinds.values() for name in settings_of(part)]
        for name in values:
            if name in RENAMED:
                raise InputError(f"unknown setting {brief(name)}: it is called {RENAMED[name]} now")
            if name not in known:
                known = ", ".join(["environment", "preset", "algorithm", *known])
                raise InputError(f"unknown setting {brief(name)}: the settings are {known}")
        for part, name in (("environment", environment), ("algorithm", algorithm), ("training", None)):
            own = {key: values[key] for key in settings_of(kinds[part]) if key in values}
            for key, value in own.items():
                _check_type(settings_of(kinds[part])[key], value)
            object.__setattr__(self, part, kinds[part](**({"name": name} if name else {}), **own))
        self.environment.check(self.algorithm)

    @property
    def agent_names(self) -> list[str]:
        """The names of the agents that learn, in the order of their seats."""
        players = self.training.players or self.players(self.environment.num_seats)
        return [agent_name(seat) for seat, name in enumerate(players) if name == "learner"]

    def players(self, num_seats: int) -> tuple[str, ...]:
        """Who sits at each seat, as people write it.

        Raises:
          InputError: if there are not so many names.
        """
        names, opponent = self.training.players, self.training.opponent
        if not names and opponent == "learner":
            return ("learner",) * num_seats
        seats = f"{self.environment.name} has {num_seats} seat{'s' if num_seats > 1 else ''}"
        _check("opponent", bool(names) or num_seats == 2, opponent, f"{seats}: players names who sits at each")
        names = names or ("learner", opponent)
        _check("players", len(names) == num_seats, list(names), f"{seats}, and each needs a name")
        _check("players", "league" not in names or names.count("learner") == 1, list(names),
               "a league is made of the past selves of one learner")  # fmt: skip
        return names

    def measures(self) -> dict[str, dict[str, Any]]:
        """How good its agents are measured to be, by name, as plain values: what a run's measures.json holds."""
        return {name: dataclasses.asdict(measure) for name, measure in self.environment.measures.items()}

    def fields(self) -> dict[str, dataclasses.Field]:
        """The settings of all parts, by name."""
        return settings_of(self.environment) | settings_of(self.algorithm) | settings_of(self.training)

    def to_dict(self) -> dict[str, Any]:
        """Every setting by its name, flat, as plain values for JSON; `TrainConfig(**values)` is the way back."""
        flat = {}
        for part in ("environment", "algorithm", "training"):
            values = dataclasses.asdict(getattr(self, part))
            flat |= ({part: values.pop("name")} if "name" in values else {}) | values
        return {name: list(value) if isinstance(value, tuple) else value for name, value in flat.items()}

    def within(self, environment: str | Callable) -> "TrainConfig":
        """The same algorithm and training in another environment, with the settings that this one has by default."""
        flat = self.to_dict()
        kept = {name: flat[name] for part in (self.algorithm, self.training) for name in settings_of(part)}
        return TrainConfig(environment, algorithm=self.algorithm.name, **kept)

    def replace(self, **settings) -> "TrainConfig":
        """The same with other values of some settings.

        Raises:
          InputError: for a preset, too: each of its settings has a value here already.
        """
        if "preset" in settings:
            raise InputError(f"preset = {settings['preset']!r}: a config begins with a preset, as in TrainConfig("
                             f"{self.environment.name!r}, preset={settings['preset']!r}), and cannot change to one")
        return TrainConfig(**self.to_dict() | settings)


def agent_name(seat: int) -> str:
    """What the agent at a seat is called."""
    return f"player_{seat + 1}"


def environment_class(name: str) -> type:
    """The class of an environment's settings.

    Raises:
      InputError: if there is no environment of that name.
    """
    _check("environment", isinstance(name, str), name, "str is needed")
    described = "ROWSxCOLUMNSxK" if _DESCRIBED.fullmatch(name) else name
    home = _OWN if is_own(name) else ENVIRONMENTS.get(described)
    if home is None:
        raise InputError(
            f"unknown environment {brief(name)}: choose one of {', '.join(ENVIRONMENTS)}, such as 5x5x4, or "
            "8x8x4-gravity if stones fall, or your own MODULE:FUNCTION"
        )
    module, _, attribute = home.partition(":")
    return getattr(importlib.import_module(module), attribute)


def environment_settings(environment):
    """An environment's face, with its default settings.

    Args:
      environment: its name, or the rules of that name such as `imagents.CONNECT_FOUR`; a face is returned as it is.
    """
    if hasattr(environment, "presets"):
        return environment
    name = getattr(environment, "name", environment)
    return environment_class(name)(name=name)


def settings_of(part) -> dict[str, dataclasses.Field]:
    """The settings in a part of a config, by name."""
    return {field.name: field for field in dataclasses.fields(part) if field.name != "name"}


def run_folder(path: str | os.PathLike) -> pathlib.Path:
    """The run folder that a run folder, one of its checkpoints or snapshots, or an agent of these belongs to."""
    path = pathlib.Path((split_agent(path) or (path, ""))[0])
    return path.parent.parent if path.parent.name in ("checkpoints", "snapshots") else path


def split_agent(name: str | os.PathLike) -> tuple[str, str] | None:
    """A player's name as (path, agent's name or ""), if it names a path that exists; else None."""
    name = os.fspath(name)
    if os.path.exists(name):
        return name, ""
    path, colon, agent = name.rpartition(":")
    return (path, agent) if colon and os.path.exists(path) else None


def load_config(run: str | os.PathLike) -> TrainConfig:
    """The settings of a run, from its config.json; those of version 0.1.0 get their present names.

    Raises:
      InputError: if the folder is not a run, or its config.json is damaged.
    """
    path = pathlib.Path(run) / "config.json"
    try:
        values = read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{run} is not a run folder: it has no config.json") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # no UTF-8, no JSON
        raise InputError(f"{path} is damaged: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} does not fit: it holds a {type(values).__name__}, not settings by their names")
    for about in ("versions", "began_in"):
        values.pop(about, None)
    if "game" in values:
        values.pop("preset", None)  # of which it holds every setting
        values = {RENAMED.get(name, name): value for name, value in values.items()}
    try:
        return TrainConfig(**values)
    except InputError as error:
        raise InputError(f"{path} does not fit: {error}") from None


def _plain(value):
    """A number, a text or an array of NumPy's as Python's own; the same in a list or a tuple."""
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value.tolist() if hasattr(value, "tolist") else value


def check_made_with(run: pathlib.Path, config: TrainConfig, recorded: dict[str, Any], what: str) -> None:
    """Compares a run's settings with those that something in it was made with; only its budget may have changed since.

    Raises:
      InputError: if another one differs.
    """
    settings = config.to_dict()
    for name, value in recorded.items():
        name = RENAMED.get(name, name)
        if name in settings and settings[name] != value and name not in ("steps", "minutes"):
            raise InputError(
                f"{run / 'config.json'} has {name} = {brief(settings[name])}, but its {what} was made with "
                f"{brief(value)}: one of the two is not this run's"
            )


def _check_type(field: dataclasses.Field, value) -> None:
    """A value that JSON would not give back, or not as it was, is refused while it can be named."""
    if value is None and field.default is None:
        return
    if isinstance(field.default, tuple):
        _check(field.name, isinstance(value, (list, tuple)), value, "list or tuple is needed")
        kinds, values = (typing.get_args(field.type)[0],), value
    elif isinstance(field.default, bool):
        _check(field.name, isinstance(value, bool), value, "True or False is needed")
        return
    elif isinstance(field.default, str):
        kinds, values = (str,), [value]
    else:
        is_float = isinstance(field.default, float) or float in typing.get_args(field.type)
        kinds, values = (int, float) if is_float else (int,), [value]
    kind = " or ".join(kind.__name__ for kind in kinds)
    for each in values:
        _check(field.name, isinstance(each, kinds) and not isinstance(each, bool), each, f"{kind} is needed")
        fits = isinstance(each, (str, float)) or abs(each) < 2**63
        _check(field.name, fits, each, "a whole number of at most 64 bits is needed")
    if typing.get_origin(field.type) is Literal:
        choices = typing.get_args(field.type)
        _check(field.name, value in choices, value, f"choose {', '.join(choices)}")


def _check_least(part, least: dict[str, int]) -> None:
    for name, number in least.items():
        _check(name, getattr(part, name) >= number, getattr(part, name), f"at least {number} is needed")


def _check_shares(part, *names: str) -> None:
    for name in names:
        _check(name, 0 <= getattr(part, name) <= 1, getattr(part, name), "0 to 1 is needed")


def _check(name: str, fits: bool, value, needed: str) -> None:
    if not fits:
        raise InputError(f"{name} = {brief(value)}: {needed}")
