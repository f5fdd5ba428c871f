"""Boards as text and as SVG."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from oracle import read_board

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.drawing import winning_cells
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE

SVG = "{http://www.w3.org/2000/svg}"
SEAT_0, SEAT_1, EMPTY = "#d95f02", "#1b6ca8", "#ffffff"


def elements(drawing, tag):
    """The elements of an SVG document with a tag, as dictionaries of their attributes."""
    return [element.attrib for element in ElementTree.fromstring(drawing).iter(SVG + tag)]


CROSS_WON = read_board("""
    X O .
    . X O
    . . X
""")

DISCS = read_board("""
    . . . . . . .
    . . . . . . .
    . . . . . . .
    . . . . . . .
    . . . O . . .
    X . . X X . O
""")


# Text


def test_tic_tac_toe_is_drawn_as_three_rows_of_crosses_and_noughts():
    assert TIC_TAC_TOE.text(CROSS_WON) == "X O .\n. X O\n. . X"


def test_connect_four_is_drawn_the_right_way_up_with_its_columns_numbered():
    assert CONNECT_FOUR.text(DISCS) == "\n".join(
        [
            ". . . . . . .",
            ". . . . . . .",
            ". . . . . . .",
            ". . . . . . .",
            ". . . O . . .",
            "X . . X X . O",
            "0 1 2 3 4 5 6",
        ]
    )


def test_the_last_move_is_marked_below_its_column():
    lines = CONNECT_FOUR.text(DISCS, last_action=3).splitlines()
    assert lines[-2:] == ["0 1 2 3 4 5 6", "      ^"]
    assert TIC_TAC_TOE.text(CROSS_WON, last_action=3) == TIC_TAC_TOE.text(CROSS_WON)  # a cell needs no mark below


def test_the_text_reads_back_as_the_board():
    for seed in range(20):
        cells = np.random.default_rng(seed).integers(0, 3, [3, 3])
        np.testing.assert_array_equal(read_board(TIC_TAC_TOE.text(cells)), cells)


# Completed lines


def test_winning_cells_are_those_of_every_completed_line():
    both = read_board("""
        X O O
        X O .
        X O .
    """)
    assert winning_cells(TIC_TAC_TOE, CROSS_WON) == [0, 4, 8]
    assert winning_cells(TIC_TAC_TOE, both) == [0, 1, 3, 4, 6, 7]
    assert winning_cells(CONNECT_FOUR, DISCS) == []


def test_one_stone_can_complete_two_lines():
    cells = read_board("""
        . . . . . . .
        . . . . . . .
        . . . O . . .
        . . . O . . .
        . . . O . X .
        O O O O X X X
    """)
    assert winning_cells(CONNECT_FOUR, cells) == [17, 24, 31, 35, 36, 37, 38]


# SVG


def test_every_disc_stands_in_its_cell_in_the_colour_of_its_seat():
    discs = elements(CONNECT_FOUR.svg(DISCS), "circle")
    colours = [[EMPTY, SEAT_0, SEAT_1][cell] for cell in DISCS.ravel()]
    centres = [(48 * column + 24, 48 * row + 24) for row in range(6) for column in range(7)]
    assert [disc["fill"] for disc in discs] == colours
    assert [(int(disc["cx"]), int(disc["cy"])) for disc in discs] == centres


def test_crosses_and_noughts_stand_in_their_cells():
    drawing = TIC_TAC_TOE.svg(CROSS_WON)
    crosses = [path for path in elements(drawing, "path") if path["stroke"] == SEAT_0]
    noughts = elements(drawing, "circle")
    corners = [re.match(r"M(\d+) (\d+)L(\d+) (\d+)", cross["d"]).groups() for cross in crosses]
    assert corners == [("13", "13", "35", "35"), ("61", "61", "83", "83"), ("109", "109", "131", "131")]
    assert [(nought["cx"], nought["cy"], nought["stroke"]) for nought in noughts] == [
        ("72", "24", SEAT_1),
        ("120", "72", SEAT_1),
    ]


def test_the_stones_of_a_completed_line_stand_out():
    won = read_board("""
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        O O O . . . .
        X X X X . . .
    """)
    ringed = [i for i, disc in enumerate(elements(CONNECT_FOUR.svg(won), "circle")) if "stroke" in disc]
    assert ringed == [35, 36, 37, 38]
    marks = elements(TIC_TAC_TOE.svg(CROSS_WON), "path") + elements(TIC_TAC_TOE.svg(CROSS_WON), "circle")
    widths = {(mark["stroke"], mark["stroke-width"]) for mark in marks}
    assert widths == {("#999", "2"), (SEAT_0, "9"), (SEAT_1, "5")}  # the grid, the winners, the others


def test_the_last_move_is_marked():
    (mark,) = [disc for disc in elements(CONNECT_FOUR.svg(DISCS, last=31), "circle") if disc.get("class") == "latest"]
    assert (mark["cx"], mark["cy"]) == ("168", "216")  # the middle of cell 31
    tiles = [tile for tile in elements(TIC_TAC_TOE.svg(CROSS_WON, last=5), "rect") if tile["class"] != "ground"]
    assert [(tile["class"], tile["x"], tile["y"]) for tile in tiles] == [
        ("won", "3", "3"), ("won", "51", "51"), ("recent", "99", "51"), ("won", "99", "99"),
    ]  # fmt: skip


def test_discs_bear_a_cross_or_a_nought_for_who_does_not_see_their_colour():
    marks = [path["d"] for path in elements(CONNECT_FOUR.svg(DISCS), "path") if path.get("class") == "mark"]
    stones = [cell for cell in DISCS.ravel() if cell]
    assert ["a6 6" in mark for mark in marks] == [stone == 2 for stone in stones] and len(stones) > 2


def test_cells_bear_their_numbers_where_moves_are_cells():
    def names(drawing):
        texts = ElementTree.fromstring(drawing).iter(SVG + "text")
        return [(node.text, node.get("style")) for node in texts if node.get("class") == "name"]

    assert names(TIC_TAC_TOE.svg(CROSS_WON, names=True)) == [(str(cell), None) for cell in range(9)]
    values = [None, None, None, -0.9, 0.1, *[None] * 4]
    board = read_board("X O X\n. . O\n. . .")
    assert names(TIC_TAC_TOE.svg(board, q_values=values, names=True))[3:6] == [
        ("3", "fill: #fff"), ("4", "fill: #111"), ("5", None),
    ]  # fmt: skip
    assert names(CONNECT_FOUR.svg(DISCS, names=True)) == names(TIC_TAC_TOE.svg(CROSS_WON)) == []


def test_q_values_stand_where_the_stone_would_lie_green_if_good_and_purple_if_bad():
    q_values = [1.0, -1.0, np.nan, 0.5, None, 0.0, -0.25]
    drawing = CONNECT_FOUR.svg(DISCS, q_values=q_values)
    texts = [node for node in ElementTree.fromstring(drawing).iter(SVG + "text")]
    assert [node.text for node in texts] == ["+1.00", "-1.00", "+0.50", "+0.00", "-0.25"]
    assert [(node.get("x"), node.get("y")) for node in texts] == [
        ("24", "220"), ("72", "268"), ("168", "172"), ("264", "268"), ("312", "220"),
    ]  # fmt: skip
    discs = [disc["fill"] for disc in elements(drawing, "circle")][42:]
    assert (discs[0], discs[1], discs[3]) == ("#1b7837", "#762a83", "#ffffff")


def test_an_action_can_be_framed():
    (frame,) = [disc for disc in elements(CONNECT_FOUR.svg(DISCS, chosen=3), "circle") if "class" in disc]
    assert (frame["class"], frame["cx"], frame["cy"]) == ("chosen", "168", "168")


def test_what_can_be_clicked_can_be_reached_and_named():
    places = [place for place in elements(CONNECT_FOUR.svg(DISCS, clickable=[0, 3]), "rect") if "data-move" in place]
    assert [(p["data-move"], p["x"], p["height"], p["aria-label"]) for p in places] == [
        ("0", "2", "284", "column 0"), ("3", "146", "284", "column 3"),
    ]  # fmt: skip
    (cell,) = [c for c in elements(TIC_TAC_TOE.svg(CROSS_WON, clickable=[3]), "rect") if "data-move" in c]
    assert (cell["aria-label"], cell["tabindex"], cell["role"]) == ("cell 3, row 2, column 1", "0", "button")


def test_the_size_follows_the_board_and_the_label_says_what_is_drawn():
    (root,) = elements(BoardGame("wide_game", 2, 5, 2, gravity=True).svg(read_board(". . . . .\nX O . . .")), "svg")
    assert root["viewBox"] == "0 0 240 96" and (root["width"], root["height"]) == ("240", "96")
    assert root["aria-label"] == "wide game: ..... / XO..."


def test_a_name_may_hold_any_character():
    (root,) = elements(BoardGame('<"Tom" & Jerry>', 1, 2, 2, gravity=False).svg([[1, 0]]), "svg")
    assert root["aria-label"] == '<"Tom" & Jerry>: X.'


# Bad input


@pytest.mark.parametrize("draw", [TIC_TAC_TOE.text, TIC_TAC_TOE.svg])
def test_a_board_of_another_shape_is_refused_in_one_sentence(draw):
    with pytest.raises(ValueError, match=r"^a board of tic_tac_toe has shape \(3, 3\), not \(6, 7\)$"):
        draw(DISCS)
