"""IMAgent: an intrinsically motivated agent, composed around a TF-Agents agent.

The environment shows every agent the same time steps. What an `IMAgent` makes of them
is its own: its view, its reward, its actions, its internal state, its replay buffer.

It learns from *decisions*: see `imagents.learning.decisions`.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.policies import greedy_policy, tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from imagents.learning.algorithms import Learner, dqn
from imagents.learning.decisions import Decisions, as_experience
from imagents.learning.policies import LegalEpsilonGreedyPolicy
from imagents.learning.replay import FIFOReplayBuffer
from imagents.randomness import make_generator, make_seed
from imagents.seats import PASS


def own_stones(observation, seat: int, state) -> tf.Tensor:
    """The default view: own stones and the opponent's, bool `[B, 2, rows, columns]`."""
    del state
    return observation["board"][:, tf.newaxis] == np.reshape([seat + 1, 2 - seat], [2, 1, 1])


def own_reward(time_step: ts.TimeStep, seat: int, state) -> tf.Tensor:
    """The default reward: the seat's share of the environment's, float32 `[B]`."""
    del state
    return time_step.reward[:, seat] if len(time_step.reward.shape) == 2 else time_step.reward


class IMAgent(tf.Module):
    """An agent with its own view, reward, actions, internal state and replay buffer.

    The transforms are plain functions of tensors with a leading batch dimension; they
    are traced when training is compiled. `state` is the internal state, a nest of
    tensors `[B, ...]`, or () if there is none.

    Args:
      time_step_spec: the environment's.
      action_spec: the environment's: one integer action.
      batch_size: number of parallel games B.
      learner: the TF-Agents agent, or a function (time_step_spec, action_spec) that
        builds it from the agent's own specs (see `imagents.learning.algorithms`). It has to learn
        from single transitions, as the DQN family does.
      seat: the seat this agent plays, 0 or 1.
      name: its name in logs and files; "player_1" for seat 0 by default.
      observation_fn: (observation, seat, state) -> the agent's own view.
      reward_fn: (time_step, seat, state) -> float32 `[B]`.
      action_fn: (action, seat, state) -> the action for the environment.
      initial_state: nest of values of the internal state of one game.
      state_fn: (state, time_step, seat) -> the next internal state. It is called for
        every time step observed, also for the first of a game: an agent that forgets
        between games resets its state there.
      epsilon: share of random legal moves when collecting, a number or one per game.
      replay_length: decisions kept per parallel game.
      sample_batch_size: transitions per train iteration.
      seed: each agent derives its own random numbers from this and its name.
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: tensor_spec.BoundedTensorSpec,
        *,
        batch_size: int = 1,
        learner: tf_agent.TFAgent | Learner | None = None,
        seat: int = 0,
        name: str | None = None,
        observation_fn: Callable | None = None,
        reward_fn: Callable = own_reward,
        action_fn: Callable | None = None,
        initial_state=(),
        state_fn: Callable | None = None,
        epsilon=0.1,
        replay_length: int = 32,
        sample_batch_size: int = 128,
        seed: int = 0,
    ):
        super().__init__(name=name or f"player_{seat + 1}")
        self.seat = seat
        self.batch_size = batch_size
        self.sample_batch_size = sample_batch_size
        self._shows_board = "board" in _keys(time_step_spec.observation)
        self._shows_legal_moves = "legal_moves" in _keys(time_step_spec.observation)
        self._shows_seat = "seat" in _keys(time_step_spec.observation)
        if observation_fn is None:
            observation_fn = own_stones if self._shows_board else (lambda o, seat, state: o)
        self._observation_fn = observation_fn
        self._reward_fn = reward_fn
        self._action_fn = action_fn or (lambda action, seat, state: action)
        self._state_fn = state_fn or (lambda state, time_step, seat: state)

        self._initial_state = tf.nest.map_structure(tf.convert_to_tensor, initial_state)
        self._state = _variables(self._initial_states(batch_size), "internal_state")
        self._check_transforms(time_step_spec, action_spec)

        if learner is None:
            learner = dqn(seed=make_seed(seed, self.name))
        own_time_step_spec = ts.time_step_spec(self._own_observation_spec)
        build = (lambda *_: learner) if isinstance(learner, tf_agent.TFAgent) else learner
        self._learner = build(own_time_step_spec, action_spec)
        self._learner.initialize()
        self._epsilon = tf.Variable(
            tf.broadcast_to(tf.constant(epsilon, tf.float32), [batch_size]), trainable=False
        )
        greedy = self._learner.policy
        explore = LegalEpsilonGreedyPolicy(
            greedy,
            self._epsilon,
            make_generator(seed, f"{self.name}/exploration"),
            (lambda observation: observation["legal_moves"]) if self._shows_legal_moves else None,
        )
        self._greedy, self._explore = greedy, explore
        self._policy = _EnvironmentPolicy(self, greedy, time_step_spec, action_spec)
        self._collect_policy = _EnvironmentPolicy(self, explore, time_step_spec, action_spec)

        self._decisions = Decisions(
            *self._split(self._own_observation_spec),
            action_spec,
            batch_size,
            replay_length,
            make_seed(seed, self.name),
        )
        zeros = tf.zeros([batch_size])
        self._episode_return = tf.Variable(zeros, trainable=False)
        self._waiting = tf.Variable(zeros != 0.0, trainable=False)

    @property
    def learner(self) -> tf_agent.TFAgent:
        """The TF-Agents agent inside."""
        return self._learner

    @property
    def optimizer(self) -> tf.keras.optimizers.Optimizer:
        """The learner's optimizer."""
        return self._learner._optimizer  # TF-Agents has no public name for it

    @property
    def policy(self) -> tf_policy.TFPolicy:
        """The greedy policy, on the environment's time steps; its state is the internal state."""
        return self._policy

    @property
    def collect_policy(self) -> tf_policy.TFPolicy:
        """The exploring policy, on the environment's time steps."""
        return self._collect_policy

    @property
    def replay_buffer(self) -> FIFOReplayBuffer:
        """The newest closed decisions, each a `Decision`."""
        return self._decisions.replay_buffer

    @property
    def internal_state(self):
        """The internal state of each game: nest of tensors `[B, ...]`."""
        return tf.nest.map_structure(lambda variable: variable.read_value(), self._state)

    def act(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """Chooses a move in every game.

        Args:
          time_step: the environment's, `[B]`.
          collect: whether to explore and to open a decision, to learn from it.

        Returns:
          Actions for the environment, `[B]`; `PASS` where it is another seat's turn.
        """
        state = self.internal_state
        own_time_step = self._own_time_step(time_step, state)
        action = (self._explore if collect else self._greedy).action(own_time_step).action
        my_turn = self._is_my_turn(time_step)
        if collect:
            view, legal_moves = self._split(own_time_step.observation)
            self._decisions.open(my_turn, view, legal_moves, action)
        action = self._action_fn(action, self.seat, state)
        return tf.where(my_turn, action, PASS) if self._shows_seat else action

    def observe(self, time_step: ts.TimeStep) -> None:
        """Takes in a time step: its reward, the end of an open decision, the next state.

        To be called with every time step the environment returns, whoever acted.
        """
        is_first = time_step.is_first()
        # A game whose first time step comes again was waiting for another seat to begin.
        has_moved = ~(is_first & self._waiting.read_value())
        self._waiting.assign(is_first)
        next_state = self._state_fn(self.internal_state, time_step, self.seat)
        _assign(self._state, next_state, where=has_moved)
        state = self.internal_state
        reward = tf.where(is_first, 0.0, self._reward_fn(time_step, self.seat, state))
        self._episode_return.assign(
            tf.where(is_first, 0.0, self._episode_return.read_value() + reward)
        )
        own_time_step = self._own_time_step(time_step, state)
        view, legal_moves = self._split(own_time_step.observation)
        my_turn = self._is_my_turn(time_step)
        self._decisions.observe(time_step, reward, my_turn, view, legal_moves)

    def train_iteration(self) -> tf_agent.LossInfo:
        """One train step of the learner on a sample of its own decisions.

        Returns:
          TF-Agents' `LossInfo` of the sample.

        Raises:
          ValueError: in eager use, if no decision has closed yet.
        """
        decision, _ = self.replay_buffer.get_next(self.sample_batch_size)
        return self._learner.train(as_experience(decision))

    def reset(self) -> None:
        """Forgets open decisions and returns to the initial internal state.

        For when the environment is reset in the middle of games. What was learned and
        what is in the replay buffer stay.
        """
        self._decisions.drop()
        self._waiting.assign(tf.zeros_like(self._waiting))
        self._episode_return.assign(tf.zeros_like(self._episode_return))
        _assign(self._state, self._initial_states(self.batch_size))

    def episode_return(self) -> tf.Tensor:
        """The agent's own reward so far in each game, float32 `[B]`, until the next begins."""
        return self._episode_return.read_value()

    def q_values(self, time_step: ts.TimeStep, state=None) -> tf.Tensor:
        """Q values in any number N of positions, float32 `[N, num_actions]`; NaN where illegal.

        Raises:
          ValueError: if the learner's policy is not greedy over Q values.
        """
        if not isinstance(self._learner.policy, greedy_policy.GreedyPolicy):
            raise ValueError(f"{type(self._learner).__name__} has no Q values to show")
        state = self._policy.get_initial_state(_batch_size(time_step)) if state is None else state
        own_time_step = self._own_time_step(time_step, state)
        q_policy = self._learner.policy.wrapped_policy
        q_values = q_policy.distribution(own_time_step).action.logits_parameter()
        if not self._shows_legal_moves:
            return q_values
        return tf.where(time_step.observation["legal_moves"], q_values, float("nan"))

    def _is_my_turn(self, time_step: ts.TimeStep) -> tf.Tensor:
        running = ~time_step.is_last()
        return running & (time_step.observation["seat"] == self.seat) if self._shows_seat else running

    def _own_time_step(self, time_step: ts.TimeStep, state) -> ts.TimeStep:
        """The learner's time step: own view and legal moves."""
        view = self._observation_fn(time_step.observation, self.seat, state)
        if self._shows_legal_moves:
            observation = {"view": view, "legal_moves": time_step.observation["legal_moves"]}
        else:
            observation = view
        zeros = tf.zeros_like(time_step.discount)
        return ts.TimeStep(time_step.step_type, zeros, time_step.discount, observation)

    def _split(self, own_observation):
        if self._shows_legal_moves:
            return own_observation["view"], own_observation["legal_moves"]
        return own_observation, ()

    def _initial_states(self, batch_size: int):
        return tf.nest.map_structure(
            lambda x: tf.tile(x[tf.newaxis], [batch_size] + [1] * len(x.shape)), self._initial_state
        )

    def _check_transforms(self, time_step_spec: ts.TimeStep, action_spec) -> None:
        """Calls every transform once and says what is wrong with what it returns."""
        example = tensor_spec.sample_spec_nest(time_step_spec, outer_dims=[self.batch_size], seed=0)
        state = self.internal_state
        _check_batch(f"{self.name}: observation_fn", view := self._observation_fn(
            example.observation, self.seat, state), self.batch_size)
        view_spec = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape[1:], x.dtype), view)
        legal_spec = time_step_spec.observation["legal_moves"] if self._shows_legal_moves else None
        self._own_observation_spec = (
            {"view": view_spec, "legal_moves": legal_spec} if self._shows_legal_moves else view_spec
        )
        batch = (self.batch_size,)
        reward = self._reward_fn(example, self.seat, state)
        _check_tensor(f"{self.name}: reward_fn", reward, batch, tf.float32)
        action = tf.zeros([self.batch_size], action_spec.dtype)
        action = self._action_fn(action, self.seat, state)
        _check_tensor(f"{self.name}: action_fn", action, batch, action_spec.dtype)
        next_state = self._state_fn(state, example, self.seat)
        try:
            tf.nest.assert_same_structure(state, next_state)
        except (TypeError, ValueError):
            raise ValueError(
                f"{self.name}: state_fn returned the structure {next_state!r}: it has to return "
                "one like initial_state"
            ) from None
        for before, after in zip(tf.nest.flatten(state), tf.nest.flatten(next_state)):
            _check_tensor(f"{self.name}: state_fn", after, tuple(before.shape), before.dtype)


