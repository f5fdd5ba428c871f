"""B board games side by side as one TF-Agents environment.

The time step is the same for every agent: the environment does not know who is
looking. Its observation is a dictionary

    board        int32 `[B, rows, columns]`: 0 empty, 1 seat 0's stones, 2 seat 1's
    legal_moves  bool  `[B, num_actions]`
    seat         int32 `[B]`: the seat to move

its reward is per seat, `[B, 2]`, and its discount is 0 at the end of a game. As in
every TF-Agents environment, the step after a game's last one begins its next game;
a training has `begin_next` do that, so that no game spends a turn on it.
"""

import dataclasses
from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.drawing import Picture
from imagents.environments.boards.board_game import BoardGame, Position
from imagents.environments.boards.drawing import picture
from imagents.environments.boards.grid import TALLIES
from imagents.environments.native import Native, as_actions, check_room
from imagents.errors import InputError
from imagents.number import Number
from imagents.randomness import make_generator, sample_legal, uniform
from imagents.seats import PASS, where_copy
from imagents.xla import where_any

# Outcomes of a game: 0 and 1 name the seat that won.
RUNNING, DRAW, ILLEGAL = -1, 2, 3
NEEDED = "one action for each of the {} parallel games"  # of a step
_GAME_BYTES = 600  # of memory that a step takes for each game, at the least: a match takes 670 to 2,500


@dataclasses.dataclass(frozen=True)
class Rewards:
    """What the end of a game pays. After an illegal move the other seat receives 0."""

    win: float = 1.0
    loss: float = -1.0
    draw: float = 0.0
    illegal: float = -5.0


class State(NamedTuple):
    """Everything but the random numbers, per game.

    stones: int64 `[B, 2]`; seat: int32 `[B]`, to move; first_mover: int32 `[B]`;
    step_type: int32 `[B]`; reward: float32 `[B, 2]`; outcome: int32 `[B]`.
    """

    stones: tf.Tensor
    seat: tf.Tensor
    first_mover: tf.Tensor
    step_type: tf.Tensor
    reward: tf.Tensor
    outcome: tf.Tensor


