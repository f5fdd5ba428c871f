"""Agents that remember: what is remembered when acting is remembered when learning, step by step."""

import numpy as np
import pytest
import tensorflow as tf
from worlds import F, L, M, Row, Scripted

from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import drqn, recurrent_ppo
from imagents.learning.internal_state import parts_of
from imagents.learning.recurrent import Memory, rollouts_of, starts_of, windows_of
from imagents.learning.rollouts import flat
from imagents.seats import take_step, turns
from imagents.settings import DRQN, RecurrentPPO
from imagents.training.loop import Trainer

UNITS = 4
SMALL = dict(recurrent_units=UNITS, hidden_layers=(6,), seed=3)
LIFE = [Row([0], [0]), *[Row([0], [1])] * 3, Row([], [2])]  # four decisions; then another life
# Seat 1 is first asked in the middle of an episode, and decides twice in it.
IN_TURN = [Row([0], [0, 0]), Row([1], [1, 0]), Row([0], [0, 1]), Row([1], [2, 0]), Row([], [0, 3])]


def trainer(environment, algorithm, seats=1, seed=0, **settings) -> Trainer:
    agents = [
        IMAgent(environment, algorithm=algorithm, seat=seat, seed=seed, epsilon=0.5, **settings)
        for seat in range(seats)
    ]
    return Trainer(environment, agents, train_steps_per_round=0, execution="eager")


def asked_to_play(loop: Trainer, rounds: int, note) -> None:
    """Plays rounds by hand; `note(agent, time_step, state)` sees what each agent has before it acts."""
    environment = loop.environment
    for _ in range(rounds):
        for seats in turns(environment):
            def act(seat, time_step):
                note(loop.agents[seat], time_step, loop.agents[seat].internal_state)
                return loop.agents[seat].act(time_step, collect=True)

            before, after, stepped = take_step(environment, seats, act)
            for agent in loop.agents:
                agent.observe(after, before.is_last() | stepped)


def all_of(agent):
    """All decisions that an agent remembers, oldest first: nest `[S, B, ...]`, and which are there."""
    memory = agent.replay_buffer
    are_there = memory._are_there.numpy()
    decisions, _ = memory.take()
    memory._are_there.assign(are_there)
    order = (int(memory._next) + np.arange(memory.max_length)) % memory.max_length
    return decisions, tf.constant(are_there[order])


# The units


def test_the_units_are_keras_gru():
    rng = np.random.default_rng(0)
    views, begin = (rng.normal(size=size).astype(np.float32) for size in ([5, 3, 2], [3, UNITS]))
    memory = Memory(tf.TensorSpec([2], tf.float32), UNITS, seed=1)
    for weight in memory.weights:
        weight.assign(rng.normal(size=weight.shape))
    theirs = tf.keras.layers.GRU(UNITS, return_sequences=True, time_major=True)
    theirs(views)
    theirs.set_weights([memory._kernels[0], memory._recurrent[0], memory._biases[0]])
    flags = tf.constant([[True] * 3] + [[False] * 3] * 4)
    ours = memory.unroll(tf.constant(views), tf.constant(np.stack([begin] * 5)), flags, tf.ones([5, 3], tf.bool))
    np.testing.assert_allclose(ours, theirs(views, initial_state=tf.constant(begin)), atol=1e-6)
    np.testing.assert_allclose(memory(views[0], tf.constant(begin)), ours[0], atol=1e-6)


def test_two_parts_remember_apart():
    memory, spec = Memory(tf.TensorSpec([2], tf.float32), UNITS, parts=2), [2, 2 * UNITS]
    both = memory(tf.ones([2, 2]), tf.ones(spec))
    other = memory(tf.ones([2, 2]), tf.concat([tf.ones([2, UNITS]), tf.zeros([2, UNITS])], axis=1))
    np.testing.assert_array_equal(both[:, :UNITS], other[:, :UNITS])
    assert (both[:, UNITS:].numpy() != other[:, UNITS:].numpy()).any()


