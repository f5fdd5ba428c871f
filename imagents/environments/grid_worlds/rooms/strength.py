"""How well agents do in rooms: returns of whole episodes, beside the most that the same levels can pay."""

import numpy as np
import tensorflow as tf

from imagents.environments.grid_worlds.rooms.cells import CLOSED, EMPTY, GOAL, KEY, LOCKED, OPEN, kind_of
from imagents.environments.grid_worlds.rooms.levels import Level
from imagents.evaluation.returns import Returns, returns_text

_FAR = np.int16(2**13)  # steps to where nobody comes


def shortest(level: Level) -> np.ndarray:
    """The fewest steps to the goal for who sees everything, int `[B]`; -1 where there is no way.

    Value iteration over where the agent is, which way it looks, and whether it carries the key. A closed door takes one
    step more, to toggle it, and a locked one the key, too; nobody gains by a cell that is left and entered again, or by
    putting the key down. That is exact if all doors are closed and there is no key, or the only door is locked.
    """
    grid, agent, direction = (np.asarray(x) for x in level)
    copies, rows, columns = grid.shape
    kinds, copy = kind_of(grid), np.arange(copies)
    cost = np.full([2, *kinds.shape], _FAR)  # of going there, without the key and with it
    for kind, steps in ((EMPTY, 1), (GOAL, 1), (OPEN, 1), (CLOSED, 2)):
        cost[:, kinds == kind] = steps
    cost[1, kinds == KEY], cost[1, kinds == LOCKED] = 1, 2
    cost = cost[: 1 + (kinds == KEY).any()]
    found = np.full([4, *cost.shape], _FAR)
    found[direction, 0, copy, agent // columns, agent % columns] = 0
    while True:
        before = found.copy()
        for looks, (axis, step) in enumerate(((-1, 1), (-2, 1), (-1, -1), (-2, -1))):
            near, turned = found[looks], np.minimum(found[looks - 1], found[looks - 3]) + 1
            gone = np.roll(near, step, axis) + cost  # nobody goes round the world: walls are its border
            found[looks] = np.minimum(near, np.minimum(turned, gone))
            takes = np.roll(kinds == KEY, -step, axis)
            if len(cost) == 2:
                found[looks, 1] = np.where(takes, np.minimum(found[looks, 1], found[looks, 0] + 1), found[looks, 1])
        np.minimum(found, _FAR, out=found)
        if (found == before).all():
            break
    best = np.where(kinds == GOAL, found.min(axis=(0, 1)), _FAR).min(axis=(1, 2)).astype(int)
    return np.where(best < _FAR, best, -1)


class Strength(Returns):
    """Plays greedy episodes, one in each copy at a time, and says what their levels could have paid.

    Args:
      environment: a fresh `RoomsEnvironment` like the training's, of as many copies.
      players: the training's.
      episodes: to play at least.
      xla: whether XLA compiles it.
    """

    def __init__(self, environment, players, episodes: int, xla: bool = False):
        super().__init__(environment, players, environment.batch_size, xla)
        self._times = -(-episodes // environment.batch_size)
        self._solved = tf.Variable(0, trainable=False)

    def report(self) -> dict[str, dict]:
        """By agent: `mean_return` and `lives` as of `Returns`, `optimal_return`, the mean over the same levels for who
        sees everything, and `solved_share`, of the episodes that reached the goal."""
        self._solved.assign(0)
        reports, optimal = [], []
        for _ in range(self._times):
            reports.append(super().report())
            optimal.append(self._optimal)
        return {name: self._together([each[name] for each in reports], np.mean(optimal)) for name in reports[0]}

    def _together(self, reports: list[dict], optimal: float) -> dict:
        lives = sum(each["lives"] for each in reports)
        mean = sum(each["mean_return"] * each["lives"] for each in reports) / lives
        solved = int(self._solved) / lives
        return {"mean_return": mean, "optimal_return": float(optimal), "solved_share": solved, "lives": lives}

    @staticmethod
    def text(report: dict[str, dict]) -> str:
        """A report as people read it, in 80 columns."""
        lines = returns_text(report).splitlines()
        return "\n".join(
            f"{line}\n  the shortest ways pay {values['optimal_return']:.6g}; "
            f"{values['solved_share']:.1%} of the episodes reached the goal"
            for line, values in zip(lines, report.values(), strict=True)
        )

    def _begin(self) -> None:
        super()._begin()
        steps, limit = shortest(self.environment.get_state().level), self.environment.limit
        self._optimal = np.where((steps > 0) & (steps <= limit), 1 - 0.9 * steps / limit, 0.0).mean()

    def _step(self, seats) -> None:
        counts = self._ended < self._per_copy
        super()._step(seats)
        is_there = self.environment.tally()[:, 0]
        self._solved.assign_add(tf.reduce_sum(tf.cast(counts & is_there, tf.int32)))
