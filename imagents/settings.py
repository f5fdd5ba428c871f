"""The parts of a training's settings that every environment shares: the algorithm's, and the training's own.

Each field is a flag of the command line with the sentence below it; no other place has its default.
"""

import dataclasses
import math
from typing import ClassVar, Literal

from imagents.motivated import Motivated
from imagents.values import check, check_layers, check_least, check_rates, check_shares

Free = dict[str, tuple]
"""Settings, by their names, whose values all share a compiled program, which reads them as it runs if it needs them at
all; but for those values of each that make another one of it, as 0 does where it switches something off."""


@dataclasses.dataclass(frozen=True)
class Learning(Motivated):
    """What everything here that learns the values of actions understands."""

    discount: float = 1.0
    """Weight of the next decision's value; its exponent counts an agent's own decisions, however long they take."""
    exploration: Literal["epsilon", "boltzmann"] = "epsilon"
    """How an agent tries what it does not think best: epsilon, a random move in a share of its decisions; boltzmann,
    any move, the more often the more it is worth, at a temperature."""
    exploration_start: float = 0.0
    """That share, or the temperature in units of reward, at the first decision in each parallel game."""
    exploration_end: float = 0.0
    """What it falls to."""
    exploration_decay: float = 0.0
    """Its factor from one own decision in a game to the next; 0 lets it fall linearly over half of the budget."""
    hysteretic: float = 1.0
    """The step on errors below 0 over the step on those above (Matignon et al. 2007); 1 makes no difference."""
    distributed: bool = False
    """Whether a table holds the greatest target that a value ever had, whatever the learning rate, and changes its
    greedy action only where the maximum rises (Lauer and Riedmiller 2000); errors below 0 teach Q networks nothing."""
    lenient_temperature: float = 0.0
    """How lenient an agent is with an action that it has not tried yet in a state: an error below 0 teaches nothing
    with probability 1 - exp(-moderation x temperature) (Panait et al. 2008, Palmer et al. 2018); 0 switches it off."""
    lenient_decay: float = 0.999
    """The factor of an action's temperature in a state each time that it is learned from."""
    lenient_moderation: float = 1.0
    """How much of the temperature counts."""

    free: ClassVar[Free] = Motivated.free | {
        "discount": (), "exploration_start": (0.0,), "exploration_end": (), "exploration_decay": (0.0,),
        "hysteretic": (1.0,), "lenient_temperature": (0.0,), "lenient_decay": (), "lenient_moderation": (),
    }  # fmt: skip

    def __post_init__(self):
        super().__post_init__()
        shares = ("exploration_start", "exploration_end") if self.exploration == "epsilon" else ()
        check_shares(self, "discount", "exploration_decay", "hysteretic", "lenient_decay", *shares)
        numbers = ("exploration_start", "exploration_end", "lenient_temperature", "lenient_moderation")
        for name in numbers:
            value = getattr(self, name)
            check(name, 0 <= value < math.inf, value, "at least 0 is needed")
        check("exploration_end", self.exploration_end <= self.exploration_start, self.exploration_end,
              f"it is not above exploration_start = {self.exploration_start}")
        check("exploration_start", self.exploration == "epsilon" or self.exploration_start > 0,
              self.exploration_start, "a temperature is more than 0")

    @property
    def is_optimistic(self) -> bool:
        """Whether some errors below 0 count less than those above."""
        return self.hysteretic < 1 or self.distributed or self.lenient_temperature > 0


