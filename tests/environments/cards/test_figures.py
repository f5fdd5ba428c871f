"""The figure of a run's exploitability, from the files of a run alone."""

import numpy as np
import pandas as pd
import pytest

from imagents.config import environment_settings
from imagents.environments.cards.figures import exploitability


def metrics_of(*rows) -> pd.DataFrame:
    """Metrics with the exploitability of the four policies at steps 0, 100, ..."""
    columns = {"steps": 100 * np.arange(len(rows)), "player_1_loss": 1.0, "player_2_loss": 1.0}
    for number, policy in enumerate(("greedy", "softmax", "behaviour", "average")):
        for agent in ("player_1", "player_2"):
            columns[f"{agent}_exploitability_{policy}"] = [row[number] for row in rows]
    return pd.DataFrame(columns)


def test_each_policy_is_a_curve_and_in_kuhn_there_is_the_least_of_pure_ones():
    metrics = metrics_of([0.5, 0.4, 0.3, 0.2], [np.nan] * 4, [0.25, 0.2, 0.1, 0.05])
    for name, floors in (("kuhn_poker", ["least of pure policies: 0.1667"]), ("leduc_poker", [])):
        [axes] = exploitability(environment_settings(name), metrics).axes
        labels = ["greedy: 0.25", "softmax: 0.2", "behaviour: 0.1", "average: 0.05", *floors]
        assert [line.get_label() for line in axes.lines] == labels
        assert axes.lines[3].get_xydata().tolist() == [[0, 0.2], [200, 0.05]]
        assert axes.get_yscale() == "log"
    [axes] = exploitability(environment_settings("kuhn_poker"), metrics).axes
    assert list(axes.lines[4].get_ydata()) == pytest.approx([1 / 6, 1 / 6])


@pytest.mark.parametrize("rows", [[[0.5, 0.4, 0.3, 0.0]], [[np.nan] * 4] * 3, []])
def test_it_is_drawn_without_a_warning_also_of_an_equilibrium_and_before_anything_is_measured(rows):
    figure = exploitability(environment_settings("kuhn_poker"), metrics_of(*rows))
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_an_equilibrium_has_a_place_on_the_logarithmic_axis():
    [axes] = exploitability(environment_settings("kuhn_poker"), metrics_of([0.5, 0.4, 0.3, 0.2], [0, 0, 0, 0])).axes
    assert [line.get_ydata()[-1] for line in axes.lines[:4]] == [1e-4] * 4


def test_there_is_none_where_nothing_was_measured():
    assert exploitability(environment_settings("kuhn_poker"), metrics_of([1, 1, 1, 1])[["steps"]]) is None
