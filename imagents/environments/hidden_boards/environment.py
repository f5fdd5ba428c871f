"""B games of phantom tic-tac-toe side by side as one TF-Agents environment: the boards' rules, and hidden stones.

A move onto a stone that its mover has not seen yet places nothing: it shows the stone, and the mover tries again. The
observation is a dictionary, and the reward is per seat, `[B, 2]`, as of every board:

    seat           int32 `[B]`: who is asked
    legal_moves    bool `[B, cells]`: where that one knows of no stone
    views          a tuple, what each seat knows: bool `[B, 18]`, its own stones and those it has seen of the other
                   side's, by cell; bool `[B, 35]` if the turns so far are told: 0 to 16 more, one-hot

The other seat's moves, and who ran into what, show nowhere else.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.drawing import Drawn, Picture
from imagents.environments.boards import environment as boards
from imagents.environments.boards.drawing import picture
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.environments.boards.grid import TALLIES
from imagents.environments.native import as_actions
from imagents.seats import PASS, assign, values_of, variables_for
from imagents.xla import bits


class State(NamedTuple):
    """Everything but the random numbers, per game.

    board: the state of the board; seen: int64 `[B, 2]`, the other side's stones that each seat has seen, as bitboards;
    turns: int32 `[B]`, moves so far, also those that placed nothing.
    """

    board: boards.State
    seen: tf.Tensor
    turns: tf.Tensor


class PhantomEnvironment(Drawn, tf_environment.TFEnvironment, tf.Module):
    """A `TFEnvironment` that plays B games of phantom tic-tac-toe at once; seat 0 begins.

    A move onto an own stone, or one that was seen already, is illegal: it ends the game with -5 for who made it.

    Args:
      batch_size: number of parallel games B.
      shows_turns: whether both seats are told how many moves there were.

    Raises:
      InputError: for a batch size below 1, or for which there is no memory.
    """

    num_seats = 2
    game = TIC_TAC_TOE
    tallies = TALLIES
    action_names = tuple(f"cell {cell}" for cell in range(TIC_TAC_TOE.num_cells))

    def __init__(self, batch_size: int = 1, shows_turns: bool = False):
        board, cells = boards.BoardGameEnvironment(self.game, batch_size, first_mover="seat_0"), self.game.num_cells
        self._most_turns = 2 * cells - 1  # all stones but the last one are run into by the other side
        view = tf.TensorSpec([2 * cells + (self._most_turns if shows_turns else 0)], tf.bool)
        observation = {
            "seat": tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1),
            "legal_moves": tf.TensorSpec([cells], tf.bool),
            "views": (view, view),
        }
        tf.Module.__init__(self, name="environment")
        tf_environment.TFEnvironment.__init__(
            self, ts.time_step_spec(observation, board.reward_spec()), board.action_spec(), batch_size
        )
        self._board, self._shows_turns = board, shows_turns
        nothing = tf.zeros([batch_size, 2], tf.int64), tf.zeros([batch_size], tf.int32)
        self._seen, self._turns = variables_for(nothing)

    def get_state(self) -> State:
        """The state of all games, to be kept and set again later."""
        return State(self._board.get_state(), *values_of((self._seen, self._turns)))

    def set_state(self, state: State) -> None:
        """Puts back what `get_state` gave."""
        self._board.set_state(state.board)
        assign((self._seen, self._turns), (state.seen, state.turns))

    def tally(self) -> tf.Tensor:
        """Which of `tallies` the last step counts for, bool `[B, 4]`."""
        return self._board.tally()

    def text(self, copy: int = 0) -> str:
        """A game as text: the board, and beside it what either seat knows of it; X is seat 0, O seat 1."""
        rows = zip(*(self.game.text(board).splitlines() for board in self._boards(copy)), strict=True)
        return "\n".join("   ".join(row) for row in [("board", "seat 0", "seat 1"), *rows])

    def describe(self, copy: int, seat: int) -> str:
        """What a seat knows of a game, in words: the board without the stones that it has not seen, and the cells."""
        known, cells = self._boards(copy)[1 + seat], np.arange(self.game.num_cells).reshape(self.game.rows, -1)
        rows = zip(self.game.text(known).splitlines(), (" ".join(map(str, row)) for row in cells), strict=True)
        lines = [f"you are {'XO'[seat]}; other stones are hidden until you move onto them", *map("   ".join, rows)]
        return "\n".join(lines)

    def picture(self, copy: int = 0) -> Picture:
        """A game as three boards: as it is, and as either seat knows it."""
        boards, gap, head = self._boards(copy), 16, 28
        drawn = [picture(self.game, board) for board in boards]
        side = drawn[0].width
        whole = Picture(3 * side + 2 * gap, side + head, label=self.text(copy))
        for i, (each, title) in enumerate(zip(drawn, ("board", "seat 0 knows", "seat 1 knows"), strict=True)):
            whole.text(i * (side + gap) + side / 2, head / 2, title)
            whole.add(each, i * (side + gap), head)
        return whole

    def _boards(self, copy: int) -> list:
        """The board, and what either seat knows of it, `[rows, columns]` each."""
        state = self.get_state()
        stones, seen = state.board.stones[copy : copy + 1], state.seen[copy : copy + 1]
        known = [tf.where(tf.range(2) == seat, stones, seen[:, seat, tf.newaxis]) for seat in range(2)]
        return [self.game.board(each)[0].numpy() for each in (stones, *known)]

    def _reset(self) -> ts.TimeStep:
        self._board.reset()
        assign((self._seen, self._turns), (tf.zeros_like(self._seen), tf.zeros_like(self._turns)))
        return self.current_time_step()

    def _step(self, action) -> ts.TimeStep:
        action = as_actions(action, self.batch_size, boards.NEEDED)
        before = self.get_state()
        is_over, mover = before.board.step_type == ts.StepType.LAST, before.board.seat
        target = tf.where((action >= 0) & (action < self.game.num_cells), action, self.game.num_cells)
        target = tf.bitwise.left_shift(tf.ones_like(before.seen[:, 0]), tf.cast(target, tf.int64))
        nothing = tf.zeros_like(before.seen)
        hidden = before.board.stones[:, ::-1] & ~before.seen  # from each seat
        shown = tf.where(mover[:, tf.newaxis] == [0, 1], hidden & target[:, tf.newaxis], nothing)
        is_shown = tf.reduce_any(shown != 0, axis=1) & ~is_over
        self._board.step(tf.where(is_shown, PASS, action))
        turns = before.turns + tf.cast(action != PASS, tf.int32)
        self._seen.assign(tf.where(is_over[:, tf.newaxis], nothing, before.seen | shown))
        self._turns.assign(tf.where(is_over, 0, turns))
        return self.current_time_step()

    def _current_time_step(self) -> ts.TimeStep:
        state, shown = self.get_state(), self._board.current_time_step()
        cells, seat = self.game.num_cells, state.board.seat
        own, seen = bits(state.board.stones, cells), bits(state.seen, cells)  # [B, 2, cells]
        parts = [own, seen]
        if self._shows_turns:
            turns = tf.one_hot(state.turns, self._most_turns, True, False)
            parts.append(tf.tile(turns[:, tf.newaxis], [1, 2, 1]))
        views = tf.concat(parts, axis=2)
        known = tf.where((seat == 0)[:, tf.newaxis], (own | seen)[:, 0], (own | seen)[:, 1])
        observation = {"seat": seat, "legal_moves": ~known, "views": (views[:, 0], views[:, 1])}
        return shown._replace(observation=observation)
