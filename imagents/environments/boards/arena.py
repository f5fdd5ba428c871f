"""Where players at a board meet: many games at once, each side moving first in half of them."""

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import DRAW, ILLEGAL, RUNNING, BoardGameEnvironment
from imagents.errors import InputError, check_seed
from imagents.evaluation.matches import Match, Results
from imagents.seats import PASS
from imagents.xla import start_xla

_HASH = 1_000_003  # any large odd number


class Arena:
    """Plays matches: compiled once per player, so that any pair of those it knows begins at once.

    Players are compiled to graphs, which takes a fraction of the time that XLA takes and runs a match as fast, unless
    they are heavy thinkers. Where one thinks in Python, everything runs eagerly.

    Args:
      game: the rules.
      num_games: games at once; half of them are begun by each side.
      seed: of the openings.
    """

    def __init__(self, game: BoardGame, num_games: int = 1000, seed: int = 0):
        if num_games < 2 or num_games % 2:
            raise InputError(f"num_games = {num_games}: each side begins half, so an even number is needed")
        check_seed(seed)
        self.game, self.num_games = game, num_games
        self._seed = seed
        self._environment = BoardGameEnvironment(game, num_games, first_mover="alternate")
        self._openings = {}  # opening plies: environment
        self._outcome = tf.Variable(tf.fill([num_games], RUNNING), trainable=False)
        self._last_mover = tf.Variable(tf.zeros([num_games], tf.int32), trainable=False)
        self._moves = tf.Variable(tf.zeros([num_games], tf.int64), trainable=False)  # a hash of a game
        self._compiled = {}
        # Half of the games have to begin with each seat: say who began "the game before".
        self._first_mover = np.repeat([0, 1], num_games // 2).astype(np.int32)

    def play(self, player, opponent, opening_plies: int | None = None) -> Match:
        """Plays all games: `player` sits at seat 0, `opponent` at seat 1.

        Args:
          player, opponent: anything with `act(time_step)`, each at its own seat.
          opening_plies: each game begins after 0 to this many random plies. If None, games begin with the empty
            board, unless it turns out that they are all the same: then a quarter of the board's cells.

        Raises:
          InputError: if somebody sits at the wrong seat, or passes.
        """
        if player.seat != 0 or opponent.seat != 1:
            raise InputError(
                f"{player.name} sits at seat {player.seat} and {opponent.name} at seat "
                f"{opponent.seat}: a match needs a player at seat 0 and one at seat 1"
            )
        match = self._play(player, opponent, opening_plies or 0)
        if opening_plies is None and match.distinct_games <= 2 < self.num_games:
            return self._play(player, opponent, self.game.num_cells // 4)
        return match

    def begin_anew(self) -> None:
        """Makes the next match the first one: its openings are drawn as those of a new arena."""
        self._openings.clear()

    def _play(self, player, opponent, opening_plies: int) -> Match:
        self._begin(opening_plies)
        in_python = any(getattr(p, "runs_in_python", False) for p in (player, opponent))
        plies = [self._ply_of(p, in_python) for p in (player, opponent)]
        for _ in range(self.game.num_cells + 1):  # a round without a ply happens when the other seat begins
            if not any([ply() for ply in plies]):
                break
        else:
            raise InputError(f"a game between {player.name} and {opponent.name} does not end: somebody passes")
        return self._result(opening_plies)

    def _begin(self, opening_plies: int) -> None:
        environment = self._environment
        if opening_plies:
            if opening_plies not in self._openings:
                self._openings[opening_plies] = BoardGameEnvironment(
                    self.game,
                    self.num_games,
                    first_mover="alternate",
                    opening_plies=opening_plies,
                    seed=self._seed,
                )
            environment = self._openings[opening_plies]
        state = environment.get_state()
        environment.set_state(state._replace(first_mover=tf.constant(1 - self._first_mover)))
        environment.reset()
        self._environment.set_state(environment.get_state())
        self._outcome.assign(tf.fill(self._outcome.shape, RUNNING))
        stones = environment.get_state().stones
        self._moves.assign(_HASH * stones[:, 0] + stones[:, 1])

    def _ply_of(self, player, in_python: bool):
        """A function that lets a player move in all games and returns whether any goes on."""
        if in_python:
            return lambda: bool(self._ply(player))
        if id(player) not in self._compiled:  # the closure keeps the player, and with it its id
            use_xla = getattr(player, "is_heavy", False)
            if use_xla:
                start_xla()
            self._compiled[id(player)] = tf.function(lambda: self._ply(player), jit_compile=use_xla, autograph=False)
        return self._compiled[id(player)]

    def _ply(self, player) -> tf.Tensor:
        time_step = self._environment.current_time_step()
        running = self._outcome.read_value() == RUNNING
        # The environment goes on with the next game after an end; nobody shall have to play that one.
        step_type = tf.where(running, time_step.step_type, ts.StepType.LAST)
        action = player.act(time_step._replace(step_type=step_type))
        self._environment.step(tf.where(running, action, PASS))
        moved = running & (action != PASS)
        outcome = tf.where(running, self._environment.outcome(), self._outcome.read_value())
        self._outcome.assign(outcome)
        self._last_mover.assign(tf.where(moved, player.seat, self._last_mover.read_value()))
        moves = self._moves.read_value()
        self._moves.assign(tf.where(moved, _HASH * moves + tf.cast(action, tf.int64) + 1, moves))
        return tf.reduce_any(outcome == RUNNING)

    def _result(self, opening_plies: int) -> Match:
        outcome, last_mover = self._outcome.numpy(), self._last_mover.numpy()
        won = np.where(outcome == ILLEGAL, last_mover == 1, outcome == 0)
        drawn = outcome == DRAW
        records = []
        for first_mover in (0, 1):
            games = self._first_mover == first_mover
            wins, draws = int((won & games).sum()), int((drawn & games).sum())
            records.append(Results(wins, draws, int(games.sum()) - wins - draws))
        games = np.stack([self._first_mover, self._moves.numpy()])
        return Match(*records, np.unique(games, axis=1).shape[1], opening_plies)
