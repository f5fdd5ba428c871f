"""Two DQN learners of tianshou over PettingZoo, with the settings of its own multi-agent tic-tac-toe example.

Ten environments side by side, one train step of 64 samples per ten plies, networks of four layers of 128, 3-step
returns. There the second learner is a random player; here both learn.

    python tianshou_dqn.py --game connect_four
"""

import argparse
import importlib.metadata
import json
import time

import numpy as np
import torch
from pettingzoo.classic import connect_four_v3, tictactoe_v3
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.multiagent.marl import MultiAgentOffPolicyAlgorithm
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.env.pettingzoo_env import PettingZooEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net

GAMES = {"tic_tac_toe": tictactoe_v3, "connect_four": connect_four_v3}
ENVIRONMENTS, BATCH_SIZE, HIDDEN_LAYERS, REPLAY_CAPACITY = 10, 64, [128] * 4, 20_000
PLIES_PER_COLLECT, TRAIN_STEPS_PER_PLY = 10, 0.1
LEARNING_RATE, DISCOUNT, RETURN_STEPS, TARGET_UPDATE_PERIOD, EPSILON = 1e-4, 0.9, 3, 320, 0.1


def environment_of(game: str) -> PettingZooEnv:
    return PettingZooEnv(GAMES[game].env())


def learner(environment: PettingZooEnv) -> DQN:
    space = environment.observation_space["observation"]
    network = Net(state_shape=space.shape, action_shape=environment.action_space.n, hidden_sizes=HIDDEN_LAYERS)
    return DQN(
        policy=DiscreteQLearningPolicy(
            model=network, action_space=environment.action_space, observation_space=space, eps_training=EPSILON
        ),
        optim=AdamOptimizerFactory(lr=LEARNING_RATE),
        gamma=DISCOUNT,
        n_step_return_horizon=RETURN_STEPS,
        target_update_freq=TARGET_UPDATE_PERIOD,
    )


def train(algorithm, collector: Collector, plies: int) -> None:
    parameters = OffPolicyTrainerParams(
        training_collector=collector,
        test_collector=None,
        max_epochs=1,
        epoch_num_steps=plies,
        collection_step_num_env_steps=PLIES_PER_COLLECT,
        update_step_num_gradient_steps_per_sample=TRAIN_STEPS_PER_PLY,
        batch_size=BATCH_SIZE,
        verbose=False,
        show_progress=False,
    )
    algorithm.run_training(parameters)


def measure(game: str, seconds: float) -> dict:
    np.random.seed(0)
    torch.manual_seed(0)
    environment = environment_of(game)
    algorithm = MultiAgentOffPolicyAlgorithm(
        algorithms=[learner(environment) for _ in environment.agents], env=environment
    )
    environments = DummyVectorEnv([lambda: environment_of(game) for _ in range(ENVIRONMENTS)])
    buffer = VectorReplayBuffer(REPLAY_CAPACITY, ENVIRONMENTS)
    collector = Collector(algorithm, environments, buffer, exploration_noise=True)
    collector.reset()
    collector.collect(n_step=BATCH_SIZE * ENVIRONMENTS)
    train(algorithm, collector, 500)
    chunk = 500
    plies, elapsed, began = 0, 0.0, time.perf_counter()
    while elapsed < seconds:
        train(algorithm, collector, chunk)
        plies += chunk
        elapsed = time.perf_counter() - began
    return {
        "system": f"tianshou {importlib.metadata.version('tianshou')} DQN over PettingZoo",
        "game": game,
        "measure": "learn",
        "plies_per_second": plies / elapsed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game", choices=GAMES, default="tic_tac_toe")
    parser.add_argument("--seconds", type=float, default=20.0, help="least time to measure")
    options = parser.parse_args()
    torch.set_num_threads(2)
    print(json.dumps(measure(options.game, options.seconds)))


if __name__ == "__main__":
    main()
