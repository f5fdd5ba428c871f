"""Poker as environments: beside OpenSpiel step for step, who sees what, and the same in every way to run it."""

import numpy as np
import pytest
import tensorflow as tf
from worlds import F, L, M

import imagents
from imagents.config import environment_settings
from imagents.environments.cards.environment import PokerEnvironment, State
from imagents.environments.cards.measures import state_names
from imagents.environments.cards.rules import KUHN, LEDUC
from imagents.seats import PASS

GAMES = {"kuhn_poker": KUHN, "leduc_poker": LEDUC}
every_game = pytest.mark.parametrize("name", GAMES)


def at(rules, *positions) -> PokerEnvironment:
    """Games in given positions, each a deal's cards and the actions of each round."""
    environment = PokerEnvironment(rules, len(positions))
    deals = [rules.deals.tolist().index(list(cards)) for cards, *_ in positions]
    history = [tuple(tuple(map(int, actions)) for actions in rounds) for _, *rounds in positions]
    nodes = [[bets.history for bets in rules.nodes].index(each) for each in history]
    environment.set_state(State(tf.constant(deals, tf.int32), tf.constant(nodes, tf.int32)))
    return environment


def shown(time_step) -> list:
    """Step type, reward and discount of each game."""
    return list(zip(*(x.numpy().tolist() for x in time_step[:3]), strict=True))


def seen(time_step, seat: int) -> list[str]:
    """What a seat sees in each game, as digits."""
    return ["".join(map(str, row)) for row in time_step.observation["views"][seat].numpy().astype(int)]


# Beside OpenSpiel


