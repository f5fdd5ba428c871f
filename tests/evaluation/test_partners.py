"""Agents of several runs meet in one compiled program, and get what a tournament of those two alone gives."""

import numpy as np
import pytest
import tensorflow as tf
from small import small_config, untrained_run

from imagents.config import TrainConfig
from imagents.evaluation.partners import Exchange
from imagents.evaluation.tournament import play_tournament
from imagents.runs.run import Run
from imagents.training.loop import build


def test_on_boards_a_pair_plays_the_match_of_a_tournament(tmp_path):
    runs = [untrained_run(tmp_path / f"{seed}", seed=seed).path for seed in range(2)]
    exchange = Exchange(small_config(), runs, games=20)
    found = {seating: exchange.play(seating) for seating in ((1, 0), (0, 1))}
    assert exchange.measure == "points" and exchange.policy == "greedy"
    match = play_tournament([f"{runs[0]}:player_1", f"{runs[1]}:player_2"], "tic_tac_toe", 20).match(0, 1)
    assert match.opening_plies and found[0, 1] == [match.total.score, match.turned().total.score]
    assert len({tuple(each) for each in found.values()}) > 1


@pytest.mark.parametrize("environment, algorithm", [
    ("climbing", "tabular"), pytest.param("kuhn_poker", "recurrent_ppo", marks=pytest.mark.slow)
])  # fmt: skip
def test_elsewhere_a_pair_plays_the_episodes_of_a_tournament(tmp_path, environment, algorithm):
    """What is drawn, too: untrained agents are anything but sure."""
    runs = [untrained_run(tmp_path / f"{n}", environment, algorithm=algorithm, seed=n).path for n in range(2)]
    exchange = Exchange(small_config(environment, algorithm=algorithm), runs, games=40)
    found = [exchange.play(seating) for seating in ((1, 1), (0, 1), (1, 0), (0, 1))]
    returns = play_tournament([str(run) for run in runs], environment, 80).returns[0, 1]
    assert exchange.measure == "mean_return" and exchange.policy == "sampled"
    assert found[1] == found[3] == [each.mean() for each in returns] != found[2]


def test_agents_that_share_their_weights_are_exchanged_one_by_one(tmp_path):
    settings = dict(algorithm="tabular", share_weights=True)
    runs = [_stubborn_run(tmp_path / f"{action}", "coordination", action, settings) for action in (0, 1)]
    exchange = Exchange(TrainConfig("coordination", execution="eager", **settings), runs, games=2)
    assert [exchange.play(seating)[0] for seating in ((0, 0), (0, 1), (1, 0), (1, 1))] == [1, 0, 0, 1]


def test_three_seats_are_three_runs_agents(tmp_path):
    """Public goods: what is contributed is doubled and shared by all three, and 1 that is kept is one's own."""
    settings = dict(algorithm="tabular", num_agents=3)
    runs = [_stubborn_run(tmp_path / f"{action}", "public_goods", action, settings) for action in (0, 1)]
    exchange = Exchange(TrainConfig("public_goods", execution="eager", **settings), runs, games=2)
    keeps, contributes = 1 + 2 / 3, 2 / 3
    np.testing.assert_allclose(exchange.play((0, 1, 1)), [contributes, keeps, keeps])
    np.testing.assert_allclose(exchange.play((1, 1, 0)), [keeps, keeps, contributes])
    np.testing.assert_allclose(exchange.play((0, 0, 0)), [2, 2, 2])


def _stubborn_run(path, environment, action, settings):
    """A run of agents that always do the same."""
    config = TrainConfig(environment, execution="eager", parallel_games=2, **settings)
    run, trainer = Run.create(path, config), build(config)
    for agent in trainer.agents:
        [table] = agent.policy.variables()
        table.assign(tf.one_hot(tf.fill(table.shape[:1], action), table.shape[1]))
    run.save(tf.train.Checkpoint(trainer=trainer), 0, 0.0)
    run.release()
    return path
