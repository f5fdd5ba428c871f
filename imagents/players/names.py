"""Players by name, as the command line and config files spell them.

    random                  heuristic:0.25          minimax:3
    outputs/my-run          outputs/my-run:player_2           outputs/my-run/checkpoints/0000012000:player_1
    random=1,heuristic=3    a mixture: every game draws its player, by weight
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.players.columns import BeatLastPlayer, LinearPlayer, SameColumnPlayer
from imagents.environments.boards.players.perfect import perfect_player
from imagents.environments.boards.players.person import PersonPlayer
from imagents.environments.boards.players.search import MAX_DEPTH, HeuristicPlayer, MinimaxPlayer
from imagents.export.reading import trained_agent
from imagents.players.base import FirstLegalPlayer, Player, RandomPlayer
from imagents.players.frozen import frozen_player, split_agent
from imagents.players.mixture import MixturePlayer, parse_mixture


class _Order(NamedTuple):
    """What to make; `parameter` is what follows the colon in the name, "" if nothing does."""

    parameter: str
    game: BoardGame
    seat: int
    name: str
    seed: int
    batch_size: int


def _heuristic(order: _Order) -> Player:
    look = _number(order, float, "1", "a probability of looking, 0 to 1, as in heuristic:0.25")
    return HeuristicPlayer(order.game, order.seat, look, order.name, order.seed)


def _minimax(order: _Order) -> Player:
    depth = _number(order, int, "", f"a depth, 1 to {MAX_DEPTH}, as in minimax:3")
    return MinimaxPlayer(order.game, order.seat, depth, order.name, order.seed)


def _perfect(order: _Order) -> Player:
    if order.parameter not in ("", "best", "value"):
        raise ValueError(f"{order.name!r}: choose perfect:best (which perfect alone means) or perfect:value")
    return perfect_player(order.game, order.seat, order.parameter or "best", order.name, order.seed)


def _number(order: _Order, kind: type, default: str, needed: str):
    try:
        return kind(order.parameter or default)
    except ValueError:
        raise ValueError(f"{order.name!r} needs {needed}") from None


_MAKERS: dict[str, Callable[[_Order], Player]] = {
    "random": lambda o: RandomPlayer(o.seat, o.name, o.seed),
    "first_legal": lambda o: FirstLegalPlayer(o.seat, o.name),
    "same_column": lambda o: SameColumnPlayer(o.game, o.seat, o.name, o.seed, o.batch_size),
    "linear": lambda o: LinearPlayer(o.game, o.seat, o.name),
    "beat_last": lambda o: BeatLastPlayer(o.game, o.seat, o.name, o.seed, o.batch_size),
    "heuristic": _heuristic,
    "minimax": _minimax,
    "perfect": _perfect,
    "trained": lambda o: frozen_player(trained_agent(o.game, o.seat), "", o.game, o.seat, o.name, o.batch_size),
    "person": lambda o: PersonPlayer(o.game, o.seat, o.name),
}
_WITH_PARAMETER = {"heuristic": "heuristic[:LOOK]", "minimax": "minimax:DEPTH", "perfect": "perfect[:value]"}
_NEED_COLUMNS = ("same_column", "linear", "beat_last")


def player_names(game: BoardGame) -> list[str]:
    """The players of a game, without runs and mixtures: `random`, `minimax:DEPTH` and so on."""
    return [_WITH_PARAMETER.get(name, name) for name in _MAKERS if game.gravity or name not in _NEED_COLUMNS]


def make_player(
    name: str,
    game: BoardGame,
    seat: int = 0,
    seed: int = 0,
    batch_size: int = 1,
    others: Mapping[str, Callable[[], Player]] | None = None,
) -> Player:
    """The player of that name.

    Args:
      name: one of `player_names(game)`, with its parameter; a run folder, a checkpoint, a snapshot or an export, with
        or without the name of one of its agents; or a mixture of these. The module's docstring shows each.
      game: the rules.
      seat: the seat to play, 0 or 1.
      seed: of its own generator; the player's name and its seat go into that, too.
      batch_size: number of parallel games B. Players that remember nothing play any number of games.
      others: players that only the caller can make, by name.

    Raises:
      ValueError: if the name is unknown, or the player cannot play this game or is not installed.
    """
    others = others or {}
    if name in others:
        return others[name]()
    found = split_agent(name)
    if found:
        return frozen_player(*found, game, seat, name, batch_size)
    if "," in name or "=" in name:
        names, weights = zip(*parse_mixture(name))
        members = [make_player(member, game, seat, seed, batch_size, others) for member in names]
        return MixturePlayer(members, weights, game, name, seed, batch_size)
    kind, colon, parameter = name.partition(":")
    if kind not in _MAKERS or (colon and kind not in _WITH_PARAMETER):
        if "/" in name:
            raise ValueError(f"{name!r} is neither the folder of a run nor a checkpoint or a snapshot of one")
        known = ", ".join([*player_names(game), *others])
        raise ValueError(f"unknown player {name!r}: choose {known}, or the folder of a run")
    return _MAKERS[kind](_Order(parameter, game, seat, name, seed, batch_size))
