"""A visit: everything that a visitor's browser keeps and sends along with every request, and how it is read back.

Nothing that comes from a browser is trusted: whatever is not the state of a game that can be played here becomes the
beginning of one.
"""

import contextlib
import dataclasses

from imagents.app.cast import Cast
from imagents.app.minds import Thought
from imagents.app.session import PERSON, Session
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.record import Record
from imagents.errors import InputError

BEGINS = {"turns": "in turns", "0": "", "1": ""}  # the last two are named after the sides
PACES = {"2": "slow", "1": "steady", "0.3": "fast"}  # seconds between the moves of players that are watched
_MOST_PAIRINGS = 50  # whose score is kept


@dataclasses.dataclass
class Visit:
    """One visitor's state, checked.

    Attributes:
      session: the game that is on, and the score of this pairing.
      begins: who begins: "0", "1" or "turns".
      games: how many games this pairing has begun.
      shown: the ply that is looked at; None for the present.
      q_values: whether the agent's Q values are drawn on the board.
      verdicts: whether exact verdicts are shown.
      pace: seconds between moves that are watched, as text.
      runs: whether players that are watched go on by themselves.
      scores: of all pairings so far.
      thoughts: what minds thought while one request was answered, so that none is asked twice about a position.
    """

    session: Session
    begins: str = "turns"
    games: int = 1
    shown: int | None = None
    q_values: bool = False
    verdicts: bool = False
    pace: str = "1"
    runs: bool = True
    scores: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    thoughts: dict[tuple, Thought] = dataclasses.field(default_factory=dict)

    @property
    def record(self) -> Record:
        """The position that is looked at."""
        return self.session.record if self.shown is None else self.session.record.until(self.shown)

    @property
    def pairing(self) -> str:
        return "|".join((self.session.game.name, *self.session.players))

    @property
    def first(self) -> int:
        """The seat that begins the game that is on."""
        return (self.games - 1) % 2 if self.begins == "turns" else int(self.begins)

    @property
    def is_watched(self) -> bool:
        return PERSON not in self.session.players

    def to_dict(self) -> dict:
        """For JSON; `read_visit` reads it back."""
        record, names = self.session.record, ("begins", "games", "shown", "q_values", "verdicts", "pace", "runs")
        return {
            "game": record.game.name,
            "players": list(self.session.players),
            "first": record.first,
            "moves": list(record.moves),
            "scores": self.scores,
        } | {name: getattr(self, name) for name in names}


def read_visit(state, cast: Cast) -> Visit:
    """A visit from whatever a browser sent."""
    state = state if isinstance(state, dict) else {}
    game = cast.game(state.get("game")) or next(iter(cast.games.values()))
    players = _players(cast, game, state.get("players"))
    first = state.get("first") if state.get("first") in (0, 1) and type(state.get("first")) is int else 0
    visit = Visit(Session(game, players, first))
    for field, known in (("begins", BEGINS), ("pace", PACES)):
        if isinstance(state.get(field), str) and state[field] in known:
            setattr(visit, field, state[field])
    for field in ("q_values", "verdicts", "runs"):
        if isinstance(state.get(field), bool):
            setattr(visit, field, state[field])
    visit.games = _count(state.get("games")) or 1
    scores = state.get("scores")
    for key, score in list(scores.items())[-_MOST_PAIRINGS:] if isinstance(scores, dict) else ():
        if isinstance(key, str) and len(key) <= 300 and isinstance(score, list) and len(score) == 3:
            visit.scores[key] = [_count(number) for number in score]
    visit.session.score = visit.scores.get(visit.pairing, [0, 0, 0])
    moves = state.get("moves")
    if isinstance(moves, list) and len(moves) <= game.num_cells:
        with contextlib.suppress(InputError):  # not a game: a new one begins
            visit.session.record = Record(game, first, tuple(moves))
    shown = state.get("shown")
    if type(shown) is int and 0 <= shown < len(visit.session.record.moves):
        visit.shown = shown
    return visit


def _players(cast: Cast, game: Grid, names) -> tuple[str, str]:
    known = {PERSON, *cast.opponents(game)}
    names = names if isinstance(names, list) and len(names) == 2 else [None, None]
    default = (PERSON, next(iter(cast.opponents(game))))
    first, second = (n if isinstance(n, str) and n in known else d for n, d in zip(names, default, strict=True))
    return first, second


def _count(value) -> int:
    return value if type(value) is int and 0 <= value < 1_000_000 else 0
