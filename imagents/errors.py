"""What a user did wrong, told in one sentence."""

import difflib
import numbers
import re
from collections.abc import Iterable

# Control characters, what turns the direction of writing, and what is not UTF-8: a terminal would obey or refuse them.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST, _END = 1200, 300  # characters of a message, and of its end, which says what would be right
_LONGEST_VALUE = 200
_DIGITS = {"2": "two", "3": "three", "4": "four", "5": "five"}  # as people write names with numbers in them


class InputError(ValueError):
    """Bad input: the message names the value and what would be right, and nothing was done yet.

    Commands print it and end with status 2. Any other exception is a fault of imagents, and shows its trace.
    Whatever a message quotes, it is one line that a terminal can show, and not longer than anybody reads.
    """

    def __init__(self, message: str):
        message = escaped(message)
        if len(message) > _LONGEST:
            message = f"{message[: _LONGEST - _END - 5]} ... {message[-_END:]}"
        super().__init__(message)


def brief(value) -> str:
    """A value as a message quotes it."""
    try:
        text = repr(value)
    except ValueError:  # of a number with thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 45]} ... {text[-40:]}"


def meant(name: str, known: Iterable[str]) -> str:
    """A question whether somebody meant one of the names that are known; "" if none is like it."""
    plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(name), plain, 1, 0.8)
    return f"did you mean {plain[found[0]]}? " if found else ""


def _plain(name: str) -> str:
    """A name without what people write in different ways."""
    return "".join(_DIGITS.get(letter, letter) for letter in name.lower() if letter.isalnum())


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things in words: 1 game, 1,200 games."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def escaped(text: str) -> str:
    r"""A text with `\x1b` and the like in place of characters that a terminal would not show."""
    return _UNSHOWN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def check_seed(seed: int) -> None:
    """Raises an InputError for what is no seed."""
    if not isinstance(seed, numbers.Integral) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"seed = {seed!r}: a whole number of at least 0 is needed")
