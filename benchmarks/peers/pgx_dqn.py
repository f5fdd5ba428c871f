"""Two independent DQN learners over pgx, the whole loop compiled: the fastest peer that plain JAX allows.

The work is that of an imagents training with the same settings: two networks, each with its own replay buffer, Adam,
Huber loss and target network; legal moves in acting and in the target; one transition from an agent's decision to its
next one or to the end of the game; the opponent's winning move is the loser's reward.

All games move in step: the seat that is next in the batch begins a new game, so that no network evaluation is wasted
on a game in which it is not to move, and each agent closes exactly one decision per game and round. (pgx draws who
begins; that would leave games waiting, as it does in imagents.) A decision's next observation is the one stored after
it, so the buffer holds each observation once. Game states and buffers are updated in place in one compiled loop.

    python pgx_dqn.py --game connect_four --measure learn --parallel-games 1024 --batch-size 512
"""

import argparse
import json
import statistics
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import pgx

DISCOUNT, EPSILON, LEARNING_RATE, TARGET_UPDATE_PERIOD = 1.0, 0.1, 1e-3, 50


class Replay(NamedTuple):
    """The newest decisions of an agent, one per parallel game B and round of the ring L.

    row: uint8 `[L, B, cells + actions]`, own view and legal moves; action: int32 `[L, B]`; reward: float32 `[L, B]`;
    continues: float32 `[L, B]`, 0 where the game ended before the agent's next decision.
    """

    row: jax.Array
    action: jax.Array
    reward: jax.Array
    continues: jax.Array


class Agent(NamedTuple):
    """Parameters are tuples of (weights, bias) per layer; `moments` are Adam's two; `steps` counts train steps."""

    online: tuple
    target: tuple
    moments: tuple
    steps: jax.Array
    replay: Replay


def q_network(parameters, x):
    for weights, bias in parameters[:-1]:
        x = jax.nn.relu(x @ weights + bias)
    weights, bias = parameters[-1]
    return x @ weights + bias


def random_legal(mask, key):
    """A uniformly random legal move per game."""
    rank = jnp.cumsum(mask, axis=1)
    chosen = jnp.floor(jax.random.uniform(key, mask.shape[:1]) * rank[:, -1]).astype(jnp.int32)
    return jnp.argmax(rank > chosen[:, None], axis=1)


