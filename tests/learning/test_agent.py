"""An `IMAgent` learns from its own decisions, through its own eyes."""

import numpy as np
import pytest
import tensorflow as tf
from oracle import read_boards
from tf_agents.agents.dqn import dqn_agent
from tf_agents.environments import py_environment, tf_py_environment
from tf_agents.networks import q_network
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.environment import BoardGameEnvironment, time_step_at
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.learning.agent import IMAgent
from imagents.learning.algorithms import categorical_dqn, dqn, split_observation
from imagents.learning.decisions import Decision, as_experience
from imagents.learning.perspective import own_reward, own_stones
from imagents.motivation.counts import Counts, EpisodicCounts
from imagents.players.base import RandomPlayer
from imagents.seats import PASS
from imagents.training.loop import Trainer


def make_agents(environment, **settings):
    specs = environment.time_step_spec(), environment.action_spec()
    return [IMAgent(*specs, batch_size=environment.batch_size, seat=seat, **settings) for seat in (0, 1)]


def play(environment, agents, moves):
    """Plays cells in turn, whoever begins; the agents act, but these moves are what they choose."""
    time_step = environment.reset()
    for agent in agents:
        agent.observe(time_step)
    for move in moves:
        mover = agents[int(time_step.observation["seat"][0])]
        mover.exploration.policy = Chooses(mover.exploration.policy, move)
        action = mover.act(time_step, collect=True)
        time_step = environment.step(action)
        for agent in agents:
            agent.observe(time_step)
    return time_step


class Chooses:
    """A policy that chooses one given action."""

    def __init__(self, policy, action):
        self._policy, self._action = getattr(policy, "_policy", policy), action
        self.time_step_spec = policy.time_step_spec

    def action(self, time_step, state):
        step = self._policy.action(time_step, state)
        return step._replace(action=tf.fill(step.action.shape, self._action))


def decisions(agent) -> Decision:
    return tf.nest.map_structure(lambda x: x.numpy(), agent.replay_buffer.gather_all())


# X begins and wins with its third stone:   X X X
#                                           O O .
#                                           . . .
X_WINS = [0, 3, 1, 4, 2]


def decisions_when_x_wins() -> list[Decision]:
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    agents = make_agents(environment)
    play(environment, agents, X_WINS)
    return list(map(decisions, agents))


def test_each_decision_runs_to_the_next_one_of_the_same_agent():
    x, o = decisions_when_x_wins()
    assert x.action.tolist() == [0, 1, 2]
    assert o.action.tolist() == [3, 4]
    np.testing.assert_array_equal(x.next_view[:-1], x.view[1:])
    # X's second view: its stone in the corner, O's in the cell below.
    assert np.argwhere(x.view[1]).tolist() == [[0, 0, 0], [1, 1, 0]]
    assert x.legal_moves[1].tolist() == [False, True, True, False] + [True] * 5


def test_the_losers_last_decision_carries_the_loss_that_the_opponents_move_caused():
    winner, loser = decisions_when_x_wins()
    assert winner.reward.tolist() == [0, 0, 1]
    assert loser.reward.tolist() == [0, -1]


def test_the_discount_is_zero_at_the_end_of_a_game_and_only_there():
    x, o = decisions_when_x_wins()
    assert x.discount.tolist() == [1, 1, 0]
    assert o.discount.tolist() == [1, 0]


def test_an_illegal_move_costs_its_maker_and_nobody_else():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_1")
    agents = make_agents(environment)
    play(environment, agents, [4, 4])  # seat 1 takes the centre, seat 0 tries to take it too
    assert decisions(agents[0]).reward.tolist() == [-5]
    assert decisions(agents[1]).reward.tolist() == [0]
    assert decisions(agents[1]).discount.tolist() == [0]


