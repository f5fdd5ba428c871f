"""Stand-ins for builds of Unity's: programs that speak the protocol as a build does, each with a scene of its own.

`python builds.py SCENE --mlagents-port N` plays one; `build(folder, SCENE)` writes an executable that does.
"""

import pathlib
import sys
import time

import grpc
import numpy as np

from imagents.bridges.unity.messages import MESSAGES, OK, PNG, RESET, SERVICE, Message

BASIC = "Basic"


def build(folder: pathlib.Path, scene: str = BASIC, name: str = "game.x86_64") -> str:
    """An executable file that plays a scene; returns its path."""
    path = folder / name
    here, root = pathlib.Path(__file__).parent, pathlib.Path(__file__).parents[1]
    code = f"import sys; sys.path[:0] = [{str(here)!r}, {str(root)!r}]; import builds; builds.main({scene!r})"
    path.write_text(f"#!{sys.executable} -E\n{code}\n")
    path.chmod(0o755)
    return str(path)


def info(number, view=(0.0,), reward=0.0, done=False, interrupted=False, mask=(), group_reward=0.0, observations=None):
    """What is said of an agent; true in a mask is forbidden, as Unity has it."""
    said = MESSAGES["AgentInfoProto"](id=number, reward=reward, done=done, max_step_reached=interrupted)
    said.action_mask.extend(mask)
    said.group_reward = group_reward
    said.observations.extend([vector(view)] if observations is None else observations)
    return said


def vector(numbers):
    """A vector of numbers, or an image of them."""
    array = np.asarray(numbers, np.float32)
    said = MESSAGES["ObservationProto"](shape=array.shape)
    said.float_data.data.extend(array.ravel().tolist())
    return said


def image(png: bytes, shape, mapping=()):
    """An image in PNG."""
    return MESSAGES["ObservationProto"](
        shape=shape, compression_type=PNG, compressed_data=png, compressed_channel_mapping=mapping
    )


class Scene:
    """A scene: `reset` and `step` return what is said of agents, by behaviour, in order.

    `behaviours` has the number of continuous actions and the sizes of branches by name; `step` is given what those that
    were asked do, (continuous, discrete) by (behaviour, number).
    """

    behaviours = {BASIC: (0, [3])}
    communication_version, package_version = "1.5.0", "3.0.0"
    seed, told = 0, b""  # what it was given


class Scripted(Scene):
    """What is said is written down, an exchange a row, whatever is done: `done` holds that, a dictionary a step.

    A reset begins with the first row again; the last row is said again and again.
    """

    def __init__(self, *rows, behaviours=None, **settings):
        self.rows, self.behaviours, self.done, self.resets = rows, behaviours or Scene.behaviours, [], 0
        vars(self).update(settings)

    def reset(self):
        self.at, self.resets = 0, self.resets + 1
        return self.rows[0]

    def step(self, actions):
        self.done.append(actions)
        self.at = min(self.at + 1, len(self.rows) - 1)
        return self.rows[self.at]


class Basic(Scene):
    """Unity's Basic: left and right on a line of 20 places, from place 10; 0.1 at place 7, 1 at 17, -0.01 a step."""

    def __init__(self):
        self.number = 0

    def reset(self):
        self.at = 10
        return {BASIC: [self._said()]}

    def step(self, actions):
        self.at = min(max(self.at + (0, -1, 1)[actions[BASIC, self.number][1][0]], 0), 19)
        goal = {7: 0.1, 17: 1.0}.get(self.at)
        if goal is None:
            return {BASIC: [self._said(reward=-0.01)]}
        last = self._said(reward=goal - 0.01, done=True)
        self.at, self.number = 10, self.number + 1  # it goes on at once, as another one
        return {BASIC: [last, self._said()]}

    def _said(self, **settings):
        return info(self.number, np.eye(20)[self.at], **settings)


