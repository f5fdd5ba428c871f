"""Levels of foraging: who and what is where, and how that is drawn, as `lbforaging` 2.0.0 (v3) draws it.

Players come first, each on any free cell, with level 1 or 2. Foods follow, each on any inner cell that is free, touches
no other food, not at a corner either, and is not two cells from one in a row or column: no cell is beside two foods.
Where there is no such cell left there are fewer foods. A food's level is 1 up to the sum of the three lowest players'
levels; in cooperative levels it is that sum, so that nobody can take it alone.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from imagents.randomness import uniform

HIGHEST = 2  # level of a player


class Level(NamedTuple):
    """What is where, per copy. A cell is row x size + column.

    players: int32 `[B, N]`, cells; player_levels: int32 `[B, N]`; foods: int32 `[B, F]`, cells, in ascending order;
    food_levels: int32 `[B, F]`, 0 where it was taken, or never was.
    """

    players: tf.Tensor
    player_levels: tf.Tensor
    foods: tf.Tensor
    food_levels: tf.Tensor


def draw_levels(
    generator: tf.random.Generator, batch_size: int, size: int, num_agents: int, num_foods: int, cooperative: bool
) -> Level:
    """A fresh level for each of B copies."""
    players = _distinct(generator, batch_size, size**2, num_agents)
    player_levels = 1 + _below(generator, [batch_size, num_agents], HIGHEST)
    highest = _sum_of_lowest(player_levels)[:, tf.newaxis]
    cells, numbers = _food_cells(generator, players, size, num_foods)
    levels = highest if cooperative else 1 + _below(generator, [batch_size, num_foods], highest)
    return Level(players, player_levels, *_in_order(cells, tf.where(numbers, levels, 0), size**2))


def _below(generator: tf.random.Generator, shape, end) -> tf.Tensor:
    """Whole numbers from 0 up to, not including, an end."""
    return tf.cast(uniform(generator, shape) * tf.cast(end, tf.float32), tf.int32)


def _distinct(generator: tf.random.Generator, batch_size: int, count: int, number: int) -> tf.Tensor:
    """So many different numbers below `count`, int32 `[B, number]`: each is drawn among those that are left."""
    drawn = []
    for i in range(number):
        cell = _below(generator, [batch_size], count - i)
        for taken in tf.unstack(tf.sort(tf.stack(drawn, axis=1), axis=1), axis=1) if drawn else ():
            cell += tf.cast(cell >= taken, tf.int32)
        drawn.append(cell)
    return tf.stack(drawn, axis=1)


def _sum_of_lowest(levels: tf.Tensor) -> tf.Tensor:
    """The sum of the three lowest of levels 1 and 2, int32 `[B, N]` -> `[B]`."""
    counted = min(3, levels.shape[1])
    ones = tf.reduce_sum(tf.cast(levels == 1, tf.int32), axis=1)
    return 2 * counted - tf.minimum(ones, counted)


def _food_cells(generator, players: tf.Tensor, size: int, num_foods: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Cells of foods in the order in which they came, int32 `[B, F]`, and whether there was room, bool `[B, F]`."""
    inner = np.array([row * size + column for row in range(1, size - 1) for column in range(1, size - 1)], np.int32)
    free = tf.reduce_all(players[:, :, tf.newaxis] != inner, axis=1)  # [B, inner cells]
    cells, found = [], []
    for _ in range(num_foods):
        keys = generator.uniform_full_int(free.shape, tf.uint32)
        keys = tf.cast(tf.bitwise.right_shift(keys, 1), tf.int32)  # the greatest of a free cell wins
        cell = tf.gather(inner, tf.argmax(tf.where(free, keys, -1), axis=1))
        cells.append(cell)
        found.append(tf.reduce_any(free, axis=1))
        down = tf.abs(inner // size - cell[:, tf.newaxis] // size)
        right = tf.abs(inner % size - cell[:, tf.newaxis] % size)
        free &= (tf.maximum(down, right) > 1) & (down + right != 2)
        free &= found[-1][:, tf.newaxis]
    return tf.stack(cells, axis=1), tf.stack(found, axis=1)


def _in_order(cells: tf.Tensor, levels: tf.Tensor, end: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Foods by ascending cell, those that are none last: int32 `[B, F]` each."""
    keys = tf.where(levels > 0, cells, end + tf.range(cells.shape[1]))
    rank = tf.reduce_sum(tf.cast(keys[:, :, tf.newaxis] > keys[:, tf.newaxis], tf.int32), axis=2)
    place = rank[:, :, tf.newaxis] == tf.range(cells.shape[1])  # [B, F, its place]
    return tuple(tf.reduce_sum(tf.where(place, x[:, :, tf.newaxis], 0), axis=1) for x in (cells, levels))