def play_random_games(num_rounds=60, batch_size=16, **settings):
    environment = BoardGameEnvironment(TIC_TAC_TOE, batch_size)
    agents = make_agents(environment, epsilon=1.0, replay_length=1000, **settings)
    time_step = environment.reset()
    for agent in agents:
        agent.observe(time_step)
    ended = tf.zeros([3], tf.int64)
    for _ in range(num_rounds):
        for player in agents:
            time_step = environment.step(player.act(time_step, collect=True))
            for agent in agents:
                agent.observe(time_step)
            ended += tf.reduce_sum(tf.cast(environment.outcome()[:, None] == [0, 1, 2], tf.int64), axis=0)
    return agents, ended.numpy()


def test_random_games_leave_as_many_wins_as_losses_in_the_two_buffers():
    (first, second), (seat_0_wins, seat_1_wins, draws) = play_random_games()
    assert min(seat_0_wins, seat_1_wins, draws) > 5
    for agent, wins, losses in ((first, seat_0_wins, seat_1_wins), (second, seat_1_wins, seat_0_wins)):
        rewards = decisions(agent).reward
        assert (rewards == 1).sum() == wins
        assert (rewards == -1).sum() == losses
        assert (decisions(agent).discount == 0).sum() == wins + losses + draws


def test_no_decision_reaches_into_the_next_game():
    agents, _ = play_random_games()
    for agent in agents:
        d = decisions(agent)
        stones, next_stones = d.view.sum(axis=(1, 2, 3)), d.next_view.sum(axis=(1, 2, 3))
        goes_on = d.discount == 1
        # Between two decisions exactly two stones are placed: one's own and the answer.
        assert (next_stones[goes_on] == stones[goes_on] + 2).all()
        assert (next_stones[~goes_on] <= stones[~goes_on] + 2).all()
        assert (next_stones > stones).all()
        assert d.legal_moves[np.arange(len(d.action)), d.action].all()


def test_a_game_broken_off_by_a_reset_leaves_no_decision_behind():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    agents = make_agents(environment)
    play(environment, agents, [0, 3, 1])
    for agent in agents:
        agent.reset()
    play(environment, agents, X_WINS)
    # X's cell 1 of the game broken off was still open.
    assert decisions(agents[0]).action.tolist() == [0] + [0, 1, 2]
    assert decisions(agents[1]).action.tolist() == [3] + [3, 4]
    assert decisions(agents[0]).reward.tolist() == [0, 0, 0, 1]


def with_constant_q_values(q_values):
    """An algorithm whose networks answer `q_values` everywhere."""

    def build(time_step_spec, action_spec):
        agent = dqn(hidden_layers=())(time_step_spec, action_spec)
        for network in (agent._q_network, agent._target_q_network):
            kernel, bias = network.variables
            kernel.assign(tf.zeros_like(kernel))
            bias.assign(tf.constant(q_values, tf.float32))
        agent.initialize = lambda: None  # which would copy the one network to the other
        return agent

    return build


def td_targets(agent, decision: Decision, sees_moves=True) -> np.ndarray:
    """What the algorithm's networks are trained towards, for a batch of decisions."""
    _, _, next_time_step = agent.algorithm._as_transition(as_experience(decision, sees_moves))
    next_q_values = agent.algorithm._compute_next_q_values(next_time_step, ())
    return (next_time_step.reward + next_time_step.discount * next_q_values).numpy()


@pytest.mark.parametrize("double", [False, True])
def test_the_target_of_a_winning_move_is_its_reward_whatever_the_network_says(double):
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    agents = make_agents(environment, algorithm=with_constant_q_values([10.0] * 9))
    play(environment, agents, X_WINS)
    x, o = (agent.replay_buffer.gather_all() for agent in agents)
    np.testing.assert_allclose(td_targets(agents[0], x), [10, 10, 1])
    np.testing.assert_allclose(td_targets(agents[1], o), [10, -1])


