"""What motivations cost: how fast a training with one is beside the same training without, each on one core.

Of deep_sea by a DQN (16 copies of size 20) and of rooms by PPO (64 copies), with the settings that the results use, and
of the same with 1,024 copies. A second is one of the processor; all of a world are measured in turn, and the medians
count.

    python -m benchmarks.motivation
"""

from collections.abc import Callable

from benchmarks.random_play import compare, options_of, show, speed_of

SEA, ROOMS = dict(environment="deep_sea", preset="counts"), dict(environment="rooms", preset="curious")
SEA_MOTIVATIONS = ("none", "counts:0.1", "counts:0.1 with optimism", "rnd:0.5")  # PPO knows no optimism
ROOMS_MOTIVATIONS = ("none", "counts:0.005", "episodic_counts:0.001,counts:0.005", "rnd:0.1")
WORLDS = {
    "deep_sea, 16 copies": (SEA, SEA_MOTIVATIONS),
    "deep_sea, 1,024 copies": (SEA | dict(parallel_games=1024, replay_length=100), SEA_MOTIVATIONS),
    "rooms, 64 copies": (ROOMS, ROOMS_MOTIVATIONS),
    "rooms, 1,024 copies": (ROOMS | dict(parallel_games=1024), ROOMS_MOTIVATIONS),
}


def learning(motivation: str, **settings) -> Callable[[], int]:
    """A training with a motivation; returns the number of steps of a part of it."""
    from imagents.config import TrainConfig
    from imagents.training.loop import build

    name, _, hopes = motivation.partition(" ")
    trainer = build(TrainConfig(**settings | {"motivation": name, "counts_optimism": float(bool(hopes))}))
    trainer.run(128)  # from then on it learns, and predictions have settled
    rounds = trainer.agents[0].rollout_length or max(20, 4000 // trainer.environment.batch_size)

    def play() -> int:
        before = int(trainer.steps)
        trainer.run(rounds)
        return int(trainer.steps) - before

    return play


def main() -> None:
    options, rows = options_of(__doc__), []
    for world, (settings, motivations) in WORLDS.items():
        measures = {name: speed_of(learning(name, **settings), options.seconds) for name in motivations}
        rows += compare(measures, options.repeats, what=world)
    show(rows)


if __name__ == "__main__":
    main()
