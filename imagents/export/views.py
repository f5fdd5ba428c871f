"""What an exported agent takes where there is no board: what its seat is shown, and the legal moves."""

import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.policies.policy_saver import rename_spec_with_nest_paths
from tf_agents.trajectories import time_step as ts

from imagents.export.model import batched
from imagents.seats import own_legal_moves, own_view, shows


class ViewInputs:
    """What a model of an agent takes, and the time steps that it makes of that.

    Args:
      environment: any environment with its specs.
      seat: the agent's seat, which is asked.
      description: the environment's settings, as plain values.

    Attributes:
      specs: `view`, or `view_<key>` for each part of a dictionary or a tuple, and `legal_moves` if there are any: each
        with a leading N.
      description: the environment in plain values, for the model's metadata.
    """

    def __init__(self, environment: tf_environment.TFEnvironment, seat: int, description: dict):
        self._seat, self._spec = seat, environment.time_step_spec()
        self.specs = [batched(spec, name) for name, spec in self._named(self._spec.observation)]
        self.description = {"environment": description}

    def _named(self, observation) -> list[tuple]:
        """(name, part) of what the seat is shown, in an observation or the spec of one."""
        view, legal_moves = own_view(observation, self._seat), own_legal_moves(observation, self._seat)
        paths = rename_spec_with_nest_paths(tf.nest.map_structure(lambda x: tf.TensorSpec([], tf.bool), view))
        names = [f"view_{spec.name}".replace("/", "_") if spec.name else "view" for spec in tf.nest.flatten(paths)]
        named = list(zip(names, tf.nest.flatten(view), strict=True))
        return named + ([("legal_moves", legal_moves)] if tf.nest.flatten(legal_moves) else [])

    def of(self, time_step: ts.TimeStep) -> dict[str, tf.Tensor]:
        """What the model takes of an environment's time step."""
        return dict(self._named(time_step.observation))

    def time_step(self, *inputs: tf.Tensor) -> ts.TimeStep:
        """Time steps in the middle of an episode, in which the seat is shown this; of all else nothing is known."""
        size = tf.shape(inputs[0])[0]
        blank = tf.nest.map_structure(lambda spec: tf.zeros([size, *spec.shape], spec.dtype), self._spec)
        shown = dict(blank.observation) if isinstance(blank.observation, dict) else blank.observation
        parts, (*_, last) = list(inputs), self._named(self._spec.observation)
        if last[0] == "legal_moves":
            shown["legal_moves"] = self._own(shown["legal_moves"], parts.pop())
        view = tf.nest.pack_sequence_as(own_view(self._spec.observation, self._seat), parts)
        if shows(shown, "views"):
            shown["views"] = self._own(shown["views"], view)
        else:
            shown = shown | view if isinstance(shown, dict) else view
        known = {"seat": self._seat, "acts": True, "step_types": int(ts.StepType.MID), "discounts": 1}
        for key, value in known.items():
            if shows(shown, key):
                shown[key] = tf.fill(tf.shape(shown[key]), tf.cast(value, shown[key].dtype))
        step_type, discount = tf.fill([size], ts.StepType.MID), tf.ones([size])
        return ts.TimeStep(step_type, blank.reward, discount, shown)

    def _own(self, parts, mine):
        if not isinstance(parts, (tuple, list)):
            return mine
        return tuple(mine if seat == self._seat else part for seat, part in enumerate(parts))
