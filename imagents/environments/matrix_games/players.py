"""Players of matrix games that know the last joint action, and what makes each of them when it is named.

Each of them is a table of what it plays after every joint action, so that measures of a joint policy are exact. They
look at `last_actions`, which is there also where agents do not see it. Of two actions the first one is called
cooperation.
"""

import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.matrix_games.environment import joint_index
from imagents.errors import InputError
from imagents.players.base import Player
from imagents.players.names import Order


def joint_actions(num_actions: int, num_seats: int) -> np.ndarray:
    """Every joint action in the order of their numbers, int32 `[A ** N, N]`."""
    return np.array([*itertools.product(range(num_actions), repeat=num_seats)], np.int32)


class MemoryOnePlayer(Player):
    """Plays one action at the start of an episode, and then what its rule says of the last joint action.

    Args:
      seat, name: as of every player.
      num_actions, num_seats: of the game.
      rule: (own last action, those of all others, an array) -> action.
      start: its first action.
    """

    def __init__(self, seat: int, name: str, num_actions: int, num_seats: int, rule: Callable, start: int = 0):
        super().__init__(seat, name)
        self._num_actions = num_actions
        after = [rule(joint[seat], np.delete(joint, seat)) for joint in joint_actions(num_actions, num_seats)]
        self._actions = np.array([start, *after], np.int32)  # at the start, then by the last joint action

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        last = time_step.observation["last_actions"]
        return tf.gather(self._actions, tf.where(last[:, 0] < 0, 0, 1 + joint_index(last, self._num_actions)))

    def probabilities(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """What it plays in any number N of copies, float32 `[N, A]`."""
        del collect
        return tf.one_hot(self.choose(time_step), self._num_actions)


def _always(order: Order) -> Player:
    actions = order.environment.actions
    known = {str(number): number for number in range(len(actions))} | {n: i for i, n in enumerate(actions)}
    if order.parameter not in known:
        named = ", ".join(f"{number} {name}" for number, name in enumerate(actions))
        raise InputError(f"{order.name!r} needs an action of {order.environment.name}, by its number or name: {named}")
    action = known[order.parameter]
    return MemoryOnePlayer(order.seat, order.name, len(actions), order.environment.num_seats, lambda *_: action, action)


def _of_two(rule: Callable) -> Callable[[Order], Player]:
    def make(order: Order) -> Player:
        count = len(order.environment.actions)
        if count != 2:
            raise InputError(f"{order.name!r} plays games of two actions, and {order.environment.name} has {count}")
        return MemoryOnePlayer(order.seat, order.name, 2, order.environment.num_seats, rule)

    return make


MAKERS = {
    "always:ACTION": _always,
    "tit_for_tat": _of_two(lambda own, others: int(others.any())),  # as long as all others cooperate
    "grim": _of_two(lambda own, others: int(own or others.any())),  # its own defection says that it was provoked
    "pavlov": _of_two(lambda own, others: int((others != own).any())),  # if all did the same, they did well
}
