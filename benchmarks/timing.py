"""How everything here is timed: loops of so many rounds, the systems in turn, the median of several repeats."""

import statistics
import time
from collections.abc import Callable, Iterable

WARM_UP_ROUNDS = 40  # compiles; fills the shortest replay buffers


class Loop:
    """A loop that can be run for any number of rounds, and how fast it was.

    Args:
      run: runs so many rounds, and returns when they are done.
      plies: how many plies have been played so far; called before and after a measurement.
      trained: samples that all agents together train on in a round.
      row: what describes the measurement in the results.
    """

    def __init__(self, run: Callable[[int], object], plies: Callable[[], int] = lambda: 0, trained: int = 0, **row):
        self._run, self._plies, self._trained, self._row = run, plies, trained, row
        self._figures = []
        began = time.perf_counter()
        run(WARM_UP_ROUNDS)
        self._compiled = time.perf_counter() - began
        self._rounds = 8

    def calibrate(self, seconds: float) -> None:
        """Finds how many rounds last about so long."""
        while True:
            began = time.perf_counter()
            self._run(self._rounds)
            self._plies()
            elapsed = time.perf_counter() - began
            if elapsed > 0.1 * seconds:
                break
            self._rounds *= 4
        self._rounds = max(1, round(self._rounds * seconds / elapsed))

    def measure(self) -> None:
        """One repeat."""
        plies, began = self._plies(), time.perf_counter()
        self._run(self._rounds)
        played = self._plies() - plies  # on a GPU, only now the rounds are done
        elapsed = time.perf_counter() - began
        figures = (played, self._rounds * self._trained, self._rounds)
        self._figures.append([figure / elapsed for figure in figures])

    def result(self) -> dict:
        """Medians over the repeats, and the plies per second of each."""
        plies, trained, rounds = (statistics.median(column) for column in zip(*self._figures))
        return self._row | {
            "plies_per_second": plies,
            "trained_samples_per_second": trained,
            "microseconds_per_round": 1e6 / rounds,
            "rounds_per_second_of_each_repeat": [each[2] for each in self._figures],
            "seconds_to_compile": self._compiled,
        }


def measure_in_turn(loops: Iterable[Loop], seconds: float, repeats: int) -> list[dict]:
    """Measures each loop for about so long, all of them in turn, several times."""
    loops = list(loops)
    for loop in loops:
        loop.calibrate(seconds)
    for _ in range(repeats):
        for loop in loops:
            loop.measure()
    return [loop.result() for loop in loops]
