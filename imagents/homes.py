"""Public names whose modules are imported when they are used: processes start without what they never need."""

import importlib
from collections.abc import Callable, Mapping


def found_when_used(package: str, homes: Mapping[str, str]) -> Callable:
    """A package's `__getattr__`.

    Args:
      package: its name.
      homes: by public name, the module that it lives in.
    """

    def found(name: str):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    return found
