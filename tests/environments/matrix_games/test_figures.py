"""The figure of a run's joint policy: a path in a square or in triangles, from the files of a run alone."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from imagents.config import environment_class, environment_settings
from imagents.environments.matrix_games.figures import policy_path


def metrics_of(face, *paths) -> pd.DataFrame:
    """A run's metrics in which the agents' policies went along paths, each `[rows, A]`."""
    columns = {"steps": np.arange(len(paths[0]))}
    for seat, path in enumerate(paths, 1):
        columns[f"player_{seat}_loss"] = 1.0
        columns |= {f"player_{seat}_plays_{name}": share for name, share in zip(face.actions, np.transpose(path))}
    return pd.DataFrame(columns)


def drawn_path(axes) -> list:
    """The points of the path in a panel, the last collection there is."""
    pieces = [each for each in axes.collections if isinstance(each, LineCollection)][-1].get_segments()
    return np.round([pieces[0][0], *(piece[1] for piece in pieces)], 6).tolist()


def test_of_two_actions_it_is_a_path_in_the_square_of_both_players_first_actions():
    face = environment_settings("stag_hunt")
    metrics = metrics_of(face, [[0.5, 0.5], [0.7, 0.3], [1, 0]], [[0.5, 0.5], [0.4, 0.6], [0, 1]])
    [axes] = policy_path(face, metrics).axes
    assert drawn_path(axes) == [[0.5, 0.5], [0.7, 0.4], [1, 0]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("player 1 plays stag", "player 2 plays stag")
    assert [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "*"] == [[[1, 1]]]  # both stag


def test_of_three_actions_it_is_a_path_in_a_triangle_for_each():
    face = environment_settings("climbing")
    metrics = metrics_of(face, [[1 / 3, 1 / 3, 1 / 3], [1, 0, 0]], [[0, 1, 0], [0, 0, 1]])
    first, second = policy_path(face, metrics).axes
    assert drawn_path(first) == [[0.5, 0.288675], [0, 0]]  # from the middle to a
    assert drawn_path(second) == [[1, 0], [0.5, 0.866025]]  # from b to c
    assert [first.get_title(), second.get_title()] == ["player 1", "player 2"]


@pytest.mark.parametrize("name", ["rock_paper_scissors", "chicken"])
def test_it_is_drawn_without_a_warning_also_before_anything_is_measured(name):
    face = environment_settings(name)
    even = np.full([5, len(face.actions)], 1 / len(face.actions))
    for path in (even[:1], np.full_like(even, np.nan)):
        assert policy_path(face, metrics_of(face, path, path))._repr_png_().startswith(b"\x89PNG")


def test_there_is_none_where_one_alone_learns_or_more_than_two_play():
    face = environment_settings("chicken")
    assert policy_path(face, metrics_of(face, np.full([3, 2], 0.5))) is None
    assert environment_settings("public_goods").figures() == {}
    assert [*environment_class("penalty")("penalty", num_agents=2).figures()] == ["policy_path"]


def test_streams_lead_to_what_pays_more():
    """In the dilemma everywhere down and to the left, towards defection."""
    face = environment_settings("prisoners_dilemma")
    [axes] = policy_path(face, metrics_of(face, *[np.full([2, 2], 0.5)] * 2)).axes
    streams = [each for each in axes.collections if isinstance(each, LineCollection)][0].get_segments()
    steps = np.concatenate([np.diff(piece, axis=0) for piece in streams])
    inner = steps[np.abs(steps).max(axis=1) > 1e-9]
    assert len(inner) > 100 and (inner <= 1e-9).mean() > 0.99
