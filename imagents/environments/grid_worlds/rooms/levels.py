"""Levels of rooms, and how they are drawn, as `minigrid` 3.2.0 draws them.

*door_key*: a wall divides a square world in two, with a locked yellow door in it. Left of it are the agent and a yellow
key, right of it, in the corner, the goal. *multi_room*: rooms of random sizes, each beyond a door in a wall of the one
before, somewhere in a world of 25 by 25 cells; the agent is in the first one and the goal in the last. MiniGrid places
one room after the other, each in up to 8 tries, and begins again where none fits; here all copies do so side by side,
a try each at a time, until the last one has its rooms.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from imagents.environments.grid_worlds.rooms.cells import (
    CLOSED,
    EMPTY,
    GREEN_GOAL,
    GREY_WALL,
    LOCKED,
    NUM_COLOURS,
    SCREEN,
    YELLOW,
    YELLOW_KEY,
    coloured,
)
from imagents.randomness import uniform

WORLD = 25  # rows and columns of a world of many rooms
SMALLEST = 4  # rows and columns of a room, with its walls
_TRIES = 8  # to place the next room
_RIGHT, _BELOW, _LEFT, _ABOVE = range(4)  # walls of a room


class Level(NamedTuple):
    """What is where, per copy. A cell's number is row x columns + column.

    grid: uint8 `[B, rows, columns]`, see `cells.py`; agent: int32 `[B]`, its cell; direction: int32 `[B]`, that it
    looks in: 0 right, 1 down, 2 left, 3 up.
    """

    grid: tf.Tensor
    agent: tf.Tensor
    direction: tf.Tensor


def draw_door_key(generator: tf.random.Generator, batch_size: int, size: int, noise: bool = False) -> Level:
    """A fresh level of two rooms for each of B copies.

    Args:
      generator: what draws them.
      batch_size: number of copies B.
      size: rows and columns of the world.
      noise: whether the left wall and the upper one of the room on the left are a screen.
    """
    drawn = uniform(generator, [5, batch_size])
    wall = 2 + _below(drawn[0], size - 4)  # its column
    door = 1 + _below(drawn[1], size - 3)  # its row; the lowest one has none
    free = (wall - 1) * (size - 2)  # cells on the left
    agent, key = _below(drawn[2], free), _below(drawn[3], free - 1)
    agent, key = (x // (wall - 1) * size + x % (wall - 1) + size + 1 for x in (agent, key + _int(key >= agent)))
    rows, columns = _rows_and_columns(size)
    border = (rows % (size - 1) == 0) | (columns % (size - 1) == 0)
    grid = tf.where(border | (columns == _each(wall)), GREY_WALL, EMPTY)
    grid = tf.where((columns == _each(wall)) & (rows == _each(door)), coloured(LOCKED, YELLOW), grid)
    grid = tf.where(rows * size + columns == _each(key), YELLOW_KEY, grid)
    grid = tf.where((rows == size - 2) & (columns == size - 2), GREEN_GOAL, grid)
    if noise:
        grid += tf.where((columns == 0) | ((rows == 0) & (columns <= _each(wall))), SCREEN, 0)
    return Level(tf.cast(grid, tf.uint8), agent, _below(drawn[4], 4))


def draw_multi_room(
    generator: tf.random.Generator, batch_size: int, rooms: int, room_size: int, noise: bool = False
) -> Level:
    """A fresh level of many rooms for each of B copies.

    Args:
      generator: what draws them.
      batch_size: number of copies B.
      rooms: how many, at least 2.
      room_size: most rows and columns of a room, with its walls.
      noise: whether two walls of the first room, which meet and lack the door, are a screen.
    """
    places, doors = _placed(generator, batch_size, rooms, room_size)
    drawn = uniform(generator, [3 + rooms, batch_size])
    rows, columns = _rows_and_columns(WORLD)
    grid = tf.fill([batch_size, WORLD, WORLD], EMPTY)
    for i in range(rooms):
        left, top, width, height = map(_each, tf.unstack(places[:, i]))
        right, bottom = left + width - 1, top + height - 1
        inside = (rows >= top) & (rows <= bottom) & (columns >= left) & (columns <= right)
        border = (rows == top) | (rows == bottom) | (columns == left) | (columns == right)
        grid = tf.where(inside & border, GREY_WALL, grid)
    colour = _below(drawn[0], NUM_COLOURS)
    for i in range(1, rooms):
        here = rows * WORLD + columns == _each(doors[1, i] * WORLD + doors[0, i])
        grid = tf.where(here, _each(coloured(CLOSED, colour)), grid)
        other = _below(drawn[i], NUM_COLOURS - 1)
        colour = other + _int(other >= colour)  # two doors of a room are never alike
    agent, goal = _inner(places[:, 0], drawn[rooms]), _inner(places[:, -1], drawn[rooms + 1])
    grid = tf.where(rows * WORLD + columns == _each(goal), GREEN_GOAL, grid)
    if noise:
        left, top, width, height = map(_each, tf.unstack(places[:, 0]))
        way_out = [_each(part) for part in tf.unstack(doors[:, 1])]
        column = tf.where(way_out[0] == left, left + width - 1, left)
        row = tf.where(way_out[1] == top, top + height - 1, top)
        upright = (columns == column) & (rows >= top) & (rows < top + height)
        grid += tf.where(upright | ((rows == row) & (columns >= left) & (columns < left + width)), SCREEN, 0)
    return Level(tf.cast(grid, tf.uint8), agent, _below(drawn[rooms + 2], 4))


def _placed(generator, batch_size: int, rooms: int, room_size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Rooms as left, top, width, height, int32 `[4, rooms, B]`, and each one's door to that before it as column, row,
    `[2, rooms, B]`; the first room's is none."""
    number = np.arange(rooms, dtype=np.int32)[:, np.newaxis]

    def try_one(count, tries, entry, new, placed):
        """Tries to place one more room in each copy that lacks one.

        count: int32 `[B]`, of those that are placed; tries: of the next one so far; entry: the wall that the last one
        is entered by; new: int32 `[7, B]`, the last room, its door and its number, -1 for none, which are not yet in
        placed: int32 `[6, rooms, B]`. XLA would find them anew for each number there.
        """
        placed = tf.where(number == new[6], new[:6, tf.newaxis], placed)
        drawn = uniform(generator, [5, batch_size])
        width, height = (SMALLEST + _below(x, room_size - SMALLEST + 1) for x in (drawn[0], drawn[1]))
        left, top, across, down = tf.unstack(tf.reduce_sum(tf.where(number == count - 1, placed[:4], 0), axis=1))
        way = _below(drawn[2], 3)
        way += _int(way >= entry)  # the wall that leads on
        goes_down = way % 2 == 1
        door = _below(drawn[3], tf.where(goes_down, across, down) - 2)
        offset = _below(drawn[4], tf.where(goes_down, width, height) - 2)
        column = left + tf.where(goes_down, 1 + door, tf.where(way == _RIGHT, across - 1, 0))
        row = top + tf.where(goes_down, tf.where(way == _BELOW, down - 1, 0), 1 + door)
        left = column - tf.where(goes_down, width - 2 - offset, tf.where(way == _LEFT, width - 1, 0))
        top = row - tf.where(goes_down, tf.where(way == _ABOVE, height - 1, 0), height - 2 - offset)
        is_first = count == 0
        left = tf.where(is_first, _below(drawn[3], WORLD - 2), left)
        top = tf.where(is_first, _below(drawn[4], WORLD - 2), top)
        fits = (left >= 0) & (top >= 0) & (left + width <= WORLD) & (top + height < WORLD) & (count < rooms)
        x, y, w, h = tf.unstack(placed[:4])
        apart = (left + width < x) | (x + w <= left) | (top + height < y) | (y + h <= top)
        fits &= tf.reduce_all(apart | (number >= count - 1), axis=0)  # it touches the last one
        entry = tf.where(fits, tf.where(is_first, _LEFT, (way + 2) % 4), entry)
        tries = tf.where(fits, 0, tries + 1)
        gives_up = (count < rooms) & ~fits & (is_first | (tries == _TRIES))
        new = tf.stack([left, top, width, height, column, row, tf.where(fits, count, -1)])
        return tf.where(gives_up, 0, count + _int(fits)), tf.where(gives_up, 0, tries), entry, new, placed

    none = tf.zeros([batch_size], tf.int32)
    state = none, none, none, tf.fill([7, batch_size], -1), tf.zeros([6, rooms, batch_size], tf.int32)
    *_, new, placed = tf.while_loop(lambda count, *_: tf.reduce_any(count < rooms), try_one, state)
    placed = tf.where(number == new[6], new[:6, tf.newaxis], placed)
    return placed[:4], placed[4:]


def _inner(room: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """A cell within the walls of a room, `[4, B]` -> `[B]`."""
    left, top, width, height = tf.unstack(room)
    number = _below(drawn, (width - 2) * (height - 2))
    return (top + 1 + number // (width - 2)) * WORLD + left + 1 + number % (width - 2)


def _below(drawn: tf.Tensor, end) -> tf.Tensor:
    """Whole numbers from 0 up to, not including, an end, of numbers in [0, 1)."""
    return _int(drawn * tf.cast(end, tf.float32))


def _int(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(x, tf.int32)


def _each(x: tf.Tensor) -> tf.Tensor:
    """A number for all cells of each copy: `[B]` -> `[B, 1, 1]`."""
    return x[:, tf.newaxis, tf.newaxis]


def _rows_and_columns(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(size, dtype=np.int32)[:, np.newaxis], np.arange(size, dtype=np.int32)
