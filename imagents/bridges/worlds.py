"""What a bridge brings: one environment of N seats in plain Python. Nothing here, or in `workers`, imports TensorFlow.

A *world* has three methods and no other duty:

    begin(seed) -> Moment        a new episode, in which all that is drawn follows from the seed
    step(actions) -> Moment      the flat list of what the seats do: in turn, one action of whoever is asked
    close()                      frees what it holds; begin and step are not called again

and, where it can be looked at, `render()` and `frame()`, uint8 `[H, W, 3]`. It need not know of copies or of episodes
that follow each other: that is `workers`' part. What a seat sees is a nest of arrays, told once by the `Description`;
a `Moment` has them flat, in the order of `leaves`.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

FIRST, MID, LAST = range(3)  # as TF-Agents counts them
PASS = -1  # as in `imagents.seats`


@dataclasses.dataclass(frozen=True, eq=False)
class Leaf:
    """The spec of an array: its shape, its dtype by name, and its bounds, if there are any."""

    shape: tuple[int, ...]
    dtype: str
    low: Any = None
    high: Any = None


@dataclasses.dataclass(frozen=True, eq=False)
class Description:
    """What an environment says of itself, once and for all.

    Attributes:
      views: for each seat the nest of `Leaf`s that it sees.
      actions: for each seat the nest of `Leaf`s that it does; in turn all are the same single one.
      legal: for each seat how many actions its mask of legal ones is about; 0 where it has none.
      form: "alone" for one agent with a single array of actions, else the form in which seats act.
      asks: whether moments say who is asked; else everybody is, all the time.
      lives: whether moments have step types and discounts of each seat.
      notes: what a user should know of it, in sentences that are said once.
    """

    views: tuple
    actions: tuple
    legal: tuple[int, ...]
    form: Literal["alone", "at once", "in turn"]
    asks: bool = False
    lives: bool = False
    notes: tuple[str, ...] = ()

    @property
    def num_seats(self) -> int:
        """How many seats there are."""
        return len(self.views)


class Moment(NamedTuple):
    """What a world shows after a step, or where an episode begins.

    views: for each seat its arrays, flat; rewards: one number per seat, since the last moment; is_last: whether the
    episode is over; discount: 0 where it ended, 1 where it was cut off or goes on. If its description has them: legal:
    for each seat with a mask bools `[A]`, in order; acts: who is asked, a bool per seat; step_types, discounts: one
    number per seat.
    """

    views: Sequence[Sequence[np.ndarray]]
    rewards: Sequence[float]
    is_last: bool = False
    discount: float = 1.0
    legal: Sequence = ()
    acts: Sequence[bool] = ()
    step_types: Sequence[int] = ()
    discounts: Sequence[float] = ()


def description_of(world) -> Description:
    """What a world says of itself, by its `describe()`; then it is closed: a copy has not lived an episode before."""
    try:
        return world.describe()
    finally:
        world.close()


def leaves(nest) -> list:
    """The leaves of a nest of dictionaries, lists and tuples, in the order of `tf.nest.flatten`."""
    if isinstance(nest, dict):
        return [leaf for key in sorted(nest) for leaf in leaves(nest[key])]
    if isinstance(nest, (list, tuple)):
        return [leaf for part in nest for leaf in leaves(part)]
    return [nest]


def layout(description: Description) -> list[Leaf]:
    """What a copy shows, flat: step type, reward, discount, then the observation as `imagents.seats` has it."""
    seats = (description.num_seats,)
    rewards = Leaf(() if description.form == "alone" else seats, "float32")
    shown = [Leaf((), "int32"), rewards, Leaf((), "float32")]
    shown += [Leaf(seats, "bool")] if description.asks else []
    shown += [Leaf(seats, "float32")] if description.lives else []
    shown += [Leaf((count,), "bool") for count in description.legal if count]
    shown += [Leaf(seats, "int32")] if description.lives else []
    return shown + leaves(description.views)


def flat(description: Description, kind: int, moment: Moment) -> list:
    """A moment in that order."""
    alone = description.form == "alone"
    shown = [kind, moment.rewards[0] if alone else moment.rewards, moment.discount]
    shown += [moment.acts] if description.asks else []
    shown += [moment.discounts] if description.lives else []
    shown += moment.legal
    shown += [moment.step_types] if description.lives else []
    for view in moment.views:
        shown += view
    return shown
