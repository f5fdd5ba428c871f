"""The settings of a training: the only home of defaults.

The command line, a run's config.json and cloud jobs are generated from `TrainConfig`.
This module imports no TensorFlow, so `imagents --help` answers at once.
"""

import dataclasses
import json
import math
import os
import pathlib
from typing import Any, Literal


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Settings of one training.

    Raises:
      ValueError: for a value that no training can have, in one sentence.
    """

    game: str = "tic_tac_toe"
    """Which game the agents learn: tic_tac_toe, connect_four, or ROWSxCOLUMNSxK, such as 5x5x4 (four in a row on five
    by five cells), or 8x8x4-gravity if stones fall."""
    preset: str = "default"
    """Named set of defaults for the game; every other setting overrides it."""
    seed: int = 0
    """Same seed, same machine: same run, bit for bit."""

    plies: int | None = None
    """Training budget in environment steps of all parallel games together."""
    minutes: float | None = None
    """Training budget in minutes of training time. With neither budget: the preset's."""

    opponent: str = "learner"
    """Who plays seat 1: learner (a second, independent agent), league (the first one's past selves), any player that
    does not learn (random, heuristic, minimax:2, the folder of a run, ...), or a mixture: random=1,heuristic=3."""
    league_size: int = 8
    """Past selves in the pool of a league; parallel_games is a multiple of it."""
    league_win_rate: float = 0.6
    """Share of a chunk's games that the learner has to win for a copy of it to join the league."""
    algorithm: Literal["dqn", "double_dqn", "c51"] = "dqn"
    """The TF-Agents agent inside each player."""
    features: Literal["stones", "lines"] = "stones"
    """What the Q network sees: the stones, or also the lines that each side could complete with one or two more."""
    symmetry: Literal["none", "mirror"] = "none"
    """What the Q network knows about the game: mirror, that a board with its columns reversed is the same position."""
    hidden_layers: tuple[int, ...] = (128, 128)
    """Width of each hidden layer of the Q network."""
    learning_rate: float = 1e-3
    """Of Adam, at the start."""
    final_learning_rate: float = 1e-4
    """Of Adam, at the end of the budget; it falls linearly."""
    discount: float = 1.0
    """Weight of the next decision's value, per decision of an agent."""
    target_update_period: int = 50
    """Train steps between updates of the target network."""
    target_update_tau: float = 1.0
    """Share of the online weights in an update of the target network."""

    parallel_games: int = 1024
    """Games played side by side."""
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

    first_mover: Literal["random", "seat_0", "seat_1", "alternate"] = "random"
    """Who begins a game."""
    opening_plies: int = 0
    """Each game begins after 0 to this many random plies."""
    reward_win: float = 1.0
    """Reward of the seat that wins."""
    reward_loss: float = -1.0
    """Reward of the seat that loses."""
    reward_draw: float = 0.0
    """Reward of both seats for a draw."""
    reward_illegal: float = -5.0
    """Reward of the seat that made an illegal move; the game ends."""

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
        for field in dataclasses.fields(self):
            _check_type(field, getattr(self, field.name))
        object.__setattr__(self, "hidden_layers", tuple(self.hidden_layers))
        _check("preset", self.preset in presets(self.game), self.preset,
               f"{self.game} has the presets {', '.join(presets(self.game))}")
        for name in ("parallel_games", "batch_size", "rounds_per_chunk", "evaluate_every",
                     "target_update_period", "league_size"):
            _check(name, getattr(self, name) >= 1, getattr(self, name), "at least 1 is needed")
        for name in ("train_steps_per_round", "opening_plies", "seed", "snapshots"):
            _check(name, getattr(self, name) >= 0, getattr(self, name), "at least 0 is needed")
        _check("warmup_rounds", self.warmup_rounds >= 2, self.warmup_rounds, "at least 2 is needed")
        _check("replay_length", self.replay_length >= 2, self.replay_length, "at least 2 is needed")
        for name in ("plies", "minutes"):
            value = getattr(self, name)
            possible = value is None or (math.isfinite(value) and value > 0)
            _check(name, possible, value, "a budget is more than 0")
        for name in ("learning_rate", "final_learning_rate"):
            value = getattr(self, name)
            _check(name, 0 < value < math.inf, value, "a learning rate is more than 0")
        for name in ("discount", "epsilon_min", "epsilon_max", "target_update_tau", "league_win_rate"):
            _check(name, 0 <= getattr(self, name) <= 1, getattr(self, name), "0 to 1 is needed")
        _check("epsilon_max", self.epsilon_max >= self.epsilon_min, self.epsilon_max,
               f"it is not below epsilon_min = {self.epsilon_min}")
        _check("checkpoint_minutes", self.checkpoint_minutes > 0, self.checkpoint_minutes,
               "more than 0 is needed")
        for width in self.hidden_layers:
            _check("hidden_layers", width >= 1, width, "a layer has at least 1 unit")
            if self.symmetry == "mirror":
                _check("hidden_layers", width % 2 == 0, width, "with symmetry mirror, a layer has an even width")
        for name in ("reward_win", "reward_loss", "reward_draw", "reward_illegal"):
            _check(name, math.isfinite(getattr(self, name)), getattr(self, name),
                   "a reward is a finite number")
        for field in dataclasses.fields(self):
            choices = getattr(field.type, "__args__", ())
            if getattr(field.type, "__origin__", None) is Literal:
                _check(field.name, getattr(self, field.name) in choices, getattr(self, field.name),
                       f"choose {', '.join(choices)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self) | {"hidden_layers": list(self.hidden_layers)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of `to_dict`.

        Raises:
          ValueError: for an unknown setting or a value that no training can have.
        """
        fields = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in fields:
                raise ValueError(f"unknown setting {name!r}: the settings are {', '.join(fields)}")
        return cls(**values)

    def with_budget(self) -> "TrainConfig":
        """Itself, with the preset's budget if it has none of its own."""
        if self.plies is not None or self.minutes is not None:
            return self
        budget = {key: presets(self.game)[self.preset].get(key) for key in ("plies", "minutes")}
        return dataclasses.replace(self, **budget)


# What each preset of a game changes. Budgets of tic-tac-toe are in plies, so that its
# results do not depend on how fast a machine is.
_TIC_TAC_TOE = {
    "features": "lines",
    "epsilon_min": 0.05,
    "epsilon_max": 0.5,
    "opening_plies": 8,  # brings up positions that good play never reaches
    "final_learning_rate": 1e-5,
}
_CONNECT_FOUR = {
    "algorithm": "c51",
    "features": "lines",
    "symmetry": "mirror",
    "discount": 0.99,
    "final_learning_rate": 1e-5,
    "epsilon_min": 0.02,  # little: what an opponent does at random is noise in what a move is worth
    "epsilon_max": 0.2,
    "opening_plies": 20,  # so these bring up positions that good play never reaches
    "rounds_per_chunk": 50,  # which take about a second, so that a training that is told to stop does so soon
    "evaluate_every": 40,
}
_PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "tic_tac_toe": {
        "default": _TIC_TAC_TOE | {"plies": 16_000_000, "batch_size": 256},
        "perfect": _TIC_TAC_TOE | {"plies": 60_000_000},
    },
    "connect_four": {
        "default": _CONNECT_FOUR | {"hidden_layers": (1024, 512), "minutes": 60.0},
        "quick": _CONNECT_FOUR | {"hidden_layers": (512, 256), "minutes": 10.0},
        "strong": _CONNECT_FOUR | {"hidden_layers": (1024, 512), "minutes": 120.0},
    },
}
_ANY_GAME = {"default": {"minutes": 10.0}}


