"""IMAgent: an intrinsically motivated agent, composed around a TF-Agents agent.

It is a perspective (its own view, reward, actions and internal state: `imagents.learning.perspective`), an algorithm
(the TF-Agents agent that learns) and a memory of its own decisions (`imagents.learning.decisions`).
"""

from collections.abc import Callable, Sequence
from typing import Literal

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.environments import tf_environment
from tf_agents.trajectories import time_step as ts

from imagents.config import agent_name
from imagents.errors import InputError
from imagents.learning.algorithms import Algorithm, dqn
from imagents.learning.earnings import Earnings
from imagents.learning.exploration import Exploration, Schedule
from imagents.learning.fitting import check_made_for, check_pays, check_place, described, made
from imagents.learning.internal_state import EnvironmentPolicy, choose, parts_of, positions_in
from imagents.learning.lessons import lesson, make_decisions, rollout_length
from imagents.learning.motives import Moment, Motivation, Motives, Place
from imagents.learning.on_policy import PolicyGradient
from imagents.learning.perspective import ActionFn, ObservationFn, Perspective, RewardFn, StateFn, own_reward
from imagents.learning.policies import greedy_probabilities, has_q_values, own_time_step, preferences, sampled, shown
from imagents.learning.replay import FIFOReplayBuffer
from imagents.learning.rollouts import Histories, Rollouts
from imagents.process import check_tensorflow
from imagents.randomness import make_generator, make_seed
from imagents.seats import PASS, assign, check_policy, is_asked, lived, shows, values_of, variables_for, where_copy
from imagents.settings import QLearning


