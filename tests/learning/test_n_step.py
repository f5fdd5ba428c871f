"""A decision of n steps adds up what its agent is paid until its n-th next decision, or until its life is over."""

import numpy as np
import pytest
from worlds import Row, Scripted, in_words

from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import dqn
from imagents.training.loop import Trainer

PAY = [1, 2, 4, 8, 16]
GAMMA = 0.5


def found(environment, rounds: int, n_step: int, seat: int = 0) -> list[tuple]:
    """The decisions of an agent, in the order in which they were remembered."""
    agents = [
        IMAgent(environment, seat=number, algorithm=dqn(discount=GAMMA), n_step=n_step, replay_length=64)
        for number in range(environment.num_seats)
    ]
    loop = Trainer(environment, agents, warmup_rounds=1000, execution="eager")
    loop.run(rounds)
    return in_words(agents[seat].replay_buffer.gather_all())


def life(discount: float = 0.0) -> Scripted:
    """Five decisions, each of which pays at once; then an end, or a cut-off with discount 1."""
    return Scripted([Row([0], [0])] + [Row([0], [pay]) for pay in PAY[:-1]] + [Row([], [PAY[-1]])],
                    alike=True, discounts=discount)  # fmt: skip


@pytest.mark.parametrize("discount", [0.0, 1.0], ids=["an end", "a cut-off"])
@pytest.mark.parametrize("n_step", [2, 3, 5, 9])
def test_rewards_add_up_and_stop_where_a_life_does(n_step, discount):
    expected = []
    for row in range(5):
        steps = min(n_step, 5 - row)
        reward = sum(GAMMA**k * PAY[row + k] for k in range(steps))
        last = discount if row + steps == 5 else 1.0
        expected.append((row, reward, GAMMA ** (steps - 1) * last, row + steps))
    decisions = found(life(discount), 6, n_step)
    assert sorted(decisions)[:5] == [pytest.approx(each) for each in expected]


def test_nothing_reaches_into_the_next_life():
    decisions = found(life(), 12, 3)
    assert len(decisions) == 10
    assert sorted(decisions)[::2] == sorted(decisions)[1::2]  # two lives alike


def test_only_own_decisions_count():
    """Seat 0 decides in rows 0 and 2, seat 1 in row 1: for seat 0, row 2 is the next one."""
    rows = [Row([0], [0, 0]), Row([1], [1, 0]), Row([0], [2, 0]), Row([], [4, 0])]
    decisions = found(Scripted(rows, at_once=False, alike=True), 3, 2)
    assert sorted(decisions)[0] == pytest.approx((0, 3 + GAMMA * 4, 0.0, 3))
    assert sorted(decisions)[1 if len(decisions) == 2 else 2] == pytest.approx((2, 4, 0.0, 3))


def test_one_step_is_what_it_was():
    decisions = found(life(), 6, 1)
    np.testing.assert_allclose(sorted(decisions)[:5], [(r, PAY[r], float(r < 4), r + 1) for r in range(5)])


def test_copies_are_apart():
    environment = Scripted([Row([0], [0]), Row([0], [1]), Row([0], [2]), Row([], [4])], 2, alike=True,
                           discounts=[0.0, 1.0])  # fmt: skip
    decisions = found(environment, 3, 2)
    ended, cut_off = [(1, 4.0, 0.0, 3), (2, 4.0, 0.0, 3)], [(1, 4.0, 0.5, 3), (2, 4.0, 1.0, 3)]
    assert sorted(decisions) == sorted([(0, 2.0, 0.5, 2)] * 2 + ended + cut_off)
