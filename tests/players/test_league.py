"""A league: past selves join when the learner wins enough, the oldest leave, and all of it survives a resume."""

import numpy as np
import pytest
import tensorflow as tf
from small import small_config

from imagents.config import TrainConfig
from imagents.environments.boards.environment import time_step_at
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.errors import InputError
from imagents.players.league import LeaguePlayer
from imagents.training.experiment import Experiment
from imagents.training.loop import build, load_run
from imagents.training.measuring import Measuring

SMALL = small_config(
    parallel_games=12, epsilon_min=0.0, epsilon_max=0.0, opponent="league", league_size=3, steps=10**6
)


def change(agent, to: float) -> None:
    """Gives all weights a value by which they are recognised."""
    for variable in agent.policy.variables():
        variable.assign(tf.fill(variable.shape, to))


def pool(league) -> list[float]:
    """The value of each place's weights."""
    for weights in league._pool:
        assert len(np.unique(weights[0])) == 1
    return [float(weights[0]) for weights in tf.unstack(league._pool[-1])]


@pytest.fixture
def trainer():
    return build(SMALL)


def test_selves_join_until_the_pool_is_full_and_then_the_oldest_leave(trainer):
    [learner], league = trainer.agents, trainer.players[1]
    assert isinstance(league, LeaguePlayer) and league.seat == 1
    for weights in league._pool:
        weights.assign(tf.zeros_like(weights))  # as if the first self had been 0
    pools = []
    for number in (1, 2, 3, 4):
        change(learner, float(number))
        league.join()
        pools.append(pool(league))
    assert pools == [[0, 1, 0], [0, 1, 2], [3, 1, 2], [3, 4, 2]]
    assert int(league.joined) == 5


@pytest.mark.parametrize("win_rate, joined", [(0.61, 2), (0.6, 2), (0.59, 1), (float("nan"), 1)])
def test_the_learner_joins_when_it_has_won_enough(trainer, win_rate, joined):
    assert trainer.players[1].after_chunk({"player_1_wins": win_rate}) == {"league_joined": joined}


def test_each_place_plays_an_equal_share_of_the_games_with_the_weights_it_holds(trainer):
    """Three selves that prefer the first, the second and the third cell of the first row."""
    [learner], league = trainer.agents, trainer.players[1]
    for place in range(3):
        change(learner, 0.0)
        learner.policy.variables()[-1].assign(tf.one_hot(place, 9))  # the biases of the Q values
        for weights, variable in zip(league._pool, learner.policy.variables()):
            weights.assign(tf.tensor_scatter_nd_update(weights, [[place]], [variable]))
    time_step = time_step_at(TIC_TAC_TOE, np.zeros([12, 3, 3]), seat=1)
    for act in (league.act, tf.function(league.act, jit_compile=True, autograph=False)):
        assert act(time_step).numpy().tolist() == [0, 1, 2] * 4


def test_it_sees_the_board_in_the_learners_colours(trainer):
    [learner], league = trainer.agents, trainer.players[1]
    boards = np.tile([[1, 2, 0], [0, 2, 0], [0, 0, 1]], [12, 1, 1])
    exchanged = np.where(boards == 0, 0, 3 - boards)
    own = learner.policy.action(time_step_at(TIC_TAC_TOE, exchanged, seat=0), ()).action
    np.testing.assert_array_equal(league.act(time_step_at(TIC_TAC_TOE, boards, seat=1)), own)


def test_past_selves_remember_nothing():
    settings = dict(opponent="league", league_size=4, parallel_games=8, replay_length=32, window_length=4)
    with pytest.raises(InputError, match="past selves remember nothing, and this agent has an internal"):
        build(TrainConfig(algorithm="drqn", **settings))


@pytest.mark.slow
@pytest.mark.parametrize("opponent", ["heuristic=1,league=2", "league", "random"])
def test_stopped_and_resumed_is_the_same_as_uninterrupted(tmp_path, opponent):
    config = SMALL.replace(
        opponent=opponent, league_win_rate=0.0, rounds_per_chunk=4, evaluate_every=100, epsilon_max=0.5
    )

    def train(experiment, chunks):
        measuring = Measuring(experiment._strength, experiment.trainer, config, lambda report: None)
        rows = [experiment._train_chunk(measuring)[0] for _ in range(chunks)]
        experiment._save()
        return [{k: v for k, v in row.items() if k not in ("seconds", "steps_per_second")} for row in rows]

    whole = train(Experiment(config, tmp_path / "whole"), 4)
    parts = train(Experiment(config, tmp_path / "parts"), 2)
    parts += train(Experiment(resume=tmp_path / "parts"), 2)
    np.testing.assert_equal(parts, whole)
    for left, right in zip(load_run(tmp_path / "whole").variables, load_run(tmp_path / "parts").variables):
        np.testing.assert_array_equal(left, right)
    assert opponent == "random" or whole[-1]["league_joined"] == 5


def test_places_that_do_not_divide_the_games_are_refused():
    with pytest.raises(ValueError, match="league_size = 5: each place plays an equal share of the 12 parallel games"):
        build(SMALL.replace(league_size=5))


@pytest.mark.parametrize("opponent", ["learner=1,random=1", "nobody", "random=0"])
def test_other_opponents_are_refused(opponent):
    with pytest.raises(ValueError, match=f"opponent = '{opponent}': "):
        build(SMALL.replace(opponent=opponent))


def test_the_sentence_about_unknown_opponents_names_those_of_training_too():
    with pytest.raises(ValueError, match="choose random, .*, learner, league, .*or the folder of a run"):
        build(SMALL.replace(opponent="nobody"))