class Crowd(Scene):
    """Three agents of two behaviours. Who is asked, is paid, ends and comes again later is drawn, by the seed.

    "Left" has two branches and masks, and refuses what is forbidden; "Right" is alone, and gone for a while after its
    end.
    """

    behaviours = {"Left": (0, [2, 3]), "Right": (0, [2])}

    def reset(self):
        self.random, self.next = np.random.default_rng(self.seed), 0
        self.here = {"Left": [self._number(), self._number()], "Right": [self._number()]}
        return self._asked(1.0)

    def step(self, actions):
        for (name, number), (_, branches) in sorted(actions.items()):
            if name == "Left" and self._mask(number)[branches[0]] + self._mask(number)[2 + branches[1]]:
                raise ValueError(f"{branches} is forbidden")
            self.random = np.random.default_rng([self.random.integers(2**31), number, *branches])
        ends, said = {}, {}
        for name, numbers in self.here.items():
            ends[name] = [number for number in numbers if self.random.random() < 0.2]
            said[name] = [self._info(n, done=True, interrupted=self.random.random() < 0.5) for n in ends[name]]
            again = [self._number() for _ in ends[name]] if name == "Left" or not numbers else []
            self.here[name] = [number for number in numbers if number not in ends[name]] + again
        for name, listed in self._asked(0.6).items():
            said[name] += listed
        return said

    def _asked(self, chance):
        said = {}
        for name, numbers in self.here.items():
            numbers = [number for number in numbers if self.random.random() < chance]
            said[name] = [self._info(n, mask=self._mask(n) if name == "Left" else []) for n in numbers]
        return said

    def _mask(self, number):
        return [False, number % 2 == 1, True, False, False]

    def _info(self, number, **settings):
        return info(number, self.random.random(3), float(self.random.integers(5)), **settings)

    def _number(self):
        self.next += 1
        return self.next


class Dying(Basic):
    """Ends with status 3 in its fourth step, and says why."""

    def step(self, actions):
        if self.at == 13:
            print("out of marbles")
            sys.exit(3)
        return super().step(actions)


class Hanging(Basic):
    """Does not answer its fourth step."""

    def step(self, actions):
        if self.at == 13:
            time.sleep(60)
        return super().step(actions)


def play(scene: Scene, port: int) -> None:
    """The client: what a build does, until it is told to quit."""
    with grpc.insecure_channel(f"localhost:{port}") as channel:
        exchange = channel.unary_unary(f"/{SERVICE}/Exchange", Message.SerializeToString, Message.FromString)
        hello = Message(header={"status": OK})
        said = hello.unity_output.rl_initialization_output
        said.communication_version, said.package_version = scene.communication_version, scene.package_version
        scene.seed = exchange(hello, wait_for_ready=True).unity_input.rl_initialization_input.seed
        answer, shown = exchange(Message(header={"status": OK})), set()
        asked = []
        while answer.header.status == OK:
            told = answer.unity_input.rl_input
            scene.told += told.side_channel
            actions = {}
            for behaviour in {name for name, _ in asked} if told.command != RESET else ():
                own = [number for name, number in asked if name == behaviour]
                for number, row in zip(own, told.agent_actions[behaviour].value, strict=True):
                    actions[behaviour, number] = list(row.continuous_actions), list(row.discrete_actions)
            infos = scene.reset() if told.command == RESET else scene.step(actions)
            message = Message(header={"status": OK})
            output = message.unity_output
            for behaviour, listed in infos.items():
                output.rl_output.agentInfos[behaviour].value.extend(listed)
                if listed and behaviour not in shown:
                    shown.add(behaviour)
                    continuous, branches = scene.behaviours[behaviour]
                    own = output.rl_initialization_output.brain_parameters.add(brain_name=behaviour, is_training=True)
                    own.action_spec.num_continuous_actions = continuous
                    own.action_spec.num_discrete_actions = len(branches)
                    own.action_spec.discrete_branch_sizes.extend(branches)
            asked = [(name, each.id) for name, listed in infos.items() for each in listed if not each.done]
            answer = exchange(message)


def main(name: str) -> None:
    play(globals()[name](), int(sys.argv[sys.argv.index("--mlagents-port") + 1]))
