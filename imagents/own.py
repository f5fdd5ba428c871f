"""A researcher's own functions: what makes an environment, and what makes the players in it.

A run's files name them, as MODULE:FUNCTION. Nothing is ever imported because a file says so: a function has to be given
in this process, by the user, before anything is made by it.
"""

import importlib
import os
import sys
from collections.abc import Callable

from imagents.errors import InputError

_GIVEN: dict[str, Callable] = {}


def give(function: Callable | str, name: str = "") -> str:
    """Takes a function that the user gives, or imports the MODULE:FUNCTION that the user names.

    Args:
      function: the function, or its name.
      name: what the files of a run call it; its own name if "".

    Returns:
      Its name.

    Raises:
      InputError: if there is no such module or function; what goes wrong inside that module shows its trace.
    """
    found = _imported(function) if isinstance(function, str) else function
    if not callable(found):
        raise InputError(f"{function!r}: a function, or the name of one as MODULE:FUNCTION, is needed")
    own_name = function if isinstance(function, str) else f"{found.__module__}:{found.__qualname__}"
    _GIVEN[name or own_name] = found
    return name or own_name


def given(name: str, flag: str) -> Callable:
    """The function of that name.

    Args:
      name: its name in a config.
      flag: the setting that names it, for the message.

    Raises:
      InputError: if nobody has given it in this process.
    """
    if name not in _GIVEN:
        raise InputError(
            f"{flag} = {name!r} is a function of somebody's own, and nothing is imported because a file names it: "
            f"give it again (--{flag} {name}, or {flag}=... in Python), or say --trust"
        )
    return _GIVEN[name]


def is_own(name: str) -> bool:
    """Whether a name is one of a function."""
    return ":" in name


def _imported(name: str) -> Callable:
    module_name, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` has it; a command of its own has not
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and not module_name.startswith(error.name):
            raise  # inside of it
        raise InputError(f"{name}: there is no module {module_name} here") from None
    except (TypeError, ValueError):  # no name of a module
        raise InputError(f"{name}: {module_name!r} is no name of a module, as in my_world:make") from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise InputError(f"{name}: {module_name} has no {attribute!r}")
        found = getattr(found, part)
    return found
