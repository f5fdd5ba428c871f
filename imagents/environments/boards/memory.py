"""What players at a board know beyond the time step: which games have begun anew, and how the other side sees them."""

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame, Position
from imagents.errors import InputError


class GameMemory(tf.Module):
    """Knows which games go on and which have begun anew, from the stones alone.

    A game goes on if the player's stones are those that its last move left. That also holds for who is not shown
    a game's first or last time step, because it is only asked for its moves.

    Args:
      game: the rules.
      seat: the player's seat.
      batch_size: number of parallel games B.
    """

    def __init__(self, game: BoardGame, seat: int, batch_size: int):
        super().__init__(name="memory")
        self.batch_size = batch_size
        self._game, self._seat = game, seat
        self._left = tf.Variable(tf.fill([batch_size], tf.constant(-1, tf.int64)), trainable=False)

    def is_new_game(self, time_step: ts.TimeStep) -> tf.Tensor:
        """bool `[B]`."""
        batch_size = time_step.step_type.shape[0]
        if batch_size != self.batch_size:
            raise InputError(
                f"this player remembers {self.batch_size} games and is shown {batch_size}: "
                f"make it with batch_size = {batch_size}"
            )
        own = self._game.stones(time_step.observation["board"])[:, self._seat]
        return time_step.is_first() | (own != self._left.read_value())

    def observe(self, time_step: ts.TimeStep) -> None:
        """The stones tell: nothing has to be watched."""

    def remember(self, time_step: ts.TimeStep, action: tf.Tensor, where: tf.Tensor) -> None:
        """Takes in the player's moves int32 `[B]`, in the games of `where` bool `[B]`."""
        stones = self._game.stones(time_step.observation["board"])
        position = Position(stones, tf.fill(where.shape, self._seat))
        own = self._game.play(position, action).stones[:, self._seat]
        self._left.assign(tf.where(where, own, self._left.read_value()))


def exchange_colours(time_step: ts.TimeStep) -> ts.TimeStep:
    """The same time step with the two seats' stones, turn and rewards exchanged."""
    board = time_step.observation["board"]
    observation = dict(time_step.observation)
    observation["board"] = tf.where(board == 0, board, 3 - board)
    observation["seat"] = 1 - observation["seat"]
    return time_step._replace(
        observation=observation, reward=tf.reverse(time_step.reward, axis=[-1])
    )