@dataclasses.dataclass(frozen=True)
class QLearning(Learning):
    """The DQN family: learns the values of actions from single decisions, in any order."""

    name: Literal["dqn", "double_dqn", "c51"] = "dqn"
    hidden_layers: tuple[int, ...] = (128, 128)
    """Width of each hidden layer of the Q network."""
    learning_rate: float = 1e-3
    """Of Adam, at the start."""
    final_learning_rate: float = 1e-4
    """Of Adam, at the end of the budget; it falls linearly."""
    target_update_period: int = 50
    """Train steps between updates of the target network."""
    target_update_tau: float = 1.0
    """Share of the online weights in an update of the target network."""
    loss: Literal["huber", "squared"] = "huber"
    """Of the error of dqn and double_dqn. Huber learns little from errors above 1, and nothing sound where returns are
    near 100 and their ends rare; c51 has a loss of its own."""
    batch_size: int = 1024
    """Decisions per train step of an agent."""
    train_steps_per_round: int = 1
    """Train steps per round (every agent acts once in every parallel game in a round)."""
    warmup_rounds: int = 20
    """Rounds played before the first train step."""
    replay_length: int = 32
    """Newest decisions kept per parallel game, in each agent's replay buffer."""
    n_step: int = 1
    """Own decisions whose rewards a target adds up before it looks at a value; fewer where a life ends."""
    epsilon_min: float = 0.1
    """With exploration epsilon: the least share of random moves in the least exploring of the parallel games."""
    epsilon_max: float = 0.1
    """The same in the most exploring one; geometric steps in between."""

    free: ClassVar[Free] = Learning.free | {
        "learning_rate": (), "final_learning_rate": (), "target_update_period": (1,), "target_update_tau": (0.0, 1.0),
        "epsilon_min": (), "epsilon_max": (),
    }  # fmt: skip

    def __post_init__(self):
        super().__post_init__()
        check_layers(self)
        check_rates(self, "learning_rate", "final_learning_rate")
        check_least(self, {"batch_size": 1, "target_update_period": 1, "train_steps_per_round": 0, "warmup_rounds": 2,
                            "replay_length": 2, "n_step": 1})  # fmt: skip
        check_shares(self, "epsilon_min", "epsilon_max", "target_update_tau")
        check("epsilon_max", self.epsilon_max >= self.epsilon_min, self.epsilon_max,
              f"it is not below epsilon_min = {self.epsilon_min}")
        check("algorithm", self.name != "c51" or not self.is_optimistic, self.name,
              "it learns distributions, and hysteretic, distributed and lenient learning are about single values")


@dataclasses.dataclass(frozen=True)
class DRQN(QLearning):
    """Deep recurrent Q-learning (Hausknecht & Stone 2015): Double DQN with a memory, from windows of decisions."""

    name: Literal["drqn"] = "drqn"
    recurrent_units: int = 64
    """Units of the memory, between what is seen and the hidden layers."""
    window_length: int = 16
    """Decisions in a row that are learned from together; a train step has batch_size decisions in such windows."""

    n_step: ClassVar[int] = 1

    def __post_init__(self):
        super().__post_init__()
        check_least(self, {"recurrent_units": 1, "window_length": 2})
        check("replay_length", self.replay_length >= self.window_length, self.replay_length,
              f"it has room for a window_length = {self.window_length}")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Tabular(Learning):
    """Q-learning in a table, for views of few values: each decision is learned exactly once, as it closes."""

    name: Literal["tabular"] = "tabular"
    learning_rate: float = 0.1
    """The share of an error by which a value moves; with parallel games, of the mean error of those that met it."""
    exploration_start: float = 1.0
    exploration_end: float = 0.01

    free: ClassVar[Free] = Learning.free | {"learning_rate": (), "hysteretic": ()}

    def __post_init__(self):
        super().__post_init__()
        check("learning_rate", 0 < self.learning_rate <= 1, self.learning_rate, "more than 0 and at most 1 is needed")

    @property
    def final_learning_rate(self) -> float:
        """The same: it stays."""
        return self.learning_rate


