"""What does not fit an agent is said when it is made, in one sentence that names the agent."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.agents.dqn import dqn_agent
from tf_agents.agents.ppo import ppo_clip_agent
from tf_agents.agents.reinforce import reinforce_agent
from tf_agents.environments import tf_py_environment
from tf_agents.networks import q_network, q_rnn_network, sequential, value_network
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from worlds import Row, Scripted

from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import TIC_TAC_TOE
from imagents.learning.agent import IMAgent
from imagents.seats import own_view

BOARD = BoardGameEnvironment(TIC_TAC_TOE, 2)
SPEC = ts.time_step_spec(tf.TensorSpec([3], tf.float32))
ACTION = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1)
ADAM = tf.keras.optimizers.Adam


def refusal(*arguments, **settings) -> str:
    with pytest.raises(ValueError) as error:
        IMAgent(*arguments, name="clumsy", **settings)
    sentence = str(error.value)
    assert sentence.startswith("clumsy: ") and "\n" not in sentence
    return sentence.removeprefix("clumsy: ")


def test_an_environment_tells_what_its_specs_and_its_batch_size_tell():
    one, other = IMAgent(BOARD, seat=1), IMAgent(BOARD.time_step_spec(), BOARD.action_spec(), seat=1, batch_size=2)
    assert one.batch_size == other.batch_size == 2
    assert one.perspective.sight_spec == other.perspective.sight_spec


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("tic_tac_toe",), "a TFEnvironment, or a time step spec and an action spec are needed, not str"),
        ((SPEC,), "a TFEnvironment, or a time step spec and an action spec are needed, not TimeStep"),
        ((SPEC, tensor_spec.BoundedTensorSpec([2], tf.float32, 0, 1)), "its actions are float32 (2,): this is for"),
        ((SPEC, tensor_spec.TensorSpec([], tf.int32)), "its actions are TensorSpec(shape=(), "),
        ((SPEC, {"move": ACTION}), "its actions are {'move': BoundedTensorSpec("),
    ],
)
def test_an_environment_that_no_agent_here_can_act_in(arguments, sentence):
    assert refusal(*arguments).startswith(sentence)


@pytest.mark.parametrize("seat", [2, -1, 0.5, "0", None])
def test_a_seat_that_is_not_there(seat):
    assert refusal(BOARD, seat=seat) == f"seat = {seat!r}: the environment has seats 0 to 1"


def test_a_seat_of_an_environment_with_one():
    assert refusal(SPEC, ACTION, seat=1) == "seat = 1: the environment has seat 0 alone"
    three = Scripted([Row([0], [0, 0, 0]), Row([], [1, 1, 1])])
    assert refusal(three, seat=3) == "seat = 3: the environment has seats 0 to 2"
    assert IMAgent(three, seat=np.int64(2)).perspective.action_spec.maximum == 3


@pytest.mark.parametrize(
    "name, function, arguments",
    [
        ("reward_fn", lambda time_step, seat: 0.0, "time_step, seat, state"),
        ("observation_fn", lambda observation: observation, "observation, seat, state"),
        ("action_fn", lambda action, seat, state, more: action, "action, seat, state"),
        ("state_fn", lambda state: state, "state, time_step, seat"),
    ],
)
def test_a_transform_of_other_arguments(name, function, arguments):
    settings = {"initial_state": 0} if name == "state_fn" else {}
    assert refusal(BOARD, **settings, **{name: function}) == f"{name} takes other arguments than ({arguments})"


def test_a_transform_may_take_more_than_it_needs():
    def view(observation, seat, state, blurred=False, **others):
        return own_view(observation, seat, state)["board"]

    assert IMAgent(BOARD, observation_fn=view).perspective.sight_spec.view.shape == [3, 3]


def test_a_state_fn_without_a_state():
    assert refusal(BOARD, state_fn=lambda state, time_step, seat: state) == (
        "state_fn without initial_state: give the internal state of one copy"
    )


@pytest.mark.parametrize("epsilon", [[0.1], [0.1, 0.2, 0.3], [[0.1, 0.2]]])
def test_as_many_epsilons_as_copies(epsilon):
    shape = np.shape(epsilon)
    assert refusal(BOARD, epsilon=epsilon) == f"epsilon has shape {shape}: one number or 2 are needed"


@pytest.mark.parametrize("algorithm", ["dqn", 5])
def test_an_algorithm_that_is_none(algorithm):
    assert refusal(BOARD, algorithm=algorithm) == (
        f"algorithm = {algorithm!r}: a TF-Agents agent or a function that builds one is needed, such as imagents.dqn()"
    )


def actor(time_step_spec, action_spec):
    logits = sequential.Sequential([tf.keras.layers.Dense(2)])
    to_distribution = tf.keras.layers.Lambda(lambda x: tfp.distributions.Categorical(logits=x))
    return sequential.Sequential([logits, to_distribution], input_spec=time_step_spec.observation)


def reinforce(time_step_spec, action_spec):
    network = actor(time_step_spec, action_spec)
    return reinforce_agent.ReinforceAgent(time_step_spec, action_spec, network, ADAM())


def ppo(time_step_spec, action_spec):
    critic = value_network.ValueNetwork(time_step_spec.observation)
    networks = dict(actor_net=actor(time_step_spec, action_spec), value_net=critic)
    return ppo_clip_agent.PPOClipAgent(time_step_spec, action_spec, ADAM(), **networks)


def recurrent(time_step_spec, action_spec):
    network = q_rnn_network.QRnnNetwork(time_step_spec.observation, action_spec, lstm_size=(4,))
    return dqn_agent.DqnAgent(time_step_spec, action_spec, network, ADAM())


def two_steps(time_step_spec, action_spec):
    network = q_network.QNetwork(time_step_spec.observation, action_spec)
    return dqn_agent.DqnAgent(time_step_spec, action_spec, network, ADAM(), n_step_update=2)


@pytest.mark.parametrize("algorithm", [reinforce, ppo, recurrent, two_steps])
def test_an_algorithm_that_cannot_learn_from_single_decisions(algorithm):
    sentence = refusal(SPEC, ACTION, algorithm=algorithm)
    assert sentence.endswith(
        "Agent learns from sequences of steps, and an IMAgent remembers single decisions: take an algorithm of "
        "one-step targets without a recurrent network, such as imagents.dqn()"
    )


def test_a_py_environment_is_wrapped_first():
    from test_checking import Walk

    assert refusal(Walk()).endswith("are needed, not Walk")
    environment = tf_py_environment.TFPyEnvironment(Walk())
    assert IMAgent(environment).batch_size == 1
    environment.close()
