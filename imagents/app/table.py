"""Episodes of any environment that a person can play, in a terminal: the person sees what its own seat sees.

A person can play what says in words what a seat knows, `describe(copy, seat)`, and what its actions are called,
`action_names`. Boards have a terminal of their own.
"""

import itertools
import random
import textwrap
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.app import terminal
from imagents.app.session import PERSON
from imagents.config import DEFAULT_ENVIRONMENT, environment_settings
from imagents.environments.boards.settings import BoardSettings
from imagents.errors import InputError, counted
from imagents.evaluation.tournament import environment_of
from imagents.players.base import Player
from imagents.players.names import make_player
from imagents.players.watching import Watching
from imagents.seats import PASS, is_asked, own_legal_moves

_FOR_BOARDS = {"begins": "turns", "watch": (), "hints": False, "record": None}  # flags, and what they are if not given


class Person(Player):
    """Asks somebody for each action.

    Args:
      environment: one copy, which describes what the seat knows.
      seat: the seat.
      ask: prints a prompt and returns the answer; raises `EOFError` if there is to be no more.
      show: prints a text.
    """

    runs_in_python = True

    def __init__(self, environment, seat: int, ask: Callable[[str], str], show: Callable[[str], None]):
        super().__init__(seat, PERSON)
        self._environment, self._ask, self._show = environment, ask, show

    def act(self, time_step: ts.TimeStep, collect: bool = False) -> tf.Tensor:
        del collect
        return self.choose(time_step) if is_asked(time_step, self.seat)[0] else tf.constant([PASS])

    def choose(self, time_step: ts.TimeStep) -> tf.Tensor:
        names, legal = self._environment.action_names, own_legal_moves(time_step.observation, self.seat)
        can = np.flatnonzero(legal[0]).tolist() if tf.is_tensor(legal) else list(range(len(names)))
        known = {word: action for action in can for word in (str(action), names[action])}
        choices = ", ".join(f"{action} {names[action]}" for action in can)
        self._show(self._environment.describe(0, self.seat))
        while True:
            answer = self._ask(f"{choices}: ").strip().lower()
            if answer in ("q", "quit"):
                raise EOFError
            if answer in known:
                return tf.constant([known[answer]])
            self._show(textwrap.fill(f"{answer!r} cannot be done now; what can is {choices}, and q ends the game", 79))


def prepare(command) -> Callable[[], int]:
    """Does what can fail; returns what plays, and returns the exit status.

    Args:
      command: what `imagents play` was asked for, an `imagents.app.commands.Play`.

    Raises:
      InputError: one sentence about what cannot be.
    """
    named, learned = command.environment, environment_of((command.opponent, *command.watch))
    face = environment_settings(named or DEFAULT_ENVIRONMENT) if named or learned is None else learned
    if isinstance(face, BoardSettings):
        return terminal.prepare(command)
    for flag, default in _FOR_BOARDS.items():
        if getattr(command, flag) != default:
            raise InputError(f"--{flag}: it is for boards, and {face.name} is none; imagents watch shows all others")
    terminal.check_opponents(command.opponent)
    seed = random.SystemRandom().getrandbits(30) if command.seed is None else command.seed
    policy = face.policy(command.policy)

    def seat_players(environment) -> list[Player]:
        if not hasattr(environment, "describe"):
            raise InputError(f"{face.name} cannot be played in a terminal: it does not describe what a seat knows")
        spec = environment.action_spec()
        return [
            Person(environment, seat, input, print) if seat == command.seat
            else make_player(command.opponent, face, seat, seed, 1, action_spec=spec, policy=policy)
            for seat in range(face.num_seats)
        ]  # fmt: skip

    table = Watching(face, seat_players, policy, seed)

    def job() -> int:
        others = f"against {command.opponent}" + (f"; policy: {policy}" if learned is not None else "")
        print(f"{face.name.replace('_', ' ')}: you are seat {command.seat}, {others}")
        try:
            play(table, command.seat)
        except EOFError:
            print()
        except KeyboardInterrupt:
            print()
            return 130
        finally:
            table.close()
        return 0

    return job


def play(
    table: Watching, seat: int, show: Callable[[str], None] = print, ask: Callable[[str], str] | None = None
) -> None:
    """Plays episodes until the person at a seat has had enough; at the end of each everybody's cards are shown."""
    total, ask = 0.0, ask or input
    for number in itertools.count(1):
        show("")
        *_, moment = table.moments()
        paid = moment.returns[seat]
        total += paid
        had = counted(number, "episode")
        show(f"\n{table.environment.text(0)}\nyou get {paid:g}, and have {total:g} after {had}")
        if terminal.choose(ask, "Enter for another one, q to end: ", "", "q"):
            return
