"""What agents expect of every move, drawn on the board."""

import subprocess
import sys

import matplotlib.colors
import matplotlib.patches
import numpy as np
import pytest

from imagents.environments.boards.drawing import COLOURS
from imagents.environments.boards.figure import q_values
from imagents.errors import InputError

_, ORANGE, BLUE = COLOURS
NAN = np.nan


def same_colour(left, right):
    return matplotlib.colors.same_color(left, right)


def texts(axes):
    return {tuple(text.get_position()): text.get_text() for text in axes.texts}


def framed_cells(axes):
    """(x, y) of the centres of the cells with a thick frame."""
    cells = [patch for patch in axes.patches if isinstance(patch, matplotlib.patches.Rectangle)]
    return [(cell.get_x() + 0.5, cell.get_y() + 0.5) for cell in cells if cell.get_linewidth() == 3]


class TestQValues:
    # X . O
    # . X .
    # . . O   X wins nowhere yet; its Q values favour cell 3
    BOARD = np.array([[1, 0, 2], [0, 1, 0], [0, 0, 2]])
    Q_VALUES = np.array([NAN, 0.31, NAN, 0.98, NAN, -0.12, 0.02, 0.4, NAN])

    def test_tic_tac_toe(self):
        figure = q_values(self.BOARD, {"player_1": self.Q_VALUES, "player_2": -self.Q_VALUES}, seat=0)
        first, second, colour_bar = figure.axes
        assert figure.get_suptitle() == "player 1 (X) to move"
        assert (first.get_title(), second.get_title()) == ("player 1", "player 2")
        assert texts(first) == {
            (0, 0): "X", (1, 0): "+0.31", (2, 0): "O",
            (0, 1): "+0.98", (1, 1): "X", (2, 1): "-0.12",
            (0, 2): "+0.02", (1, 2): "+0.40", (2, 2): "O",
        }  # fmt: skip
        assert framed_cells(first) == [(0, 1)]
        assert framed_cells(second) == [(2, 1)]
        assert colour_bar.get_ylim() == (-1, 1)
        top, bottom = first.get_ylim()[1], first.get_ylim()[0]
        assert top < bottom  # row 0 at the top

    def test_values_on_occupied_cells_are_not_drawn(self):
        (axes, _) = q_values(self.BOARD, {"player_1": np.full([3, 3], 5.0)}).axes
        assert texts(axes)[0, 0] == "X"
        assert sorted(texts(axes).values()) == ["+5.00"] * 5 + ["O"] * 2 + ["X"] * 2

    def test_colour_scale_grows_with_the_values(self):
        assert q_values(self.BOARD, {"a": 3 * self.Q_VALUES}).axes[-1].get_ylim() == pytest.approx(
            (-2.94, 2.94)
        )
        assert q_values(self.BOARD, {"a": self.Q_VALUES}, limit=5).axes[-1].get_ylim() == (-5, 5)

    def test_connect_four_has_discs_and_a_strip_of_columns(self):
        board = np.zeros([6, 7], int)
        board[5, :3] = [1, 2, 1]
        board[:, 3] = [2, 1, 2, 1, 2, 1]
        values = np.array([0.1, 0.2, -0.3, 0.9, 0.5, 0.8, -0.9])  # column 3 is full, so its 0.9 is illegal
        figure = q_values(board, {"player_1": values}, seat=1)
        axes = figure.axes[0]
        assert figure.get_suptitle() == "player 2 (blue) to move"
        discs = [patch for patch in axes.patches if isinstance(patch, matplotlib.patches.Circle)]
        assert len(discs) == 42
        stones = {disc.center: disc.get_facecolor() for disc in discs}
        assert same_colour(stones[0, 5], ORANGE)
        assert same_colour(stones[1, 5], BLUE)
        assert same_colour(stones[0, 0], "white")
        assert {x: text for (x, y), text in texts(axes).items() if y < -0.5} == {
            0: "+0.10", 1: "+0.20", 2: "-0.30", 4: "+0.50", 5: "+0.80", 6: "-0.90"
        }  # fmt: skip
        assert [x for x, _ in framed_cells(axes)] == [5]
        assert axes.get_xticks().tolist() == list(range(7))

    def test_stones_that_do_not_fall_are_crosses_and_noughts_on_any_board(self):
        board = np.zeros([5, 5], int)
        board[0, :2] = [1, 2]
        figure = q_values(board, {"player_1": np.zeros([25])}, seat=1)
        assert figure.get_suptitle() == "player 2 (O) to move"
        cross, nought = figure.axes[0].texts[:2]
        assert (cross.get_text(), nought.get_text()) == ("X", "O")
        assert same_colour(cross.get_color(), ORANGE) and same_colour(nought.get_color(), BLUE)

    def test_a_finished_game_has_no_moves(self):
        (axes, _) = q_values(np.full([3, 3], 1), {"player_1": np.full([9], NAN)}).axes
        assert framed_cells(axes) == []

    def test_bad_input(self):
        with pytest.raises(InputError, match=r"player_1's Q values must be \[9\] \(cells\) or \[3\] .* not \[7\]"):
            q_values(self.BOARD, {"player_1": np.zeros([7])})
        with pytest.raises(InputError, match="board must be .* of 0, 1 and 2"):
            q_values(np.full([3, 3], 3), {"player_1": self.Q_VALUES})
        with pytest.raises(InputError, match="at least one agent"):
            q_values(self.BOARD, {})
        with pytest.raises(InputError, match="seat = 2: seats are 0 and 1"):
            q_values(self.BOARD, {"player_1": self.Q_VALUES}, seat=2)

    def test_needs_no_tensorflow(self):
        program = "import sys, imagents.environments.boards.figure; sys.exit('tensorflow' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program]).returncode == 0
