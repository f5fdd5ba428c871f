"""Perfect tic-tac-toe, looked up in the exact table, in tensors."""

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.players import PerfectPlayer, perfect_of
from imagents.environments.boards.tic_tac_toe import exact


class PerfectTicTacToePlayer(PerfectPlayer):
    """Perfect tic-tac-toe; in a position that no game can reach, every legal move is as good as any other to it."""

    def qualifying(self, time_step: ts.TimeStep) -> tf.Tensor:
        table = exact.positions()
        board = tf.reshape(time_step.observation["board"], [-1, exact.NUM_CELLS])
        digits = board if self.seat == 0 else tf.where(board == 0, 0, 3 - board)  # 1 own, 2 the opponent's
        code = tf.reduce_sum(digits * tf.constant(3 ** np.arange(exact.NUM_CELLS), tf.int32), axis=1)
        row = tf.gather(tf.constant(table.index.astype(np.int32)), code)
        allowed = tf.constant(table.optimal if self.among == "value" else table.best)
        is_known = (row >= 0)[:, tf.newaxis]
        return tf.where(is_known, tf.gather(allowed, tf.maximum(row, 0)), time_step.observation["legal_moves"])


PLAYERS = perfect_of(PerfectTicTacToePlayer)
