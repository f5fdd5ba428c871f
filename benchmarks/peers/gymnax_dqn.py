"""A DQN learner over gymnax's CartPole, the whole loop compiled: the fastest peer that plain JAX allows.

The work is that of an imagents training with the same settings: copies side by side, a ring of decisions, Adam, Huber
loss and target network, epsilon-greedy acting, and a cut-off that is no end. gymnax begins an episode anew in the very
step that ends one, and shows the last observation beside it, so that no step is without a decision. Everything is
updated in place in one compiled loop.

    python gymnax_dqn.py --parallel-games 64 --batch-size 32 --train-steps-per-round 16 --hidden-layers 64 64
"""

import argparse
import importlib.metadata
import json
import statistics
import time
from typing import NamedTuple

import gymnax
import jax
import jax.numpy as jnp

DISCOUNT, EPSILON, LEARNING_RATE, TARGET_UPDATE_PERIOD = 0.99, 0.1, 1e-3, 50


class Replay(NamedTuple):
    """The newest decisions, one per copy B and round of the ring L.

    view, next_view: float32 `[L, B, 4]`; action: int32 `[L, B]`; reward: float32 `[L, B]`; continues: float32 `[L, B]`,
    0 where the episode ended.
    """

    view: jax.Array
    next_view: jax.Array
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


class Loop:
    """Copies, an agent and the compiled loop over rounds."""

    def __init__(self, copies, batch_size, train_steps, replay_length, hidden_layers, seed=0):
        self._env, self._params = gymnax.make("CartPole-v1")
        self._copies, self._length = copies, replay_length
        self._batch_size, self._train_steps = batch_size, train_steps
        keys = jax.random.split(jax.random.key(seed), 3)
        view, state = jax.vmap(self._env.reset, (0, None))(jax.random.split(keys[0], copies), self._params)
        self._carry = view, state, self._agent(keys[1], hidden_layers), jnp.int32(0), keys[2]
        self._run = jax.jit(self._rounds, donate_argnums=0)

    def run(self, num_rounds: int) -> None:
        self._carry = jax.block_until_ready(self._run(self._carry, num_rounds))

    def _agent(self, key, hidden_layers) -> Agent:
        sizes = [4, *hidden_layers, 2]
        parameters = tuple(
            (jax.random.uniform(k, (m, n), minval=-1, maxval=1) * (6 / m) ** 0.5, jnp.zeros(n))
            for k, m, n in zip(jax.random.split(key, len(sizes)), sizes, sizes[1:])
        )
        shape = self._length, self._copies
        views = lambda: jnp.zeros((*shape, 4))  # noqa: E731
        replay = Replay(views(), views(), jnp.zeros(shape, jnp.int32), jnp.zeros(shape), jnp.zeros(shape))
        copy = lambda: jax.tree.map(jnp.array, parameters)  # noqa: E731
        zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)  # noqa: E731
        return Agent(parameters, copy(), (zeros(), zeros()), jnp.int32(0), replay)

    def _rounds(self, carry, num_rounds):
        return jax.lax.fori_loop(0, num_rounds, lambda _, carry: self._round(carry), carry)

    def _round(self, carry):
        view, state, agent, rounds, key = carry
        key, explore_key, choice_key, step_key, train_key = jax.random.split(key, 5)
        greedy = jnp.argmax(q_network(agent.online, view), axis=1)
        explore = jax.random.uniform(explore_key, greedy.shape) < EPSILON
        action = jnp.where(explore, jax.random.randint(choice_key, greedy.shape, 0, 2), greedy).astype(jnp.int32)
        step = jax.vmap(self._env.step, (0, 0, 0, None))
        keys = jax.random.split(step_key, self._copies)
        next_view, state, reward, ended, _, info = step(keys, state, action, self._params)
        decision = Replay(view, info["final_observation"], action, reward, 1.0 - ended)
        replay = jax.tree.map(lambda ring, new: ring.at[rounds % self._length].set(new), agent.replay, decision)
        agent, rounds = agent._replace(replay=replay), rounds + 1
        steps = jnp.where(rounds > 20, self._train_steps, 0)  # as imagents does, which warms up for 20 rounds

        def train(i, agent):
            return self._train_step(agent, rounds, jax.random.fold_in(train_key, i))

        return next_view, state, jax.lax.fori_loop(0, steps, train, agent), rounds, key

    def _train_step(self, agent, rounds, key):
        filled = jnp.minimum(rounds, self._length) * self._copies
        chosen = jax.random.randint(key, [self._batch_size], 0, filled)
        sample = jax.tree.map(lambda ring: ring.reshape(-1, *ring.shape[2:])[chosen], agent.replay)
        next_q = q_network(agent.target, sample.next_view).max(axis=1)
        target = sample.reward + DISCOUNT * sample.continues * next_q

        def loss(parameters):
            q_value = jnp.take_along_axis(q_network(parameters, sample.view), sample.action[:, None], axis=1)[:, 0]
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
    """Steps per second, the median of several measurements."""
    loop = Loop(
        options.parallel_games, options.batch_size, options.train_steps_per_round, options.replay_length,
        options.hidden_layers,
    )
    loop.run(40)
    rounds, speeds = 64, []
    while len(speeds) < options.repeats:
        began = time.process_time()
        loop.run(rounds)
        elapsed = time.process_time() - began
        if elapsed < 0.8 * options.seconds:
            rounds = int(rounds * min(16.0, options.seconds / elapsed)) + 1
            continue
        speeds.append(rounds * options.parallel_games / elapsed)
    return {
        "system": f"gymnax {importlib.metadata.version('gymnax')} + JAX {jax.__version__} DQN",
        "steps_per_second": statistics.median(speeds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parallel-games", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--train-steps-per-round", type=int, default=16)
    parser.add_argument("--replay-length", type=int, default=1024, help="decisions kept per copy")
    parser.add_argument("--hidden-layers", type=int, nargs="+", default=[64, 64])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=3, help="measurements, of which the median counts")
    print(json.dumps(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
