"""What is on a cell, as one byte: its kind in the lowest three bits, its colour in the next three, then two marks.

Kinds are MiniGrid's objects that occur here, a door's state with them; colours have MiniGrid's numbers. As there, an
empty cell has colour 0. One mark is of the screen, walls that take another colour in each step, the other of doors in
which the agent has been.
"""

UNSEEN, EMPTY, WALL, KEY, GOAL, OPEN, CLOSED, LOCKED = range(8)  # the last three are doors
RED, GREEN, BLUE, PURPLE, YELLOW, GREY = range(6)
NUM_COLOURS = 6
SCREEN, PASSED = 64, 128


def coloured(kind, colour):
    """A cell of that kind and colour; both may be tensors."""
    return kind + 8 * colour


def kind_of(cells):
    """The kind on each cell, of a tensor or an array of bytes."""
    return cells & 7


def colour_of(cells):
    """The colour of what is on each cell, of a tensor or an array of bytes."""
    return cells // 8 & 7


GREY_WALL, GREEN_GOAL, YELLOW_KEY = coloured(WALL, GREY), coloured(GOAL, GREEN), coloured(KEY, YELLOW)
