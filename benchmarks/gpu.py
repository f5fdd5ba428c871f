"""On a GPU: steps per second of random play and of the whole loop, as many copies as it likes.

Tic-tac-toe and connect four have two agents with the default network (two layers of 128) that train on half a sample
per ply; foraging two double DQNs with its preset's network, and half a sample per step, too. All of it ends within the
given time: what is not reached by then is not measured.

    python -m benchmarks.gpu --minutes 8
"""

import argparse
import json
import time

from benchmarks.timing import Loop

SIZES = (1024, 4096, 16_384, 65_536)
GAMES = ("tic_tac_toe", "connect_four", "foraging")


def loops(name: str, copies: int):
    """Random play and the whole loop of one game at one size, each made when its turn comes."""
    from benchmarks.imagents_loops import config_of, random_loop
    from imagents.config import TrainConfig
    from imagents.training.loop import build

    def learning():
        if name == "foraging":
            sizes = dict(parallel_games=copies, batch_size=copies // 2, train_steps_per_round=1, replay_length=50)
            config = TrainConfig(name, cooperative=True, **sizes)
        else:
            config = config_of(name, copies, 0.5)
        trainer = build(config)
        return Loop(trainer.run, lambda: int(trainer.steps))

    yield "random play", lambda: random_loop(name, copies)
    yield "whole loop", learning


def measure(make, seconds: float, repeats: int = 3) -> dict:
    """Medians, and the seconds from nothing to the first rounds; `steps_per_second` counts those of all copies."""
    began = time.perf_counter()
    loop = make()
    compiled = time.perf_counter() - began
    loop.calibrate(seconds)
    for _ in range(repeats):
        loop.measure()
    result = loop.result()
    return {"steps_per_second": result["plies_per_second"], "microseconds_per_round": result["microseconds_per_round"],
            "seconds_to_start": compiled}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0, help="after which nothing new is begun")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="copies of an environment")
    parser.add_argument("--games", nargs="+", default=GAMES, help="which ones")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    import imagents  # noqa: F401  (before TensorFlow)

    import tensorflow as tf  # isort: skip

    gpus = tf.config.list_physical_devices("GPU")
    devices = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
    print(json.dumps({"tensorflow": tf.__version__, "devices": devices}), flush=True)
    for copies in options.sizes:
        for name in options.games:
            for what, make in loops(name, copies):
                if time.monotonic() < until:
                    row = {"game": name, "copies": copies, "measure": what}
                    print(json.dumps(row | measure(make, options.seconds)), flush=True)


if __name__ == "__main__":
    main()
