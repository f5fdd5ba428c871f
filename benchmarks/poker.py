"""Poker alone, random play: decisions per second beside OpenSpiel, each on one core.

imagents plays 1,024 games in a compiled loop and computes what both seats see at every step. OpenSpiel (the extra
`oracles`) plays one game at a time, in a plain loop over its states in which nobody sees anything: as its own
`example.py` does, which draws cards by their probabilities, and with cards drawn in the fastest way, as all are alike;
and in its `rl_environment`, which makes a time step of each state. A second is one of the processor; they are measured
in turn, and the medians count.

    python -m benchmarks.poker
"""

import functools
import random
from collections.abc import Callable

from benchmarks.random_play import compare, options_of, random_play, show, speed_of

GAMES = ("kuhn_poker", "leduc_poker")
COPIES, STEPS = 1024, 1000


def imagents_play(game: str) -> Callable[[], int]:
    """Plays 1,000 steps of 1,024 games; returns the number of decisions."""
    from imagents.config import environment_settings
    from imagents.randomness import draw, make_generator

    environment, generator = environment_settings(game).build(COPIES, 0), make_generator(0, "benchmark")
    environment.reset()
    return random_play(environment, lambda time_step: draw(generator, time_step.observation["legal_moves"]), STEPS)


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


def main() -> None:
    options = options_of(__doc__)
    rows = []
    for game in GAMES:
        measures = {system: speed_of(make(game), options.seconds) for system, make in SYSTEMS.items()}
        rows += compare(measures, options.repeats, game=game)
    show(rows)


if __name__ == "__main__":
    main()
