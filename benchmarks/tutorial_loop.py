"""How fast independent Q-learners run when they are written the way TF-Agents' tutorials are.

This is the yardstick that imagents' own speed is printed beside. It re-creates, with plain TF-Agents, the loop of
the well-known tutorial on multi-agent learning (https://dylancope.github.io/Multiagent-RL-with-TFAgents/): one
numpy environment in a `TFPyEnvironment`, two players that are `DqnAgent`s by inheritance, one eager ply at a time,
and one training step of 512 samples per player after every ten games. It departs from that tutorial in four things:
the network is imagents' (two hidden layers of 128, not one of 50), the replay buffer is longer, samples come from
`as_dataset` (which replaced the deprecated `get_next`), and the discount is 0 at the end of a game. Only speed is
compared: like the tutorial, each player stores just its own plies, so a loser never sees the move that beat it.

    python -m benchmarks.tutorial_loop --game tic_tac_toe --seconds 30
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import time

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # TF-Agents is written for Keras 2
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from tf_agents.agents import DqnAgent
from tf_agents.environments.py_environment import PyEnvironment
from tf_agents.environments.tf_py_environment import TFPyEnvironment
from tf_agents.networks.q_network import QNetwork
from tf_agents.replay_buffers.tf_uniform_replay_buffer import TFUniformReplayBuffer
from tf_agents.specs import BoundedArraySpec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from tf_agents.utils import common

# name: (rows, columns, stones in a line that win, do stones fall?)
GAMES = {"tic_tac_toe": (3, 3, 3, False), "connect_four": (6, 7, 4, True)}
REWARD_WIN, REWARD_LOSS, REWARD_ILLEGAL = 1.0, -1.0, -5.0

GAMES_PER_ITERATION = 10
BATCH_SIZE = 512  # samples per training step of one player
REPLAY_BUFFER_LENGTH = 2_000  # frames
HIDDEN_LAYERS = (128, 128)
LEARNING_RATE = 1e-2
WARM_UP_ITERATIONS = 2  # the first one traces the training step and creates the optimizer's variables


class BoardGame(PyEnvironment):
    """One game in which k stones in a line win, in numpy, for whoever says which stone it places.

    The observation is the board, `[rows, cols]` int32: 0 empty, 1 and 2 the players' stones; row 0 is at the top.
    An action is ``{"position", "value"}``: where, and whose stone. A position is a cell, counted row by row, or a
    column if stones fall. The reward is as player 1 sees it, except that an illegal move, which ends the game, gives
    -5 whoever made it.
    """

    def __init__(self, rows: int, cols: int, k: int, gravity: bool):
        super().__init__(handle_auto_reset=True)
        self._gravity = gravity
        self._num_positions = cols if gravity else rows * cols
        self._lines = _winning_lines(rows, cols, k)
        self._board = np.zeros((rows, cols), np.int32)

    def observation_spec(self):
        return BoundedArraySpec(self._board.shape, np.int32, minimum=0, maximum=2, name="board")

    def action_spec(self):
        return {
            "position": BoundedArraySpec((), np.int32, 0, self._num_positions - 1, "position"),
            "value": BoundedArraySpec((), np.int32, 1, 2, "value"),
        }

    def _reset(self):
        self._board = np.zeros_like(self._board)
        return ts.restart(self._board.copy())

    def _step(self, action):
        position, value = int(action["position"]), int(action["value"])
        cell = self._cell(position)
        if cell is None:
            return ts.termination(self._board.copy(), REWARD_ILLEGAL)

        self._board[cell] = value
        if np.any(np.all(self._board.ravel()[self._lines] == value, axis=1)):
            return ts.termination(self._board.copy(), REWARD_WIN if value == 1 else REWARD_LOSS)
        full = np.all(self._board != 0)
        return ts.termination(self._board.copy(), 0.0) if full else ts.transition(self._board.copy(), 0.0)

    def _cell(self, position: int) -> tuple[int, int] | None:
        """The cell that a stone played at `position` comes to lie in, or None if there is no room for it."""
        if self._gravity:
            empty = np.flatnonzero(self._board[:, position] == 0)
            return (int(empty[-1]), position) if empty.size else None
        row, col = divmod(position, self._board.shape[1])
        return (row, col) if self._board[row, col] == 0 else None


def _winning_lines(rows: int, cols: int, k: int) -> np.ndarray:
    """Every line of k cells on the board: `[lines, k]` int, cells counted row by row."""
    lines = []
    for row, col in itertools.product(range(rows), range(cols)):
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            last_row, last_col = row + (k - 1) * down, col + (k - 1) * right
            if last_row < rows and 0 <= last_col < cols:
                lines.append([(row + i * down) * cols + col + i * right for i in range(k)])
    return np.array(lines)


class DqnPlayer(DqnAgent):
    """A DQN agent that carries its own view of a shared environment, its own replay buffer and its own learner.

    Args:
      env: the environment that the players share.
      stone: 1 or 2, the stones this player places.
      reward_fn: this player's reward from the environment's.
      observation_fn: what this player sees of the environment's observation.
    """

    def __init__(self, env: TFPyEnvironment, stone: int, reward_fn=tf.identity, observation_fn=tf.identity):
        action_spec = env.action_spec()["position"]
        super().__init__(
            env.time_step_spec(),
            action_spec,
            q_network=QNetwork(env.observation_spec(), action_spec, fc_layer_params=HIDDEN_LAYERS),
            optimizer=tf.keras.optimizers.Adam(learning_rate=LEARNING_RATE),
            epsilon_greedy=0.1,
            td_errors_loss_fn=common.element_wise_squared_loss,
            train_step_counter=tf.Variable(0, dtype=tf.int64),
            name=f"Player{stone}",
        )
        self.initialize()
        self.train = common.function(self.train)
        self._env = env
        self._stone = tf.constant([stone], tf.int32)
        self._reward_fn, self._observation_fn = reward_fn, observation_fn
        self._buffer = TFUniformReplayBuffer(self.collect_data_spec, env.batch_size, REPLAY_BUFFER_LENGTH)
        self._samples = None
        self.reset()

    def reset(self) -> None:
        """Begins a game."""
        self._policy_state = self.collect_policy.get_initial_state(self._env.batch_size)
        self.rewards = []

    def act(self) -> None:
        """Makes one move in the environment and stores it."""
        time_step = self._view(self._env.current_time_step())
        policy_step = self.collect_policy.action(time_step, self._policy_state)
        self._policy_state = policy_step.state
        next_time_step = self._view(self._env.step({"position": policy_step.action, "value": self._stone}))
        self.rewards.append(next_time_step.reward)
        self._buffer.add_batch(trajectory.from_transition(time_step, policy_step, next_time_step))

    def train_iteration(self) -> float:
        """Trains on one batch from the replay buffer and returns the loss."""
        if self._samples is None:  # sampling an empty buffer fails, so this waits for the first games
            dataset = self._buffer.as_dataset(BATCH_SIZE, num_steps=2, num_parallel_calls=3)
            self._samples = iter(dataset.prefetch(3))
        experience, _ = next(self._samples)
        return float(self.train(experience).loss)

    def _view(self, time_step: ts.TimeStep) -> ts.TimeStep:
        reward, observation = self._reward_fn(time_step.reward), self._observation_fn(time_step.observation)
        return time_step._replace(reward=reward, observation=observation)


def second_player_reward(reward: tf.Tensor) -> tf.Tensor:
    """Player 1's win is player 2's loss; an illegal move costs its maker the same."""
    return tf.where(tf.abs(reward) == REWARD_WIN, -reward, reward)


class TutorialLoop:
    """Two players, one environment, and the loop that plays ten games and then trains each player once."""

    def __init__(self, game: str, seed: int):
        tf.random.set_seed(seed)
        self._starts = random.Random(seed)
        self._env = TFPyEnvironment(BoardGame(*GAMES[game]))
        self._players = [DqnPlayer(self._env, 1), DqnPlayer(self._env, 2, reward_fn=second_player_reward)]
        self.returns, self.losses = [], []  # each player's, per game and per iteration

    def iteration(self) -> int:
        """Plays ten games, trains each player once, and returns the number of plies played."""
        plies = sum(self._play_game() for _ in range(GAMES_PER_ITERATION))
        self.losses.append(tuple(player.train_iteration() for player in self._players))
        return plies

    def close(self) -> None:
        self._env.close()

    def _play_game(self) -> int:
        time_step = self._env.reset()
        for player in self._players:
            player.reset()
        first = self._starts.randrange(2)
        plies = 0
        while not time_step.is_last():
            self._players[(first + plies) % 2].act()
            time_step = self._env.current_time_step()
            plies += 1
        self.returns.append(tuple(float(np.sum(player.rewards)) for player in self._players))
        return plies


def measure(game: str, seconds: float, seed: int = 0) -> dict:
    """Runs the loop for about `seconds` and returns its speed.

    Imports, tracing and the first training step come before the clock starts. It stops after a whole iteration, so
    that playing and training are counted in their true proportion. TensorFlow's global seed is set.

    Args:
      game: a name in `GAMES`.
      seconds: the least time to measure; one iteration is the least that is measured.
      seed: of the players' weights and moves, and of who begins each game.

    Returns:
      ``system``, ``game``, ``plies`` (both players' moves), ``seconds`` (measured), ``plies_per_second`` and
      ``trained_samples_per_second`` (both players' samples).
    """
    plies, iterations, elapsed = 0, 0, 0.0
    with contextlib.closing(TutorialLoop(game, seed)) as loop:
        for _ in range(WARM_UP_ITERATIONS):
            loop.iteration()
        start = time.perf_counter()
        while elapsed < seconds or iterations == 0:
            plies += loop.iteration()
            iterations += 1
            elapsed = time.perf_counter() - start
    return {
        "system": "tutorial loop",
        "game": game,
        "plies": plies,
        "seconds": elapsed,
        "plies_per_second": plies / elapsed,
        "trained_samples_per_second": iterations * 2 * BATCH_SIZE / elapsed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game", choices=GAMES, default="tic_tac_toe")
    parser.add_argument("--seconds", type=float, default=30.0, help="least time to measure (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    print(json.dumps(measure(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
