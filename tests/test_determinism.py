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

from imagents.config import ENVIRONMENTS, TrainConfig, environment_settings
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.learning import algorithms as learners
from imagents.players.names import make_player
from imagents.settings import ALGORITHMS
from imagents.training.loop import Trainer, build

FILE = pathlib.Path(__file__).parent / "data" / "determinism.json"
GAMES = {game.name: game for game in (TIC_TAC_TOE, CONNECT_FOUR)}
EXECUTIONS = ("eager", "graph", "xla")
LEARNERS = {name: dict(algorithm=name) for name in ALGORITHMS} | {
    "dqn of 3 steps": dict(algorithm="dqn", n_step=3),
    "dqn with motivations": dict(
        algorithm="dqn", motivation="counts:0.1,episodic_counts:0.2,rnd:0.5,icm:0.2,learning_progress:0.3,"
        "prosocial:0.1,inequity_aversion:0.1", counts_optimism=0.5,
    ),
}  # fmt: skip
NAMES = [name for name in ENVIRONMENTS if name.islower()]  # a board by its numbers is like one by its name


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


def play(name: str, execution: str) -> dict:
    """What 8 copies of an environment show in 30 rounds of random play: all that is whole, and sums of what is not."""
    environment = environment_settings(name).build(8, seed=7)
    spec, seats = environment.action_spec(), range(environment_settings(name).num_seats)
    players = [make_player("random", name, seat, seed=5, batch_size=8, action_spec=spec) for seat in seats]
    trainer, shown = Trainer(environment, players, execution=execution), []
    for _ in range(30):
        trainer.run(1)
        shown.append(tf.nest.map_structure(np.asarray, environment.current_time_step()))
    leaves = tf.nest.flatten(shown)
    sums = [float(abs(x).sum(dtype=np.float64)) for x in leaves if x.dtype.kind == "f"]
    whole = sha256([x for x in leaves if x.dtype.kind != "f"])
    return {"steps": int(trainer.steps), "episodes": int(trainer.episodes), "whole": whole, "sum": sum(sums)}


def lesson(name: str, execution: str) -> dict:
    """What an algorithm makes of 24 rounds of Kuhn poker in 8 copies: sums of losses and of all that it learned."""
    settings = LEARNERS[name] | dict(environment="kuhn_poker", parallel_games=8, seed=3, execution=execution)
    name = settings["algorithm"]
    settings |= dict(hidden_layers=(8,)) if name != "tabular" else {}
    settings |= dict(batch_size=16, warmup_rounds=2) if name in ("dqn", "double_dqn", "c51", "drqn") else {}
    settings |= dict(rollout_length=6) if name in ("ppo", "a2c", "reinforce", "recurrent_ppo") else {}
    settings |= dict(entropy=0.1) if name == "ppo" else {}  # whatever the preset of its name thinks best
    settings |= dict(recurrent_units=4, window_length=3) if name in ("drqn", "recurrent_ppo") else {}
    trainer = build(TrainConfig(**settings))
    metrics = [trainer.run(12), trainer.run(12)]
    losses = [each[f"player_{n}_loss"] for each in metrics for n in (1, 2)]
    learned = [v.numpy() for agent in trainer.agents for v in agent.algorithm.variables if v.dtype.is_floating]
    return {"steps": int(trainer.steps), "losses": losses, "learned": sum(float(abs(x).sum()) for x in learned)}


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


@pytest.mark.parametrize("execution", [*(pytest.param(x, marks=pytest.mark.slow) for x in ("eager", "graph")), "xla"])
@pytest.mark.parametrize("game", GAMES)
def test_trainings_are_what_they_were(game, execution):
    recorded = json.loads(FILE.read_text())
    expected, found = recorded["traces"][game], trace(GAMES[game], execution)
    assert {k: found[k] for k in ("plies", "games", "play")} == {k: expected[k] for k in ("plies", "games", "play")}
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=1e-4)
    np.testing.assert_allclose(found["weights"], expected["weights"], rtol=1e-4, atol=1e-4)
    if machine() == recorded["machine"]:
        assert found["bits"] == expected["bits"][execution]


@pytest.mark.parametrize("execution", ["eager", *(pytest.param(x, marks=pytest.mark.slow) for x in EXECUTIONS[1:])])
@pytest.mark.parametrize("name", NAMES)
def test_every_environment_plays_as_it_did(name, execution):
    expected, found = json.loads(FILE.read_text())["play"][name], play(name, execution)
    assert found.pop("sum") == pytest.approx(expected.pop("sum"), rel=1e-4)
    assert found == expected


@pytest.mark.parametrize("execution", ["eager", *(pytest.param(x, marks=pytest.mark.slow) for x in EXECUTIONS[1:])])
@pytest.mark.parametrize(
    "name", [x if x in ("dqn", "tabular", "ppo") else pytest.param(x, marks=pytest.mark.slow) for x in LEARNERS]
)
def test_every_algorithm_learns_as_it_did(name, execution):
    expected, found = json.loads(FILE.read_text())["lessons"][name], lesson(name, execution)
    assert found["steps"] == expected["steps"]
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=1e-3, atol=1e-5)
    assert found["learned"] == pytest.approx(expected["learned"], rel=1e-3)


def main() -> None:
    traces = {}
    for name, game in GAMES.items():
        found = {execution: trace(game, execution) for execution in EXECUTIONS}
        traces[name] = found["eager"] | {"bits": {execution: each["bits"] for execution, each in found.items()}}
        for execution, each in found.items():
            assert each["play"] == found["eager"]["play"], f"{name} plays other games when it is {execution}"
    content = {"written_by": "python tests/test_determinism.py", "machine": machine(), "traces": traces}
    content["play"] = {name: play(name, "eager") for name in NAMES}
    content["lessons"] = {name: lesson(name, "eager") for name in LEARNERS}
    FILE.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
