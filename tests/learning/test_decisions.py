"""A time limit is no end: what is cut off is worth what its own last view is worth. Checked against closed forms."""

import numpy as np
import pytest
import tensorflow as tf
from worlds import Row, Scripted

from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import dqn
from imagents.training.loop import Trainer

DISCOUNT = 0.9
LIMITS = (1, 3, 10)


def life(limit: int, **settings) -> Scripted:
    """Reward 1 a step, and after `limit` steps the episode ends (discounts 0) or is cut off (1)."""
    return Scripted([Row([0], [0])] + [Row([0], [1])] * (limit - 1) + [Row([], [1])], alike=True, **settings)


def exact_values(environment, limit: int, **settings) -> np.ndarray:
    """What each view is worth: the fixed point of reward + .9 x discount x worth of the next view, over all decisions.

    A table, so that nothing but the decisions matters.
    """
    agent = IMAgent(environment, replay_length=4 * (limit + 1), **settings)
    Trainer(environment, [agent], warmup_rounds=1000, execution="graph").run(4 * (limit + 1))
    found = agent.replay_buffer.gather_all()
    view, next_view = (np.argmax(np.asarray(x), axis=1) for x in (found.view, found.next_view))
    size = limit + 1
    rewards, step = np.zeros(size), np.zeros([size, size])
    for v in range(size):
        at = view == v
        if at.any():
            rewards[v] = found.reward.numpy()[at].mean()
            for w in range(size):
                step[v, w] = (found.discount.numpy() * (next_view == w))[at].mean()
    return np.linalg.solve(np.eye(size) - DISCOUNT * step, rewards)


@pytest.mark.parametrize("limit", LIMITS)
def test_what_is_cut_off_is_worth_as_much_as_if_it_went_on(limit):
    values = exact_values(life(limit, discounts=1.0, show_time=False), limit)
    assert values[0] == pytest.approx(1 / (1 - DISCOUNT))  # 10, whatever the limit


@pytest.mark.parametrize("limit, counted, blind", [(1, 1, 1), (3, 2.71, 2.5), (10, 6.5132156, 5.2631579)])
def test_nothing_is_worth_anything_after_an_end(limit, counted, blind):
    """Counted: the view tells the step. Blind: it does not, and a step is the last one in 1 of `limit` cases."""
    assert exact_values(life(limit), limit)[0] == pytest.approx(counted)
    assert exact_values(life(limit, show_time=False), limit)[0] == pytest.approx(blind)


@pytest.mark.parametrize("limit", LIMITS)
def test_ends_and_limits_side_by_side_in_one_batch(limit):
    both = life(limit, batch_size=2, discounts=[0.0, 1.0], show_time=False)
    worth = 1 / (1 - DISCOUNT * (1 - 1 / (2 * limit)))  # one step in 2 x limit ends
    assert exact_values(both, limit)[0] == pytest.approx(worth)


@pytest.mark.parametrize("limit, blind", [(1, 1), (3, 2.5), (10, 5.2631579)])
def test_a_switch_counts_limits_as_ends(limit, blind):
    environment = life(limit, discounts=1.0, show_time=False)
    assert exact_values(environment, limit, limits_are_ends=True)[0] == pytest.approx(blind)


@pytest.mark.parametrize(
    "loss, discount, worth",
    [("squared", 1.0, 10), ("squared", 0.0, 2.5), ("huber", 0.0, 5)],
    ids=["limit", "end", "end, another loss"],
)
def test_a_learner_finds_these_values(loss, discount, worth):
    """One target in 3 is 1, and two are 1 + .9 v. Their mean is v at 2.5, where the squared loss is least.

    At 5 those two pull up by .5 each, and the third, 4 below, pulls down by no more than 1: there Huber's is least.
    """
    environment = life(3, batch_size=64, discounts=discount, show_time=False)
    settings = dict(hidden_layers=(), optimizer=tf.keras.optimizers.SGD(0.1), discount=DISCOUNT, loss=loss)
    algorithm = dqn(target_update_period=1, **settings)
    agent = IMAgent(environment, algorithm=algorithm, epsilon=0.5, sample_batch_size=256, replay_length=63)
    trainer = Trainer(environment, [agent], warmup_rounds=32, train_steps_per_round=8, execution="xla")
    trainer.run(150)
    values = agent.q_values(environment.reset()).numpy()[0]
    assert values == pytest.approx([worth] * 2, rel=0.05)


def test_another_loss_is_refused():
    with pytest.raises(ValueError, match="^loss = 'cubed': choose huber, squared$"):
        dqn(loss="cubed")
