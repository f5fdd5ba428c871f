"""What a player of foraging sees: everything within so many cells of it in a square, in one of three forms.

All are float32, for all players at once, `[B, N, ...]`, the second axis by seat.
"""

import itertools

import numpy as np
import tensorflow as tf

from imagents.environments.grid_worlds.levels import Level


def vector(level: Level, size: int, sight: int) -> tf.Tensor:
    """The view of `lbforaging`, `[B, N, 3 F + 3 N]`: row, column and level of each food that is seen, in the order of
    cells, then of the player itself, then of each other player that is seen, by seat; -1, -1, 0 for the rest.

    Rows and columns count from the edge of what is seen. As in that package, a player near the upper or left edge of
    the world sees other players, but not foods, further down or to the right than `sight`.
    """
    down, right = _offsets(level.foods, level.players, size)
    seen = (abs(down) <= sight) & (abs(right) <= sight) & (level.food_levels > 0)[:, tf.newaxis]
    edge = [tf.minimum(sight, x)[:, :, tf.newaxis] for x in _rows_and_columns(level.players, size)]  # before it
    foods = _listed(seen, down + edge[0], right + edge[1], level.food_levels[:, tf.newaxis])
    order = _others_after(level.players.shape[1], by_seat=True)
    down, right = (x + y for x, y in zip(_offsets(level.players, level.players, size), edge))
    seen = (down >= 0) & (right >= 0) & (down <= 2 * sight) & (right <= 2 * sight)
    levels = tf.broadcast_to(level.player_levels[:, tf.newaxis], down.shape)
    players = _listed(*(_reordered(x, order) for x in (seen, down, right, levels)))
    return tf.concat([foods, players], axis=2)


def relative(level: Level, size: int, sight: int) -> tf.Tensor:
    """`[B, N, 3 F + 3 N]`: how far down and to the right each food is, and its level, 0, 0, 0 where it is not seen or
    was taken; then the player's own row, column and level; then the same as of foods of each other player, in the order
    of seats after its own.
    """
    down, right = _offsets(level.foods, level.players, size)
    seen = (abs(down) <= sight) & (abs(right) <= sight) & (level.food_levels > 0)[:, tf.newaxis]
    foods = _triples(seen, down, right, level.food_levels[:, tf.newaxis])
    own = tf.stack([*_rows_and_columns(level.players, size), level.player_levels], axis=2)
    down, right = _offsets(level.players, level.players, size)
    levels = tf.broadcast_to(level.player_levels[:, tf.newaxis], down.shape)
    order = _others_after(level.players.shape[1])[:, 1:]
    seen = (abs(down) <= sight) & (abs(right) <= sight)
    players = _triples(*(_reordered(x, order) for x in (seen, down, right, levels)))
    return tf.concat([foods, tf.cast(own, tf.float32), players], axis=2)


def window(level: Level, size: int, sight: int) -> tf.Tensor:
    """The grid of `lbforaging`, `[B, N, 3, W, W]` with W = 2 sight + 1 and the player in the middle: the players'
    levels (of several on a cell the last one's), the foods' levels, and 1 where a cell of the world is free.
    """
    across = np.arange(-sight, sight + 1, dtype=np.int32)
    same = level.players[:, :, tf.newaxis] == level.players[:, tf.newaxis]
    after = np.triu(np.ones([level.players.shape[1]] * 2, bool), 1)
    levels = tf.where(tf.reduce_any(same & after, axis=2), 0, level.player_levels)
    players = _drawn(level.players, levels, level.players, size, across)
    foods = _drawn(level.foods, level.food_levels, level.players, size, across)
    rows, columns = (x[:, :, tf.newaxis] + across for x in _rows_and_columns(level.players, size))
    inside = ((rows >= 0) & (rows < size))[..., tf.newaxis] & ((columns >= 0) & (columns < size))[:, :, tf.newaxis]
    free = tf.cast(inside & (players + foods == 0), tf.int32)
    return tf.cast(tf.stack([players, foods, free], axis=2), tf.float32)


VIEWS = {"relative": relative, "vector": vector, "window": window}


def _rows_and_columns(cells: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    return cells // size, cells % size


def _offsets(things: tf.Tensor, players: tf.Tensor, size: int) -> list[tf.Tensor]:
    """How many rows below and columns to the right of each player each thing is: `[B, K]`, `[B, N]` -> `[B, N, K]`."""
    pairs = zip(_rows_and_columns(things, size), _rows_and_columns(players, size))
    return [thing[:, tf.newaxis] - player[:, :, tf.newaxis] for thing, player in pairs]


def _others_after(seats: int, by_seat: bool = False) -> np.ndarray:
    """By seat: itself, and then the seats after it, or all others from seat 0 on; `[N, N]`."""
    order = [(np.arange(seats) + seat) % seats for seat in range(seats)]
    return np.array([[x[0], *sorted(x[1:])] for x in order] if by_seat else order)


def _reordered(x: tf.Tensor, order: np.ndarray) -> tf.Tensor:
    """Each player's others in an order of its own: `[B, N, N]`, `[N, K]` -> `[B, N, K]`."""
    seats = len(order)
    flat = order + seats * np.arange(seats)[:, np.newaxis]
    return tf.gather(tf.reshape(x, [-1, seats**2]), flat, axis=1)


def _triples(seen: tf.Tensor, *parts: tf.Tensor, blank=(0, 0, 0)) -> tf.Tensor:
    """Three numbers of each thing, one after the other, float32 `[B, N, 3 K]`."""
    numbers = tf.stack([tf.where(seen, part, empty) for part, empty in zip(parts, blank)], axis=3)
    return tf.cast(tf.reshape(numbers, [*seen.shape[:2], 3 * seen.shape[2]]), tf.float32)


def _listed(seen: tf.Tensor, *parts: tf.Tensor) -> tf.Tensor:
    """The same, of what is seen first, in its order; -1, -1, 0 for the rest."""
    seen, *parts = (tf.unstack(tf.broadcast_to(x, seen.shape), axis=2) for x in (seen, *parts))  # [B, N] of each thing
    ranks = list(itertools.accumulate(tf.cast(x, tf.int32) for x in seen))
    columns = []
    for place in range(len(seen)):
        for part, empty in zip(parts, (-1, -1, 0)):
            column = tf.fill(seen[0].shape, empty)
            for thing in range(place, len(seen)):  # what comes earlier cannot be as far down in the list
                column = tf.where(seen[thing] & (ranks[thing] == place + 1), part[thing], column)
            columns.append(column)
    return tf.cast(tf.stack(columns, axis=2), tf.float32)


def _drawn(cells: tf.Tensor, levels: tf.Tensor, players: tf.Tensor, size: int, across: np.ndarray) -> tf.Tensor:
    """Levels on the cells around each player: `[B, K]` twice, `[B, N]` -> `[B, N, W, W]`."""
    down, right = (x[..., tf.newaxis] == across for x in _offsets(cells, players, size))  # [B, N, K, W]
    here = down[..., tf.newaxis] & right[:, :, :, tf.newaxis]
    return tf.reduce_sum(tf.where(here, levels[:, tf.newaxis, :, tf.newaxis, tf.newaxis], 0), axis=2)