class Loop:
    """Games, agents and the compiled loop over rounds.

    Args:
      measure: "play" (random legal moves), "collect" (agents act and store), "train" (train steps alone) or "learn".
    """

    def __init__(self, game, measure, parallel_games, batch_size, train_steps, replay_length, hidden_layers, seed=0):
        self._env = pgx.make(game)
        self._measure, self._batch_size, self._train_steps = measure, batch_size, train_steps
        self._games, self._length = parallel_games, replay_length
        self._hidden = hidden_layers
        state = jax.vmap(self._env.init)(jax.random.split(jax.random.key(seed), parallel_games))
        state = state.replace(current_player=jnp.zeros_like(state.current_player))
        self._first = jax.tree.map(lambda x: x[:1], state)
        self._num_cells = state.observation[0].size
        self._num_actions = state.legal_action_mask.shape[1]
        keys = jax.random.split(jax.random.key(seed + 1), 3)
        self._carry = state, self._agent(keys[0]), self._agent(keys[1]), jnp.int32(0), keys[2]
        self._run = jax.jit(self._rounds, donate_argnums=0)

    def run(self, num_rounds: int) -> None:
        self._carry = jax.block_until_ready(self._run(self._carry, num_rounds))

    def _agent(self, key) -> Agent:
        sizes = [self._num_cells, *self._hidden, self._num_actions]
        keys = jax.random.split(key, len(sizes))
        parameters = tuple(
            (jax.random.uniform(k, (m, n), minval=-1, maxval=1) * (6 / m) ** 0.5, jnp.zeros(n))
            for k, m, n in zip(keys, sizes, sizes[1:])
        )
        shape = self._length, self._games
        replay = Replay(
            jnp.zeros((*shape, self._num_cells + self._num_actions), jnp.uint8),
            jnp.zeros(shape, jnp.int32),
            jnp.zeros(shape),
            jnp.zeros(shape),
        )
        copy = lambda: jax.tree.map(jnp.array, parameters)  # noqa: E731
        zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)  # noqa: E731
        return Agent(parameters, copy(), (zeros(), zeros()), jnp.int32(0), replay)

    def _rounds(self, carry, num_rounds):
        body = {"play": self._play, "train": self._train_only}.get(self._measure, self._round)
        return jax.lax.fori_loop(0, num_rounds, lambda _, carry: body(carry), carry)

    def _play(self, carry):
        state, *agents, rounds, key = carry
        key, *keys = jax.random.split(key, 3)
        for seat in (0, 1):
            state, _, _ = self._step(state, random_legal(state.legal_action_mask, keys[seat]), 1 - seat)
        return state, *agents, rounds + 1, key

    def _round(self, carry):
        state, first, second, rounds, key = carry
        key, *keys = jax.random.split(key, 5)
        now = rounds % self._length
        first, action = self._act(first, state, now, keys[0])
        state, reward, ended = self._step(state, action, 1)
        first = self._store(first, now, reward[:, 0], ended)
        # What happened in games that began anew is none of the second agent's last decision's business.
        second = self._add(second, (rounds - 1) % self._length, reward[:, 1], ended)
        second, action = self._act(second, state, now, keys[1])
        state, reward, ended = self._step(state, action, 0)
        second = self._store(second, now, reward[:, 1], ended)
        first = self._add(first, now, reward[:, 0], ended)
        if self._measure == "learn":
            # The newest decision's successor is not stored yet; the very first rounds have too little to sample.
            def train(agents):
                return tuple(self._train(agent, rounds, key) for agent, key in zip(agents, keys[2:]))

            first, second = jax.lax.cond(rounds >= 20, train, lambda agents: agents, (first, second))
        return state, first, second, rounds + 1, key

    def _train_only(self, carry):
        state, first, second, rounds, key = carry
        key, *keys = jax.random.split(key, 3)
        full = jnp.maximum(rounds, self._length + 1)
        first, second = (self._train(agent, full, k) for agent, k in zip((first, second), keys))
        return state, first, second, rounds + 1, key

    def _step(self, state, action, next_seat):
        """Plays in every game, and begins those anew that ended, with `next_seat` to move."""
        state = jax.vmap(self._env.step)(state, action)
        ended, reward = state.terminated, state.rewards
        first = self._first.replace(current_player=jnp.full_like(self._first.current_player, next_seat))

        def begin(x, y):
            return jnp.where(ended.reshape([-1] + [1] * (y.ndim - 1)), x, y)

        return jax.tree.map(begin, first, state), reward, ended

    def _act(self, agent, state, now, key):
        view = state.observation.reshape(self._games, -1)
        mask = state.legal_action_mask
        explore_key, choice_key = jax.random.split(key)
        q_values = q_network(agent.online, view.astype(jnp.float32))
        greedy = jnp.argmax(jnp.where(mask, q_values, -jnp.inf), axis=1)
        explore = jax.random.uniform(explore_key, greedy.shape) < EPSILON
        action = jnp.where(explore, random_legal(mask, choice_key), greedy).astype(jnp.int32)
        row = jnp.concatenate([view, mask], axis=1).astype(jnp.uint8)
        replay = agent.replay
        replay = replay._replace(row=replay.row.at[now].set(row), action=replay.action.at[now].set(action))
        return agent._replace(replay=replay), action

    @staticmethod
    def _store(agent, now, reward, ended):
        """What the agent's own move brought."""
        replay = agent.replay
        reward, continues = replay.reward.at[now].set(reward), replay.continues.at[now].set(1.0 - ended)
        return agent._replace(replay=replay._replace(reward=reward, continues=continues))

    @staticmethod
    def _add(agent, last, reward, ended):
        """What the opponent's answer brought, unless the game had ended before."""
        replay = agent.replay
        continues = replay.continues[last]
        reward = replay.reward.at[last].add(reward * continues)
        return agent._replace(
            replay=replay._replace(reward=reward, continues=replay.continues.at[last].set(continues * (1.0 - ended)))
        )

    def _train(self, agent, rounds, key):
        for step_key in jax.random.split(key, self._train_steps):
            agent = self._train_step(agent, rounds, step_key)
        return agent

    def _train_step(self, agent, rounds, key):
        replay, length = agent.replay, self._length
        # Decisions of the last L - 1 rounds, without the newest.
        filled = jnp.minimum(rounds, length - 1)
        chosen = jax.random.randint(key, [self._batch_size], 0, filled * self._games)
        when, game = (rounds - 1 - chosen // self._games) % length, chosen % self._games
        table = replay.row.reshape(length * self._games, -1)
        view = table[when * self._games + game][:, : self._num_cells].astype(jnp.float32)
        after = table[(when + 1) % length * self._games + game]
        next_view, next_mask = after[:, : self._num_cells].astype(jnp.float32), after[:, self._num_cells :] != 0
        next_q = jnp.where(next_mask, q_network(agent.target, next_view), -jnp.inf).max(axis=1)
        continues = replay.continues[when, game]
        target = replay.reward[when, game] + DISCOUNT * jnp.where(continues != 0, next_q, 0.0)
        action = replay.action[when, game]

        def loss(parameters):
            q_value = jnp.take_along_axis(q_network(parameters, view), action[:, None], axis=1)[:, 0]
            error = jnp.abs(target - q_value)
            return jnp.where(error <= 1, 0.5 * error**2, error - 0.5).mean()

        gradients = jax.grad(loss)(agent.online)
        steps = agent.steps + 1
        means, squares = agent.moments
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradients)
        squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g**2, squares, gradients)
        rate = LEARNING_RATE * jnp.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
        online = jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) + 1e-7), agent.online, means, squares)
        renew = steps % TARGET_UPDATE_PERIOD == 0
        target = jax.tree.map(lambda o, t: jnp.where(renew, o, t), online, agent.target)
        return agent._replace(online=online, target=target, moments=(means, squares), steps=steps)


