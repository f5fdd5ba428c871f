"""Tournaments where there is no board, as in poker: everybody meets everybody at both seats, and returns are compared.

A player is whoever can sit at either seat. Of a run that is whichever of its agents learned the seat.
"""

import dataclasses
import pathlib
import re
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from imagents.errors import InputError, check_seed
from imagents.evaluation.matches import Z
from imagents.players.names import make_player
from imagents.plotting.words import abridged
from imagents.randomness import make_seed
from imagents.seats import close, take_step, telling, turns

_MOST_STEPS = 1000  # of an episode
_COLUMNS = 80  # of a terminal
_WIDEST_TABLE = 9  # of so many players a table shows every pair


@dataclasses.dataclass(frozen=True, eq=False)
class Meetings:
    """The result of a round robin.

    environment: its name; policy: how trained agents played.
    names:    the players.
    returns:  by pair of numbers (i, j), float64 `[games]`: what player i got in the games that it sat at seat 0 and
              player j at seat 1, and what player j got in them.
    """

    environment: str
    policy: str
    names: tuple[str, ...]
    returns: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]

    def got(self, i: int, j: int) -> np.ndarray:
        """What player i got of player j, game by game, at seat 0 first; float64 `[2 games]`."""
        return np.concatenate([self.returns[i, j][0], self.returns[j, i][1]])

    def ranking(self) -> list[tuple[int, np.ndarray]]:
        """The players' numbers, best first, and what each got of all others, game by game."""
        count = range(len(self.names))
        total = {i: np.concatenate([self.got(i, j) for j in count if j != i]) for i in count}
        return sorted(total.items(), key=lambda item: -item[1].mean())

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        pairs = [(i, j) for i in range(len(self.names)) for j in range(i + 1, len(self.names))]
        matches = [
            {"player": self.names[i], "opponent": self.names[j], "games": len(self.got(i, j)),
             **_figures(self.got(i, j)), "seat_0": _figures(self.returns[i, j][0]),
             "seat_1": _figures(self.returns[j, i][1]), "opponents_mean_return": float(self.got(j, i).mean())}
            for i, j in pairs
        ]  # fmt: skip
        players = {self.names[i]: _figures(got) for i, got in self.ranking()}
        return {"environment": self.environment, "policy": self.policy, "players": players, "matches": matches}

    def text(self) -> str:
        """Who got how much, on average of all games and of each other player."""
        ranking, rated, cells = self.ranking(), [], []
        against = [i for i, _ in ranking] if len(ranking) <= _WIDEST_TABLE else []
        for i, got in ranking:
            values = _figures(got)
            low, high = values["mean_return_95"]
            interval = f"{low:.3g} to {high:.3g}"
            rated.append(f"{values['mean_return']:7.3g}  {interval:16}")
            cells.append(["." if i == j else f"{self.got(i, j).mean():.3g}" for j in against])
        labels = short_names(self.names)
        lines = side_by_side([labels[i] for i, _ in ranking], " return  95 % interval   ", rated, cells, 7)
        return "\n".join([*lines, f"policy of trained agents: {self.policy}"])


