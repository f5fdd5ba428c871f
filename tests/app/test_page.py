"""Requests and replies of the page: every wish, and everything that no honest browser sends."""

import copy
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagents.app.cast import Cast
from imagents.app.local import LocalCast
from imagents.app.minds import Mind, Thought
from imagents.app.page import Page
from imagents.app.session import PERSON
from imagents.config import environment_settings
from imagents.environments.boards.games import CONNECT_FOUR, GAMES, TIC_TAC_TOE
from imagents.errors import InputError


class LowestMind(Mind):
    """Plays the legal move of the lowest number and expects a tenth of that number."""

    def think(self, record):
        q_values = np.full(record.game.num_actions, np.nan)
        q_values[record.legal] = np.array(record.legal) / 10
        return Thought(record.legal[0], q_values)


class SmallCast(Cast):
    """One agent, who is easy to predict; connect four is judged by whatever it is given."""

    def __init__(self, scorer=None):
        super().__init__(map(environment_settings, GAMES))
        self.scorers["connect_four"] = scorer

    def agents(self, game):
        return ["lowest"]

    def opponents(self, game):
        return {"lowest": "The <lowest>"} | super().opponents(game)

    def mind(self, game, name, seat):
        return LowestMind() if name == "lowest" else super().mind(game, name, seat)


@pytest.fixture
def page():
    return Page(SmallCast())


def ask(page, state=None, do="show", value=None):
    reply = page.reply({"state": state, "do": do, "value": value})
    json.dumps(reply)  # it has to travel
    assert type(reply["html"]) is str
    return reply


SHOWN = {"q_values": True, "verdicts": True}  # what a visitor can switch on


def moves(page, *actions, state=None):
    for action in actions:
        state = ask(page, state, "move", action)["state"]
    return state


def test_a_new_visitor_finds_a_game_and_begins(page):
    reply = ask(page)
    assert reply["state"]["players"] == [PERSON, "lowest"] and reply["state"]["moves"] == []
    assert "Your turn" in reply["html"] and reply["html"].count('class="move"') == 9
    assert "The &lt;lowest&gt;" in reply["html"] and "<lowest>" not in reply["html"]


def test_a_move_is_answered_in_the_same_reply(page):
    assert moves(page, 4)["moves"] == [4, 0]


def test_the_opponent_begins_every_second_game_if_they_take_turns(page):
    state = ask(page, moves(page, 4), "new")["state"]
    assert (state["first"], state["moves"]) == (1, [0])
    assert ask(page, state, "new")["state"]["first"] == 0


def test_who_always_begins_can_be_chosen(page):
    state = ask(page, None, "set", ["begins", "1"])["state"]
    assert (state["first"], state["moves"]) == (1, [0])
    assert ask(page, state, "new")["state"]["first"] == 1


def test_either_side_can_be_the_visitors(page):
    state = ask(page, ask(page, None, "set", ["player1", "you"])["state"], "set", ["player0", "lowest"])["state"]
    assert state["players"] == ["lowest", "you"] and state["moves"] == [0]
    assert ask(page, state, "move", 4)["state"]["moves"] == [0, 4, 1]


def test_a_bad_move_changes_nothing_and_gets_a_friendly_line(page):
    state = moves(page, 4)
    for value in (4, 99, -1, 4.0, "4", None, [], {}, True, 10**30):
        reply = ask(page, state, "move", value)
        assert reply["state"] == state
        assert re.search(r'class="said">(cell 4 is taken|there is no cell)', reply["html"]), value


def test_taking_back_looking_back_and_going_on_from_there(page):
    state = moves(page, 4, 8)
    assert state["moves"] == [4, 0, 8, 1]
    assert ask(page, state, "undo")["state"]["moves"] == [4, 0]
    looking = ask(page, state, "look", 2)
    assert looking["state"]["shown"] == 2 and "Looking back: after 2 of 4 moves" in looking["html"]
    assert 'class="move"' not in looking["html"] and "Take back to here" in looking["html"]
    refused = ask(page, looking["state"], "move", 5)
    assert refused["state"]["moves"] == [4, 0, 8, 1] and "this is an earlier position" in refused["html"]
    assert ask(page, looking["state"], "undo")["state"]["moves"] == [4, 0]
    assert ask(page, looking["state"], "look", 4)["state"]["shown"] is None
    assert "nothing to take back" in ask(page, None, "undo")["html"]


