"""The faces of control tasks: their settings, and what is made of them."""

import dataclasses
from typing import Any, ClassVar

from imagents.environments import Face


@dataclasses.dataclass(frozen=True)
class CartPole(Face):
    """A cart is pushed so that its pole stays upright. It is Gymnasium's CartPole-v1, in tensors."""

    name: str = "cartpole"
    hide_velocity: bool = False
    """Whether an agent sees the cart's position and the pole's angle alone, and not how fast they change."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "default": {
            "loss": "squared",  # Huber's finds no way out where returns are near 100, and falls rare
            "discount": 0.99,
            "learning_rate": 2.3e-3,
            "final_learning_rate": 1e-5,
            "exploration_start": 1.0,  # many early falls: what they teach keeps later values sound
            "exploration_decay": 0.993,
            "epsilon_min": 0.04,
            "epsilon_max": 0.04,
            "batch_size": 64,
            "train_steps_per_round": 8,
            "target_update_period": 10,
            "warmup_rounds": 64,
            "replay_length": 3125,  # all decisions
            "parallel_games": 16,
            "rounds_per_chunk": 25,
            "evaluate_every": 5,
            "steps": 50_000,
        },
        "ppo": {
            "algorithm": "ppo",
            "discount": 0.98,
            "gae_lambda": 0.8,
            "learning_rate": 1e-3,
            "final_learning_rate": 1e-5,
            "parallel_games": 8,
            "rollout_length": 32,
            "epochs": 20,
            "minibatches": 1,
            "rounds_per_chunk": 64,
            "evaluate_every": 5,
            "steps": 100_000,
        },
        "recurrent_ppo": {
            "algorithm": "recurrent_ppo",
            "discount": 0.99,
            "gae_lambda": 0.95,
            "learning_rate": 2e-3,
            "final_learning_rate": 1e-5,
            "gradient_clipping": 10.0,
            "parallel_games": 8,
            "rollout_length": 128,
            "window_length": 64,
            "epochs": 10,
            "minibatches": 2,
            "rounds_per_chunk": 128,
            "evaluate_every": 4,
            "steps": 100_000,
        },
        "drqn": {
            "algorithm": "drqn",
            "loss": "squared",
            "discount": 0.99,
            "learning_rate": 1e-3,
            "final_learning_rate": 1e-5,
            "hidden_layers": (64,),
            "exploration_start": 1.0,
            "exploration_decay": 0.993,
            "epsilon_min": 0.02,
            "epsilon_max": 0.02,
            "batch_size": 512,
            "train_steps_per_round": 1,
            "target_update_period": 50,
            "warmup_rounds": 64,
            "replay_length": 6250,
            "parallel_games": 16,
            "rounds_per_chunk": 64,
            "evaluate_every": 4,
            "steps": 100_000,
        },
        "reinforce": {
            "algorithm": "reinforce",
            "discount": 0.99,
            "learning_rate": 3e-3,
            "final_learning_rate": 1e-5,
            "parallel_games": 16,
            "rounds_per_chunk": 64,
            "evaluate_every": 10,
            "steps": 300_000,
        },
    }
    keeps_best: ClassVar[bool] = True
    return_range: ClassVar[tuple[float, float]] = (1.0, 500.0)

    def network(self) -> dict[str, Any]:
        """Of a `QNetwork`: without velocities it sees position and angle in parts of what is a fall."""
        if not self.hide_velocity:
            return {}
        from imagents.environments.control.cartpole import LEAN, TRACK

        return {"features": lambda view: view / (TRACK, LEAN)}

    def build(self, batch_size: int, seed: int):
        """B carts side by side, a `CartPoleEnvironment`."""
        from imagents.environments.control.cartpole import CartPoleEnvironment

        return CartPoleEnvironment(batch_size, self.hide_velocity, seed)
