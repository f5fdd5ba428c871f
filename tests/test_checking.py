"""`check_environment` finds what does not keep to the contract of seats, and finds nothing where all is well."""

import numpy as np
import pytest
import strangers
import tensorflow as tf
from tf_agents.environments import batched_py_environment, py_environment, tf_py_environment, wrappers
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts
from worlds import F, L, M, Row, Scripted

from imagents.checking import check_environment
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE

ROWS = [Row([0, 1], [0, 0]), Row([0, 1], [1, 0]), Row([0], [1, 0]), Row([], [1, 2])]


TWICE = [Row([0], [0, 0]), Row([0], [1, 0]), Row([1], [1, 0]), Row([], [1, 2])]  # in turn, seat 1 is passed over once


class Walk(py_environment.PyEnvironment):
    """Steps from 0 on; at 4 it ends."""

    def __init__(self):
        super().__init__(handle_auto_reset=True)
        self._place = np.zeros([1], np.float32)

    def observation_spec(self):
        return array_spec.BoundedArraySpec([1], np.float32, 0.0, 4.0, name="place")

    def action_spec(self):
        return array_spec.BoundedArraySpec([], np.int32, 0, 1)

    def seed(self, seed):
        self._random = np.random.default_rng(seed)

    def shown(self):
        return self._place.copy()

    def _reset(self):
        self._place[:] = 0
        return ts.restart(self.shown())

    def _step(self, action):
        self._place += 1
        if self._place[0] >= 4:
            return ts.termination(self.shown(), 1.0)
        return ts.transition(self.shown(), 0.0)


def sentences(environment, **arguments) -> list[str]:
    found = check_environment(environment, **arguments)
    getattr(environment, "close", lambda: None)()
    assert all(sentence and "\n" not in sentence for sentence in found)
    return found


@pytest.mark.parametrize(
    "environment",
    [
        lambda: BoardGameEnvironment(TIC_TAC_TOE, 3),
        lambda: lambda copies, seed: BoardGameEnvironment(CONNECT_FOUR, copies, opening_plies=4, seed=seed),
        lambda: Scripted(ROWS, batch_size=2),
        lambda: Scripted(ROWS, batch_size=2, discounts=[0.0, 1.0]),
        lambda: tf_py_environment.TFPyEnvironment(Walk()),
        lambda: tf_py_environment.TFPyEnvironment(wrappers.TimeLimit(Walk(), duration=3)),
        lambda: tf_py_environment.TFPyEnvironment(batched_py_environment.BatchedPyEnvironment([Walk(), Walk()])),
    ],
    ids=["tic-tac-toe", "connect four by a function", "scripted", "cut off", "a PyEnvironment", "with a limit",
         "a batch of PyEnvironments"],
)  # fmt: skip
def test_a_sound_environment_is_sound(environment):
    assert sentences(environment()) == []


class Spoiled(Scripted):
    """The script, but each time step goes through a function first."""

    def __init__(self, spoil, rows=ROWS, **arguments):
        super().__init__(rows, **arguments)
        self._spoil = spoil

    def _current_time_step(self):
        return self._spoil(super()._current_time_step())


def changed(time_step, **observation):
    return time_step._replace(observation=time_step.observation | observation)


class WithMask(Spoiled):
    """Legal moves for both seats, as a function of the number of copies says."""

    def __init__(self, masks, width=2):
        super().__init__(lambda time_step: changed(time_step, legal_moves=masks(time_step)), alike=True)
        spec = self._time_step_spec
        own = {"legal_moves": tuple(tf.TensorSpec([width], tf.bool) for _ in range(2))}
        self._time_step_spec = spec._replace(observation=spec.observation | own)


class OneReward(Scripted):
    def __init__(self):
        super().__init__(ROWS)
        self._time_step_spec = self._time_step_spec._replace(reward=tf.TensorSpec([], tf.float32, "reward"))


