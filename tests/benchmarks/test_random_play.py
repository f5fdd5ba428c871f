"""What is played in a second, by imagents and by others: medians of measurements in turn. The clock plays no part."""

import pytest

from benchmarks import grids, random_play


def test_the_medians_count_and_the_first_system_is_compared_with_each():
    turns = []

    def measure(system, speeds):
        found = iter(speeds)
        return lambda: turns.append(system) or next(found)

    measures = {"ours": measure("ours", [90.0, 500.0, 100.0]), "theirs": measure("theirs", [2.0, 1.0, 8.0])}
    rows = random_play.compare(measures, 3, game="kuhn_poker")
    assert turns == ["ours", "theirs"] * 3
    assert rows == [dict(game="kuhn_poker", system="ours", per_second=100.0, imagents_is=1.0),
                    dict(game="kuhn_poker", system="theirs", per_second=2.0, imagents_is=50.0)]  # fmt: skip


def test_what_is_done_is_counted_until_the_time_is_over(monkeypatch):
    clock = [0.0]

    def play():
        clock[0] += 0.25
        return 10

    monkeypatch.setattr(random_play.time, "process_time", lambda: clock[0])
    assert random_play.speed_of(play, 1.0)() == pytest.approx(40.0)


def test_a_peer_that_is_not_installed_is_left_out(tmp_path):
    assert grids.peer(tmp_path, "jax", "jumanji_foraging.py") == {}
    (tmp_path / "jax" / "bin").mkdir(parents=True)
    (tmp_path / "jax" / "bin" / "python").touch()
    assert [*grids.peer(tmp_path, "jax", "jumanji_foraging.py")] == ["jumanji"]
