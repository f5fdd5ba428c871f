"""A message is one line that a terminal can show, whatever it quotes."""

import pickle

import pytest

from imagents.config import TrainConfig
from imagents.errors import InputError, brief, counted, meant


@pytest.mark.parametrize(
    "quoted, shown",
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines", r"two\nlines"),
        ("\x9b2J", r"\x9b2J"),  # the same escape in one character
        ("txt\u202egnp.exe", r"txt\u202egnp.exe"),  # turns what follows
        ("\udcff", r"\udcff"),  # a byte of a name that is no UTF-8
        ("Größe 木　😀", "Größe 木　😀"),
    ],
)
def test_what_a_terminal_would_not_show_is_shown_as_such(quoted, shown):
    assert str(InputError(f"{quoted}: no")) == f"{shown}: no"
    assert str(InputError(f"{quoted}: no")).encode()


def test_a_message_is_no_longer_than_anybody_reads_and_keeps_its_end():
    message = str(InputError(f"{'x' * 10**7}: a name is needed"))
    assert len(message) == 1200 and message.startswith("xxx") and message.endswith("x: a name is needed")
    assert str(pickle.loads(pickle.dumps(InputError(message)))) == message


@pytest.mark.parametrize(
    "value, quoted", [("a", "'a'"), ([1] * 500, None), ("b" * 10**6, None), ({"c": "d" * 300}, None)]
)
def test_a_value_is_quoted_in_brief(value, quoted):
    assert brief(value) == (quoted or f"{repr(value)[:155]} ... {repr(value)[-40:]}")


def test_a_number_that_python_does_not_write_out_is_refused_as_others_are():
    with pytest.raises(InputError, match="^seed = a huge int: a whole number of at most 64 bits is needed$"):
        TrainConfig(seed=10**5000)
    with pytest.raises(InputError, match=r"^unknown setting 'xxxxx.* \.\.\. x*': the settings are environment, "):
        TrainConfig(**{"x" * 10**6: 1})


@pytest.mark.parametrize("name, found", [
    ("connect-four", "connect_four"), ("Connect4", "connect_four"), ("tic-tac-toe", "tic_tac_toe"),
    ("kuhn_pocker", "kuhn_poker"), ("chess", ""), ("", ""),
])  # fmt: skip
def test_somebody_meant_a_name_that_is_written_a_little_differently(name, found):
    known = ["tic_tac_toe", "connect_four", "chicken", "kuhn_poker"]
    assert meant(name, known) == (f"did you mean {found}? " if found else "")


def test_numbers_of_things_are_counted_in_words():
    assert [counted(number, "game") for number in (0, 1, 1200)] == ["0 games", "1 game", "1,200 games"]
    assert counted(2, "life", "lives") == "2 lives" and counted(1, "life", "lives") == "1 life"
