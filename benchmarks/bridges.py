"""What a round costs beside the step of another package's own vector environment: bridges, with and without training.

Own: the package's environments side by side, stepped in a Python loop with random actions that were drawn before, and
what all of them show as arrays, as a vector environment gives it; the step after an episode's last begins the next one,
as it does here.
Playing: a round of imagents in as many copies: a step of these, an agent for each seat that chooses and remembers.
Learning: the same with its train steps. A second is one of the processor; the figure is the least of many short
repeats, all in turn, which other programs disturb least.

    python -m benchmarks.bridges [--quick]
"""

import argparse
import importlib
import json
import time
from collections.abc import Callable

import numpy as np

COPIES = (16, 64)
ALLOWED_SHARE, ALLOWED_MICROSECONDS = 0.3, 1000.0  # of the own step, or at the least
LEARNING = dict(train_steps_per_round=8, batch_size=64)
FORAGING = "lbforaging:Foraging-8x8-2p-2f-coop-v3"


def gymnasium_vector(own_id: str, copies: int) -> Callable[[int], None]:
    """Steps a vector environment of Gymnasium so often."""
    import gymnasium

    vector = gymnasium.make_vec(own_id, copies, vectorization_mode="sync")
    vector.reset(seed=0)
    actions = [vector.action_space.sample() for _ in range(64)]

    def run(rounds: int) -> None:
        for i in range(rounds):
            vector.step(actions[i % 64])

    return run


def one_by_one(own_id: str, copies: int) -> Callable[[int], None]:
    """Steps environments that several share, which no vector environment takes."""
    import gymnasium

    envs = [gymnasium.make(own_id, disable_env_checker=True) for _ in range(copies)]
    for env in envs:
        env.action_space.seed(0)
        env.reset(seed=0)
    actions, over = [[env.action_space.sample() for env in envs] for _ in range(64)], [False] * copies

    def run(rounds: int) -> None:
        for i in range(rounds):
            shown = []
            for copy, (env, action) in enumerate(zip(envs, actions[i % 64])):
                if over[copy]:
                    over[copy] = False
                    shown.append((env.reset()[0], (0.0,) * len(action), False, False))
                else:
                    *row, _ = env.step(action)
                    over[copy] = np.all(row[2]) or row[3]
                    shown.append(row)
            observations, *rest = zip(*shown)
            [np.array(own) for own in (*zip(*observations), *rest)]

    return run


def in_turn(module: str, copies: int) -> Callable[[int], None]:
    """Steps environments of PettingZoo in which two act in turn: both of them in a round."""
    envs, rng = [importlib.import_module(module).env() for _ in range(copies)], np.random.default_rng(0)
    for env in envs:
        env.reset(seed=0)
    draws, last = rng.random([64, copies]).tolist(), [env.last() for env in envs]

    def run(rounds: int) -> None:
        for i in range(2 * rounds):
            for copy, (env, draw) in enumerate(zip(envs, draws[i % 64])):
                observation, _, terminated, truncated, _ = last[copy]
                if terminated or truncated:
                    env.reset()
                else:
                    legal = observation["action_mask"].nonzero()[0]
                    env.step(legal[int(draw * len(legal))])
                last[copy] = env.last()
            observations, *rest, _ = zip(*last)
            [np.array([observation[key] for observation in observations]) for key in observations[0]]
            [np.array(own) for own in rest]

    return run


def at_once(module: str, copies: int) -> Callable[[int], None]:
    """Steps environments of PettingZoo in which all act at once."""
    envs = [importlib.import_module(module).parallel_env() for _ in range(copies)]
    for env in envs:
        env.reset(seed=0)
    names = list(envs[0].agents)
    actions = [[{name: env.action_space(name).sample() for name in names} for env in envs] for _ in range(64)]

    def run(rounds: int) -> None:
        for i in range(rounds):
            shown = []
            for env, action in zip(envs, actions[i % 64]):
                shown.append(env.step(action)[:4] if env.agents else (env.reset()[0], *[dict.fromkeys(names, 0)] * 3))
            for own in zip(*shown):
                for name in names:
                    np.array([part[name] for part in own])

    return run


TASKS = {  # an environment: what steps it as its package does
    "gymnasium:CartPole-v1": lambda copies: gymnasium_vector("CartPole-v1", copies),
    f"gymnasium:{FORAGING}": lambda copies: one_by_one(FORAGING, copies),
    "pettingzoo:classic.connect_four_v3": lambda copies: in_turn("pettingzoo.classic.connect_four_v3", copies),
    "pettingzoo:mpe2.simple_spread_v3": lambda copies: at_once("mpe2.simple_spread_v3", copies),
}


class Measured:
    """A loop of rounds, and the microseconds that a round took in each repeat.

    Args:
      run: runs so many rounds.
      seconds: how long a repeat is to take, about.
      row: what describes it in the results.
    """

    def __init__(self, run: Callable[[int], object], seconds: float, **row):
        self._run, self._row, self._figures = run, row, []
        run(100)  # traces, fills what is short, and warms up
        began = time.process_time()
        run(100)
        self._rounds = max(1, round(100 * seconds / (time.process_time() - began)))

    def measure(self) -> None:
        """One repeat."""
        began = time.process_time()
        self._run(self._rounds)
        self._figures.append(1e6 * (time.process_time() - began) / self._rounds)

    def result(self) -> dict:
        """The least of the repeats."""
        return self._row | {"microseconds_per_round": min(self._figures)}


def measured(name: str, copies: int, seconds: float, repeats: int) -> list[dict]:
    """What a round of an environment takes: its own step, a round that plays, and one that learns, too."""
    import imagents
    from imagents.own import is_own
    from imagents.training.loop import build

    name = imagents.trust(name) if is_own(name) else name
    loops = [Measured(TASKS[name](copies), seconds, environment=name, copies=copies, what="own")]
    for what, train_steps in (("playing", 0), ("learning", LEARNING["train_steps_per_round"])):
        settings = LEARNING | dict(parallel_games=copies, train_steps_per_round=train_steps, replay_length=1000)
        trainer = build(imagents.TrainConfig(name, algorithm="dqn", steps=1, **settings))
        loops.append(Measured(trainer.run, seconds, environment=name, copies=copies, what=what))
    for _ in range(repeats):
        for loop in loops:
            loop.measure()
    return [loop.result() for loop in loops]


def table(rows: list[dict]) -> str:
    """The results as people read them, with whether what playing adds is within what is allowed."""
    lines = [f"{'microseconds a round':46} copies     own  playing  learning  allowed"]
    by_case = {}
    for row in rows:
        by_case.setdefault((row["environment"], row["copies"]), {})[row["what"]] = row["microseconds_per_round"]
    for (name, copies), found in by_case.items():
        most = found["own"] + max(ALLOWED_SHARE * found["own"], ALLOWED_MICROSECONDS)
        said = "yes" if found["playing"] <= most else "NO"
        figures = f"{found['own']:8.0f} {found['playing']:8.0f} {found['learning']:9.0f}"
        lines.append(f"{name:46} {copies:6} {figures}  {said} ({most:.0f})")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter, and less precise")
    parser.add_argument("--environments", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seconds, repeats = (0.1, 9) if arguments.quick else (0.25, 40)
    rows = []
    for name in arguments.environments:
        for copies in COPIES:
            rows += measured(name, copies, seconds, repeats)
    print(json.dumps(rows, indent=2) if arguments.json else table(rows))


if __name__ == "__main__":
    main()
