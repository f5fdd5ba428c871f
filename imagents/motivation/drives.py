"""Drives: what an agent needs, and feels the lack of.

    reward  =  D(before) - D(after)        D  =  (1 - energy) ** 2 + (1 - rest) ** 2

Source: homeostatic regulation, Keramati & Gutkin 2014, https://doi.org/10.7554/eLife.04811.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from imagents.errors import InputError
from imagents.learning.motives import Moment, Motivation, Place
from imagents.learning.perspective import own_reward
from imagents.seats import own_view, where_copy

_RECOVERY = 2.0  # rest that sleep brings, in what a step awake takes: a third of the time goes by asleep


class Body(NamedTuple):
    """The internal state of an agent that gets hungry, and may get tired.

    energy, rest: float32 `[B]`, 0 to 1; is_sleeping: bool `[B]`. The last two are () for one that never tires.
    """

    energy: Any
    rest: Any = ()
    is_sleeping: Any = ()


class Drives(Motivation):
    """Pays for what makes a drive smaller, and costs what makes it greater, without units, at the moment.

    **Hunger.** An agent begins each life with energy 1, uses some up in every step, and eats what the environment pays
    it, where that is food. A meal pays the more the hungrier it is, and over a life all adds up to what it lacks in the
    end, less than 0: only with a discount below 1, or a limit, does it matter when it eats.

    **Sleep.** It begins rested, too, and if it tires at all it is worn out after 1 / sleep steps. Then it falls asleep,
    and wakes when it is rested, half as many steps later. Asleep it has its eyes closed, so that all of its view is 0
    or False, and whatever it decides it does nothing, while its hunger grows. No decision brings sleep or puts it off,
    and so neither is what this drive pays in its hands; what is, is how it arranges its day.

    It sees its energy and its rest beside its view, also where it is evaluated.

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
    def body(hunger: float = 0.01, sleep: float = 0.0, idle_action: int | None = None) -> dict[str, Any]:
        """The arguments of an `IMAgent` that give it a body.

        Args:
          hunger: energy that a step uses up.
          sleep: rest that a step awake uses up; 0 for an agent that never tires.
          idle_action: the environment's action that does nothing; None if there is none: it walks in its sleep.
        """

        def live(state: Body, time_step, seat: int) -> Body:
            begins = time_step.is_first()
            left = tf.clip_by_value(state.energy - hunger + own_reward(time_step, seat, ()), 0.0, 1.0)
            energy = tf.where(begins, 1.0, left)
            if not sleep:
                return Body(energy)
            change = tf.where(state.is_sleeping, _RECOVERY * sleep, -sleep)
            rest = tf.where(begins, 1.0, tf.clip_by_value(state.rest + change, 0.0, 1.0))
            return Body(energy, rest, (rest == 0.0) | (state.is_sleeping & (rest < 1.0)))

        def look(observation, seat: int, state: Body):
            view, energy = own_view(observation, seat), state.energy[:, tf.newaxis]
            if not sleep:
                return {"view": view, "energy": energy}
            view = where_copy(state.is_sleeping, tf.nest.map_structure(tf.zeros_like, view), view)
            return {"view": view, "energy": energy, "rest": state.rest[:, tf.newaxis]}

        def act(action: tf.Tensor, seat: int, state: Body) -> tf.Tensor:
            return tf.where(state.is_sleeping, tf.cast(idle_action, action.dtype), action)

        begins = Body(1.0, 1.0, False) if sleep else Body(1.0)
        own = {"initial_state": begins, "state_fn": live, "observation_fn": look}
        return own | {"action_fn": act} if sleep and idle_action is not None else own


def _lack(state: Body) -> tf.Tensor:
    lack = (1.0 - state.energy) ** 2
    return lack if isinstance(state.rest, tuple) else lack + (1.0 - state.rest) ** 2
