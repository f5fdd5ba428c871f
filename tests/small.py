"""The training that tests have: over in a second, as nothing is compiled or traced for so few rounds."""

import os
import signal

import pandas as pd
import tensorflow as tf

from imagents.config import TrainConfig
from imagents.runs.run import Run
from imagents.runs.snapshots import save_snapshot
from imagents.settings import ALGORITHMS, QLearning, Training, settings_of
from imagents.training.loop import build

SMALL = dict(
    parallel_games=16,
    batch_size=16,
    warmup_rounds=2,
    hidden_layers=(8,),
    rounds_per_chunk=2,
    steps=60,
    execution="eager",
)


def small_config(environment: str = "tic_tac_toe", **changes) -> TrainConfig:
    """A small training with some settings changed."""
    return TrainConfig(environment, **_small(changes))


def small_flags(but=(), **changes) -> list[str]:
    """The same as flags of `imagents train`, but for some of them."""
    words = []
    for name, value in _small(changes).items():
        if name in but:
            continue
        words += ["--" + name.replace("_", "-"), *map(str, value if isinstance(value, tuple) else [value])]
    return words


def _small(changes: dict) -> dict:
    """The small training with some settings changed, without those that another algorithm does not have."""
    algorithm = settings_of(ALGORITHMS[changes.get("algorithm", QLearning.name)]) | settings_of(Training)
    return {name: value for name, value in SMALL.items() if name in algorithm} | changes


def untrained_run(path: str | os.PathLike, environment: str = "tic_tac_toe", snapshots: int = 0, **changes) -> Run:
    """A run whose agents have learned nothing: with a checkpoint, and with snapshots, of 10 rounds each."""
    config = small_config(environment, **changes)
    run, trainer = Run.create(path, config), build(config)
    run.save(tf.train.Checkpoint(trainer=trainer), 0, 0.0)
    for rounds in range(10, 10 * snapshots + 10, 10):
        save_snapshot(run.path, trainer.agents, rounds, 70 * rounds, 10, snapshots, config.to_dict())
    run.release()
    return run


def timeless(run: Run) -> pd.DataFrame:
    """What should repeat of a run's metrics.csv: everything but the time it took."""
    return run.metrics().drop(columns=["seconds", "steps_per_second"])


def stop_after(experiment, chunks: int, number=signal.SIGINT) -> None:
    """Sends the process a signal while that chunk is under way."""
    run_chunk, seen = experiment.trainer.run, []

    def run(num_rounds):
        seen.append(num_rounds)
        if len(seen) == chunks:
            signal.raise_signal(number)
        return run_chunk(num_rounds)

    experiment.trainer.run = run
