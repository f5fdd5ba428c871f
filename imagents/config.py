"""The settings of a training, in three parts: an environment's own, an algorithm's own, and the training's.

The first are the environment's face, the others are in `settings.py`. In Python a config is nested; at every edge (the
command line, a run's config.json, the manifest of a checkpoint, cloud jobs) it is flat: `TrainConfig(**flat)` and
`TrainConfig.to_dict` are the way in and out.
This module imports no TensorFlow, so `imagents --help` answers at once.
"""

import dataclasses
import importlib
import os
import pathlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from imagents.errors import InputError, brief, meant
from imagents.files import no_run, read_json
from imagents.motivated import check_fits
from imagents.own import trust
from imagents.settings import ALGORITHMS, ActorCritic, Learning, QLearning, Training, settings_of
from imagents.values import check, check_type, plain

ENVIRONMENTS = {  # name: where its settings are, resolved when asked
    "tic_tac_toe": "imagents.environments.boards.tic_tac_toe.settings:TicTacToe",
    "connect_four": "imagents.environments.boards.connect_four.settings:ConnectFour",
    "prisoners_dilemma": "imagents.environments.matrix_games.games:PrisonersDilemma",
    "stag_hunt": "imagents.environments.matrix_games.games:StagHunt",
    "chicken": "imagents.environments.matrix_games.games:Chicken",
    "battle_of_the_sexes": "imagents.environments.matrix_games.games:BattleOfTheSexes",
    "matching_pennies": "imagents.environments.matrix_games.games:MatchingPennies",
    "rock_paper_scissors": "imagents.environments.matrix_games.games:RockPaperScissors",
    "coordination": "imagents.environments.matrix_games.games:Coordination",
    "climbing": "imagents.environments.matrix_games.games:Climbing",
    "climbing_partly_stochastic": "imagents.environments.matrix_games.games:ClimbingPartlyStochastic",
    "climbing_stochastic": "imagents.environments.matrix_games.games:ClimbingStochastic",
    "penalty": "imagents.environments.matrix_games.games:Penalty",
    "public_goods": "imagents.environments.matrix_games.games:PublicGoods",
    "cartpole": "imagents.environments.control.settings:CartPole",
    "kuhn_poker": "imagents.environments.cards.settings:KuhnPoker",
    "leduc_poker": "imagents.environments.cards.settings:LeducPoker",
    "phantom_tic_tac_toe": "imagents.environments.hidden_boards.settings:PhantomTicTacToe",
    "foraging": "imagents.environments.grid_worlds.settings:Foraging",
    "deep_sea": "imagents.environments.grid_worlds.settings:DeepSea",
    "rooms": "imagents.environments.grid_worlds.settings:Rooms",
    "ROWSxCOLUMNSxK": "imagents.environments.boards.settings:BoardSettings",
}
BRIDGES = {  # what stands before the colon in the name of another package's environment: where its settings are
    "gymnasium": "imagents.bridges.gymnasium.settings:Gymnasium",
    "open_spiel": "imagents.bridges.open_spiel.settings:OpenSpiel",
    "pettingzoo": "imagents.bridges.pettingzoo.settings:PettingZoo",
    "unity": "imagents.bridges.unity.settings:Unity",
}
_OWN = "imagents.environments.own:OwnEnvironment"  # named MODULE:FUNCTION
DEFAULT_ENVIRONMENT = "tic_tac_toe"
RENAMED = {"game": "environment", "plies": "steps"}  # settings of version 0.1.0
_DESCRIBED = re.compile(r"\d+x\d+x\d+(-\w+)?")  # a board by its numbers


