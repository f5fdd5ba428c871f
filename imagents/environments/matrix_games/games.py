"""The matrix games that there are, each a face of its own: its actions, and what they pay."""

import dataclasses
import functools
import itertools
import math
from typing import Any, ClassVar

import numpy as np

from imagents.environments import Measure
from imagents.environments.matrix_games.settings import COMMON_PRESET, MatrixGame, measures_of
from imagents.values import check

_COOPERATE = ("cooperate", "defect")
_ABC = ("a", "b", "c")


@dataclasses.dataclass(frozen=True)
class PrisonersDilemma(MatrixGame):
    """Prisoner's dilemma: each gains by defecting, both lose."""

    actions: ClassVar[tuple[str, ...]] = _COOPERATE
    tables: ClassVar[tuple] = ((((3, 3), (0, 5)), ((5, 0), (1, 1))),)
    measures: ClassVar[dict[str, Measure]] = measures_of(_COOPERATE, cooperative=True, chance=1 / 4)


@dataclasses.dataclass(frozen=True)
class StagHunt(MatrixGame):
    """Stag hunt: a stag needs both, and a hare is safe."""

    actions: ClassVar[tuple[str, ...]] = ("stag", "hare")
    tables: ClassVar[tuple] = ((((2, 2), (0, 1)), ((1, 0), (1, 1))),)
    measures: ClassVar[dict[str, Measure]] = measures_of(actions, cooperative=True, chance=1 / 4)


@dataclasses.dataclass(frozen=True)
class Chicken(MatrixGame):
    """Chicken: who dares wins, unless both do."""

    actions: ClassVar[tuple[str, ...]] = ("swerve", "dare")
    tables: ClassVar[tuple] = ((((3, 3), (1, 4)), ((4, 1), (0, 0))),)
    measures: ClassVar[dict[str, Measure]] = measures_of(actions, cooperative=True, chance=1 / 4)


@dataclasses.dataclass(frozen=True)
class BattleOfTheSexes(MatrixGame):
    """Battle of the sexes: both want to meet, each elsewhere."""

    actions: ClassVar[tuple[str, ...]] = ("bach", "stravinsky")
    tables: ClassVar[tuple] = ((((3, 2), (0, 0)), ((0, 0), (2, 3))),)
    measures: ClassVar[dict[str, Measure]] = measures_of(actions, chance=1 / 2)


@dataclasses.dataclass(frozen=True)
class MatchingPennies(MatrixGame):
    """Matching pennies: one wins if they match, one if not. Player 1 is who wins if they do."""

    actions: ClassVar[tuple[str, ...]] = ("heads", "tails")
    tables: ClassVar[tuple] = ((((1, -1), (-1, 1)), ((-1, 1), (1, -1))),)
    measures: ClassVar[dict[str, Measure]] = measures_of(actions)


@dataclasses.dataclass(frozen=True)
class RockPaperScissors(MatrixGame):
    """Rock, paper, scissors: each beats one and loses to one."""

    actions: ClassVar[tuple[str, ...]] = ("rock", "paper", "scissors")
    tables: ClassVar[tuple] = ((((0, 0), (-1, 1), (1, -1)), ((1, -1), (0, 0), (-1, 1)), ((-1, 1), (1, -1), (0, 0))),)
    measures: ClassVar[dict[str, Measure]] = measures_of(actions)


@dataclasses.dataclass(frozen=True)
class Coordination(MatrixGame):
    """Coordination: both are paid if they do the same."""

    actions: ClassVar[tuple[str, ...]] = ("left", "right")
    tables: ClassVar[tuple] = (((1, 0), (0, 1)),)
    measures: ClassVar[dict[str, Measure]] = measures_of(actions, common=True, chance=1 / 2)
    presets: ClassVar[dict[str, dict[str, Any]]] = {"default": COMMON_PRESET}


