"""What the value of a setting has to be: whatever is not is refused, by its name, in one sentence."""

import dataclasses
import math
import typing
from typing import Literal

from imagents.errors import InputError, brief


def plain(value):
    """A number, a text or an array of NumPy's as Python's own; the same in a list or a tuple."""
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value.tolist() if hasattr(value, "tolist") else value


def check_type(field: dataclasses.Field, value):
    """A value that JSON would not give back, or not as it was, is refused while it can be named.

    Returns:
      The value: a whole number as a float where a float is needed.
    """
    if value is None and field.default is None:
        return None
    if isinstance(field.default, tuple):
        check(field.name, isinstance(value, (list, tuple)), value, "list or tuple is needed")
        kinds, values = (typing.get_args(field.type)[0],), value
    elif isinstance(field.default, bool):
        check(field.name, isinstance(value, bool), value, "True or False is needed")
        return value
    elif isinstance(field.default, str):
        kinds, values = (str,), [value]
    else:
        is_float = isinstance(field.default, float) or float in typing.get_args(field.type)
        kinds, values = (int, float) if is_float else (int,), [value]
    kind = " or ".join(kind.__name__ for kind in kinds)
    for each in values:
        check(field.name, isinstance(each, kinds) and not isinstance(each, bool), each, f"{kind} is needed")
        fits = isinstance(each, (str, float)) or abs(each) < 2**63
        check(field.name, fits, each, "a whole number of at most 64 bits is needed")
    if typing.get_origin(field.type) is Literal:
        choices = typing.get_args(field.type)
        check(field.name, value in choices, value, f"choose {', '.join(choices)}")
    if float in kinds:
        return list(map(float, value)) if isinstance(field.default, tuple) else float(value)
    return value


def check_least(part, least: dict[str, int]) -> None:
    """Refuses numbers of a part of a config that are less than these, by name."""
    for name, number in least.items():
        check(name, getattr(part, name) >= number, getattr(part, name), f"at least {number} is needed")


def check_layers(part) -> None:
    """Refuses hidden layers without units; they become a tuple."""
    object.__setattr__(part, "hidden_layers", tuple(part.hidden_layers))
    for width in part.hidden_layers:
        check("hidden_layers", width >= 1, width, "a layer has at least 1 unit")


def check_rates(part, *names: str) -> None:
    """Refuses what is no learning rate."""
    for name in names:
        value = getattr(part, name)
        check(name, 0 < value < math.inf, value, "a learning rate is more than 0")


def check_shares(part, *names: str) -> None:
    """Refuses what is no share of 0 to 1."""
    for name in names:
        check(name, 0 <= getattr(part, name) <= 1, getattr(part, name), "0 to 1 is needed")


def check(name: str, fits: bool, value, needed: str) -> None:
    """Raises an InputError that names a setting, its value and what is needed, unless that fits."""
    if not fits:
        raise InputError(f"{name} = {brief(value)}: {needed}")
