"""Phantom tic-tac-toe: beside OpenSpiel step for step, who knows what, and the same in every way to run it."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from worlds import F, L, M

import imagents
from imagents.config import environment_settings
from imagents.environments.hidden_boards.environment import PhantomEnvironment
from imagents.seats import PASS

OBSTYPES = ("reveal-nothing", "reveal-numturns")
LINES = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]])


def after(*moves: int, shows_turns: bool = False):
    """A game after these moves, and its last time step."""
    environment = PhantomEnvironment(1, shows_turns)
    time_step = environment.reset()
    for move in moves:
        time_step = environment.step([move])
    return environment, time_step


def known(time_step, seat: int) -> tuple[list[int], list[int]]:
    """The cells of a seat's own stones, and of those that it has seen."""
    view = time_step.observation["views"][seat][0].numpy()
    return np.flatnonzero(view[:9]).tolist(), np.flatnonzero(view[9:18]).tolist()


def asked(time_step) -> tuple[int, list[int]]:
    """Who is asked, and what is legal."""
    observation = time_step.observation
    return int(observation["seat"][0]), np.flatnonzero(observation["legal_moves"][0]).tolist()


# Beside OpenSpiel


def good_moves(views: np.ndarray) -> np.ndarray:
    """How much a cell promises who knows that, `[B, 9]`: its own stones on lines in which it has seen no other's."""
    own, seen = views[:, :9], views[:, 9:18]
    open_lines = ~seen[:, LINES].any(axis=2)  # [B, 8]
    stones = own[:, LINES].sum(axis=2)
    promise = np.full([len(views), 9], 0.01)
    for line, cells in enumerate(LINES):
        promise[:, cells] += (open_lines[:, line] * 10.0 ** stones[:, line])[:, np.newaxis]
    return promise


def expected_view(state, seat: int) -> np.ndarray:
    """A view made of OpenSpiel's tensor, which has the cells that are empty, O's and X's, and the turns."""
    tensor = np.array(state.observation_tensor(seat), bool)
    stones = {1: tensor[9:18], 0: tensor[18:27]}
    return np.concatenate([stones[seat], stones[1 - seat], tensor[27:]])


