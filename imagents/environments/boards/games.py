"""Board games: their rules as tensor functions, and how they draw themselves."""

import re

from imagents.environments.boards.board_game import BoardGame

TIC_TAC_TOE = BoardGame("tic_tac_toe", rows=3, columns=3, k=3, gravity=False)
CONNECT_FOUR = BoardGame("connect_four", rows=6, columns=7, k=4, gravity=True)
GAMES = {game.name: game for game in (TIC_TAC_TOE, CONNECT_FOUR)}

_DESCRIPTION = re.compile(r"([1-9]\d?)x([1-9]\d?)x([1-9]\d?)(-gravity)?")


def get_game(name: str) -> BoardGame:
    """The game of that name.

    Args:
      name: one of `GAMES`, or a description, ROWSxCOLUMNSxK: "5x5x4" is four in a row on a board of five rows and
        five columns, "8x8x4-gravity" the same on eight by eight where stones fall.

    Raises:
      ValueError: if there is none, or its board cannot be.
    """
    if name in GAMES:
        return GAMES[name]
    described = _DESCRIPTION.fullmatch(name)
    if not described:
        raise ValueError(
            f"unknown game {name!r}: choose one of {', '.join(GAMES)}, or describe one as ROWSxCOLUMNSxK, "
            "such as 5x5x4, or 8x8x4-gravity if stones fall"
        )
    rows, columns, k = map(int, described.groups()[:3])
    return BoardGame(name, rows, columns, k, gravity=described[4] is not None)

