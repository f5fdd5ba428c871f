"""Board games: their rules as tensor functions, and how they draw themselves."""

from imagents.games.board_game import BoardGame, Position, sample_legal

TIC_TAC_TOE = BoardGame("tic_tac_toe", rows=3, columns=3, k=3, gravity=False)
CONNECT_FOUR = BoardGame("connect_four", rows=6, columns=7, k=4, gravity=True)
GAMES = {game.name: game for game in (TIC_TAC_TOE, CONNECT_FOUR)}


def get_game(name: str) -> BoardGame:
    """The game of that name.

    Raises:
      ValueError: if there is none.
    """
    if name not in GAMES:
        raise ValueError(f"unknown game {name!r}: choose one of {', '.join(GAMES)}")
    return GAMES[name]


__all__ = ["BoardGame", "CONNECT_FOUR", "GAMES", "Position", "TIC_TAC_TOE", "get_game", "sample_legal"]
