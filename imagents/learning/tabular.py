"""Q-learning in a table (Watkins 1989), a TF-Agents agent in form and exact in what it learns.

    Q(s, a)  <-  Q(s, a) + rate x (reward + discount x max Q(s', .) - Q(s, a))

Each decision is learned exactly once, as it closes: there is no replay. Where several parallel copies have met the same
s and a in a round, the value moves by the mean of their errors, so that a rate means the same for any number of copies.
"""

import math

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.agents.dqn import dqn_agent
from tf_agents.networks import network
from tf_agents.policies import greedy_policy, q_policy
from tf_agents.trajectories import policy_step, trajectory

from imagents.errors import InputError
from imagents.learning.optimism import Optimism
from imagents.learning.perspective import Sight
from imagents.number import Number
from imagents.process import check_memory
from imagents.randomness import make_generator, sample_legal, uniform
from imagents.seats import num_actions
from imagents.settings import Tabular

_MOST_VALUES = 2**26  # of a table


class TabularAgent(tf_agent.TFAgent):
    """Q-learning in a table.

    Args:
      time_step_spec, action_spec: the agent's own; the view is made of booleans and bounded integers.
      settings: step, discount, and which errors count less.
      seed: of how ties are broken, and of what is forgiven.

    Raises:
      InputError: for a view that has no number, or too many of them.
    """

    rollout_length = 1  # a lesson a round: whoever trains it gives it every decision, and none twice
    longest_life = 0  # any: it does not wait for the end of one
    hopes = None
    """What actions may be worth besides in targets, as of a `Motivation`; set before each lesson."""

    def __init__(self, time_step_spec, action_spec, settings: Tabular, seed: int = 0):
        tf.Module.__init__(self, name="tabular")
        view_spec, self._splitter = time_step_spec.observation, None
        if isinstance(view_spec, Sight):
            view_spec, self._splitter = view_spec.view, lambda sight: (sight.view, sight.legal_moves)
        self._q_network = QTable(view_spec, num_actions(action_spec), settings.distributed)
        self._optimizer = tf.keras.optimizers.SGD(settings.learning_rate)
        self._optimizer.build([self._q_network.table])
        self._optimism = Optimism(settings, self._q_network.num_states, num_actions(action_spec), seed)
        self._discount, self._is_distributed = Number(settings.discount), settings.distributed
        policy = q_policy.QPolicy(
            time_step_spec, action_spec, self._q_network, observation_and_action_constraint_splitter=self._splitter
        )
        policy = TiesAtRandom(policy, seed)
        super().__init__(
            time_step_spec,
            action_spec,
            policy,
            policy,
            train_sequence_length=2,
            train_step_counter=tf.Variable(0, dtype=tf.int64, trainable=False),
        )

    def _train(self, experience, weights=None) -> tf_agent.LossInfo:
        """Learns decisions; `weights`, bool `[N]`, is False in rows that are none.

        The loss is the mean square of their errors.
        """
        now, decided, then = trajectory.experience_to_transitions(experience, True)
        (view, legal), (next_view, next_legal) = (self._split(step.observation) for step in (now, then))
        table, action = self._q_network, tf.cast(decided.action, tf.int32)
        counts = tf.ones_like(then.reward, tf.bool) if weights is None else weights
        states, next_states = (tf.where(counts, table.states(x), 0) for x in (view, next_view))
        before, following = table.values(states), table.values(next_states)
        following = _masked(following if self.hopes is None else following + self.hopes(next_view), next_legal)
        target = then.reward + self._discount * then.discount * tf.reduce_max(following, axis=1)
        errors = target - tf.gather(before, action, batch_dims=1)
        entries = tf.stack([states, action], axis=1)
        if self._is_distributed:  # the greatest target that there ever was, at one step
            highest = tf.where(counts, target, target.dtype.min)
            table.table.assign(tf.tensor_scatter_nd_max(table.table, entries, highest))
            table.note_rises(states, legal, before)
        else:
            moves = self._optimism.shares(errors, states, action, counts) * tf.where(counts, errors, 0.0)
            met = tf.tensor_scatter_nd_add(tf.zeros_like(table.table), entries, tf.cast(counts, tf.float32))
            sums = tf.scatter_nd(entries, moves, table.table.shape)
            self._optimizer.apply_gradients([(-tf.math.divide_no_nan(sums, met), table.table)])
        self.train_step_counter.assign_add(1)
        count = tf.cast(counts, tf.float32)
        loss = tf.math.divide_no_nan(tf.reduce_sum(count * errors**2), tf.reduce_sum(count))
        return tf_agent.LossInfo(loss, dqn_agent.DqnLossInfo(td_loss=(), td_error=errors))

    def _split(self, observation):
        return self._splitter(observation) if self._splitter else (observation, None)


