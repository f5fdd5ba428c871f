"""A trace of small trainings, committed: a change that should change nothing leaves it as it is.

What is made of whole numbers (games, moves, what the replay buffers hold, the random numbers to come) has to be the
same everywhere: on every processor, eagerly, in a graph and compiled. Losses and weights are sums of float32, whose
order is up to the compiler and the processor: they have to be nearly the same everywhere, and the same to the last
bit on a machine like the one that wrote the trace.

After a change that is meant to change them:

    .venv/bin/python tests/test_determinism.py
"""

import hashlib
import json
import os
import pathlib
import platform
import re

import imagents  # isort: skip  # before TensorFlow, also when this file is run by itself
import numpy as np
import pytest
import tensorflow as tf

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.learning import algorithms as learners
from imagents.training.loop import Trainer

FILE = pathlib.Path(__file__).parent / "data" / "determinism.json"
GAMES = {game.name: game for game in (TIC_TAC_TOE, CONNECT_FOUR)}
EXECUTIONS = ("eager", "graph", "xla")


def make_trainer(game: BoardGame, execution: str) -> Trainer:
    """Nothing here is a default, so that new defaults change nothing. All moves are random."""
    environment = imagents.BoardGameEnvironment(game, 16, first_mover="random", opening_plies=3, seed=7)
    specs = environment.time_step_spec(), environment.action_spec()
    agents = []
    for seat in (0, 1):
        learner = learners.dqn(
            double=bool(seat),
            hidden_layers=(16, 16),
            optimizer=tf.keras.optimizers.Adam(1e-3),
            discount=0.9,
            target_update_period=5,
            target_update_tau=0.5,
            loss="huber",
            seed=11 + seat,
        )
        settings = dict(batch_size=16, epsilon=1.0, replay_length=8, sample_batch_size=32, seed=13)
        agents.append(imagents.IMAgent(*specs, seat=seat, algorithm=learner, **settings))
    return Trainer(environment, agents, train_steps_per_round=1, warmup_rounds=4, execution=execution)


def trace(game: BoardGame, execution: str) -> dict:
    trainer = make_trainer(game, execution)
    losses = []
    for rounds in (6, 9, 10):
        metrics = trainer.run(rounds)
        losses += [metrics["player_1_loss"], metrics["player_2_loss"]]
    replayed = [agent.replay_buffer._gather_all() for agent in trainer.agents]  # the public name warns of its end
    generators = [m.state for m in find_generators(trainer)]
    assert len(generators) >= 5  # the environment's, and of each agent the exploration's and the replay buffer's
    exact = [trainer.environment.current_time_step(), trainer.environment.outcome(), replayed, generators]
    weights = [x.numpy() for agent in trainer.agents for x in agent.algorithm._q_network.variables]
    return {
        "plies": int(trainer.steps),
        "games": int(trainer.episodes),
        "play": sha256(tf.nest.map_structure(np.asarray, exact)),
        "losses": losses,
        "weights": [[float(x.sum(dtype=np.float64)), float(abs(x).sum(dtype=np.float64))] for x in weights],
        "bits": sha256([weights, losses]),
    }


def find_generators(trainer: Trainer) -> list[tf.random.Generator]:
    found = {}
    for owner in (trainer.environment, *trainer.agents):
        for generator in owner._flatten(predicate=lambda x: isinstance(x, tf.random.Generator)):
            found[id(generator)] = generator
    return list(found.values())


def sha256(nest) -> str:
    digest = hashlib.sha256()
    for x in tf.nest.flatten(nest):
        array = np.ascontiguousarray(x)
        digest.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def machine() -> str:
    """What the order of sums depends on."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        model = re.search(r"model name\s*: (.+)", text)[1] + " with AVX-512" * ("avx512f" in text)
    except (OSError, TypeError):
        model = platform.processor()
    return f"TensorFlow {tf.__version__}, {os.cpu_count()} x {model}"


@pytest.mark.parametrize("execution", ["eager", pytest.param("graph", marks=pytest.mark.slow), "xla"])
@pytest.mark.parametrize("game", GAMES)
def test_trainings_are_what_they_were(game, execution):
    recorded = json.loads(FILE.read_text())
    expected, found = recorded["traces"][game], trace(GAMES[game], execution)
    assert {k: found[k] for k in ("plies", "games", "play")} == {k: expected[k] for k in ("plies", "games", "play")}
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=1e-4)
    np.testing.assert_allclose(found["weights"], expected["weights"], rtol=1e-4, atol=1e-4)
    if machine() == recorded["machine"]:
        assert found["bits"] == expected["bits"][execution]


def main() -> None:
    traces = {}
    for name, game in GAMES.items():
        found = {execution: trace(game, execution) for execution in EXECUTIONS}
        traces[name] = found["eager"] | {"bits": {execution: each["bits"] for execution, each in found.items()}}
        for execution, each in found.items():
            assert each["play"] == found["eager"]["play"], f"{name} plays other games when it is {execution}"
    content = {"written_by": "python tests/test_determinism.py", "machine": machine(), "traces": traces}
    FILE.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
