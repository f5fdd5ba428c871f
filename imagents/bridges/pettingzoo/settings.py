"""The face of PettingZoo's environments: pettingzoo:MODULE."""

import dataclasses
import functools
import importlib
import warnings
from typing import Any, ClassVar

from imagents.bridges.settings import Bridged
from imagents.errors import InputError
from imagents.own import is_own, trusted

_PICTURES = "rgb_array"


@dataclasses.dataclass(frozen=True)
class PettingZoo(Bridged):
    """An environment of PettingZoo by its module. It may be in another package; arguments come in brackets."""

    name: str

    package: ClassVar[str] = "pettingzoo"
    extra: ClassVar[str] = "pettingzoo"
    written: ClassVar[str] = "pettingzoo:MODULE"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {
            "algorithm": "double_dqn",
            "hidden_layers": (256, 128),
            "discount": 0.95,
            "learning_rate": 1e-3,
            "final_learning_rate": 1e-5,
            "exploration_start": 1.0,
            "epsilon_min": 0.02,
            "epsilon_max": 0.2,
            "batch_size": 256,
            "target_update_period": 200,
            "warmup_rounds": 64,
            "replay_length": 3000,
            "parallel_games": 16,
            "rounds_per_chunk": 100,
            "evaluate_every": 25,
            "minutes": 10.0,
        },
    }

    def build(self, batch_size: int, seed: int):
        """B copies side by side, a `BridgedEnvironment`."""
        self.require()
        if is_own(self.name):
            trusted(self.name, "environment")
        from imagents.bridges.pettingzoo.incoming import from_pettingzoo

        own, arguments = self.parts
        module = own if is_own(self.name) else f"pettingzoo.{own}"
        workers = self.workers if batch_size > 1 else 0
        try:
            probe = _make(module, arguments)
            if _PICTURES in probe.metadata.get("render_modes", ()):  # which costs nothing until they are drawn
                arguments = {"render_mode": _PICTURES} | arguments
            probe.close()
            make = functools.partial(_make, module, arguments)
            return from_pettingzoo(make, batch_size, seed=seed, workers=workers, name=self.name)
        except (ImportError, TypeError) as error:
            raise InputError(f"{self.name}: {error}") from None


def _make(module: str, arguments: dict[str, Any]):
    """One environment: that in which all act at once, where a module has both."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The old environment creation API")  # which names modules, as is done here
        found = importlib.import_module(module)
    for kind in ("parallel_env", "env"):
        if hasattr(found, kind):
            return getattr(found, kind)(**arguments)
    raise InputError(f"{module} has neither parallel_env nor env, which make one")
