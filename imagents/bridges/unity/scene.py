"""A scene that is open: who is in it, and what they say in an exchange; no TensorFlow."""

import dataclasses
from collections.abc import Mapping

from imagents.bridges.unity import side_channels
from imagents.bridges.unity.behaviours import Behaviour
from imagents.bridges.unity.link import Link
from imagents.bridges.unity.messages import RESET, STEP
from imagents.errors import InputError

_LOOKS = 10  # exchanges that are looked at, to see who is there
_MOST_LOOKS = 1000  # until somebody who was named is there

Agent = tuple[str, int]  # the name of its behaviour, and its number


@dataclasses.dataclass(frozen=True)
class Scene:
    """What to open, and how.

    Attributes:
      path: of a build's executable, or "editor".
      parameters: of the environment, by name.
      properties: float properties, by name.
      engine: values of the engine's configuration, by name; see `side_channels.engine`.
      graphics: whether a build draws, which needs a screen.
      timeout: seconds within which Unity has to answer.
      group_rewards: whether an agent is paid what its group is paid, too.
      episode_steps: after which an episode is cut off; 0 for never.
      behaviours: how many agents of each have a seat; empty for as many as there are at first.
    """

    path: str
    parameters: Mapping[str, float] = dataclasses.field(default_factory=dict)
    properties: Mapping[str, float] = dataclasses.field(default_factory=dict)
    engine: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: {"time_scale": 20.0, "target_frame_rate": -1, "capture_frame_rate": 60}
    )
    graphics: bool = False
    timeout: float = 60.0
    group_rewards: bool = False
    episode_steps: int = 1000
    behaviours: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for name, number in self.behaviours.items():
            if number < 1:
                raise InputError(f"behaviours: {name} has {number} seats, and at least 1 is needed")
        self.told  # noqa: B018  # what cannot be told is refused now

    @property
    def told(self) -> bytes:
        """What the side channels are told where it is opened."""
        own = side_channels.parameters(self.parameters), side_channels.properties(self.properties)
        return b"".join([side_channels.engine(self.engine), *own])


class Stage:
    """A scene that was opened.

    Args:
      scene: which one.
      seed: of all that is drawn in it.

    Attributes:
      behaviours: those that have shown themselves, by name.

    Raises:
      InputError: if it cannot be opened.
    """

    def __init__(self, scene: Scene, seed: int):
        self._scene, self.behaviours = scene, {}
        self._asked: list[tuple[Agent, object]] = []  # whom Unity waits for, in its order
        self._link = Link(scene.path, seed % 2**31, scene.timeout, scene.graphics)
        self._told = scene.told
        self.close = self._link.close

    def exchange(self, command: int, done: Mapping[Agent, tuple] | None = None) -> list[tuple[Agent, object]]:
        """Says what agents do, and returns what is said of agents.

        Args:
          command: `STEP` or `RESET`.
          done: by agent, what it does, as of `Behaviour.act`; nothing is done by others that were asked.

        Returns:
          (agent, AgentInfoProto) in Unity's order.

        Raises:
          InputError: if Unity has ended, or does not answer.
        """
        rows = {}
        for agent, info in self._asked if command == STEP else ():
            action = (done or {}).get(agent) or self.behaviours[agent[0]].nothing(info)
            rows.setdefault(agent[0], []).append(action)
        said, self._told = self._link.exchange(command, rows, self._told), b""
        lists = {name: listed.value for name, listed in sorted(said.rl_output.agentInfos.items())}
        for parameters in said.rl_initialization_output.brain_parameters:
            if infos := lists.get(parameters.brain_name):
                behaviour = Behaviour(parameters, infos[0], self._link.channels_first)
                self.behaviours[behaviour.name] = behaviour
        infos = [((name, info.id), info) for name in lists for info in lists[name]]
        for (name, _), _ in infos:
            if name not in self.behaviours:
                raise InputError(f"an agent of {name} is there, and Unity has not said what that is")
        self._asked = [(agent, info) for agent, info in infos if not info.done]
        return infos

    def look(self) -> list[tuple[Behaviour, int]]:
        """Who is in it: of each behaviour as many as live at one time, or as the scene names.

        Raises:
          InputError: if others are there than are named.
        """
        named, alive, most = self._scene.behaviours, {}, {}
        for look in range(_MOST_LOOKS):
            for (name, number), info in self.exchange(STEP if look else RESET):
                living = alive.setdefault(name, set())
                (living.discard if info.done else living.add)(number)
                most[name] = max(most.get(name, 0), len(living))
            if look >= _LOOKS and most and set(named) <= set(most):
                break
        if not most:
            raise InputError(f"nobody has asked what to do in {_MOST_LOOKS} exchanges")
        if named and set(named) != set(most):
            there = ", ".join(sorted(most))
            raise InputError(f"behaviours = {', '.join(named)}: there are {there}, and each of them needs seats")
        return [(self.behaviours[name], (named or most)[name]) for name in sorted(most)]
