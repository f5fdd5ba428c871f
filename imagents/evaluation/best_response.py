"""What a best response gets of frozen players, where nobody can compute it: a DQN learns it, from play.

An agent takes a seat, and learns against everybody else until its mean return is *flat*. After each chunk of rounds it
plays some 10,000 greedy episodes. At a learning rate its return is flat when the best of the newest five of these
figures is at most two standard errors above the best of all before them; then it goes back to its best weights and on
at a tenth of the rate, and when it is flat there, too, its best weights are taken. They are judged by as many other
episodes. What it gets is what can be got at least: a best response might find more.
"""

import dataclasses
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from imagents.evaluation.matches import Z
from imagents.evaluation.returns import Returns
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import dqn
from imagents.learning.build import epsilon_ladder
from imagents.randomness import make_seed
from imagents.seats import close
from imagents.training.loop import Trainer

COPIES = 256
"""Copies of the environment, side by side, in which it learns."""
_RATES = (1e-3, 1e-4)
_NEWEST = 5  # figures, for which the best one has to stay as good as it is
_ROUNDS = 500  # of a chunk: more than the episodes after it take, so that no two evaluations draw the same numbers
_MOST_CHUNKS = 100  # at each learning rate


@dataclasses.dataclass(frozen=True)
class BestResponse:
    """What was learned, and what it gets.

    mean_return: of fresh episodes; interval: of 95 % around it; episodes: how many these were.
    steps: of its training, in all copies; is_flat: whether it ended because its return was flat at all learning rates.
    """

    mean_return: float
    interval: tuple[float, float]
    episodes: int
    steps: int
    is_flat: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self) | {"interval": list(self.interval)}


def learn_best_response(
    face, players: Sequence, seat: int, seed: int = 0, episodes: int = 10_000, xla: bool = True
) -> BestResponse:
    """Learns what to do at a seat, against players that stay as they are.

    Args:
      face: the environment's settings; its episodes end, or are cut off.
      players: one for each seat, made for `COPIES` copies; whoever sits at `seat` is left out, and may be None.
      seat: where it sits.
      seed: of everything that is drawn for it.
      episodes: of an evaluation, at least.
      xla: whether XLA compiles it, unless a player or the environment is written in Python.
    """
    environment, other = (face.build(COPIES, make_seed(seed, f"best_response/{use}")) for use in ("learns", "plays"))
    algorithm = dqn(**face.network(), loss="squared", optimizer=tf.keras.optimizers.Adam(), seed=seed)
    agent = IMAgent(
        environment, algorithm=algorithm, seat=seat, name="best_response", limits_are_ends=True, seed=seed,
        epsilon=epsilon_ladder(0.01, 0.3, COPIES), replay_length=128, sample_batch_size=512,
    )  # fmt: skip
    players = [*players[:seat], agent, *players[seat + 1 :]]
    trainer = Trainer(environment, players, execution="xla" if xla else "graph")
    returns = Returns(other, players, episodes, trainer.execution == "xla")
    try:
        is_flat, steps = _learn(trainer, returns, agent)
        found = returns.report()[agent.name]
    finally:
        close(environment)
        close(returns)
    mean, error = found["mean_return"], Z * returns.standard_errors()[agent.name]
    return BestResponse(mean, (mean - error, mean + error), found["lives"], steps, is_flat)


def _learn(trainer: Trainer, returns: Returns, agent: IMAgent) -> tuple[bool, int]:
    """Trains an agent, and leaves it with its best weights: whether its return was flat each time, after which steps.

    In the end all play on a while, for the others to draw new numbers: those weights were chosen by the last ones.
    """
    highest, best, is_flat = -math.inf, [], True
    for rate in _RATES:
        agent.optimizer.learning_rate.assign(rate)
        means, flat = [], False
        while not flat and len(means) < _MOST_CHUNKS:
            trainer.run(_ROUNDS)
            means.append(returns.report()[agent.name]["mean_return"])
            flat = _is_flat(means, returns.standard_errors()[agent.name])
            if means[-1] > highest:
                highest, best = means[-1], [weight.read_value() for weight in agent.policy.variables()]
        is_flat &= flat
        _put_back(agent, best)
    steps = int(trainer.steps)
    trainer.run(_ROUNDS)
    _put_back(agent, best)
    return is_flat, steps


def _is_flat(means: Sequence[float], standard_error: float) -> bool:
    """Whether the best of the newest figures is hardly above the best before."""
    return len(means) > _NEWEST and max(means[-_NEWEST:]) - max(means[:-_NEWEST]) <= 2 * standard_error


def _put_back(agent: IMAgent, weights: Sequence[tf.Tensor]) -> None:
    for weight, value in zip(agent.policy.variables(), weights, strict=True):
        weight.assign(value)
    agent.algorithm.initialize()  # the target network, too


def response_text(agent: str, found: dict[str, Any]) -> str:
    """What a best response to an agent gets, `BestResponse.to_dict()`, as people read it in 80 columns."""
    low, high = found["interval"]
    said = (
        f"{agent}  a best response, learned in {found['steps']:,} steps, gets {found['mean_return']:.4g} of it, in "
        f"{found['episodes']:,} episodes ({low:.4g} to {high:.4g})"
    )
    unsure = "" if found["is_flat"] else "; its return was still rising"
    return textwrap.fill(said + unsure, 80, subsequent_indent=" " * 10)
