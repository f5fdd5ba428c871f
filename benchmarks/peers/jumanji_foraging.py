"""jumanji's LevelBasedForaging, random play: many copies in one compiled loop, by its own wrapper for that.

The world is that of benchmarks/grids.py. Copies begin at different times of their episodes, and anew by jumanji's
`VmapAutoResetWrapper`, in the step that ends one.

    python jumanji_foraging.py --copies 1024
"""

import argparse
import importlib.metadata
import json
import time

import jax
import jax.numpy as jnp
from jumanji.environments.routing.lbf.env import LevelBasedForaging
from jumanji.environments.routing.lbf.generator import RandomGenerator
from jumanji.wrappers import VmapAutoResetWrapper

LIMIT = 50  # steps of an episode


def measure(copies: int, seconds: float) -> dict:
    """Steps per second of the processor."""
    generator = RandomGenerator(grid_size=8, num_agents=2, num_food=2, fov=2, force_coop=False)
    env = VmapAutoResetWrapper(LevelBasedForaging(generator, time_limit=LIMIT))
    state, time_step = jax.jit(env.reset)(jax.random.split(jax.random.key(0), copies))
    state = state.replace(step_count=jnp.arange(copies, dtype=state.step_count.dtype) % LIMIT)

    def step(_, carry):
        state, _, key = carry
        key, draw = jax.random.split(key)
        state, time_step = env.step(state, jax.random.randint(draw, [copies, 2], 0, 6))
        return state, (time_step.observation.agents_view, time_step.reward), key

    run = jax.jit(lambda carry, steps: jax.lax.fori_loop(0, steps, step, carry))
    shown = time_step.observation.agents_view, time_step.reward
    carry = jax.block_until_ready(run((state, shown, jax.random.key(1)), 100))
    done, began = 0, time.process_time()
    while (elapsed := time.process_time() - began) < seconds:
        carry = jax.block_until_ready(run(carry, 100))
        done += 100 * copies
    return {
        "system": f"jumanji {importlib.metadata.version('jumanji')} + JAX {jax.__version__}",
        "steps_per_second": done / elapsed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    print(json.dumps(measure(options.copies, options.seconds)))


if __name__ == "__main__":
    main()