def test_hints_are_off_until_they_are_asked_for(page):
    html = ask(page, moves(page, 8))["html"]
    assert 'class="q"' not in html and "expected" not in html and "perfect play" not in html
    assert '<p class="legend" hidden>' in html and html.count("<b>?") == 1
    state = ask(page, moves(page, 8), "set", ["verdicts", True])
    assert "X wins with perfect play" in state["html"]


def test_cells_are_named_as_moves_are_written(page):
    assert re.findall(r'class="name"[^>]*>(\d)</text>', ask(page)["html"]) == list("012345678")
    columns = ask(page, {"game": "connect_four"})["html"]
    assert re.findall(r"<i>(\d)</i>", columns) == list("0123456") and 'class="name"' not in columns


def test_any_board_that_numbers_describe_can_be_played(page):
    state = ask(page, None, "set", ["game", "4x4x3-gravity"])["state"]
    assert (state["game"], state["players"]) == ("4x4x3-gravity", ["you", "lowest"])
    assert moves(page, 0, state=state)["moves"] == [0, 0]
    for name in ("9x9x4", "4x4x9", "4x4", "poker", "4x4x3" * 20, 4, None):
        refused = ask(page, state, "set", ["game", name])
        assert refused["state"]["game"] == "4x4x3-gravity" and "is no board: it is ROWSxCOLUMNSxK" in refused["html"]


def test_who_an_agent_is_stands_beside_the_board(page, monkeypatch):
    monkeypatch.setattr(SmallCast, "about", lambda self, game, name, seat: "Met <nobody>." * (name == "lowest"))
    assert '<p class="about">The &lt;lowest&gt;. Met &lt;nobody&gt;.</p>' in ask(page)["html"]
    assert 'class="about"' not in ask(page, {"players": ["you", "random"]})["html"]


def test_a_mind_is_asked_once_about_a_position(page, monkeypatch):
    asked, think = [], LowestMind.think
    monkeypatch.setattr(LowestMind, "think", lambda self, record: asked.append(record.moves) or think(self, record))
    state = moves(page, 4)
    assert asked == [(4,)]
    asked.clear()
    moves(page, 8, state=state | SHOWN)
    assert asked == [(4, 0, 8), (4, 0, 8, 1)]  # its move and what it expected of that; and what it would do now


def test_the_q_values_on_the_board_are_the_agents_for_the_position_that_is_shown(page):
    shown = ask(page, moves(page, 4) | SHOWN)["html"]
    assert re.findall(r">([+-][\d.]+)</text>", shown) == ["+0.10", "+0.20", "+0.30", "+0.50", "+0.60", "+0.70", "+0.80"]
    assert ">O</span> expected +0.00 of its move 0" in shown
    assert "what <i>The &lt;lowest&gt;</i> expects of each move" in shown and "in units of its own reward." in shown
    hidden = ask(page, moves(page, 4) | SHOWN, "set", ["q_values", False])["html"]
    assert 'class="q"' not in hidden and "expected" not in hidden


def test_where_nobody_has_q_values_the_page_says_so(page, monkeypatch):
    said = '<p class="expects">No values to show: nobody here has learned what moves are worth.</p>'
    assert said not in ask(page, SHOWN)["html"]
    monkeypatch.setattr(SmallCast, "agents", lambda self, game: [])
    assert said in ask(page, {"players": ["you", "random"]} | SHOWN)["html"]
    assert said not in ask(page, {"players": ["you", "random"]})["html"]


def test_a_scale_that_is_known_explains_the_q_values(page, monkeypatch):
    monkeypatch.setattr(LowestMind, "scale", (-1.0, 2.5))
    assert "from −1 (lost) to +2.5 (won)." in ask(page, SHOWN)["html"]


def test_looking_back_frames_the_move_that_was_played(page):
    html = ask(page, moves(page, 4), "look", 0)["html"]
    assert '<rect class="chosen" x="54" y="54"' in html  # cell 4


def test_the_verdict_names_mistakes_in_words_and_in_the_list_of_moves(page):
    state = moves(page, 8) | SHOWN  # X a corner, O another: only the middle keeps the draw
    html = ask(page, state)["html"]
    assert "X wins with perfect play." in html
    assert '<span class="side1">O 0</span> <span class="bad">gives away the draw, and loses</span>.' in html
    assert re.findall(r'data-ply="(\d)"[^<]*<small>\d</small>\d<b>\?', html) == ["1"]
    assert '<p class="legend"><b>?</b> gave a win or a draw away</p>' in html
    assert "gives away" not in ask(page, state, "set", ["verdicts", False])["html"]


