"""The independent-learning loop.

In a round every player is asked once in every parallel episode, all at once or in turn as
the environment has it (`imagents.seats`), and every agent then takes one or more train
steps on its own decisions. Rounds run in chunks: one compiled function a chunk, Python
only in between. The same `_round` runs eagerly, in a graph and under XLA.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from typing import Literal

import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.trajectories import time_step as ts

from imagents.checking import misfits
from imagents.config import TrainConfig
from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.number import fixed
from imagents.players.base import Player, runs_in_python
from imagents.players.seating import seat_players
from imagents.process import check_tensorflow
from imagents.runs.run import Run
from imagents.seats import ends, num_seats, take_step, telling, turns
from imagents.settings import QLearning
from imagents.xla import repeat, start_xla

_ABSURD = 1e18  # a sum over a chunk, or a weight, from which nothing can be learned in 32 bits
_ADVICE = "try a smaller learning_rate, and rewards near 1, all of them finite"


class Trainer(tf.Module):
    """Plays and trains; holds everything that a checkpoint has to hold.

    Args:
      environment: one with a seat for each player, or any TF-Agents environment for one agent. Its `tallies` name what
        `tally()`, bool `[B, K]`, says of each step; the shares among the episodes that ended become metrics.
      players: one for each seat, in seat order; those that are `IMAgent`s learn, each from its own seat.
      train_steps_per_round: of each agent that has a replay, or a number by agent's name; any other has a lesson every
        `rollout_length` rounds.
      warmup_rounds: rounds before the first train step, at least 2, and as many more as it takes until every agent that
        has a replay has a decision to learn from; or a number by agent's name.
      execution: "xla", "graph" or "eager". An environment or a player written in Python
        cannot be compiled by XLA; training runs as a graph instead, and the attribute says so.

    Raises:
      InputError: for players that do not fit the environment or each other, in one sentence.
    """

    def __init__(
        self,
        environment: tf_environment.TFEnvironment,
        players: Sequence[IMAgent | Player],
        *,
        train_steps_per_round: int | Mapping[str, int] = QLearning.train_steps_per_round,
        warmup_rounds: int | Mapping[str, int] = QLearning.warmup_rounds,
        execution: Literal["xla", "graph", "eager"] = "xla",
    ):
        check_tensorflow()
        super().__init__(name="trainer")
        _check_players(environment, players)
        self.environment = environment
        self.players = list(players)
        self.agents = [player for player in players if isinstance(player, IMAgent)]
        self._train_steps_per_round, self._warmup_rounds = train_steps_per_round, warmup_rounds
        self._by_pace()  # which looks at them
        if execution == "xla" and runs_in_python(environment, self.players):
            execution = "graph"
        self.execution = execution
        self._chunk = self._rounds
        for agent in self.agents:
            agent.replay_buffer.in_place = execution != "xla"
        if execution == "xla":
            start_xla()
        if execution != "eager":
            self._chunk = tf.function(
                self._rounds, jit_compile=execution == "xla", autograph=False
            )
        self.rounds = _counter("rounds")
        self.steps = _counter("steps")
        self.episodes = _counter("episodes")
        self._tallies = _counter("tallies", [len(getattr(environment, "tallies", ()))])
        self._lessons = {a.name: _counter("lessons") for a in self.agents}
        self._notes = {
            f"{agent.name}_{note}": tf.Variable(0.0, trainable=False)
            for agent in self.agents for note in getattr(agent.algorithm, "notes", ())
        }  # fmt: skip
        self._losses = {a.name: tf.Variable(0.0, trainable=False) for a in self.agents}
        self._returns = {a.name: tf.Variable(0.0, trainable=False) for a in self.agents}
        self._own_returns = {a.name: tf.Variable(0.0, trainable=False) for a in self.agents}
        self._lives = {a.name: _counter("lives") for a in self.agents}
        self._begin()

    def __repr__(self) -> str:
        who = ", ".join(player.name for player in self.players)
        return f"<Trainer: {who} in {self.environment!r}; {int(self.rounds):,} rounds, {self.execution}>"

    @property
    def most_steps_per_round(self) -> int:
        """The most steps that a round can have, in all copies together."""
        return self.environment.batch_size * len(turns(self.environment))

    @property
    def keeps_episodes(self) -> bool:
        """Whether a checkpoint holds the episodes under way: whether the environment keeps its state in variables."""
        return isinstance(self.environment, tf.Module) and hasattr(self.environment, "get_state")

    def begin_anew(self) -> None:
        """New episodes in all copies; open decisions are dropped, and what was learned stays."""
        for agent in self.agents:
            agent.reset()
        self._begin()

    def _begin(self) -> None:
        first = self.environment.reset()
        self._check_time_step(first)
        for player in self.players:
            player.observe(first)

    def run(self, num_rounds: int) -> dict[str, float]:
        """Plays and trains for some rounds.

        Returns:
          What happened in them: for each agent its mean loss per train step and mean returns per
          life that ended (an episode, unless the environment knows other lives), `_return` by the
          environment's reward and `_own_return` by all that it was paid, what each of its motivations
          pays per decision, without its weight, and the share of each of the environment's tallies
          among the episodes that ended. A mean over nothing is NaN.

        Raises:
          FloatingPointError: if a loss or a return became infinite, NaN or absurdly large.
        """
        by_agent = (self._losses, self._returns, self._own_returns, self._lives, self._lessons, self._notes)
        sums = [self._tallies, *(variable for each in by_agent for variable in each.values())]
        for variable in sums:
            variable.assign(tf.zeros_like(variable))
        for agent in self.agents:
            agent.motives.empty_sums()
        episodes_before = int(self.episodes)
        try:
            with telling(self.environment):
                self._chunk(tf.constant(num_rounds, tf.int64))
        except tf.errors.InvalidArgumentError as error:
            if "inf or nan" not in str(error):
                raise
            self._check_sums()
            # TF-Agents found it, before the loss was added to those that are checked here.
            raise FloatingPointError(f"a loss became infinite or NaN: {_ADVICE}") from None
        self._check_sums()
        self._check_rollouts()
        episodes = int(self.episodes) - episodes_before
        metrics = {}
        for agent in self.agents:
            lessons = int(self._lessons[agent.name])
            metrics[f"{agent.name}_loss"] = _mean(self._losses[agent.name], lessons)
            names = [f"{agent.name}_{note}" for note in getattr(agent.algorithm, "notes", ())]
            metrics |= {name: _mean(self._notes[name], lessons) for name in names}
            lives = int(self._lives[agent.name])
            metrics[f"{agent.name}_return"] = _mean(self._returns[agent.name], lives)
            metrics[f"{agent.name}_own_return"] = _mean(self._own_returns[agent.name], lives)
            metrics |= {f"{agent.name}_{name}": mean for name, mean in agent.motives.means().items()}
        tallies = zip(getattr(self.environment, "tallies", ()), self._tallies.numpy())
        metrics |= {name: _mean(count, episodes) for name, count in tallies}
        for player in self.players:
            if isinstance(player, Player):
                metrics |= player.after_chunk(metrics)
        return metrics

    def _check_sums(self) -> None:
        for agent in self.agents:
            _check_number("return", agent, self._own_returns[agent.name])
            _check_number("loss", agent, self._losses[agent.name])

    def _check_rollouts(self) -> None:
        for agent in self.agents:
            if agent.rollout_length and (lost := int(agent.replay_buffer.num_lost)):
                raise InputError(
                    f"{agent.name}: {lost} decisions of lives under way had no room any more: a life is longer than "
                    f"longest_life = {agent.algorithm.longest_life} decisions"
                )

    def check_weights(self) -> None:
        """Looks at everything that the agents have learned, as a checkpoint would hold it.

        Raises:
          FloatingPointError: if a weight became infinite, NaN or absurdly large.
        """
        for agent in self.agents:
            for variable in agent.algorithm.variables:
                if variable.dtype.is_floating:
                    _check_number("Q network", agent, variable)

    def _rounds(self, num_rounds: tf.Tensor) -> None:
        with fixed(self.execution == "graph"):
            repeat(self._round, num_rounds)

    def _round(self) -> None:
        for seats in turns(self.environment):
            self._step(seats)
        rounds = self.rounds.assign_add(1)
        for (train_steps, warmup_rounds), agents in self._by_pace().items():
            is_warm = rounds > warmup_rounds
            for agent in agents:  # some are first asked late, or decide for long
                is_warm &= agent.replay_buffer.num_frames() > 0
            repeat(functools.partial(self._train, agents), tf.where(is_warm, train_steps, 0))
        for agent in self.agents:
            if agent.rollout_length:
                is_due = (rounds % agent.rollout_length == 0) & (agent.replay_buffer.num_frames() > 0)
                repeat(functools.partial(self._train, [agent]), tf.cast(is_due, tf.int32))

    def _step(self, seats: Sequence[int]) -> None:
        if hasattr(self.environment, "begin_next"):
            began = self.environment.begin_next(seats[0])
            first = self.environment.current_time_step()
            for player in self.players:
                player.begin(first, began)
        before, after, stepped = take_step(
            self.environment,
            seats,
            lambda seat, time_step: self.players[seat].act(time_step, collect=True),
            getattr(self.environment, "go_on", None),
        )
        self._check_time_step(after)
        for player in self.players:
            player.observe(after, before.is_last() | stepped)
        if hasattr(self.environment, "tallies"):
            self._tallies.assign_add(_count(self.environment.tally()))
        self.steps.assign_add(_count(stepped))
        self.episodes.assign_add(_count(after.is_last()))
        for agent in self.agents:
            ended = ends(before, after, agent.seat)
            self._lives[agent.name].assign_add(_count(ended))
            for sums, earned in ((self._returns, agent.given_return()), (self._own_returns, agent.episode_return())):
                sums[agent.name].assign_add(tf.reduce_sum(tf.where(ended, earned, 0.0)))

    def _check_time_step(self, time_step: ts.TimeStep) -> None:
        """Looks at its shapes: TensorFlow makes do with a reward of another one, and the game is another one, too."""
        for _, sentence in misfits(self.environment, time_step):
            raise InputError(f"{sentence}; imagents.check_environment(make) looks at everything else, too")

    def _by_pace(self) -> dict[tuple[int, int], list[IMAgent]]:
        """The agents that learn from a replay, by (train steps per round, rounds before the first)."""
        found, numbers = {}, (self._train_steps_per_round, self._warmup_rounds)
        for agent in self.agents:
            steps, warmup = (number[agent.name] if isinstance(number, Mapping) else number for number in numbers)
            if warmup < 2:
                raise InputError(f"warmup_rounds = {warmup}: at least 2 are needed before there are decisions")
            if steps and not agent.rollout_length:
                found.setdefault((steps, warmup), []).append(agent)
        return found

    def _train(self, agents: Sequence[IMAgent]) -> None:
        for agent in agents:
            info = agent.train_iteration()
            self._lessons[agent.name].assign_add(1)
            self._losses[agent.name].assign_add(info.loss)
            for note in getattr(agent.algorithm, "notes", ()):
                self._notes[f"{agent.name}_{note}"].assign_add(info.extra[note])


def build(config: TrainConfig, folder: str | os.PathLike = "") -> Trainer:
    """The environment, the players and the loop that a config describes.

    Args:
      config: the settings.
      folder: where a relative path of an opponent is looked for first.

    Raises:
      InputError: for a player that does not exist or does not fit.
    """
    environment = config.environment.build(config.training.parallel_games, config.training.seed)
    players = seat_players(config, environment, folder)
    algorithms = {player.name: config.algorithm_of(player.name) for player in players}
    pace = {
        setting: {name: getattr(each, setting, getattr(QLearning, setting)) for name, each in algorithms.items()}
        for setting in ("train_steps_per_round", "warmup_rounds")
    }
    return Trainer(environment, players, execution=config.training.execution, **pace)


def load_run(path: str | os.PathLike) -> Trainer:
    """The trainer of a run, as its newest checkpoint has it: its agents are `.agents`.

    Raises:
      InputError: if the folder is not a run, or holds no sound checkpoint, or is one of version 0.1.0.
    """
    run = Run(path)
    newest = run.newest_checkpoint()
    manifest = run.check_to_resume()
    trainer = build(run.config, run.began_in)
    # Whatever else the checkpoint holds (how evaluation draws its numbers) is left out.
    run.read(newest, tf.train.Checkpoint(trainer=trainer), manifest)
    return trainer


def _check_players(environment, players: Sequence[IMAgent | Player]) -> None:
    """Raises an InputError unless there is one fitting player for each seat, in order."""
    if not isinstance(environment, tf_environment.TFEnvironment):
        raise InputError(f"the environment is a {type(environment).__name__}: a TFEnvironment is needed")
    seats = num_seats(environment)
    if len(players) != seats:
        raise InputError(f"{len(players)} players: the environment has num_seats = {seats}, and each seat needs one")
    names = set()
    for seat, player in enumerate(players):
        if not isinstance(player, (IMAgent, Player)):
            raise InputError(f"players[{seat}] is a {type(player).__name__}: an IMAgent or a Player is needed")
        if player.seat != seat:
            raise InputError(f"players[{seat}], {player.name}, sits at seat {player.seat}: seat {seat} is needed")
        if isinstance(player, Player):
            continue
        if player.name in names:
            raise InputError(f"two agents are called {player.name}: give each a name of its own")
        names.add(player.name)
        if player.batch_size != environment.batch_size:
            raise InputError(
                f"{player.name} has batch_size = {player.batch_size}, and the environment has "
                f"{environment.batch_size} copies"
            )
        if player.policy.time_step_spec != environment.time_step_spec():
            raise InputError(f"{player.name} was made for another environment: its time steps have other specs")


def _counter(name: str, shape: Sequence[int] = ()) -> tf.Variable:
    return tf.Variable(tf.zeros(shape, tf.int64), trainable=False, name=name)


def _count(condition: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(condition, tf.int64), axis=0)


def _mean(total, count: int) -> float:
    return float(total) / count if count else float("nan")


def _check_number(what: str, agent: IMAgent, variable: tf.Variable) -> None:
    values = variable.numpy()
    sound = abs(values) < _ABSURD  # NaN is not
    if not sound.all():
        raise FloatingPointError(f"the {what} of {agent.name} became {values[~sound][0]:.3g}: {_ADVICE}")