def presets(game: str) -> dict[str, dict[str, Any]]:
    """The presets of a game by name: what each changes in `TrainConfig`'s defaults."""
    return _PRESETS.get(game, _ANY_GAME)


def preset_config(game: str, preset: str = "default") -> TrainConfig:
    """The settings of a preset, its budget left open.

    Raises:
      ValueError: if the game has no such preset.
    """
    config = TrainConfig(game=game, preset=preset)
    changes = {k: v for k, v in presets(game)[preset].items() if k not in ("plies", "minutes")}
    return dataclasses.replace(config, **changes)


def _check_type(field: dataclasses.Field, value) -> None:
    """A value that JSON would not give back, or not as it was, is refused while it can be named."""
    if value is None and field.default is None:
        return
    if isinstance(field.default, tuple):
        _check(field.name, isinstance(value, (list, tuple)), value, "list or tuple is needed")
        kinds, values = (int,), value
    elif isinstance(field.default, str):
        kinds, values = (str,), [value]
    else:
        is_float = isinstance(field.default, float) or field.name == "minutes"
        kinds, values = (int, float) if is_float else (int,), [value]
    kind = " or ".join(kind.__name__ for kind in kinds)
    for each in values:
        _check(field.name, isinstance(each, kinds) and not isinstance(each, bool), each, f"{kind} is needed")
        fits = isinstance(each, (str, float)) or abs(each) < 2**63
        _check(field.name, fits, each, "a whole number of at most 64 bits is needed")


def _check(name: str, fits: bool, value, needed: str) -> None:
    if not fits:
        raise ValueError(f"{name} = {value!r}: {needed}")


def run_folder(path: str | os.PathLike) -> pathlib.Path:
    """The run folder that a run folder, one of its checkpoints or one of its snapshots belongs to."""
    path = pathlib.Path(path)
    return path.parent.parent if path.parent.name in ("checkpoints", "snapshots") else path


def load_config(run: str | os.PathLike) -> TrainConfig:
    """The settings of a run, from its config.json.

    Raises:
      ValueError: if the folder is not a run, or its config.json is damaged.
    """
    path = pathlib.Path(run) / "config.json"
    try:
        values = json.loads(path.read_text())
        if not isinstance(values, dict):
            raise ValueError(f"it holds a {type(values).__name__}, not settings by their names")
        return TrainConfig.from_dict({k: v for k, v in values.items() if k != "versions"})
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{run} is not a run folder: it has no config.json") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path} does not fit: {error}") from None
