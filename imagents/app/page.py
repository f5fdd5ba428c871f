"""What a visitor's page shows and does: a state and a wish go in, the next state and HTML come out.

The state of a visit lives in the visitor's browser and comes with every request, so the server keeps nothing that could
leak from one visitor to another, get lost in a restart or grow.

    {"state": {"game": "5x5x4", "players": ["you", "heuristic"], "first": 0, "moves": [4, 0], ...},
     "do": "move", "value": 8}
"""

import threading

import numpy as np

from imagents.app import sheet
from imagents.app.cast import Cast
from imagents.app.minds import Thought
from imagents.app.sheet import Judged
from imagents.app.visit import Visit, read_visit
from imagents.environments.boards.record import Record
from imagents.environments.boards.verdicts import move_scores, move_verdict, position_verdict
from imagents.errors import InputError, brief

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
            state = {"game": game.name, "q_values": True, "verdicts": True}
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
        judged = None if self._judges_later(visit) else self._judge(visit)
        return {
            "state": visit.to_dict(),
            "html": str(self._html(visit, said, judged)),
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
            judged = self._judge(visit)
        finally:
            self._judging.release()
        return {"html": str(judged.html), "marks": judged.marks}

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
            self._let_think(visit)
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
        if name == "game" and not self._cast.game(to):
            raise InputError(f"{brief(to)} is no board: it is ROWSxCOLUMNSxK, such as 5x5x4, or 8x8x4-gravity if "
                             "stones fall, and has up to 64 cells")  # fmt: skip
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
            self._let_think(visit)

    def _let_think(self, visit: Visit) -> None:
        session = visit.session
        session.play(self._think(visit, session.record, session.players[session.record.seat]).action)

    def _think(self, visit: Visit, record: Record, name: str) -> Thought:
        key = name, record.first, record.moves
        if key not in visit.thoughts:
            visit.thoughts[key] = self._cast.mind(record.game, name, record.seat).think(record)
        return visit.thoughts[key]

    def _next(self, visit: Visit) -> str | None:
        if not visit.is_watched or not visit.runs:
            return None
        return "new" if visit.session.record.is_over else "step"

    # What visitors see

    def _judges_later(self, visit: Visit) -> bool:
        return visit.verdicts and getattr(self._scorer(visit), "is_slow", False)

    def _scorer(self, visit: Visit):
        return self._cast.scorers.get(visit.session.game.name)

    def _judge(self, visit: Visit) -> Judged:
        """The verdict on what is looked at."""
        scorer = self._scorer(visit)
        if not visit.verdicts:
            return Judged()
        if scorer is None:
            return sheet.unjudged(self._cast.extras.get(visit.session.game.name, ""))
        record, game, verdicts = visit.record, visit.session.record, []
        for ply, action in enumerate(game.moves):
            wins = ply == len(game.moves) - 1 and game.winner is not None
            verdicts.append(move_verdict(move_scores(game.until(ply), scorer), action, wins))
        scores = None if record.is_over else move_scores(record, scorer)
        return sheet.judged(record, position_verdict(record, scores, sheet.sides(record.game)), verdicts)

    def _adviser(self, visit: Visit, record: Record) -> str | None:
        """Whose Q values are drawn: the mover's if it is an agent, else the other's, else the first agent's."""
        agents, players = self._cast.agents(record.game), visit.session.players
        for name in (players[record.seat], players[1 - record.seat], *agents[:1]):
            if name in agents:
                return name
        return None

    def _html(self, visit: Visit, said: str, judged: Judged | None) -> str:
        record, drawn, expected, about = visit.record, None, None, ""
        try:
            about = self._about(visit)
            if visit.q_values and (adviser := self._adviser(visit, record)):
                expected = self._expected(visit, record)
                if not record.is_over:
                    q_values = self._think(visit, record, adviser).q_values
                    scale = self._cast.mind(record.game, adviser, record.seat).scale
                    drawn = None if q_values is None else sheet.Drawn(adviser, q_values, scale)
        except InputError as error:  # an agent that cannot be loaded says so where it is met
            said = said or str(error)
        return sheet.html(visit, self._cast, said, drawn, expected, about, judged)

    def _about(self, visit: Visit) -> str:
        """Who the agents are that play."""
        game, cast = visit.session.game, self._cast
        found = {cast.called(game, name): cast.about(game, name, s) for s, name in enumerate(visit.session.players)}
        return " ".join(f"{name[:1].upper()}{name[1:]}. {text}" for name, text in found.items() if text)

    def _expected(self, visit: Visit, record: Record) -> tuple[int, int, float] | None:
        """The seat of the agent that moved last, its move, and what it expected of that."""
        for back in (1, 2):
            before = record.until(len(record.moves) - back) if len(record.moves) >= back else None
            if before and (name := visit.session.players[before.seat]) in self._cast.agents(record.game):
                q_values, action = self._think(visit, before, name).q_values, record.moves[-back]
                known = q_values is not None and not np.isnan(q_values[action])
                return (before.seat, action, float(q_values[action])) if known else None
        return None
