"""Of a board in two planes a Q network sees the lines that either side could complete."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("pettingzoo", reason="needs the extra pettingzoo")

from imagents.config import TrainConfig
from imagents.environments.boards.features import LineFeatures
from imagents.environments.boards.games import GAMES
from imagents.errors import InputError
from imagents.learning.networks import QNetwork

FOUR = "pettingzoo:classic.connect_four_v3"


def board(*rows):
    """Planes `[1, rows, columns, 2]` of a drawing: own stones X, the others' O."""
    cells = np.array([list(row) for row in rows])
    return np.stack([cells == "X", cells == "O"], axis=-1)[np.newaxis].astype(np.int8)


POSITION = board(".......", ".......", ".......", "...O...", "..XO...", ".XXOX..")


def test_it_sees_what_our_own_game_shows_of_the_same_stones():
    """Four in a row, where stones fall, and a board that means the same if its columns are reversed."""
    known = TrainConfig(FOUR, line=4).environment.network()
    assert known["mirror"] == 7
    ours = LineFeatures(GAMES["connect_four"])(tf.constant(POSITION.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(known["features"](tf.constant(POSITION)), ours)


def test_a_reversed_board_has_the_reversed_values():
    face = TrainConfig(FOUR, line=4).environment
    spec = face.build(1, 0).time_step_spec().observation["views"][0]
    network = QNetwork(spec, 7, (8,), **face.network())
    values, _ = network(POSITION)
    mirrored, _ = network(POSITION[:, :, ::-1])
    np.testing.assert_allclose(mirrored[:, ::-1], values, rtol=1e-5)
    assert np.std(values) > 0


def test_stones_that_do_not_fall_have_no_mirror_image():
    assert TrainConfig("pettingzoo:classic.tictactoe_v3", line=3).environment.network()["mirror"] == 0


def test_a_board_is_won_for_1_and_lost_for_1():
    assert TrainConfig(FOUR, line=4, algorithm="c51").environment.return_range == (-1, 1)
    with pytest.raises(InputError, match="does not say what an episode returns"):
        TrainConfig(FOUR, algorithm="c51")


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        (FOUR, 1, "^line = 1: at least 2 is needed, or 0 for no board$"),
        (FOUR, 8, "^line = 8: pettingzoo:classic.connect_four_v3 does not show a board of .rows, columns, 2. "),
        ("pettingzoo:classic.leduc_holdem_v4", 4, "^line = 4: pettingzoo:classic.leduc_holdem_v4 does not show"),
    ],
)
def test_what_shows_no_such_board_is_one_sentence(name, line, said):
    with pytest.raises(InputError, match=said):
        TrainConfig(name, line=line).environment.network()
