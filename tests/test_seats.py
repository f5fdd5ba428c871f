"""Any number of agents, in turn or all at once: a decision runs from where it is asked for to the next, or to the end.

Every expected decision is computed by hand from the script above it.
"""

import numpy as np
import pytest
import tensorflow as tf
from worlds import F, L, M, Row, Scripted, in_words

from imagents.checking import check_environment
from imagents.learning.agent import IMAgent
from imagents.players.base import RandomPlayer
from imagents.training.loop import Trainer

ways = pytest.mark.parametrize("execution", ["eager", pytest.param("graph", marks=pytest.mark.slow), "xla"])
eager_first = pytest.mark.parametrize(
    "execution", ["eager", *(pytest.param(way, marks=pytest.mark.slow) for way in ("graph", "xla"))]
)
SMALL = dict(sample_batch_size=4, replay_length=64)


def trained(environment, rounds, execution="eager", **settings) -> Trainer:
    agents = [IMAgent(environment, seat=seat, **SMALL | settings) for seat in range(environment.num_seats)]
    trainer = Trainer(environment, agents, warmup_rounds=1000, execution=execution)
    trainer.metrics = trainer.run(rounds)
    return trainer


def decisions(trainer) -> list[list[tuple]]:
    return [in_words(agent.replay_buffer.gather_all()) for agent in trainer.agents]


# Three seats that see different things and have 2, 3 and 4 actions. Seat 1 dies at row 2 and is born again at row 4;
# seat 2 comes late: it is first asked at row 3.
LIVES = [
    #   asked      reward            step_types  discounts
    Row([0, 1], [0, 0, 0], [F, F, F], [1, 1, 1]),
    Row([0, 1], [1, 10, 100], [M, M, F], [1, 1, 1]),
    Row([0], [2, 20, 200], [M, L, F], [1, 0, 1]),
    Row([0, 2], [3, 0, 300], [M, L, F], [1, 0, 1]),
    Row([0, 1, 2], [4, 0, 400], [M, F, M], [1, 1, 1]),
    Row([0, 1], [5, 50, 500], [M, M, M], [1, 1, 1]),
    Row([], [6, 60, 600], [L, L, L], [0, 1, 0]),
]
LIVED = [
    [(0, 1, 1, 1), (1, 2, 1, 2), (2, 3, 1, 3), (3, 4, 1, 4), (4, 5, 1, 5), (5, 6, 0, 6)],
    [(0, 10, 1, 1), (1, 20, 0, 2), (4, 50, 1, 5), (5, 60, 1, 6)],  # an end at row 2, a cut-off at row 6
    [(3, 400, 1, 4), (4, 500 + 600, 0, 6)],  # what it was paid before it was first asked is nobody's
]


@ways
def test_three_agents_with_specs_of_their_own_die_are_reborn_and_join_late(execution):
    environment = Scripted(LIVES)
    trainer = trained(environment, 7, execution)  # an episode and the step that begins the next
    assert decisions(trainer) == LIVED
    # Returns are per life: seat 1 lived twice, for 30 and for 110; seat 2 for what it was paid once it was there.
    returns = [trainer.metrics[f"player_{seat + 1}_return"] for seat in range(3)]
    assert returns == [21, (30 + 110) / 2, 1500]
    assert int(trainer.steps) == 6 and int(trainer.episodes) == 1
    assert check_environment(Scripted(LIVES)) == []


def test_an_episode_leaves_no_row_of_the_dead_and_none_that_reaches_into_the_next():
    trainer = trained(Scripted(LIVES), 14)
    assert decisions(trainer) == [2 * rows for rows in LIVED]


# First in turn, then all at once.
HYBRID = [Row([0], [0, 0]), Row([1], [1, 10]), Row([0, 1], [2, 20]), Row([0, 1], [3, 30]), Row([], [4, 40])]