@dataclasses.dataclass(frozen=True)
class ActorCritic(Motivated):
    """What learns a policy, and what a view is worth under it, from what it has just done."""

    discount: float = 1.0
    """Weight of the next decision's value; its exponent counts an agent's own decisions, however long they take."""
    hidden_layers: tuple[int, ...] = (64, 64)
    """Width of each hidden layer, of the policy's network and of the values'."""
    learning_rate: float = 1e-3
    """Of Adam, at the start."""
    final_learning_rate: float = 1e-5
    """Of Adam, at the end of the budget; it falls linearly."""
    rollout_length: int = 32
    """Rounds played between two lessons."""
    gae_lambda: float = 0.95
    """How far what followed counts beside what was expected to follow (Schulman et al. 2016): 1 for all of it."""
    entropy: float = 0.0
    """Weight of the policy's entropy beside what its decisions were worth: what keeps it from being sure too soon. PPO
    takes that in units of its own standard deviation."""
    value_weight: float = 0.5
    """Weight of the values' squared error in the loss."""
    gradient_clipping: float = 0.5
    """Greatest norm of a gradient; 0 for any."""

    free: ClassVar[Free] = Motivated.free | {
        "discount": (), "learning_rate": (), "final_learning_rate": (), "gae_lambda": (), "gradient_clipping": (0.0,),
        "clip": (0.0,),
    }  # fmt: skip
    epochs: ClassVar[int] = 1
    minibatches: ClassVar[int] = 1
    clip: ClassVar[float] = 0.0
    normalize_advantages: ClassVar[bool] = False
    baseline: ClassVar[bool] = True
    longest_life: ClassVar[int] = 0  # any
    recurrent_units: ClassVar[int] = 0
    window_length: ClassVar[int] = 1

    def __post_init__(self):
        super().__post_init__()
        check_layers(self)
        check_rates(self, "learning_rate", "final_learning_rate")
        check_least(self, {"rollout_length": 1, "epochs": 1, "minibatches": 1})
        check_shares(self, "discount", "gae_lambda")
        for name in ("entropy", "value_weight", "gradient_clipping", "clip"):
            check(name, 0 <= getattr(self, name) < math.inf, getattr(self, name), "at least 0 is needed")


@dataclasses.dataclass(frozen=True)
class PPO(ActorCritic):
    """Proximal policy optimization (Schulman et al. 2017): several steps on a rollout, none of them far."""

    name: Literal["ppo"] = "ppo"
    clip: float = 0.2
    """How far from 1 the ratio of an action's new probability to its old one still counts; 0 for any."""
    epochs: int = 4
    """How often a lesson goes over all decisions."""
    minibatches: int = 4
    """Gradient steps in each of them, on a share of the decisions each."""

    normalize_advantages: ClassVar[bool] = True


@dataclasses.dataclass(frozen=True)
class RecurrentPPO(PPO):
    """PPO with a memory, from windows of decisions."""

    name: Literal["recurrent_ppo"] = "recurrent_ppo"
    recurrent_units: int = 64
    """Units of the policy's memory, and of the values', between what is seen and the hidden layers."""
    window_length: int = 32
    """Decisions in a row through which a gradient reaches back; rollout_length is a multiple of it."""
    rollout_length: int = 128
    """Rounds played between two lessons."""

    def __post_init__(self):
        super().__post_init__()
        check_least(self, {"recurrent_units": 1, "window_length": 2})
        check("rollout_length", self.rollout_length % self.window_length == 0, self.rollout_length,
              f"a multiple of window_length = {self.window_length} is needed")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class A2C(ActorCritic):
    """Advantage actor-critic (Mnih et al. 2016), synchronous: one step on a rollout."""

    name: Literal["a2c"] = "a2c"
    rollout_length: int = 8
    """Rounds played between two lessons."""
    gae_lambda: float = 1.0


@dataclasses.dataclass(frozen=True)
class Reinforce(ActorCritic):
    """REINFORCE (Williams 1992): one step on whole lives; those that are not over wait for a later lesson."""

    name: Literal["reinforce"] = "reinforce"
    longest_life: int = 512
    """Decisions of a life at the most: all of them are remembered until it is over."""
    baseline: bool = True
    """Whether returns are judged against what a view is worth. Without it nothing is known of what a limit cut off,
    which then counts for nothing."""

    gradient_clipping: float = 0.0
    gae_lambda: ClassVar[float] = 1.0

    def __post_init__(self):
        super().__post_init__()
        check_least(self, {"longest_life": 1})


