"""Which runs share a compiled program, and whether that program holds nothing in which they differ."""

import collections
import pathlib

import pytest
import tensorflow as tf

from imagents.config import ENVIRONMENTS, TrainConfig, environment_class
from imagents.settings import ALGORITHMS, Training, settings_of
from imagents.studies.worker import structure
from imagents.training.loop import build

# Two values of all that is free, neither of which makes another program; prime numbers, which nothing else needs.
FREE = {
    "discount": (0.97, 0.89), "exploration_start": (0.83, 0.79), "exploration_end": (0.13, 0.17),
    "exploration_decay": (0.991, 0.983), "hysteretic": (0.59, 0.43), "lenient_temperature": (1.1, 1.3),
    "lenient_decay": (0.947, 0.953), "lenient_moderation": (1.7, 1.9), "learning_rate": (0.0011, 0.0013),
    "final_learning_rate": (1.7e-5, 1.9e-5), "target_update_period": (223, 227), "target_update_tau": (0.61, 0.67),
    "epsilon_min": (0.019, 0.023), "epsilon_max": (0.29, 0.31), "gae_lambda": (0.73, 0.71),
    "gradient_clipping": (0.37, 0.41), "clip": (0.23, 0.19), "reward_win": (1.3, 1.7), "reward_loss": (-1.9, -2.3),
    "reward_draw": (0.11, 0.07), "reward_illegal": (-3.1, -3.7), "episode_length": (211, 199),
    "penalty": (-31.0, -37.0), "multiplier": (1.23, 1.27), "softmax_temperature": (0.47, 0.53),
    "motivation": ("prosocial:0.0271,inequity_aversion:0.0277", "prosocial:0.0281,inequity_aversion:0.0283"),
    "counts_optimism": (1.09, 1.11), "inequity_envy": (3.07, 3.11), "inequity_guilt": (0.0727, 0.0733),
    "inequity_memory": (0.907, 0.911), "league_win_rate": (0.51, 0.57), "seed": (0, 5), "steps": (100, 200),
    "minutes": (1.0, 2.0), "rounds_per_chunk": (3, 4), "evaluate_every": (2, 3), "checkpoint_minutes": (2.0, 3.0),
    "snapshots": (3, 4), "record_every": (0, 10), "track": ("", "mlflow"),
}  # fmt: skip
WORLDS = {"dqn": "tic_tac_toe", "c51": "kuhn_poker", "tabular": "penalty"}
SMALL = dict(
    parallel_games=6, hidden_layers=(5,), batch_size=8, warmup_rounds=2, replay_length=4, n_step=2, window_length=2
)


def small(algorithm: str, place: int, environment: str = "", **settings) -> TrainConfig:
    """A small training, in which all that is free has the one or the other of its values."""
    name = environment or WORLDS.get(algorithm, "kuhn_poker")
    parts = environment_class(name), ALGORITHMS[algorithm], Training
    values = SMALL | {key: values[place] for key, values in FREE.items()}
    values |= dict(hysteretic=1.0, lenient_temperature=0.0) if algorithm == "c51" else {}
    if algorithm == "tabular":
        values["motivation"] += ",counts:0.0313" if place else ",counts:0.0319"
    else:
        del values["counts_optimism"]
    known = {key for part in parts for key in settings_of(part)}
    return TrainConfig(name, algorithm=algorithm, **{key: x for key, x in values.items() if key in known} | settings)


def constants(config: TrainConfig) -> collections.Counter:
    """Everything that the program of a training holds, by how often."""
    graph = build(config)._chunk.get_concrete_function(tf.constant(1, tf.int64)).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    held = [node.attr["value"].tensor for node in nodes if node.op == "Const"]
    return collections.Counter(x.SerializeToString() for x in held if x.dtype != tf.string)


def test_all_that_is_free_is_known_here_and_on_the_page():
    parts = [Training, *ALGORITHMS.values(), *(environment_class(name) for name in ENVIRONMENTS if name.islower())]
    assert {name for part in parts for name in part.free} == set(FREE)
    page = (pathlib.Path(__file__).parents[2] / "docs" / "studies.md").read_text()
    assert [name for name in FREE if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    "algorithm", [x if x == "tabular" else pytest.param(x, marks=pytest.mark.slow) for x in ALGORITHMS]
)
def test_runs_that_share_a_program_differ_in_nothing_that_it_holds(algorithm):
    one, other = (small(algorithm, place, opponent="random") for place in range(2))
    assert structure(one) == structure(other)
    first = constants(one)
    assert first and first == constants(other)


def test_a_number_that_switches_something_off_makes_another_program():
    assert structure(small("dqn", 0)) != structure(small("dqn", 0, hysteretic=1.0))
    assert structure(small("ppo", 0)) != structure(small("ppo", 0, gradient_clipping=0))
    assert structure(small("tabular", 0)) == structure(small("tabular", 0, hysteretic=1.0))
    assert structure(small("tabular", 0)) != structure(small("tabular", 0, episode_length=1))


def test_what_is_an_agents_own_counts():
    values = ((0.5, 8), (0.7, 8), (0.7, 9))
    own = [{"player_2.discount": discount, "player_2.batch_size": size} for discount, size in values]
    keys = [structure(small("dqn", 0, **settings)) for settings in ({}, *own)]
    assert keys[1] == keys[2] and len(set(keys)) == 3


def test_c51_has_the_returns_that_are_possible_in_its_program():
    rewards = [dict(reward_draw=0), dict(reward_draw=0.5), dict(reward_win=2)]
    keys = [structure(small("c51", 0, "tic_tac_toe", **changes)) for changes in rewards]
    assert keys[0] == keys[1] != keys[2]