def expected_view(state, seat: int, rules) -> np.ndarray:
    """A view made of OpenSpiel's tensor: who one is, the own card, the public one, and two numbers for each bet."""
    tensor, cards = np.array(state.information_state_tensor(seat), bool)[2:], rules.ranks * rules.suits
    parts = []
    for number in range(len(rules.raises)):
        card = np.flatnonzero(tensor[cards * number : cards * (number + 1)])
        rank = np.eye(rules.ranks, dtype=bool)[card // rules.suits].any(axis=0)
        parts += [rank, np.array([(card % rules.suits).any()] * (rules.suits - 1), bool)]
    for bets in tensor[cards * len(rules.raises) :].reshape(len(rules.raises), -1, 2):
        parts += [bets[:1, 0], bets[:, 1].sum() > np.arange(rules.most_raises)]
    return np.concatenate(parts)


@pytest.mark.parametrize("steps", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
@every_game
def test_it_plays_as_open_spiels_does_step_for_step(name, steps):
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel")
    rules, game, rng = GAMES[name], pyspiel.load_game(name), np.random.default_rng(0)
    names, copies = state_names(rules), steps // 40
    environment = PokerEnvironment(rules, copies, seed=1)
    time_step, states, met, compared = environment.reset(), [None] * copies, set(), 0
    step = tf.function(environment.step)
    while compared < steps:
        observation, deals, nodes = time_step.observation, *(x.numpy() for x in environment.get_state())
        legal, seats = observation["legal_moves"].numpy(), observation["seat"].numpy()
        kinds, rewards, discounts = (x.numpy() for x in time_step[:3])
        views = [view.numpy() for view in observation["views"]]
        chosen = legal * rng.random(legal.shape)
        chosen[: copies // 2, : rules.width - 2] /= 100  # half of all games go deep: hardly anybody folds
        actions = chosen.argmax(axis=1).astype(np.int32)
        actions[rng.random(copies) < 0.1] = PASS
        for i in range(copies):
            if states[i] is None:
                assert kinds[i] == F
                states[i] = game.new_initial_state()
            if states[i].is_chance_node():
                cards = rules.deals[deals[i]]
                for card in cards[2:] if states[i].history() else cards[:2]:
                    states[i].apply_action(int(card))
            assert abs(rewards[i] - states[i].rewards()).max() <= 1e-6
            assert (kinds[i] == L) == states[i].is_terminal() == (discounts[i] == 0)
            if states[i].is_terminal():
                states[i] = None
                continue
            number = rules.information.number[nodes[i], deals[i]]
            assert states[i].current_player() == seats[i]
            assert states[i].legal_actions() == np.flatnonzero(legal[i]).tolist()
            assert states[i].information_state_string() == names[number]
            for seat in range(2):
                assert (views[seat][i] == expected_view(states[i], seat, rules)).all()
            met.add(number)
            if actions[i] != PASS:
                states[i].apply_action(int(actions[i]))
                compared += 1
        time_step = step(tf.constant(actions))
    assert len(met) == len(names) or steps < 100_000


# Who sees what


def test_in_kuhn_one_sees_the_own_card_and_the_bets():
    time_step = at(KUHN, ((0, 2), ""), ((1, 0), "0"), ((2, 1), "1"), ((2, 0), "01")).current_time_step()
    assert seen(time_step, 0) == ["10000", "01010", "00101", "00111"]
    assert seen(time_step, 1) == ["00100", "10010", "01001", "10011"]
    assert time_step.observation["seat"].numpy().tolist() == [0, 1, 1, 0]


def test_in_leduc_one_sees_the_public_card_too_as_soon_as_it_is_shown():
    time_step = at(LEDUC, ((1, 4, 2), "122"), ((1, 4, 2), "122", ), ((1, 4, 3), "1221", "2")).current_time_step()
    assert seen(time_step, 0)[1:] == ["1001" "0000" "111" "000", "1001" "0101" "111" "010"]
    assert seen(time_step, 1)[1:] == ["0010" "0000" "111" "000", "0010" "0101" "111" "010"]


@every_game
def test_no_two_information_states_look_alike_and_none_shows_what_is_hidden(name):
    rules, environment = GAMES[name], environment_settings(name).build(1, 0)
    node, deal = (x.ravel() for x in np.indices([len(rules.nodes), len(rules.deals)], np.int32))
    number = rules.information.number[node, deal]
    asked = number >= 0
    observation = environment.time_step_at(State(tf.constant(deal[asked]), tf.constant(node[asked]))).observation
    views, seats = np.stack(observation["views"]), observation["seat"].numpy()
    known = {}
    for state, seat, view in zip(number[asked], seats, views[seats, np.arange(len(seats))], strict=True):
        known.setdefault((int(seat), view.tobytes()), set()).add(int(state))
    assert sorted(known.values(), key=min) == [{state} for state in range(len(rules.information.seat))]
    assert 2 ** views.shape[2] * rules.width <= 2**16  # a table of all views is small


# Ends, waits, and what does not fit


def test_a_game_pays_at_its_end_alone_and_the_next_step_begins_another():
    environment = at(KUHN, ((2, 0), "0"), ((2, 0), "1"))
    assert shown(environment.step([1, 0])) == [(M, [0, 0], 1), (L, [1, -1], 0)]
    assert shown(environment.step([1, 1])) == [(L, [2, -2], 0), (F, [0, 0], 1)]
    assert shown(environment.step([PASS, PASS])) == [(F, [0, 0], 1)] * 2  # the second one waits


def test_a_game_in_which_nobody_acts_waits():
    environment = at(LEDUC, ((0, 1, 2), "12"), ((0, 1, 2), ""))
    before = environment.current_time_step()
    tf.nest.map_structure(np.testing.assert_array_equal, before, environment.step([PASS, PASS]))


@pytest.mark.parametrize(
    "do, sentence",
    [
        (lambda: PokerEnvironment(KUHN, 0), "batch_size = 0: an environment needs at least 1 game"),
        (lambda: PokerEnvironment(KUHN, 3).step([0, 1]),
         r"actions have shape \(2,\): one for each of the 3 games is needed, shape \(3,\)"),
        (lambda: PokerEnvironment(KUHN, 2**45), r"35184372088832 games of poker would need [\d,.]+ GB of memory, and "),
        (lambda: PokerEnvironment(KUHN, 2).step([0, 2]),
         "action 2 is illegal in game 1: legal actions are 0 pass, 1 bet$"),
        (lambda: PokerEnvironment(LEDUC).step([0]),
         "action 0 is illegal in game 0: legal actions are 1 call, 2 raise$"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(do, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        do()


def test_it_can_be_read():
    text = at(LEDUC, ((1, 4, 3), "1221", "2"), ((0, 5, 2), "")).render()
    assert text == "seat 0: J'  seat 1: K  public: Q'  call raise raise call | raise\n\nseat 0: J  seat 1: K'"


# Draws, states, and every way to run it


@every_game
def test_every_deal_is_as_likely_as_any_and_by_the_seed(name):
    count = 200 * len(GAMES[name].deals)

    def deals(seed):
        environment = PokerEnvironment(GAMES[name], count, seed)
        environment.reset()
        return environment.get_state().deal.numpy()

    found = deals(0)
    counts = np.bincount(found, minlength=len(GAMES[name].deals))
    chi_square = ((counts - 200) ** 2 / 200).sum()
    degrees = len(counts) - 1
    assert abs(chi_square - degrees) < 4 * np.sqrt(2 * degrees)
    np.testing.assert_array_equal(found, deals(0))
    assert (found != deals(1)).any()


@every_game
def test_a_state_set_again_goes_on_as_before(name):
    environment = environment_settings(name).build(4, 3)
    environment.step([1] * 4)
    state = environment.get_state()
    first = environment.step([1] * 4)
    environment.reset()
    environment.set_state(state)
    tf.nest.map_structure(np.testing.assert_array_equal, first, environment.step([1] * 4))


@every_game
def test_it_plays_the_same_eagerly_in_a_graph_and_compiled(name):
    runs = []
    for compiled in (None, False, True):
        environment = environment_settings(name).build(32, 5)
        step = environment.step if compiled is None else tf.function(environment.step, jit_compile=compiled)
        rng, time_step, steps = np.random.default_rng(0), environment.reset(), []
        for _ in range(40):
            legal = time_step.observation["legal_moves"].numpy()
            time_step = step(tf.constant((legal * rng.random(legal.shape)).argmax(axis=1), tf.int32))
            steps.append(tf.nest.map_structure(np.array, time_step))
        runs.append(steps)
    assert sum(step.is_last().sum() for step in runs[0]) > 200
    for run in runs[1:]:
        tf.nest.map_structure(np.testing.assert_array_equal, runs[0], run)


@every_game
def test_it_keeps_to_the_contract(name):
    assert imagents.check_environment(environment_settings(name).build) == []
