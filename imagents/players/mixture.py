"""Several players in one: each game draws the one that plays it."""

from collections.abc import Sequence

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.players.base import Player
from imagents.randomness import make_generator, uniform
from imagents.seats import asked_only, is_asked, where_copy


class MixturePlayer(Player):
    """Draws one of its members at the start of every game, and lets it play that game to the end.

    Args:
      members: players of the same seat, made for the same number of games.
      weights: one per member; how often a member is drawn is in proportion to its weight.
      memory: knows which games have begun anew, as `environment.memory(seat, batch_size)` does.
      name: its name.
      seed: of its own generator.
      batch_size: number of parallel games B.

    Raises:
      InputError: if weights are not more than 0, or seats differ.
    """

    def __init__(
        self,
        members: Sequence[Player],
        weights: Sequence[float],
        memory,
        name: str = "mixture",
        seed: int = 0,
        batch_size: int = 1,
    ):
        if len({member.seat for member in members}) != 1:
            raise InputError("the members of a mixture sit at one seat")
        if len(weights) != len(members) or not all(0 < weight < float("inf") for weight in weights):
            raise InputError(f"weights = {list(weights)}: one number above 0 is needed for each member")
        super().__init__(members[0].seat, name)
        self.members = list(members)
        self.runs_in_python = any(member.runs_in_python for member in members)
        self.is_heavy = any(member.is_heavy for member in members)
        total = sum(weights)
        self._upper = [sum(weights[: i + 1]) / total for i in range(len(weights) - 1)]  # borders between shares
        self._generator = make_generator(seed, f"{name}/{self.seat}")
        self._memory = memory
        self._drawn = tf.Variable(tf.zeros([batch_size], tf.int32), trainable=False)

    @property
    def drawn(self) -> tf.Tensor:
        """The number of the member that plays each game, int32 `[B]`."""
        return self._drawn.read_value()

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        my_turn = is_asked(time_step, self.seat)
        share = uniform(self._generator, [my_turn.shape[0], 1])
        fresh = tf.reduce_sum(tf.cast(share >= tf.constant(self._upper, tf.float32), tf.int32), axis=1)
        drawn = tf.where(my_turn & self._memory.is_new_game(time_step), fresh, self.drawn)
        self._drawn.assign(drawn)
        action = None
        for number, member in enumerate(self.members):
            mine = drawn == number
            its = member.act(asked_only(time_step, self.seat, mine))
            action = its if action is None else where_copy(mine, its, action)
        self._memory.remember(time_step, action, my_turn)
        return action

    def observe(self, time_step: ts.TimeStep, moved: tf.Tensor | None = None) -> None:
        self._memory.observe(time_step)
        for member in self.members:
            member.observe(time_step, moved)

    def after_chunk(self, metrics: dict[str, float]) -> dict[str, float]:
        added = {}
        for member in self.members:
            added |= member.after_chunk(metrics)
        return added


def parse_mixture(text: str) -> list[tuple[str, float]]:
    """The members' names and weights in "random=1,heuristic=3"; a weight that is not given is 1.

    Raises:
      InputError: if a name is missing or a weight is not a number above 0.
    """
    members = []
    for part in text.split(","):
        name, equals, weight = part.strip().rpartition("=")
        name, weight = (name, weight) if equals else (weight, "1")
        try:
            number = float(weight)
        except ValueError:
            number = 0.0
        if not name or not 0 < number < float("inf"):
            raise InputError(f"{part.strip()!r} in {text!r} is no NAME=WEIGHT with a weight above 0, as in heuristic=3")
        members.append((name, number))
    return members
