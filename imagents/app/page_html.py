"""The HTML of a visitor's page; page.js makes requests of its `data-do` and `data-set` elements."""

import dataclasses
import html
from collections.abc import Mapping

import numpy as np

from imagents.app.session import PERSON
from imagents.app.visit import BEGINS, PACES, Visit
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.record import side_name


@dataclasses.dataclass(frozen=True)
class Sheet:
    """What there is to show.

    Attributes:
      visit: the visitor's state.
      titles: what people call the games, by name.
      opponents: what people read, by name.
      said: a sentence about what could not be done, or "".
      q_values: to draw on the board, float `[actions]`; None for none.
      adviser: whose they are.
      thought: what the agent expected of its last move, or "".
      judged: HTML of the verdict and the plies of mistakes; None if it comes later.
    """

    visit: Visit
    titles: Mapping[str, str]
    opponents: Mapping[str, str]
    said: str
    q_values: np.ndarray | None
    adviser: str | None
    thought: str
    judged: tuple[str, list[int]] | None


def render(sheet: Sheet) -> str:
    """The whole page below its heading."""
    visit, game = sheet.visit, sheet.visit.session.game
    kind = "columns" if game.gravity else "cells"
    return (
        f'<div class="play {kind}">'
        f'<div class="games" role="group" aria-label="game">{_games(sheet)}</div>'
        f'<div class="table"><p class="status" role="status" aria-live="polite">{_status(sheet)}</p>'
        f'<div class="board">{_board(sheet)}{_columns(game)}</div>'
        f'<div class="buttons">{_buttons(sheet)}</div></div>'
        f'<div class="side"><div class="seats">{_seats(sheet)}</div>'
        f'<p class="score">{_score(sheet)}</p>'
        f'<div class="insight">{_switches(visit)}<p class="verdict">{_verdict(sheet)}</p>'
        f'<p class="expects">{_expects(sheet)}</p></div>'
        f'<div class="moves"><h3>Moves</h3>{_moves(sheet)}</div></div></div>'
    )


def _games(sheet: Sheet) -> str:
    return "".join(
        f'<button data-set="game" data-value="{html.escape(name)}" '
        f'aria-pressed="{_bool(name == sheet.visit.session.game.name)}">{html.escape(label)}</button>'
        for name, label in sheet.titles.items()
    )


def _status(sheet: Sheet) -> str:
    if sheet.said:
        return f'<span class="said">{html.escape(sheet.said)}</span>'
    visit, record = sheet.visit, sheet.visit.record
    if visit.shown is not None:
        count = len(visit.session.record.moves)
        return f"Looking back: after {visit.shown} of {count} moves, {_side(record.game, record.seat)} to move"
    if record.winner is not None:
        name = visit.session.players[record.winner]
        hot_seat = visit.session.players == (PERSON, PERSON)
        if name == PERSON and not hot_seat:
            return f'<b>You win!</b> {_side(record.game, record.winner)} has {record.game.k} in a row.'
        return f"<b>{_side(record.game, record.winner)} wins</b>: {record.game.k} in a row."
    if record.is_over:
        return "<b>A draw</b>: the board is full."
    if visit.session.is_persons_turn:
        return f"Your turn: {_side(record.game, record.seat)}"
    return f"{_side(record.game, record.seat)} to move: {_name(sheet, record.seat)}"


def _board(sheet: Sheet) -> str:
    visit, record = sheet.visit, sheet.visit.record
    live = visit.shown is None and visit.session.is_persons_turn
    game = visit.session.record
    return record.game.svg(
        record.board,
        last=record.cells[-1] if record.cells else None,
        q_values=sheet.q_values,
        chosen=game.moves[visit.shown] if visit.shown is not None else None,
        clickable=record.legal if live else (),
    )


def _columns(game: Grid) -> str:
    if not game.gravity:
        return ""
    return '<div class="numbers" aria-hidden="true">' + "".join(f"<i>{c}</i>" for c in range(game.columns)) + "</div>"


