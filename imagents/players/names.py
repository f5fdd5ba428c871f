"""Players by name, as the command line and config files spell them.

    random                  heuristic:0.25          minimax:3
    outputs/my-run          outputs/my-run:player_2           outputs/my-run/checkpoints/0000012000:player_1
    outputs/my-study        the agents of all its runs, side by side
    random=1,heuristic=3    a mixture: every game draws its player, by weight

What an environment's own players are called, it says itself.
"""

import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from imagents.config import environment_settings, split_agent
from imagents.errors import InputError, brief
from imagents.opening import open_shipped, runs_of
from imagents.players.base import FirstLegalPlayer, Player, RandomPlayer
from imagents.players.frozen import frozen_player
from imagents.players.mixture import MixturePlayer, parse_mixture
from imagents.players.pool import PoolPlayer
from imagents.runs.folders import is_study


@dataclasses.dataclass(frozen=True)
class Order:
    """What to make.

    Attributes:
      parameter: what follows the colon in the name, "" if nothing does.
      environment: the environment's settings.
      seat, name, seed, batch_size, action_spec, policy: as for `make_player`.
    """

    parameter: str
    environment: Any
    seat: int
    name: str
    seed: int
    batch_size: int
    action_spec: Any = None
    policy: str | None = None

    def number(self, kind: type, default: str, needed: str):
        """The parameter as a number.

        Raises:
          InputError: if it is none; says what is needed.
        """
        try:
            return kind(self.parameter or default)
        except ValueError:
            raise InputError(f"{self.name!r} needs {needed}") from None


_MAKERS: dict[str, Callable[[Order], Player]] = {
    "random": lambda o: RandomPlayer(o.seat, o.name, o.seed, o.action_spec),
    "first_legal": lambda o: FirstLegalPlayer(o.seat, o.name, o.action_spec),
    "trained": lambda o: frozen_player(open_shipped(o.environment, o.seat), "", o.environment, o.seat, o.name,
                                       o.batch_size, o.policy, o.seed),
}  # fmt: skip


def player_names(environment) -> list[str]:
    """The players of an environment, without runs and mixtures: `random`, `minimax:DEPTH` and so on."""
    return [*_MAKERS, *environment_settings(environment).players()]


def make_player(
    name: str,
    environment,
    seat: int = 0,
    seed: int = 0,
    batch_size: int = 1,
    others: Mapping[str, Callable[[], Player]] | None = None,
    action_spec=None,
    folder: str | os.PathLike = "",
    policy: Literal["greedy", "sampled"] | None = None,
) -> Player:
    """The player of that name.

    Args:
      name: one of `player_names(environment)`, with its parameter; a run folder, a checkpoint, a snapshot or an export,
        with or without the name of one of its agents; a study's folder, of whose runs each plays an equal share of the
        games; or a mixture of these. The module's docstring shows each.
      environment: the environment's name, or its settings.
      seat: the seat to play.
      seed: of its own generator; the player's name and its seat go into that, too.
      batch_size: number of parallel games B. Players that remember nothing play any number of games.
      others: players that only the caller can make, by name.
      action_spec: the environment's; needed only where that does not show legal moves.
      folder: where relative paths are looked for first, before the folder of the process.
      policy: how trained agents play, see `IMAgent.follow`; as suits the environment if None.

    Raises:
      InputError: if the name is unknown, or the player cannot play this game or is not installed.
    """
    environment, others = environment_settings(environment), others or {}
    if name in others:
        return others[name]()
    found = split_agent(os.path.join(folder, name)) or split_agent(name)
    if found and is_study(found[0]):
        return _study_player(*found, Order("", environment, seat, name, seed, batch_size, policy=policy))
    if found:
        return frozen_player(*found, environment, seat, name, batch_size, policy, seed)
    if "," in name or "=" in name:
        names, weights = zip(*parse_mixture(name))
        rest = seat, seed, batch_size, others, action_spec, folder, policy
        members = [make_player(member, environment, *rest) for member in names]
        return MixturePlayer(members, weights, environment.memory(seat, batch_size), name, seed, batch_size)
    kind, colon, parameter = name.partition(":")
    makers = {re.match(r"\w+", label)[0]: (label, make) for label, make in (_MAKERS | environment.players()).items()}
    if kind not in makers or (colon and ":" not in makers[kind][0]):
        if "/" in name:
            raise InputError(f"{brief(name)} is neither the folder of a run nor a checkpoint or a snapshot of one")
        known = ", ".join(dict.fromkeys([*player_names(environment), *others]))
        raise InputError(f"unknown player {brief(name)}: choose {known}, or the folder of a run")
    return makers[kind][1](Order(parameter, environment, seat, name, seed, batch_size, action_spec, policy))


def _study_player(study: str, agent: str, order: Order) -> PoolPlayer:
    """The agents of a study's finished runs, side by side."""

    def maker(run: os.PathLike) -> Callable[[int], Player]:
        name = os.fspath(run)
        return lambda games: frozen_player(
            name, agent, order.environment, order.seat, name, games, order.policy, order.seed
        )

    return PoolPlayer([maker(run) for run in runs_of(study)], order.seat, order.name, order.batch_size)
