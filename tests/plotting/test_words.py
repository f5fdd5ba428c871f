"""How names and numbers are written for people."""

import pytest

from imagents.plotting.words import abridged, lasting, size


@pytest.mark.parametrize("names, letters, short", [
    (["random", "outputs/one"], 20, ["random", "outputs/one"]),
    (["a-long-name-1", "a-long-name-2", "b"], 7, ["a-l…e-1", "a-l…e-2", "b"]),
    (["same-1-same", "same-2-same"], 9, ["sa…1-same", "sa…2-same"]),  # kept from where they differ
    (["same-same-1-same-same", "same-same-2-same-same"], 5, ["same-same-1…", "same-same-2…"]),
])  # fmt: skip
def test_names_that_are_cut_still_differ(names, letters, short):
    assert abridged(names, letters) == short


def test_sizes_have_units_that_fit():
    assert [size(num_bytes) for num_bytes in (20, 8_540, 300_000, 8.5e6, 1.2e10, 4e12)] == [
        "0.0 kB", "8.5 kB", "300 kB", "8.5 MB", "12 GB", "4,000 GB"
    ]  # fmt: skip


@pytest.mark.parametrize("seconds, said", [
    (0.2, "1 s"), (62.4, "62 s"), (99.9, "100 s"), (120, "2 min"), (5400, "90 min"), (7200, "2 h"), (9000, "2.5 h"),
])  # fmt: skip
def test_a_time_is_written_in_the_largest_unit_of_which_it_has_two(seconds, said):
    assert lasting(seconds) == said
