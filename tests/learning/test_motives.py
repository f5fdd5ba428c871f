"""What an agent is paid from within: when that is counted, what it learns from, and what is written down."""

import numpy as np
import pytest
import tensorflow as tf
from small import small_config
from worlds import Row, Scripted

from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import categorical_dqn, dqn, ppo
from imagents.learning.motives import Motivation
from imagents.motivation import Counts, predicting
from imagents.training.loop import Trainer, build


class Thrice(Motivation):
    """Pays three times what a variable holds for a decision, and learns by adding 1 to that."""

    def __init__(self, place):
        super().__init__(name="thrice")
        self.value = tf.Variable(1.0, trainable=False)

    def bonus(self, decisions):
        return 3.0 * self.value * tf.ones_like(decisions.reward)

    def learn(self, decisions, counts):
        self.value.assign_add(1.0)


class Clock(Motivation):
    """Feels 1 at each time step that pays at all, and knows how often it was told of decisions."""

    def __init__(self, place):
        super().__init__(name="clock")
        self.decided = tf.Variable(tf.zeros([place.batch_size]), trainable=False)

    def felt(self, moment):
        return tf.ones([moment.counts.shape[0]])

    def note_decisions(self, asked, sight, action):
        self.decided.assign_add(tf.cast(asked, tf.float32))


ROWS = [Row([0], [0, 0]), Row([1], [1, 8]), Row([0], [2, 0]), Row([], [4, 0])]  # seat 0 decides in rows 0 and 2


def two(*motivations, **settings) -> list[IMAgent]:
    """Agents for that script, of which the first one has motivations; the same for B = 2 copies."""
    world = Scripted(ROWS, 2, at_once=False, alike=True)
    learner = dict(algorithm=dqn(hidden_layers=(4,)), replay_length=16, sample_batch_size=8) | settings
    agents = [IMAgent(world, motivations=motivations, **learner), IMAgent(world, seat=1, **learner)]
    return Trainer(world, agents, warmup_rounds=100, execution="eager")


def test_an_agent_says_what_it_is():
    agents = two((Thrice, 2.0)).agents
    assert repr(agents[0]) == "<IMAgent player_1: seat 0, DQN, thrice; 2 side by side>"
    assert repr(agents[1]) == "<IMAgent player_2: seat 1, DQN; 2 side by side>"


def learned(agent: IMAgent, monkeypatch) -> np.ndarray:
    """The rewards of the decisions that the algorithm is given in a train iteration."""
    seen = []
    monkeypatch.setattr(agent.algorithm, "train", lambda experience, weights=None: seen.append(experience))
    agent.train_iteration()
    return seen[0].reward[:, 0].numpy()


def test_a_bonus_is_computed_when_a_decision_is_sampled_and_before_the_motivation_learns_from_it(monkeypatch):
    trainer = two((Thrice, 0.5))
    trainer.run(6)
    agent = trainer.agents[0]
    kept = agent.replay_buffer.gather_all().reward.numpy()
    assert {*kept} == {3.0, 4.0}  # the environment's alone: 1 + 2 until row 2, then 4
    assert {*learned(agent, monkeypatch)} <= {4.5, 5.5}
    assert {*learned(agent, monkeypatch)} <= {6.0, 7.0}  # the same decisions, once it had learned


def test_what_is_felt_is_part_of_the_decision_under_way():
    trainer = two((Clock, 0.25))
    trainer.run(6)
    agent = trainer.agents[0]
    assert {*agent.replay_buffer.gather_all().reward.numpy()} == {3.5, 4.25}  # two time steps, then one
    assert {*trainer.agents[1].replay_buffer.gather_all().reward.numpy()} == {0.0}  # an agent of its own


def test_decisions_are_told_once_as_they_are_taken():
    trainer = two((Clock, 1.0))
    trainer.run(5)
    [clock] = trainer.agents[0].motives.parts
    closed = int(trainer.agents[0].replay_buffer.num_frames())
    assert clock.decided.numpy().tolist() == [closed / 2, closed / 2] == [5, 5]  # all of them have closed by then