def test_a_huge_value_of_an_illegal_next_move_does_not_enter_the_target():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    # Cell 0 is worth 1000, but X has taken it before its second decision; cell 8 is the best that is left.
    q_values = [1000.0, 0, 0, 0, 0, 0, 0, 0, 0.5]
    agents = make_agents(environment, algorithm=with_constant_q_values(q_values))
    play(environment, agents, X_WINS)
    np.testing.assert_allclose(td_targets(agents[0], agents[0].replay_buffer.gather_all()), [0.5, 0.5, 1])


def test_greedy_play_takes_the_best_legal_move():
    environment = BoardGameEnvironment(TIC_TAC_TOE)
    agent, _ = make_agents(environment, algorithm=with_constant_q_values([9.0, 8, 7, 6, 5, 4, 3, 2, 1]))
    time_step = time_step_at(TIC_TAC_TOE, read_boards("XO. ... ..."), seat=0)
    assert agent.act(time_step).numpy().tolist() == [2]
    q_values = agent.q_values(time_step).numpy()
    np.testing.assert_array_equal(q_values, [[np.nan, np.nan, 7, 6, 5, 4, 3, 2, 1]])


def test_an_agent_passes_when_it_is_not_its_turn():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_1")
    agents = make_agents(environment)
    time_step = environment.reset()
    assert agents[0].act(time_step, collect=True).numpy().tolist() == [PASS]
    assert agents[1].act(time_step).numpy()[0] in range(9)
    assert agents[0].replay_buffer.num_frames() == 0


def test_acting_greedily_opens_no_decision():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    agents = make_agents(environment)
    time_step = environment.reset()
    while not time_step.is_last()[0]:
        for agent in agents:
            time_step = environment.step(agent.act(time_step))
            if time_step.is_last()[0]:
                break
    for agent in agents:
        agent.observe(time_step)
        assert agent.replay_buffer.num_frames() == 0


def test_the_episode_return_is_the_agents_own_reward_in_the_current_game():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    agents = make_agents(environment)
    play(environment, agents, X_WINS)
    assert [agent.episode_return().numpy().tolist() for agent in agents] == [[1], [-1]]
    for agent in agents:
        agent.observe(environment.reset())
        assert agent.episode_return().numpy().tolist() == [0]


# Worked example: an agent that sleeps. It is awake on two time steps of three, and blind on the third.
def drowsy(environment, **settings):
    def observation_fn(observation, seat, state):
        awake = tf.cast(state["awake"], tf.int32)[:, tf.newaxis, tf.newaxis]
        return own_stones({"board": observation["board"] * awake}, seat, state)

    def state_fn(state, time_step, seat):
        clock = (state["clock"] + 1) % 3
        return {"clock": clock, "awake": clock != 0}

    return make_agents(
        environment,
        observation_fn=observation_fn,
        initial_state={"clock": 0, "awake": True},
        state_fn=state_fn,
        **settings,
    )


def test_an_agent_that_sleeps_sees_nothing_while_it_sleeps():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    agents = drowsy(environment)
    play(environment, agents, X_WINS)
    # Time steps 1 (start) to 6 (end); asleep at 3 and 6. X decides at 1, 3, 5.
    seen = decisions(agents[0]).view.any(axis=(1, 2, 3))
    assert seen.tolist() == [False, False, True]  # an empty board, asleep, awake
    assert agents[0].internal_state["clock"].numpy().tolist() == [0]


def test_the_internal_state_stands_still_while_a_game_waits_for_its_first_mover():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_1")
    agents = drowsy(environment)
    time_step = environment.reset()
    agents[0].observe(time_step)
    time_step = environment.step([PASS])
    agents[0].observe(time_step)
    assert agents[0].internal_state["clock"].numpy().tolist() == [1]