def test_where_nothing_is_there_what_is_remembered_stays():
    memory = Memory(tf.TensorSpec([2], tf.float32), UNITS)
    views, stored = tf.random.stateless_normal([4, 1, 2], [1, 2]), tf.fill([4, 1, UNITS], 0.5)
    there = tf.constant([[True], [False], [True], [False]])
    sparse = memory.unroll(views, stored, starts_of(tf.zeros([4, 1], tf.bool), there), there)
    dense = memory.unroll(views[::2], stored[:2], tf.constant([[True], [False]]), tf.ones([2, 1], tf.bool))
    np.testing.assert_allclose(sparse[:, 0], np.repeat(dense[:, 0], 2, axis=0), atol=1e-6)


def test_windows_begin_with_their_first_decision_and_with_a_life():
    there = tf.constant([[False, True], [True, True], [True, False], [True, True]])
    begins = tf.constant([[True, False], [False, False], [False, True], [True, False]])
    assert starts_of(begins, there).numpy().T.tolist() == [[False, True, False, True], [True, False, False, False]]


def test_rollouts_are_cut_into_windows_and_put_together_again():
    x = tf.reshape(tf.range(24), [6, 2, 2])  # six decisions in two copies
    windows = windows_of(x, 3)
    assert windows[:, 1, 0].numpy().tolist() == [2, 6, 10]  # of copy 1, the first three
    assert windows[:, 2, 0].numpy().tolist() == [12, 16, 20]  # of copy 0, the next three
    np.testing.assert_array_equal(rollouts_of(windows, 2), x)


# Acting and learning


@pytest.mark.parametrize("rows, seat", [(LIFE, 0), (IN_TURN, 1)], ids=["alone", "second in turn"])
def test_q_of_a_stored_sequence_is_what_it_was_when_acted(rows, seat):
    """Over the border of two episodes, from the middle of the first on."""
    environment = Scripted(rows, batch_size=2, alike=True, at_once=False)
    loop, acted = trainer(environment, drqn(**SMALL, window_length=5), len(rows[0].reward), replay_length=12), []

    def note(agent, time_step, state):
        if agent.seat == seat and time_step.observation["acts"][0, seat]:
            acted.append(agent.q_values(time_step, state).numpy())

    asked_to_play(loop, 7, note)
    agent = loop.agents[seat]
    decisions, there = all_of(agent)
    count = int(tf.reduce_sum(tf.cast(there[:, 0], tf.int32)))
    skipped = tf.argmax(there[:, 0]) + 1  # so that the window does not begin with a life
    views, stored, begins, there = tf.nest.map_structure(
        lambda x: x[skipped:], (decisions.view, decisions.memory, decisions.begins, there)
    )
    network = agent.algorithm._q_network
    seen = network.memory.unroll(views, stored, starts_of(begins, there), there)
    found = tf.reshape(network.values(flat(seen))[0], [*there.shape, 2])[there[:, 0]]
    assert float(tf.reduce_max(tf.abs(stored[0]))) > 0 and int(tf.reduce_sum(tf.cast(begins[:, 0], tf.int32))) >= 1
    np.testing.assert_allclose(found, acted[1:count], atol=1e-6)


def test_what_is_remembered_moves_where_the_agent_acts_alone_and_is_empty_when_a_life_begins():
    environment = Scripted(IN_TURN, alike=True, at_once=False)
    loop, seen = trainer(environment, drqn(**SMALL, window_length=2), 2, replay_length=8), []

    def note(agent, time_step, state):
        if agent.seat == 1:
            asked = bool(time_step.observation["acts"][0, 1])
            seen.append((int(time_step.step_type[0]), asked, parts_of(state)[1].numpy()[0]))

    asked_to_play(loop, 7, note)
    kinds = [(kind, asked) for kind, asked, _ in seen]
    assert (M, True) in kinds and (F, True) not in kinds  # what the agent begins with is no FIRST of the environment
    before = None
    for kind, asked, memory in seen:
        if kind in (F, L):
            assert not memory.any()
        elif before is not None:
            assert (memory == before[1]).all() != before[0]  # it moved where the agent was asked, and nowhere else
        before = asked, memory
    assert any(memory.any() for *_, memory in seen)


