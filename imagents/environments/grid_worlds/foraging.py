"""Level-based foraging as `lbforaging` 2.0.0 has it (v3): players on a grid take foods, if need be together.

In a step everybody stays, goes to a cell beside its own, or loads. A move off the world or onto a food is none. Whoever
wants a cell, or keeps it, that another wants too stays where it is: so players may change places and follow each other,
and may walk onto a player whose own move failed. Players who load beside the same food take it if their levels sum to
its level at least. A food pays its level's share in all that there was, divided among them by their levels. Figures of
many learners are in Papoudakis et al. 2021 (https://arxiv.org/abs/2006.07869).

Levels are drawn for all copies at a time (`levels.py`), as XLA cannot draw for some alone: each copy has its next level
ready, and new ones are drawn when a copy needs one and has used its own. Drawing in every step took most of the time.
"""

import string
from typing import NamedTuple

import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.drawing import GROUND, PALE, Picture, seat_colour
from imagents.environments.grid_worlds.levels import Level, draw_levels
from imagents.environments.grid_worlds.views import VIEWS
from imagents.environments.native import Native, check_room, joint_actions
from imagents.randomness import make_generator
from imagents.seats import variables_for, where_copy
from imagents.xla import where_any

LIMIT = 50  # steps of an episode
STAY, UP, DOWN, LEFT, RIGHT, LOAD = range(6)


class State(NamedTuple):
    """Everything but the random numbers, per copy.

    level: `Level`, as it is now; spawned: int32 `[B]`, the sum of the foods' levels at first; steps: int32 `[B]`, of
    the episode so far; reward: float32 `[B, N]`; spare: `Level`, the next one; is_ready: bool `[B]`, whether that is
    new.
    """

    level: Level
    spawned: tf.Tensor
    steps: tf.Tensor
    reward: tf.Tensor
    spare: Level
    is_ready: tf.Tensor


def move(level: Level, actions: tf.Tensor, size: int) -> tf.Tensor:
    """Where all players are after a step: cells, int32 `[B, N]`, of actions int32 `[B, N]`."""
    cells, foods = level.players, level.foods
    row = cells // size + tf.cast(actions == DOWN, tf.int32) - tf.cast(actions == UP, tf.int32)
    column = cells % size + tf.cast(actions == RIGHT, tf.int32) - tf.cast(actions == LEFT, tf.int32)
    is_inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    target = row * size + column
    is_food = (target[:, :, tf.newaxis] == foods[:, tf.newaxis]) & (level.food_levels > 0)[:, tf.newaxis]
    wanted = tf.where(is_inside & ~tf.reduce_any(is_food, axis=2), target, cells)
    rivals = tf.reduce_sum(tf.cast(wanted[:, :, tf.newaxis] == wanted[:, tf.newaxis], tf.int32), axis=2)
    return tf.where(rivals > 1, cells, wanted)  # everybody is a rival of itself


