"""Empowerment: how much of what comes an agent has in its hands, in bits.

The capacity of the channel from the next n actions, chosen beforehand, to the state after them (Klyubin et al. 2005,
https://doi.org/10.1109/CEC.2005.1554676), exactly: where every action leads to one state that is log2 of the number of
states that can be reached, elsewhere it is found by Blahut and Arimoto's algorithm (1972).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from imagents.errors import InputError
from imagents.learning.motives import Motivation, Place

_MOST = 2**24  # numbers of a channel
_PRECISION = 1e-6  # bits


class Dynamics(NamedTuple):
    """What is known of a world with S states.

    transitions: where actions lead, int `[S, A]`, or how likely they lead where, float `[S, A, S]`; number: the state
    of each of N views, int32 `[N]`.
    """

    transitions: np.ndarray
    number: Callable


class Empowerment(Motivation):
    """Pays what a decision leads to: the empowerment of the state there, in bits, which never changes.

    It is exact, for worlds whose dynamics are known and small, and of one agent; see `LearnedEmpowerment` for others.

    Args:
      place: where it is at home.
      dynamics: of its world, of the actions as it chooses them.
      steps: n, actions ahead.

    Raises:
      InputError: for a channel that is too large.
    """

    def __init__(self, place: Place, dynamics: Dynamics, steps: int = 3):
        super().__init__(name="empowerment")
        self._number = dynamics.number
        self._bits = tf.constant(empowerment(dynamics.transitions, steps), tf.float32)

    def bonus(self, decisions):
        return tf.gather(self._bits, self._number(decisions.next_view))


def empowerment(transitions, steps: int) -> np.ndarray:
    """That of each state, in bits, float64 `[S]`.

    Args:
      transitions: as of `Dynamics`.
      steps: n, actions ahead; at least 1.

    Raises:
      InputError: if there are more than 2 ** 24 ways to go.
    """
    transitions = np.asarray(transitions)
    states, actions = transitions.shape[:2]
    size = states * actions**steps * (states if transitions.ndim == 3 else 1)
    if size > _MOST:
        raise InputError(f"empowerment_steps = {steps}: {size} numbers say where {actions} actions lead from {states} "
                         f"states: at most {_MOST} are possible")  # fmt: skip
    if transitions.ndim == 2:
        ends = np.arange(states)[:, np.newaxis]
        for _ in range(steps):
            ends = transitions[ends].reshape(states, -1)
        return np.log2([len(np.unique(row)) for row in ends])
    ends = np.eye(states)[:, np.newaxis]  # [S, A ** k, S]
    for _ in range(steps):
        ends = np.einsum("skt,tau->skau", ends, transitions).reshape(states, -1, states)
    return np.array([channel_capacity(channel) for channel in ends])


def channel_capacity(channel) -> float:
    """The capacity of a channel, in bits, to 1e-6 (Blahut 1972, Arimoto 1972).

    Args:
      channel: how likely each input gives each output, float `[inputs, outputs]`.
    """
    channel = np.asarray(channel, float)
    shares = np.full(len(channel), 1 / len(channel))
    while True:
        ratio = np.divide(channel, shares @ channel, out=np.ones_like(channel), where=channel > 0)
        information = (channel * np.log2(ratio)).sum(axis=1)  # of each input about the output
        weights = shares * 2**information
        low, high = np.log2(weights.sum()), information.max()
        if high - low < _PRECISION:
            return float(low)
        shares = weights / weights.sum()
