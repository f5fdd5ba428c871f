"""A search: which settings its trials try, by chance or by what earlier ones reached.

Trial k of a random search is drawn from the search's seed and k, whatever happened before. One of Optuna's is drawn
from these and the trials that have ended by then (its tree-structured Parzen estimator, Bergstra et al. 2011), so it is
the same again where these are: with one worker. Neither keeps a state besides.
"""

import dataclasses
import functools
import importlib.util
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from imagents.config import TrainConfig
from imagents.errors import InputError, check_seed
from imagents.values import check

FIRST_SEED = 1_000_000  # of trials; winners are trained with seeds below
_DIGITS = 4  # of a number that is tried, so that people can read and repeat it
_ETA = 3  # of the trials that come to a rung, one of so many goes on
_RUNGS = 3


@dataclasses.dataclass(frozen=True)
class Range:
    """What a setting may be: `log` and `uniform`, numbers between two; `int`, whole ones; `choice`, one of a list."""

    name: str
    kind: str
    values: Sequence

    @classmethod
    def of(cls, name: str, content: Any) -> "Range":
        """The one that a table such as `{ log = [1e-4, 1e-2] }` describes."""
        kinds = "{ log = [A, B] }, { uniform = [A, B] }, { int = [A, B] } or { choice = [...] } is needed"
        check(f"search: {name}", isinstance(content, Mapping) and len(content) == 1, content, kinds)
        ((kind, values),) = content.items()
        check(f"search: {name}", kind in ("log", "uniform", "int", "choice"), content, kinds)
        check(f"search: {name}", isinstance(values, (list, tuple)), content, kinds)
        if kind == "choice":
            check(f"search: {name}", len(values) > 1, content, "at least two values to choose from are needed")
            return cls(name, kind, tuple(values))
        number, values = (int, whole(values)) if kind == "int" else ((int, float), values)
        fits = len(values) == 2 and all(isinstance(v, number) and not isinstance(v, bool) for v in values)
        fits = fits and all(map(math.isfinite, values)) and values[0] < values[1]
        needed = f"two {'whole ' if kind == 'int' else ''}numbers, the smaller one first, are needed"
        check(f"search: {name}", fits, content, needed)
        check(f"search: {name}", kind != "log" or values[0] > 0, content, "a range of log begins above 0")
        return cls(name, kind, tuple(values))

    def at(self, share: float):
        """The value at a share of the range, 0 to below 1."""
        if self.kind == "choice":
            return self.values[int(share * len(self.values))]
        low, high = self.values
        if self.kind == "int":
            return low + int(share * (high + 1 - low))
        return self.readable(low * (high / low) ** share if self.kind == "log" else low + (high - low) * share)

    def readable(self, value: float) -> float:
        """The value with few digits, in the range."""
        return min(max(float(f"{value:.{_DIGITS}g}"), float(self.values[0])), float(self.values[1]))


