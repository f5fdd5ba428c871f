"""The mean return is that of a training's own players, greedy, all together, and costs the training nothing."""

import numpy as np
import pytest
import tensorflow as tf
from worlds import F, L, M, Row, Scripted

from imagents.config import TrainConfig
from imagents.evaluation.returns import Returns, _standard_error
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import drqn
from imagents.learning.build import build_learners
from imagents.players.base import Player, RandomPlayer
from imagents.training.loop import Trainer

LIVES = [
    Row([0, 1], [0, 0], [F, F], [1, 1]),
    Row([0], [1, 10], [M, L], [1, 0]),
    Row([0, 1], [2, 0], [M, F], [1, 1]),
    Row([], [4, 40], [L, L], [0, 0]),
]


def agents_of(environment, **settings):
    return [IMAgent(environment, seat=seat, sample_batch_size=4, **settings) for seat in range(environment.num_seats)]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("copies", [1, 3])
def test_returns_are_per_life_and_of_the_environments_own_reward(copies, at_once):
    """Seat 1 lives twice an episode, for 10 and for 40; what the agents pay themselves does not matter."""
    make = lambda: Scripted(LIVES, batch_size=copies, at_once=at_once, alike=True)  # noqa: E731
    greedy = agents_of(make(), reward_fn=lambda time_step, seat, state: 100 * tf.ones_like(time_step.discount))
    returns = Returns(make(), greedy, episodes=5)
    per_copy = -(-5 // copies)
    for _ in range(2):  # again and again
        assert returns.report() == {
            "player_1": {"mean_return": 7, "lives": per_copy * copies},
            "player_2": {"mean_return": 25, "lives": 2 * per_copy * copies},
        }
    assert returns.text(returns.report()).splitlines()[0].startswith("player_1  mean return 7 over ")


class Counter(Player):
    """Draws by chance, and remembers how often it was asked."""

    def __init__(self, seat):
        super().__init__(seat, "counter")
        self.asked, self.seen = tf.Variable(0), tf.Variable(0)
        self._random = RandomPlayer(seat, action_spec=Scripted(LIVES, alike=True).action_spec())

    def choose(self, time_step):
        self.asked.assign_add(1)
        return self._random.choose(time_step)

    def observe(self, time_step, moved=None):
        self.seen.assign_add(1)


def test_an_evaluation_does_not_disturb_the_training():
    found = []
    for evaluates in (False, True):
        environment = Scripted(LIVES, batch_size=2, alike=True)
        agent = IMAgent(environment, seat=0, sample_batch_size=4, initial_state=0,
                        state_fn=lambda state, time_step, seat: state + 1)  # fmt: skip
        trainer = Trainer(environment, [agent, Counter(1)], warmup_rounds=2, execution="eager")
        returns = Returns(Scripted(LIVES, batch_size=2, alike=True), trainer.players)
        metrics = [trainer.run(5)]
        if evaluates:
            assert returns.report()["player_1"]["mean_return"] == 7
        metrics.append(trainer.run(5))
        found.append((metrics, [v.numpy() for v in trainer.variables]))
    assert repr(found[0][0]) == repr(found[1][0])
    for x, y in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(x, y)


def test_an_agent_that_remembers_is_worth_what_it_gets_by_its_memory():
    """It sees nothing but where it is, and pushes by what it remembers."""
    face = TrainConfig("cartpole", hide_velocity=True).environment
    environment = face.build(2, 1)
    agent = IMAgent(environment, algorithm=drqn(recurrent_units=8, hidden_layers=(), seed=2))
    for variable in agent.algorithm._q_network.variables:
        variable.assign(8.0 * variable)
    [report] = Returns(face.build(2, 1), [agent], episodes=4).report().values()
    agent.observe(environment.reset())
    lengths, steps, pushes = [[], []], [0, 0], set()
    while min(map(len, lengths)) < 2:
        action = agent.act(environment.current_time_step())
        pushes.update(action.numpy().tolist())
        was_last = environment.current_time_step().is_last().numpy()
        time_step = environment.step(action)
        agent.observe(time_step)
        for copy, ends in enumerate(time_step.is_last().numpy()):
            steps[copy] = 0 if was_last[copy] else steps[copy] + 1
            if ends:
                lengths[copy].append(steps[copy])
    assert pushes == {0, 1} and report["mean_return"] == np.mean([each[:2] for each in lengths])


def test_xla_finds_the_same():
    make = lambda: Scripted(LIVES, batch_size=2, at_once=False, alike=True)  # noqa: E731
    players = agents_of(make())[:1] + [RandomPlayer(1, action_spec=make().action_spec())]
    assert Returns(make(), players, xla=True).report() == Returns(make(), players).report()


def test_however_many_episodes_are_asked_for_all_are_played(monkeypatch):
    monkeypatch.setattr("imagents.evaluation.returns._MOST_ROUNDS", 200)
    environment = Scripted([Row([0], [0])] + [Row([0], [1])] * 149 + [Row([], [1])], alike=True)
    assert Returns(environment, agents_of(environment), 3).report() == {"player_1": {"mean_return": 150, "lives": 3}}


def test_an_episode_that_does_not_end_counts_as_far_as_it_came(monkeypatch):
    monkeypatch.setattr("imagents.evaluation.returns._MOST_ROUNDS", 200)
    environment = Scripted([Row([0], [0])] + [Row([0], [1])] * 299 + [Row([], [1])], alike=True)
    [agent] = agents_of(environment)
    report = Returns(environment, [agent]).report()
    assert report == {"player_1": {"mean_return": 200, "lives": 1, "unfinished": 1}}
    assert Returns.text(report) == (
        "player_1  mean return 200 over 1 life, 1 of them unfinished\n"
        "in 200 rounds these did not end: does the environment ever say LAST?"
    )


def test_who_never_lives_has_no_mean():
    rows = [Row([0], [0, 0], [F, F], [1, 1]), Row([0], [1, 0], [M, F], [1, 1]), Row([], [1, 0], [L, F], [0, 1])]
    environment = Scripted(rows, alike=True)
    report = Returns(environment, agents_of(environment), episodes=2).report()
    assert report["player_1"] == {"mean_return": 2, "lives": 2}
    assert report["player_2"]["lives"] == 0 and np.isnan(report["player_2"]["mean_return"])


def test_returns_of_sampled_policies_depend_on_the_seed_alone_eagerly_and_under_xla():
    config = TrainConfig("rock_paper_scissors", exploration="boltzmann", exploration_end=1.0, parallel_games=10)
    found = []
    for seed, xla in ((1, False), (1, True), (2, False)):
        environment = config.environment.build(10, 0)
        players = [*build_learners(config, environment).values()]
        for player in players:
            player.follow("sampled", seed)
        found.append(Returns(environment, players, episodes=500, xla=xla).report())
    assert found[0] == found[1] != found[2]
    assert found[0]["player_1"]["mean_return"] == pytest.approx(0, abs=0.15)


def test_a_mean_is_worth_what_the_difference_between_copies_says():
    returns = np.array([1, -1, 1, 1, -1.0])  # of a life in each copy
    expected = returns.std(ddof=1) / np.sqrt(5)
    assert _standard_error(returns - returns.mean(), 5) == pytest.approx(expected)
    assert np.isnan(_standard_error(np.zeros(1), 7)) and np.isnan(_standard_error(np.zeros(4), 0))
    environment = Scripted(LIVES, batch_size=3, alike=True)
    found = Returns(environment, agents_of(environment), episodes=6)
    found.report()
    assert found.standard_errors() == {"player_1": 0, "player_2": 0}  # all copies live alike
    assert found.tallies() == {}
