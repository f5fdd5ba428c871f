"""The face of Unity's scenes: unity:PATH."""

import dataclasses
from typing import Any, ClassVar

from imagents.bridges.settings import Bridged, split_name
from imagents.errors import InputError
from imagents.own import trusted
from imagents.values import check

CHANNEL = "unity:channel:"  # and a name, in place of a path: a build in the input data of a cloud job
_EDITOR = "unity:editor"
_EPISODES = 20  # that are played to measure agents while they train


@dataclasses.dataclass(frozen=True)
class Unity(Bridged):
    """A scene of Unity ML-Agents by the path of its build. Parameters of the scene come in brackets; `unity:editor`
    is the one that is open in the editor."""

    name: str
    behaviours: str = ""
    """How many agents of each behaviour have a seat, as NAME=NUMBER,NAME=NUMBER; as many as there are at first if not
    given."""
    episode_steps: int = 1000
    """Steps after which an episode is cut off, as agents need not end at one time, or ever; 0 for none."""
    group_rewards: bool = False
    """Whether an agent is paid what its group is paid, too."""
    time_scale: float = 20.0
    """How many times as fast as on a clock the scene's time goes."""
    graphics: bool = False
    """Whether a build draws, which cameras need, and for which it needs a screen."""
    timeout: float = 60.0
    """Seconds within which Unity has to answer."""

    package: ClassVar[str] = "grpc"
    extra: ClassVar[str] = "unity"
    written: ClassVar[str] = "unity:PATH"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {
            "discount": 0.99,
            "exploration_start": 1.0,
            "epsilon_min": 0.05,
            "epsilon_max": 0.05,
            "batch_size": 64,
            "target_update_period": 100,
            "warmup_rounds": 100,
            "replay_length": 20_000,
            "parallel_games": 1,
            "rounds_per_chunk": 500,
            "evaluate_every": 4,
            "minutes": 10.0,
        },
    }

    def __post_init__(self):
        super().__post_init__()
        check("episode_steps", self.episode_steps >= 0, self.episode_steps, "a number of steps is needed, 0 for none")
        for setting in ("time_scale", "timeout"):
            check(setting, getattr(self, setting) > 0, getattr(self, setting), "more than 0 is needed")
        self._seats  # noqa: B018  # as it is with the brackets
        wrong = [key for key, value in self.parts[1].items() if type(value) not in (int, float)]
        if wrong:
            raise InputError(f"{self.name}: {wrong[0]} is no number, and the parameters of a scene are numbers")

    @property
    def num_seats(self) -> int:
        if self._seats:
            return sum(self._seats.values())
        return 1 if self.name.startswith(CHANNEL) else super().num_seats  # which is not here

    @property
    def keeps_best(self) -> bool:
        return super().keeps_best and self.name != _EDITOR

    @property
    def parts(self) -> tuple[str, dict[str, Any]]:
        """The path, and the parameters in brackets at its end; a folder's name may have brackets, too."""
        return _split(self.name)

    def build(self, batch_size: int, seed: int):
        """B copies side by side, a `BridgedEnvironment`."""
        self.require()
        where = self.name if self.name == _EDITOR else trusted(self.name, "environment")
        path, parameters = _split(where)[0], self.parts[1]
        from imagents.bridges.unity.incoming import from_unity

        return from_unity(
            path,
            batch_size,
            seed=seed,
            workers=self.workers if batch_size > 1 else 0,
            name=self.name,
            parameters=parameters,
            engine={"time_scale": self.time_scale, "target_frame_rate": -1, "capture_frame_rate": 60},
            graphics=self.graphics,
            timeout=self.timeout,
            group_rewards=self.group_rewards,
            episode_steps=self.episode_steps,
            behaviours=self._seats,
        )

    def strength(self, trainer, seed: int = 0, episodes: int | None = None):
        """Returns of whole episodes, of fewer than elsewhere, as they take long."""
        if self.name != _EDITOR:
            return super().strength(trainer, seed, episodes or _EPISODES)
        from imagents.bridges.unity.editor import ReturnsInTraining

        return ReturnsInTraining(trainer, episodes or _EPISODES)

    @property
    def _seats(self) -> dict[str, int]:
        """How many seats each behaviour has; nothing if it is not said. Names may hold =, as in Goalie?team=0."""
        pairs = [part.rpartition("=") for part in self.behaviours.split(",") if part]
        for name, _, number in pairs:
            check("behaviours", bool(name) and number.isdigit(), self.behaviours, "NAME=NUMBER,NAME=NUMBER is needed")
        return {name: int(number) for name, _, number in pairs}


def _split(name: str) -> tuple[str, dict[str, Any]]:
    """The path in a name, and the parameters."""
    path = name.partition(":")[2]
    return (path, {}) if path and not path.endswith(")") else split_name(name)
