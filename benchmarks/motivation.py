"""What motivations cost: how fast a training with one is beside the same training without, each on one core.

Of deep_sea with the settings that the results use (16 copies of size 20), and with 1,024 copies, and of rooms as its
presets have it (64 copies) and with 1,024. A second is one of the processor; all of a world are measured in turn, and
the medians count.

    python -m benchmarks.motivation
"""

from collections.abc import Callable

from benchmarks.random_play import compare, options_of, show, speed_of

MANY = dict(parallel_games=1024, replay_length=100)
WORLDS = {
    "deep_sea, 16 copies": dict(environment="deep_sea", preset="counts"),
    "deep_sea, 1,024 copies": dict(environment="deep_sea", preset="counts") | MANY,
    "rooms, 64 copies": dict(environment="rooms", preset="multi_room_n4_s5"),
    "rooms, 1,024 copies": dict(environment="rooms", preset="multi_room_n4_s5") | MANY,
}
MOTIVATIONS = ("none", "counts:0.1", "counts:0.1 with optimism", "rnd:0.5")


def learning(motivation: str, **settings) -> Callable[[], int]:
    """A training with a motivation; returns the number of steps of a part of it."""
    from imagents.config import TrainConfig
    from imagents.training.loop import build

    name, _, hopes = motivation.partition(" ")
    trainer = build(TrainConfig(**settings | {"motivation": name, "counts_optimism": float(bool(hopes))}))
    trainer.run(100)  # from then on it learns, and predictions have settled

    def play() -> int:
        before = int(trainer.steps)
        trainer.run(max(20, 4000 // trainer.environment.batch_size))
        return int(trainer.steps) - before

    return play


def main() -> None:
    options, rows = options_of(__doc__), []
    for world, settings in WORLDS.items():
        measures = {name: speed_of(learning(name, **settings), options.seconds) for name in MOTIVATIONS}
        rows += compare(measures, options.repeats, what=world)
    show(rows)


if __name__ == "__main__":
    main()
