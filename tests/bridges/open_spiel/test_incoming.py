"""Games of OpenSpiel live here: in turn, all at once, drawn by chance, and measured exactly as OpenSpiel does it."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("pyspiel", reason="needs the extra open_spiel")

import pyspiel
from small import small_config, untrained_run

import imagents
from imagents import cli
from imagents.bridges.open_spiel import from_open_spiel, to_policy
from imagents.bridges.open_spiel.exact import information, nash_conv
from imagents.bridges.open_spiel.world import OpenSpielWorld, load_game
from imagents.config import environment_settings
from imagents.environments.cards.measures import state_names, value_of
from imagents.environments.cards.rules import KUHN
from imagents.errors import InputError

GAMES = {
    "kuhn_poker(players=3)": "in turn",
    "goofspiel(num_cards=4)": "at once",
    "blackjack": "alone",
    "leduc_poker": "in turn",
    "connect_four": "in turn",
    "phantom_ttt(obstype=reveal-nothing)": "in turn",
    "matrix_pd": "at once",
    "oshi_zumo(coins=6)": "at once",
}


@pytest.mark.parametrize(
    "name", [*list(GAMES)[:2], *(pytest.param(name, marks=pytest.mark.slow) for name in list(GAMES)[2:])]
)
def test_games_of_every_kind_keep_to_the_contract(name):
    assert imagents.check_environment(lambda copies, seed: from_open_spiel(name, copies, seed=seed)) == []
    assert OpenSpielWorld(name).describe().form == GAMES[name]


def replayed(game, actions):
    """The states of a game in which somebody is asked, and its end, by the history of all actions in it."""
    state, rest = game.new_initial_state(), list(actions)
    while True:
        if not state.is_chance_node():
            yield state
        if state.is_terminal():
            return
        if state.is_simultaneous_node():
            state.apply_actions([rest.pop(0) for _ in range(game.num_players())])
        else:
            state.apply_action(rest.pop(0))


@pytest.mark.parametrize("name", ["leduc_poker", "goofspiel(num_cards=4,points_order=random)", "tic_tac_toe"])
def test_a_game_is_openspiels_own_state_by_state(name):
    """What is seen, what is legal, whose turn it is, and what is paid."""
    world, game, rng = OpenSpielWorld(name), pyspiel.load_game(name), np.random.default_rng(0)
    at_once = world.describe().form == "at once"
    for seed in range(10):
        moments, players = [world.begin(seed)], range(2)
        while not moments[-1].is_last:
            moves = [int(rng.choice([*np.flatnonzero(own), -1][: own.sum() or 1])) for own in moments[-1].legal]
            moments.append(world.step(moves if at_once else [max(moves)]))
        paid = np.zeros(2)
        for moment, state in zip(moments, replayed(game, world.state.history()), strict=True):
            informed = game.get_type().provides_information_state_tensor
            tensor = state.information_state_tensor if informed else state.observation_tensor
            for player in players:
                np.testing.assert_array_equal(np.ravel(moment.views[player][0]), np.float32(tensor(player)))
                assert moment.legal[player].tolist() == np.bool_(state.legal_actions_mask(player)).tolist()
                assert moment.acts[player] == bool(state.legal_actions(player))
            paid += moment.rewards
            np.testing.assert_allclose(paid, state.returns())
            assert (moment.is_last, moment.discount == 0) == (state.is_terminal(),) * 2


def test_chance_is_drawn_by_the_seed_as_often_as_the_game_says():
    world = OpenSpielWorld("kuhn_poker")
    cards = [world.begin(seed) and tuple(world.state.history()) for seed in range(600)]
    assert [world.begin(seed) and tuple(world.state.history()) for seed in range(600)] == cards
    counts = np.unique(cards, axis=0, return_counts=True)[1]
    assert len(counts) == 6 and counts.min() > 70  # 100 expected, with a deviation of 9


@pytest.mark.slow
def test_workers_change_nothing():
    def trace(workers):
        environment = from_open_spiel("kuhn_poker", 3, seed=1, workers=workers)
        shown = [environment.reset(), *(environment.step(tf.constant([i % 2, 0, 1])) for i in range(8))]
        environment.close()
        return [np.asarray(x) for step in shown for x in tf.nest.flatten(step)]

    assert all(map(np.array_equal, trace(0), trace(2)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "^OpenSpiel has no game 'nothing'$"),
        ("kuhn_poker(x=3)", "^OpenSpiel says of kuhn_poker.x=3.: Unknown parameter 'x'. Available parameters are: pl"),
        ("kuhn_poker(players=30)", "num_players_ = 30, kGameType.max_num_players = 10$"),
        ("mfg_crowd_modelling", "^mfg_crowd_modelling is a mean-field game: its players are no agents"),
        ("phantom_ttt_ir", "^phantom_ttt_ir has neither an information state tensor nor an observation tensor to see$"),
    ],
)
def test_what_cannot_be_played_is_one_sentence(name, said):
    with pytest.raises(InputError, match=said):
        environment_settings(f"open_spiel:{name}").build(1, 0)


def test_an_illegal_action_is_one_sentence():
    environment = from_open_spiel("tic_tac_toe", 1)
    environment.reset()
    environment.step(tf.constant([4]))
    with pytest.raises(InputError, match="^copy 0: action 4 is illegal: legal are 0, 1, 2, 3, 5, 6, 7, 8$"):
        environment.step(tf.constant([4]))


# Exactly


def test_the_nash_conv_of_kuhn_poker_is_our_own_for_the_same_policy():
    game, names, rng = load_game("kuhn_poker"), state_names(KUHN), np.random.default_rng(0)
    assert sorted(names) == sorted(name for own in information(game) for name in own.names)
    for sharpness in (0.1, 1.0, 10.0):
        table = rng.gamma(sharpness, size=[len(names), 2]) + 1e-9
        table /= table.sum(axis=1, keepdims=True)
        policy = {name: dict(enumerate(shares)) for name, shares in zip(names, table)}
        assert nash_conv(game, policy) == pytest.approx(value_of(KUHN, table).nash_conv, abs=1e-6)


def test_the_nash_conv_of_a_game_in_which_both_act_at_once_is_that_of_its_payoffs():
    game, payoffs = load_game("matrix_pd"), pyspiel.load_matrix_game("matrix_pd")
    paid = np.array(payoffs.row_utilities()), np.array(payoffs.col_utilities())
    own, other = (known.names[0] for known in information(game))
    for row, column in (([0.5, 0.5], [0.5, 0.5]), ([0.1, 0.9], [0.7, 0.3]), ([0.0, 1.0], [0.0, 1.0])):
        gains = max(paid[0] @ column) - row @ paid[0] @ column + max(row @ paid[1]) - row @ paid[1] @ column
        found = nash_conv(game, {own: dict(enumerate(row)), other: dict(enumerate(column))})
        assert found == pytest.approx(gains, abs=1e-9)


def test_where_both_act_at_once_every_information_state_has_what_a_player_sees_there():
    from open_spiel.python.policy import TabularPolicy

    name, rng = "goofspiel(num_cards=3,imp_info=True)", np.random.default_rng(0)
    game, world = load_game(name), OpenSpielWorld(name)
    known = information(game)
    in_turn = TabularPolicy(pyspiel.convert_to_turn_based(game))
    assert {each for own in known for each in own.names} == {*in_turn.state_lookup}
    uniform = {each: dict.fromkeys(np.flatnonzero(legal).tolist(), 1 / legal.sum())
               for own in known for each, legal in zip(own.names, own.legal)}  # fmt: skip
    assert nash_conv(game, uniform) == pytest.approx(4 / 3)
    tables = [{view.tobytes(): legal.tolist() for view, legal in zip(own.views, own.legal)} for own in known]
    for seed in range(20):
        moment = world.begin(seed)
        while not moment.is_last:
            for table, (view,), legal in zip(tables, moment.views, moment.legal):
                assert table[view.tobytes()] == legal.tolist()
            moment = world.step([int(rng.choice(np.flatnonzero(legal))) for legal in moment.legal])


@pytest.mark.parametrize("name", ["tic_tac_toe", "goofspiel", "blackjack", "bridge_uncontested_bidding"])
def test_games_that_are_large_alone_or_draw_by_themselves_are_not_measured_exactly(name):
    assert information(load_game(name)) is None


@pytest.mark.parametrize("algorithm", ["dqn", pytest.param("ppo", marks=pytest.mark.slow)])
def test_agents_are_measured_by_what_they_play_in_every_information_state(algorithm, tmp_path):
    """OpenSpiel's figure of the policies of a run is the one of our own Kuhn poker."""
    run = untrained_run(tmp_path / "run", "open_spiel:kuhn_poker", algorithm=algorithm, parallel_games=4,
                        **{"batch_size": 4, "exploration": "boltzmann", "exploration_start": 1.0,
                           "exploration_end": 0.1} if algorithm == "dqn" else {})  # fmt: skip
    found = imagents.evaluate_run(run.path, games=8)["agents"]["player_2"]
    for case in ("greedy", "sampled"):
        policy = to_policy(run.path, case)
        shares = {}
        for seat, own in enumerate(information(policy.game)):
            for name, state in zip(own.names, states_of(policy.game, own.names)):
                shares[name] = [policy.action_probabilities(state, seat)[action] for action in range(2)]
        table = np.array([shares[name] for name in state_names(KUHN)])
        expected = value_of(KUHN, table).nash_conv
        assert found[f"nash_conv_{case}"] == pytest.approx(expected, abs=1e-6)
        assert found[f"exploitability_{case}"] == pytest.approx(expected / 2, abs=1e-6)
    assert found["nash_conv_greedy"] != pytest.approx(found["nash_conv_sampled"], abs=1e-3)


