"""Perfect connect four, by a solver, in Python."""

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.connect_four import solver
from imagents.environments.boards.players import PerfectPlayer, perfect_of
from imagents.players.base import in_python
from imagents.seats import is_asked


class PerfectConnectFourPlayer(PerfectPlayer):
    """Perfect connect four.

    A move takes the solver far less than a millisecond late in the game and with the openings it knows by heart (the
    first 12 plies), and up to a second right after these. Without the solver it cannot be made: an InputError.
    """

    runs_in_python = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        solver.check_installed()

    def qualifying(self, time_step: ts.TimeStep) -> tf.Tensor:
        board, legal_moves = time_step.observation["board"], time_step.observation["legal_moves"]
        thinks = is_asked(time_step, self.seat)  # solving the others' positions would take as long
        return in_python(self._solved, board, legal_moves, thinks, dtype=tf.bool, shape=legal_moves.shape)

    def _solved(self, boards: np.ndarray, legal_moves: np.ndarray, thinks: np.ndarray) -> np.ndarray:
        """bool `[B, 7]`: the moves to draw from; every legal one where there is nothing to think about."""
        qualifying = legal_moves.copy()
        for game in np.flatnonzero(thinks):
            scores = solver.scores(boards[game], self.seat)
            keep = scores if self.among == "best" else np.sign(scores)
            qualifying[game] &= keep == keep[legal_moves[game]].max()
        return qualifying


PLAYERS = perfect_of(PerfectConnectFourPlayer)