def test_an_agent_takes_in_that_a_game_has_begun_as_if_it_had_been_a_step():
    """Of two games the first ends at once, by an illegal move; the agents are paid for what they have not done yet."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 2, first_mover="seat_0")
    settings = dict(initial_state=0, state_fn=lambda state, time_step, seat: state + 1, seed=3)
    settings |= dict(motivations=[(EpisodicCounts, 0.5), (Counts, 0.1)])
    agents = [make_agents(environment, **settings)[0] for _ in range(2)]

    def all_observe(time_step, *moved):
        for agent in agents:
            agent.observe(time_step, *moved)

    all_observe(environment.reset())
    for agent in agents:
        agent.act(environment.current_time_step(), collect=True)
    all_observe(environment.step([9, 4]))
    assert agents[0].replay_buffer.num_frames() == 1
    began = environment.begin_next(0)
    first = environment.current_time_step()
    agents[0].observe(first, began)
    agents[1].begin(first, began)
    assert agents[1].internal_state.numpy().tolist() == [3, 2]
    assert agents[1].episode_return().numpy()[0] == 0
    for x, y in zip(agents[0].variables, agents[1].variables, strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_policy_is_in_the_internal_state_in_which_the_agent_acts():
    """Both have taken in the time step that they answer."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    agent, _ = make_agents(
        environment,
        initial_state=0,
        state_fn=lambda state, time_step, seat: state + 1,
        action_fn=lambda action, seat, state: 0 * action + state,
    )
    time_step, policy_state = environment.reset(), agent.policy.get_initial_state(1)
    for expected in (1, 2):
        agent.observe(time_step)
        step = agent.policy.action(time_step, policy_state)
        policy_state = step.state
        assert agent.act(time_step).numpy() == step.action.numpy() == [expected]
        time_step = time_step._replace(step_type=tf.constant([1]))


def test_reset_returns_to_the_initial_internal_state():
    environment = BoardGameEnvironment(TIC_TAC_TOE)
    agent, _ = drowsy(environment)
    agent.observe(environment.reset())
    agent.reset()
    assert agent.internal_state["clock"].numpy().tolist() == [0]


# Worked example: an agent that prefers long games. Every ply of its game pays a little.
def likes_long_games(time_step, seat, state):
    return own_reward(time_step, seat, state) + 0.01


def test_an_agent_that_prefers_long_games_is_paid_for_every_ply():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    agents = make_agents(environment, reward_fn=likes_long_games)
    play(environment, agents, X_WINS)
    np.testing.assert_allclose(decisions(agents[0]).reward, [0.02, 0.02, 1.01], rtol=1e-6)
    np.testing.assert_allclose(decisions(agents[1]).reward, [0.02, -0.98], rtol=1e-6)
    np.testing.assert_allclose(agents[0].episode_return(), [1.05], rtol=1e-6)


def test_an_action_transform_changes_what_the_environment_gets_but_not_what_is_learned():
    environment = BoardGameEnvironment(CONNECT_FOUR, first_mover="seat_0")
    mirror = make_agents(environment, action_fn=lambda action, seat, state: 6 - action)
    play(environment, mirror, [0, 1])
    np.testing.assert_array_equal(environment.current_time_step().observation["board"][0, -1], [0] * 5 + [2, 1])
    assert decisions(mirror[0]).action.tolist() == [0]


