"""Exact evaluation of tic-tac-toe players, over every position and every line of play.

Tic-tac-toe has 4,520 positions in which somebody has to move, few enough to hold them all in a table and to
measure a player exactly instead of by sample games: how many of its moves keep the game's value, whether any line
of play beats it, and what it scores against a uniformly random and against a best-responding opponent.

A position is described from its mover's side (own stones, the opponent's stones), so that it does not matter which
seat the mover has. Who began the game shows in the stones: as many of each means that the first mover is to move,
one more of the opponent's that the second mover is. Cells are row-major, and an action is a cell:

    0 1 2
    3 4 5
    6 7 8

Everything here is backward induction over the table, one ply at a time; nothing needs TensorFlow.
"""

import dataclasses
import functools

import numpy as np

from imagents.environments.boards.grid import Grid, move_probabilities
from imagents.errors import InputError

NUM_POSITIONS = 4520
NUM_CELLS = 9
ILLEGAL = -2  # in `Positions.action_value`: below a loss, so that no maximum picks an illegal move

_GRID = Grid("tic_tac_toe", rows=3, columns=3, k=3, gravity=False)
_FIRST_WINS, _DRAW, _SECOND_WINS = np.eye(3)  # results of a game, as probabilities or as counts of lines


@dataclasses.dataclass(frozen=True, eq=False)
class Positions:
    """The 4,520 reachable positions in which the game goes on, ordered by ply (P = 4520).

    own:          bool `[P, 9]`, the mover's stones.
    opponent:     bool `[P, 9]`, the other side's stones.
    ply:          int8 `[P]`, plies played so far; even where the first mover is to move.
    legal:        bool `[P, 9]`, empty cells.
    wins:         bool `[P, 9]`, moves that win at once.
    next_index:   int16 `[P, 9]`, the position after the move; -1 where the move ends the game or is illegal.
    index:        int16 `[19683]`, from `position_code` to the position's row here, -1 where there is none.
    value:        int8 `[P]`, the game's value for the mover: 1 won, 0 drawn, -1 lost.
    action_value: int8 `[P, 9]`, the value after the move for the mover; `ILLEGAL` (-2) for illegal moves.
    optimal:      bool `[P, 9]`, moves that keep the value (how fast they win does not count).
    best:         bool `[P, 9]`, those of them that win fastest or lose slowest.
    critical:     bool `[P]`, positions with a legal move that loses value; 3,191 of them.
    """

    own: np.ndarray
    opponent: np.ndarray
    ply: np.ndarray
    legal: np.ndarray
    wins: np.ndarray
    next_index: np.ndarray
    index: np.ndarray

    @functools.cached_property
    def action_value(self) -> np.ndarray:
        _, after = _backward(self, None, None)
        first_movers_value = after @ (_FIRST_WINS - _SECOND_WINS)
        movers_value = np.where(self.ply[:, None] % 2 == 0, first_movers_value, -first_movers_value)
        return _read_only(np.where(self.legal, movers_value, ILLEGAL).astype(np.int8))

    @functools.cached_property
    def value(self) -> np.ndarray:
        return _read_only(self.action_value.max(axis=1))

    @functools.cached_property
    def optimal(self) -> np.ndarray:
        return _read_only(self.action_value == self.value[:, None])

    @functools.cached_property
    def critical(self) -> np.ndarray:
        return _read_only((self.legal & ~self.optimal).any(axis=1))

    @functools.cached_property
    def best(self) -> np.ndarray:
        best = np.zeros_like(self.legal)
        value = np.zeros(len(self.ply), np.int8)  # more than 0 if the mover wins, and the more, the faster
        for ply in reversed(range(NUM_CELLS)):
            rows = np.flatnonzero(self.ply == ply)
            following = self.next_index[rows]
            after = np.where(following >= 0, -value[following], 0)
            after = np.where(self.wins[rows], NUM_CELLS + 1 - ply, after)
            after = np.where(self.legal[rows], after, -2 * NUM_CELLS)
            value[rows] = after.max(axis=1)
            best[rows] = after == value[rows, np.newaxis]
        return _read_only(best)

    def boards(self, seat: int) -> np.ndarray:
        """Returns int8 `[P, 3, 3]`: every position as a board on which `seat` (0 or 1) is to move."""
        if seat not in (0, 1):
            raise InputError(f"seat = {seat!r}: seats are 0 and 1")
        stones = self.own * np.int8(seat + 1) + self.opponent * np.int8(2 - seat)
        return stones.reshape(-1, 3, 3)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How games end, as probabilities for one side.

    win, draw, loss: floats that sum to 1.
    """

    win: float
    draw: float
    loss: float

    @property
    def value(self) -> float:
        """Expected score, -1 to 1."""
        return self.win - self.loss

    def turned(self) -> "Outcome":
        """The same games as the other side sees them."""
        return Outcome(self.loss, self.draw, self.win)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a tic-tac-toe policy is worth; `first` and `second` say who begins the game: the agent or its opponent.

    A line is one whole game, move by move, against an opponent who may do anything legal; a stochastic agent's
    lines are all that it can play with positive probability. An illegal move of the agent's ends the line there,
    and counts as one line, lost.

    optimal_share:          over all 4,520 positions, the share of moves that keep the value (random play: 0.580).
    optimal_share_critical: the same over the 3,191 where a legal move loses value (random play: 0.405).
    lines_first, lines_second:               number of lines.
    losing_lines_first, losing_lines_second: number of lines that end in the agent's loss.
    best_response_first, best_response_second: `Outcome` for the agent against the opponent that knows it and
        plays the best answer; its `value` is the number to compare (`match` says why).
    random_first, random_second:             `Outcome` for the agent against a uniformly random opponent.
    """

    optimal_share: float
    optimal_share_critical: float
    lines_first: int
    lines_second: int
    losing_lines_first: int
    losing_lines_second: int
    best_response_first: Outcome
    best_response_second: Outcome
    random_first: Outcome
    random_second: Outcome

    @property
    def unbeatable(self) -> bool:
        """No line of play beats the agent, whoever begins."""
        return self.losing_lines_first == 0 and self.losing_lines_second == 0


