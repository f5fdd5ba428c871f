"""The face of Gymnasium's environments: gymnasium:ID."""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from imagents.bridges.settings import Bridged
from imagents.errors import InputError
from imagents.own import is_own, trusted
from imagents.values import check

_PICTURES = "rgb_array"


@dataclasses.dataclass(frozen=True)
class Gymnasium(Bridged):
    """An environment of Gymnasium by its ID. Arguments come in brackets, a module to import first before a colon."""

    name: str
    wrappers: str = ""
    """Around the environment, from the inside out, as MODULE:NAME,MODULE:NAME."""
    cut_off_at: int = 0
    """A number of steps at which an end counts as a limit, for environments that report their limit as an end; 0 for
    none."""

    package: ClassVar[str] = "gymnasium"
    extra: ClassVar[str] = "gymnasium"
    requires: ClassVar[tuple[str, ...]] = ("gymnasium[classic-control]",)  # with what draws, for videos
    written: ClassVar[str] = "gymnasium:ID"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {  # as of cartpole, with a slower end of exploration
            "loss": "squared",
            "discount": 0.99,
            "exploration_start": 1.0,
            "epsilon_min": 0.04,
            "epsilon_max": 0.04,
            "batch_size": 64,
            "train_steps_per_round": 8,
            "target_update_period": 10,
            "warmup_rounds": 64,
            "replay_length": 3125,
            "parallel_games": 16,
            "rounds_per_chunk": 25,
            "evaluate_every": 20,
            "minutes": 10.0,
        },
    }

    def __post_init__(self):
        super().__post_init__()
        check("cut_off_at", self.cut_off_at >= 0, self.cut_off_at, "a number of steps is needed, 0 for none")
        for wrapper in self._wrapper_names:
            module, colon, name = wrapper.partition(":")
            check("wrappers", bool(module and colon and name), self.wrappers, "MODULE:NAME,MODULE:NAME is needed")

    def build(self, batch_size: int, seed: int):
        """B copies side by side, a `BridgedEnvironment`."""
        gymnasium = self.require()
        if is_own(self.name):
            trusted(self.name, "environment")
        from imagents.bridges.gymnasium.incoming import from_gymnasium

        own, arguments = self.parts
        make = functools.partial(_make, own, arguments, [self._wrapper(name) for name in self._wrapper_names])
        workers = self.workers if batch_size > 1 else 0
        try:
            return from_gymnasium(
                make, batch_size, seed=seed, workers=workers, cut_off_at=self.cut_off_at, name=self.name
            )
        except (gymnasium.error.Error, TypeError) as error:
            raise InputError(f"{self.name}: {error}") from None

    @property
    def _wrapper_names(self) -> list[str]:
        return [name for name in self.wrappers.split(",") if name]

    @staticmethod
    def _wrapper(name: str) -> Callable:
        module, _, attribute = name.partition(":")
        if module.partition(".")[0] != "gymnasium":
            return trusted(name, "wrappers")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ModuleNotFoundError, AttributeError) as error:
            raise InputError(f"wrappers = {name!r}: {error}") from None


def _make(own: str, arguments: dict[str, Any], wrappers: Sequence[Callable]):
    """One environment; it draws pictures if it can and was not told otherwise, which costs nothing until they are."""
    import gymnasium

    module, _, own_id = own.rpartition(":")
    if module:
        importlib.import_module(module)
    entry = gymnasium.spec(own_id).entry_point
    kind = gymnasium.envs.registration.load_env_creator(entry) if isinstance(entry, str) else entry
    if _PICTURES in getattr(kind, "metadata", {}).get("render_modes", ()):
        arguments = {"render_mode": _PICTURES} | arguments
    env = gymnasium.make(own_id, disable_env_checker=True, **arguments)
    for wrapper in wrappers:
        env = wrapper(env)
    return env