class _EnvironmentPolicy(tf_policy.TFPolicy):
    """An agent's policy on the environment's time steps, through the agent's transforms."""

    def __init__(self, agent: IMAgent, policy, time_step_spec, action_spec):
        state_spec = tf.nest.map_structure(
            lambda x: tf.TensorSpec(x.shape, x.dtype), agent._initial_state
        )
        super().__init__(
            time_step_spec,
            action_spec,
            policy_state_spec=state_spec,
            automatic_state_reset=False,
            clip=False,
        )
        self._own_policy = policy
        # In a function, so that the agent's other variables do not count as the policy's.
        self._agent = lambda: agent

    def _action(self, time_step, policy_state, seed=None):
        agent = self._agent()
        state = agent._state_fn(policy_state, time_step, agent.seat)  # as when an agent observes, then acts
        action = self._own_policy.action(agent._own_time_step(time_step, state)).action
        return policy_step.PolicyStep(agent._action_fn(action, agent.seat, state), state)

    def _get_initial_state(self, batch_size):
        return self._agent()._initial_states(batch_size)


def _keys(observation_spec) -> set:
    return set(observation_spec) if isinstance(observation_spec, dict) else set()


def _batch_size(time_step: ts.TimeStep) -> int:
    return time_step.step_type.shape[0] or tf.shape(time_step.step_type)[0]


