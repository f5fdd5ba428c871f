"""What an exported agent takes: a board, int32 `[N, rows, columns]`, on which it is to move."""

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame


class BoardInputs:
    """What a model of an agent at a board takes, and the time steps that it makes of that.

    Args:
      game: the rules.
      seat: the agent's seat, which is to move on every board.

    Attributes:
      specs: `board`, int32 `[N, rows, columns]`.
      description: the game in plain values, for the model's metadata.
    """

    def __init__(self, game: BoardGame, seat: int):
        self._game, self._seat = game, seat
        self.specs = [tf.TensorSpec([None, game.rows, game.columns], tf.int32, "board")]
        names = ("name", "rows", "columns", "k", "gravity")
        self.description = {"game": {name: getattr(game, name) for name in names}}

    def of(self, time_step: ts.TimeStep) -> dict[str, tf.Tensor]:
        """What the model takes of an environment's time step."""
        return {"board": time_step.observation["board"]}

    def time_step(self, board: tf.Tensor) -> ts.TimeStep:
        """The environment's time steps, with the moves of `legal_actions`."""
        legal = legal_actions(self._game, board, self._seat)
        is_empty = tf.reduce_all(tf.equal(board, 0), axis=[1, 2])
        step_type = tf.where(is_empty, ts.StepType.FIRST, ts.StepType.MID)
        observation = {"board": board, "legal_moves": legal, "seat": tf.fill(tf.shape(step_type), self._seat)}
        nothing = tf.zeros_like(step_type, tf.float32)
        return ts.TimeStep(step_type, tf.stack([nothing, nothing], axis=1), tf.ones_like(nothing), observation)


def legal_actions(game: BoardGame, board: tf.Tensor, seat: int) -> tf.Tensor:
    """The moves of a seat on boards that may be anything.

    None where the seat has no move to make: there is a value outside 0..2, somebody has won, the board is full, in a
    game with gravity a stone hangs above an empty cell, or the stones are not as many as they are when the seat is to
    move: its opponent has equally many, or one more.

    In plain arithmetic rather than by `game`'s bitboards, so that every format can say it.

    Args:
      game: the rules.
      board: int32 `[N, rows, columns]`.
      seat: the seat to move.

    Returns:
      bool `[N, actions]`.
    """
    cells = tf.reshape(board, [-1, game.num_cells])
    empty = tf.equal(cells, 0)
    lines = tf.cast(game.cells_on_lines(), tf.float32)
    playable = tf.reduce_all((cells >= 0) & (cells <= 2), axis=1)
    counts = []
    for stone in (seat + 1, 2 - seat):
        stones = tf.cast(tf.equal(cells, stone), tf.float32)
        counts.append(tf.reduce_sum(stones, axis=1))
        playable &= tf.reduce_max(tf.matmul(stones, lines), axis=1) < game.k
    ahead = counts[1] - counts[0]
    playable &= (ahead >= 0.0) & (ahead <= 1.0)
    if game.gravity:
        playable &= tf.reduce_all(empty[:, : -game.columns] | ~empty[:, game.columns :], axis=1)  # nothing hangs
    return empty[:, : game.num_actions] & playable[:, tf.newaxis]