def test_the_move_that_completes_a_line_wins(page):
    html = ask(page, moves(page, 4, 8, 5, 3) | SHOWN)["html"]
    assert '<span class="side1">O 2</span> <span class="good">wins</span>.' in html
    assert '<span class="side0">X 5</span> <span class="bad">gives away the win, and loses</span>.' in html


def test_where_nobody_can_tell_the_verdict_says_so(page):
    assert "Nobody can tell exactly here.</p>" in ask(page, {"game": "5x5x4"} | SHOWN)["html"]
    known = "Nobody can tell exactly here. The extra solver makes it possible."
    assert known in ask(page, {"game": "connect_four"} | SHOWN)["html"]


def test_a_finished_game_shows_its_line_and_counts_once(page):
    state = moves(page, 4, 8, 5, 3)  # X: 4 8 5 3, O: 0 1 2
    assert state["moves"] == [4, 0, 8, 1, 5, 2]
    assert state["scores"]["tic_tac_toe|you|lowest"] == [0, 1, 0]
    html = ask(page, state)["html"]
    assert '<b>You lose:</b> <span class="side1">O</span> has 3 in a row.' in html and html.count('class="won"') == 3
    assert 'class="move"' not in html
    assert ask(page, state, "undo")["state"]["scores"]["tic_tac_toe|you|lowest"] == [0, 0, 0]
    assert ask(page, state, "new")["state"]["scores"]["tic_tac_toe|you|lowest"] == [0, 1, 0]


def test_each_pairing_has_a_score_of_its_own(page):
    state = moves(page, 4, 8, 5)
    other = ask(page, state, "set", ["player1", "random"])
    assert "O</span> <b>0</b>" in other["html"]
    assert "O</span> <b>1</b>" in ask(page, other["state"], "set", ["player1", "lowest"])["html"]


def test_players_that_are_watched_move_on_by_themselves_until_paused(page):
    state = ask(page, None, "set", ["player0", "lowest"])["state"]
    reply = ask(page, state)
    assert (reply["next"], reply["seconds"]) == ("step", 1.0)
    while reply["next"] == "step":
        reply = ask(page, reply["state"], "step")
    assert reply["next"] == "new" and reply["seconds"] == 3.0
    assert ask(page, reply["state"], "new")["state"]["first"] == 1
    paused = ask(page, state, "set", ["runs", False])
    assert paused["next"] is None and ">Go on<" in paused["html"]
    assert ask(page, state, "set", ["pace", "0.3"])["seconds"] == 0.3
    assert ask(page, state, "move", 4)["state"]["moves"] == []  # nobody's turn but the players'


def test_a_person_cannot_be_moved_for_and_an_opponent_not_moved_twice(page):
    assert ask(page, None, "step")["state"]["moves"] == []
    assert ask(page, moves(page, 4), "step")["state"]["moves"] == [4, 0]


def test_a_full_column_cannot_be_clicked(page):
    state = ask(page, None, "set", ["game", "connect_four"])["state"]
    state = ask(page, state, "set", ["player1", "you"])["state"]
    state = moves(page, *[0] * 6, state=state)
    html = ask(page, state)["html"]
    assert re.findall(r'data-move="(\d)"', html) == list("123456")
    assert "column 0 is full" in ask(page, state, "move", 0)["html"]


def test_another_game_keeps_the_players_and_begins_anew(page):
    state = ask(page, moves(page, 4), "set", ["game", "connect_four"])["state"]
    assert (state["game"], state["players"], state["moves"]) == ("connect_four", ["you", "lowest"], [])


def test_two_visitors_never_meet(page):
    one, two = moves(page, 4), ask(page, None, "set", ["game", "connect_four"])["state"]
    before = copy.deepcopy(one)
    two = moves(page, 3, 3, state=two)
    assert one == before and moves(page, 8, state=one)["moves"] == [4, 0, 8, 1]
    assert two["moves"] == [3, 0, 3, 0]


def test_the_page_itself_keeps_nothing(page):
    kept = {name: repr(value) for name, value in vars(page).items()}
    moves(page, 4, 8)
    assert {name: repr(value) for name, value in vars(page).items()} == kept


