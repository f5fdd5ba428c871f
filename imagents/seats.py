"""Seats: the contract of an environment with N of them, and everything that reads it.

An environment is a `TFEnvironment` of B copies. Without `num_seats` it is any TF-Agents environment, with one seat.
With `num_seats` N its `reward` is `[B, N]`, and seats act in one of two forms, each fit for any order of play:

    all at once   action and action spec are tuples, one entry per seat; nothing is read of a seat that is not asked
    in turn       one action spec; the seats speak one after the other, `PASS` where they are not asked: such a copy is
                  *held*, and answers with the same time step, reward 0 and discount 1

Keys of a dictionary of observations that mean something here, all of them optional:

    seat          int32 `[B]`: who is asked; or
    acts          bool `[B, N]`: who are; without either everybody is, and nobody at a LAST
    legal_moves   bool `[B, A]`, of whoever is asked; or a tuple of them, one per seat (() where any action is legal)
    views         a tuple, what each seat sees; everything else is public
    step_types    int32 `[B, N]`, with
    discounts     float32 `[B, N]`: lives that differ from the episode. FIRST until the seat is first asked, LAST from
                  its end on (its last pay comes with it), FIRST again where a new life begins

`discount` is 0 where an episode ended and 1 where a limit cut it off. The step after a copy's LAST begins its next
episode, whatever the actions were. An environment may have `begin_next(seat)`, too: it begins these episodes before
`seat` is asked, without a step, and says where, bool `[B]`; a training calls it, so that nobody waits for beginnings,
and then `go_on(action)`, a step of copies none of which is over.
`imagents.check_environment` tells whether an environment keeps to all this.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError

# The action that leaves a running copy as it is: no step, no reward. With it, copies in which
# another seat is asked wait while the rest of the batch moves.
PASS = -1

POLICIES = ("greedy", "sampled")

_CONTRACT = ("seat", "acts", "legal_moves", "step_types", "discounts")  # keys that nobody looks at as at the world


def num_seats(environment) -> int:
    """How many seats an environment has."""
    return getattr(environment, "num_seats", 1)


def turns(environment) -> tuple[tuple[int, ...], ...]:
    """Who act before each step of a round: `((0, 1, 2),)` all at once, `((0,), (1,), (2,))` in turn."""
    seats = tuple(range(num_seats(environment)))
    return (seats,) if acts_at_once(environment) else tuple((seat,) for seat in seats)


def acts_at_once(environment) -> bool:
    """Whether the seats of an environment act all at once, by a tuple of actions."""
    return hasattr(environment, "num_seats") and isinstance(environment.action_spec(), tuple)


def take_step(
    environment, seats: Sequence[int], act: Callable[[int, ts.TimeStep], Any], step: Callable | None = None
) -> tuple[ts.TimeStep, ts.TimeStep, tf.Tensor]:
    """One step of an environment, before which these seats act.

    Args:
      environment: the environment.
      seats: one entry of its `turns`.
      act: (seat, time_step) -> what the seat does.
      step: what steps; the environment's `step` if None.

    Returns:
      The time steps before and after, and where a copy went a step further, bool `[B]`: where its episode was over it
      began another one, whatever was done, and elsewhere it was held.
    """
    before, at_once = environment.current_time_step(), acts_at_once(environment)
    actions = tuple(act(seat, before) for seat in seats)
    after = (step or environment.step)(actions if at_once else actions[0])
    return before, after, ~before.is_last() if at_once else is_asked(before, seats[0])


def default_policy(environment) -> str:
    """How agents best play in an environment where nobody says it, "greedy" or "sampled".

    Where seats have views of their own, or act all at once, the best may be to draw; its most frequent action alone
    can then be found out.
    """
    hidden = shows(environment.time_step_spec().observation, "views")
    return "sampled" if num_seats(environment) > 1 and (hidden or acts_at_once(environment)) else "greedy"


def check_policy(policy: str) -> None:
    """Raises an InputError unless it is one that agents can follow."""
    if policy not in POLICIES:
        raise InputError(f"policy = {policy!r}: choose {', '.join(POLICIES)}")


def close(environment) -> None:
    """Ends the threads and processes that an environment has begun, if there are any."""
    getattr(environment, "close", lambda: None)()


@contextlib.contextmanager
def telling(environment):
    """A context in which an error of an environment written in Python is its own, in a graph, too."""
    try:
        yield
    except tf.errors.OpError:
        failure = getattr(environment, "failure", None)
        if failure is None:
            raise
        raise failure from None


def own_action_spec(action_spec, seat: int):
    """The seat's part of an environment's action spec."""
    return action_spec[seat] if isinstance(action_spec, tuple) else action_spec


def num_actions(own_action_spec) -> int:
    """How many actions a seat has to choose among, by its own spec: one bounded integer.

    Raises:
      InputError: for another spec.
    """
    if not is_numbered(own_action_spec):
        raise InputError(
            f"its actions are {own_action_spec.dtype.name} {tuple(own_action_spec.shape)}: this is for numbered ones; "
            "ppo, a2c, reinforce and recurrent_ppo take any"
        )
    return int(own_action_spec.maximum - own_action_spec.minimum + 1)


def is_numbered(own_action_spec) -> bool:
    """Whether a seat chooses one bounded integer; else, where an `IMAgent` can sit, floats."""
    is_one = isinstance(own_action_spec, tf.TensorSpec) and not own_action_spec.shape.rank
    return is_one and own_action_spec.dtype.is_integer and hasattr(own_action_spec, "maximum")


def own_legal_moves(observation, seat: int):
    """What a seat may do, bool `[B, A]`, or the spec of that; () where that is not said."""
    legal_moves = observation["legal_moves"] if shows(observation, "legal_moves") else ()
    return legal_moves[seat] if isinstance(legal_moves, (tuple, list)) and legal_moves else legal_moves


def own_view(observation, seat: int, state=()) -> Any:
    """What an environment lets a seat see: its own view where there are views, else everything."""
    del state  # so that it is an `ObservationFn`
    if shows(observation, "views"):
        return observation["views"][seat]
    if not isinstance(observation, dict):
        return observation
    return {key: value for key, value in observation.items() if key not in _CONTRACT} or observation


def lived(time_step: ts.TimeStep, seat: int) -> ts.TimeStep:
    """The time step as a seat lives it: with its own step type and discount, where lives differ from the episode."""
    observation = time_step.observation
    if not shows(observation, "step_types"):
        return time_step
    step_type, discount = observation["step_types"][:, seat], observation["discounts"][:, seat]
    return time_step._replace(step_type=step_type, discount=discount)


def is_asked(time_step: ts.TimeStep, seat: int) -> tf.Tensor:
    """Where a seat is asked to act, bool `[B]`."""
    observation = time_step.observation
    asked = ~time_step.is_last()
    if shows(observation, "step_types"):
        asked &= ~lived(time_step, seat).is_last()
    if shows(observation, "acts"):
        return asked & observation["acts"][:, seat]
    return asked & (observation["seat"] == seat) if shows(observation, "seat") else asked


def asked_only(time_step: ts.TimeStep, seat: int, where: tf.Tensor) -> ts.TimeStep:
    """The time step as if a seat were asked in the copies of `where` alone, bool `[B]`, if it says who is asked."""
    observation = time_step.observation
    if shows(observation, "acts"):
        acts = observation["acts"]
        return time_step._replace(observation={**observation, "acts": acts & where[:, tf.newaxis]})
    if shows(observation, "seat"):
        seats = tf.where(where, observation["seat"], -1 if seat else 1)  # somebody else's
        return time_step._replace(observation={**observation, "seat": seats})
    return time_step


def ends(before: ts.TimeStep, after: ts.TimeStep, seat: int) -> tf.Tensor:
    """Where a seat's life ended with a step, bool `[B]`: a dead seat's LAST comes again and again."""
    ended = lived(after, seat).is_last()
    return ended & ~lived(before, seat).is_last() if shows(after.observation, "step_types") else ended


def shows(observation, key: str) -> bool:
    """Whether an observation, or the spec of one, is a dictionary with that key."""
    return isinstance(observation, dict) and key in observation


def where_copy(condition: tf.Tensor, x, y):
    """`tf.where` per copy, of nests of tensors: `condition` bool `[B]`, `x` and `y` `[B, ...]`."""

    def choose(a, b):
        return tf.where(tf.reshape(condition, [-1] + [1] * (len(a.shape) - 1)), a, b)

    return tf.nest.map_structure(choose, x, y)


def variables_for(nest):
    """A variable for each tensor of a nest, with its value."""
    return tf.nest.map_structure(lambda x: tf.Variable(x, trainable=False), nest)


def values_of(variables):
    """What a nest of variables holds: a nest of tensors."""
    return tf.nest.map_structure(lambda variable: variable.read_value(), variables)


def assign(variables, values) -> None:
    """Puts a nest of tensors into a nest of variables."""
    for variable, value in zip(tf.nest.flatten(variables), tf.nest.flatten(values), strict=True):
        variable.assign(value)


def for_each_copy(nest, batch_size: int):
    """The same for each of B copies: a nest of tensors `[...]` -> `[B, ...]`."""
    return tf.nest.map_structure(lambda x: tf.tile(x[tf.newaxis], [batch_size] + [1] * len(x.shape)), nest)
