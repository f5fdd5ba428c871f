"""Players of Kuhn poker that know its equilibria (Kuhn 1950)."""

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.environments.cards.environment import PokerEnvironment, State
from imagents.environments.cards.rules import KUHN
from imagents.errors import InputError
from imagents.players.base import Player
from imagents.players.names import Order
from imagents.randomness import make_generator, uniform
from imagents.xla import from_bits

_JACK, _QUEEN, _KING = range(3)


def equilibrium(alpha: float) -> np.ndarray:
    """The joint policy of an equilibrium, float64 `[I, 2]`, which is worth -1/18 to seat 0.

    Args:
      alpha: how often seat 0 begins with a bet of its worst card, 0 to 1/3; with its best card it does so three times
        as often, and with the middle one never.
    """
    bets = {
        (): {_JACK: alpha, _QUEEN: 0, _KING: 3 * alpha},
        (0, 1): {_JACK: 0, _QUEEN: alpha + 1 / 3, _KING: 1},
        (0,): {_JACK: 1 / 3, _QUEEN: 0, _KING: 1},
        (1,): {_JACK: 0, _QUEEN: 1 / 3, _KING: 1},
    }
    information = KUHN.information
    share = [bets[KUHN.nodes[node].history[0]][own] for node, own in zip(information.node, information.own)]
    return np.stack([1 - np.array(share), share], axis=1)


class TablePlayer(Player):
    """Plays a joint policy's part at its seat.

    Args:
      seat, name: as of every player.
      policy: `[I, 2]`, of Kuhn poker.
      seed: of its own generator.
    """

    def __init__(self, seat: int, name: str, policy: np.ndarray, seed: int = 0):
        super().__init__(seat, name)
        self._generator = make_generator(seed, f"{name}/{seat}")
        information, own = KUHN.information, KUHN.information.seat == seat
        asked = PokerEnvironment(KUHN).time_step_at(State(information.deal[own], information.node[own]))
        view = asked.observation["views"][seat]
        self._shares = np.zeros([2 ** view.shape[1], 2], np.float32)  # by the number of a view
        self._shares[from_bits(view, tf.int32)] = policy[own]

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        shares = self.probabilities(time_step)
        return tf.cast(uniform(self._generator, [shares.shape[0]]) >= shares[:, 0], tf.int32)

    def probabilities(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        """What it plays in any number N of positions, float32 `[N, 2]`."""
        del collect
        return tf.gather(self._shares, from_bits(time_step.observation["views"][self.seat], tf.int32))


def _nash(order: Order) -> Player:
    alpha = order.number(float, "0", "alpha, a number from 0 to 1/3, such as nash:0.2")
    if not 0 <= alpha <= 1 / 3:
        raise InputError(f"{order.name!r}: alpha is a number from 0 to 1/3, such as nash:0.2")
    return TablePlayer(order.seat, order.name, equilibrium(alpha), order.seed)


MAKERS = {"nash:ALPHA": _nash}