def test_returns_are_what_the_environment_pays_and_what_the_agent_was_paid():
    trainer = two((Thrice, 0.5), (Clock, 0.25))
    metrics = trainer.run(9)
    assert metrics["player_1_return"] == 7.0 and metrics["player_2_return"] == metrics["player_2_own_return"] == 8.0
    assert metrics["player_1_own_return"] == 7.0 + 2 * 1.5 + 3 * 0.25  # two decisions, three time steps
    assert metrics["player_1_thrice"] == 3.0  # per decision, without its weight
    assert metrics["player_1_clock"] == pytest.approx(1.5, abs=0.2)  # three in two; lives under way are cut
    assert not [name for name in metrics if name in ("player_2_thrice", "player_2_clock")]


def test_who_does_not_explore_neither_pays_nor_trains_a_motivation():
    motivation = "counts:0.1,episodic_counts:0.1,rnd"
    trainer = build(small_config("deep_sea", size=3, motivation=motivation, counts_optimism=1.0))
    trainer.run(3)
    agent, time_step = trainer.agents[0], trainer.environment.current_time_step()
    before = [variable.numpy() for variable in agent.motives.variables]
    action, _ = agent.decide(time_step, agent.next_state((), time_step))
    best = tf.argmax(agent.q_values(time_step), axis=1)  # hopes are no values
    assert action.numpy().tolist() == best.numpy().tolist()
    for old, new in zip(before, agent.motives.variables, strict=True):
        np.testing.assert_array_equal(old, new)


ALL = "counts:0.1,episodic_counts:0.1,rnd:0.5,icm:0.2,learning_progress:0.3,empowerment:0.1"


@pytest.mark.parametrize(
    "algorithm",
    ["tabular", "ppo", *(pytest.param(x, marks=pytest.mark.slow) for x in ("drqn", "c51", "recurrent_ppo"))],
)
def test_every_algorithm_takes_motivations(algorithm, monkeypatch):
    settings = {"rollout_length": 4} if algorithm == "ppo" else {}
    settings |= {"window_length": 2, "recurrent_units": 4} if algorithm in ("drqn", "recurrent_ppo") else {}
    settings |= {"rollout_length": 4} if algorithm == "recurrent_ppo" else {}
    trainer = build(small_config("deep_sea", size=3, algorithm=algorithm, motivation="counts:2,icm", **settings))
    agent, given = trainer.agents[0], []
    train = agent.algorithm.train

    def watch(experience, weights=None):
        given.append(np.max(experience.reward))
        return train(experience, weights=weights)

    monkeypatch.setattr(agent.algorithm, "train", watch)
    metrics = trainer.run(8)
    assert 0 < metrics["player_1_counts"] < 1
    assert max(given) > 0.2  # the least that counts have paid; the sea pays less but at its end
    decided = 8 - int(trainer.episodes) // 16
    assert int(tf.reduce_sum(agent.motives.parts[0]._table)) == 16 * decided


def test_a_training_goes_on_from_its_checkpoint_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(predicting, "_SETTLING", 8.0)
    config = small_config("deep_sea", size=3, empowerment_steps=1, motivation=ALL)
    first = build(config)
    first.run(4)
    path = tf.train.Checkpoint(trainer=first).write(str(tmp_path / "state"))
    expected = first.run(2)
    assert all(expected[f"player_1_{name}"] for name in ("counts", "rnd", "icm", "learning_progress", "empowerment"))
    second = build(config)
    tf.train.Checkpoint(trainer=second).read(path).assert_consumed()
    np.testing.assert_equal(second.run(2), expected)


def test_what_an_algorithm_cannot_learn_from_is_refused():
    world = Scripted(ROWS, at_once=False, alike=True)
    for learner, words, settings in (
        (ppo(), "player_1: PolicyGradient has no values of actions to which optimism could be added", {}),
        (categorical_dqn(), "player_1: CategoricalDQN has no values", {}),
        (dqn(), "player_1: n_step = 3: its motivations pay single decisions", {"n_step": 3}),
    ):
        with pytest.raises(InputError, match=words):
            IMAgent(world, algorithm=learner, motivations=[(lambda place: Counts(place, 1.0), 1.0)], **settings)
    with pytest.raises(InputError, match="player_1: its motivations are counts, counts: each counts once"):
        IMAgent(world, motivations=[(Counts, 1.0), (Counts, 2.0)])
