"""The face of a board game for two, in which k stones in a line win: its settings, and what is made of them."""

import dataclasses
import functools
import math
import re
from typing import Any, ClassVar, Literal

from imagents.config import environment_settings
from imagents.environments import Face, Measure
from imagents.environments.boards.grid import TALLIES, Grid
from imagents.errors import InputError
from imagents.values import check

DESCRIBED = re.compile(r"([1-9]\d?)x([1-9]\d?)x([1-9]\d?)(-gravity)?")  # a board by its numbers
_TITLE = "Wins against random play"


@dataclasses.dataclass(frozen=True)
class BoardSettings(Face):
    """Any game of k in a row on up to 64 cells. Its name says which: 5x5x4, or 8x8x4-gravity if stones fall."""

    name: str
    features: Literal["stones", "lines"] = "stones"
    """What the Q network sees: the stones, or also the lines that each side could complete with one or two more."""
    symmetry: Literal["none", "mirror"] = "none"
    """What the Q network knows about the game: mirror, that a board with its columns reversed is the same position."""
    first_mover: Literal["random", "seat_0", "seat_1", "alternate"] = "random"
    """Who begins a game."""
    opening_plies: int = 0
    """Each game begins after 0 to this many random plies."""
    reward_win: float = 1.0
    """Reward of the seat that wins."""
    reward_loss: float = -1.0
    """Reward of the seat that loses."""
    reward_draw: float = 0.0
    """Reward of both seats for a draw."""
    reward_illegal: float = -5.0
    """Reward of the seat that made an illegal move; the game ends."""

    free: ClassVar[dict[str, tuple]] = dict.fromkeys(("reward_win", "reward_loss", "reward_draw", "reward_illegal"), ())
    num_seats: ClassVar[int] = 2
    tallies: ClassVar[tuple[str, ...]] = TALLIES
    presets: ClassVar[dict[str, dict[str, Any]]] = {"default": {"minutes": 10.0}}
    measures: ClassVar[dict[str, Measure]] = {
        "random_first": Measure(_TITLE, case="moving first"),
        "random_second": Measure(_TITLE, case="moving second"),
    }
    opponents: ClassVar[tuple[str, ...]] = ("random", "heuristic")
    scorer_extra: ClassVar[str] = ""  # the extra without which there is no `scorer`; "" if none makes one

    def __post_init__(self):
        most = self.grid.num_cells - 1
        check("opening_plies", 0 <= self.opening_plies <= most, self.opening_plies, f"{self.name} takes 0 to {most}")
        for name in ("reward_win", "reward_loss", "reward_draw", "reward_illegal"):
            reward = getattr(self, name)
            check(name, math.isfinite(reward), reward, "a reward is a finite number")

    @functools.cached_property
    def grid(self) -> Grid:
        """The rules in plain Python."""
        described = DESCRIBED.fullmatch(self.name)
        check("environment", described, self.name, "a board is described as ROWSxCOLUMNSxK, such as 5x5x4")
        rows, columns, k = map(int, described.groups()[:3])
        return Grid(self.name, rows, columns, k, gravity=described[4] is not None)

    @functools.cached_property
    def game(self):
        """The rules as tensor functions, a `BoardGame`."""
        from imagents.environments.boards.board_game import BoardGame

        return BoardGame(**dataclasses.asdict(self.grid))

    def check(self, algorithm) -> None:
        """Raises an InputError if the network that an algorithm asks for does not fit the board."""
        for width in getattr(algorithm, "hidden_layers", ()) if self.symmetry == "mirror" else ():
            check("hidden_layers", width % 2 == 0, width, "with symmetry mirror, a layer has an even width")

    def build(self, batch_size: int, seed: int):
        """B games side by side, a `BoardGameEnvironment`."""
        from imagents.environments.boards.environment import BoardGameEnvironment, Rewards

        rewards = Rewards(self.reward_win, self.reward_loss, self.reward_draw, self.reward_illegal)
        return BoardGameEnvironment(
            self.game, batch_size, first_mover=self.first_mover, opening_plies=self.opening_plies, rewards=rewards,
            seed=seed,
        )  # fmt: skip

    @property
    def return_range(self) -> tuple[float, float]:
        """The least and the greatest return of a game that breaks no rule."""
        rewards = (self.reward_win, self.reward_loss, self.reward_draw)
        return min(rewards), max(rewards)

    def network(self) -> dict[str, Any]:
        """What makes a `QNetwork` know this board."""
        from imagents.environments.boards.features import LineFeatures

        return {
            "features": LineFeatures(self.grid) if self.features == "lines" else None,
            "mirror": self.grid.columns if self.symmetry == "mirror" else 0,
        }

    def strength(self, trainer, seed: int = 0):
        """Measures agents while they train, a `Strength`."""
        from imagents.environments.boards.strength import Strength

        return Strength(self, trainer.agents, seed=seed)

    def scorer(self, apart: bool = False):
        """What tells the exact worth of every move, (board, seat) -> float `[actions]`; None if nobody can.

        The sign of a score is 1 for a win, 0 for a draw, -1 for a loss; the greater, the sooner or the later. An
        `is_slow` scorer may take up to a second. `apart`: whether it may think in a process of its own.
        """
        del apart
        return None

    def players(self) -> dict:
        """Makers of the players that know the game, by the name that people write."""
        from imagents.environments.boards.players import makers

        return makers(self.grid.gravity)

    def arena(self, num_games: int = 1000, seed: int = 0):
        """Where players of this game meet, an `Arena`."""
        from imagents.environments.boards.arena import Arena

        return Arena(self.game, num_games, seed)

    def memory(self, seat: int, batch_size: int):
        """Knows which games have begun anew, a `GameMemory`."""
        from imagents.environments.boards.memory import GameMemory

        return GameMemory(self.game, seat, batch_size)

    def exchange_seats(self, time_step):
        """The time step as the other seat would see it."""
        from imagents.environments.boards.memory import exchange_colours

        return exchange_colours(time_step)

    def serving(self, seat: int):
        """What an exported agent takes, a `BoardInputs`."""
        from imagents.environments.boards.serving import BoardInputs

        return BoardInputs(self.game, seat)


def board_settings(environment) -> BoardSettings:
    """The settings of a board, as `imagents.config.environment_settings` takes it.

    Raises:
      InputError: if it is an environment of another kind.
    """
    found = environment_settings(environment)
    if not isinstance(found, BoardSettings):
        raise InputError(f"{found.name} is no board: only boards can be played and watched")
    return found