def load(level: Level, actions: tf.Tensor, spawned: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """What is left of the foods once players have loaded, int32 `[B, F]`, and what each is paid, float32 `[B, N]`."""
    down = abs(level.players[:, :, tf.newaxis] // size - level.foods[:, tf.newaxis] // size)
    right = abs(level.players[:, :, tf.newaxis] % size - level.foods[:, tf.newaxis] % size)
    loads = (down + right == 1) & (actions == LOAD)[:, :, tf.newaxis]  # [B, N, F]
    levels = tf.where(loads, level.player_levels[:, :, tf.newaxis], 0)
    together = tf.reduce_sum(levels, axis=1)
    is_taken = (together >= level.food_levels) & (level.food_levels > 0)
    whole = tf.cast(tf.maximum(together * spawned[:, tf.newaxis], 1), tf.float32)
    worth = tf.where(is_taken, tf.cast(level.food_levels, tf.float32) / whole, 0.0)
    paid = tf.reduce_sum(tf.cast(levels, tf.float32) * worth[:, tf.newaxis], axis=2)
    return tf.where(is_taken, 0, level.food_levels), paid


class ForagingEnvironment(Native):
    """A `TFEnvironment` of B worlds, in which N players act all at once; its reward is float32 `[B, N]`.

    Its observation is a dictionary of `views`, a tuple: what each seat sees, see `views.py`. An episode ends (discount
    0) when there is no food left, and is cut off (discount 1) after 50 steps.

    Args:
      batch_size: number of copies B.
      size: rows and columns of the world.
      num_agents, num_foods: N and F; fewer foods where there is no room.
      cooperative: whether every food takes the three weakest players together, or all if there are fewer.
      sight: how many cells away a player sees, in rows and in columns; `size` is everything.
      view: which form, of `views.VIEWS`.
      seed: of the environment's own generator, which draws levels.

    Raises:
      InputError: for a batch size below 1, or for which there is no memory.
    """

    action_names = ("stay", "up", "down", "left", "right", "load")

    def __init__(
        self,
        batch_size: int = 1,
        *,
        size: int = 8,
        num_agents: int = 2,
        num_foods: int = 2,
        cooperative: bool = False,
        sight: int = 8,
        view: str = "relative",
        seed: int = 0,
    ):
        self.num_seats = num_agents
        shape = [3, 2 * sight + 1, 2 * sight + 1] if view == "window" else [3 * num_foods + 3 * num_agents]
        seen = tf.TensorSpec(shape, tf.float32)
        per_copy = 4 * (num_agents * seen.shape.num_elements() + num_foods * size**2)  # bytes, at the least
        check_room(batch_size, f"worlds of size = {size}", per_copy)
        super().__init__(
            ts.time_step_spec({"views": (seen,) * num_agents}, tf.TensorSpec([num_agents], tf.float32, "reward")),
            (tensor_spec.BoundedTensorSpec([], tf.int32, 0, LOAD, name="action"),) * num_agents,
            batch_size,
        )
        self._size, self._sight, self._view = size, sight, VIEWS[view]
        self._level = (batch_size, size, num_agents, num_foods, cooperative)
        self._generator = make_generator(seed, "environment")
        self._state = variables_for(self._first_state())

    def text(self, copy: int = 0) -> str:
        """A copy as lines of cells: dots, digits for foods by level, letters for players by seat and what they are."""
        level = [x[copy].numpy().tolist() for x in self.get_state().level]
        cells = ["."] * self._size**2
        for cell, food in zip(*level[2:]):
            cells[cell] = str(food) if food else cells[cell]
        for cell, letter in zip(level[0], string.ascii_letters):
            cells[cell] = letter
        rows = [" ".join(cells[row : row + self._size]) for row in range(0, self._size**2, self._size)]
        levels = (f"{letter} has level {own}" for letter, own in zip(string.ascii_letters, level[1]))
        return "\n".join([*rows, ", ".join(levels)])

    def picture(self, copy: int = 0) -> Picture:
        """A world: foods are green squares, players discs in the colours of their seats, levels numbers in them.

        Where players see a part of it that part has a frame of their colour.
        """
        level = Level(*(x[copy].numpy().tolist() for x in self.get_state().level))
        size, cell = self._size, 48
        picture = Picture(size * cell, size * cell, GROUND, label=self.text(copy))
        for line in range(1, size):
            picture.line(line * cell, 0, line * cell, size * cell, PALE)
            picture.line(0, line * cell, size * cell, line * cell, PALE)
        for place, food in zip(level.foods, level.food_levels):
            top, left = (x * cell for x in divmod(place, size))
            if food:
                picture.rectangle(left + 8, top + 8, left + cell - 8, top + cell - 8, "#4c9a2a")
                picture.text(left + cell / 2, top + cell / 2, str(food), 20, "#ffffff")
        here = [level.players.count(place) for place in level.players]
        for seat, (place, own) in enumerate(zip(level.players, level.player_levels)):
            row, column = divmod(place, size)
            aside = 8 * level.players[:seat].count(place) if here[seat] > 1 else 0  # several on one cell
            x, y = (column + 0.5) * cell + aside, (row + 0.5) * cell + aside
            picture.circle(x, y, 17, seat_colour(seat), "#ffffff", 2)
            picture.text(x, y, str(own), 18, "#ffffff")
            if self._sight < size:
                box = (column - self._sight, row - self._sight, column + self._sight + 1, row + self._sight + 1)
                inside = 2 * seat + 1  # so that equal frames are all seen
                left, top, right, bottom = (min(max(x, 0), size) * cell for x in box)
                frame = (left + inside, top + inside, right - inside, bottom - inside)
                picture.rectangle(*frame, None, seat_colour(seat), 2)
        return picture

    def _first_state(self) -> State:
        level = draw_levels(self._generator, *self._level)
        none = tf.zeros([self.batch_size], tf.int32)
        return self._begun(level, State(level, none, none, tf.zeros(level.players.shape), level, none > 0))

    def _begun(self, level: Level, state: State) -> State:
        """The beginning of an episode in all copies."""
        nothing = state._replace(steps=tf.zeros_like(state.steps), reward=tf.zeros_like(state.reward))
        return nothing._replace(level=level, spawned=tf.reduce_sum(level.food_levels, axis=1))

    def _reset(self) -> ts.TimeStep:
        self.set_state(self._first_state())
        return self.current_time_step()

    def _step(self, action) -> ts.TimeStep:
        actions = joint_actions(action, self.batch_size, self.num_seats)
        before = self.get_state()
        over = self._is_last(before)
        lacks = over & ~before.is_ready
        fresh = where_any(lacks, lambda: draw_levels(self._generator, *self._level), before.spare)
        spare = where_copy(before.is_ready, before.spare, fresh)
        is_ready = (before.is_ready | tf.reduce_any(lacks)) & ~over
        state = where_copy(over, self._begun(spare, before), self._played(before, actions))
        self.set_state(state._replace(spare=spare, is_ready=is_ready))
        return self.current_time_step()

    def _played(self, before: State, actions: tf.Tensor) -> State:
        level = before.level._replace(players=move(before.level, actions, self._size))
        left, paid = load(level, actions, before.spawned, self._size)
        return before._replace(level=level._replace(food_levels=left), steps=before.steps + 1, reward=paid)

    def _is_last(self, state: State) -> tf.Tensor:
        return (state.steps == LIMIT) | ((state.steps > 0) & self._is_cleared(state))

    @staticmethod
    def _is_cleared(state: State) -> tf.Tensor:
        return tf.reduce_all(state.level.food_levels == 0, axis=1)

    def _current_time_step(self) -> ts.TimeStep:
        state = self.get_state()
        later = tf.where(self._is_last(state), ts.StepType.LAST, ts.StepType.MID)
        views = tf.unstack(self._view(state.level, self._size, self._sight), axis=1)
        return ts.TimeStep(
            step_type=tf.where(state.steps == 0, ts.StepType.FIRST, later),
            reward=state.reward,
            discount=tf.where(self._is_cleared(state), 0.0, 1.0),
            observation={"views": tuple(views)},
        )
