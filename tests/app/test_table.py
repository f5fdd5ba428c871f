"""A person plays what is no board in a terminal: it sees its own seat's cards only, until the end."""

import re

import numpy as np
import pytest
from small import untrained_run

from imagents.app.table import Person, play
from imagents.cli import main
from imagents.config import environment_settings
from imagents.environments.cards.environment import State
from imagents.environments.cards.rules import LEDUC
from imagents.players.base import FirstLegalPlayer
from imagents.players.watching import Watching


def answers(*words):
    """What is typed, word by word, and after that the end of it; what was asked is kept in `asked`."""
    waiting = list(words)

    def ask(prompt):
        ask.asked.append(prompt)
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    ask.asked = []
    return ask


def table_of(name, ask, show, seat=0):
    """A table of this game, at which the other seats do the first thing that they can."""
    face = environment_settings(name)
    return Watching(face, lambda environment: [
        Person(environment, each, ask, show) if each == seat
        else FirstLegalPlayer(each, action_spec=environment.action_spec())
        for each in range(face.num_seats)
    ], "greedy")  # fmt: skip


@pytest.mark.parametrize("seat", [0, 1])
def test_each_seat_is_told_its_own_card_and_never_the_other_ones(seat):
    environment = environment_settings("leduc_poker").build(1, 0)
    histories = [bets.history for bets in LEDUC.nodes]
    told = set()
    for deal, cards in enumerate(LEDUC.deals):
        for history in (((),), ((1, 2, 1), ())):
            environment.set_state(State(np.array([deal]), np.array([histories.index(history)])))
            said = environment.describe(0, seat)
            told.add((cards[seat], cards[2] if len(history) > 1 else -1, said))
            assert max(map(len, said.splitlines())) <= 80
    assert len(told) == len({said for *_, said in told}) == 6 + 6 * 5  # whoever else holds what


def test_a_game_is_played_to_its_end_and_shown_then():
    shown, ask = [], answers("bet", "q")
    play(table_of("kuhn_poker", ask, shown.append), 0, shown.append, ask)
    assert re.fullmatch(r"you hold [JQK]; in the pot 1 are yours, 1 not\nso far: nobody has bet yet", shown[1])
    assert re.fullmatch(r"\nseat 0: [JQK]  seat 1: [JQK]  bet pass\nyou get 1, and have 1 after 1 episode", shown[2])
    assert ask.asked == ["0 pass, 1 bet: ", "Enter for another one, q to end: "]


def test_what_a_person_gets_adds_up_over_games():
    shown, ask = [], answers("1", "", "1", "q")
    play(table_of("kuhn_poker", ask, shown.append), 0, shown.append, ask)
    assert shown[-1].endswith("you get 1, and have 2 after 2 episodes")


def test_where_all_choose_at_once_nobody_is_told_what_the_other_does():
    shown, ask = [], answers("DEFECT", "q")
    play(table_of("prisoners_dilemma", ask, shown.append, seat=1), 1, shown.append, ask)
    assert shown[1] == "all choose at once"
    assert "seat 0: cooperate +0  seat 1: defect +5\nyou get 5" in shown[2]


def test_what_cannot_be_done_is_one_sentence_and_asked_again():
    shown, ask = [], answers("fold", "7", "", "call")
    table = table_of("leduc_poker", ask, shown.append)
    with pytest.raises(EOFError):  # the other one raises no more, and then nothing more is typed
        play(table, 0, shown.append, ask)
    sentences = [said for said in shown if "cannot be done" in said]
    assert sentences[0] == "'fold' cannot be done now; what can is 1 call, 2 raise, and q ends the game"
    assert [said.split()[0] for said in sentences] == ["'fold'", "'7'", "''"]
    assert set(ask.asked[:4]) == {"1 call, 2 raise: "}


def test_a_run_is_played_by_the_command_in_the_environment_that_it_learned(tmp_path, monkeypatch, capsys):
    run = untrained_run(tmp_path / "run", "kuhn_poker", algorithm="dqn").path
    monkeypatch.setattr("builtins.input", answers("bet", "", "pass", "bet", "q"))
    assert main(["play", str(run), "--seed", "1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"kuhn poker: you are seat 0, against {run}; policy: sampled\n")
    assert "after 1 episode\n" in said


@pytest.mark.parametrize("interrupt, status", [(EOFError, 0), (KeyboardInterrupt, 130)])
def test_ctrl_d_and_ctrl_c_end_it_quietly(monkeypatch, capsys, interrupt, status):
    def leave(prompt):
        raise interrupt

    monkeypatch.setattr("builtins.input", leave)
    assert main(["play", "nash:0.2", "--environment", "kuhn_poker"]) == status
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments, said", [
    (["random", "--environment", "cartpole"], "cartpole cannot be played in a terminal: it does not describe"),
    (["random", "--environment", "kuhn_poker", "--hints"], "--hints: it is for boards, and kuhn_poker is none"),
    (["trained", "--environment", "kuhn_poker"], "no trained agent of kuhn_poker ships with imagents"),
    (["person", "--environment", "kuhn_poker"], "you are one of the players already"),
    (["heuristic", "--environment", "kuhn_poker"], "unknown player 'heuristic'"),
])
def test_what_cannot_be_is_said_in_one_sentence(capsys, arguments, said):
    assert main(["play", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"imagents play: {said}")
