"""Stable-Baselines3's DQN on Gymnasium's CartPole: at its defaults, or as its zoo sets it.

    python sb3_dqn.py --settings zoo
"""

import argparse
import json
import time

import stable_baselines3
import torch
from stable_baselines3 import DQN

SETTINGS = {  # https://github.com/DLR-RM/rl-baselines3-zoo, hyperparams/dqn.yml: those that cost time
    "defaults": {},
    "zoo": dict(
        learning_rate=2.3e-3, batch_size=64, buffer_size=100_000, learning_starts=1000, target_update_interval=10,
        train_freq=256, gradient_steps=128, policy_kwargs=dict(net_arch=[256, 256]),
    ),
}  # fmt: skip


def measure(settings: str, seconds: float) -> dict:
    """Steps per second while it learns."""
    model = DQN("MlpPolicy", "CartPole-v1", seed=0, device="cpu", **SETTINGS[settings])
    model.learn(2048, log_interval=None)  # it learns from step 1,000 on at the latest
    began, before = time.process_time(), model.num_timesteps
    while (elapsed := time.process_time() - began) < seconds:
        model.learn(1024, log_interval=None, reset_num_timesteps=False)
    return {
        "system": f"Stable-Baselines3 {stable_baselines3.__version__} DQN",
        "steps_per_second": (model.num_timesteps - before) / elapsed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", choices=SETTINGS, default="defaults")
    parser.add_argument("--seconds", type=float, default=5.0, help="least time to measure")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps(measure(options.settings, options.seconds)))


if __name__ == "__main__":
    main()
