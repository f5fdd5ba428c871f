"""Whoever chooses moves in a game that people watch: one game at a time, from its record alone.

A mind keeps nothing from one call to the next, so that one serves any number of games at once, undo included. An
agent is a `ModelMind` around what `imagents export` writes; `imagents.app.local` makes minds of all other players.
"""

import dataclasses
import random
from collections.abc import Callable

import numpy as np

from imagents.environments.boards.drawing import winning_cells
from imagents.environments.boards.record import Record
from imagents.environments.boards.verdicts import move_scores


@dataclasses.dataclass(frozen=True)
class Thought:
    """What a mind makes of a position.

    Attributes:
      action: the move it chooses.
      q_values: what it expects of each move, float `[actions]`, NaN where a move is illegal; None if it does not say.
    """

    action: int
    q_values: np.ndarray | None = None


class Mind:
    """Base of minds; `think` is all there is to one.

    Attributes:
      scale: the least and the greatest that it can expect, what a loss and a win are worth to it; None if unknown.
    """

    scale: tuple[float, float] | None = None

    def think(self, record: Record) -> Thought:
        """The move for who is to move in a game that goes on."""
        raise NotImplementedError


class RandomMind(Mind):
    """Every legal move with the same probability."""

    def think(self, record: Record) -> Thought:
        return Thought(random.choice(record.legal))


class HeuristicMind(Mind):
    """Wins if it can, else blocks a win of the opponent's, else moves at random; `HeuristicPlayer` for one game."""

    def think(self, record: Record) -> Thought:
        for seat in (record.seat, 1 - record.seat):
            if lines := [action for action in record.legal if _completes_line(record, action, seat)]:
                return Thought(random.choice(lines))
        return Thought(random.choice(record.legal))


class PerfectMind(Mind):
    """Wins as fast as possible or loses as slowly, at random among equals.

    Args:
      scorer: tells the exact worth of moves, `environment.scorer()`.
    """

    def __init__(self, scorer):
        self._scorer = scorer

    def think(self, record: Record) -> Thought:
        scores = move_scores(record, self._scorer)
        return Thought(int(random.choice(np.flatnonzero(scores == np.nanmax(scores)))))


class ModelMind(Mind):
    """An exported agent; at the seat that it did not learn it sees the colours exchanged.

    Args:
      model: from arrays by name to arrays by name, as docs/export.md describes it.
      seat: the seat that the agent learned to play.
      state: the initial internal state of one game, by name.
      policy: "greedy", or "sampled" to draw by the model's probabilities.
      scale: as for `Mind`; Q values beyond it, which networks estimate now and then, are brought back to it.
    """

    def __init__(
        self,
        model: Callable[[dict], dict],
        seat: int,
        state: dict[str, np.ndarray] | None = None,
        policy: str = "greedy",
        scale: tuple[float, float] | None = None,
    ):
        self._model, self._seat, self._state, self._policy = model, seat, state or {}, policy
        self.scale = scale

    def think(self, record: Record) -> Thought:
        state = {name: np.asarray(value)[np.newaxis] for name, value in self._state.items()}
        if state:  # the agent's earlier decisions in this game made it what it is
            for ply in range(len(record.moves) % 2, len(record.moves), 2):
                answer = self._answer(record.until(ply), state)
                state = {name: np.asarray(answer[f"next_{name}"]) for name in state}
        answer = self._answer(record, state)
        q_values = None
        if "q_values" in answer:  # an agent that learned a policy has none
            q_values = np.full(record.game.num_actions, np.nan)
            q_values[record.legal] = np.asarray(answer["q_values"])[0][record.legal]
            q_values = q_values if self.scale is None else np.clip(q_values, *self.scale)
        if self._policy == "sampled":
            [shares] = np.asarray(answer["probabilities"], float)
            return Thought(random.choices(range(len(shares)), shares)[0], q_values)
        return Thought(int(answer["action"][0]), q_values)

    def _answer(self, record: Record, state: dict) -> dict:
        board = record.board
        if record.seat != self._seat:
            board = np.where(board == 0, 0, 3 - board)
        return self._model({"board": board[np.newaxis].astype(np.int32), **state})


def _completes_line(record: Record, action: int, seat: int) -> bool:
    board = record.board.copy()
    board.flat[record.game.landing(board, action)] = seat + 1
    return bool(winning_cells(record.game, board))
