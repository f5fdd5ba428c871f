"""XuanCe's independent Q-learners in TensorFlow on lbforaging, the whole loop: steps per second.

The settings are XuanCe's own for its multi-robot warehouse, the nearest that it has (16 worlds, stepped one after the
other), but for what is told and `use_parameter_sharing`, which is off, so that the learners are independent. It knows
no foraging: the class below is what its own classes of environments are like.

    python xuance_iql.py --hidden-layers 64 64 --batch-size 256 --steps 16
"""

# ruff: noqa: E402

import argparse
import contextlib
import importlib.metadata
import json
import os
import sys
import tempfile
import time

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "WANDB_MODE": "disabled"}
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # its networks are copied, which Keras 3 refuses
sys.modules["triton"] = None  # torch, which XuanCe imports too, goes without: beside TensorFlow it ends the process

import gymnasium
import lbforaging  # noqa: F401  (registers it)
import numpy as np
from gymnasium.spaces import Box
from xuance.environment import REGISTRY_MULTI_AGENT_ENV, RawMultiAgentEnv, make_envs
from xuance.tensorflow.agents import IQL_Agents
from xuance.tensorflow.agents.base import agents_marl

agents_marl.set_device = lambda toolbox, device: device  # in 1.4.4 it takes one argument, and is given two

OWN_ID, LIMIT, WORLDS = "Foraging-2s-8x8-2p-2f-v3", 50, 16


class Foraging(RawMultiAgentEnv):
    """One world, as XuanCe takes it."""

    def __init__(self, config):
        super().__init__()
        self.env = gymnasium.make(OWN_ID, disable_env_checker=True).unwrapped
        self.env.reset(seed=config.env_seed)
        self.num_agents, self.max_episode_steps, self._step = len(self.env.action_space), LIMIT, 0
        self.agents = [f"agent_{seat}" for seat in range(self.num_agents)]
        self.observation_space = self._named(self.env.observation_space)
        self.action_space = self._named(self.env.action_space)
        self.state_space = Box(-np.inf, np.inf, [1])

    def reset(self):
        self._step = 0
        return self._named(self.env.reset()[0]), {}

    def step(self, actions):
        self._step += 1
        observation, reward, over, truncated, _ = self.env.step([actions[agent] for agent in self.agents])
        is_cut = truncated or (over and self._step == LIMIT)
        return self._named(observation), self._named(reward), self._named([over] * self.num_agents), is_cut, {}

    def state(self):
        return np.zeros(1, np.float32)

    def close(self):
        self.env.close()

    def render(self, *arguments):
        raise NotImplementedError

    def _named(self, parts) -> dict:
        return dict(zip(self.agents, parts))


def settings(options, folder: str) -> argparse.Namespace:
    """XuanCe's configuration."""
    first, *rest = options.hidden_layers
    return argparse.Namespace(
        dl_toolbox="tensorflow", project_name="benchmark", logger="tensorboard", render=False, render_mode="rgb_array",
        fps=50, device="CPU", distributed_training=False, agent="IQL", env_name="Foraging", env_id=OWN_ID, env_seed=1,
        learner="IQL_Learner", policy="Basic_Q_network_marl", representation="Basic_MLP",
        vectorize="DummyVecMultiAgentEnv", runner="MARL", use_rnn=False, rnn=None,
        representation_hidden_size=[first], q_hidden_size=rest, activation="relu", seed=1, parallels=WORLDS,
        buffer_size=100_000, batch_size=options.batch_size, learning_rate=0.001, gamma=0.99, double_q=True,
        start_greedy=1.0, end_greedy=0.05, decay_step_greedy=1_000_000, start_training=1000, running_steps=10**9,
        training_frequency=options.steps, sync_frequency=100, use_grad_clip=False, grad_clip_norm=0.5,
        use_parameter_sharing=False, use_actions_mask=False, eval_interval=10**9, test_episode=0,
        log_dir=f"{folder}/logs/", model_dir=f"{folder}/models/",
    )  # fmt: skip


def measure(options) -> dict:
    """Steps of the world per second of the processor."""
    REGISTRY_MULTI_AGENT_ENV["Foraging"] = Foraging
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        config = settings(options, folder)
        agents = IQL_Agents(config, make_envs(config))
        rounds, done = 4 * max(8, options.steps // WORLDS), 0
        agents.train(1000 // WORLDS + rounds)  # fills what is sampled from, and traces
        before, began = agents.learner.iterations, time.process_time()
        while (elapsed := time.process_time() - began) < options.seconds:
            agents.train(rounds)
            done += rounds * WORLDS
        trained = agents.learner.iterations - before
        if abs(done - trained * options.steps) > options.steps:
            raise RuntimeError(f"{trained} train steps in {done} steps: one in {options.steps} was meant")
    return {"system": f"XuanCe {importlib.metadata.version('xuance')} IQL", "steps_per_second": done / elapsed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden-layers", type=int, nargs="+", default=[64, 64])
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=16, help="of the world per train step of each agent")
    parser.add_argument("--seconds", type=float, default=5.0)
    print(json.dumps(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
