"""What a training of phantom tic-tac-toe measures: all together, and each agent from its seat against random play."""

import numpy as np
import pytest
from small import small_config

from imagents import InputError
from imagents.config import TrainConfig
from imagents.environments.hidden_boards.strength import Strength, report_text
from imagents.training.loop import build


def first_cells(trainer) -> None:
    """Makes both agents take the first cell that they do not know to be taken."""
    for agent in trainer.agents:
        for variable in agent.policy.variables():
            variable.assign(np.zeros(variable.shape))


def test_agents_are_measured_from_their_own_seat():
    """Who takes the first cell wins as who begins; who answers it runs into 0, 1, ..., and loses."""
    trainer = build(small_config("phantom_tic_tac_toe"))
    first_cells(trainer)
    before = [x.numpy() for x in trainer.variables]
    strength = Strength(TrainConfig("phantom_tic_tac_toe").environment, trainer, seed=1, episodes=400)
    report = strength.report()
    for x, y in zip(before, trainer.variables, strict=True):
        np.testing.assert_array_equal(x, y)
    first, second = report.values()
    assert set(first) == set(second) == {"random", "mean_return", "lives", "against_random"}
    assert (first["mean_return"], second["mean_return"]) == (1, -1)
    for values in (first, second):
        found = values["against_random"]
        assert found["games"] == found["wins"] + found["draws"] + found["losses"] == 400
        assert values["random"] == found["win_rate"]
    assert first["random"] > 0.6 > second["random"] > 0.2
    assert first["against_random"]["losses"] < 100 < second["against_random"]["losses"]


def test_a_report_reads_well_in_80_columns():
    random = {"win_rate": 0.914, "loss_rate": 0.05, "games": 1024}
    report = {name: {"mean_return": -1.0, "against_random": random} for name in ("player_1", "player_2")}
    lines = report_text(report).splitlines()
    assert max(map(len, lines)) <= 80 and lines[0].startswith("player_1  wins 91.4 % of 1024 games against random play")
    assert "loses 5.0 %" in report_text(report)


def test_what_is_told_besides_is_one_of_two():
    with pytest.raises(InputError, match="^obstype = 'everything': choose reveal-nothing, reveal-numturns$"):
        TrainConfig("phantom_tic_tac_toe", obstype="everything")