@ways
def test_in_a_hybrid_game_each_agents_decision_lasts_until_it_is_asked_again(execution):
    trainer = trained(Scripted(HYBRID), 5, execution)
    assert decisions(trainer) == [
        [(0, 1 + 2, 1, 2), (2, 3, 1, 3), (3, 4, 0, 4)],
        [(1, 20, 1, 2), (2, 30, 1, 3), (3, 40, 0, 4)],
    ]
    assert trainer.metrics["player_2_return"] == 100  # all that it was paid, also before it was asked


# Nobody knows whose turn comes next: 0, 0, 2, 0, 1.
ANY_ORDER = [Row([0], [0, 0, 0]), Row([0], [1, 10, 100]), Row([2], [2, 20, 200]), Row([0], [3, 30, 300]),
             Row([1], [4, 40, 400]), Row([], [5, 50, 500])]  # fmt: skip
IN_ANY_ORDER = [
    [(0, 1, 1, 1), (1, 2 + 3, 1, 3), (3, 4 + 5, 0, 5)],
    [(4, 50, 0, 5)],
    [(2, 300 + 400 + 500, 0, 5)],
]


@eager_first
@pytest.mark.parametrize("at_once", [False, True])
def test_the_order_of_play_need_not_be_fixed(at_once, execution):
    environment = Scripted(ANY_ORDER, at_once=at_once, alike=True)
    rounds = 6 if at_once else 3  # in turn a round has three steps, of which some hold the copy
    trainer = trained(environment, rounds, execution)
    assert decisions(trainer) == IN_ANY_ORDER
    assert int(trainer.steps) == 5
    assert check_environment(Scripted(ANY_ORDER, at_once=at_once, alike=True)) == []


@eager_first
def test_a_held_copy_is_observed_by_nobody(execution):
    """An agent that counts what it sees, and one that is paid for seeing: both count rows, not calls."""
    environment = Scripted(ANY_ORDER, at_once=False, alike=True)
    counting = dict(initial_state=0, state_fn=lambda state, time_step, seat: state + 1)
    paid = dict(reward_fn=lambda time_step, seat, state: tf.ones_like(time_step.discount))
    trainer = trained(environment, 3, execution, **counting, **paid)
    seen = [int(agent.internal_state[0]) for agent in trainer.agents]
    assert seen == [7] * 3  # six rows, and the first of the next episode
    assert [trainer.metrics[f"player_{seat + 1}_own_return"] for seat in range(3)] == [5, 5, 5]


# Seat 0 decides at every row, seat 1 at every third one.
PERIODS = [Row([0, 1], [0, 0])] + [Row([0] if i % 3 else [0, 1], [1, 1]) for i in range(1, 7)] + [Row([], [1, 1])]


@eager_first
def test_the_exponent_of_the_discount_counts_an_agents_own_decisions(execution):
    """Reward 1 a row and discount .5 per decision: the slow agent is paid 3 at a time, and .5 is 3 rows away."""
    environment = Scripted(PERIODS)
    trainer = trained(environment, 8, execution)
    fast, slow = decisions(trainer)
    assert fast == [(i, 1, 1, i + 1) for i in range(6)] + [(6, 1, 0, 7)]
    assert slow == [(0, 3, 1, 3), (3, 3, 1, 6), (6, 1, 0, 7)]

    def value(rows, row):  # of a decision, by its definition
        _, reward, discount, after = next(r for r in rows if r[0] == row)
        return reward + (0.5 * discount * value(rows, after) if discount else 0)

    assert value(slow, 0) == 3 + 0.5 * (3 + 0.5 * 1)
    assert value(fast, 0) == sum(0.5**i for i in range(7))


# Independence


