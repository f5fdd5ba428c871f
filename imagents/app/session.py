"""Games as people play them: a session of games with undo and a score.

Nothing here knows how it is shown or who thinks.
"""

from imagents.environments.boards.grid import Grid
from imagents.environments.boards.record import Record

PERSON = "you"  # the name of a seat's player who moves by hand


class Session:
    """Games that the same two players play, one after the other.

    Args:
      game: the rules.
      players: the name of each seat's player; `PERSON` for one who moves by hand.
      first: the seat that begins the first game.

    Attributes:
      record: the game that is on.
      score: games won by seat 0, won by seat 1, and drawn.
    """

    def __init__(self, game: Grid, players: tuple[str, str], first: int = 0):
        self.game, self.players = game, players
        self.record, self.score = Record(game, first), [0, 0, 0]
        self._before = self.record

    @property
    def is_persons_turn(self) -> bool:
        return not self.record.is_over and self.players[self.record.seat] == PERSON

    def play(self, action: int) -> None:
        """A move for whoever is to move.

        Raises:
          InputError: if it cannot be played; one friendly sentence.
        """
        self.record = self.record.play(action)
        self._count(1)

    def new_game(self, first: int) -> None:
        """Begins another game; one that is still on counts for nobody."""
        self._before = self.latest
        self.record = Record(self.game, first)

    @property
    def latest(self) -> Record:
        """The game that is on, or the one before it if nobody has moved yet."""
        return self.record if self.record.moves else self._before

    def undo(self) -> int:
        """Takes back moves until a person is to move again, or one move if nobody is a person.

        Returns:
          How many moves were taken back; 0 if there is no move of a person's (or of anybody's) to take back.
        """
        moves = self.record.moves
        plies = [p for p in range(len(moves)) if PERSON not in self.players or self._is_person(p)]
        return self.rewind(plies[-1]) if plies else 0

    def rewind(self, ply: int) -> int:
        """Goes on from an earlier position, after `ply` moves; the result of a finished game counts no more."""
        back = len(self.record.moves) - ply
        if back > 0:
            self._count(-1)
            self.record = self.record.until(ply)
        return max(back, 0)

    def _is_person(self, ply: int) -> bool:
        return self.players[self.record.seat_at(ply)] == PERSON

    def _count(self, games: int) -> None:
        if self.record.is_over:
            winner = self.record.winner
            self.score[2 if winner is None else winner] += games
