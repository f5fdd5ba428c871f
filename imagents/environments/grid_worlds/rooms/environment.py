"""DoorKey and MultiRoom as `minigrid` 3.2.0 has them, in tensors: an agent looks for a way to the goal, room by room.

It turns, goes ahead, picks up, drops and toggles what is in front of it, and sees a part of what is ahead (`view.py`).
Reaching the goal pays 1 - 0.9 x steps / limit, and nothing else pays. Where there is noise, two walls of the first room
are a screen: each of its cells takes any colour in each step, and it means nothing. Who is paid for being surprised
stays there (the noisy television of Burda et al. 2018, https://arxiv.org/abs/1808.04355).

Levels are drawn for all copies at a time (`levels.py`), as XLA cannot draw for some alone: each copy has its next level
ready, and new ones are drawn when a copy needs one and has used its own.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.drawing import Picture
from imagents.environments.grid_worlds.rooms.cells import (
    CLOSED,
    EMPTY,
    GOAL,
    KEY,
    LOCKED,
    NUM_COLOURS,
    OPEN,
    PASSED,
    SCREEN,
    WALL,
    YELLOW_KEY,
    coloured,
    kind_of,
)
from imagents.environments.grid_worlds.rooms.drawing import picture
from imagents.environments.grid_worlds.rooms.levels import WORLD, Level, draw_door_key, draw_multi_room
from imagents.environments.grid_worlds.rooms.view import PLANES, SIGHT, ahead, look, planes
from imagents.environments.native import Native, as_actions, check_room
from imagents.randomness import make_generator, uniform
from imagents.seats import values_of, variables_for, where_copy
from imagents.xla import where_any

TURN_LEFT, TURN_RIGHT, FORWARD, PICK_UP, DROP, TOGGLE, DONE = range(7)


class State(NamedTuple):
    """Everything but the random numbers, per copy.

    level: `Level`, as it is now; has_key: bool `[B]`, whether the agent carries it; steps: int32 `[B]`, of the episode
    so far; is_there: bool `[B]`, whether the agent has reached the goal; passes: bool `[B]`, whether it has just come
    into a door for the first time; spare: `Level`, the next one; is_ready: bool `[B]`, whether that is new.
    """

    level: Level
    has_key: tf.Tensor
    steps: tf.Tensor
    is_there: tf.Tensor
    passes: tf.Tensor
    spare: Level
    is_ready: tf.Tensor


def act(level: Level, has_key: tf.Tensor, action: tf.Tensor) -> tuple[Level, tf.Tensor, tf.Tensor, tf.Tensor]:
    """What comes of an action, int32 `[B]`: the level, has_key, is_there and passes, see `State`."""
    _, rows, columns = level.grid.shape
    across, down = ahead(level.direction)
    front = level.agent + down * columns + across
    cell = tf.cast(tf.gather(tf.reshape(level.grid, [-1, rows * columns]), front, batch_dims=1), tf.int32)
    kind = kind_of(cell)
    goes = (action == FORWARD) & ((kind == EMPTY) | (kind == GOAL) | (kind == OPEN))
    passes = goes & (kind == OPEN) & (cell < PASSED)
    takes = (action == PICK_UP) & (kind == KEY)  # there is one
    drops = (action == DROP) & (kind == EMPTY) & has_key
    toggles = action == TOGGLE
    opens = toggles & ((kind == CLOSED) | ((kind == LOCKED) & has_key))  # every key fits: all is yellow
    closes = toggles & (kind == OPEN)
    cell = tf.where(takes, EMPTY, tf.where(drops, YELLOW_KEY, cell))
    cell += tf.where(opens, OPEN - kind, tf.where(closes, CLOSED - OPEN, tf.where(passes, PASSED, 0)))
    numbers = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    here, cell = numbers == front[:, tf.newaxis, tf.newaxis], tf.cast(cell, tf.uint8)[:, tf.newaxis, tf.newaxis]
    turn = tf.where(action == TURN_RIGHT, 1, tf.where(action == TURN_LEFT, 3, 0))
    agent, direction = tf.where(goes, front, level.agent), (level.direction + turn) % 4
    level = Level(tf.where(here, cell, level.grid), agent, direction)
    return level, (has_key | takes) & ~drops, goes & (kind == GOAL), passes


class RoomsEnvironment(Native):
    """A `TFEnvironment` of B worlds for one agent.

    Its observation is a dictionary of `image`, what the agent sees, bool `[B, 7, 7, 13]` (see `view.py`), and
    `direction`, that it looks in, bool `[B, 4]`. An episode ends (discount 0) at the goal, and is cut off (discount 1)
    at the limit.

    Args:
      batch_size: number of copies B.
      layout: door_key or multi_room, see `levels.py`.
      size: of door_key: rows and columns of the world.
      rooms, room_size: of multi_room: how many, and the most rows and columns of one.
      limit: steps of an episode; 0: as in MiniGrid, 10 x size x size of door_key, 20 x rooms of multi_room.
      noise: whether there is a screen.
      seed: of the environment's own generator, which draws levels and noise.

    Attributes:
      limit: steps of an episode.

    Raises:
      InputError: for a batch size below 1, or for which there is no memory.
    """

    def __init__(
        self,
        batch_size: int = 1,
        layout: str = "door_key",
        *,
        size: int = 8,
        rooms: int = 4,
        room_size: int = 5,
        limit: int = 0,
        noise: bool = False,
        seed: int = 0,
    ):
        self.limit = limit or (10 * size**2 if layout == "door_key" else 20 * rooms)
        cells = size**2 if layout == "door_key" else WORLD**2
        check_room(batch_size, f"worlds of {cells} cells", 4 * cells + PLANES * SIGHT**2)
        observation_spec = {
            "image": tf.TensorSpec([SIGHT, SIGHT, PLANES], tf.bool),
            "direction": tf.TensorSpec([4], tf.bool),
        }
        super().__init__(
            ts.time_step_spec(observation_spec),
            tensor_spec.BoundedTensorSpec([], tf.int32, 0, DONE, name="action"),
            batch_size,
        )
        self._generator, self._noise = make_generator(seed, "environment"), noise
        self._drawing = (draw_door_key, size) if layout == "door_key" else (draw_multi_room, rooms, room_size)
        self._state = variables_for(self._first_state())

    tallies = ("solved", "doors", "screen")
    action_names = ("turn left", "turn right", "forward", "pick up", "drop", "toggle", "done")

    def tally(self) -> tf.Tensor:
        """Whether the last step reached the goal, came into a door for the first time, and ended with the screen in
        sight, bool `[B, 3]`."""
        state = self.get_state()
        watches = tf.zeros_like(state.passes)
        if self._noise:
            watches = tf.reduce_any(look(state.level, state.has_key) & SCREEN > 0, axis=[1, 2])
        return tf.stack([state.is_there, state.passes, watches & (state.steps > 0)], axis=1)

    def text(self, copy: int = 0) -> str:
        """A copy as lines of cells: # walls, ~ the screen, k a key, G the goal, doors _ open, D closed, L locked, and
        the agent, who looks in the direction of > v < ^."""
        level = self._state.level
        grid = level.grid[copy].numpy()
        letters = np.array(list("  #kG_DL"))[kind_of(grid)]
        letters = np.where(grid & SCREEN, "~", letters)
        letters[divmod(int(level.agent[copy]), grid.shape[1])] = ">v<^"[int(level.direction[copy])]
        return "\n".join("".join(row).rstrip() for row in letters)

    def picture(self, copy: int = 0) -> Picture:
        """A copy with all its cells; the agent is a disc that looks along a line, with its key in front of it."""
        grid, agent, direction = (x[copy].numpy() for x in values_of(self._state.level))
        return picture(grid, int(agent), int(direction), bool(self._state.has_key[copy]), self.text(copy))

    def _draw(self) -> Level:
        draw, *settings = self._drawing
        return self._noisy(draw(self._generator, self.batch_size, *settings, self._noise))

    def _first_state(self) -> State:
        level, none = self._draw(), tf.zeros([self.batch_size], tf.int32)
        return State(level, none > 0, none, none > 0, none > 0, level, none > 0)

    def _reset(self) -> ts.TimeStep:
        self.set_state(self._first_state())
        return self.current_time_step()

    def _step(self, action) -> ts.TimeStep:
        action = as_actions(action, self.batch_size)
        before = self.get_state()
        over = self._is_last(before)
        lacks = over & ~before.is_ready
        fresh = where_any(lacks, self._draw, before.spare)
        spare = where_copy(before.is_ready, before.spare, fresh)
        moved, has_key, is_there, passes = act(before.level, before.has_key, action)
        moved = self._noisy(moved)
        self.set_state(State(
            level=where_any(over, lambda: where_copy(over, spare, moved), moved),
            has_key=has_key & ~over,
            steps=tf.where(over, 0, before.steps + 1),
            is_there=is_there & ~over,
            passes=passes & ~over,
            spare=spare,
            is_ready=(before.is_ready | tf.reduce_any(lacks)) & ~over,
        ))  # fmt: skip
        return self.current_time_step()

    def _noisy(self, level: Level) -> Level:
        """With another colour on each cell of the screen.

        Of a row's number and a column's what is behind the point: on one row and one column no cell tells of another.
        """
        if not self._noise:
            return level
        rows, columns = tf.unstack(uniform(self._generator, [2, self.batch_size, level.grid.shape[1]]))
        drawn = tf.math.floormod(rows[:, :, tf.newaxis] + columns[:, tf.newaxis], 1.0)
        colour = tf.cast(drawn * NUM_COLOURS, tf.uint8)
        grid = tf.where(level.grid & SCREEN > 0, SCREEN + coloured(WALL, colour), level.grid)
        return level._replace(grid=grid)

    def _is_last(self, state: State) -> tf.Tensor:
        return state.is_there | (state.steps == self.limit)

    def _current_time_step(self) -> ts.TimeStep:
        state = self.get_state()
        later = tf.where(self._is_last(state), ts.StepType.LAST, ts.StepType.MID)
        paid = 1 - 0.9 * tf.cast(state.steps, tf.float32) / self.limit
        return ts.TimeStep(
            step_type=tf.where(state.steps == 0, ts.StepType.FIRST, later),
            reward=tf.where(state.is_there, paid, 0.0),
            discount=tf.where(state.is_there, 0.0, 1.0),
            observation={
                "image": planes(look(state.level, state.has_key)),
                "direction": state.level.direction[:, tf.newaxis] == tf.range(4),
            },
        )
