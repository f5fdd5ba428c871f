"""What a user did wrong, told in one sentence."""

import re

# Control characters, what turns the direction of writing, and what is not UTF-8: a terminal would obey or refuse them.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST, _END = 1200, 300  # characters of a message, and of its end, which says what would be right
_LONGEST_VALUE = 200


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


def escaped(text: str) -> str:
    r"""A text with `\x1b` and the like in place of characters that a terminal would not show."""
    return _UNSHOWN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
