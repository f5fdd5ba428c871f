"""What each agent of a run wins against random play at all other seats, in any environment whose episodes are won.

    python -m benchmarks.against_random RUN [--games 1000]

A game is won whose return is above 0. The environment draws nothing that the training has drawn.
"""

import argparse
import functools

import numpy as np
import tensorflow as tf

import imagents
from imagents.opening import open_path
from imagents.players.base import RandomPlayer
from imagents.players.seating import seat_learned
from imagents.seats import close, num_seats, take_step, turns

_COPIES = 16


def results(run: str, games: int, seed: int = 1, last: bool = True) -> dict[str, np.ndarray]:
    """By agent: the returns of so many games, in which the agent of the last checkpoint, or the best one, is greedy."""
    opened, found = open_path(run, last=last), {}
    for name in opened.agent_names:
        environment = opened.environment.build(_COPIES, seed)
        players = seat_learned(opened, environment, "greedy", seed)
        [seat] = [player.seat for player in players if player.name == name]
        spec = environment.action_spec()
        for other in set(range(num_seats(environment))) - {seat}:
            players[other] = RandomPlayer(other, "random", seed, spec)
        found[name] = _returns(environment, players, seat, games)
        close(environment)
    return found


def _returns(environment, players: list, seat: int, games: int) -> np.ndarray:
    """The returns of a seat, in as many games of each copy, so that short ones do not count more often."""

    def step(seats):
        before, after, moved = take_step(environment, seats, lambda number, now: players[number].act(now))
        for player in players:
            player.observe(after, before.is_last() | moved)
        return after, moved

    steps = [tf.function(functools.partial(step, seats), autograph=False) for seats in turns(environment)]
    time_step, each = environment.reset(), -(-games // _COPIES)
    so_far, done = np.zeros(_COPIES), [[] for _ in range(_COPIES)]
    for player in players:
        player.observe(time_step)
    while min(map(len, done)) < each:
        for step in steps:
            time_step, moved = step()
            so_far += np.where(moved, time_step.reward[:, seat], 0.0)
            for copy in np.flatnonzero(time_step.is_last() & moved):
                done[copy].append(so_far[copy])
                so_far[copy] = 0.0
    return np.concatenate([own[:each] for own in done])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--games", type=int, default=1000)
    arguments = parser.parse_args()
    name = imagents.config.load_config(arguments.run).environment.name
    if imagents.own.is_own(name):
        imagents.trust(name)  # whoever measures a run has made it
    for agent, returns in results(arguments.run, arguments.games).items():
        won, lost = (100 * np.mean(returns > 0), 100 * np.mean(returns < 0))
        print(f"{agent}  won {won:.1f} %, lost {lost:.1f} % of {len(returns)} games; mean return {returns.mean():.4g}")


if __name__ == "__main__":
    main()