def test_the_target_network_remembers_the_whole_window():
    """Against targets computed decision by decision, with other weights in the target network."""
    environment = Scripted(LIFE, alike=True)
    gamma, length = 0.9, 6
    loop = trainer(environment, drqn(**SMALL, window_length=length, discount=gamma, loss="squared"), replay_length=9)
    asked_to_play(loop, 11, lambda *_: None)
    algorithm = loop.agents[0].algorithm
    for variable in algorithm._target_q_network.variables:
        variable.assign(variable + 0.3)
    decisions, there = tf.nest.map_structure(lambda x: x[-length:], all_of(loop.agents[0]))
    info = algorithm._loss(decisions, algorithm._td_errors_loss_fn, gamma, weights=there)
    errors, states = [], {}
    for t in range(length):
        row = tf.nest.map_structure(lambda x: x[t], decisions)  # noqa: B023
        q = {}
        for name, network in (("online", algorithm._q_network), ("target", algorithm._target_q_network)):
            state = row.memory if t == 0 or row.begins[0] else states[name]
            now, states[name] = network(row.view, network_state=state)
            q[name] = now[0], network(row.next_view, network_state=states[name])[0][0]
        following = q["target"][1][int(tf.argmax(q["online"][1]))]
        errors.append(row.reward[0] + gamma * row.discount[0] * following - q["online"][0][int(row.action[0])])
    assert not decisions.begins[0, 0] and tf.reduce_any(decisions.begins)
    np.testing.assert_allclose(info.extra.td_error, errors, atol=1e-5)
    assert float(info.loss) == pytest.approx(np.mean(np.square(errors)), rel=1e-5)


def test_decisions_that_are_not_there_teach_drqn_nothing():
    environment = Scripted(LIFE, alike=True)
    loop = trainer(environment, drqn(**SMALL, window_length=4), replay_length=6)
    asked_to_play(loop, 7, lambda *_: None)
    algorithm = loop.agents[0].algorithm
    decisions, _ = tf.nest.map_structure(lambda x: x[-4:], all_of(loop.agents[0]))
    there = tf.constant([[True], [False], [True], [False]])
    few = tf.nest.map_structure(lambda x: x[::2], decisions)
    wild = decisions._replace(reward=tf.where(there, decisions.reward, 1e6))
    losses = [algorithm._loss(x, algorithm._td_errors_loss_fn, 1.0, weights=y).loss
              for x, y in ((few, tf.ones([2, 1], tf.bool)), (wild, there))]  # fmt: skip
    assert float(losses[0]) == pytest.approx(float(losses[1]), rel=1e-5)


PPO = dict(recurrent_units=UNITS, rollout_length=6, window_length=3, epochs=1, minibatches=1, clip=1e-5)


@pytest.mark.parametrize("stored", [True, False], ids=["from what was stored", "from nothing"])
def test_before_the_first_step_no_ratio_differs_from_1_in_windows_that_begin_within_a_life(stored):
    loop = trainer(Scripted(LIFE, batch_size=2, alike=True), recurrent_ppo(**PPO))
    agent = loop.agents[0]
    asked_to_play(loop, 6, lambda *_: None)
    decisions, there = agent.replay_buffer.take()
    if not stored:
        decisions = decisions._replace(memory=tf.zeros_like(decisions.memory))
    clipped = float(agent.algorithm.train(decisions, weights=there).extra["clip_fraction"])
    assert (clipped == 0) == stored


def test_in_later_lessons_no_ratio_but_that_of_the_open_decision_does():
    endless = [Row([0], [0, 0]), *[Row([1], [1, 0]), Row([0], [0, 1])] * 9, Row([], [0, 0])]
    environment = Scripted(endless, alike=True, at_once=False)
    loop = trainer(environment, recurrent_ppo(**PPO | dict(window_length=6, learning_rate=0.1)), 2)
    agent = loop.agents[1]
    for expected in (0, 1 / 4):
        asked_to_play(loop, 4, lambda *_: None)
        decisions, there = agent.replay_buffer.take()
        info = agent.algorithm.train(decisions, weights=there)
        assert float(info.extra["clip_fraction"]) == pytest.approx(expected)


