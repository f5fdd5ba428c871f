"""A researcher's own functions: what makes an environment, and what makes the players in it.

A run's files name them, as MODULE:FUNCTION. Nothing is ever imported because a file says so: a function has to be
trusted in this process, by the user, before anything is made by it.
"""

import importlib
import os
import sys
import types
from collections.abc import Callable

from imagents.errors import InputError

_TRUSTED: dict[str, Callable | types.ModuleType | str] = {}

_EDITOR = "editor"  # in the place of a program: what is open there
# Environments of other packages, BRIDGE:NAME(...): what such a name imports that is not the package's own, or "".
_PETTINGZOO = ("atari", "butterfly", "classic", "sisl", "test")  # its own families
_BRIDGES: dict[str, Callable[[str], str]] = {
    "gymnasium": lambda name: name.rpartition(":")[0],
    "pettingzoo": lambda name: "" if name.partition(".")[0] in _PETTINGZOO else name,
    "open_spiel": lambda name: "",
    "unity": lambda path: "" if path == _EDITOR else path,
}
_PROGRAMS = ("unity",)  # those of which that is a program, which is started


def trust(function: Callable | str, name: str = "") -> str:
    """Lets runs that name a function of the user's own call it, in this process.

    Args:
      function: the function, or its name as MODULE:FUNCTION, which is imported.
      name: what the files of a run call it; its own name if "".

    Returns:
      The name.

    Raises:
      InputError: if there is no such module or function; what goes wrong inside that module shows its trace.
    """
    if isinstance(function, str) and is_program(function):
        _TRUSTED[name or function] = function  # a program may lie elsewhere now
        return name or function
    found = _imported(_code_of(function) or f"{function}:") if isinstance(function, str) else function
    if not callable(found) and not isinstance(found, types.ModuleType):
        raise InputError(f"{function!r}: a function, or the name of one as MODULE:FUNCTION, is needed")
    name = name or (function if isinstance(function, str) else f"{found.__module__}:{found.__qualname__}")
    _TRUSTED[name] = found
    return name


def trust_again(config, environment=None, agents=None, everything: bool = False) -> None:
    """Trusts the functions that a run's config names.

    Args:
      config: the run's.
      environment, agents: the functions or their names, given again by the user; None where they are not.
      everything: whether to import whatever the config names.

    Raises:
      InputError: if a function is given that the run has no use for, or there is none of that name.
    """
    names = {"environment": config.environment.name, "agents": config.training.agents}
    for setting, function in (("environment", environment), ("agents", agents)):
        if function and not is_own(names[setting]):
            if function == names[setting]:
                continue
            raise InputError(f"{setting} = {function!r}: this run has {names[setting]!r}, and a run keeps it")
        if function or (everything and is_own(names[setting]) and not _is_nowhere(names[setting])):
            trust(function or names[setting], names[setting])
    for name in getattr(config.environment, "wrappers", "").split(",") if everything else ():
        if name:
            trust(name)


def trusted(name: str, setting: str) -> Callable:
    """The function of that name.

    Args:
      name: its name in a config.
      setting: which names it, for the message.

    Raises:
      InputError: if nobody has trusted it in this process.
    """
    if name in _TRUSTED:
        return _TRUSTED[name]
    if _is_nowhere(name):
        raise InputError(
            f"{setting} = {name!r} was made in a script or inside of a function: name where it is to be found now "
            f"(--{setting} MODULE:FUNCTION), or in Python imagents.trust(FUNCTION, {name!r})"
        )
    is_function = _code_of(name) == name
    what = "is a function of somebody's own" if is_function else f"imports {_code_of(name)}, a module of somebody's own"
    does = "imported"
    if is_program(name):
        what, does = "starts a program of somebody's own", "started"
    raise InputError(
        f"{setting} = {name!r} {what}, and nothing is {does} because a file names it: "
        f"name it yourself (--{setting} {name}), say --trust, or in Python imagents.trust({name!r})"
    )


def is_trusted(name: str) -> bool:
    """Whether somebody has trusted the function of that name in this process."""
    return name in _TRUSTED


def is_own(name: str) -> bool:
    """Whether a name is one of a function, or imports a module."""
    return _code_of(name) != ""


def is_program(name: str) -> bool:
    """Whether a name is one of a program of somebody's own, which is started instead of imported."""
    return name.partition(":")[0] in _PROGRAMS and is_own(name)


def is_in_editor(name: str) -> bool:
    """Whether a name is one of what is open in an editor, where there might be one of a program."""
    bridge, _, rest = name.partition(":")
    return bridge in _PROGRAMS and rest.partition("(")[0] == _EDITOR


def _code_of(name: str) -> str:
    """What a name would import: MODULE:FUNCTION, the MODULE of an environment of another package, or "" for nothing."""
    bridge, colon, rest = name.partition(":")
    if bridge in _BRIDGES:
        return _BRIDGES[bridge](rest.partition("(")[0])
    return name if colon else ""


def _is_nowhere(name: str) -> bool:
    """Whether no import finds a function: it was made in a script, or inside of another function."""
    return name.startswith("__main__:") or "<" in name


def _imported(name: str) -> Callable:
    module_name, colon, attribute = name.partition(":")
    if not all(module_name.split(".")):
        raise InputError(f"{name}: {module_name!r} is no name of a module, as in my_world:make")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` has it; a command of its own has not
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and not f"{module_name}.".startswith(f"{error.name}."):
            raise  # inside of it
        raise InputError(f"{name}: there is no module {module_name} here") from None
    except InputError as error:  # it trains where it is imported, say
        raise InputError(f"{name}: {module_name} cannot be imported: {error}") from None
    for part in attribute.split(".") if colon else ():
        if not hasattr(found, part):
            raise InputError(f"{name}: {module_name} has no {attribute!r}")
        found = getattr(found, part)
    return found