@pytest.mark.parametrize("steps", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("obstype", OBSTYPES)
def test_it_plays_as_open_spiels_does_step_for_step(obstype, steps):
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel")
    game = pyspiel.load_game(f"phantom_ttt(gameversion=classical,obstype={obstype})")
    rng, copies, compared = np.random.default_rng(0), steps // 40, 0
    environment = environment_settings("phantom_tic_tac_toe").__class__(obstype=obstype).build(copies, 1)
    time_step, states, ran_into, outcomes = environment.reset(), [None] * copies, 0, set()
    step = tf.function(environment.step)
    while compared < steps:
        legal, seats = (time_step.observation[key].numpy() for key in ("legal_moves", "seat"))
        kinds, rewards, discounts = (x.numpy() for x in time_step[:3])
        views = [view.numpy() for view in time_step.observation["views"]]
        promise = good_moves(np.where(seats[:, np.newaxis] == 0, *views))
        promise[: copies // 2] = 1  # half of all games are random
        actions = (legal * promise * rng.random(legal.shape)).argmax(axis=1).astype(np.int32)
        actions[rng.random(copies) < 0.1] = PASS
        for i in range(copies):
            if states[i] is None:
                assert kinds[i] == F
                states[i] = game.new_initial_state()
            state = states[i]
            assert (rewards[i] == state.rewards()).all()
            assert (kinds[i] == L) == state.is_terminal() == (discounts[i] == 0)
            for seat in range(2) if state.move_number() < 17 else ():  # of the 17th OpenSpiel's tensor has no place
                np.testing.assert_array_equal(views[seat][i], expected_view(state, seat))
            if state.is_terminal():
                outcomes.add(tuple(rewards[i]))
                states[i] = None
                continue
            assert state.current_player() == seats[i]
            assert state.legal_actions() == np.flatnonzero(legal[i]).tolist()
            if actions[i] != PASS:
                state.apply_action(int(actions[i]))
                ran_into += state.current_player() == seats[i]
                compared += 1
        time_step = step(tf.constant(actions))
    assert ran_into > steps / 10 and len(outcomes) == 3


# Who knows what


def test_one_knows_ones_own_stones_and_nothing_of_the_others():
    _, time_step = after(4, 0, 8)
    assert known(time_step, 0) == ([4, 8], []) and known(time_step, 1) == ([0], [])
    assert asked(time_step) == (1, [1, 2, 3, 4, 5, 6, 7, 8])


def test_a_move_onto_a_hidden_stone_shows_it_to_the_mover_who_tries_again():
    environment, time_step = after(4, 4)
    assert asked(time_step) == (1, [0, 1, 2, 3, 5, 6, 7, 8])
    assert known(time_step, 1) == ([], [4]) and known(time_step, 0) == ([4], [])
    kind, reward, discount = (x.numpy().tolist() for x in time_step[:3])
    assert (kind, reward, discount) == ([M], [[0, 0]], [1])
    assert asked(environment.step([0])) == (0, [0, 1, 2, 3, 5, 6, 7, 8])  # the turn went on


def test_the_turns_are_told_to_both_where_they_are():
    for moves in range(4):
        _, time_step = after(*[4, 4, 0][:moves], shows_turns=True)
        for view in time_step.observation["views"]:
            assert np.flatnonzero(view[0, 18:]).tolist() == [moves]


def test_without_the_order_of_its_moves_a_view_is_no_information_state():
    """Seat 1 ran into 4 before it had a stone, or after: then seat 0 may have begun elsewhere."""
    early, late = after(4, 4, 0, 8), after(4, 0, 8, 4)
    assert known(early[1], 1) == known(late[1], 1) == ([0], [4])


# Ends, waits, and what does not fit


def test_a_game_pays_as_every_board_and_the_next_step_begins_another():
    environment, time_step = after(0, 3, 3, 1, 4, 2)
    assert time_step.reward.numpy().tolist() == [[1, -1]] and time_step.is_last() and time_step.discount == 0
    assert environment.tally().numpy().tolist() == [[True, False, False, False]]
    time_step = environment.step([5])
    assert time_step.is_first() and known(time_step, 0) == known(time_step, 1) == ([], [])
    assert asked(time_step) == (0, [*range(9)])


def test_the_longest_game_has_17_moves_and_a_draw_pays_nothing():
    cells = [0, 1, 2, 4, 3, 5, 7, 6, 8]  # in all of which but the last the other side runs into the stone at once
    moves = [cell for cell in cells for _ in range(2)][:17]
    assert not after(*moves[:-1], shows_turns=True)[1].is_last()
    environment, time_step = after(*moves, shows_turns=True)
    assert time_step.is_last() and not time_step.observation["views"][0][0, 18:].numpy().any()
    assert time_step.reward.numpy().tolist() == [[0, 0]] and environment.tally().numpy()[0, 2]


@pytest.mark.parametrize("moves", [(4, 0, 4), (4, 4, 4), (4, 9)])
def test_a_move_that_one_knows_to_be_impossible_ends_the_game(moves):
    environment, time_step = after(*moves)
    mover = 0 if moves == (4, 0, 4) else 1
    assert time_step.is_last() and environment.tally().numpy()[0, 3]
    assert time_step.reward[0, mover] == -5 and time_step.reward[0, 1 - mover] == 0


def test_a_game_in_which_nobody_moves_waits():
    environment, before = after(4, 4, shows_turns=True)
    tf.nest.map_structure(np.testing.assert_array_equal, before, environment.step([PASS]))


def test_what_does_not_fit_is_one_sentence():
    with pytest.raises(imagents.InputError, match=r"^actions have shape \(2,\): one action for each of the 3 parallel"):
        PhantomEnvironment(3).step([0, 1])
    with pytest.raises(imagents.InputError, match="^batch_size = 0: an environment needs at least 1 game"):
        PhantomEnvironment(0)


def test_it_can_be_read():
    environment, _ = after(4, 4, 0)
    assert environment.render() == (
        "board   seat 0   seat 1\n"
        "O . .   . . .   O . .\n"
        ". X .   . X .   . X .\n"
        ". . .   . . .   . . ."
    )  # fmt: skip


# States, and every way to run it


def test_a_state_set_again_goes_on_as_before():
    environment, _ = after(4, 4, 0, shows_turns=True)
    state = environment.get_state()
    first = environment.step([0])
    environment.reset()
    environment.set_state(state)
    tf.nest.map_structure(np.testing.assert_array_equal, first, environment.step([0]))


def test_it_plays_the_same_eagerly_in_a_graph_and_compiled():
    runs = []
    for compiled in (None, False, True):
        environment = PhantomEnvironment(32, shows_turns=True)
        step = environment.step if compiled is None else tf.function(environment.step, jit_compile=compiled)
        rng, time_step, steps = np.random.default_rng(0), environment.reset(), []
        for _ in range(30):
            legal = time_step.observation["legal_moves"].numpy()
            time_step = step(tf.constant((legal * rng.random(legal.shape)).argmax(axis=1), tf.int32))
            steps.append(tf.nest.map_structure(np.asarray, time_step))
        runs.append(steps)
    for other in runs[1:]:
        tf.nest.map_structure(np.testing.assert_array_equal, runs[0], other)


@pytest.mark.parametrize("shows_turns", [False, True])
def test_it_keeps_to_the_contract(shows_turns):
    imagents.check_environment(PhantomEnvironment(4, shows_turns))


def test_a_try_costs_an_agent_no_decision():
    """Where seat 1 runs into a stone, it decides again at once; each of its decisions closes at its next one."""
    environment = PhantomEnvironment(1)
    agent = imagents.IMAgent(environment, seat=1, sample_batch_size=1)
    time_step = environment.reset()
    agent.observe(time_step)
    script = itertools.chain([4, 4, 0, 1, 8, 7])  # seat 0 takes the middle column
    for move in script:
        agent.act(time_step, collect=True)
        time_step = environment.step([move])
        agent.observe(time_step)
    closed = agent.replay_buffer._gather_all()
    assert tf.squeeze(closed.reward).numpy().tolist() == [0, 0, -1]
    assert tf.squeeze(closed.discount).numpy().tolist() == [1, 1, 0]
    seen = tf.reshape(closed.view, [3, 18])[:, 9:]
    assert [np.flatnonzero(row).tolist() for row in seen] == [[], [4], [4]]