@pytest.mark.parametrize(
    "algorithm", [pytest.param(dqn(), marks=pytest.mark.slow), dqn(double=True), categorical_dqn()],
    ids=["dqn", "double_dqn", "c51"],
)  # fmt: skip
def test_every_agent_of_the_dqn_family_learns_to_take_a_win(algorithm):
    """After some thousand games against an opponent that moves at random."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 256)
    agent = make_agents(environment, algorithm=algorithm, epsilon=0.5, sample_batch_size=256)[0]
    metrics = Trainer(environment, [agent, RandomPlayer(seat=1)]).run(600)
    assert np.isfinite(metrics["player_1_loss"])
    boards = read_boards("XX. OO. ...", "XO. XO. ...", "XOO .X. ...")
    q_values = agent.q_values(time_step_at(TIC_TAC_TOE, boards, 0)).numpy()
    assert np.nanargmax(q_values, axis=1).tolist() == [2, 6, 8]
    np.testing.assert_allclose(np.nanmax(q_values, axis=1), [1, 1, 1], atol=0.35)


def test_any_tf_agents_agent_built_on_the_agents_own_specs_can_be_given():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")

    def build(time_step_spec, action_spec):
        return dqn_agent.DqnAgent(
            time_step_spec,
            action_spec,
            q_network=q_network.QNetwork(
                time_step_spec.observation.view,
                action_spec,
                preprocessing_layers=tf.keras.layers.Lambda(lambda x: tf.cast(x, tf.float32)),
                fc_layer_params=(16,),
            ),
            optimizer=tf.keras.optimizers.Adam(1e-3),
            observation_and_action_constraint_splitter=split_observation,
        )

    agent, other = make_agents(environment, algorithm=build)
    play(environment, [agent, other], X_WINS)
    assert np.isfinite(agent.train_iteration().loss)
    instance = build(ts.time_step_spec(agent.perspective.sight_spec), environment.action_spec())
    agent, other = make_agents(environment, algorithm=instance)
    assert agent.algorithm is instance


def as_in_tutorials(time_step_spec, action_spec):
    """An agent that has never heard of legal moves."""
    network = q_network.QNetwork(time_step_spec.observation, action_spec, fc_layer_params=(32,))
    return dqn_agent.DqnAgent(time_step_spec, action_spec, network, tf.keras.optimizers.Adam(3e-3), gamma=0.9)


def test_an_algorithm_made_for_the_bare_view_is_taken_as_it_is():
    """Nobody tells it which moves are legal; it finds out by itself, since the others cost."""
    environment = BoardGameEnvironment(TIC_TAC_TOE, 64, seed=1)
    algorithm = as_in_tutorials(ts.time_step_spec(tf.TensorSpec([2, 3, 3], tf.float32)), environment.action_spec())
    agent = IMAgent(
        environment.time_step_spec(),
        environment.action_spec(),
        batch_size=64,
        algorithm=algorithm,
        observation_fn=lambda *seen: tf.cast(own_stones(*seen), tf.float32),
        epsilon=0.2,
        sample_batch_size=256,
    )
    trainer = Trainer(environment, [agent, RandomPlayer(1)], warmup_rounds=20, execution="graph")
    chunks = [trainer.run(150) for _ in range(4)]
    assert chunks[0]["illegal"] > 0.7 and chunks[-1]["illegal"] < 0.4
    assert chunks[-1]["player_1_wins"] > 0.4 and agent.algorithm is algorithm
    legal_moves = decisions(agent).legal_moves  # which it keeps, for whoever asks
    assert legal_moves.shape[1:] == (9,) and 0 < legal_moves.mean() < 1


def on_the_bare_view(build):
    return lambda time_step_spec, action_spec: build(ts.time_step_spec(time_step_spec.observation.view), action_spec)


def test_legal_moves_count_for_nothing_in_what_an_algorithm_of_the_bare_view_does_and_learns():
    environment = BoardGameEnvironment(TIC_TAC_TOE, first_mover="seat_0")
    # As in the test of a huge value above, but this one is not told that cell 0 is taken.
    q_values = [1000.0, 0, 0, 0, 0, 0, 0, 0, 0.5]
    agents = make_agents(environment, algorithm=on_the_bare_view(with_constant_q_values(q_values)))
    play(environment, agents, X_WINS)
    np.testing.assert_allclose(td_targets(agents[0], agents[0].replay_buffer.gather_all(), False), [1000, 1000, 1])
    time_step = time_step_at(TIC_TAC_TOE, read_boards("X.. ... ..."), 0)
    assert agents[0].act(time_step).numpy().tolist() == [0]
    np.testing.assert_array_equal(agents[0].q_values(time_step), [[np.nan, *q_values[1:]]])  # shown are the legal ones


class Corridor(py_environment.PyEnvironment):
    """Five cells in a row; the last one pays 1 and ends the walk. Anybody's environment: one agent, no seats."""

    def observation_spec(self):
        return array_spec.ArraySpec([5], np.float32)

    def action_spec(self):
        return array_spec.BoundedArraySpec([], np.int32, 0, 1)

    def _reset(self):
        self._cell = 0
        return ts.restart(np.eye(5, dtype=np.float32)[0])

    def _step(self, action):
        if self._current_time_step.is_last():
            return self.reset()
        self._cell = max(0, self._cell + (1 if action else -1))
        observation = np.eye(5, dtype=np.float32)[self._cell]
        return ts.termination(observation, 1.0) if self._cell == 4 else ts.transition(observation, 0.0)


