"""The independent-learning loop.

In a round every player acts once in every parallel game and every agent then takes one
or more train steps on its own decisions. Rounds run in chunks: one compiled function a
chunk, Python only in between. The same `_round` runs eagerly, in a graph and under XLA.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import tensorflow as tf
from tf_agents.environments import tf_environment, tf_py_environment

from imagents.config import TrainConfig
from imagents.environments.boards.environment import BoardGameEnvironment, Rewards
from imagents.environments.boards.features import LineFeatures
from imagents.environments.boards.games import get_game
from imagents.learning import algorithms as learners
from imagents.learning.agent import IMAgent
from imagents.players.base import Player
from imagents.players.league import LeaguePlayer
from imagents.players.names import make_player
from imagents.randomness import make_seed
from imagents.seats import PASS
from imagents.xla import start_xla

AGENT_NAMES = ("player_1", "player_2")
_ABSURD = 1e18  # a sum over a chunk, or a weight, from which nothing can be learned in 32 bits
_ADVICE = "try a smaller learning_rate, and rewards near 1, all of them finite"


class Trainer(tf.Module):
    """Plays and trains; holds everything that a checkpoint has to hold.

    Args:
      environment: a `BoardGameEnvironment`, or any TF-Agents environment for one agent.
      players: one for each seat, in seat order; those that are `IMAgent`s learn.
      train_steps_per_round: of each agent.
      warmup_rounds: rounds before the first train step, at least 2.
      execution: "xla", "graph" or "eager". An environment or a player written in Python
        cannot be compiled by XLA; training runs as a graph instead.
    """

    def __init__(
        self,
        environment: tf_environment.TFEnvironment,
        players: Sequence[IMAgent | Player],
        *,
        train_steps_per_round: int = 1,
        warmup_rounds: int = 2,
        execution: Literal["xla", "graph", "eager"] = "xla",
    ):
        super().__init__(name="trainer")
        self.environment = environment
        self.players = list(players)
        self.agents = [player for player in players if isinstance(player, IMAgent)]
        self._train_steps_per_round = train_steps_per_round
        self._warmup_rounds = warmup_rounds
        in_python = isinstance(environment, tf_py_environment.TFPyEnvironment)
        in_python |= any(getattr(player, "runs_in_python", False) for player in self.players)
        if in_python and execution == "xla":
            execution = "graph"
        self._chunk = self._rounds
        if execution == "xla":
            start_xla()
        if execution != "eager":
            self._chunk = tf.function(
                self._rounds, jit_compile=execution == "xla", autograph=False
            )
        self.rounds = _counter("rounds")
        self.plies = _counter("plies")
        self.games = _counter("games")
        self._outcomes = _counter("outcomes", [4])  # seat 0 won, seat 1 won, draw, illegal
        self._losses = {a.name: tf.Variable(0.0, trainable=False) for a in self.agents}
        self._returns = {a.name: tf.Variable(0.0, trainable=False) for a in self.agents}
        first = environment.reset()
        for agent in self.agents:
            agent.observe(first)

    def run(self, num_rounds: int) -> dict[str, float]:
        """Plays and trains for some rounds.

        Returns:
          What happened in them: the share of each outcome among the games finished, and
          for each agent its mean loss per train step and mean return per game. A mean over
          nothing is NaN.

        Raises:
          FloatingPointError: if a loss or a return became infinite, NaN or absurdly large.
        """
        sums = [*self._losses.values(), *self._returns.values(), self._outcomes]
        for variable in sums:
            variable.assign(tf.zeros_like(variable))
        games_before, rounds_before = int(self.games), int(self.rounds)
        try:
            self._chunk(tf.constant(num_rounds, tf.int64))
        except tf.errors.InvalidArgumentError as error:
            if "inf or nan" not in str(error):
                raise
            self._check_sums()
            # TF-Agents found it, before the loss was added to those that are checked here.
            raise FloatingPointError(f"a loss became infinite or NaN: {_ADVICE}") from None
        self._check_sums()
        games = int(self.games) - games_before
        train_rounds = int(self.rounds) - max(rounds_before, self._warmup_rounds)
        train_steps = max(0, train_rounds) * self._train_steps_per_round
        metrics = {}
        for agent in self.agents:
            metrics[f"{agent.name}_loss"] = _mean(self._losses[agent.name], train_steps)
            metrics[f"{agent.name}_return"] = _mean(self._returns[agent.name], games)
        if isinstance(self.environment, BoardGameEnvironment):
            names = [f"{name}_wins" for name in AGENT_NAMES] + ["draws", "illegal"]
            metrics |= {n: _mean(c, games) for n, c in zip(names, self._outcomes.numpy())}
        for player in self.players:
            if isinstance(player, Player):
                metrics |= player.after_chunk(metrics)
        return metrics

    def _check_sums(self) -> None:
        for agent in self.agents:
            _check_number("return", agent, self._returns[agent.name])
            _check_number("loss", agent, self._losses[agent.name])

    def check_weights(self) -> None:
        """Looks at everything that the agents have learned, as a checkpoint would hold it.

        Raises:
          FloatingPointError: if a weight became infinite, NaN or absurdly large.
        """
        for agent in self.agents:
            for variable in agent.learner.variables:
                if variable.dtype.is_floating:
                    _check_number("Q network", agent, variable)

    def _rounds(self, num_rounds: tf.Tensor) -> None:
        _repeat(self._round, num_rounds)

    def _round(self) -> None:
        for player in self.players:
            self._ply(player)
        rounds = self.rounds.assign_add(1)
        # A loop of no steps while warming up, not a conditional: what is inside one XLA runs on a single core.
        steps = tf.where(rounds > self._warmup_rounds, self._train_steps_per_round, 0)
        _repeat(self._train, steps)

    def _ply(self, player: IMAgent | Player) -> None:
        before = self.environment.current_time_step()
        action = player.act(before, collect=True)
        after = self.environment.step(action)
        for agent in self.agents:
            agent.observe(after)
        ended = after.is_last()
        moved = ~before.is_last()
        if isinstance(self.environment, BoardGameEnvironment):
            moved &= action != PASS
            outcome = self.environment.outcome()[:, tf.newaxis] == tf.range(4)  # [B, 4]
            self._outcomes.assign_add(_count(outcome))
        self.plies.assign_add(_count(moved))
        self.games.assign_add(_count(ended))
        for agent in self.agents:
            returned = tf.where(ended, agent.episode_return(), 0.0)
            self._returns[agent.name].assign_add(tf.reduce_sum(returned))

    def _train(self) -> None:
        for agent in self.agents:
            self._losses[agent.name].assign_add(agent.train_iteration().loss)


def build(config: TrainConfig) -> Trainer:
    """The environment, the players and the loop that a config describes.

    Raises:
      ValueError: for a game, an opponent or an opening that does not exist.
    """
    game = get_game(config.game)
    environment = BoardGameEnvironment(
        game,
        config.parallel_games,
        first_mover=config.first_mover,
        opening_plies=config.opening_plies,
        rewards=Rewards(
            config.reward_win, config.reward_loss, config.reward_draw, config.reward_illegal
        ),
        seed=config.seed,
    )
    players = [_agent(config, environment, seat=0)]
    if config.opponent == "learner":
        players.append(_agent(config, environment, seat=1))
    else:
        players.append(_opponent(config, environment, players[0]))
    return Trainer(
        environment,
        players,
        train_steps_per_round=config.train_steps_per_round,
        warmup_rounds=config.warmup_rounds,
        execution=config.execution,
    )


def agent_names(config: TrainConfig) -> list[str]:
    """The names of the agents that learn."""
    return list(AGENT_NAMES if config.opponent == "learner" else AGENT_NAMES[:1])


def build_agents(config: TrainConfig) -> list[IMAgent]:
    """The agents that a config describes, each for a single game, without anything to play it."""
    environment = BoardGameEnvironment(get_game(config.game))
    small = dataclasses.replace(config, parallel_games=1, replay_length=2)
    return [_agent(small, environment, AGENT_NAMES.index(name)) for name in agent_names(config)]


def _opponent(config: TrainConfig, environment: BoardGameEnvironment, learner: IMAgent) -> Player:
    """The player at seat 1 that `config.opponent` names."""

    def league() -> Player:
        size, games = config.league_size, config.parallel_games
        if games % size:
            raise ValueError(
                f"league_size = {size}: each place plays an equal share of the {games} parallel games, "
                "so it has to divide them"
            )
        small = dataclasses.replace(config, parallel_games=games // size, replay_length=2)
        actor = _agent(small, environment, learner.seat, name="league")
        return LeaguePlayer(learner, actor, size, config.league_win_rate, seat=1)

    def another_learner() -> Player:
        raise ValueError("learner cannot be part of a mixture: it is a second agent, and learns from every game")

    others = {"learner": another_learner, "league": league}
    try:
        game = environment.game
        return make_player(config.opponent, game, 1, config.seed, config.parallel_games, others)
    except ValueError as error:
        raise ValueError(f"opponent = {config.opponent!r}: {error}") from None


def _agent(config: TrainConfig, environment: BoardGameEnvironment, seat: int, name: str = "") -> IMAgent:
    name = name or AGENT_NAMES[seat]
    settings = dict(
        features=LineFeatures(environment.game) if config.features == "lines" else None,
        mirror=environment.game.columns if config.symmetry == "mirror" else 0,
        hidden_layers=config.hidden_layers,
        optimizer=tf.keras.optimizers.Adam(config.learning_rate),
        discount=config.discount,
        target_update_period=config.target_update_period,
        target_update_tau=config.target_update_tau,
        seed=make_seed(config.seed, name),
    )
    if config.algorithm == "c51":
        rewards = (config.reward_win, config.reward_loss, config.reward_draw)
        learner = learners.categorical_dqn(
            min_return=min(rewards), max_return=max(rewards), **settings
        )
    else:
        learner = learners.dqn(double=config.algorithm == "double_dqn", **settings)
    return IMAgent(
        environment.time_step_spec(),
        environment.action_spec(),
        batch_size=config.parallel_games,
        learner=learner,
        seat=seat,
        name=name,
        epsilon=epsilon_ladder(config.epsilon_min, config.epsilon_max, config.parallel_games),
        replay_length=config.replay_length,
        sample_batch_size=config.batch_size,
        seed=config.seed,
    )


def epsilon_ladder(low: float, high: float, num_games: int) -> list[float]:
    """One epsilon per parallel game, from `low` to `high` in geometric steps."""
    if num_games == 1 or low == high:
        return [low] * num_games
    floor = max(low, 1e-4)
    return [floor * (high / floor) ** (i / (num_games - 1)) for i in range(num_games)]


def _repeat(body: Callable[[], None], times: tf.Tensor) -> None:
    def next_one(i):
        body()
        return [i + 1]

    tf.while_loop(lambda i: i < times, next_one, [tf.zeros_like(times)])


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