def test_permuting_the_seats_permutes_the_results():
    """Two agents, one of whom is paid: whichever seat it has, it learns the same."""
    rows = [Row([0, 1], [0, 0]), Row([0, 1], [1, 0]), Row([], [0.5, 0])]
    swapped = [Row(row.asked, row.reward[::-1]) for row in rows]
    found = []
    for script, order in ((rows, (0, 1)), (swapped, (1, 0))):
        environment = Scripted(script, batch_size=4, alike=True)
        agents = [None, None]
        for number, seat in enumerate(order):  # the agents' names, and so their random numbers, do not change
            agents[seat] = IMAgent(environment, seat=seat, name=f"agent_{number}", **SMALL)
        trainer = Trainer(environment, agents, warmup_rounds=3, execution="eager")
        metrics = trainer.run(8)
        by_name = sorted(agents, key=lambda agent: agent.name)
        weights = [v.numpy() for agent in by_name for v in agent.algorithm._q_network.variables]
        found.append(({name: metrics[name] for name in sorted(metrics)}, weights))
    assert found[0][0] == found[1][0] and found[0][0]["agent_0_return"] == 1.5
    for x, y in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(x, y)


class Showing(Scripted):
    """Shows everybody what seat 0 did last, in place of the row."""

    def __init__(self, rows):
        super().__init__(rows, alike=True)
        self._done = tf.Variable([0], trainable=False)

    def _step(self, action):
        self._done.assign(action[0] + 1)
        return super()._step(action)

    def _current_time_step(self):
        time_step = super()._current_time_step()
        views = tuple(tf.one_hot(self._done, size) for size in self._shapes)
        return time_step._replace(observation=time_step.observation | {"views": views})


def test_simultaneous_moves_hide_each_other():
    """What an agent is shown before it acts is the same, whatever the other one has just chosen."""
    shown = []

    class Watching(IMAgent):
        def act(self, time_step, collect=False):
            shown.append([x.numpy().tolist() for x in tf.nest.flatten(time_step)])
            return super().act(time_step, collect)

    class Always(RandomPlayer):
        def __init__(self, action):
            super().__init__(0)
            self._action = action

        def choose(self, time_step):
            return tf.fill(time_step.step_type.shape, self._action)

    for action in (0, 1):
        environment = Showing([Row([0, 1], [0, 0])] * 3)
        Trainer(environment, [Always(action), Watching(environment, seat=1, **SMALL)], execution="eager").run(2)
    assert shown[0] == shown[2]
    assert shown[1] != shown[3]  # afterwards everybody knows


def test_no_two_agents_share_a_variable_and_zeroing_ones_leaves_the_other_as_it_was():
    environment = Scripted(HYBRID, alike=True)
    one, other = (IMAgent(environment, seat=seat, **SMALL) for seat in (0, 1))
    assert not {v.ref() for v in one.variables} & {v.ref() for v in other.variables}
    before = other.q_values(environment.reset()).numpy()
    for variable in one.algorithm.variables:
        variable.assign(tf.zeros_like(variable))
    np.testing.assert_array_equal(other.q_values(environment.current_time_step()), before)
    assert not one.q_values(environment.current_time_step()).numpy().any()


# Players that do not fit


def agents_of(environment, **settings):
    return [IMAgent(environment, seat=seat, **SMALL | settings) for seat in range(environment.num_seats)]


@pytest.mark.parametrize(
    "players, sentence",
    [
        (lambda e: agents_of(e)[:1], "1 players: the environment has num_seats = 2, and each seat needs one"),
        (lambda e: agents_of(e)[::-1], "players[0], player_2, sits at seat 1: seat 0 is needed"),
        (lambda e: [agents_of(e)[0]] * 2, "players[1], player_1, sits at seat 0: seat 1 is needed"),
        (lambda e: [IMAgent(e, seat=s, name="same", **SMALL) for s in (0, 1)],
         "two agents are called same: give each a name of its own"),
        (lambda e: agents_of(e, batch_size=3), "player_1 has batch_size = 3, and the environment has 1 copies"),
        (lambda e: ["random", "random"], "players[0] is a str: an IMAgent or a Player is needed"),
        (lambda e: agents_of(Scripted(LIVES))[:2], "player_1 was made for another environment: its time steps have "
         "other specs"),
    ],
)  # fmt: skip
def test_players_that_do_not_fit_are_named_at_construction(players, sentence):
    environment = Scripted(HYBRID, alike=True)
    with pytest.raises(ValueError) as error:
        Trainer(environment, players(environment))
    assert str(error.value) == sentence
