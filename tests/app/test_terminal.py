"""Games in a terminal, by what is typed and what is shown."""

import itertools
import re
import types

import pytest
from PIL import Image

from imagents.app.local import make_mind
from imagents.app.minds import PerfectMind
from imagents.app.session import PERSON, Session
from imagents.app.terminal import Terminal, wants_colour
from imagents.cli import main
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.tic_tac_toe import exact


def play(answers, game=TIC_TAC_TOE, first=0, opponent="first_legal", **options):
    """Plays with what is typed; returns the session and everything that was shown, line by line."""
    session = Session(game, (PERSON, opponent), first)
    typed, shown = iter(answers), []

    def ask(prompt):
        shown.append(prompt)
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    scorer = exact.move_scores if game is TIC_TAC_TOE else None
    minds = (None, make_mind(opponent, game, 1))
    terminal = Terminal(session, minds, scorer=scorer, ask=ask, show=shown.append, **options)
    try:
        terminal.play(lambda games: (first + games) % 2)
    except EOFError:
        pass
    lines = "\n".join(shown).splitlines()
    assert max(map(len, lines)) <= 80
    return session, lines


def test_moves_are_typed_as_numbers_and_answered():
    session, lines = play(["4", "8"])
    assert session.record.moves == (4, 0, 8, 1)
    assert "O (first_legal) plays cell 0" in lines
    at = lines.index("O (first_legal) plays cell 1, which gives away the draw, and loses")
    assert lines[at + 1 : at + 4] == ["   O  O  2 ", "   3  X  5 ", "   6  7  X "]


def test_columns_are_numbered_below_and_the_last_stone_is_marked():
    _, lines = play(["3"], CONNECT_FOUR)
    at = lines.index("O (first_legal) plays column 0")
    assert lines[at + 6 : at + 9] == ["   O  .  .  X  .  .  . ", "   0  1  2  3  4  5  6", "   ^"]


@pytest.mark.parametrize("typed, said", [
    ("4", "cell 4 is taken"),
    ("9", "there is no cell 9: they are 0 to 8"),
    ("corner", "'corner' is no cell"),
    ("-1", "'-1' is no cell"),
    ("²", "'²' is no cell"),
    ("", "a cell, please"),
    ("9" * 5000, "there is no cell 999999999: they are 0 to 8"),
    ("x" * 5000, "'xxxxxxxxxxxxxxxxxxxx...' is no cell"),
])
def test_a_bad_move_gets_a_friendly_line_and_another_try(typed, said):
    session, lines = play(["4", typed, "8"])
    assert f"{said}; free are 1, 2, 3, 5, 6, 7, 8 (? explains what else you can type)" in " ".join(lines)
    assert session.record.moves == (4, 0, 8, 1)


def test_undo_and_a_new_game():
    session, lines = play(["u", "4", "8", "u", "5", "n"])
    assert "there is nothing to take back yet" in lines
    assert session.latest.moves == (0,) and session.record.first == 1  # the other one begins this time
    assert session.score == [0, 0, 0]


def test_the_end_of_a_game_is_told_and_counted_and_another_can_follow():
    session, lines = play(["4", "8", "5", "3", "4", "", "q"])  # what is none of the answers is asked again
    assert sum("Enter for another game" in line for line in lines) == 3 and session.record.moves == (0,)
    assert "O (first_legal) wins." in lines and "score: X (you) 0, O (first_legal) 1, drawn 0" in lines
    at = max(i for i, line in enumerate(lines) if line == "O (first_legal) wins.")
    assert lines[at - 3] == "  [O][O][O]"
    assert lines[-1] == "score: X (you) 0, O (first_legal) 1, drawn 0"


def test_a_lost_game_can_be_taken_back():
    session, _ = play(["4", "8", "5", "u", "2"])
    assert session.record.moves[:5] == (4, 0, 8, 1, 2) and session.score == [0, 0, 0]


def test_a_hint_shows_the_agents_q_values_and_the_exact_verdict():
    agent = make_mind("trained", TIC_TAC_TOE, 1)
    _, lines = play(["8", "h"], adviser=agent)  # O answers 0: lost
    at = lines.index("move   Q value   exactly")
    table = lines[at + 1 : at + 8]
    assert all(re.match(r"   [1-7]    [+-]\d\.\d{3} [* ] (keeps the win|gives away)", line) for line in table)
    assert sum("*" in line for line in table) == 1
    assert lines[at + 8] == "X wins with perfect play"


