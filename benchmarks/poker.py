"""Poker alone, random play: decisions per second beside OpenSpiel, each on one core.

imagents plays 1,024 games in a compiled loop and computes what both seats see at every step. OpenSpiel (the extra
`oracles`) plays one game at a time, in a plain loop over its states in which nobody sees anything: as its own
`example.py` does, which draws cards by their probabilities, and with cards drawn in the fastest way, as all are alike;
and in its `rl_environment`, which makes a time step of each state. A second is one of the processor; they are measured
in turn, and the medians count.

    python -m benchmarks.poker
"""

import argparse
import functools
import json
import os
import pathlib
import random
import statistics
import time
from collections.abc import Callable

GAMES = ("kuhn_poker", "leduc_poker")
COPIES, STEPS = 1024, 1000


def imagents_play(game: str) -> Callable[[], int]:
    """Plays 1,000 steps of 1,024 games; returns the number of decisions."""
    import tensorflow as tf

    from imagents.config import environment_settings
    from imagents.randomness import draw, make_generator
    from imagents.seats import assign, variables_for
    from imagents.xla import repeat, start_xla

    start_xla()
    environment = environment_settings(game).build(COPIES, 0)
    generator = make_generator(0, "benchmark")
    seen = variables_for(environment.reset().observation["views"])
    decisions = tf.Variable(0, dtype=tf.int64)

    def step():
        before = environment.current_time_step()
        after = environment.step(draw(generator, before.observation["legal_moves"]))
        assign(seen, after.observation["views"])
        decisions.assign_add(tf.reduce_sum(tf.cast(~before.is_last(), tf.int64)))

    steps = tf.function(lambda count: repeat(step, count), jit_compile=True, autograph=False)

    def play() -> int:
        before = int(decisions)
        steps(tf.constant(STEPS))
        return int(decisions) - before

    return play


def states_play(game: str, by_probability: bool) -> Callable[[], int]:
    """Plays 1,000 games of OpenSpiel's."""
    import numpy as np
    import pyspiel

    loaded = pyspiel.load_game(game)

    def play() -> int:
        decisions = 0
        for _ in range(1000):
            state = loaded.new_initial_state()
            while not state.is_terminal():
                is_chance = state.is_chance_node()
                decisions += not is_chance
                if is_chance and by_probability:
                    cards, shares = zip(*state.chance_outcomes())
                    state.apply_action(np.random.choice(cards, p=shares))
                else:
                    state.apply_action(random.choice(state.legal_actions()))
            state.returns()
        return decisions

    return play


def rl_environment_play(game: str) -> Callable[[], int]:
    """The same as a reinforcement learner has it."""
    from open_spiel.python import rl_environment

    environment = rl_environment.Environment(game)

    def play() -> int:
        decisions = 0
        for _ in range(300):
            time_step = environment.reset()
            while not time_step.last():
                legal = time_step.observations["legal_actions"][time_step.observations["current_player"]]
                time_step = environment.step([random.choice(legal)])
                decisions += 1
        return decisions

    return play


SYSTEMS = {
    "imagents": imagents_play,
    "pyspiel, its example": functools.partial(states_play, by_probability=True),
    "pyspiel, fastest loop": functools.partial(states_play, by_probability=False),
    "its rl_environment": rl_environment_play,
}


def speed_of(play: Callable[[], int], seconds: float) -> Callable[[], float]:
    """A measurement of what is played again and again for so many seconds of the processor: how much in a second."""
    play()  # compiles

    def measure() -> float:
        done, began = 0, time.process_time()
        while (elapsed := time.process_time() - began) < seconds:
            done += play()
        return done / elapsed

    return measure


def compare(measures: dict[str, Callable[[], float]], repeats: int, **row) -> list[dict]:
    """A row for each system, measured in turn: how much in a second, and how many times as fast the first one is."""
    speeds = {system: [] for system in measures}
    for _ in range(repeats):
        for system, measure in measures.items():
            speeds[system].append(measure())
    medians = {system: statistics.median(each) for system, each in speeds.items()}
    first = next(iter(medians.values()))
    return [row | {"system": system, "per_second": speed, "imagents_is": first / speed}
            for system, speed in medians.items()]  # fmt: skip


def show(rows: list[dict]) -> None:
    """Prints them, and last as JSON."""
    for row in rows:
        words = "".join(f"{value:22}" for key, value in row.items() if key not in ("per_second", "imagents_is"))
        print(f"{words}{row['per_second']:13,.0f} a second{row['imagents_is']:10.3g} times")
    print(json.dumps(rows))


def options_of(description: str) -> argparse.Namespace:
    """What the command line says; and this process, and what it starts, have one core from then on."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=5, help="of which the median counts")
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path(".venv-peers"))
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return options


def main() -> None:
    options = options_of(__doc__)
    rows = []
    for game in GAMES:
        measures = {system: speed_of(make(game), options.seconds) for system, make in SYSTEMS.items()}
        rows += compare(measures, options.repeats, game=game)
    show(rows)


if __name__ == "__main__":
    main()