def measure(options) -> dict:
    """Plies and trained samples per second, the median of several measurements."""
    loop = Loop(
        options.game, options.measure, options.parallel_games, options.batch_size, options.train_steps_per_round,
        options.replay_length, options.hidden_layers,
    )
    began = time.perf_counter()
    loop.run(40)
    compiled = time.perf_counter() - began
    rounds, speeds = 64, []
    while len(speeds) < options.repeats:
        began = time.perf_counter()
        loop.run(rounds)
        elapsed = time.perf_counter() - began
        if elapsed < 0.8 * options.seconds:
            rounds = int(rounds * min(16.0, options.seconds / elapsed)) + 1
            continue
        speeds.append(rounds / elapsed)
    trained = 2 * options.train_steps_per_round * options.batch_size if options.measure in ("train", "learn") else 0
    plies = 0 if options.measure == "train" else 2 * options.parallel_games
    return {
        "system": f"pgx {pgx.__version__} + JAX {jax.__version__} DQN",
        "game": options.game,
        "measure": options.measure,
        "parallel_games": options.parallel_games,
        "samples_per_ply": trained / plies if plies else None,
        "plies_per_second": statistics.median(speeds) * plies,
        "trained_samples_per_second": statistics.median(speeds) * trained,
        "seconds_to_compile": compiled,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game", choices=("tic_tac_toe", "connect_four"), default="tic_tac_toe")
    parser.add_argument("--measure", choices=("play", "collect", "train", "learn"), default="learn")
    parser.add_argument("--parallel-games", type=int, default=1024)
    parser.add_argument("--batch-size", type=int, default=512, help="samples per train step of one agent")
    parser.add_argument("--train-steps-per-round", type=int, default=1)
    parser.add_argument("--replay-length", type=int, default=32, help="decisions kept per game and agent")
    parser.add_argument("--hidden-layers", type=int, nargs="+", default=[128, 128])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=3, help="measurements, of which the median counts")
    print(json.dumps(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
