"""What an agent carries from one time step to the next, and its policy on the environment's time steps.

An agent's internal state is that of its perspective. One whose algorithm remembers has another part besides, which
moves on where it decides and nowhere else.
"""

from typing import Any, NamedTuple

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from imagents.learning.perspective import Perspective
from imagents.learning.policies import own_time_step
from imagents.seats import is_asked, lived, where_copy


class Remembered(NamedTuple):
    """The whole internal state of an agent whose algorithm remembers.

    internal: that of its perspective, which moves on with every time step; memory: the algorithm's, float32 `[B, M]`,
    which moves on where the agent decides.
    """

    internal: Any
    memory: Any


def parts_of(state) -> tuple[Any, Any]:
    """An agent's internal state as those two parts; () for the second one of an agent without."""
    return state if isinstance(state, Remembered) else (state, ())


def joined(internal, memory):
    """The inverse of `parts_of`, also of specs."""
    return Remembered(internal, memory) if tf.nest.flatten(memory) else internal


class EnvironmentPolicy(tf_policy.TFPolicy):
    """An agent's own policy on the environment's time steps, through its perspective.

    Its state is the agent's whole internal state: that of the perspective, or with what the algorithm remembers a
    `Remembered`.
    """

    def __init__(self, own_policy: tf_policy.TFPolicy, perspective: Perspective, time_step_spec, action_spec):
        super().__init__(
            time_step_spec,
            action_spec,
            policy_state_spec=joined(perspective.state_spec, own_policy.policy_state_spec),
            automatic_state_reset=False,
            clip=False,
        )
        self._own_policy, self._perspective = own_policy, perspective

    def _action(self, time_step, policy_state, seed=None):
        state = self.next_state(policy_state, time_step)  # as when an agent observes, then acts
        _, chosen, after = choose(self._own_policy, self._perspective, time_step, state)
        return policy_step.PolicyStep(self._perspective.action(chosen.action, parts_of(state)[0]), after)

    def _get_initial_state(self, batch_size):
        own = self._own_policy.get_initial_state(batch_size)
        return joined(self._perspective.initial_state(batch_size), own)

    def next_state(self, state, time_step: ts.TimeStep):
        """The internal state once a time step has been seen: nothing is remembered from one life to the next."""
        internal, memory = parts_of(state)
        own = lived(time_step, self._perspective.seat)
        memory = where_copy(own.is_first() | own.is_last(), tf.nest.map_structure(tf.zeros_like, memory), memory)
        return joined(self._perspective.next_state(internal, time_step), memory)


def choose(policy: tf_policy.TFPolicy, perspective: Perspective, time_step: ts.TimeStep, state):
    """What an agent sees, the step of its own policy, and its internal state after it has decided where it is asked.

    Args:
      policy: its own.
      perspective: its perspective.
      time_step: the environment's, `[N]`.
      state: its whole internal state, which has taken in the time step.
    """
    internal, memory = parts_of(state)
    sight = perspective.sight(time_step, internal)
    chosen = policy.action(own_time_step(policy, time_step, sight), memory)
    return sight, chosen, joined(internal, where_copy(is_asked(time_step, perspective.seat), chosen.state, memory))


def positions_in(time_step: ts.TimeStep) -> int:
    """How many positions a time step holds, `[N]`."""
    return time_step.step_type.shape[0] or tf.shape(time_step.step_type)[0]
