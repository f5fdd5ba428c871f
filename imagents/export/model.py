"""An agent as functions of plain tensors: what an export writes, in whatever format.

What the environment says goes in (`environment.serving(seat)`: of a board game `board`, int32 `[N, rows, columns]`;
elsewhere `view`, what the seat sees, and `legal_moves` if there are any). Out comes `action`, `[N]`, with `q_values`,
float32 `[N, actions]`, or, of an algorithm that learns a policy, `value`, float32 `[N]`; `probabilities`, float32
`[N, actions]`, how often its sampled policy does each action; and `legal_actions`, bool `[N, actions]`. Where the agent
has no move to make `action` is -1, nothing is legal, and all probabilities are 0. Actions that are floats, `[N, ...]`,
come with `value` alone. An agent's internal state goes in and comes out, what its algorithm remembers too.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tf_agents.policies.policy_saver import rename_spec_with_nest_paths
from tf_agents.trajectories import time_step as ts

from imagents.config import environment_settings
from imagents.errors import InputError
from imagents.export.formats import quietly
from imagents.learning.agent import IMAgent
from imagents.learning.internal_state import joined, parts_of
from imagents.learning.policies import boltzmann, has_q_values, own_time_step, preferences
from imagents.randomness import draw_from
from imagents.seats import PASS, is_asked, is_numbered, num_actions, own_legal_moves, where_copy

LOWEST = float(np.finfo(np.float32).min)  # the Q value of an illegal move: JSON has no infinity and no NaN
_IN_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


class AgentModel:
    """An agent as functions of plain tensors, for any number of boards.

    Args:
      agent: the agent.
      environment: the name or the settings of the environment that it was made for.
      policy: what `action` is: "greedy", the best one; "sampled", one drawn from the probabilities, another one with
        every call; as suits the environment if None.

    Attributes:
      name, seat: the agent's; policy: what `action` is.
      inputs: what the environment lets models take.
      signatures: `serving_default` takes these and, if the agent has an internal state, the parts of that by name;
        it gives `action`, `q_values` or `value`, `probabilities`, `legal_actions`, and the next state, `next_` before
        its parts' names. `time_step` takes the environment's time step by the names that TF-Agents' policy saver gives
        its parts, and gives the `action` that `IMAgent.act` gives under the same policy, and the next state.
      state: the initial values of the internal state of one game, by name; empty without one.

    Raises:
      InputError: if the agent cannot be exported.
    """

    def __init__(self, agent: IMAgent, environment, policy: str | None = None):
        environment = environment_settings(environment)
        self.policy = environment.policy(policy)
        self.name, self.seat, self.inputs = agent.name, agent.seat, environment.serving(agent.seat)
        self._agent, policy = agent, agent.policy
        self._worth = "q_values" if has_q_values(agent.algorithm.policy) else "value"
        if policy.time_step_spec != environment.build(1, 0).time_step_spec():
            raise InputError(
                f"{self.name} cannot be exported: it was made for another environment than {environment.name}'s"
            )
        self._state_spec, self._time_step_spec = policy.policy_state_spec, policy.time_step_spec
        renamed_steps, renamed_state = rename_spec_with_nest_paths((policy.time_step_spec, self._state_spec))
        paths = [spec.name for spec in tf.nest.flatten(renamed_state)]  # 1 or 1/position/0
        names = ["state" + path[1:].replace("/", "_") for path in paths]
        initial = tf.nest.flatten(policy.get_initial_state(1))
        self.state = {name: value[0].numpy() for name, value in zip(names, initial, strict=True)}
        self._next_state_names = {
            "serving_default": ["next_" + name for name in names],  # ONNX wants other names than the inputs'
            "time_step": ["state" + path[1:] for path in paths],
        }
        states = zip(tf.nest.flatten(self._state_spec), names, strict=True)
        serving = [*self.inputs.specs, *(batched(spec, name) for spec, name in states)]
        steps = [batched(spec, spec.name) for spec in tf.nest.flatten((renamed_steps, renamed_state))]
        # Traced once for both signatures, and written once.
        self._action_spec = policy.action_spec
        self._choices = num_actions(self._action_spec) if is_numbered(self._action_spec) else 0
        legal = tf.TensorSpec([self._choices or 1], tf.bool)
        inputs = (policy.time_step_spec, tf.nest.flatten(self._state_spec), legal)
        inputs = tf.nest.map_structure(lambda spec: batched(spec, None), inputs)
        decided = self._decided if self._choices else self._decided_freely
        self._decide = tf.function(decided, input_signature=inputs, autograph=False)
        with quietly():
            self.signatures = {
                "serving_default": self._traced(self._answer, serving),
                "time_step": self._traced(self._answer_time_step, steps),
            }
        # Whatever the functions read, a transform's own variables too.
        self.read_variables = [v for function in self.signatures.values() for v in function.variables]
        if not all(np.isfinite(v.numpy()).all() for v in self.read_variables if v.dtype.is_floating):
            raise InputError(f"{self.name} cannot be exported: it has weights that are NaN or infinite")

    def _answer(self, *inputs) -> dict[str, tf.Tensor]:
        count = len(self.inputs.specs)
        time_step, state = self.inputs.time_step(*inputs[:count]), list(inputs[count:])
        legal = self._legal(time_step)
        action, worth, shares, next_state = self._decide(time_step, state, legal)
        answer = {"action": action, self._worth: worth}
        answer |= {"probabilities": shares, "legal_actions": legal} if self._choices else {}
        return answer | dict(zip(self._next_state_names["serving_default"], next_state, strict=True))

    def _answer_time_step(self, *leaves) -> dict[str, tf.Tensor]:
        count = len(tf.nest.flatten(self._time_step_spec))
        time_step = tf.nest.pack_sequence_as(self._time_step_spec, leaves[:count])
        legal = self._legal(time_step) & is_asked(time_step, self.seat)[:, tf.newaxis]
        action, _, _, next_state = self._decide(time_step, list(leaves[count:]), legal)
        return {"action": action} | dict(zip(self._next_state_names["time_step"], next_state, strict=True))

    def _legal(self, time_step: ts.TimeStep) -> tf.Tensor:
        """What the agent may do, bool `[N, actions]`: anything where the environment does not say; of floats `[N, 1]`.
        """
        legal_moves = own_legal_moves(time_step.observation, self.seat)
        if tf.is_tensor(legal_moves):
            return legal_moves
        return tf.ones([tf.shape(time_step.step_type)[0], self._choices or 1], tf.bool)

    def _decided(self, time_step: ts.TimeStep, state_leaves: list[tf.Tensor], legal: tf.Tensor):
        """The move, what is worth what, probabilities, and the leaves of the next state; -1 where nothing is legal."""
        perspective = self._agent.perspective
        before = tf.nest.pack_sequence_as(self._state_spec, state_leaves)
        internal, memory = parts_of(self._agent.next_state(before, time_step))
        # Of illegal moves too: tf2onnx multiplies by masks, and 0 times NaN or infinity is NaN.
        sight = perspective.sight(time_step, internal)
        if tf.is_tensor(sight.legal_moves):
            sight = sight._replace(legal_moves=tf.ones_like(legal))
        algorithm = self._agent.algorithm
        values, after = preferences(algorithm.policy, time_step, sight, memory)
        values = tf.where(legal, values, LOWEST)
        best, can_move = tf.argmax(values, axis=1, output_type=tf.int32), tf.reduce_any(legal, axis=1)
        # The lowest number is as good as no legal move, and no infinity is multiplied by 0.
        shares = boltzmann(values, tf.constant(self._agent.temperature), tf.ones_like(legal))
        shares = tf.where(legal, shares, 0.0)
        chosen = best
        if self.policy == "sampled":
            chosen = draw_from(shares, tf.random.uniform(tf.shape(best)))
        action = tf.where(can_move, self._done(chosen, best, legal, internal), tf.cast(PASS, self._action_spec.dtype))
        if not perspective.acts_as_it_chooses:
            shares = self._shares_done(shares, best, legal, internal)
        worth = values if self._worth == "q_values" else algorithm.value(sight.view, memory)
        state = tf.nest.flatten(joined(internal, after))
        return action, worth, shares, where_copy(can_move, state, state_leaves)

    def _decided_freely(self, time_step: ts.TimeStep, state_leaves: list[tf.Tensor], legal: tf.Tensor):
        """The same of an agent that chooses floats, which have no probabilities."""
        perspective, algorithm = self._agent.perspective, self._agent.algorithm
        before = tf.nest.pack_sequence_as(self._state_spec, state_leaves)
        internal, memory = parts_of(self._agent.next_state(before, time_step))
        sight, own = perspective.sight(time_step, internal), algorithm.policy.wrapped_policy
        step = own.distribution(own_time_step(own, time_step, sight), memory)
        chosen = step.action.loc
        if self.policy == "sampled":
            chosen += step.action.scale.diag_part() * tf.random.normal(tf.shape(chosen))
        action, can_move = perspective.action(chosen, internal), legal[:, 0]
        action = where_copy(can_move, action, tf.fill(tf.shape(action), tf.cast(PASS, action.dtype)))
        state = where_copy(can_move, tf.nest.flatten(joined(internal, step.state)), state_leaves)
        return action, algorithm.value(sight.view, memory), (), state

    def _done(self, chosen: tf.Tensor, best: tf.Tensor, legal: tf.Tensor, state) -> tf.Tensor:
        """What the environment is told where an agent has chosen, the best legal action where that is none; `[N]`."""
        spec = self._action_spec
        actions = tf.constant(np.arange(spec.minimum, spec.maximum + 1), spec.dtype)
        action = self._agent.perspective.action(tf.cast(chosen, spec.dtype), state)
        best = tf.cast(best, spec.dtype)
        best = best + int(spec.minimum) if spec.minimum else best
        is_legal = tf.reduce_any(legal & tf.equal(action[:, tf.newaxis], actions), axis=1)
        return tf.where(is_legal, action, best)

    def _shares_done(self, shares: tf.Tensor, best: tf.Tensor, legal: tf.Tensor, state) -> tf.Tensor:
        """How often the environment is told each of its actions, float32 `[N, actions]`, of the agent's own choices."""
        spec, count = self._action_spec, shares.shape[1]
        told = []
        for choice in range(count):
            done = self._done(tf.fill(tf.shape(best), choice), best, legal, state)
            told.append(shares[:, choice, tf.newaxis] * tf.one_hot(done - int(spec.minimum), count))
        return tf.add_n(told)

    def _traced(self, function: Callable, specs: Sequence[tf.TensorSpec]):
        owner = f"{self.name} cannot be exported"
        try:
            concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
            for batch in (1, 3):  # a transform may have taken the number of boards for granted
                concrete(*(tf.zeros([batch, *spec.shape[1:]], spec.dtype) for spec in specs))
        except (TypeError, ValueError, NotImplementedError, tf.errors.OpError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"{owner}: what it computes has to work for any number of copies: {reason}") from None
        graph = concrete.graph.as_graph_def()
        nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
        if _IN_PYTHON & {node.op for node in nodes}:
            raise InputError(f"{owner}: one of its transforms runs in Python (numpy_function or py_function)")
        return concrete


def batched(spec: tf.TensorSpec, name: str | None) -> tf.TensorSpec:
    """The spec of any number of these."""
    return tf.TensorSpec([None, *spec.shape], spec.dtype, name)