def _variables(nest, name: str):
    return tf.nest.map_structure(lambda x: tf.Variable(x, trainable=False, name=name), nest)


def _assign(variables, values, where: tf.Tensor | None = None) -> None:
    """Assigns a nest of values, where given only for the games in `where` `[B]`."""
    for variable, value in zip(tf.nest.flatten(variables), tf.nest.flatten(values)):
        if where is not None:
            condition = tf.reshape(where, [-1] + [1] * (len(variable.shape) - 1))
            value = tf.where(condition, value, variable.read_value())
        variable.assign(value)


def _check_batch(owner: str, nest, batch_size: int) -> None:
    for x in tf.nest.flatten(nest):
        if not tf.is_tensor(x) or len(x.shape) < 1 or x.shape[0] != batch_size:
            raise ValueError(f"{owner} returned {_described(x)}: tensors [{batch_size}, ...] are needed")


def _check_tensor(owner: str, x, shape: tuple, dtype: tf.DType) -> None:
    if not tf.is_tensor(x) or tuple(x.shape) != shape or x.dtype != dtype:
        needed = f"a {dtype.name} tensor of shape {shape}"
        raise ValueError(f"{owner} returned {_described(x)}: {needed} is needed")


def _described(x) -> str:
    if tf.is_tensor(x):
        return f"a {x.dtype.name} tensor of shape {tuple(x.shape)}"
    return f"{type(x).__name__} {x!r}"[:100]