@dataclasses.dataclass(frozen=True, init=False)
class TrainConfig:
    """Settings of one training.

    Args:
      environment: its name, one of `ENVIRONMENTS`, or a board as ROWSxCOLUMNSxK: 5x5x4 (four in a row on five by five
        cells), or 8x8x4-gravity if stones fall; or your own function (batch_size, seed) that makes a TFEnvironment.
      preset: a named set of values for that environment; every other setting overrides it. An algorithm that has one
        of its own name begins with that in the place of "default".
      settings: any setting of the environment, the algorithm and the training; `agents` may be a function, too.

    Attributes:
      environment: the environment's own settings, its face; see `imagents.environments`.
      algorithm: those of the TF-Agents agent inside each agent.
      own_algorithms: (agent's name, those of its own algorithm) of agents that have one.
      training: the rest.

    Raises:
      InputError: for an unknown setting, or a value that no training can have, in one sentence.
    """

    environment: Any
    algorithm: Learning | ActorCritic
    training: Training
    own_algorithms: tuple[tuple[str, Learning | ActorCritic], ...]

    def __init__(self, /, environment: str | Callable = DEFAULT_ENVIRONMENT, preset: str = "default", **settings):
        environment = trust(environment) if callable(environment) else environment
        if callable(settings.get("agents")):
            settings["agents"] = trust(settings["agents"])
        kind = environment_class(environment)
        presets = list(kind.presets)
        check("preset", preset in presets, preset, f"{environment} has the presets {', '.join(presets)}")
        settings = {name: plain(value) for name, value in settings.items()}
        theirs = _of_agents(settings)
        algorithm = settings.get("algorithm", kind.presets[preset].get("algorithm", QLearning.name))
        check("algorithm", isinstance(algorithm, str), algorithm, "str is needed")
        check("algorithm", algorithm in ALGORITHMS, algorithm, f"choose {', '.join(ALGORITHMS)}")
        if preset == "default" and algorithm in presets:
            preset = algorithm
        values = _fitting(kind.presets[preset], ALGORITHMS[algorithm]) | settings
        own_budget = settings.get("steps") is not None or settings.get("minutes") is not None
        budget = settings if own_budget else kind.presets[preset]
        values |= {name: budget.get(name) for name in ("steps", "minutes")}
        values.pop("algorithm", None)
        kinds = {"environment": kind, "algorithm": ALGORITHMS[algorithm], "training": Training}
        known = [name for part in kinds.values() for name in settings_of(part)]
        for name in values:
            if name in RENAMED:
                raise InputError(f"unknown setting {brief(name)}: it is called {RENAMED[name]} now")
            if name not in known:
                question, known = meant(name, known), ", ".join(["environment", "preset", "algorithm", *known])
                raise InputError(f"unknown setting {brief(name)}: {question}the settings are {known}")
        for part, name in (("environment", environment), ("algorithm", algorithm), ("training", None)):
            own = {key: values[key] for key in settings_of(kinds[part]) if key in values}
            own = {key: check_type(settings_of(kinds[part])[key], value) for key, value in own.items()}
            object.__setattr__(self, part, kinds[part](**({"name": name} if name else {}), **own))
        own_algorithms = tuple((name, self._own_algorithm(name, values)) for name, values in sorted(theirs.items()))
        object.__setattr__(self, "own_algorithms", own_algorithms)
        check("share_weights", not (own_algorithms and self.training.share_weights), True,
              "agents with algorithms of their own share none")  # fmt: skip
        for each in (self.algorithm, *dict(own_algorithms).values()):
            self.environment.check(each)
            check_fits(self.environment, each)

    def _own_algorithm(self, agent: str, changes: dict[str, Any]) -> Learning | ActorCritic:
        """An agent's own algorithm: what changes in that of all, or in what a preset of its name says of another."""
        known = self.agent_names
        check("settings", agent in known, agent, f"no agent that learns has that name: there are {', '.join(known)}")
        name = changes.pop("algorithm", self.algorithm.name)
        check(f"{agent}.algorithm", name in list(ALGORITHMS), name, f"choose {', '.join(ALGORITHMS)}")
        kind, presets = ALGORITHMS[name], self.environment.presets
        fields, values = settings_of(kind), _fitting(presets.get(name, presets["default"]), kind)
        if kind is type(self.algorithm):
            values = {key: getattr(self.algorithm, key) for key in fields}
        for key in changes:
            check(f"{agent}.{key}", key in fields, changes[key], f"{name} has the settings {', '.join(fields)}")
        try:
            changes = {key: check_type(fields[key], value) for key, value in changes.items()}
            return kind(name=name, **{key: value for key, value in (values | changes).items() if key in fields})
        except InputError as error:
            raise InputError(f"{agent}.{error}") from None

    def algorithm_of(self, agent: str) -> Learning | ActorCritic:
        """The settings of an agent's algorithm, by the agent's name."""
        return dict(self.own_algorithms).get(agent, self.algorithm)

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
        check("opponent", bool(names) or num_seats == 2, opponent, f"{seats}: players names who sits at each")
        names = names or ("learner", opponent)
        check("players", len(names) == num_seats, list(names), f"{seats}, and each needs a name")
        check("players", "league" not in names or names.count("learner") == 1, list(names),
              "a league is made of the past selves of one learner")  # fmt: skip
        return names

    def measures(self) -> dict[str, dict[str, Any]]:
        """How good its agents are measured to be, by name, as plain values: what a run's measures.json holds."""
        return {name: dataclasses.asdict(measure) for name, measure in self.environment.measures.items()}

    def fields(self) -> dict[str, dataclasses.Field]:
        """The settings of all parts, by name."""
        known = settings_of(self.environment) | settings_of(self.algorithm) | settings_of(self.training)
        for agent, algorithm in self.own_algorithms:
            known |= {f"{agent}.{name}": field for name, field in settings_of(algorithm).items()}
        return known

    def to_dict(self) -> dict[str, Any]:
        """Every setting by its name, flat, as plain values for JSON; `TrainConfig(**values)` is the way back."""
        flat = {}
        for part in ("environment", "algorithm", "training"):
            values = dataclasses.asdict(getattr(self, part))
            flat |= ({part: values.pop("name")} if "name" in values else {}) | values
        for agent, algorithm in self.own_algorithms:
            values = dataclasses.asdict(algorithm)
            flat |= {f"{agent}.algorithm": values.pop("name")} | {f"{agent}.{key}": x for key, x in values.items()}
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

    def with_copies(self, copies: int) -> "TrainConfig":
        """The same agents for so many parallel games, with next to no memory."""
        fitting = {}
        algorithms = {"": self.algorithm} | {f"{agent}.": each for agent, each in self.own_algorithms}
        for prefix, algorithm in algorithms.items():
            small = {"replay_length": getattr(algorithm, "window_length", 2), "batch_size": 1}
            fitting |= {prefix + name: value for name, value in small.items() if name in settings_of(algorithm)}
        return self.replace(parallel_games=copies, **fitting)


