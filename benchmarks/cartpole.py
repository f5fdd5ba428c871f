"""CartPole's whole loop beside Stable-Baselines3's DQN and a DQN in JAX over gymnax, each on one core.

Two amounts of work: what Stable-Baselines3's DQN does at its defaults, and at the setting of its zoo. imagents and the
JAX learner do the same in 64 copies, with Huber loss, as Stable-Baselines3 has it, and one replay length. Every peer is
measured several times, imagents right before and after it; of the ratios the median counts. A second is one of the
processor, so that other programs make no difference but for the caches that they share.

    python -m benchmarks.cartpole
"""

import argparse
import json
import os
import pathlib
import statistics
import time

COPIES, REPLAY_LENGTH = 64, 1024
SETTINGS = {  # hidden layers; decisions per train step; steps per train step
    "defaults": ((64, 64), 32, 4),
    "zoo": ((256, 256), 64, 2),
}


def work(settings: str) -> dict:
    """What imagents and the JAX learner are told."""
    hidden_layers, batch_size, steps = SETTINGS[settings]
    return dict(
        parallel_games=COPIES, batch_size=batch_size, train_steps_per_round=COPIES // steps,
        replay_length=REPLAY_LENGTH, hidden_layers=hidden_layers,
    )  # fmt: skip


class OurLoop:
    """imagents' whole loop, and its steps per second in each measurement."""

    def __init__(self, settings: str, seconds: float):
        from imagents.config import TrainConfig
        from imagents.settings import QLearning, settings_of
        from imagents.training.loop import build

        plain = {name: field.default for name, field in settings_of(QLearning).items()}  # and nothing of a preset
        config = TrainConfig("cartpole", algorithm="dqn", **plain | {"discount": 0.99} | work(settings))
        self._trainer, self.speeds = build(config), []
        self._trainer.run(40)  # compiles
        began = time.process_time()
        self._trainer.run(40)
        self._rounds = max(1, round(40 * seconds / (time.process_time() - began)))

    def measure(self) -> None:
        """For about so many seconds."""
        steps, began = int(self._trainer.steps), time.process_time()
        self._trainer.run(self._rounds)
        self.speeds.append((int(self._trainer.steps) - steps) / (time.process_time() - began))


def commands(settings: str, peers: pathlib.Path, seconds: float) -> list[list]:
    """What measures the peers that are installed."""
    from benchmarks.processes import HERE

    told = [word for name, value in work(settings).items()
            for word in ("--" + name.replace("_", "-"), *(value if isinstance(value, tuple) else [value]))]  # fmt: skip
    known = {
        "torch": ["sb3_dqn.py", "--settings", settings, "--seconds", seconds],
        "jax": ["gymnax_dqn.py", *told, "--seconds", seconds, "--repeats", 1],
    }
    pythons = {name: peers / name / "bin" / "python" for name in known}
    return [[pythons[name], HERE / "peers" / script, *words] for name, (script, *words) in known.items()
            if pythons[name].exists()]  # fmt: skip


def compare(settings: str, peers: pathlib.Path, seconds: float, repeats: int) -> list[dict]:
    """A row for each system: steps per second, and how many times as fast imagents is, medians over the repeats."""
    from benchmarks.processes import json_of

    ours = OurLoop(settings, seconds)
    ours.measure()
    found = {}
    for _ in range(repeats):
        for command in commands(settings, peers, seconds):
            row = json_of(command)
            ours.measure()
            around = statistics.mean(ours.speeds[-2:])
            found.setdefault(row["system"], []).append((row["steps_per_second"], around / row["steps_per_second"]))
    rows = [{"system": "imagents", "settings": settings, "steps_per_second": statistics.median(ours.speeds)}]
    for system, figures in found.items():
        speed, ratio = map(statistics.median, zip(*figures))
        rows.append({"system": system, "settings": settings, "steps_per_second": speed, "imagents_is": ratio})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path(".venv-peers"))
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each peer, of which the median counts")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # also of the peers, which this process starts
    rows = []
    for settings in SETTINGS:
        rows += compare(settings, options.peers, options.seconds, options.repeats)
    for row in rows:
        times = f"{row['imagents_is']:10.3g} times as fast" if "imagents_is" in row else ""
        print(f"{row['settings']:10}{row['system']:38}{row['steps_per_second']:13,.0f}{times}", flush=True)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
