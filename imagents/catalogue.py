"""What there is to choose from, a line each: environments, and in one of them presets, algorithms and players."""

from collections.abc import Iterator
from typing import Any

from imagents.config import BRIDGES, ENVIRONMENTS, TrainConfig, environment_class
from imagents.settings import ALGORITHMS

WIDTH = 19  # of most names; a longer one moves its sentence
ALGORITHM_LINES = {
    "dqn": "values of actions by a Q network (Mnih et al. 2015)",
    "double_dqn": "the same, expecting less (van Hasselt et al. 2016)",
    "c51": "how returns are spread (Bellemare et al. 2017)",
    "tabular": "Q-learning with a table, where observations are few",
    "drqn": "a Q network with memory (Hausknecht and Stone 2015)",
    "ppo": "a policy in small safe steps (Schulman et al. 2017)",
    "a2c": "a policy and a critic (Mnih et al. 2016)",
    "reinforce": "a policy from whole returns (Williams 1992)",
    "recurrent_ppo": "PPO with memory",
}
PLAYER_LINES = {
    "random": "any legal action, each as likely",
    "first_legal": "the legal action of the lowest number",
    "trained": "the agent that ships with imagents, if there is one",
    "heuristic[:LOOK]": "wins if it can, else blocks; looks with chance LOOK",
    "minimax:DEPTH": "searches DEPTH moves ahead",
    "person": "you, who type each move",
    "perfect[:value]": "never errs, wins fastest; :value keeps the value only",
    "same_column": "one column of its choice, as long as it can",
    "linear": "the columns from left to right",
    "beat_last": "on top of the other's last stone",
    "always:ACTION": "one action for ever",
    "tit_for_tat": "what the others did last; it begins kindly",
    "grim": "kind until somebody is not, then never again",
    "pavlov": "stays if all did the same, else changes",
    "nash:ALPHA": "an equilibrium, of those that ALPHA (0 to 1/3) numbers",
}


def environments() -> Iterator[str]:
    """A line for each environment."""
    for name in [*ENVIRONMENTS, *(environment_class(f"{name}:").written for name in BRIDGES), "MODULE:FUNCTION"]:
        sentence = " ".join(environment_class(name).__doc__.split()).partition(". ")[0].rstrip(".")
        yield _line(name, f"{sentence}.")


def choices(name: str) -> Iterator[str]:
    """What there is to choose from in an environment; its players need TensorFlow.

    Raises:
      InputError: if there is no such environment.
    """
    config = TrainConfig(name)
    yield from (f"{' '.join(type(config.environment).__doc__.split())}", "", "presets, as in --preset NAME")
    for preset in config.environment.presets:
        yield _line(preset, preset_line(config.environment, preset))
    yield from ("", "algorithms, as in --algorithm NAME")
    for algorithm in ALGORITHMS:
        yield _line(algorithm, ALGORITHM_LINES[algorithm])
    yield from ("", "players, as in --opponent NAME, imagents play NAME and imagents tournament NAME NAME")

    from imagents.players.names import player_names

    for player in player_names(config.environment):
        yield _line(player, PLAYER_LINES.get(player, ""))
    yield _line("RUN", "the agents of a run; RUN:player_1 is one of them")


def preset_line(environment, preset: str) -> str:
    """What a preset sets: its budget, its algorithm, and what else is not as in the default one."""
    values, usual = environment.presets[preset], environment.presets["default"]
    budget = [_counted(values["steps"])] if values.get("steps") else []
    budget += [f"{values['minutes']:g} minutes"] if values.get("minutes") else []
    others = {name: value for name, value in values.items() if preset != "default" and usual.get(name) != value}
    others = {name: value for name, value in others.items() if name not in ("steps", "minutes", "algorithm")}
    changed = [f"{name} {_plain(value)}" for name, value in others.items()]
    return ", ".join([*budget, values.get("algorithm", "dqn"), *changed])


def _counted(steps: int) -> str:
    return f"{steps / 1e6:g} million steps" if steps >= 1e6 else f"{steps:,} steps"


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}" if _is_number(value) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, float)


def _line(name: str, sentence: str) -> str:
    return f"{name:{WIDTH}}  {sentence}".rstrip()
