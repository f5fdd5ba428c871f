"""What a visitor's page shows and does: a state and a wish go in, the next state and HTML come out.

The state of a visit lives in the visitor's browser and comes with every request, so the server keeps nothing that could
leak from one visitor to another, get lost in a restart or grow.

    {"state": {"game": "5x5x4", "players": ["you", "heuristic"], "first": 0, "moves": [4, 0], ...},
     "do": "move", "value": 8}
"""

import html
import threading

import numpy as np

from imagents.app import page_html
from imagents.app.cast import Cast
from imagents.app.minds import Thought
from imagents.app.session import Session
from imagents.app.visit import Visit, read_visit
from imagents.environments.boards.record import Record, side_name
from imagents.environments.boards.verdicts import move_scores, move_verdict, position_verdict
from imagents.errors import InputError

_JUDGING_AT_ONCE = 4


class Page:
    """Answers requests; one object serves any number of visitors.

    Args:
      cast: the games and the players.
    """

    def __init__(self, cast: Cast):
        self._cast = cast
        self._judging = threading.Semaphore(_JUDGING_AT_ONCE)

    def warm_up(self) -> None:
        """Loads what the first visitor would wait for."""
        for game in self._cast.games.values():
            state = {"game": game.name}
            self.reply({"state": state})
            self.judge({"state": state})

    def reply(self, request) -> dict:
        """Does what a visitor wishes.

        Args:
          request: `state`, as the last reply had it; `do`: show, move, step, new, undo, look or set; and its `value`.
            Anything at all is answered.

        Returns:
          `state`; `html`; `next`: what to ask for by itself after `seconds`, or None; `judge`: whether to ask `judge`
          for the verdict.
        """
        request = request if isinstance(request, dict) else {}
        visit = read_visit(request.get("state"), self._cast)
        value, said = request.get("value"), ""
        try:
            done = {"move": self._move, "step": self._step, "new": self._new, "undo": self._undo,
                    "look": self._look, "set": self._set}.get(str(request.get("do")))
            if done:
                done(visit, value)
            self._answer(visit)
        except InputError as error:  # one friendly sentence
            said = str(error)
        visit.scores[visit.pairing] = visit.session.score
        judged = None if self._judges_later(visit) else self._verdict(visit)
        return {
            "state": visit.to_dict(),
            "html": self._html(visit, said, judged),
            "next": self._next(visit) if not said else None,
            "seconds": float(visit.pace) * (3 if visit.session.record.is_over else 1),
            "judge": judged is None,
        }

    def judge(self, request) -> dict:
        """The exact verdict, where it may take a moment.

        Returns:
          `html` for the verdict and `marks`, the plies of moves that gave something away; or `again`: ask later.
        """
        visit = read_visit(request.get("state") if isinstance(request, dict) else None, self._cast)
        if not self._judging.acquire(blocking=False):
            return {"again": True}
        try:
            text, marks = self._verdict(visit)
        finally:
            self._judging.release()
        return {"html": text, "marks": marks}

    # What visitors do

    def _move(self, visit: Visit, value) -> None:
        if visit.shown is not None:
            raise InputError("this is an earlier position: go back to the present, or take moves back to here")
        if not visit.session.is_persons_turn:
            raise InputError("it is not your turn" if not visit.session.record.is_over else
                             "this game is over: begin a new one")
        visit.session.play(value if type(value) is int else -1)

    def _step(self, visit: Visit, value) -> None:
        if visit.is_watched and not visit.session.record.is_over:
            visit.session.play(self._think(visit.session, visit.session.record).action)
            visit.shown = None

    def _new(self, visit: Visit, value) -> None:
        visit.games += 1
        visit.shown, visit.runs = None, True
        visit.session.new_game(visit.first)

    def _undo(self, visit: Visit, value) -> None:
        if visit.shown is not None:
            visit.session.rewind(visit.shown)
        elif not visit.session.undo():
            raise InputError("there is nothing to take back yet")
        visit.shown, visit.runs = None, False

    def _look(self, visit: Visit, value) -> None:
        last = len(visit.session.record.moves)
        visit.shown = value if type(value) is int and 0 <= value < last else None
        visit.runs = False

    def _set(self, visit: Visit, value) -> None:
        """Changes a setting, [name, value]; another game or other players begin anew."""
        name, to = value if isinstance(value, list) and len(value) == 2 else ("", None)
        state = visit.to_dict()
        if name in ("player0", "player1"):
            state["players"][int(name[-1])] = to
        elif name in ("game", "begins", "pace", "q_values", "verdicts", "runs"):
            state[name] = to
        changed = read_visit(state, self._cast)
        if changed.pairing != visit.pairing:
            changed = read_visit(state | {"moves": [], "shown": None, "games": 1, "runs": True}, self._cast)
            changed.session.new_game(changed.first)
        elif changed.begins != visit.begins and len(visit.session.record.moves) < 2:  # hardly begun
            changed.session.new_game(changed.first)
        visit.__dict__.update(changed.__dict__)

    def _answer(self, visit: Visit) -> None:
        """The opponent of a person moves."""
        session = visit.session
        while not (visit.is_watched or session.is_persons_turn or session.record.is_over or visit.shown is not None):
            session.play(self._think(session, session.record).action)

    def _think(self, session: Session, record: Record) -> Thought:
        name = session.players[record.seat]
        return self._cast.mind(record.game, name, record.seat).think(record)

    def _next(self, visit: Visit) -> str | None:
        if not visit.is_watched or not visit.runs:
            return None
        return "new" if visit.session.record.is_over else "step"

    # What visitors see

    def _judges_later(self, visit: Visit) -> bool:
        return visit.verdicts and getattr(self._scorer(visit), "is_slow", False)

    def _scorer(self, visit: Visit):
        return self._cast.scorers.get(visit.session.game.name)

    def _verdict(self, visit: Visit) -> tuple[str, list[int]]:
        """HTML of the verdict on what is looked at, and the plies of moves that gave something away."""
        if not visit.verdicts:
            return "", []
        record, game, scorer = visit.record, visit.session.record, self._scorer(visit)
        verdicts = []
        for ply, action in enumerate(game.moves):
            scores = move_scores(game.until(ply), scorer)
            verdicts.append(move_verdict(scores, action))
        lines, sides = [], [side_name(record.game, seat).capitalize() for seat in (0, 1)]
        if not record.is_over:
            now = position_verdict(record, move_scores(record, scorer), sides)
            lines.append(f"<b>{now[0].upper()}{now[1:]}.</b>" if now else "")
        for ply in range(max(0, len(record.moves) - 2), len(record.moves)):
            if verdicts[ply]:
                tone = "bad" if verdicts[ply].startswith("gives") else "good"
                side = sides[record.seat_at(ply)]
                lines.append(f'<span class="{tone}">{side} {record.moves[ply]}</span> {verdicts[ply]}.')
        return "<br>".join(line for line in lines if line), [p for p, v in enumerate(verdicts) if v.startswith("gives")]

    def _adviser(self, visit: Visit, record: Record) -> str | None:
        """Whose Q values are drawn: the mover's if it is an agent, else the other's, else the first agent's."""
        agents, players = self._cast.agents(record.game), visit.session.players
        for name in (players[record.seat], players[1 - record.seat], *agents[:1]):
            if name in agents:
                return name
        return None

    def _html(self, visit: Visit, said: str, judged) -> str:
        record, adviser, q_values, thought = visit.record, None, None, ""
        try:
            if visit.q_values and (adviser := self._adviser(visit, record)):
                if not record.is_over:
                    q_values = self._cast.mind(record.game, adviser, record.seat).think(record).q_values
                thought = self._expected(visit, record)
        except InputError as error:  # an agent that cannot be loaded says so where it is met
            said = said or str(error)
        return page_html.render(page_html.Sheet(
            visit=visit, titles=self._cast.titles, opponents=self._cast.opponents(record.game), said=said,
            q_values=q_values, adviser=adviser, thought=thought, judged=judged,
        ))

    def _expected(self, visit: Visit, record: Record) -> str:
        """What the agent that moved last expected of its move."""
        for back in (1, 2):
            before = record.until(len(record.moves) - back) if len(record.moves) >= back else None
            if before and visit.session.players[before.seat] in self._cast.agents(record.game):
                q_values = self._think(visit.session, before).q_values
                if q_values is None or np.isnan(q_values[record.moves[-back]]):
                    return ""
                side, action = side_name(record.game, before.seat), record.moves[-back]
                return html.escape(f"{side} expected {q_values[action]:+.2f} of its move {action}")
        return ""

