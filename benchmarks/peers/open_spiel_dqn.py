"""Two DQN learners of OpenSpiel (PyTorch) in the loop of its own example, `dqn_breakthrough_pytorch.py`.

Network, batch size and replay buffer are that example's, and everything else is the library's default: each agent
trains on a batch of 32 after every tenth call. OpenSpiel plays one game at a time.

    python open_spiel_dqn.py --game connect_four
"""

import argparse
import importlib.metadata
import json
import time

import torch
from open_spiel.python import rl_environment
from open_spiel.python.pytorch import dqn

HIDDEN_LAYERS, BATCH_SIZE, REPLAY_CAPACITY = [64, 64], 32, 100_000
WARM_UP_GAMES = 400  # until both agents train, which they do from 1,000 decisions on


def play_game(environment, agents) -> int:
    """Plays a game in which the agents learn, and returns its number of plies."""
    plies, time_step = 0, environment.reset()
    while not time_step.last():
        output = agents[time_step.observations["current_player"]].step(time_step)
        time_step = environment.step([output.action])
        plies += 1
    for agent in agents:
        agent.step(time_step)
    return plies


def measure(game: str, seconds: float) -> dict:
    environment = rl_environment.Environment(game)
    size, num_actions = environment.observation_spec()["info_state"][0], environment.action_spec()["num_actions"]
    agents = [
        dqn.DQN(seat, size, num_actions, HIDDEN_LAYERS, BATCH_SIZE, replay_buffer_capacity=REPLAY_CAPACITY, seed=seat)
        for seat in range(2)
    ]
    for _ in range(WARM_UP_GAMES):
        play_game(environment, agents)
    plies, elapsed, began = 0, 0.0, time.perf_counter()
    while elapsed < seconds:
        plies += play_game(environment, agents)
        elapsed = time.perf_counter() - began
    if any(agent.loss is None for agent in agents):
        raise RuntimeError("an agent has not trained: the warm-up was too short")
    return {
        "system": f"OpenSpiel {importlib.metadata.version('open_spiel')} DQN",
        "game": game,
        "measure": "learn",
        "plies_per_second": plies / elapsed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game", choices=("tic_tac_toe", "connect_four"), default="tic_tac_toe")
    parser.add_argument("--seconds", type=float, default=20.0, help="least time to measure")
    options = parser.parse_args()
    torch.set_num_threads(2)
    print(json.dumps(measure(options.game, options.seconds)))


if __name__ == "__main__":
    main()
