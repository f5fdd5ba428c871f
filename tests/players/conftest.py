"""Positions drawn by hand, as players are shown them."""

import numpy as np
import pytest

from imagents.environments.boards.environment import time_step_at


@pytest.fixture
def at():
    """A function of a game, boards drawn in X (seat 0), O (seat 1) and dots, and the seat to move."""

    def draw(game, *drawings, seat=0):
        cells = [[".XO".index(cell) for cell in drawing if cell in ".XO"] for drawing in drawings]
        return time_step_at(game, np.array(cells).reshape(-1, game.rows, game.columns), seat)

    return draw