class IMAgent(tf.Module):
    """An agent with its own view, reward, actions, internal state, replay buffer and algorithm.

    The transforms are plain functions of tensors with a leading batch dimension. `state` is the internal state, a
    nest of tensors `[B, ...]`, or () if there is none.

    Args:
      environment: the environment, or its time step spec.
      action_spec: with a time step spec, the environment's action spec. The seat's own has to be one bounded integer,
        or floats for an algorithm that takes them.
      batch_size: number of copies B; the environment's if None, 1 with a time step spec.
      algorithm: the TF-Agents agent that learns, or a function (time_step_spec, action_spec) that builds it from the
        agent's own specs (see `imagents.learning.algorithms`): the observation is a `Sight` of the agent's view and the
        legal moves, or the bare view where all moves are legal. One that was made for the bare view is shown that. It
        has to learn from single transitions, as the DQN family does. Agents that are given the same one share it.
      seat: the seat this agent plays, from 0.
      name: its name in logs and files; "player_1" for seat 0 by default.
      observation_fn, reward_fn, action_fn, initial_state, state_fn: of its perspective. `state_fn` is called for
        every time step observed, also for the first of a life: an agent that forgets between lives resets it there.
      exploration: "epsilon" for a share of random legal moves when collecting, "boltzmann" for any at a temperature.
      epsilon: that share, a number or one per copy; with a schedule the least that it becomes.
      schedule: what the share, or the temperature, is as the agent goes on.
      replay_length: decisions kept per copy.
      sample_batch_size: transitions per train iteration.
      n_step: own decisions whose rewards a target adds up; of the DQN family.
      motivations: what pays it beside its reward: pairs of what makes a `Motivation` of a `Place`, such as
        `imagents.motivation.Counts`, and its weight.
      limits_are_ends: whether what comes after a time limit counts for nothing, as after an end; only to reproduce
        figures that were found that way.
      seed: each agent derives its own random numbers from this and its name.

    Attributes:
      algorithm: the TF-Agents agent inside.
      exploration: how much it explores.
      perspective: its own side of the environment, as functions.
      policy: how it plays where it does not explore, on the environment's time steps; its state is the internal state.
        The greedy one, unless `follow` says otherwise.
      collect_policy: the exploring policy, on the environment's time steps.
      motives: its motivations.

    Raises:
      InputError: for arguments that do not fit, in one sentence that names the agent.
    """

    def __init__(
        self,
        environment: tf_environment.TFEnvironment | ts.TimeStep,
        action_spec=None,
        *,
        batch_size: int | None = None,
        algorithm: tf_agent.TFAgent | Algorithm | None = None,
        seat: int = 0,
        name: str | None = None,
        observation_fn: ObservationFn | None = None,
        reward_fn: RewardFn = own_reward,
        action_fn: ActionFn | None = None,
        initial_state=(),
        state_fn: StateFn | None = None,
        exploration: Literal["epsilon", "boltzmann"] = "epsilon",
        epsilon=QLearning.epsilon_min,
        schedule: Schedule | None = None,
        replay_length: int = QLearning.replay_length,
        sample_batch_size: int = QLearning.batch_size,
        n_step: int = 1,
        motivations: Sequence[tuple[Callable[[Place], Motivation], float]] = (),
        limits_are_ends: bool = False,
        seed: int = 0,
    ):
        check_tensorflow()
        super().__init__(name=name or agent_name(seat))
        time_step_spec = environment
        if isinstance(environment, tf_environment.TFEnvironment):
            time_step_spec, action_spec = environment.time_step_spec(), environment.action_spec()
            batch_size = batch_size or environment.batch_size
        batch_size = batch_size or 1
        check_place(self.name, time_step_spec, action_spec, seat)
        self.seat, self.batch_size, self.sample_batch_size = seat, batch_size, sample_batch_size
        self.perspective = Perspective(
            time_step_spec, action_spec, seat, batch_size, self.name, observation_fn=observation_fn,
            reward_fn=reward_fn, action_fn=action_fn, initial_state=initial_state, state_fn=state_fn,
        )  # fmt: skip
        sight_spec, own_action_spec = self.perspective.sight_spec, self.perspective.action_spec
        algorithm = algorithm or dqn(seed=make_seed(seed, self.name))
        self.algorithm = made(self.name, algorithm, ts.time_step_spec(shown(sight_spec)), own_action_spec)
        check_made_for(self.name, self.algorithm, self.perspective)
        self.algorithm.initialize()
        policy = self.algorithm.policy
        place = Place(
            self.name, seat, (*time_step_spec.reward.shape, 1)[0], batch_size, sight_spec, own_action_spec,
            self.perspective.state_spec, make_seed(seed, f"{self.name}/motives"),
        )  # fmt: skip
        self.motives = Motives(place, motivations)
        check_pays(self.name, self.algorithm, self.motives, n_step)
        hopeful, samples = self.motives.hopeful(policy, seed), isinstance(self.algorithm, PolicyGradient)
        self.exploration = Exploration(self.name, hopeful, batch_size, exploration, epsilon, schedule, seed, samples)
        self.policy = self._on_time_steps(policy, time_step_spec)
        self.collect_policy = self._on_time_steps(self.exploration.policy, time_step_spec)
        self._state = variables_for(self.policy.get_initial_state(batch_size))

        per_round, specs = 1 if isinstance(action_spec, tuple) else place.num_seats, (sight_spec, own_action_spec)
        stored = self.exploration.policy.info_spec, policy.policy_state_spec
        self._decisions = make_decisions(
            self.algorithm, specs, stored, batch_size, replay_length, per_round, n_step, limits_are_ends,
            make_seed(seed, self.name),
        )  # fmt: skip
        observation = time_step_spec.observation
        self._earnings = Earnings(batch_size, can_die=shows(observation, "step_types"))
        self._waiting = tf.Variable(tf.zeros([batch_size], tf.bool), trainable=False)
        self._passes = not isinstance(action_spec, tuple) and (shows(observation, "seat") or shows(observation, "acts"))

    _drawn = None  # its own policy, if it does not play greedily
    __repr__ = described

    def follow(self, policy: Literal["greedy", "sampled"], seed: int = 0) -> None:
        """Says how it plays from now on where it does not explore.

        Args:
          policy: "greedy", what it holds to be best; "sampled", each action as often as its own policy says, see
            `temperature`. An algorithm that says nothing of that plays as it does.
          seed: of what is drawn, from a generator of its own.

        Raises:
          InputError: for another policy.
        """
        check_policy(policy)
        generator = make_generator(seed, f"{self.name}/sampled")
        drawn = sampled(self.algorithm.policy, self.temperature, generator) if policy == "sampled" else None
        own, self._drawn = drawn or self.algorithm.policy, drawn
        self.policy = self._on_time_steps(own, self.policy.time_step_spec)

    @property
    def temperature(self) -> float:
        """Of its sampled policy, in which shares go with exp(Q / temperature): that at which its exploration ends.

        It is 0 where an agent explores by epsilon: then it is sure of its best action, and equals share. An algorithm
        that learns a policy has that one, exp(logit / 1).
        """
        return self.exploration.last_temperature if has_q_values(self.algorithm.policy) else 1.0

    def _on_time_steps(self, policy, time_step_spec) -> EnvironmentPolicy:
        return EnvironmentPolicy(policy, self.perspective, time_step_spec, self.perspective.environment_action_spec)

    @property
    def rollout_length(self) -> int:
        """Rounds between two lessons of an algorithm that learns each decision in one of them; 0 if it has a replay."""
        return rollout_length(self.algorithm)

    @property
    def optimizer(self) -> tf.keras.optimizers.Optimizer:
        """The algorithm's optimizer."""
        return self.algorithm._optimizer  # TF-Agents has no public name for it

    @property
    def replay_buffer(self) -> FIFOReplayBuffer | Rollouts | Histories:
        """The newest closed decisions, each a `Decision`."""
        return self._decisions.memory

    @property
    def internal_state(self):
        """The internal state of each game: nest of tensors `[B, ...]`, as the state of its `policy`."""
        return values_of(self._state)

    def initial_state(self, batch_size: int):
        """That of B games as they begin."""
        return self.policy.get_initial_state(batch_size)

    def next_state(self, state, time_step: ts.TimeStep):
        """The internal state once a time step has been seen."""
        return self.policy.next_state(state, time_step)

    def act(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """Chooses an action in every copy.

        Args:
          time_step: the environment's, `[B]`.
          collect: whether to explore and to open a decision, to learn from it.

        Returns:
          Actions for the environment, `[B]`; where seats act in turn, `PASS` where this one is not asked.
        """
        state, asked = self.internal_state, is_asked(time_step, self.seat)
        if not collect:
            action, state = self.decide(time_step, state)
            assign(self._state, state)
            return action
        internal, memory = parts_of(state)
        sight, chosen, state = choose(self.exploration.policy, self.perspective, time_step, state)
        self.exploration.note_decisions(asked)
        self.motives.note_decisions(asked, sight, chosen.action)
        self._decisions.open(asked, sight, chosen.action, chosen.info, memory)
        assign(self._state, state)
        return self._done(asked, self.perspective.action(chosen.action, internal))

    def decide(self, time_step: ts.TimeStep, state):
        """What `act` does without exploring, `[N]`, and the internal state then.

        Args:
          time_step: the environment's, `[N]`.
          state: an internal state that has taken it in.
        """
        policy = self._drawn or self.algorithm.policy
        _, chosen, after = choose(policy, self.perspective, time_step, state)
        action = self.perspective.action(chosen.action, parts_of(state)[0])
        return self._done(is_asked(time_step, self.seat), action), after

    def _done(self, asked: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        return where_copy(asked, action, tf.cast(tf.fill(action.shape, PASS), action.dtype)) if self._passes else action

    def observe(self, time_step: ts.TimeStep, moved: tf.Tensor | None = None) -> None:
        """Takes in a time step: its reward, the end of an open decision, the next state.

        To be called with every time step the environment returns, whoever acted.

        Args:
          time_step: the environment's, `[B]`.
          moved: bool `[B]`, False where the copy was held (see `imagents.seats`), where there is nothing to take in.
            Without it a copy counts as held if its first time step comes again.
        """
        own, is_first = lived(time_step, self.seat), time_step.is_first()
        has_moved = ~(is_first & self._waiting.read_value())
        has_moved = has_moved if moved is None else has_moved & moved
        self._waiting.assign(is_first)
        before, next_state = self.internal_state, self.next_state(self.internal_state, time_step)
        assign(self._state, where_copy(has_moved, next_state, before))
        before, state = parts_of(before)[0], parts_of(self.internal_state)[0]
        asked, sight = is_asked(time_step, self.seat), self.perspective.sight(time_step, state)
        counts = self._earnings.counts(own, moved)
        given, reward = own_reward(time_step, self.seat, ()), self.perspective.reward(time_step, state)
        given, reward = (tf.where(counts, paid, 0.0) for paid in (given, reward))
        reward += self.motives.felt(Moment(own, counts, asked, sight, before, state))
        closes = self._decisions.observe(own, reward, asked, sight)
        bonus = self.motives.note_closed(lambda: self._decisions.closed(sight), closes)
        self._earnings.add(own, given, reward + bonus)

    def begin(self, time_step: ts.TimeStep, began: tf.Tensor) -> None:
        """Takes in that episodes have begun without a step, where bool `[B]`: as `observe`, but no decision can close.

        The last time steps closed those that were open.
        """
        before, own, nothing = self.internal_state, lived(time_step, self.seat), tf.zeros([self.batch_size])
        assign(self._state, where_copy(began, self.next_state(before, time_step), before))
        self._waiting.assign(time_step.is_first())
        counts = self._earnings.counts(own, began)  # nowhere
        if self.motives:
            before, state = parts_of(before)[0], parts_of(self.internal_state)[0]
            asked, sight = is_asked(time_step, self.seat), self.perspective.sight(time_step, state)
            self.motives.felt(Moment(own, counts, asked, sight, before, state))
        self._earnings.add(own, nothing, nothing)

    def train_iteration(self) -> tf_agent.LossInfo:
        """One train step of the algorithm, on a sample of its own decisions; or a lesson, on those that are new to it.

        Returns:
          TF-Agents' `LossInfo` of them.

        Raises:
          InputError: in eager use, if no decision has closed yet.
        """
        return lesson(self.algorithm, self.replay_buffer, self.sample_batch_size, self.motives)

    def reset(self) -> None:
        """Forgets open decisions and returns to the initial internal state.

        For when the environment is reset in the middle of episodes. What was learned and the replay stay.
        """
        self._decisions.drop()
        self._waiting.assign(tf.zeros_like(self._waiting))
        self._earnings.reset()
        assign(self._state, self.initial_state(self.batch_size))

    def episode_return(self) -> tf.Tensor:
        """What the agent was paid so far in its life in each copy, float32 `[B]`, until the next begins."""
        return self._earnings.own

    def given_return(self) -> tf.Tensor:
        """The same of what the environment paid, whatever its own reward and its motivations are, float32 `[B]`."""
        return self._earnings.given

    def q_values(self, time_step: ts.TimeStep, state=None) -> tf.Tensor:
        """Q values in any number N of positions, float32 `[N, num_actions]`; NaN where illegal.

        Args:
          time_step: the environment's, `[N]`.
          state: the internal state, which has taken it in; as episodes begin if None.

        Raises:
          InputError: if the algorithm learns a policy and no Q values.
        """
        state = self.initial_state(positions_in(time_step)) if state is None else state
        internal, memory = parts_of(state)
        sight = self.perspective.sight(time_step, internal)
        if not has_q_values(self.algorithm.policy):
            raise InputError(f"{type(self.algorithm).__name__} has no Q values to show")
        values, _ = preferences(self.algorithm.policy, time_step, sight, memory)
        return tf.where(sight.legal_moves, values, float("nan")) if tf.is_tensor(sight.legal_moves) else values

    def probabilities(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """How often the agent takes each of its actions in any number N of positions, float32 `[N, num_actions]`.

        An agent with an internal state is taken as it is when episodes begin.

        Args:
          time_step: the environment's, `[N]`.
          collect: as it explores now; else as `follow` says.
        """
        policy = self.exploration.policy if collect else self._drawn
        return policy.probabilities(self._own(time_step)) if policy else self.greedy_probabilities(time_step)

    def greedy_probabilities(self, time_step: ts.TimeStep) -> tf.Tensor:
        """The same as it plays greedily: all of the best action, or shared by equals if the algorithm draws there."""
        return greedy_probabilities(self.algorithm.policy, self._own(time_step))

    def _own(self, time_step: ts.TimeStep) -> ts.TimeStep:
        internal, _ = parts_of(self.initial_state(positions_in(time_step)))
        return own_time_step(self.algorithm.policy, time_step, self.perspective.sight(time_step, internal))
