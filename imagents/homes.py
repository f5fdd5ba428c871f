"""Public names whose modules are imported when they are used: processes start without what they never need."""

import contextlib
import gc
import importlib
from collections.abc import Callable, Iterator, Mapping


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Within this context Python looks for no garbage.

    While TensorFlow is imported it would look again and again at half a million objects that all stay, for 0.8 of the 4
    seconds of processor time until a training is built.
    """
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def found_when_used(package: str, homes: Mapping[str, str]) -> Callable:
    """A package's `__getattr__`.

    Args:
      package: its name.
      homes: by public name, the module that it lives in.
    """

    def found(name: str):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with without_collecting():
            return getattr(importlib.import_module(homes[name]), name)

    return found