def test_gaps_change_no_advantage():
    """Of the same life in another number of slots."""
    loop = trainer(Scripted(LIFE, alike=True), recurrent_ppo(**PPO))
    asked_to_play(loop, 6, lambda *_: None)
    decisions, there = tf.nest.map_structure(lambda x: x[-3:], all_of(loop.agents[0]))
    order, algorithm = [0, 0, 1, 1, 2, 2], loop.agents[0].algorithm
    sparse = tf.nest.map_structure(lambda x: tf.gather(x, order), decisions)
    dense = flat(algorithm._judged(decisions, there))
    found = rollouts_of(algorithm._judged(sparse, tf.constant([[True], [False]] * 3)), 1)
    for name in ("advantage", "return"):
        np.testing.assert_allclose(found[name][::2, 0], dense[name], rtol=1e-5)


def test_minibatches_are_of_whole_windows():
    loop = trainer(Scripted(LIFE, batch_size=2, alike=True), recurrent_ppo(**PPO | dict(minibatches=2)))
    agent, seen = loop.agents[0], []
    real = agent.algorithm._step

    def step(rows, counts):
        seen.append(rows["memory"].numpy()[counts.numpy() > 0].round(5).tolist())
        return real(rows, counts)

    agent.algorithm._step = step
    asked_to_play(loop, 7, lambda *_: None)
    decisions, there = agent.replay_buffer.take()
    agent.algorithm.train(decisions, weights=there)
    assert [len(part) for part in seen] == [6, 6]
    expected = decisions.memory.numpy()[there.numpy()].round(5).tolist()
    assert sorted(seen[0] + seen[1]) == sorted(expected)


# Refused, in one sentence


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: RecurrentPPO(rollout_length=40), "rollout_length = 40: a multiple of window_length = 32 is needed"),
        (lambda: DRQN(replay_length=8), "replay_length = 8: it has room for a window_length = 16"),
        (lambda: DRQN(recurrent_units=0), "recurrent_units = 0: at least 1 is needed"),
        (lambda: Memory(tf.TensorSpec([2], tf.float32), 10**7), "recurrent_units = 10000000.*memory"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


# Learning


class Cued(Scripted):
    """A cue, shown once, says which action pays two steps later."""

    def __init__(self, batch_size: int):
        super().__init__([Row([0], [0]), Row([0], [0]), Row([0], [0]), Row([], [0])], batch_size, alike=True)
        self._cue, self._earned = (tf.Variable(tf.zeros([batch_size], tf.int32), trainable=False) for _ in range(2))

    def _step(self, action):
        time_step = super()._step(action)
        self._cue.assign(tf.where(time_step.is_first(), (self._cue + tf.range(self.batch_size) + 1) % 2, self._cue))
        self._earned.assign(tf.cast(time_step.is_last() & (action[0] == self._cue), tf.int32))
        return self._current_time_step()

    def _current_time_step(self):
        time_step = super()._current_time_step()
        cue = tf.where(time_step.is_first()[:, tf.newaxis], tf.one_hot(self._cue, 4), 0.0)
        reward = tf.cast(self._earned, tf.float32)[:, tf.newaxis]
        return time_step._replace(observation=time_step.observation | {"views": (cue,)}, reward=reward)


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["graph", "xla"])
@pytest.mark.parametrize("name", ["drqn", "recurrent_ppo"])
def test_what_was_seen_before_is_made_use_of(name, execution):
    environment, shared = Cued(16), dict(recurrent_units=8, hidden_layers=(16,), seed=1)
    if name == "drqn":
        settings = dict(algorithm=drqn(**shared, window_length=6), replay_length=60, sample_batch_size=192, epsilon=0.2)
    else:
        settings = dict(algorithm=recurrent_ppo(**shared, rollout_length=12, window_length=6, learning_rate=0.01))
    loop = Trainer(environment, [IMAgent(environment, **settings)], execution=execution)
    for _ in range(12):
        paid = loop.run(40)["player_1_return"]
    assert paid > 0.8  # without a memory 0.5