def _fitting(preset: dict[str, Any], algorithm: type) -> dict[str, Any]:
    """What a preset says, without what it says of other algorithms: a rate for tables is none for networks."""
    others = {name for kind in ALGORITHMS.values() for name in settings_of(kind)} - set(settings_of(algorithm))
    own = ALGORITHMS[preset.get("algorithm", QLearning.name)]
    if own is not algorithm:
        both = [kind for kind in own.__mro__ if issubclass(algorithm, kind) and dataclasses.is_dataclass(kind)]
        others |= set(settings_of(algorithm)) - {"discount"}.union(*map(settings_of, both))
    return {name: value for name, value in preset.items() if name not in others}


def _of_agents(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Takes what single agents have of their own out of flat settings: `player_2.learning_rate`, and what is by seat.
    """
    found = {}
    for several, one in (("algorithms", "algorithm"), ("motivations", "motivation")):
        values = settings.pop(several, ())
        check(several, isinstance(values, (list, tuple)), values, "one for each seat is needed")
        if values:
            check(several, one not in settings, list(values), f"they stand for {one}, which is given, too")
            settings[one] = values[0]
            for seat, value in enumerate(values):
                if value != values[0]:
                    found.setdefault(agent_name(seat), {})[one] = value
    for key in [key for key in settings if "." in key]:
        agent, _, name = key.partition(".")
        found.setdefault(agent, {})[name] = settings.pop(key)
    return found


def agents_in(columns: Iterable[str]) -> list[str]:
    """The agents that the columns of a metrics.csv are about: each has a loss, and some one of their values, too."""
    names = [column.removesuffix("_loss") for column in columns if column.endswith("_loss")]
    return [name for name in names if name.removesuffix("_value") not in names or not name.endswith("_value")]


def agent_name(seat: int) -> str:
    """What the agent at a seat is called."""
    return f"player_{seat + 1}"


def environment_class(name: str) -> type:
    """The class of an environment's settings.

    Raises:
      InputError: if there is no environment of that name.
    """
    check("environment", isinstance(name, str), name, "str is needed")
    described = "ROWSxCOLUMNSxK" if _DESCRIBED.fullmatch(name) else name
    bridge, colon, _ = name.partition(":")
    home = (BRIDGES.get(bridge) or _OWN) if colon else ENVIRONMENTS.get(described)
    if home is None:
        raise InputError(
            f"unknown environment {brief(name)}: {meant(name, ENVIRONMENTS)}choose one of {', '.join(ENVIRONMENTS)}, "
            "such as 5x5x4, or 8x8x4-gravity if stones fall, one of another package, such as gymnasium:CartPole-v1, "
            "or your own MODULE:FUNCTION"
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
        raise no_run(run, "config.json") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # no UTF-8, no JSON
        raise InputError(f"{path} is damaged: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} does not fit: it holds a {type(values).__name__}, not settings by their names")
    for about in ("versions", "began_in", "parent", "unused"):
        values.pop(about, None)
    if "game" in values:
        values.pop("preset", None)  # of which it holds every setting
        values = {RENAMED.get(name, name): value for name, value in values.items()}
    try:
        return TrainConfig(**values)
    except InputError as error:
        raise InputError(f"{path} does not fit: {error}") from None


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