@dataclasses.dataclass(frozen=True)
class Search:
    """What a study's `[search]` and `[budget]` say.

    Attributes:
      space: what is searched.
      objective: the measure that a trial is judged by, the mean over its agents and seeds.
      sign: 1 if more of it is better, -1 if less is.
      checkpoint: whether the "best" one of a trial is judged, where runs keep one, or the "last".
      method: "random" or "optuna".
      seed: of what is drawn.
      seeds: those of each trial's runs, from FIRST_SEED on.
      early_stopping: whether trials that do badly are stopped (asynchronous successive halving, Li et al. 2020).
      trials: so many, of each of the study's settings.
      hours: no trial begins once those before have trained for so long, all together; None for no such limit.
    """

    space: tuple[Range, ...]
    objective: str
    sign: int
    trials: int
    checkpoint: str = "best"
    method: str = "random"
    seed: int = 0
    seeds: tuple[int, ...] = (FIRST_SEED,)
    early_stopping: bool = False
    hours: float | None = None

    @classmethod
    def of(cls, search: Mapping[str, Any], budget: Mapping[str, Any], configs: Mapping[str, TrainConfig]) -> "Search":
        """The one that is asked for, of settings by their names.

        Raises:
          InputError: for what no search can have.
        """
        given = {name: search[name] for name in _OPTIONS if name in search}
        for name, value in given.items():
            fits, needed = _OPTIONS[name]
            check(f"search: {name}", fits(value), value, needed)
        for name, value in budget.items():
            check("budget", name in ("trials", "hours"), name, "a budget has trials and hours")
            whole = isinstance(value, int) or name == "hours" and isinstance(value, float)
            check(f"budget: {name}", whole and not isinstance(value, bool) and 0 < value < math.inf, value,
                  "more than 0 is needed" + ("" if name == "hours" else ", and a whole number"))  # fmt: skip
        check("budget: trials", "trials" in budget, None, "a search needs to know how many")
        space = tuple(Range.of(name, content) for name, content in search.items() if name not in _OPTIONS)
        check("search", len(space) > 0, dict(search), "no setting is searched: one such as learning_rate is needed")
        given |= {"seeds": tuple(range(FIRST_SEED, FIRST_SEED + given.get("seeds", 1)))}
        given |= cls._judging(given, configs)
        found = cls(space, **given, **budget)
        if found.method == "optuna" and importlib.util.find_spec("optuna") is None:
            raise InputError("method = 'optuna' needs the package optuna: pip install -c constraints.txt -e .[search]")
        found._check_settings(configs)
        return found

    @staticmethod
    def _judging(given: dict[str, Any], configs: Mapping[str, TrainConfig]) -> dict[str, Any]:
        """The objective, and whether more of it is better, in all of the study's environments."""
        direction, signs = given.pop("direction", None), set()
        objective = given.get("objective") or next(iter(next(iter(configs.values())).environment.measures))
        for config in configs.values():
            measures = config.environment.measures
            check("search: objective", objective in measures, objective,
                  f"{config.environment.name} measures {', '.join(measures)}")  # fmt: skip
            signs.add(-1 if measures[objective].less_is_better else 1)
        check("search: direction", direction or len(signs) == 1, None, f"{objective} needs one here: max or min")
        return {"objective": objective, "sign": {"max": 1, "min": -1}.get(direction) or signs.pop()}

    def _check_settings(self, configs: Mapping[str, TrainConfig]) -> None:
        """Whether every setting can have the values at its ends, and every trial can be stopped early that may be."""
        for name, config in configs.items():
            first = {each.name: each.at(0.0) for each in self.space}
            for each in self.space:
                for value in each.values:  # the ends of a range, or all
                    try:
                        config.replace(**first | {each.name: value})
                    except InputError as error:
                        raise InputError(f"search: {error}") from None
            if self.early_stopping:
                for each in ("steps", "minutes"):
                    searched = each in first
                    check(f"search: {each}", not searched, first.get(each), "early stopping needs the same for all")
                budget = config.training.steps if config.training.minutes is None else None
                check("search: early_stopping", budget is not None, True, f"{name} needs a budget in steps alone")
        check("search: early_stopping", not self.early_stopping or len(self.seeds) == 1, True,
              f"trials of one seed are needed, not of seeds = {len(self.seeds)}")  # fmt: skip

    def rungs(self, config: TrainConfig) -> list[int]:
        """Steps after which a trial is compared with the others, and stopped if it is not among the best third."""
        if not self.early_stopping:
            return []
        return [steps for k in range(_RUNGS, 0, -1) if (steps := config.training.steps // _ETA**k) > 0]

    def goes_on(self, value: float, others: Sequence[float]) -> bool:
        """Whether a trial with that much of the objective at a rung is good enough, given all that came there."""
        return sum(self.sign * other > self.sign * value for other in others) < max(1, len(others) // _ETA)

    @property
    def worst(self) -> float:
        """What a trial that failed has of the objective."""
        return -self.sign * math.inf

    def propose(self, number: int, past: Sequence[tuple[dict[str, Any], float | None]]) -> dict[str, Any]:
        """The settings of a trial, by name.

        Args:
          number: of the trial, from 0 on.
          past: the settings of each earlier one, and what it reached; None while it is trained, or if it was stopped.
        """
        if self.method == "optuna":
            return self._by_optuna(number, past)
        draws = random.Random(f"{self.seed}/trial {number}")
        return {each.name: each.at(draws.random()) for each in self.space}

    def _by_optuna(self, number: int, past: Sequence[tuple[dict[str, Any], float | None]]) -> dict[str, Any]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        seed = random.Random(f"{self.seed}/trial {number}").getrandbits(31)
        sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)  # trials that are trained are not good yet
        study = optuna.create_study(direction="maximize" if self.sign > 0 else "minimize", sampler=sampler)
        ways = self._distributions
        for values, reached in past:
            params = {each.name: each.values.index(values[each.name]) if each.kind == "choice" else values[each.name]
                      for each in self.space}  # fmt: skip
            state = optuna.trial.TrialState.RUNNING if reached is None else optuna.trial.TrialState.COMPLETE
            study.add_trial(
                optuna.trial.create_trial(state=state, params=params, distributions=ways, value=reached)
            )
        asked = study.ask(ways).params
        return {
            each.name: each.values[asked[each.name]] if each.kind == "choice"
            else asked[each.name] if each.kind == "int" else each.readable(asked[each.name])
            for each in self.space
        }  # fmt: skip

    @functools.cached_property
    def _distributions(self) -> dict[str, Any]:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        make = {
            "log": lambda values: FloatDistribution(*values, log=True),
            "uniform": lambda values: FloatDistribution(*values),
            "int": lambda values: IntDistribution(*values),
            "choice": lambda values: CategoricalDistribution(range(len(values))),
        }
        return {each.name: make[each.kind](each.values) for each in self.space}


def whole(value):
    """Whole floats, such as 1e6, as integers, also in lists."""
    if isinstance(value, (list, tuple)):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_seed(value: Any) -> bool:
    try:
        check_seed(value)
    except InputError:
        return False
    return True


_OPTIONS = {  # what [search] has beside ranges of settings: whether a value fits, and what is needed
    "objective": (lambda x: isinstance(x, str), "the name of a measure is needed"),
    "direction": (lambda x: x in ("max", "min"), "choose max, min"),
    "checkpoint": (lambda x: x in ("best", "last"), "choose best, last"),
    "method": (lambda x: x in ("random", "optuna"), "choose random, optuna"),
    "seed": (_is_seed, "a whole number of at least 0 is needed"),
    "seeds": (lambda x: isinstance(x, int) and not isinstance(x, bool) and x > 0, "a number of seeds is needed"),
    "early_stopping": (lambda x: isinstance(x, bool), "true or false is needed"),
}
