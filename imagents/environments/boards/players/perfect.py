"""Players that never give value away.

A perfect player keeps the game's value (win, draw or loss) with every move. Among the moves that do, "best" ones also
win fastest or lose slowest; a player that sticks to these is harder on those who err. Tic-tac-toe is looked up in the
exact table, in tensors; connect four asks a solver, in Python.
"""

from typing import Literal

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.connect_four import solver
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.tic_tac_toe import exact
from imagents.players.base import Player, in_python
from imagents.randomness import draw, make_generator
from imagents.seats import is_asked

Among = Literal["best", "value"]


class PerfectTicTacToePlayer(Player):
    """Perfect tic-tac-toe, uniformly among the moves that qualify.

    In a position that no game can reach, which somebody set up, every legal move is as good as any other to it.

    Args:
      seat: the seat to play.
      among: "best" for the fastest wins and the slowest losses, "value" for every move that keeps the value.
      name: its name.
      seed: of its own generator.
    """

    def __init__(self, seat: int, among: Among = "best", name: str = "perfect", seed: int = 0):
        super().__init__(seat, name)
        _check_among(among)
        table = exact.positions()
        self._allowed = table.optimal if among == "value" else exact.best_moves(table)
        self._index = table.index.astype(np.int32)
        self._generator = make_generator(seed, f"{name}/{seat}")

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        board = tf.reshape(time_step.observation["board"], [-1, exact.NUM_CELLS])
        digits = board if self.seat == 0 else tf.where(board == 0, 0, 3 - board)  # 1 own, 2 the opponent's
        code = tf.reduce_sum(digits * tf.constant(3 ** np.arange(exact.NUM_CELLS), tf.int32), axis=1)
        row = tf.gather(tf.constant(self._index), code)
        allowed = tf.gather(tf.constant(self._allowed), tf.maximum(row, 0))
        is_known = (row >= 0)[:, tf.newaxis]
        return draw(self._generator, tf.where(is_known, allowed, time_step.observation["legal_moves"]))


class PerfectConnectFourPlayer(Player):
    """Perfect connect four by a solver, uniformly among the moves that qualify.

    A move takes the solver far less than a millisecond late in the game and with the openings it knows by heart (the
    first 12 plies), and up to a second right after these.

    Args: as for `PerfectTicTacToePlayer`.

    Raises:
      ValueError: if the solver is not installed.
    """

    runs_in_python = True

    def __init__(self, seat: int, among: Among = "best", name: str = "perfect", seed: int = 0):
        super().__init__(seat, name)
        _check_among(among)
        solver.check_installed()
        self._among = among
        self._generator = make_generator(seed, f"{name}/{seat}")

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        board, legal_moves = time_step.observation["board"], time_step.observation["legal_moves"]
        thinks = is_asked(time_step, self.seat)  # solving the others' positions would take as long
        allowed = in_python(self._qualifying, board, legal_moves, thinks, dtype=tf.bool, shape=legal_moves.shape)
        return draw(self._generator, allowed)

    def _qualifying(self, boards: np.ndarray, legal_moves: np.ndarray, thinks: np.ndarray) -> np.ndarray:
        """bool `[B, 7]`: the moves to draw from; every legal one where there is nothing to think about."""
        qualifying = legal_moves.copy()
        for game in np.flatnonzero(thinks):
            scores = solver.scores(boards[game], self.seat)
            keep = scores if self._among == "best" else np.sign(scores)
            qualifying[game] &= keep == keep[legal_moves[game]].max()
        return qualifying


def perfect_player(game: BoardGame, seat: int, among: Among = "best", name: str = "perfect", seed: int = 0) -> Player:
    """The perfect player of a game.

    Raises:
      ValueError: if there is none for this game, or its solver is not installed.
    """
    players = {TIC_TAC_TOE: PerfectTicTacToePlayer, CONNECT_FOUR: PerfectConnectFourPlayer}
    if game not in players:
        raise ValueError(f"nobody plays {game.name} perfectly here: there are perfect players of "
                         f"{', '.join(known.name for known in players)}")
    return players[game](seat, among, name, seed)


def _check_among(among: str) -> None:
    if among not in ("best", "value"):
        raise ValueError(f"among = {among!r}: a perfect player draws among its best moves or all that keep the value")