@dataclasses.dataclass(frozen=True)
class Climbing(MatrixGame):
    """Climbing: the best joint action is beside the worst."""

    actions: ClassVar[tuple[str, ...]] = _ABC
    tables: ClassVar[tuple] = (((11, -30, 0), (-30, 7, 6), (0, 0, 5)),)
    measures: ClassVar[dict[str, Measure]] = measures_of(_ABC, common=True, chance=1 / 9)
    presets: ClassVar[dict[str, dict[str, Any]]] = {"default": COMMON_PRESET}


@dataclasses.dataclass(frozen=True)
class ClimbingPartlyStochastic(Climbing):
    """Climbing, in which b b pays 14 or 0 by chance. Each of the two comes in half of the plays."""

    tables: ClassVar[tuple] = tuple(((11, -30, 0), (-30, paid, 6), (0, 0, 5)) for paid in (14, 0))


@dataclasses.dataclass(frozen=True)
class ClimbingStochastic(Climbing):
    """Climbing, in which every pay is one of two by chance. Each comes in half of the plays."""

    tables: ClassVar[tuple] = (((10, 5, 8), (5, 14, 12), (8, 12, 10)), ((12, -65, -8), (-65, 0, 0), (-8, 0, 0)))


@dataclasses.dataclass(frozen=True)
class Penalty(MatrixGame):
    """Penalty: all play a or all play c, and mixing costs."""

    penalty: float = -100.0
    """What everybody is paid if both a and c are played."""
    num_agents: int = 2
    """How many play, 2 to 6."""

    free: ClassVar[dict[str, tuple]] = MatrixGame.free | {"penalty": ()}
    actions: ClassVar[tuple[str, ...]] = _ABC
    measures: ClassVar[dict[str, Measure]] = measures_of(_ABC, common=True)
    presets: ClassVar[dict[str, dict[str, Any]]] = {"default": COMMON_PRESET}

    def __post_init__(self):
        super().__post_init__()
        check("num_agents", 2 <= self.num_agents <= 6, self.num_agents, "2 to 6 play")
        check("penalty", -math.inf < self.penalty <= 0, self.penalty, "a finite number that is not above 0")

    @property
    def num_seats(self) -> int:
        return self.num_agents

    @functools.cached_property
    def payoffs(self) -> np.ndarray:
        return _payoffs(3, self.num_agents, lambda joint: [self._paid({*joint})] * self.num_agents)

    def _paid(self, played: set[int]) -> float:
        a, b, c = range(3)
        if {a, c} <= played:
            return self.penalty
        return {a: 10.0, b: 2.0, c: 10.0}[min(played)] if len(played) == 1 else 0.0


@dataclasses.dataclass(frozen=True)
class PublicGoods(MatrixGame):
    """Public goods: what is contributed grows for all."""

    num_agents: int = 4
    """How many play, 2 to 10."""
    multiplier: float = 2.0
    """What becomes of a contribution of 1, before all share it evenly; between 1 and num_agents it is a dilemma."""

    free: ClassVar[dict[str, tuple]] = MatrixGame.free | {"multiplier": ()}
    actions: ClassVar[tuple[str, ...]] = ("contribute", "keep")
    measures: ClassVar[dict[str, Measure]] = measures_of(actions, cooperative=True)

    def __post_init__(self):
        super().__post_init__()
        check("num_agents", 2 <= self.num_agents <= 10, self.num_agents, "2 to 10 play")
        check("multiplier", 0 < self.multiplier < math.inf, self.multiplier, "a finite number above 0")

    @property
    def num_seats(self) -> int:
        return self.num_agents

    @functools.cached_property
    def payoffs(self) -> np.ndarray:
        share = self.multiplier / self.num_agents
        return _payoffs(2, self.num_agents, lambda joint: [share * joint.count(0) + action for action in joint])


def _payoffs(num_actions: int, num_seats: int, paid) -> np.ndarray:
    """What `paid` says for every joint action, a tuple, as `MatrixGame.payoffs`."""
    rows = [paid(joint) for joint in itertools.product(range(num_actions), repeat=num_seats)]
    return np.reshape(np.array(rows, float), [1, *[num_actions] * num_seats, num_seats])