def test_a_slow_scorers_verdict_comes_later_and_not_from_too_many_at_once():
    asked = []

    def scorer(board, seat):
        asked.append(page.judge({"state": {"game": "connect_four"} | SHOWN}) if len(asked) < 4 else None)
        return np.zeros(7)

    scorer.is_slow = True
    page = Page(SmallCast(scorer))
    reply = ask(page, {"game": "connect_four", "moves": [3, 3]} | SHOWN)
    assert reply["judge"] and 'class="verdict">…' in reply["html"]
    assert "A draw with perfect play" in page.judge({"state": reply["state"]})["html"]
    assert asked[0] == {"again": True}  # the fifth at once, which came from within the fourth


def test_an_agent_that_cannot_be_loaded_says_so_and_the_page_goes_on(page, monkeypatch):
    def broken(game, name, seat):
        raise InputError("outputs/mine is damaged: no checkpoint")

    monkeypatch.setattr(page._cast, "mind", broken)
    reply = ask(page, None, "move", 4)
    assert "outputs/mine is damaged" in reply["html"] and reply["state"]["moves"] == [4]


def test_a_fault_of_the_pages_own_is_not_told_as_the_visitors(page, monkeypatch):
    def faulty(game, name, seat):
        raise ValueError("shapes do not match")

    monkeypatch.setattr(page._cast, "mind", faulty)
    for state in ({}, {"players": ["lowest", "you"]}):
        with pytest.raises(ValueError, match="shapes do not match"):
            ask(page, state | SHOWN, "show")
    monkeypatch.undo()
    assert moves(page, 4)["moves"] == [4, 0]  # the next one finds the page as it was


# Forged requests

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from(["you", "lowest", "perfect", "person", "run/../x", "tic_tac_toe", "connect_four", "turns",
                         "5x5x4", "99x99x9"])  # fmt: skip
anything = st.recursive(
    scalars | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=5,
)
FIELDS = ("game", "first", "scores", "begins", "games", "shown", "q_values", "verdicts", "pace", "runs")
forged_moves = st.lists(st.integers(-2, 8) | scalars, max_size=12)
states = st.fixed_dictionaries(
    {}, optional={name: anything for name in FIELDS}
    | {"moves": forged_moves | anything, "players": st.lists(names, min_size=2, max_size=2) | anything},
)
requests = st.fixed_dictionaries(
    {}, optional={"state": states | anything, "value": anything,
                  "do": st.sampled_from(["show", "move", "step", "new", "undo", "look", "set"]) | anything},
)


@settings(max_examples=300, deadline=None)
@given(requests | anything)
def test_whatever_is_sent_gets_a_sound_reply(request):
    page = Page(SmallCast())
    reply = page.reply(request)
    state = reply["state"]
    assert page._cast.game(state["game"]) and len(state["players"]) == 2
    assert set(state["players"]) <= {"you", "lowest", "heuristic", "random", "perfect"}
    again = page.reply({"state": state})["state"]  # what comes out can come in, though whoever has the turn may move
    assert again["moves"][: len(state["moves"])] == state["moves"]
    assert all(again[name] == state[name] for name in state if name not in ("moves", "shown", "scores"))
    json.dumps(reply, allow_nan=False)
    assert "html" in page.judge(request)


def test_an_enormous_state_is_cut_down(page):
    scores = {f"pairing {n}": [1, 2, 3] for n in range(10_000)} | {"x" * 10_000: [1, 1, 1]}
    reply = ask(page, {"scores": scores, "moves": [0] * 100_000, "game": "x" * 100_000})
    assert len(json.dumps(reply)) < 20_000 and reply["state"]["moves"] == []


def test_text_from_a_browser_never_becomes_html(page):
    attack = '"><script>alert(1)</script>'
    state = {"game": attack, "players": [attack, attack], "begins": attack, "scores": {attack: [1, 1, 1]}}
    for do in ("show", attack):
        for value in (attack, [attack, attack], ["game", attack], ["player0", attack]):
            assert "<script" not in ask(page, state, do, value)["html"]


def test_the_whole_cast_of_a_machine_plays_here(tmp_path):
    cast = LocalCast(tmp_path)
    page = Page(cast)
    try:
        for game in (TIC_TAC_TOE, CONNECT_FOUR):
            for name in cast.opponents(game):
                state = ask(page, {"game": game.name, "players": ["you", name], "verdicts": False}, "move", 3)["state"]
                assert len(state["moves"]) == 2, name
    finally:
        if cast.scorers["connect_four"]:
            cast.scorers["connect_four"].close()