def prepare_meetings(
    names: tuple[str, ...], environment, games: int, seed: int, policy: str
) -> Callable[[Callable[[int, int], None]], Meetings]:
    """Does what can fail: makes the players and where they meet. Returns what plays.

    Args:
      names: players, as `make_player` knows them.
      environment: the environment's settings, with two seats.
      games: per pair, an even number; in half of them each has either seat.
      seed: of the players and the episodes.
      policy: how trained agents play.

    Raises:
      InputError: for a player that cannot play either seat, or a number of games that is odd or less than 2.
    """
    if games < 2 or games % 2:
        raise InputError(f"games = {games}: each player has either seat in half of them, so an even number is needed")
    check_seed(seed)
    world = environment.build(games // 2, make_seed(seed, "meetings"))
    spec = world.action_spec()
    players = [
        [make_player(name, environment, seat, seed, games // 2, action_spec=spec, policy=policy) for seat in range(2)]
        for name in names
    ]

    def play(progress: Callable[[int, int], None]) -> Meetings:
        pairs, returns = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j], {}
        try:
            for i, j in pairs:
                returns[i, j] = tuple(Episodes(world, (players[i][0], players[j][1])).play().T)
                progress(len(returns), len(pairs))
        finally:
            close(world)
        return Meetings(environment.name, policy, names, returns)

    return play


def short_names(names: Sequence[str]) -> list[str]:
    """Names for tables and figures: of a path, as few of its last parts as tell it from the others."""
    parts = {name: pathlib.Path(name).parts for name in names}
    kept = 1
    while len({part[-kept:] for part in parts.values()}) < len(set(names)):
        kept += 1
    short = ["/".join(parts[name][-kept:]) for name in names]
    return [re.sub(r"\b0+(\d+)\.npz", r"\1", name) for name in short]


def side_by_side(
    names: Sequence[str], head: str, rated: Sequence[str], cells: Sequence[Sequence[str]], width: int
) -> list[str]:
    """A table of players in the order of their rank, as lines of 80 columns.

    Args:
      names: theirs, cut where they are too long.
      head: what is above the next.
      rated: a text for each player.
      cells: what each had of each, if that is to be shown: beside it where there is room, else below.
      width: of a cell.
    """
    count, length = len(cells[0]), max(map(len, (head, *rated)))
    room = _COLUMNS - 5 - length
    beside = 0 < count and max(map(len, ("player", *names))) + 3 + width * count <= room
    labels = ["player", *abridged(names, room)]
    longest, numbers = max(map(len, labels)), ["   ", *(f"{number:3d}" for number in range(1, len(names) + 1))]
    against = [f"v{''.join(f'{number:{width}d}' for number in range(1, count + 1))}",
               *(f" {''.join(f'{cell:>{width}}' for cell in row)}" for row in cells)]  # fmt: skip
    rows = zip(numbers, labels, (head, *rated))
    lines = [f"{number} {label:{longest}} {text:{length}}" for number, label, text in rows]
    if beside:
        lines = [f"{line}  {row}" for line, row in zip(lines, against)]
    elif count:
        lines += ["against each other:", *(f"{number} {row}" for number, row in zip(numbers, against))]
    return [line.rstrip() for line in lines]


class Episodes(tf.Module):
    """An episode in each copy of an environment, again and again, by players who may become others in between.

    Args:
      world: the environment, B copies with N seats.
      players: one for each seat.
      compiled: whether a round is a graph, which takes a second to make: for those who play often.
    """

    def __init__(self, world, players: Sequence, compiled: bool = False):
        super().__init__(name="episodes")
        self._world, self._players = world, tuple(players)
        self._returns = tf.Variable(tf.zeros([world.batch_size, len(self._players)], tf.float64), trainable=False)
        self._over = tf.Variable(tf.zeros([world.batch_size], tf.bool), trainable=False)
        self._go_round = tf.function(self._round, autograph=False) if compiled else self._round

    def play(self) -> np.ndarray:
        """What every seat gets in an episode of each copy, float64 `[B, N]`.

        Raises:
          InputError: if an episode does not end.
        """
        first = self._world.reset()
        for player in self._players:
            player.observe(first)
        self._returns.assign(tf.zeros_like(self._returns))
        self._over.assign(first.is_last())
        for _ in range(_MOST_STEPS):
            with telling(self._world):
                are_over = self._go_round()
            if are_over:
                return self._returns.numpy()
        raise InputError(f"an episode of {' and '.join(player.name for player in self._players)} has no end after "
                         f"{_MOST_STEPS} steps")  # fmt: skip

    def _round(self) -> tf.Tensor:
        """Every player moves once. Returns whether all episodes are over."""
        for seats in turns(self._world):
            _, after, moved = take_step(self._world, seats, lambda seat, time_step: self._players[seat].act(time_step))
            for player in self._players:
                player.observe(after, moved)
            counts = (moved & ~self._over.read_value())[:, tf.newaxis]
            self._returns.assign_add(tf.where(counts, tf.cast(after.reward, tf.float64), 0.0))
            self._over.assign(self._over.read_value() | (moved & after.is_last()))
        return tf.reduce_all(self._over.read_value())


def _figures(returns: np.ndarray) -> dict:
    """The mean and its 95 % interval."""
    mean, count = float(returns.mean()), len(returns)
    half = Z * float(returns.std(ddof=1)) / count**0.5 if count > 1 else float("inf")
    return {"mean_return": mean, "mean_return_95": [mean - half, mean + half]}
