"""What agents win against random play is counted by games."""

import numpy as np
import pytest
from small import untrained_run

from benchmarks.against_random import results


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_each_agent_plays_so_many_games_and_each_is_won_drawn_or_lost(tmp_path):
    run = untrained_run(tmp_path / "run", "tic_tac_toe", first_mover="seat_0")
    found = results(run.path, 64)
    assert sorted(found) == ["player_1", "player_2"]
    for returns in found.values():
        assert len(returns) == 64 and {*returns} == {-1, 0, 1}
    assert np.mean(found["player_1"]) > np.mean(found["player_2"])  # who moves first wins more often
