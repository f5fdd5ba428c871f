"""What there is on a visitor's page, as plain values for the templates that make HTML of it."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from imagents.app.cast import Cast
from imagents.app.session import PERSON
from imagents.app.templating import drawn_by_us, render
from imagents.app.visit import BEGINS, PACES, Visit
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.record import Record, side_name

_BOARDS = ("5x5x4", "4x4x4", "6x6x5", "8x8x5", "3x3x3-gravity", "8x8x4-gravity")  # to choose from; there are others
_MARKS = ("\N{MULTIPLICATION X}", "\N{WHITE CIRCLE}")  # beside the colours of discs


@dataclasses.dataclass(frozen=True)
class Judged:
    """The exact verdict: HTML, and the plies of moves that gave something away."""

    html: str = ""
    marks: Sequence[int] = ()


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Q values on the board: whose they are, float `[actions]`, and what a loss and a win are worth to it, or None."""

    adviser: str
    q_values: np.ndarray
    scale: tuple[float, float] | None


def html(
    visit: Visit,
    cast: Cast,
    said: str,
    drawn: Drawn | None,
    expected: tuple[int, int, float] | None,
    about: str,
    judged: Judged | None,
) -> str:
    """The whole page below its heading.

    Args:
      visit: the visitor's state.
      cast: the games and the players.
      said: a sentence about what could not be done, or "".
      drawn: the Q values to draw; None for none.
      expected: seat, move and value of what an agent expected of the last move that it made, or None.
      about: who the agents are that play.
      judged: the verdict; None if it comes later.
    """
    session, record = visit.session, visit.record
    game, count = session.game, len(session.record.moves)
    return render(
        "page", game=game, titles=cast.titles, boards=_BOARDS, sides=sides(game), person=PERSON, said=said,
        players=session.players, opponents=cast.opponents(game), score=session.score, about=about,
        looking=visit.shown, at=count if visit.shown is None else visit.shown,
        plies=[(session.record.seat_at(ply), action) for ply, action in enumerate(session.record.moves)],
        seat=record.seat, winner=record.winner, ended=_ended(visit), yours=session.is_persons_turn,
        watched=visit.is_watched, runs=visit.runs, begins=BEGINS | _named(game), begun=visit.begins,
        paces=PACES, pace=visit.pace, board=_board(visit, drawn), switches=_switches(visit), judged=judged,
        called=lambda name: cast.called(game, name), drawn=drawn, expected=expected,
        silent=visit.q_values and drawn is None and not record.is_over and not said,
    )  # fmt: skip


def judged(record: Record, now: str, verdicts: Sequence[str]) -> Judged:
    """A verdict as it is shown.

    Args:
      record: the position that is looked at.
      now: what it is worth, or "".
      verdicts: what each move of the whole game did.
    """
    tones = {"gives": "bad", "keeps": "good", "wins": "good"}
    moves = [
        (record.seat_at(ply), record.moves[ply], verdicts[ply], tones.get(verdicts[ply].split()[0], ""))
        for ply in range(max(0, len(record.moves) - 2), len(record.moves))
    ]
    marks = [ply for ply, verdict in enumerate(verdicts) if verdict.startswith("gives")]
    return Judged(render("verdict", now=now, moves=moves, sides=sides(record.game)), marks)


def unjudged(extra: str) -> Judged:
    """Where nobody can tell, or could with an extra of imagents."""
    return Judged("Nobody can tell exactly here." + (f" The extra {extra} makes it possible." if extra else ""))


def sides(game: Grid) -> list[str]:
    """What people call the sides, with a mark beside the name of a colour."""
    names = [side_name(game, seat).capitalize() for seat in (0, 1)]
    return [f"{mark} {name}" for mark, name in zip(_MARKS, names)] if game.gravity else names


def _named(game: Grid) -> dict[str, str]:
    return {str(seat): name for seat, name in enumerate(sides(game))}


def _ended(visit: Visit) -> str:
    """How the game that is looked at ended: "win" or "loss" of a person's, "won" by somebody, "draw", or ""."""
    record, players = visit.record, visit.session.players
    if not record.is_over or record.winner is None:
        return "draw" if record.is_over else ""
    if players.count(PERSON) != 1:
        return "won"
    return "win" if players[record.winner] == PERSON else "loss"


def _board(visit: Visit, drawn: Drawn | None):
    record, game = visit.record, visit.session.record
    live = visit.shown is None and visit.session.is_persons_turn
    return drawn_by_us(record.game.svg(
        record.board,
        last=record.cells[-1] if record.cells else None,
        q_values=drawn.q_values if drawn else None,
        chosen=game.moves[visit.shown] if visit.shown is not None else None,
        clickable=record.legal if live else (),
        mover=record.seat,
        names=True,
    ))  # fmt: skip


def _switches(visit: Visit) -> list[tuple[str, str, bool]]:
    return [("q_values", "What the agent thinks", visit.q_values), ("verdicts", "Exact verdict", visit.verdicts)]