def position_code(own: np.ndarray, opponent: np.ndarray) -> np.ndarray:
    """Numbers positions by their cells as digits in base 3 (0 empty, 1 own, 2 the opponent's), cell 0 the lowest.

    Args:
        own, opponent: bool `[..., 9]`.

    Returns:
        int64 `[...]`, in 0..19682; an index into `Positions.index`.
    """
    return (own + 2 * opponent.astype(np.int64)) @ 3 ** np.arange(NUM_CELLS)


@functools.cache
def positions() -> Positions:
    """Returns the table of all positions, built on the first call; its arrays are read-only."""
    reached = [(np.zeros([1, NUM_CELLS], bool), np.zeros([1, NUM_CELLS], bool))]
    for _ in range(NUM_CELLS - 1):  # the ninth ply always ends the game
        own, opponent = reached[-1]
        next_own, next_opponent = _after_moves(own, opponent)
        goes_on = ~(own | opponent) & ~_GRID.in_line(next_opponent).any(axis=-1)
        codes = position_code(next_own[goes_on], next_opponent[goes_on])
        _, once = np.unique(codes, return_index=True)
        reached.append((next_own[goes_on][once], next_opponent[goes_on][once]))

    own, opponent = (np.concatenate(side) for side in zip(*reached, strict=True))
    index = np.full([3**NUM_CELLS], -1, np.int16)
    index[position_code(own, opponent)] = np.arange(len(own))

    legal = ~(own | opponent)
    next_own, next_opponent = _after_moves(own, opponent)
    wins = legal & _GRID.in_line(next_opponent).any(axis=-1)
    next_index = np.full(legal.shape, -1, np.int16)  # and it stays -1 after a win and on a full board
    next_index[legal] = index[position_code(next_own[legal], next_opponent[legal])]
    ply = (own | opponent).sum(axis=1, dtype=np.int8)
    return Positions(*map(_read_only, (own, opponent, ply, legal, wins, next_index, index)))


def random_policy() -> np.ndarray:
    """Returns float64 `[4520, 9]`: every legal move with the same probability."""
    return _uniform(positions().legal)


def optimal_policy() -> np.ndarray:
    """Returns float64 `[4520, 9]`: every move that keeps the value with the same probability."""
    return _uniform(positions().optimal)


def move_scores(board: np.ndarray, seat: int) -> np.ndarray:
    """What every move is worth to the seat to move, float `[9]`: its sign 1 for a win, 0 a draw, -1 a loss.

    Among moves of the same value, those that win fastest or lose slowest are worth a little more.

    Args:
        board: int `[3, 3]` of 0, 1 and 2, in a game that goes on.
        seat: the seat to move.
    """
    table, cells = positions(), np.ravel(board)
    row = table.index[position_code(cells == seat + 1, cells == 2 - seat)]
    value = table.action_value[row]
    return value + 0.5 * (value != 0) * table.best[row]


def as_policy(moves: np.ndarray) -> np.ndarray:
    """A player's table of moves, int `[4520]` or float `[4520, 9]`, as probabilities float64 `[4520, 9]`.

    Raises:
        InputError: if it is neither.
    """
    return move_probabilities(moves, NUM_POSITIONS, NUM_CELLS)


