"""Foraging, random play and learning: steps per second beside other packages, each on one core.

The world is 8x8 with 2 players and 2 foods, not cooperative, sight 2, as lists of what is in sight. *Random play* is
1,024 copies in a compiled loop which computes what both players see at every step; they begin at different times of
their episodes. lbforaging (the extra `oracles`) steps one world at a time, and jumanji, a peer, as many copies in a
compiled loop of its own. *Learning* is the whole loop of two double DQNs; XuanCe's independent Q-learners, a peer, do
the same work per step of the world: network, batch, and train steps, once about as many as XuanCe's own settings for
simple_spread have (a train step of each agent in 400 steps) and once as those for its warehouse (in 16). There the
matrix products of training, which are the same for both, take most of the time here. A second is one of the processor;
all are measured in turn, and the medians count.

    python -m benchmarks.grids
"""

import pathlib
from collections.abc import Callable

from benchmarks.random_play import compare, options_of, random_play, show, speed_of

COPIES, STEPS = 1024, 500
WORLD = dict(size=8, num_agents=2, num_foods=2, cooperative=False, sight=2, view="vector")
OWN_ID = "Foraging-2s-8x8-2p-2f-v3"
HIDDEN_LAYERS, BATCH_SIZE = (64, 64), 256
STEPS_PER_TRAIN_STEP = (512, 16)


def imagents_play() -> Callable[[], int]:
    """Plays 500 steps of 1,024 copies; returns the number of their steps."""
    import tensorflow as tf

    from imagents.environments.grid_worlds.foraging import LIMIT
    from imagents.environments.grid_worlds.settings import Foraging
    from imagents.randomness import make_generator, uniform

    environment, generator = Foraging(**WORLD).build(COPIES, 0), make_generator(0, "benchmark")
    environment.reset()
    environment.set_state(environment.get_state()._replace(steps=tf.range(COPIES) % LIMIT))

    def choose(time_step):
        del time_step
        return tuple(tf.unstack(tf.cast(uniform(generator, [2, COPIES]) * 6.0, tf.int32)))

    return random_play(environment, choose, STEPS)


def lbforaging_play() -> Callable[[], int]:
    """Plays 1,000 steps of lbforaging's."""
    import gymnasium
    import lbforaging  # noqa: F401  (registers it)
    import numpy as np

    env = gymnasium.make(OWN_ID, disable_env_checker=True).unwrapped
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(6, size=[1000, 2]).tolist()

    def play() -> int:
        for action in actions:
            if env.step(action)[2]:
                env.reset()
        return len(actions)

    return play


def imagents_learning(steps_per_train_step: int) -> Callable[[], int]:
    """Two double DQNs that play and learn; returns the number of steps of the world."""
    from imagents.config import TrainConfig
    from imagents.settings import QLearning, settings_of
    from imagents.training.loop import build

    plain = {name: field.default for name, field in settings_of(QLearning).items()}  # and nothing of a preset
    work = dict(hidden_layers=HIDDEN_LAYERS, batch_size=BATCH_SIZE, parallel_games=COPIES, replay_length=100)
    paced = dict(train_steps_per_round=COPIES // steps_per_train_step)
    trainer = build(TrainConfig("foraging", algorithm="double_dqn", **plain | WORLD | work | paced))
    trainer.run(21)  # from then on it learns

    def play() -> int:
        before = int(trainer.steps)
        trainer.run(21)
        return int(trainer.steps) - before

    return play


def peer(peers: pathlib.Path, environment: str, script: str, *words) -> dict[str, Callable[[], float]]:
    """The measurement of a peer, by its name, if it is installed."""
    from benchmarks.processes import HERE, json_of

    python, name = peers / environment / "bin" / "python", script.partition("_")[0]
    command = [python, HERE / "peers" / script, *words]
    return {name: lambda: json_of(command)["steps_per_second"]} if python.exists() else {}


def main() -> None:
    options = options_of(__doc__)
    seconds = ["--seconds", options.seconds]
    play = {
        "imagents": speed_of(imagents_play(), options.seconds),
        "lbforaging": speed_of(lbforaging_play(), options.seconds),
        **peer(options.peers, "jax", "jumanji_foraging.py", "--copies", COPIES, *seconds),
    }
    rows = compare(play, options.repeats, what="random play")
    for steps in STEPS_PER_TRAIN_STEP:
        work = ["--hidden-layers", *HIDDEN_LAYERS, "--batch-size", BATCH_SIZE, "--steps", steps, *seconds]
        learn = {
            "imagents": speed_of(imagents_learning(steps), options.seconds),
            **peer(options.peers, "xuance", "xuance_iql.py", *work),
        }
        rows += compare(learn, options.repeats, what=f"learning, 1 in {steps}")
    show(rows)


if __name__ == "__main__":
    main()