class QTable(network.Network):
    """A table of values, as a Q network.

    Args:
      input_tensor_spec: nest of specs of a view, of booleans and bounded integers.
      num_actions: number of actions A.
      keeps_best: whether the greedy action of a state changes only where its maximum rises. What such a table shows of
        that action is a little more than what it holds, so that whoever looks for the greatest finds it among equals.

    Attributes:
      states: numbers views; num_states: how many different ones S there are.
      table: float32 `[S, A]`, 0 at first.

    Raises:
      InputError: for a view that has no number, or too many of them.
    """

    def __init__(self, input_tensor_spec, num_actions: int, keeps_best: bool = False, name: str = "QTable"):
        super().__init__(input_tensor_spec, name=name)
        self.states = Numbering(input_tensor_spec)
        self.num_states = self.states.count
        if self.num_states * num_actions > _MOST_VALUES:
            raise InputError(
                f"algorithm = 'tabular': a view has {float(self.num_states):.3g} values: a table is for "
                f"{_MOST_VALUES // num_actions} at the most; dqn takes any number"
            )
        check_memory(f"a table of {self.num_states} states", 16 * self.num_states * num_actions)
        self.table = tf.Variable(tf.zeros([self.num_states, num_actions]), name="table")
        self._best = tf.Variable(tf.fill([self.num_states], -1), trainable=False) if keeps_best else None

    def create_variables(self, input_tensor_spec=None, **kwargs):
        """As TF-Agents has it, without its random numbers, which it does not draw of 8 bits."""
        del input_tensor_spec, kwargs
        self._network_output_spec = tf.TensorSpec(self.table.shape[1:], self.table.dtype)
        self.built = True
        return self._network_output_spec

    def call(self, observation, step_type=None, network_state=(), training=False):
        del step_type, training
        states = self.states(observation)
        values = self.values(states)
        if self._best is not None:
            is_best = tf.gather(self._best, states)[:, tf.newaxis] == tf.range(values.shape[1])
            values = tf.where(is_best, values + 2.0**-20 * tf.maximum(tf.abs(values), 2.0**-20), values)
        return values, network_state

    def values(self, states: tf.Tensor) -> tf.Tensor:
        """What the table holds of some states, float32 `[N, A]`."""
        return tf.gather(self.table, states)

    def note_rises(self, states: tf.Tensor, legal: tf.Tensor | None, before: tf.Tensor) -> None:
        """Takes in that these states had other values before, float32 `[N, A]`."""
        after = _masked(self.values(states), legal)
        rises = tf.reduce_max(after, axis=1) > tf.reduce_max(_masked(before, legal), axis=1)
        best = tf.where(rises, tf.argmax(after, axis=1, output_type=tf.int32), tf.gather(self._best, states))
        self._best.assign(tf.tensor_scatter_nd_update(self._best, states[:, tf.newaxis], best))


class Numbering:
    """Gives each different view a number of its own, from 0.

    Args:
      spec: nest of specs of a view, of booleans and bounded integers.

    Attributes:
      count: how many different views there are.

    Raises:
      InputError: for a view that has no number.
    """

    def __init__(self, spec):
        self._bounds = [_bounds(part) for part in tf.nest.flatten(spec)]
        self.count = math.prod(math.prod(sizes) for _, sizes in self._bounds)

    def __call__(self, views) -> tf.Tensor:
        """The number of each view: nest of `[N, ...]` -> int32 `[N]`."""
        number = tf.zeros([], tf.int32)
        for (lowest, sizes), leaf in zip(self._bounds, tf.nest.flatten(views), strict=True):
            digits = tf.reshape(tf.cast(leaf, tf.int32), [-1, len(sizes)]) - lowest
            weights = np.append(np.cumprod(sizes[:0:-1], dtype=np.int64)[::-1], 1).astype(np.int32)
            number = number * math.prod(sizes) + tf.reduce_sum(digits * weights, axis=1)
        return number


class TiesAtRandom(greedy_policy.GreedyPolicy):
    """The greedy policy that draws among equals; TF-Agents' takes the first of them.

    Args:
      policy: the policy of Q values that it follows.
      seed: of the draws.
    """

    def __init__(self, policy, seed: int):
        super().__init__(policy)
        self._generator = make_generator(seed, "ties")

    def best(self, time_step) -> tf.Tensor:
        """The actions of the greatest value, bool `[N, A]`."""
        values = self.wrapped_policy.distribution(time_step).action.logits_parameter()
        return values == tf.reduce_max(values, axis=1, keepdims=True)

    def _action(self, time_step, policy_state, seed=None):
        best = self.best(time_step)
        draws = uniform(self._generator, [best.shape[0] or tf.shape(best)[0]])
        action = tf.cast(sample_legal(best, draws), self.action_spec.dtype)
        return policy_step.PolicyStep(action, policy_state, ())


def _bounds(spec) -> tuple[np.ndarray, list[int]]:
    """The least values of a tensor, flat, and how many each of its numbers has."""
    size = spec.shape.num_elements()
    if spec.dtype.is_bool:
        return np.zeros(size, np.int32), [2] * size
    if not (spec.dtype.is_integer and hasattr(spec, "maximum")):
        raise InputError(
            f"algorithm = 'tabular': a view is made of {spec.dtype.name} {list(spec.shape)}: a table is for booleans "
            "and bounded integers; dqn takes any numbers"
        )
    lowest, highest = (np.broadcast_to(bound, spec.shape).ravel().astype(int) for bound in (spec.minimum, spec.maximum))
    return lowest.astype(np.int32), (highest - lowest + 1).tolist()


def _masked(values: tf.Tensor, legal: tf.Tensor | None) -> tf.Tensor:
    return values if legal is None else tf.where(legal, values, values.dtype.min)