class BoardGameEnvironment(Native):
    """A `TFEnvironment` that plays B games at once.

    An illegal move ends the game with `rewards.illegal` for whoever made it. With
    `illegal_move="error"` it raises an InputError instead when called eagerly (inside a
    compiled function, which cannot raise, it ends the game all the same).

    Args:
      game: the rules.
      batch_size: number of parallel games B.
      first_mover: who begins: drawn per game by the environment's own generator, always
        one seat, or each game's seats in turn.
      opening_plies: each game begins after 0 to this many random legal plies (the number
        is drawn per game). An opening that would already end the game is left out.
      rewards: what the end of a game pays.
      illegal_move: "penalty" or "error".
      seed: of the environment's own generator.
    """

    def __init__(
        self,
        game: BoardGame,
        batch_size: int = 1,
        *,
        first_mover: Literal["random", "seat_0", "seat_1", "alternate"] = "random",
        opening_plies: int = 0,
        rewards: Rewards = Rewards(),
        illegal_move: Literal["penalty", "error"] = "penalty",
        seed: int = 0,
    ):
        if first_mover not in ("random", "seat_0", "seat_1", "alternate"):
            raise InputError(f"first_mover = {first_mover!r}: choose random, seat_0, seat_1 or alternate")
        if not 0 <= opening_plies < game.num_cells:
            raise InputError(f"opening_plies = {opening_plies}: {game.name} takes 0 to {game.num_cells - 1}")
        if illegal_move not in ("penalty", "error"):
            raise InputError(f"illegal_move = {illegal_move!r}: choose penalty or error")
        check_room(batch_size, "parallel games", _GAME_BYTES, "game")
        observation_spec = {
            "board": tensor_spec.BoundedTensorSpec([game.rows, game.columns], tf.int32, 0, 2),
            "legal_moves": tensor_spec.TensorSpec([game.num_actions], tf.bool),
            "seat": tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1),
        }
        super().__init__(
            ts.time_step_spec(observation_spec, tensor_spec.TensorSpec([2], tf.float32, "reward")),
            tensor_spec.BoundedTensorSpec([], tf.int32, 0, game.num_actions - 1, name="action"),
            batch_size,
        )
        self.game = game
        self._first_mover = first_mover
        self._opening_plies = opening_plies
        self._rewards = Rewards(*map(Number, dataclasses.astuple(rewards)))
        self._illegal_move = illegal_move
        self._generator = make_generator(seed, "environment")
        # So that in "alternate" mode seat 0 begins after the first reset.
        before = self._first_state(tf.zeros([batch_size], tf.int32))
        self._state = State(*(tf.Variable(x, name=n) for n, x in before._asdict().items()))

    def _current_time_step(self) -> ts.TimeStep:
        return self._time_step(self.get_state())

    def _reset(self) -> ts.TimeStep:
        self.set_state(self._first_state(self._state.first_mover.read_value()))
        return self.current_time_step()

    def _step(self, action) -> ts.TimeStep:
        before = self.get_state()
        over, played = before.step_type == ts.StepType.LAST, self._played(before, action)
        following = where_any(over, lambda: where_copy(over, self._first_state(before.first_mover), played), played)
        self.set_state(following)
        return self.current_time_step()

    def go_on(self, action) -> ts.TimeStep:
        """A step after `begin_next`, when no game is over: as none begins, there is less to compile."""
        self.set_state(self._played(self.get_state(), action))
        return self.current_time_step()

    def begin_next(self, seat: int) -> tf.Tensor:
        """Begins the next game wherever one is over, before `seat` is asked: without a step, which somebody would miss.

        Who makes the first ply is as independent of that as ever. But a random opening has one ply more, or one less,
        where that lets `seat` be the one to move; it keeps as many plies on average, and never becomes an empty board.

        Returns:
          Where games have begun, bool `[B]`.
        """
        before = self.get_state()
        over = before.step_type == ts.StepType.LAST
        first = where_any(over, lambda: where_copy(over, self._first_state(before.first_mover, seat), before), before)
        self.set_state(first)
        return over

    def set_board(self, board, seat) -> ts.TimeStep:
        """Goes on from given positions.

        Args:
          board: integers `[B, rows, columns]` of 0, 1 and 2.
          seat: int `[B]` or a scalar, the seat to move.

        Returns:
          The time step there: the last of its game if that is already over.

        Raises:
          InputError: if shapes or values do not fit, or a stone hangs in the air.
        """
        board = np.asarray(board)
        shape = (self.batch_size, self.game.rows, self.game.columns)
        if board.shape != shape:
            raise InputError(f"boards have shape {board.shape}: {shape} is needed")
        if not np.isin(board, (0, 1, 2)).all():
            raise InputError("boards hold a value other than 0 (empty), 1 and 2 (the seats' stones)")
        if self.game.gravity and ((board[:, :-1] != 0) & (board[:, 1:] == 0)).any():
            raise InputError("boards hold a stone above an empty cell: in this game stones fall")
        seat = np.asarray(seat)
        if seat.shape not in ((), (self.batch_size,)):
            raise InputError(
                f"seat has shape {seat.shape}: one seat, or one for each of the "
                f"{self.batch_size} games, is needed"
            )
        if not np.isin(seat, (0, 1)).all():
            raise InputError(f"seat = {seat.tolist()}: seats are 0 and 1")
        seat = np.broadcast_to(seat, [self.batch_size]).astype(np.int32)
        stones = self.game.stones(tf.constant(board))
        won = self.game.has_line(stones)
        outcome = tf.where(self.game.is_full(stones), DRAW, RUNNING)
        outcome = tf.where(won[:, 1], 1, tf.where(won[:, 0], 0, outcome))
        empty = tf.reduce_all(stones == 0, axis=1)
        moving = tf.where(empty, ts.StepType.FIRST, ts.StepType.MID)
        plies = tf.constant(np.count_nonzero(board, axis=(1, 2)), tf.int32)
        self.set_state(
            State(
                stones=stones,
                seat=tf.constant(seat),
                first_mover=(seat + plies) % 2,
                step_type=tf.where(outcome == RUNNING, moving, ts.StepType.LAST),
                reward=self._reward(outcome, 1 - tf.constant(seat)),
                outcome=outcome,
            )
        )
        return self.current_time_step()

    num_seats = 2
    tallies = TALLIES

    def tally(self) -> tf.Tensor:
        """Which of `tallies` the last step counts for, bool `[B, 4]`."""
        return self.outcome()[:, tf.newaxis] == tf.range(len(self.tallies))

    def outcome(self) -> tf.Tensor:
        """int32 `[B]`: RUNNING, the seat that won (0 or 1), DRAW, or ILLEGAL."""
        return self._state.outcome.read_value()

    def text(self, copy: int = 0) -> str:
        """A board as text."""
        return self.game.text(self._board(copy))

    def picture(self, copy: int = 0) -> Picture:
        """A board as a picture."""
        return picture(self.game, self._board(copy))

    def _board(self, copy: int):
        return self.game.board(self._state.stones[copy : copy + 1])[0].numpy()

    def _repr_html_(self) -> str:
        """The first boards, drawn side by side in a notebook."""
        boards = self.game.board(self._state.stones.read_value()).numpy()[:8]
        return " ".join(self.game.svg(board) for board in boards)

    def _time_step(self, state: State) -> ts.TimeStep:
        last = state.step_type == ts.StepType.LAST
        return ts.TimeStep(
            step_type=state.step_type,
            reward=state.reward,
            discount=1.0 - tf.cast(last, tf.float32),
            observation={
                "board": self.game.board(state.stones),
                "legal_moves": self.game.legal_moves(state.stones),
                "seat": state.seat,
            },
        )

    def _played(self, before: State, action: tf.Tensor) -> State:
        """Each game after the action of its seat to move."""
        action = as_actions(action, self.batch_size, NEEDED)
        after = self.game.play(Position(before.stones, before.seat), action)
        passed = action == PASS
        placed = tf.reduce_any(after.stones != before.stones, axis=1)
        mover_stones = tf.where(before.seat == 0, after.stones[:, 0], after.stones[:, 1])
        outcome = tf.where(self.game.is_full(after.stones), DRAW, RUNNING)
        outcome = tf.where(self.game.has_line(mover_stones), before.seat, outcome)
        outcome = tf.where(placed, outcome, tf.where(passed, RUNNING, ILLEGAL))
        step_type = tf.where(outcome == RUNNING, ts.StepType.MID, ts.StepType.LAST)
        played = State(
            stones=after.stones,
            seat=tf.where(passed, before.seat, after.seat),
            first_mover=before.first_mover,
            step_type=tf.where(passed, before.step_type, step_type),
            reward=self._reward(outcome, before.seat),
            outcome=outcome,
        )
        if self._illegal_move == "error" and tf.executing_eagerly():
            self._raise_if_illegal(action, before, played)
        return played

    def _reward(self, outcome: tf.Tensor, mover: tf.Tensor) -> tf.Tensor:
        """Reward per seat, float32 `[B, 2]`, when the move of `mover` led to `outcome`."""
        seats, outcome = tf.constant([0, 1]), outcome[:, tf.newaxis]
        made_it = mover[:, tf.newaxis] == seats
        pay = tf.where(outcome == seats, self._rewards.win, self._rewards.loss)
        pay = tf.where(outcome == DRAW, self._rewards.draw, pay)
        pay = tf.where(outcome == ILLEGAL, tf.where(made_it, self._rewards.illegal, 0.0), pay)
        return tf.where(outcome == RUNNING, 0.0, pay)

    def _first_state(self, previous_first_mover: tf.Tensor, asked: int | None = None) -> State:
        """New games for all B; `asked` is the seat that had better be the one to move."""
        batch = [self.batch_size]
        if self._first_mover == "random":
            bits = self._generator.uniform_full_int(batch, tf.uint32)
            seat = tf.cast(tf.bitwise.right_shift(bits, 31), tf.int32)
        elif self._first_mover == "alternate":
            seat = 1 - previous_first_mover
        else:
            seat = tf.fill(batch, int(self._first_mover[-1]))
        position = start = self.game.start(seat)
        if self._opening_plies:
            draws = uniform(self._generator, [self._opening_plies + 1, self.batch_size])
            plies = tf.cast(draws[-1] * (self._opening_plies + 1), tf.int32)
            if asked is not None:  # 1 or 2, 3 or 4, ...: each as often as before, if who begins is drawn
                other = plies - 1 + 2 * (plies % 2)
                fits = ((seat + plies) % 2 == asked) | (plies == 0) | (other > self._opening_plies)
                plies = tf.where(fits, plies, other)

            def play(ply, position):
                action = sample_legal(self.game.legal_moves(position.stones), draws[ply])
                return ply + 1, where_copy(ply < plies, self.game.play(position, action), position)

            _, position = tf.while_loop(lambda ply, _: ply < self._opening_plies, play, [0, start])
            won = tf.reduce_any(self.game.has_line(position.stones), axis=1)
            over = won | self.game.is_full(position.stones)
            position = where_copy(over, start, position)
        return State(
            stones=position.stones,
            seat=position.seat,
            first_mover=seat,
            step_type=tf.fill(batch, ts.StepType.FIRST),
            reward=tf.zeros(batch + [2]),
            outcome=tf.fill(batch, RUNNING),
        )

    def _raise_if_illegal(self, action, before: State, played: State) -> None:
        illegal = (played.outcome == ILLEGAL) & (before.step_type != ts.StepType.LAST)
        for game in np.flatnonzero(illegal.numpy())[:1]:
            legal = np.flatnonzero(self.game.legal_moves(before.stones)[game].numpy())
            raise InputError(
                f"move {int(action[game])} is illegal in game {game}: "
                f"legal moves are {', '.join(map(str, legal))}"
            )


def time_step_at(game: BoardGame, board, seat) -> ts.TimeStep:
    """What the environment shows in given positions of running games.

    Args:
      game: the rules.
      board: integers `[N, rows, columns]` of 0, 1 and 2.
      seat: int `[N]` or a scalar, the seat to move.

    Returns:
      A batch of N time steps in the middle of their games.
    """
    board = tf.cast(board, tf.int32)
    batch = [board.shape[0]]
    observation = {
        "board": board,
        "legal_moves": game.legal_moves(game.stones(board)),
        "seat": tf.broadcast_to(tf.cast(seat, tf.int32), batch),
    }
    return ts.TimeStep(
        tf.fill(batch, ts.StepType.MID), tf.zeros(batch + [2]), tf.ones(batch), observation
    )


def greedy_moves(agent, game: BoardGame, boards: np.ndarray) -> np.ndarray:
    """An agent's greedy moves, int32 `[N]`, on boards `[N, rows, columns]`, its seat to move."""
    policy = agent.policy
    return policy.action(time_step_at(game, boards, agent.seat), policy.get_initial_state(len(boards))).action.numpy()
