"""A budget is spent when its steps or its minutes are."""

import pytest

from imagents.config import TrainConfig
from imagents.training.budget import Budget, told_rate


@pytest.mark.parametrize(
    "budget, steps, seconds, spent",
    [
        (Budget(200, None), 50, 1e9, 0.25),
        (Budget(None, 2.0), 10**9, 30.0, 0.25),
        (Budget(200, 2.0), 50, 60.0, 0.5),
        (Budget(200, 2.0), 150, 60.0, 0.75),
        (Budget(200, 2.0), 300, 0.0, 1.0),
        (Budget(None, None), 300, 60.0, 0.0),
    ],
)
def test_whichever_is_spent_first_counts(budget, steps, seconds, spent):
    assert budget.spent(steps, seconds) == spent


def test_it_is_shown_as_settings_are_given():
    assert str(Budget(200, 2.5)) == "steps = 200 and minutes = 2.5" and str(Budget(None, 1.0)) == "minutes = 1.0"
    assert Budget.of({"steps": 5, "seed": 1}) == Budget(**Budget(5, None).to_dict()) == Budget(5, None)


def test_what_becomes_of_the_learning_rate_is_said_but_for_agents_of_ones_own():
    config = TrainConfig("climbing", learning_rate=0.2)
    assert told_rate(config, 0.5, 0.25, is_new=True) == "the learning rate begins at 0.2, and falls over this budget"
    told = told_rate(config.replace(agents="crowd:three_agents"), 0.5, 0.25, is_new=True)
    assert told == "agents of your own have the learning rates that they were made with"
