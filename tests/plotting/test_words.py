"""How names and numbers are written for people."""

import pytest

from imagents.plotting.words import abridged, size


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
