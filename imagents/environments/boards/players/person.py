"""A person at the terminal."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame
from imagents.players.base import Player, in_python
from imagents.seats import is_asked


class PersonPlayer(Player):
    """Shows every game whose turn it is and asks for a move, until it is a legal one.

    Args:
      game: the rules.
      seat: the seat to play.
      name: its name.
      ask: prints a prompt and returns the answer.
      show: prints a text.
    """

    runs_in_python = True

    def __init__(
        self,
        game: BoardGame,
        seat: int,
        name: str = "person",
        ask: Callable[[str], str] = input,
        show: Callable[[str], None] = print,
    ):
        super().__init__(seat, name)
        self._game, self._ask, self._show = game, ask, show

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        board, legal_moves = time_step.observation["board"], time_step.observation["legal_moves"]
        my_turn = is_asked(time_step, self.seat)
        return in_python(self._moves, board, legal_moves, my_turn, dtype=tf.int32, shape=my_turn.shape)

    def _moves(self, boards: np.ndarray, legal_moves: np.ndarray, my_turn: np.ndarray) -> np.ndarray:
        moves = np.zeros(len(boards), np.int32)
        for game in np.flatnonzero(my_turn):
            moves[game] = self._move(boards[game], np.flatnonzero(legal_moves[game]))
        return moves

    def _move(self, board: np.ndarray, legal: np.ndarray) -> int:
        self._show(self._game.text(board))
        while True:
            answer = self._ask(f"{'XO'[self.seat]} to move, {', '.join(map(str, legal))}: ").strip()
            if answer.isdecimal() and int(answer) in legal:
                return int(answer)
            self._show(f"{answer!r} is not a legal move")
