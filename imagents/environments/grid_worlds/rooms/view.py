"""What the agent of rooms sees: 7 x 7 cells ahead of it and to its sides, but not behind walls and closed doors.

Everything is turned so that the agent looks up, from the middle of the lowest row. As in MiniGrid's arrays the first
axis of a view is the column, from the left, and the second the row, from the top.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from imagents.environments.grid_worlds.rooms.cells import (
    CLOSED,
    EMPTY,
    GREY_WALL,
    LOCKED,
    NUM_COLOURS,
    UNSEEN,
    WALL,
    YELLOW_KEY,
    colour_of,
    kind_of,
)
from imagents.environments.grid_worlds.rooms.levels import Level
from imagents.xla import bits, from_bits, where_any

SIGHT = 7  # cells to a side
PLANES = LOCKED + NUM_COLOURS  # a kind each but UNSEEN, then a colour each
_FIRST, _LAST = 1, 2 ** (SIGHT - 1)  # columns of a row, as bits


def look(level: Level, has_key: tf.Tensor) -> tf.Tensor:
    """The cells that are seen, uint8 `[B, 7, 7]`, see `cells.py`, 0 where nothing is; `has_key`: bool `[B]`.

    A carried key is seen where the agent is, and nothing else is there.
    """

    def find():
        cells = _ahead_of(level)
        clear = from_bits(tf.transpose((kind_of(cells) != WALL) & (kind_of(cells) < CLOSED), [0, 2, 1]), tf.int32)
        seen = tf.transpose(bits(tf.stack(_lit(tf.unstack(clear, axis=1)), axis=1), SIGHT), [0, 2, 1])
        own = np.zeros([SIGHT, SIGHT], bool)
        own[SIGHT // 2, SIGHT - 1] = True
        carried = tf.cast(tf.where(has_key, YELLOW_KEY, EMPTY), tf.uint8)[:, tf.newaxis, tf.newaxis]
        return tf.where(own, carried, tf.where(seen, cells, UNSEEN))

    # Always; but XLA would find a cell anew for each number that is made of it.
    return where_any(level.agent >= 0, find, tf.zeros([level.agent.shape[0], SIGHT, SIGHT], tf.uint8))


def planes(cells: tf.Tensor) -> tf.Tensor:
    """Cells as planes of yes and no, uint8 `[B, 7, 7]` -> bool `[B, 7, 7, 13]`.

    First whether it is empty, a wall, a key, the goal, an open door, a closed one, a locked one; then whether what is
    there is red, green, blue, purple, yellow, grey. Nothing is said of a cell that is not seen.
    """
    cells = cells[..., tf.newaxis]
    kinds, colours = np.arange(1, LOCKED + 1, dtype=np.uint8), np.arange(NUM_COLOURS, dtype=np.uint8)
    is_coloured = (colour_of(cells) == colours) & (kind_of(cells) > EMPTY)
    return tf.concat([kind_of(cells) == kinds, is_coloured], axis=-1)


def _ahead_of(level: Level) -> tf.Tensor:
    """All cells of the view as they are, uint8 `[B, 7, 7]`; beyond the world are walls."""
    _, rows, columns = level.grid.shape
    right, up = np.meshgrid(np.arange(SIGHT) - SIGHT // 2, SIGHT - 1 - np.arange(SIGHT), indexing="ij")
    right, up = right.astype(np.int32), up.astype(np.int32)
    across, down = (x[:, tf.newaxis, tf.newaxis] for x in ahead(level.direction))
    row = level.agent[:, tf.newaxis, tf.newaxis] // columns + down * up + across * right
    column = level.agent[:, tf.newaxis, tf.newaxis] % columns + across * up - down * right
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    cells = tf.gather(tf.reshape(level.grid, [-1, rows * columns]), tf.where(inside, row * columns + column, 0),
                      batch_dims=1)  # fmt: skip
    return tf.where(inside, cells, GREY_WALL)


def ahead(direction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Columns and rows that a step in a direction leads, int32 `[B]` each."""
    return (1 - direction) * tf.cast(direction % 2 == 0, tf.int32), (2 - direction) * (direction % 2)


def _lit(clear: list[tf.Tensor]) -> list[tf.Tensor]:
    """Which cells are seen, of those that one sees through: by row from the top, as bits, int32 `[B]` each.

    As MiniGrid has it: row by row, from the agent's on up, light goes from each clear cell that is seen to its right
    and its left as far as cells are clear, and from there to the three cells above, the outer two of these on the side
    that it goes to. From the last cell of that side it goes nowhere.
    """

    def one_row(i, light, *rows):  # takes the last one, and puts what is seen of it before the others
        *above, row = rows
        right = _spread(light, row & ~_LAST, lambda x: 2 * x)
        light = light | 2 * right
        left = _spread(light, row & ~_FIRST, lambda x: x // 2)
        return i + 1, right | 2 * right | left | left // 2, light | left // 2, *above

    middle = tf.fill(clear[0].shape, 2 ** (SIGHT // 2))
    # A loop, as XLA would find all rows again for each cell.
    return tf.while_loop(lambda i, *_: i < SIGHT, one_row, [0, middle, *clear])[2:]


def _spread(light: tf.Tensor, clear: tf.Tensor, to_next: Callable) -> tf.Tensor:
    """Where light that is somewhere comes, from cell to cell of those that are clear, as bits."""
    light = tf.bitwise.bitwise_and(light, clear)
    for _ in range(SIGHT - 2):
        light |= clear & to_next(light)
    return light