def _buttons(sheet: Sheet) -> str:
    visit = sheet.visit
    count = len(visit.session.record.moves)
    shown = count if visit.shown is None else visit.shown
    undo = "Take back to here" if visit.shown is not None else "Take back"
    buttons = [
        _button("look", "◀", shown - 1, "one move back", shown == 0),
        _button("look", "▶", shown + 1, "one move on", visit.shown is None),
        _button("undo", undo, "", "", not count),
        _button("new", "New game", "", "", False, "anew"),
    ]
    if visit.is_watched:
        label = "Pause" if visit.runs else "Go on"
        data = f'data-set="runs" data-value="{_bool(not visit.runs)}" data-kind="bool"'
        buttons.insert(2, f"<button {data}>{label}</button>")
    return "".join(buttons)


def _button(do: str, label: str, value, name: str, is_off: bool, kind: str = "") -> str:
    return (
        f'<button data-do="{do}" data-value="{value}" class="{kind}"{" disabled" if is_off else ""}'
        f'{f""" aria-label="{name}" """ if name else ""}>{label}</button>'
    )


def _seats(sheet: Sheet) -> str:
    visit, game = sheet.visit, sheet.visit.session.game
    rows = []
    for seat, name in enumerate(visit.session.players):
        choices = {PERSON: "You"} | dict(sheet.opponents)
        rows.append(_choice(_side(game, seat), f"player{seat}", choices, name))
    sides = {"0": side_name(game, 0).capitalize(), "1": side_name(game, 1).capitalize()}
    rows.append(_choice("Begins", "begins", BEGINS | sides, visit.begins))
    if visit.is_watched:
        rows.append(_choice("Pace", "pace", PACES, visit.pace))
    return "".join(rows)


def _choice(label: str, field: str, choices: Mapping[str, str], chosen: str) -> str:
    options = "".join(
        f'<option value="{html.escape(value)}"{" selected" if value == chosen else ""}>{html.escape(text)}</option>'
        for value, text in choices.items()
    )
    return f'<label><span>{label}</span><select data-set="{field}">{options}</select></label>'


def _score(sheet: Sheet) -> str:
    session = sheet.visit.session
    won = [f"{_side(session.game, seat)} <b>{session.score[seat]}</b>" for seat in (0, 1)]
    return f"{won[0]} &nbsp; {won[1]} &nbsp; drawn <b>{session.score[2]}</b>"


def _switches(visit: Visit) -> str:
    labels = {"q_values": "What the agent thinks", "verdicts": "Exact verdict"}
    return "".join(
        f'<label class="switch"><input type="checkbox" data-set="{field}"{" checked" if getattr(visit, field) else ""}>'
        f"{label}</label>"
        for field, label in labels.items()
    )


def _verdict(sheet: Sheet) -> str:
    return "…" if sheet.judged is None else sheet.judged[0]


def _expects(sheet: Sheet) -> str:
    if sheet.adviser is None:
        return ""
    lines = []
    if sheet.q_values is not None:
        name = html.escape(sheet.opponents.get(sheet.adviser, sheet.adviser))
        lines.append(f"On the board: what <i>{name}</i> expects of each move, from −1 (lost) to +1 (won).")
    if sheet.thought:
        lines.append(f"{sheet.thought[0].upper()}{sheet.thought[1:]}.")
    return "<br>".join(lines)


def _moves(sheet: Sheet) -> str:
    visit, record = sheet.visit, sheet.visit.session.record
    marks = set(sheet.judged[1]) if sheet.judged else set()
    shown = len(record.moves) if visit.shown is None else visit.shown
    if not record.moves:
        return '<p class="none">none yet</p>'
    items = [
        f'<button class="ply side{record.seat_at(ply)}" data-do="look" data-value="{ply + 1}" data-ply="{ply}" '
        f'aria-label="look at move {ply + 1}: {side_name(record.game, record.seat_at(ply))} {action}" '
        f'aria-current="{_bool(shown == ply + 1)}"><small>{ply + 1}</small>{action}'
        f'{"<b>?</b>" if ply in marks else ""}</button>'
        for ply, action in enumerate(record.moves)
    ]
    return f'<div class="plies">{"".join(items)}</div>'


def _side(game: Grid, seat: int) -> str:
    return f'<span class="side{seat}">{side_name(game, seat).capitalize()}</span>'


def _name(sheet: Sheet, seat: int) -> str:
    name = sheet.visit.session.players[seat]
    return html.escape(sheet.opponents.get(name, name))


def _bool(value: bool) -> str:
    return "true" if value else "false"


