"""Bars say what they are of, and how sure one may be."""

import pandas as pd
import pytest

from imagents import plotting
from imagents.errors import InputError

WON = pd.DataFrame(
    {"value": [0.9, 0.5], "low": [0.85, 0.4], "high": [0.95, 0.6], "count": [1000, 200]}, index=["bold", "shy"]
)
LONG = WON.assign(value=[7.0, 8.5], low=[6.9, 8.0], high=[7.1, 9.0])


def test_a_bar_has_its_interval_its_figure_and_how_many_it_is_of():
    figure = plotting.bars({"games won": WON, "plies per game": LONG}, unit="games", shares=["games won"])
    won, plies = figure.axes
    assert [tuple(line.get_xdata()) for line in won.lines] == [(0.85, 0.95), (0.4, 0.6)]
    assert [text.get_text() for text in won.texts] == ["90.0 %", "50.0 %"]
    assert [text.get_text() for text in plies.texts] == ["7", "8.5"]
    assert [text.get_text() for text in won.get_yticklabels()] == ["bold\n1,000 games", "shy\n200 games"]
    assert [patch.get_width() for patch in plies.patches] == [7.0, 8.5]
    assert figure.png()


def test_panels_of_different_numbers_say_theirs_below():
    figure = plotting.bars({"games won": WON, "plies per game": LONG.assign(count=50)}, unit="games")
    assert [axes.get_xlabel() for axes in figure.axes] == ["200 to 1,000 games", "50 games"]
    assert figure.axes[0].get_yticklabels()[0].get_text() == "bold"


@pytest.mark.parametrize("panels, said", [
    ({}, "no rows"), ({"a": WON.iloc[:0]}, "no rows"),
    ({"a": WON.drop(columns="low")}, "a: the table lacks the column low"),
    ({"a": WON, "b": LONG.iloc[:1]}, r"b: the rows \['bold'\] are not those of the first panel"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_said_in_a_sentence(panels, said):
    with pytest.raises(InputError, match=said):
        plotting.bars(panels)