def at_the_end(time_step, then, otherwise):
    return tf.where(time_step.is_last()[:, tf.newaxis], then, otherwise)


def masks_end_empty(time_step):
    legal = at_the_end(time_step, False, tf.ones([1, 2], tf.bool))
    return legal, legal


SCRIPTS = {  # with lives: seat 1 dies at row 1
    "paid": ([Row([0, 1], [0, 0], [F, F], [1, 1]), Row([0], [0, 1], [M, L], [1, 0]), Row([0], [0, 5], [M, L], [1, 0]),
              Row([], [1, 0], [L, L], [0, 0])], "seat 1 was paid after its LAST and before its next FIRST"),
    "asked": ([Row([0, 1], [0, 0], [F, F], [1, 1]), Row([0], [0, 1], [M, L], [1, 0]),
               Row([0, 1], [0, 0], [M, L], [1, 0]), Row([], [1, 0], [L, L], [0, 0])],
              "seat 1 was asked after its LAST and before its next FIRST"),
    "still first": ([Row([0, 1], [0, 0], [F, F], [1, 1]), Row([0, 1], [0, 1], [M, F], [1, 1]),
                     Row([], [1, 0], [L, L], [0, 0])], "seat 1 has acted, and its step type is FIRST still"),
    "alive": ([Row([0, 1], [0, 0], [F, F], [1, 1]), Row([0, 1], [0, 1], [M, M], [1, 1]),
               Row([], [1, 0], [L, M], [0, 1])],
              "the episode is at its LAST, and the life of seat 1, who has acted, is not"),
    "risen": ([Row([0, 1], [0, 0], [F, F], [1, 1]), Row([0], [0, 1], [M, L], [1, 0]),
               Row([0, 1], [0, 0], [M, M], [1, 1]), Row([], [1, 0], [L, L], [0, 0])],
              "seat 1 goes on after its LAST without a FIRST"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SCRIPTS)
def test_what_is_wrong_with_a_life_is_named(kind):
    script, sentence = SCRIPTS[kind]
    assert sentence in sentences(Scripted(script))


@pytest.mark.parametrize(
    "environment, sentence",
    [
        (lambda: OneReward(), "a copy's reward has shape (): (2,) is needed, an entry per seat"),
        (lambda: Spoiled(lambda step: step._replace(reward=step.reward[:, :1])),
         "reward of a time step is float32 (1, 1): float32 (1, 2) is needed"),
        (lambda: Spoiled(lambda step: step._replace(reward=step.reward / 0.0)),
         "a reward or a discount is infinite or NaN"),
        (lambda: Spoiled(lambda step: step._replace(discount=2 * step.discount)),
         "discount of a time step left its bounds, 0.0 to 1.0"),
        (lambda: Spoiled(lambda step: changed(step, acts=step.observation["acts"][:, :1])),
         "a tensor of a time step is bool (1, 1): bool (1, 2) is needed"),
        (lambda: WithMask(lambda step: (tf.ones([1, 3], tf.bool),) * 2, width=3),
         "legal_moves of seat 0 is bool (3,) in one copy: bool (2,) is needed, true where legal"),
        (lambda: WithMask(lambda step: (tf.zeros([1, 2], tf.bool), tf.ones([1, 2], tf.bool))),
         "seat 0 is asked and has no legal move"),
        (lambda: Spoiled(lambda step: changed(step, acts=tf.zeros([1, 2], tf.bool)), alike=True, at_once=False),
         "nobody is asked in a running copy: where seats act in turn it would wait for ever"),
        (lambda: Spoiled(lambda step: step._replace(reward=step.reward + 1.0), TWICE, alike=True, at_once=False),
         "a copy went on although its action was PASS (-1): it has to answer with the same time step, reward 0 and "
         "discount 1"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_named(environment, sentence):
    assert sentence in sentences(environment())


def test_a_cut_off_where_nothing_is_legal_is_named():
    environment = WithMask(masks_end_empty)
    environment._end = tf.ones([1])
    assert "seat 0 was cut off, with discount 1, where no move is legal: what comes after cannot be worth anything" in (
        sentences(environment)
    )
    assert sentences(WithMask(masks_end_empty)) == []  # at an end nobody minds


class OnlyBatch(Walk):
    """Two walks in one PyEnvironment, as a batched one, which stays at its end."""

    def __init__(self):
        py_environment.PyEnvironment.__init__(self)
        self._place = np.zeros([2, 1], np.float32)

    @property
    def batched(self):
        return True

    @property
    def batch_size(self):
        return 2

    def _reset(self):
        self._place[:] = 0
        return ts.restart(self.shown(), 2)

    def _step(self, action):
        self._place = np.minimum(self._place + 1, 4)
        last = self._place[:, 0] >= 4
        step_type = np.where(last, L, M).astype(np.int32)
        return ts.TimeStep(step_type, np.ones(2, np.float32), 1 - last.astype(np.float32), self.shown())


def test_an_environment_that_stays_at_its_end_is_named():
    [sentence] = sentences(tf_py_environment.TFPyEnvironment(OnlyBatch()))
    assert sentence.startswith("LAST follows LAST: the step after a copy's LAST has to begin its next episode")


class Ends(wrappers.PyEnvironmentBaseWrapper):
    """Tells a limit as an end, as environments do that know but one kind of `done`."""

    def _step(self, action):
        step = super()._step(action)
        return step._replace(discount=np.float32(0.0)) if step.is_last() else step


@pytest.mark.parametrize("limit", [1, 3])
def test_a_known_limit_that_is_told_as_an_end_is_named(limit):
    environment = Ends(wrappers.TimeLimit(wrappers.TimeLimit(Walk(), duration=limit), duration=8))  # the tightest one
    assert sentences(tf_py_environment.TFPyEnvironment(environment)) == [
        f"the limit of {limit} steps is reported as an end, with discount 0: a cut-off keeps discount 1"
    ]


class Shows(Walk):
    """Returns the very array that it counts in."""

    def shown(self):
        return self._place


def test_an_observation_that_aliases_the_state_is_named():
    [sentence] = sentences(tf_py_environment.TFPyEnvironment(Shows()))
    assert sentence == "an observation changed after it was returned: it has to be a copy of the state"


class Dice(Walk):
    """Draws from where its seed does not reach."""

    def shown(self):
        return np.random.random([1]).astype(np.float32)


class Fair(Walk):
    def shown(self):
        return self._random.random([1]).astype(np.float32)


def test_a_seed_that_does_not_govern_is_named():
    fair = Fair()
    fair.seed(0)
    assert sentences(tf_py_environment.TFPyEnvironment(fair)) == []
    [sentence] = sentences(tf_py_environment.TFPyEnvironment(Dice()))
    assert sentence == "the same seed and the same actions gave other episodes: something is drawn elsewhere"
    assert sentences(lambda copies, seed: tf_py_environment.TFPyEnvironment(Dice())) == [sentence]


def test_what_follows_from_the_actions_is_no_chance():
    """The same actions are drawn again, whatever was drawn before."""
    environments = strangers.batched, strangers.kept
    assert [sentences(make) for make in environments] == [[], []]


def test_that_no_episode_ends_is_a_remark():
    class Endless(Walk):
        def _step(self, action):
            return ts.transition(self.shown(), 0.0)

    endless = tf_py_environment.TFPyEnvironment(Endless())
    with pytest.warns(UserWarning, match="no episode ended within 7 rounds of random play"):
        assert sentences(endless, max_steps=7) == []


def test_something_else_is_refused():
    with pytest.raises(ValueError, match="is a Walk: a TFEnvironment is needed; a PyEnvironment becomes one by"):
        check_environment(Walk())