def test_one_agent_learns_in_an_environment_of_anybody_elses():
    environment = tf_py_environment.TFPyEnvironment(Corridor())
    settings = dict(name="walker", epsilon=0.5, algorithm=dqn(discount=0.9), replay_length=1000)
    agent = IMAgent(environment.time_step_spec(), environment.action_spec(), **settings)
    trainer = Trainer(environment, [agent], warmup_rounds=50)
    metrics = trainer.run(500)
    assert set(metrics) == {"walker_loss", "walker_return", "walker_own_return"}
    assert metrics["walker_loss"] > 0 and metrics["walker_return"] == 1
    assert int(trainer.steps) + int(trainer.episodes) == pytest.approx(500, abs=1)
    d = decisions(agent)
    assert d.legal_moves == () and d.reward[d.discount == 0].tolist() == [1] * int(trainer.episodes)
    cells = tf.eye(5)[:4]
    q_values = agent.q_values(ts.restart(cells, batch_size=4)).numpy()
    assert q_values.argmax(axis=1).tolist() == [1] * 4  # it walks towards the reward


def test_the_policies_are_tf_agents_policies_on_the_environments_time_steps():
    environment = BoardGameEnvironment(TIC_TAC_TOE, 3, first_mover="seat_0")
    agent, _ = drowsy(environment)
    time_step = environment.reset()
    for policy in (agent.policy, agent.collect_policy):
        step = policy.action(time_step, policy.get_initial_state(3))
        assert step.action.shape == [3]
        assert step.state["clock"].numpy().tolist() == [1, 1, 1]
        assert policy.time_step_spec == environment.time_step_spec()


def test_a_policys_variables_are_those_of_the_network_and_nothing_else():
    """Leagues copy them, snapshots and exports keep them: no internal state, no memory, no optimizer."""
    agent, _ = drowsy(BoardGameEnvironment(TIC_TAC_TOE, 3))
    network = agent.algorithm._q_network.variables
    assert {v.ref() for v in agent.policy.variables()} == {v.ref() for v in network}
    assert len(agent.policy.variables()) == len(network) == 6
    others = {v.ref() for v in agent.collect_policy.variables()} - {v.ref() for v in network}
    assert others == {agent.exploration._amount.ref()}


def test_a_transform_that_returns_something_else_is_named_with_its_agent():
    specs = BoardGameEnvironment(TIC_TAC_TOE, 2).time_step_spec(), BoardGameEnvironment(TIC_TAC_TOE).action_spec()
    with pytest.raises(ValueError, match="^clumsy: reward_fn returned float 1.0: a float32 tensor of shape "):
        IMAgent(*specs, batch_size=2, name="clumsy", reward_fn=lambda time_step, seat, state: 1.0)


def test_training_before_any_decision_closed_is_refused():
    agent, _ = make_agents(BoardGameEnvironment(TIC_TAC_TOE))
    with pytest.raises(ValueError, match="the replay buffer is empty"):
        agent.train_iteration()