def states_of(game, names):
    """A state for each information state, by its name."""
    found, waiting = {}, [game.new_initial_state()]
    while waiting:
        state = waiting.pop()
        if not state.is_terminal():
            if not state.is_chance_node():
                found[state.information_state_string()] = state
            waiting += [state.child(action) for action in state.legal_actions()]
    return [found[name] for name in names]


# By name


@pytest.mark.slow
def test_a_run_trains_is_evaluated_and_watched(tmp_path, capsys):
    config = small_config("open_spiel:kuhn_poker(players=3)", parallel_games=4, batch_size=4, workers=2)
    run = imagents.train(config, tmp_path / "run", quiet=True)
    assert {"player_3_nash_conv_greedy", "player_1_mean_return"} <= {*run.metrics().columns}
    assert cli.main(["evaluate", str(run.path), "--games", "8"]) == 0
    assert "together  nash conv greedy " in capsys.readouterr().out
    assert cli.main(["watch", str(run.path), "--seconds", "0"]) == 0
    assert "the end; return" in capsys.readouterr().out
    with pytest.raises(InputError, match="^games of OpenSpiel have no pictures, but a text: watch shows it$"):
        imagents.film(run.path)


def test_nothing_of_tensorflow_is_imported_by_what_steps_copies():
    modules = "imagents.bridges.open_spiel.world, imagents.bridges.workers"
    subprocess.run([sys.executable, "-c", f"import sys, {modules}; assert 'tensorflow' not in sys.modules"], check=True)
