"""Drives: what an agent needs, and feels the lack of.

    reward  =  D(before) - D(after)        D  =  (1 - energy) ** 2

Source: homeostatic regulation, Keramati & Gutkin 2014, https://doi.org/10.7554/eLife.04811.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from imagents.errors import InputError
from imagents.learning.motives import Moment, Motivation, Place
from imagents.learning.perspective import own_reward
from imagents.seats import own_view


class Body(NamedTuple):
    """The internal state of an agent that gets hungry: energy, float32 `[B]`, 0 to 1."""

    energy: Any


class Drives(Motivation):
    """Pays for what makes a drive smaller, and costs what makes it greater, without units, at the moment.

    An agent begins each life with energy 1, uses some up in every step, and eats what the environment pays it, where
    that is food; it sees its energy beside its view, also where it is evaluated. A meal pays the more the hungrier it
    is, and over a life all adds up to what it lacks in the end, less than 0: only with a discount below 1, or a limit,
    does it matter when it eats. There is one drive, hunger.

    Args:
      place: where it is at home; the agent's internal state is a `Body`, see `body`.

    Raises:
      InputError: for another internal state.
    """

    def __init__(self, place: Place):
        super().__init__(name="drives")
        if not isinstance(place.state_spec, Body):
            raise InputError(f"{place.owner}: drives need a Body as internal state: give the agent Drives.body(), too")

    def felt(self, moment: Moment):
        return _lack(moment.before) - _lack(moment.after)

    @staticmethod
    def body(hunger: float = 0.01) -> dict[str, Any]:
        """The arguments of an `IMAgent` that give it a body.

        Args:
          hunger: energy that a step uses up.
        """

        def live(state: Body, time_step, seat: int) -> Body:
            left = tf.clip_by_value(state.energy - hunger + own_reward(time_step, seat, ()), 0.0, 1.0)
            return Body(tf.where(time_step.is_first(), 1.0, left))

        def look(observation, seat: int, state: Body):
            return {"view": own_view(observation, seat), "energy": state.energy[:, tf.newaxis]}

        return {"initial_state": Body(1.0), "state_fn": live, "observation_fn": look}


def _lack(state: Body) -> tf.Tensor:
    return (1.0 - state.energy) ** 2
