"""Board games by name."""

import functools

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.settings import board_settings


@functools.cache
def get_game(name: str) -> BoardGame:
    """The rules of the game of that name, such as "5x5x4" or "8x8x4-gravity"; see `imagents.TrainConfig`.

    Raises:
      InputError: if there is none, or its board cannot be.
    """
    return board_settings(name).game


TIC_TAC_TOE, CONNECT_FOUR = get_game("tic_tac_toe"), get_game("connect_four")
GAMES = {game.name: game for game in (TIC_TAC_TOE, CONNECT_FOUR)}
