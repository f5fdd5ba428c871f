"""Stable-Baselines3 learns to win tic-tac-toe against random play: prints the shares of its wins, before and after.

It runs in an environment of its own (see tests/cloud/environments.py): masked PPO of sb3-contrib asks `action_masks()`.
"""

from imagents.bridges.gymnasium import to_gymnasium  # isort: skip  # before SB3, which imports TensorFlow its own way

from sb3_contrib import MaskablePPO
from stable_baselines3.common.env_checker import check_env


def won(model, env, games: int = 60) -> float:
    """The share of games won."""
    wins = 0
    for game in range(games):
        observation, _ = env.reset(seed=game if game == 0 else None)
        over = False
        while not over:
            action, _ = model.predict(observation, action_masks=env.action_masks(), deterministic=True)
            observation, reward, terminated, truncated, _ = env.step(int(action))
            over = terminated or truncated
        wins += reward == 1
    return wins / games


def main() -> None:
    env = to_gymnasium("tic_tac_toe", others="random")
    check_env(env, skip_render_check=True)
    model = MaskablePPO("MlpPolicy", env, n_steps=512, batch_size=128, learning_rate=1e-3, seed=0, device="cpu")
    before = won(model, env)
    model.learn(4_096)
    print(before, won(model, env))


if __name__ == "__main__":
    main()
