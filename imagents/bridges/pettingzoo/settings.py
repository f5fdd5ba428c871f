"""The face of PettingZoo's environments: pettingzoo:MODULE."""

import dataclasses
import functools
import importlib
import warnings
from typing import Any, ClassVar

from imagents.bridges.settings import Bridged
from imagents.errors import InputError
from imagents.own import is_own, trusted
from imagents.values import check

_PICTURES = "rgb_array"


@dataclasses.dataclass(frozen=True)
class PettingZoo(Bridged):
    """An environment of PettingZoo by its module. It may be in another package; arguments come in brackets."""

    name: str
    line: int = 0
    """How many stones in a row win, where agents see a board of two planes, own stones and the others': the Q network
    then sees as well which lines either side could complete with one or two more. 0 for anything else."""

    package: ClassVar[str] = "pettingzoo"
    extra: ClassVar[str] = "pettingzoo"
    requires: ClassVar[tuple[str, ...]] = ("mpe2", "pettingzoo[classic]")
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
        "board": {  # what is learned of lines is learned best from the newest games
            "algorithm": "c51",
            "line": 4,
            "hidden_layers": (256, 128),
            "discount": 0.99,
            "final_learning_rate": 1e-5,
            "epsilon_min": 0.02,
            "epsilon_max": 0.2,
            "batch_size": 512,
            "replay_length": 64,
            "parallel_games": 16,
            "rounds_per_chunk": 100,
            "evaluate_every": 50,
            "minutes": 10.0,
        },
    }

    def __post_init__(self):
        super().__post_init__()
        check("line", self.line == 0 or self.line > 1, self.line, "at least 2 is needed, or 0 for no board")

    @property
    def return_range(self) -> tuple[float, float] | None:
        """Of a board, which is won for 1 and lost for -1; else nobody says it."""
        return (-1.0, 1.0) if self.line else None

    def network(self) -> dict[str, Any]:
        """What makes a `QNetwork` know a board."""
        if not self.line:
            return {}
        from imagents.bridges.pettingzoo.boards import network
        from imagents.seats import close

        environment = self.build(1, 0)
        close(environment)
        return network(environment, self.name, self.line)

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
