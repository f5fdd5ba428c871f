"""Players: whatever chooses a move for a seat.

An `IMAgent` is a player that learns; the ones here do not. All choose for a batch of games at once and draw from a
generator of their own, and all but a few can be compiled (`Player.runs_in_python` tells). Here is what every
environment's players share; an environment brings its own.
"""

from imagents.players.base import FirstLegalPlayer, Player, RandomPlayer  # noqa: F401
from imagents.players.frozen import PolicyPlayer, agent_player, load_player  # noqa: F401
from imagents.players.league import LeaguePlayer  # noqa: F401
from imagents.players.mixture import MixturePlayer  # noqa: F401
from imagents.players.names import make_player, player_names  # noqa: F401
