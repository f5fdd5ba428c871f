"""Players: whatever chooses a move for a seat.

An `IMAgent` is a player that learns; the ones here do not. All choose for a batch of games at once and draw from a
generator of their own, and all but a few can be compiled (`Player.runs_in_python` tells).
"""

from imagents.environments.boards.players.columns import BeatLastPlayer, LinearPlayer, SameColumnPlayer
from imagents.environments.boards.players.perfect import (
    PerfectConnectFourPlayer,
    PerfectTicTacToePlayer,
    perfect_player,
)
from imagents.environments.boards.players.person import PersonPlayer
from imagents.environments.boards.players.search import HeuristicPlayer, MinimaxPlayer
from imagents.players.base import FirstLegalPlayer, Player, RandomPlayer
from imagents.players.frozen import PolicyPlayer
from imagents.players.league import LeaguePlayer
from imagents.players.mixture import MixturePlayer
from imagents.players.names import make_player, player_names

__all__ = [
    "BeatLastPlayer",
    "FirstLegalPlayer",
    "HeuristicPlayer",
    "LeaguePlayer",
    "LinearPlayer",
    "MinimaxPlayer",
    "MixturePlayer",
    "PerfectConnectFourPlayer",
    "PerfectTicTacToePlayer",
    "PersonPlayer",
    "Player",
    "PolicyPlayer",
    "RandomPlayer",
    "SameColumnPlayer",
    "make_player",
    "perfect_player",
    "player_names",
]
