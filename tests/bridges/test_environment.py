"""Copies of a world as a `TFEnvironment`: it keeps to the contract, and every episode has a seed of its own."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
import toys

import imagents
from imagents.bridges.environment import BridgedEnvironment
from imagents.bridges.workers import CopyFailed, side_by_side
from imagents.errors import InputError
from imagents.players.base import RandomPlayer, runs_in_python
from imagents.randomness import make_seed
from imagents.training.loop import Trainer


def bridged(world=toys.Alone, batch_size=3, seed=0, workers=0, description=None):
    description = description or world().describe()
    copies = side_by_side(world, description, batch_size, workers)
    return BridgedEnvironment("toy", description, copies, batch_size, seed)


@pytest.mark.parametrize("world", [toys.Alone, toys.InTurn, toys.Lives])
def test_it_keeps_to_the_contract(world):
    assert imagents.check_environment(lambda batch_size, seed: bridged(world, batch_size, seed)) == []
    assert imagents.check_environment(bridged(world)) == []


def test_the_observation_of_one_alone_is_its_view():
    environment = bridged()
    assert environment.time_step_spec().observation == tf.TensorSpec([2], tf.float32, "view")
    assert not hasattr(environment, "num_seats") and environment.time_step_spec().reward.shape == []
    assert bridged(toys.InTurn).num_seats == 2
    assert sorted(bridged(toys.InTurn).time_step_spec().observation) == ["acts", "legal_moves", "views"]
    assert sorted(bridged(toys.Lives).time_step_spec().observation) == ["acts", "discounts", "step_types", "views"]


def test_ends_and_limits_are_told_apart():
    environment, ends = bridged(batch_size=8), {0.0: set(), 1.0: set()}
    environment.reset()
    for _ in range(40):
        time_step = environment.step(tf.zeros([8], tf.int32))
        for copy in np.flatnonzero(time_step.is_last()):
            ends[float(time_step.discount[copy])].add(int(time_step.observation[copy, 1]))
    assert ends == {0.0: {2, 4}, 1.0: {3, 5}}


def test_every_episode_is_seeded_by_the_seed_the_copy_and_its_number():
    environment, seen = bridged(seed=7, batch_size=2), {}
    time_step, numbers = environment.reset(), [0, 0]
    for _ in range(30):
        for copy in np.flatnonzero(time_step.is_first()):
            seen[int(copy), numbers[copy]] = float(time_step.observation[copy, 0])
            numbers[copy] += 1
        time_step = environment.step(tf.zeros([2], tf.int32))
    world, seed = toys.Alone(), make_seed(7, "environment")
    assert len(seen) > 10
    for (copy, number), first in seen.items():
        assert world.begin(make_seed(seed, f"copy {copy}, episode {number}")).views[0][0][0] == first


def test_it_can_be_asked_what_it_shows_before_it_was_reset():
    shown = bridged(batch_size=2).current_time_step()
    np.testing.assert_array_equal(shown.observation, bridged(batch_size=2).reset().observation)
    environment = bridged(batch_size=2)
    tf.function(environment.current_time_step)()
    assert bool(tf.reduce_all(tf.function(environment.step)(tf.zeros([2], tf.int32)).observation[:, 1] == 1))


@pytest.mark.parametrize(
    "world", [toys.Alone, *(pytest.param(each, marks=pytest.mark.slow) for each in (toys.InTurn, toys.Lives))]
)
def test_a_graph_and_workers_play_the_same(world):
    def played(execution, workers=0):
        environment = bridged(world, 4, workers=workers)
        seats = getattr(environment, "num_seats", 1)
        agents = [imagents.IMAgent(environment, seat=seat, replay_length=30) for seat in range(seats)]
        trainer = Trainer(environment, agents, execution=execution, train_steps_per_round=0)
        assert trainer.execution == execution
        trainer.run(12)
        environment.close()
        return [x.numpy() for agent in agents for x in tf.nest.flatten(agent.replay_buffer.gather_all())]

    eager, graph, apart = played("eager"), played("graph"), played("graph", 2)
    assert eager[0].shape[0] > 10
    for other in (graph, apart):
        for x, y in zip(eager, other, strict=True):
            np.testing.assert_array_equal(x, y)


def test_it_is_never_compiled_by_xla():
    environment = bridged()
    player = RandomPlayer(0, action_spec=environment.action_spec())
    assert runs_in_python(environment, [player])
    assert Trainer(environment, [player], execution="xla").execution == "graph"


def test_a_checkpoint_holds_the_numbers_of_the_episodes_and_a_resume_begins_new_ones(tmp_path):
    """Two resumes from one checkpoint are equal, bit for bit, and repeat no episode."""

    def trainer():
        environment = bridged(batch_size=4)
        return Trainer(environment, [imagents.IMAgent(environment, sample_batch_size=4)], execution="eager")

    stopped = trainer()
    stopped.run(12)
    assert not stopped.keeps_episodes
    begun = stopped.environment._begun.numpy()
    path, ends = tf.train.Checkpoint(trainer=stopped).write(str(tmp_path / "checkpoint")), []
    for _ in range(2):
        resumed = trainer()
        tf.train.Checkpoint(trainer=resumed).read(path).assert_consumed()
        resumed.begin_anew()
        assert resumed.environment._begun.numpy().tolist() == (begun + 1).tolist()
        assert bool(tf.reduce_all(resumed.environment.current_time_step().is_first()))
        resumed.run(12)
        ends.append([x.numpy() for x in tf.nest.flatten(resumed.agents[0].replay_buffer.gather_all())])
    for x, y in zip(*ends, strict=True):
        np.testing.assert_array_equal(x, y)
    first = stopped.environment.reset().observation.numpy()
    assert not np.array_equal(first, bridged(batch_size=4).reset().observation)


def test_notes_are_said_once():
    import dataclasses

    description = dataclasses.replace(toys.Alone().describe(), notes=("half of it is left out",))
    with pytest.warns(UserWarning, match="^toy: half of it is left out$"):
        bridged(description=description)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bridged(description=description)


def test_copy_0_is_shown():
    environment = bridged()
    assert environment.frame().shape == (2, 3, 3)
    assert environment.render() == f"{environment.current_time_step().observation[0, 0]:.0f}"
    environment.step([1, 1, 1])
    assert environment.frame(0).max() == 1
    with pytest.raises(InputError, match="^copy = 1: an environment in Python shows copy 0$"):
        environment.frame(1)


def test_actions_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"^actions have shape \(2,\): one for each of the 3 copies is needed"):
        bridged().step([0, 1])


def test_what_goes_wrong_inside_of_a_graph_names_the_copy():
    environment = bridged(lambda: toys.Failing("raises"), 4)
    player = RandomPlayer(0, action_spec=environment.action_spec())
    with pytest.raises(CopyFailed, match="^copy [0-3]: ZeroDivisionError: there is no more"):
        Trainer(environment, [player], execution="graph").run(20)
