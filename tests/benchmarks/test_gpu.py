"""The benchmark for GPUs times random play and learning of each game, here on a processor."""

import pytest

from benchmarks import gpu


@pytest.mark.slow
@pytest.mark.parametrize("game", gpu.GAMES)
def test_it_times_random_play_and_the_whole_loop(game):
    rows = {what: gpu.measure(make, seconds=0.05, repeats=1) for what, make in gpu.loops(game, copies=16)}
    assert list(rows) == ["random play", "whole loop"]
    assert rows["random play"]["steps_per_second"] > rows["whole loop"]["steps_per_second"] > 0
