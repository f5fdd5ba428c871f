"""From one decision of a seat to its next: players hold the other seats, and move inside.

In an environment whose seats act in turn, copies wait for each other where the seat is asked, and one whose episode is
over goes on to the next. Elsewhere a step is a step of all copies.
"""

import dataclasses
from typing import Any

import tensorflow as tf

from imagents.config import TrainConfig, environment_settings
from imagents.errors import InputError
from imagents.learning.perspective import Perspective
from imagents.players.base import Player, runs_in_python
from imagents.players.names import make_player
from imagents.seats import PASS, acts_at_once, close, is_asked, lived, num_seats, take_step, where_copy
from imagents.xla import start_xla

_MOST_STEPS = 10_000  # of the others, before the seat is asked


class OwnTurns:
    """An environment, the players at its other seats, and what brings the caller from one decision to the next.

    `begin()` and `step(action)` return what the caller sees where it is asked next, whether it is, bool `[B]`, and what
    became of the episode that was under way, each `[B]`: what it paid, whether it is over, its discount, and what the
    caller saw last in it.
    """

    def __init__(self, name: str, copies: int, seat: int, others, settings: dict[str, Any]):
        self._face = face_of(name, settings)
        self._others, self.seat, self._name, self._copies = others, seat, name, copies
        self.environment, self.players = self._made(0)
        # Those of one agent alone act together, too: no copy waits while another one goes on.
        self.together = num_seats(self.environment) == 1 or acts_at_once(self.environment)
        specs = self.environment.time_step_spec(), self.environment.action_spec()
        self.perspective = Perspective(*specs, seat, copies, name)
        self._in_python = runs_in_python(self.environment, list(self.players.values()))
        self._trace()

    def _trace(self) -> None:
        if not self._in_python:
            start_xla()
        self.begin = tf.function(self._begin, jit_compile=not self._in_python, autograph=False)
        self.step = tf.function(self._step, jit_compile=not self._in_python, autograph=False)

    def _made(self, seed: int) -> tuple:
        environment, name, others = self._face.build(self._copies, seed), self._name, self._others
        seats = num_seats(environment)
        if not 0 <= self.seat < seats:
            raise InputError(f"seat = {self.seat}: {name} has seats 0 to {seats - 1}")
        others = [others] * (seats - 1) if isinstance(others, str) else list(others)
        if len(others) != seats - 1:
            raise InputError(f"{len(others)} others: {name} has {seats} seats, so {seats - 1} are needed")
        players = {}
        for number, other in zip([number for number in range(seats) if number != self.seat], others):
            if not isinstance(other, Player):
                spec = environment.action_spec()
                other = make_player(other, self._face, number, seed, self._copies, action_spec=spec)
            players[number] = other
        return environment, players

    def seed(self, seed: int) -> None:
        """Makes everything what it is at first with that seed; what is compiled stays."""
        environment, players = self._made(seed)
        if self._in_python:  # nobody knows what they remember
            close(self.environment)
            self.environment, self.players = environment, players
            self._trace()
            return
        for old, new in zip((self.environment, *self.players.values()), (environment, *players.values())):
            put_state(old, new)
        close(environment)

    def _begin(self):
        first = self.environment.reset()
        for player in self.players.values():
            player.observe(first)
        return self._to_own_turn(first, self._nothing(first))

    def _step(self, action: tf.Tensor):
        before, spec = self.environment.current_time_step(), self.perspective.action_spec
        own = self.perspective.action(tf.cast(action, spec.dtype), ())
        own = own if self.together else tf.where(is_asked(before, self.seat), own, tf.cast(PASS, own.dtype))
        after, found = self._moved(self._all if self.together else (self.seat,), self._nothing(before), own)
        return self._to_own_turn(after, found)

    @property
    def _all(self):
        return range(num_seats(self.environment))

    def _nothing(self, time_step):
        zeros = tf.zeros([self._copies])
        return zeros, zeros != 0.0, zeros + 1.0, self.perspective.sight(time_step, ())

    def _moved(self, seats, found, own: tf.Tensor):
        """One step of the environment: the time step after it, and what has become of the episode."""
        before, after, moved = take_step(
            self.environment, seats, lambda seat, now: own if seat == self.seat else self.players[seat].act(now)
        )
        for player in self.players.values():
            player.observe(after, moved | before.is_last())
        paid, over, discount, last = found
        counts = moved & ~before.is_last() & ~over
        paid = tf.where(counts, paid + self.perspective.reward(after, ()), paid)
        ends = counts & lived(after, self.seat).is_last()
        discount = tf.where(ends, lived(after, self.seat).discount, discount)
        return after, (paid, over | ends, discount, where_copy(ends, self.perspective.sight(after, ()), last))

    def _to_own_turn(self, time_step, found):
        """Lets the others move where they have to, which is nowhere if many copies act together."""
        first = tf.cast(self.perspective.environment_action_spec.minimum, self.perspective.action_spec.dtype)
        nothing = tf.fill([self._copies], first)  # that is not read
        groups = [self._all] if self.together else [(seat,) for seat in self.players]

        def others_move(count, time_step, found):
            for seats in groups:
                time_step, found = self._moved(seats, found, nothing)
            return count + 1, time_step, found

        def goes_on(count, time_step, found):
            waits = ~is_asked(time_step, self.seat)
            if self.together:
                waits &= ~found[1] & (self._copies == 1)
            return tf.reduce_any(waits) & (count < _MOST_STEPS)

        _, time_step, found = tf.while_loop(goes_on, others_move, (tf.constant(0), time_step, found))
        return self.perspective.sight(time_step, ()), is_asked(time_step, self.seat), found


def face_of(name: str, settings: dict[str, Any]):
    """The face of an environment with some settings of its own changed, and nothing of a preset."""
    plain = dataclasses.asdict(environment_settings(name))
    return TrainConfig(**{"environment": plain.pop("name")} | plain | settings).environment


def put_state(old, new) -> None:
    """Makes of an environment or a player what another one like it is now; what is compiled stays."""
    for mine, fresh in zip(_state_of(old), _state_of(new), strict=True):
        mine.assign(fresh)


def _state_of(module) -> list[tf.Variable]:
    """The variables of a module, those of its generators among them."""
    if not isinstance(module, tf.Module):
        return []
    parts = [value for part in (module, *module.submodules) for value in vars(part).values()]
    return [*module.variables, *(part.state for part in parts if isinstance(part, tf.random.Generator))]
