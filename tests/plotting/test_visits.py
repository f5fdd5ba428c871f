"""Maps of visits show every cell, and leave white where nobody was."""

import numpy as np
import pytest

from imagents.errors import InputError
from imagents.plotting import visit_maps
from imagents.plotting.visits import _ways

VISITS = np.array([[8, 1, 0], [1, 0, 0]])


def test_a_map_has_the_share_of_each_cell_and_nothing_where_nobody_was():
    walls = np.array([[False, False, True], [False, False, True]])
    figure = visit_maps({"plain": VISITS, "curious": VISITS.T.reshape(2, 3)}, walls, {"plain": [(0, 0), (0, 1)]})
    assert figure.png()  # and everything that is drawn can be
    plain, curious, bar = figure.axes
    assert [plain.get_title(), curious.get_title(), bar.get_ylabel()] == ["plain", "curious", "share of visits"]
    cells, solid = (image.get_array() for image in plain.images)
    np.testing.assert_allclose(cells.filled(-1), [[0.8, 0.1, -1], [0.1, -1, -1]])
    assert (~solid.mask == walls).all()
    assert [line.get_xydata().tolist() for line in plain.lines] == [[[0, 0], [1, 0]], [[0, 0]]] and not curious.lines


def test_a_path_begins_anew_where_it_jumps():
    assert [way.tolist() for way in _ways([(0, 0), (1, 1), (5, 1), (5, 2)])] == [[[0, 0], [1, 1]], [[5, 1], [5, 2]]]
    assert _ways(()) == []


def test_shapes_have_to_fit():
    for visits, walls in (({}, None), ({"a": VISITS, "b": VISITS.T}, None), ({"a": VISITS}, VISITS.T > 0)):
        with pytest.raises(InputError, match="visits of the shapes"):
            visit_maps(visits, walls)
