"""Worlds in plain Python, as bridges bring them, whose every moment follows from the seed and what was done."""

import os
import signal

import numpy as np

from imagents.bridges.worlds import FIRST, LAST, MID, Description, Leaf, Moment

ACTION = Leaf((), "int32", 0, 2)


class Alone:
    """One agent sees a drawn number, to which what it does is added, and how many steps there were; it is paid that.

    An episode lasts 2 to 5 steps: it ends after an even number, and is cut off after an odd one.
    """

    num_seats, asks, lives, legal, form = 1, False, False, (), "alone"

    def describe(self):
        """What it says of itself."""
        views = (Leaf((2,), "float32"),) * self.num_seats
        actions = (ACTION,) * self.num_seats
        legal = self.legal or (0,) * self.num_seats
        return Description(views, actions, legal, self.form, self.asks, self.lives)

    def begin(self, seed):
        """A new episode."""
        self._random = np.random.default_rng(seed)
        self._number, self._steps = float(self._random.integers(100)), 0
        self._length = int(self._random.integers(2, 6))
        return self.moment()

    def step(self, actions):
        """One step."""
        self._number += sum(actions) + float(self._random.integers(3))
        self._steps += 1
        return self.moment()

    @property
    def is_last(self):
        return self._steps == self._length

    @property
    def discount(self):
        return 0.0 if self.is_last and self._length % 2 == 0 else 1.0

    def moment(self):
        """What it shows now."""
        view, paid = np.array([self._number, self._steps], np.float32), self._number if self._steps else 0.0
        return Moment([[view]] * self.num_seats, [paid] * self.num_seats, self.is_last, self.discount, **self.more())

    def more(self):
        """What else there is."""
        return {}

    def render(self):
        return f"{self._number:.0f}"

    def frame(self):
        return np.full([2, 3, 3], self._steps, np.uint8)

    def close(self):
        pass


class InTurn(Alone):
    """Two seats, of which one after the other is asked; the second one may do all but 0."""

    num_seats, asks, legal, form = 2, True, (3, 3), "in turn"

    def more(self):
        acts = [not self.is_last and self._steps % 2 == seat for seat in range(2)]
        return {"acts": acts, "legal": [np.ones(3, bool), np.arange(3) > 0]}


class Lives(Alone):
    """Two seats at once, of which the second one dies after its first step, where it is paid last."""

    num_seats, asks, lives, form = 2, True, True, "at once"

    def more(self):
        second = min(self._steps, 1) * LAST
        own = LAST if self.is_last else MID if self._steps else FIRST
        return {
            "acts": [not self.is_last, self._steps == 0],
            "step_types": [own, second],
            "discounts": [self.discount, 0.0 if self._steps else 1.0],
        }

    def moment(self):
        moment = super().moment()
        return moment if self._steps < 2 else moment._replace(rewards=[moment.rewards[0], 0.0])


class Failing(Alone):
    """Goes wrong in its third step, in one way or another, where it began with an even number."""

    def __init__(self, way):
        self._way = way

    def step(self, actions):
        moment = super().step(actions)
        if self._steps < 2 or self._first % 2:
            return moment
        if self._way == "raises":
            raise ZeroDivisionError("there is no more")
        if self._way == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._way == "leaves":
            os._exit(3)
        view = {"NaN": np.array([0, np.nan]), "shape": np.zeros(3), "infinite view": np.array([0, np.inf])}
        paid = float("inf") if self._way == "paid" else 0.0
        return moment._replace(rewards=[paid], views=[[view.get(self._way, moment.views[0][0])]])

    def begin(self, seed):
        moment = super().begin(seed)
        self._first, self._length = int(self._number), 9
        return moment
