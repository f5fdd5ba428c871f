"""The loop plays and trains, the same eagerly, as a graph and compiled, and repeats with its seed."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from small import small_config
from worlds import Row, Scripted

from imagents.config import TrainConfig
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.learning.build import epsilon_ladder
from imagents.players.base import RandomPlayer
from imagents.training.loop import Trainer, build

SMALL = small_config(parallel_games=32, batch_size=32, warmup_rounds=5, hidden_layers=(16,), opening_plies=0,
                     execution="xla")
EAGER = SMALL.replace(execution="eager")


def weights(trainer):
    return [v.numpy() for agent in trainer.agents for v in agent.algorithm._q_network.variables]


def assert_equal(left, right):
    for x, y in zip(left, right, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.fixture(scope="module")
def trained():
    """A training of 30 rounds, what it said and the weights it began with; nobody may go on with it."""
    trainer = build(SMALL)
    before = weights(trainer)
    return trainer, trainer.run(30), before


@dataclasses.dataclass
class Part:
    """What a trainer had come to after some of its chunks."""

    rounds: int
    metrics: dict
    weights: list
    steps: int
    episodes: int


CHUNKS = (5, 6, 1, 18)


@pytest.fixture(scope="module")
def in_parts(tmp_path_factory):
    """The same training in chunks of other lengths, and a checkpoint of it before the last one."""
    trainer, parts, path = build(SMALL), [], tmp_path_factory.mktemp("checkpoint") / "state"
    for rounds in CHUNKS:
        if rounds == CHUNKS[-1]:
            tf.train.Checkpoint(trainer=trainer).write(str(path))
        metrics = trainer.run(rounds)
        parts.append(Part(rounds, metrics, weights(trainer), int(trainer.steps), int(trainer.episodes)))
    return parts, path


def test_two_agents_learn_and_what_one_wins_the_other_loses(trained):
    trainer, metrics, before = trained
    assert all((x != y).any() for x, y in zip(before, weights(trainer), strict=True))
    assert metrics["player_1_return"] == -metrics["player_2_return"]
    rates = [metrics[name] for name in ("player_1_wins", "player_2_wins", "draws", "illegal")]
    assert sum(rates) == pytest.approx(1) and rates[3] == 0
    assert metrics["player_1_return"] == pytest.approx(rates[0] - rates[1])
    assert metrics["player_1_loss"] > 0 and metrics["player_2_loss"] > 0


def test_it_says_who_trains_where_and_with_what_memory(trained):
    trainer = trained[0]
    where = "<BoardGameEnvironment: 32 copies>"
    assert repr(trainer) == f"<Trainer: player_1, player_2 in {where}; 30 rounds, xla>"
    assert repr(trainer.agents[0].replay_buffer) == "<FIFOReplayBuffer: up to 1,024 frames of 28 bytes>"


def test_steps_and_episodes_are_counted(trained):
    trainer, _, _ = trained
    # 32 games for 60 half-rounds, in which nobody waits but, on an empty board, the seat that does not begin.
    assert 0.35 < (32 * 60 - int(trainer.steps)) / (32 + int(trainer.episodes)) < 0.65
    assert 5 <= int(trainer.steps) / int(trainer.episodes) <= 9
    assert int(trainer.rounds) == 30


def test_nothing_is_learned_before_the_warmup_is_over():
    trainer = build(EAGER)
    before = weights(trainer)
    metrics = trainer.run(EAGER.algorithm.warmup_rounds)
    assert_equal(before, weights(trainer))
    assert np.isnan(metrics["player_1_loss"])
    assert trainer.run(1)["player_1_loss"] > 0


@pytest.mark.parametrize("execution", ["graph", "eager"])
def test_a_round_is_the_same_however_it_is_executed(in_parts, execution):
    """Play is equal to the last bit; the order of sums differs between compilers, so weights nearly."""
    other = build(SMALL.replace(execution=execution))
    for compiled in in_parts[0][:2]:
        assert other.run(compiled.rounds) == pytest.approx(compiled.metrics, nan_ok=True, rel=1e-3)
        assert (int(other.steps), int(other.episodes)) == (compiled.steps, compiled.episodes)
        for x, y in zip(compiled.weights, weights(other), strict=True):
            np.testing.assert_allclose(x, y, atol=1e-5)


def test_the_same_seed_gives_the_same_training_in_chunks_of_any_length(trained, in_parts):
    assert_equal(weights(trained[0]), in_parts[0][-1].weights)


def test_another_seed_gives_another_training(trained):
    first, metrics, before = trained
    other = build(SMALL.replace(seed=1, execution="graph"))
    assert any((x != y).any() for x, y in zip(before, weights(other), strict=True))
    assert other.run(30)["player_1_wins"] != metrics["player_1_wins"]
    assert any((abs(x - y) > 1e-3).any() for x, y in zip(weights(first), weights(other), strict=True))


def test_a_whole_training_can_be_checkpointed(in_parts):
    [*_, last], path = in_parts
    again = build(SMALL)
    tf.train.Checkpoint(trainer=again).read(str(path)).assert_consumed()
    assert again.run(last.rounds) == last.metrics
    assert_equal(weights(again), last.weights)


def test_the_agents_are_independent_learners(trained):
    first, second = trained[0].agents
    shared = {id(v) for v in first.trainable_variables} & {id(v) for v in second.trainable_variables}
    assert not shared
    assert any(
        (x.numpy() != y.numpy()).any()
        for x, y in zip(first.algorithm._q_network.variables, second.algorithm._q_network.variables, strict=True)
    )


def test_a_single_agent_learns_against_a_fixed_player():
    trainer = build(SMALL.replace(opponent="random", parallel_games=128, batch_size=128))
    assert [agent.name for agent in trainer.agents] == ["player_1"]
    first = trainer.run(50)
    trainer.run(400)
    last = trainer.run(50)
    assert last["player_1_wins"] > first["player_1_wins"] + 0.1
    assert "player_2_loss" not in last


def test_agents_made_by_hand_train_like_those_of_a_config():
    environment = BoardGameEnvironment(TIC_TAC_TOE, 8)
    specs = environment.time_step_spec(), environment.action_spec()
    alone = IMAgent(*specs, batch_size=8, sample_batch_size=16, seat=1)
    trainer = Trainer(environment, [RandomPlayer(seat=0), alone], warmup_rounds=2, execution="eager")
    metrics = trainer.run(6)
    assert alone.replay_buffer.num_frames() > 8
    assert set(metrics) >= {"player_2_loss", "player_2_return", "draws"}


@pytest.mark.slow
def test_different_algorithms_learn_in_the_same_game_each_at_its_own_pace():
    own = {"player_1.train_steps_per_round": 3, "player_1.warmup_rounds": 4, "player_1.batch_size": 16}
    own |= {"player_2.rollout_length": 5, "player_2.epochs": 2, "player_2.minibatches": 1}
    config = TrainConfig("kuhn_poker", algorithms=("dqn", "ppo"), parallel_games=8, execution="graph", **own)
    trainer = build(config)
    metrics = trainer.run(10)
    dqn, ppo = (agent.algorithm for agent in trainer.agents)
    assert int(dqn.train_step_counter) == 6 * 3 and int(ppo.train_step_counter) == 2 * 2
    assert metrics["player_1_loss"] > 0 and 0 < metrics["player_2_entropy"] < 0.7
    assert not {id(v) for v in dqn.variables} & {id(v) for v in ppo.variables}


def test_several_train_steps_a_round():
    trainer = build(EAGER.replace(train_steps_per_round=3))
    trainer.run(EAGER.algorithm.warmup_rounds + 4)
    assert [int(agent.algorithm.train_step_counter) for agent in trainer.agents] == [12, 12]


def test_the_epsilon_ladder_climbs_in_geometric_steps():
    np.testing.assert_allclose(epsilon_ladder(0.01, 1.0, 3), [0.01, 0.1, 1.0])
    assert epsilon_ladder(0.2, 0.2, 2) == [0.2, 0.2]
    assert epsilon_ladder(0.2, 0.9, 1) == [0.2]


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"environment": "chess"}, "unknown environment 'chess': choose one of tic_tac_toe, connect_four"),
        ({"opponent": "nobody"}, "opponent = 'nobody': unknown player 'nobody': choose "),
        ({"opening_plies": 9}, "opening_plies = 9: tic_tac_toe takes 0 to 8"),
    ],
)
def test_what_does_not_exist_is_named(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(SMALL.replace(**change))


@pytest.mark.parametrize("execution", ["eager", "graph", "xla"])
def test_nobody_trains_before_every_agent_has_a_decision_to_learn_from(execution):
    """Seat 1 is first asked at the fifth step: its first decision closes with the sixth, the end."""
    rows = [Row([0], [0, 0]), *[Row([0], [1, 0])] * 4, Row([0, 1], [1, 0]), Row([], [1, 1])]
    environment = Scripted(rows)
    agents = [IMAgent(environment, seat=seat, sample_batch_size=4) for seat in (0, 1)]
    trainer = Trainer(environment, agents, warmup_rounds=2, execution=execution)
    began = weights(trainer)
    metrics = trainer.run(5)
    assert np.isnan([metrics["player_1_loss"], metrics["player_2_loss"]]).all()
    assert_equal(began, weights(trainer))
    metrics = trainer.run(2)
    assert np.isfinite([metrics["player_1_loss"], metrics["player_2_loss"]]).all()
    assert [int(agent.algorithm.train_step_counter) for agent in agents] == [2, 2]


def test_a_reward_of_another_shape_than_promised_is_refused_before_anything_is_trained():
    """TensorFlow would make do with one number for both seats, and a game that one wins were one that both win."""

    class Wrong(Scripted):
        def _current_time_step(self):
            step = super()._current_time_step()
            return step._replace(reward=step.reward[:, 0])

    environment = Wrong([Row([0], [0, 0]), Row([0], [1, 0]), Row([], [1, 0])], batch_size=2)
    needed = r"reward of a time step is float32 \(2,\): float32 \(2, 2\) is needed; imagents.check_environment"
    agents = [IMAgent(environment, seat=seat, sample_batch_size=4) for seat in (0, 1)]
    with pytest.raises(InputError, match=needed):
        Trainer(environment, agents)