ALGORITHMS = {
    "dqn": QLearning, "double_dqn": QLearning, "c51": QLearning, "tabular": Tabular, "drqn": DRQN,
    "ppo": PPO, "a2c": A2C, "reinforce": Reinforce, "recurrent_ppo": RecurrentPPO,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Training:
    """How long to train, against whom, and what to write down."""

    seed: int = 0
    """Same seed, same machine: same run, bit for bit."""
    steps: int | None = None
    """Training budget in steps of all parallel games together; the round that reaches it is played to its end."""
    minutes: float | None = None
    """Training budget in minutes of training time. With neither budget: the preset's."""
    opponent: str = "learner"
    """Short for players with two seats: who plays seat 1 against a learner."""
    players: tuple[str, ...] = ()
    """Who sits where, a name for each seat: learner (an agent, independent of all others), league (past selves of the
    other seat's agent), any player that does not learn (random, heuristic, minimax:2, the folder of a run, that of a
    study for all its agents side by side, ...), or a mixture of these, random=1,heuristic=3. Learners everywhere if not
    given."""
    agents: str = ""
    """In place of players and of the algorithm: your own MODULE:FUNCTION, called with the environment and the seed; it
    returns a player for each seat."""
    share_weights: bool = False
    """Whether all learners share one algorithm, each with decisions of its own; else no two share a variable."""
    limits_are_ends: bool = False
    """Whether a time limit counts as an end, after which nothing is worth anything; for figures found that way."""
    league_size: int = 8
    """Past selves in the pool of a league; parallel_games is a multiple of it."""
    league_win_rate: float = 0.6
    """Share of a chunk's games that the agent has to win for a copy of it to join the league."""
    parallel_games: int = 1024
    """Games played side by side."""
    rounds_per_chunk: int = 200
    """Rounds in one compiled call; one row of metrics.csv each."""
    evaluate_every: int = 10
    """Chunks between evaluations of playing strength."""
    checkpoint_minutes: float = 1.0
    """Minutes of training between checkpoints."""
    snapshots: int = 16
    """Copies of the agents' networks kept over a run, evenly in time, beside some of its beginning; 0 keeps none."""
    record_every: int = 0
    """Steps between episodes that are filmed into the run's videos, of which the last 10 stay; 0 for none."""
    track: Literal["", "mlflow", "wandb"] = ""
    """Who gets settings and figures, too: mlflow (MLFLOW_TRACKING_URI or ./mlruns) or wandb (WANDB_MODE or offline)."""
    execution: Literal["xla", "graph", "eager"] = "xla"
    """How rounds run: compiled by XLA, as a TensorFlow graph, or step by step."""

    free: ClassVar[Free] = dict.fromkeys(
        ("seed", "steps", "minutes", "league_win_rate", "rounds_per_chunk", "evaluate_every", "checkpoint_minutes",
         "snapshots", "record_every", "track"), (),
    )  # fmt: skip

    def __post_init__(self):
        check_least(self, {"parallel_games": 1, "rounds_per_chunk": 1, "evaluate_every": 1, "league_size": 1,
                            "seed": 0, "snapshots": 0, "record_every": 0})  # fmt: skip
        for name in ("steps", "minutes"):
            value = getattr(self, name)
            check(name, value is None or (math.isfinite(value) and value > 0), value, "a budget is more than 0")
        object.__setattr__(self, "players", tuple(self.players))
        if self.players:
            check("players", "learner" in self.players, self.players, "at least one seat is a learner's")
            check("opponent", self.opponent == "learner", self.opponent, "players say who plays, an opponent too")
        if self.agents:
            check("agents", not self.players and self.opponent == "learner", self.agents, "they sit everywhere, and "
                   "neither players nor opponent can be given")  # fmt: skip
        check_shares(self, "league_win_rate")
        check("checkpoint_minutes", self.checkpoint_minutes > 0, self.checkpoint_minutes, "more than 0 is needed")


def settings_of(part) -> dict[str, dataclasses.Field]:
    """The settings in a part of a config, by name."""
    return {field.name: field for field in dataclasses.fields(part) if field.name != "name"}