def match(first: np.ndarray | None, second: np.ndarray | None) -> Outcome:
    """Plays two players against each other, exactly.

    A best response maximises the value, win minus loss, and takes the lowest cell among moves of the same value.
    Only the value is unique: against uniformly random play the best second mover scores 0.9249, as 93.2 % wins and
    0.7 % losses with this rule, and as anything from 92.9 % and 0.4 % to 93.4 % and 1.0 % with others.

    Args:
        first: the first mover's table of moves, as for `as_policy`; None plays the best response to the other.
        second: the same for the second mover.

    Returns:
        The `Outcome` for the first mover.
    """
    policies = [None if moves is None else as_policy(moves) for moves in (first, second)]
    result, _ = _backward(positions(), *policies)
    return Outcome(*map(float, result[0]))


def evaluate(moves: np.ndarray) -> Evaluation:
    """Measures a player exactly, over all positions and all lines of play; takes a few hundredths of a second.

    Args:
        moves: int `[4520]`, the move in every position of `positions()`, or `[4520, 9]`, the probability of every
            move. Illegal moves are allowed, and lose.

    Returns:
        An `Evaluation`.

    Raises:
        InputError: if `moves` is neither.
    """
    table, policy, random = positions(), as_policy(moves), random_policy()
    optimal = (policy * table.optimal).sum(axis=1)
    # With 0 and 1 in place of probabilities the same induction counts lines instead of weighing them.
    possible, anything = (policy > 0).astype(float), table.legal.astype(float)
    lines_first, _ = _backward(table, possible, anything)
    lines_second, _ = _backward(table, anything, possible)
    return Evaluation(
        optimal_share=float(optimal.mean()),
        optimal_share_critical=float(optimal[table.critical].mean()),
        lines_first=int(lines_first[0].sum()),
        lines_second=int(lines_second[0].sum()),
        losing_lines_first=int(lines_first[0] @ _SECOND_WINS),
        losing_lines_second=int(lines_second[0] @ _FIRST_WINS),
        best_response_first=match(policy, None),
        best_response_second=match(None, policy).turned(),
        random_first=match(policy, random),
        random_second=match(random, policy).turned(),
    )


def _backward(table: Positions, first: np.ndarray | None, second: np.ndarray | None):
    """Backward induction: how games end from every position on.

    Args:
        table: the positions.
        first: `[P, 9]`, weights of the first mover's moves; None plays the best response.
        second: the same for the second mover. Only the rows that a side moves in are read.

    Returns:
        `[P, 3]` and `[P, 9, 3]`: the weights of (first wins, draw, second wins) from every position on, and after
        every move in it. An illegal move loses at once.
    """
    first_to_move = (table.ply % 2 == 0)[:, None, None]
    mover_wins = np.where(first_to_move, _FIRST_WINS, _SECOND_WINS)
    mover_loses = np.where(first_to_move, _SECOND_WINS, _FIRST_WINS)
    goes_on = table.next_index[..., None] >= 0
    after = np.where(table.wins[..., None], mover_wins, np.where(table.legal[..., None], _DRAW, mover_loses))
    after = np.where(goes_on, 0.0, after)
    result = np.zeros([len(table.ply), 3])
    for ply in reversed(range(NUM_CELLS)):
        rows = np.flatnonzero(table.ply == ply)
        after[rows] += goes_on[rows] * result[table.next_index[rows]]
        weights = second if ply % 2 else first
        if weights is None:
            weights = np.zeros([len(table.ply), NUM_CELLS])
            weights[rows, _best(after[rows], table.legal[rows], ply % 2)] = 1
        result[rows] = np.einsum("pa,par->pr", weights[rows], after[rows])
    return result, after


def _best(after: np.ndarray, legal: np.ndarray, turn: int) -> np.ndarray:
    """Returns int64 `[P]`: the legal move of the best value, and of the lowest cell among those; see `match`.

    Args:
        after: float64 `[P, 9, 3]`, as `_backward` returns it.
        legal: bool `[P, 9]`.
        turn: 0 for the first mover, 1 for the second.
    """
    value = after @ (_FIRST_WINS - _SECOND_WINS)
    value = np.where(legal, -value if turn else value, -np.inf)
    # Equal values reached through different sums differ in their last bits; they are ties all the same.
    return (value >= value.max(axis=1, keepdims=True) - 1e-12).argmax(axis=1)


def _after_moves(own: np.ndarray, opponent: np.ndarray):
    """Returns bool `[P, 9, 9]` twice: the stones after every move, from the side of whoever moves next."""
    next_opponent = own[:, None, :] | np.eye(NUM_CELLS, dtype=bool)
    return np.broadcast_to(opponent[:, None, :], next_opponent.shape), next_opponent


def _uniform(allowed: np.ndarray) -> np.ndarray:
    return allowed / allowed.sum(axis=1, keepdims=True)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
