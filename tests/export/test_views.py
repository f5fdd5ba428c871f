"""Agents that live where there is no board are exported, too, and play as they did, in every format."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

import imagents
from imagents import own
from imagents.config import TrainConfig, environment_settings
from imagents.export.reading import ExportedAgent
from imagents.learning.build import build_agents
from imagents.seats import is_asked

NUMBERS = tf.TensorSpec([3], tf.float32)
NESTED = {"inner": {"far": NUMBERS, "near": tf.TensorSpec([2], tf.float32)}, "own": NUMBERS}
ACTION = tensor_spec.BoundedTensorSpec([], tf.int64, 1, 4)
MASK = tf.TensorSpec([4], tf.bool)


class Shows(tf_environment.TFEnvironment):
    """Shows anything that its spec allows; every third copy has no legal move, if there are any."""

    def __init__(self, observation, actions, batch_size, num_seats=None):
        reward = tf.TensorSpec([num_seats] if num_seats else [], tf.float32, "reward")
        super().__init__(ts.time_step_spec(observation, reward), actions, batch_size)
        if num_seats:
            self.num_seats = num_seats

    def _current_time_step(self):
        spec = self.time_step_spec()._replace(step_type=tensor_spec.BoundedTensorSpec([], tf.int32, 1, 1))
        time_step = tensor_spec.sample_spec_nest(spec, outer_dims=[self.batch_size], seed=1)
        if not isinstance(spec.observation, dict) or "legal_moves" not in spec.observation:
            return time_step
        stuck = tf.range(self.batch_size)[:, tf.newaxis] % 3 == 2
        masks = tf.nest.map_structure(lambda x: x & ~stuck, time_step.observation["legal_moves"])
        return time_step._replace(observation=time_step.observation | {"legal_moves": masks})

    def _reset(self):
        return self._current_time_step()

    def _step(self, action):
        return self._current_time_step()


FLOATS = tensor_spec.BoundedTensorSpec([2, 1], tf.float32, [[-1], [-3]], [[1], [3]])
WORLDS = {  # observation, actions, seats, the exported agent's seat, what its model takes
    "bare": (NUMBERS, ACTION, None, 0, {"view"}),
    "dictionary": (NESTED, ACTION, None, 0, {"view_inner_far", "view_inner_near", "view_own"}),
    "floats": (NUMBERS, FLOATS, None, 0, {"view"}),
    "tuple": ((NUMBERS, NUMBERS), ACTION, None, 0, {"view_0", "view_1"}),
    "mask": (NESTED | {"legal_moves": MASK}, ACTION, None, 0,
             {"view_inner_far", "view_inner_near", "view_own", "legal_moves"}),
    "seats": ({"views": (NUMBERS, NESTED), "acts": tf.TensorSpec([2], tf.bool), "legal_moves": ((), MASK)},
              (ACTION, ACTION), 2, 1, {"view_inner_far", "view_inner_near", "view_own", "legal_moves"}),
    "in turn": ({"views": (NUMBERS, NUMBERS), "seat": tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1)}, ACTION, 2, 1,
                {"view"}),
}  # fmt: skip
STATES = {
    "no state": {},
    "state": dict(initial_state={"mood": 0.5}, state_fn=lambda state, time_step, seat: {"mood": state["mood"] + 1.0}),
}


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """A function: an agent in one of these worlds, its environment, and what was written of it in a format."""
    monkeypatch.setattr(own, "_TRUSTED", {})

    def export(world, settings, format_name="saved_model"):
        observation, actions, num_seats, seat, _ = WORLDS[world]
        name = own.trust(lambda batch_size, seed: Shows(observation, actions, batch_size, num_seats), "m:f")
        environment = Shows(observation, actions, 7, num_seats)
        agent = imagents.IMAgent(environment, seat=seat, batch_size=7, **settings)
        [folder] = imagents.export_agent(agent, name, tmp_path, [format_name])
        return agent, environment, folder

    return export


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("world", [name for name in WORLDS if name != "floats"])
def test_a_model_of_what_a_seat_sees_plays_as_the_agent_does(exported, world, state):
    agent, environment, folder = exported(world, STATES[state])
    time_step = environment.current_time_step()
    agent.observe(time_step)
    model = ExportedAgent(folder)
    about = json.loads((folder / "imagents.json").read_text())
    assert {name for name in about["inputs"]} - {"state_mood"} == WORLDS[world][-1]
    step = model.policy.action(time_step, model.policy.get_initial_state(7))
    observation = time_step.observation
    legal = observation["legal_moves"] if isinstance(observation, dict) and "legal_moves" in observation else MASK
    legal = legal[1] if isinstance(legal, tuple) else legal
    can_move = tf.reduce_any(legal, axis=1) if tf.is_tensor(legal) else tf.ones([7], tf.bool)
    asked = is_asked(time_step, agent.seat) & can_move
    assert step.action.dtype == tf.int64 and set(step.action.numpy()) <= {-1, 1, 2, 3, 4}
    np.testing.assert_array_equal(step.action[asked], agent.act(time_step)[asked])
    np.testing.assert_array_equal(step.action == -1, ~can_move)  # it always counts as asked
    if state == "state":
        np.testing.assert_array_equal(step.state["state_mood"], np.where(can_move, 1.5, 0.5))


@pytest.mark.parametrize("algorithm", [imagents.drqn, imagents.recurrent_ppo])
def test_what_an_agent_remembers_goes_in_and_comes_out(exported, algorithm):
    settings = dict(algorithm=algorithm(recurrent_units=4, window_length=2), **STATES["state"])
    agent, environment, folder = exported("mask", settings)
    time_step, model = environment.current_time_step(), ExportedAgent(folder)
    size = 4 if algorithm is imagents.drqn else 8  # the critic's, too
    assert json.loads((folder / "imagents.json").read_text())["inputs"]["state_memory"]["shape"] == [None, size]
    state, own = model.policy.get_initial_state(7), agent.policy.get_initial_state(7)
    for _ in range(3):
        step, expected = model.policy.action(time_step, state), agent.policy.action(time_step, own)
        state, own = step.state, expected.state
        can_move = tf.reduce_any(time_step.observation["legal_moves"], axis=1)
        np.testing.assert_array_equal(step.action, tf.where(can_move, expected.action, -1))
        np.testing.assert_allclose(state["state_memory"][can_move], own.memory[can_move], atol=1e-6)
        assert not state["state_memory"][~can_move].numpy().any()
    assert state["state_memory"].numpy().any()


@pytest.mark.parametrize("format_name", ["saved_model", "onnx", "tflite"])
def test_floats_come_within_their_bounds(exported, format_name):
    agent, environment, folder = exported("floats", dict(algorithm=imagents.ppo()), format_name)
    time_step, model = environment.current_time_step(), ExportedAgent(folder)
    action = model.policy.action(time_step, ()).action
    assert action.shape == [7, 2, 1] and (abs(action) <= [[1.0], [3.0]]).numpy().all()
    np.testing.assert_allclose(action, agent.act(time_step), rtol=1e-5)
    assert set(json.loads((folder / "imagents.json").read_text())["outputs"]) == {"action", "value"}
    with pytest.raises(imagents.InputError, match="exported without its probabilities: it can only play greedily"):
        model.follow("sampled")


@pytest.mark.parametrize("format_name", ["onnx", "tflite"])
def test_other_formats_play_the_same(exported, format_name):
    agent, environment, folder = exported("mask", STATES["state"], format_name)
    time_step = environment.current_time_step()
    agent.observe(time_step)
    model = ExportedAgent(folder)
    action = model.policy.action(time_step, model.policy.get_initial_state(7)).action
    can_move = tf.reduce_any(time_step.observation["legal_moves"], axis=1)
    np.testing.assert_array_equal(action, tf.where(can_move, agent.act(time_step), -1))


def test_an_agent_is_exported_for_its_own_environment_only(exported):
    agent, *_ = exported("bare", {})
    own.trust(lambda batch_size, seed: Shows(NESTED, ACTION, batch_size), "m:other")
    with pytest.raises(imagents.InputError, match="cannot be exported: it was made for another environment than m:oth"):
        imagents.export_agent(agent, "m:other", "unused")


@pytest.fixture(scope="module")
def poker():
    """An agent of Kuhn poker that draws its actions, and what it is shown at first in 3,000 games."""
    config = TrainConfig("kuhn_poker", exploration_start=1.0, exploration_end=0.3)
    agent = build_agents(config)[0]
    table = agent.algorithm._q_network.table
    table.assign(np.random.default_rng(0).normal(size=table.shape))
    return agent, config.environment.build(3000, 0).reset()


@pytest.mark.parametrize("format_name", ["saved_model", "onnx", "tflite"])
def test_a_model_of_a_mixed_policy_gives_its_probabilities_and_draws_by_them(poker, tmp_path, format_name):
    agent, time_step = poker
    [folder] = imagents.export_agent(agent, "kuhn_poker", tmp_path, [format_name])
    model = ExportedAgent(folder)
    assert model.metadata["policy"] == "sampled"
    agent.follow("sampled")
    shares = agent.probabilities(time_step).numpy()
    observation = time_step.observation
    answer = model.model({"view": observation["views"][0], "legal_moves": observation["legal_moves"]})
    np.testing.assert_allclose(answer["probabilities"], shares, atol=1e-5)
    cards = np.argmax(observation["views"][0][:, :3], axis=1)
    drawn = {"model": answer["action"].numpy()}
    for seed in (1, 1, 2):
        model.follow("sampled", seed)
        drawn[seed] = model.policy.action(time_step).action.numpy()
        again = drawn.setdefault(f"first of {seed}", drawn[seed])
        np.testing.assert_array_equal(again, drawn[seed])
    assert (drawn[1] != drawn[2]).any()
    for card in range(3):
        for actions in drawn.values():
            assert actions[cards == card].mean() == pytest.approx(shares[cards == card, 1].mean(), abs=0.06)
    model.follow("greedy")
    np.testing.assert_array_equal(model.policy.action(time_step).action, shares.argmax(axis=1))


def test_probabilities_are_of_what_the_environment_is_told(tmp_path):
    """An agent that turns its choice round is asked for what comes of it."""
    environment = environment_settings("kuhn_poker").build(5, 0)
    agent = imagents.IMAgent(environment, action_fn=lambda action, seat, state: 1 - action)
    [folder] = imagents.export_agent(agent, "kuhn_poker", tmp_path, policy="greedy")
    observation = environment.reset().observation
    answer = ExportedAgent(folder).model({"view": observation["views"][0], "legal_moves": observation["legal_moves"]})
    np.testing.assert_array_equal(answer["action"], 1 - np.argmax(answer["q_values"], axis=1))
    np.testing.assert_array_equal(np.argmax(answer["probabilities"], axis=1), answer["action"])
    assert np.asarray(answer["probabilities"]).sum(axis=1) == pytest.approx(np.ones(5))


def test_a_model_without_probabilities_plays_greedily_only():
    agent = ExportedAgent(imagents.open_shipped("tic_tac_toe").path)
    agent.follow("greedy")
    with pytest.raises(imagents.InputError, match="player_1 was exported without its probabilities"):
        agent.follow("sampled")