def test_without_agent_and_solver_a_hint_says_so():
    assert "there is no agent and no solver to ask about this game" in play(["h"], CONNECT_FOUR)[1]


def test_hints_can_come_by_themselves_and_judge_every_move():
    _, lines = play(["4"], hints=True)
    assert "A draw with perfect play" in " ".join(lines).replace("a draw", "A draw")
    assert "X (you) plays cell 4, which keeps the draw" in lines


def test_help_explains_what_can_be_typed():
    assert any("takes back your last move" in line for line in play(["?"])[1])


def test_colours_only_where_they_are_wanted():
    assert not any("\033" in line for line in play(["4"])[1])
    session = Session(TIC_TAC_TOE, (PERSON, PERSON))
    session.play(4)
    terminal = Terminal(session, (None, None), colour=True)
    terminal_like, file_like = types.SimpleNamespace(isatty=lambda: True), types.SimpleNamespace(isatty=lambda: False)
    assert wants_colour(terminal_like, {"TERM": "xterm"}) and not wants_colour(file_like, {"TERM": "xterm"})
    assert not wants_colour(terminal_like, {"TERM": "xterm", "NO_COLOR": "1"})
    assert not wants_colour(terminal_like, {"TERM": "dumb"})
    assert "\033[38;5;208m\033[1m X \033[0m" in terminal.board()


def test_two_players_are_watched_to_the_end_at_a_pace():
    shown = []
    session = Session(TIC_TAC_TOE, ("perfect", "perfect"))
    Terminal(session, (PerfectMind(exact.move_scores),) * 2, seconds=0, show=shown.append).watch()
    assert session.record.is_over and shown[-1] == "A draw." and len(shown) == 11


# The command


def test_a_whole_game_is_played_by_the_command_and_recorded(monkeypatch, tmp_path, capsys):
    cells = itertools.cycle("483725160")  # some of them are taken by then
    monkeypatch.setattr("builtins.input", lambda prompt: "q" if "another game" in prompt else next(cells))
    monkeypatch.chdir(tmp_path)
    assert main(["play", "--record", "game.gif", "--seed", "1"]) == 0
    said = capsys.readouterr().out
    assert "\033" not in said
    assert said.startswith("tic tac toe: X (you) against O (trained)\n") and "score: X (you)" in said
    assert said.endswith("done: game.gif\n") and max(map(len, said.splitlines())) <= 80
    with Image.open("game.gif") as image:
        assert image.n_frames >= 6


def test_watching_by_the_command(capsys):
    assert main(["play", "--watch", "heuristic", "random", "--seconds", "0", "--environment", "connect_four"]) == 0
    assert re.search(r"(wins|A draw)\.\n$", capsys.readouterr().out)


@pytest.mark.parametrize("interrupt, status", [(EOFError, 0), (KeyboardInterrupt, 130)])
def test_ctrl_d_and_ctrl_c_end_it_quietly(monkeypatch, capsys, interrupt, status):
    def leave(prompt):
        raise interrupt

    monkeypatch.setattr("builtins.input", leave)
    assert main(["play"]) == status
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments, said", [
    (["nobody"], "unknown player 'nobody'"),
    (["--watch", "random"], "--watch random: two players can be watched, as in --watch trained random"),
    (["--seconds", "-1"], "--seconds -1: how long to wait between moves is 0 to 3600"),
    (["--environment", "chess"], "unknown environment 'chess'"),
    (["--record", "game.png"], "game.png: a recording is a .gif or an .mp4 file"),
    (["--record", "nowhere/game.gif"], "nowhere/game.gif: there is no folder nowhere"),
    (["person"], "you are one of the players already"),
    (["trained", "--environment", "5x5x4"], "no trained agent of 5x5x4 ships with imagents"),
])
def test_what_cannot_be_is_said_in_one_sentence(capsys, arguments, said):
    assert main(["play", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"imagents play: {said}")
