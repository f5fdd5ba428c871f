"""Players that look ahead: win or block, and depth-limited minimax.

Both try every move of every game at once with the rules' own functions, so they compile and need no table.
"""

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame, Position
from imagents.errors import InputError
from imagents.players.base import Player
from imagents.randomness import draw, make_generator, uniform

MAX_DEPTH = 6
_WON = 100  # value of a win on the spot; one less for every ply that it takes longer
_NEVER = -1000  # value of an illegal move
_POSITIONS_AT_ONCE = 1 << 20  # more than these are searched one move after the other, to save memory


class HeuristicPlayer(Player):
    """Wins if it can, else blocks a win of the opponent's, else moves at random.

    Args:
      game: the rules.
      seat: the seat to play.
      look: probability that it looks at the board at all before a move; else it moves at random.
      name: its name.
      seed: of its own generator.
    """

    def __init__(self, game: BoardGame, seat: int, look: float = 1.0, name: str = "heuristic", seed: int = 0):
        if not 0 <= look <= 1:
            raise InputError(f"look = {look}: the probability of looking is 0 to 1")
        super().__init__(seat, name)
        self._game, self._look = game, look
        self._generator = make_generator(seed, f"{name}/{seat}")

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        allowed = legal_moves = time_step.observation["legal_moves"]
        stones = self._game.stones(time_step.observation["board"])
        # Asked for in this order, so that what comes last counts most.
        for seat in (1 - self.seat, self.seat):
            wins = legal_moves & winning_moves(self._game, stones, seat)
            allowed = tf.where(tf.reduce_any(wins, axis=1, keepdims=True), wins, allowed)
        looks = uniform(self._generator, [legal_moves.shape[0], 1]) < self._look
        return draw(self._generator, tf.where(looks, allowed, legal_moves))


class MinimaxPlayer(Player):
    """Full-width minimax to a fixed depth; the fastest win, the slowest loss, and at random among equals.

    Whatever is undecided at the depth is worth 0, so it judges nothing that it cannot see to the end. Depth 1 takes
    a win, depth 2 also prevents one, depth 3 also sets up a double threat, depth 4 also prevents one. The time
    for a move grows with (number of actions) to the power of the depth; see `MAX_DEPTH`.

    Args:
      game: the rules.
      seat: the seat to play.
      depth: plies to look ahead, 1 to `MAX_DEPTH`.
      name: its name.
      seed: of its own generator.
    """

    def __init__(self, game: BoardGame, seat: int, depth: int, name: str = "minimax", seed: int = 0):
        if not 1 <= depth <= MAX_DEPTH:
            raise InputError(f"depth = {depth}: minimax looks 1 to {MAX_DEPTH} plies ahead")
        super().__init__(seat, name)
        self._game, self._depth = game, depth
        self.is_heavy = depth > 2
        self._generator = make_generator(seed, f"{name}/{seat}")

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        stones = self._game.stones(time_step.observation["board"])
        # A finished game has no move to value, but it has to get some number.
        legal_moves = time_step.observation["legal_moves"]
        values = move_values(self._game, Position(stones, tf.fill([stones.shape[0]], self.seat)), self._depth)
        best = legal_moves & (values == tf.reduce_max(values, axis=1, keepdims=True))
        return draw(self._generator, best)


def winning_moves(game: BoardGame, stones: tf.Tensor, seat: int) -> tf.Tensor:
    """Moves that complete a line for a seat, if it is to move: int64 `[B, 2]` -> bool `[B, num_actions]`.

    The games have to go on: where there is a line already, every move "completes" one.
    """
    children = _after_every_move(game, Position(stones, tf.fill([stones.shape[0]], seat)))
    return game.has_line(children.stones[:, :, seat])


def move_values(game: BoardGame, position: Position, depth: int) -> tf.Tensor:
    """What minimax to a depth makes of every move.

    Args:
      game: the rules.
      position: B positions of running games.
      depth: plies to look ahead, at least 1.

    Returns:
      int32 `[B, num_actions]` for the side to move: more than 0 if the move wins by force within `depth` plies (the
      more, the faster), less than 0 if it loses, 0 if that remains open; far less for illegal moves.
    """
    stones, seat = position
    batch_size, actions = stones.shape[0], game.num_actions
    children = _after_every_move(game, position)
    mover = tf.cast(seat[:, tf.newaxis, tf.newaxis] == [0, 1], tf.int64)  # [B, 1, 2]
    won = game.has_line(tf.reduce_sum(children.stones * mover, axis=2))
    full = tf.reshape(game.is_full(tf.reshape(children.stones, [-1, 2])), [batch_size, actions])
    if depth == 1:
        later = tf.zeros([batch_size, actions], tf.int32)
    else:
        later = -tf.reduce_max(_later_values(game, children, depth - 1), axis=2)
        later -= tf.sign(later)  # what comes later is worth less
    values = tf.where(won, _WON, tf.where(full, 0, later))
    return tf.where(game.legal_moves(stones), values, _NEVER)


def _later_values(game: BoardGame, children: Position, depth: int) -> tf.Tensor:
    """`move_values` of the positions after every move, int32 `[B, A, A]`."""
    batch_size, actions = children.seat.shape
    if batch_size * actions ** (depth + 1) <= _POSITIONS_AT_ONCE:
        flat = Position(tf.reshape(children.stones, [-1, 2]), tf.reshape(children.seat, [-1]))
        return tf.reshape(move_values(game, flat, depth), [batch_size, actions, actions])
    by_move = Position(tf.transpose(children.stones, [1, 0, 2]), tf.transpose(children.seat))
    one_by_one = tf.map_fn(
        lambda child: move_values(game, Position(*child), depth), by_move, fn_output_signature=tf.int32
    )
    return tf.transpose(tf.ensure_shape(one_by_one, [actions, batch_size, actions]), [1, 0, 2])


def _after_every_move(game: BoardGame, position: Position) -> Position:
    """All children: stones int64 `[B, A, 2]`, seat int32 `[B, A]`. An illegal move changes no stone."""
    stones, seat = position
    batch_size, actions = stones.shape[0], game.num_actions
    repeated = Position(tf.repeat(stones, actions, axis=0), tf.repeat(seat, actions))
    after = game.play(repeated, tf.tile(tf.range(actions), [batch_size]))
    return Position(tf.reshape(after.stones, [batch_size, actions, 2]), tf.reshape(after.seat, [batch_size, actions]))
