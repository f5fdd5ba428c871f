"""Whether what an agent is made of fits together; if not, an InputError says why in one sentence."""

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.learning.motives import Motives
from imagents.learning.on_policy import PolicyGradient
from imagents.learning.perspective import Perspective, Sight
from imagents.learning.policies import shown
from imagents.learning.recurrent import RecurrentDQN


def described(agent) -> str:
    """An agent in a line: its name, its seat, what learns in it and what else pays it."""
    what = [f"seat {agent.seat}", type(agent.algorithm).__name__, *(part.name for part in agent.motives.parts)]
    return f"<IMAgent {agent.name}: {', '.join(what)}; {agent.batch_size:,} side by side>"


def check_place(owner: str, time_step_spec, action_spec, seat) -> None:
    """Raises an InputError unless there are specs, with that seat."""
    if not isinstance(time_step_spec, ts.TimeStep) or action_spec is None:
        given = type(time_step_spec).__name__
        raise InputError(f"{owner}: a TFEnvironment, or a time step spec and an action spec are needed, not {given}")
    by_seat = tuple(time_step_spec.reward.shape) or (1,)
    seats = len(action_spec) if isinstance(action_spec, tuple) else by_seat[0]
    if not isinstance(seat, (int, np.integer)) or not 0 <= seat < seats:
        known = "seat 0 alone" if seats == 1 else f"seats 0 to {seats - 1}"
        raise InputError(f"{owner}: seat = {seat!r}: the environment has {known}")


def made(owner: str, algorithm, time_step_spec, action_spec) -> tf_agent.TFAgent:
    """The algorithm, if an agent of these specs can have it; made of them, if it is a function that does that."""
    if callable(algorithm) and not isinstance(algorithm, tf_agent.TFAgent):
        try:
            algorithm = algorithm(time_step_spec, action_spec)
        except InputError as error:
            raise InputError(f"{owner}: {error}") from None
    return check_learns(owner, algorithm)


def check_learns(owner: str, algorithm) -> tf_agent.TFAgent:
    """The algorithm, if it learns from what an `IMAgent` remembers: single decisions, or rollouts of them."""
    if not isinstance(algorithm, tf_agent.TFAgent):
        raise InputError(
            f"{owner}: algorithm = {algorithm!r}: a TF-Agents agent or a function that builds one is needed, "
            "such as imagents.dqn()"
        )
    if isinstance(algorithm, (PolicyGradient, RecurrentDQN)):
        return algorithm
    if algorithm.train_sequence_length != 2 or tf.nest.flatten(algorithm.policy.policy_state_spec):
        raise InputError(
            f"{owner}: {type(algorithm).__name__} learns from sequences of steps, and an IMAgent remembers single "
            "decisions: take an algorithm of one-step targets without a recurrent network, such as imagents.dqn()"
        )
    return algorithm


def check_made_for(owner: str, algorithm: tf_agent.TFAgent, perspective: Perspective) -> None:
    """Raises an InputError if an algorithm, such as another agent's, takes other views or actions than these."""
    observation, action = algorithm.policy.time_step_spec.observation, algorithm.action_spec
    sight = perspective.sight_spec
    own = shown(sight) if isinstance(observation, Sight) else sight.view
    shapes = [tf.nest.map_structure(lambda spec: (spec.shape, spec.dtype), nest) for nest in (observation, own)]
    if shapes[0] != shapes[1] or action.shape != perspective.action_spec.shape or action != perspective.action_spec:
        raise InputError(f"{owner}: the algorithm that it is given was made for other views or actions than its own")


def check_pays(owner: str, algorithm: tf_agent.TFAgent, motives: Motives, n_step: int) -> None:
    """Raises an InputError if an algorithm cannot learn from what motives pay or hope for."""
    if n_step > 1 and motives.pays_decisions:
        raise InputError(f"{owner}: n_step = {n_step}: its motivations pay single decisions when these are learned "
                         "from: n_step = 1 is needed")  # fmt: skip
    if motives.hopes and not hasattr(algorithm, "hopes"):
        raise InputError(f"{owner}: {type(algorithm).__name__} has no values of actions to which optimism could be "
                         "added: dqn, double_dqn, drqn and tabular have")  # fmt: skip
