"""Players by name; agents of runs at either seat; what cannot be made is refused in one sentence."""

import numpy as np
import pytest
import tensorflow as tf
from small import untrained_run

from imagents.config import environment_settings
from imagents.environments.boards.environment import BoardGameEnvironment, time_step_at
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE, get_game
from imagents.environments.boards.tic_tac_toe import exact
from imagents.export.reading import ExportedAgent
from imagents.opening import load_agents, open_shipped
from imagents.players.frozen import PolicyPlayer, agent_player
from imagents.players.names import make_player, player_names
from imagents.runs.run import Run
from imagents.runs.snapshots import save_snapshot
from imagents.seats import PASS


def make_run(path, **settings) -> Run:
    """A run of untrained agents: a checkpoint after round 0, and a snapshot of agents that differ from it."""
    run = untrained_run(path, **settings)
    agents = load_agents(path)
    for agent in agents:
        for variable in agent.policy.variables():
            variable.assign(-variable)
    save_snapshot(path, agents, rounds=10, steps=123, rounds_per_chunk=10, most=4, settings=run.config.to_dict())
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "mine")


def everywhere(seat):
    return time_step_at(TIC_TAC_TOE, exact.positions().boards(seat), seat)


def greedy(agent):
    return agent.policy.action(everywhere(agent.seat), ()).action.numpy()


def test_every_player_of_a_game_is_listed_and_can_be_made():
    parameters = {"[:LOOK]": ":0.5", ":DEPTH": ":1", "[:value]": ":value"}
    for game, solved in ((TIC_TAC_TOE, True), (CONNECT_FOUR, False)):
        for name in player_names(game):
            for placeholder, parameter in parameters.items():
                name = name.replace(placeholder, parameter)
            if solved or not name.startswith("perfect"):
                assert make_player(name, game, seat=1).name == name
    assert "linear" in player_names(CONNECT_FOUR) and "linear" not in player_names(TIC_TAC_TOE)


def test_a_run_plays_the_seat_with_the_agent_that_learned_it(run):
    agents = load_agents(run.path)
    for seat in (0, 1):
        player = make_player(str(run.path), TIC_TAC_TOE, seat)
        np.testing.assert_array_equal(player.act(everywhere(seat)), greedy(agents[seat]))


@pytest.mark.parametrize("number", [1, 2])
def test_an_agent_plays_the_other_seat_as_if_it_were_its_own(run, number):
    agent = load_agents(run.path)[number - 1]
    player = make_player(f"{run.path}:player_{number}", TIC_TAC_TOE, 1 - agent.seat)
    np.testing.assert_array_equal(player.act(everywhere(1 - agent.seat)), greedy(agent))


def test_checkpoints_and_snapshots_play_as_they_were(run):
    newest, snapshot = run.checkpoints()[-1], run.path / "snapshots" / "0000000010.npz"
    players = [make_player(f"{path}:player_1", TIC_TAC_TOE) for path in (run.path, newest, snapshot)]
    moves = [player.choose(everywhere(0)).numpy() for player in players]
    np.testing.assert_array_equal(moves[0], moves[1])
    assert (moves[0] != moves[2]).any()
    legal = everywhere(0).observation["legal_moves"].numpy()
    assert legal[np.arange(len(legal)), moves[2]].all()


def test_a_run_against_a_fixed_player_has_one_agent_for_both_seats(tmp_path):
    run = make_run(tmp_path / "run", opponent="heuristic")
    for seat in (0, 1):
        assert (make_player(str(run.path), TIC_TAC_TOE, seat).act(everywhere(seat)).numpy() != PASS).all()
    with pytest.raises(ValueError, match="has no agent 'player_2': its agents are player_1"):
        make_player(f"{run.path}:player_2", TIC_TAC_TOE)


@pytest.mark.parametrize("seat", [0, 1])
def test_the_shipped_agents_are_players_by_the_name_trained(seat):
    """Each seat is played by the agent that learned to play it, as it learned to."""
    player, agent = make_player("trained", TIC_TAC_TOE, seat), ExportedAgent(open_shipped(TIC_TAC_TOE, seat).path)
    assert agent.seat == seat and player.name == "trained"
    np.testing.assert_array_equal(player.act(everywhere(seat)), agent.policy.action(everywhere(seat)).action)
    with pytest.raises(ValueError, match="no trained agent of 5x5x4 ships with imagents"):
        make_player("trained", get_game("5x5x4"), seat)


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("clever", "unknown player 'clever': choose random, first_legal, trained, heuristic\\[:LOOK\\], minimax:DEPTH, "
                   "person, perfect\\[:value\\], or the folder of a run"),
        ("random:3", "unknown player 'random:3'"),
        ("outputs/nothing", "'outputs/nothing' is neither the folder of a run nor a checkpoint or a snapshot of one"),
        ("heuristic:often", "'heuristic:often' needs a probability of looking, 0 to 1, as in heuristic:0.25"),
        ("heuristic:2", "look = 2.0: the probability of looking is 0 to 1"),
        ("minimax", "'minimax' needs a depth, 1 to 6, as in minimax:3"),
        ("minimax:9", "depth = 9: minimax looks 1 to 6 plies ahead"),
        ("perfect:sometimes", "'perfect:sometimes': choose perfect:best .* or perfect:value"),
        ("linear", "unknown player 'linear': choose .*person, perfect\\[:value\\], or the folder of a run"),
        ("random=1,clever=2", "unknown player 'clever'"),
    ],
)
def test_unknown_players_are_refused_in_one_sentence(name, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        make_player(name, TIC_TAC_TOE)
    assert "\n" not in str(error.value)


def test_a_run_of_another_game_is_refused_in_one_sentence(run):
    with pytest.raises(ValueError, match="is a run of tic_tac_toe, and this is a game of connect_four"):
        make_player(str(run.path), CONNECT_FOUR)


@pytest.mark.parametrize("name", ["mine", "mine:player_2", "mine/snapshots/0000000010.npz:player_1", "random=1,mine=3"])
def test_a_relative_path_is_found_from_elsewhere_if_it_is_said_where_it_begins(run, tmp_path, monkeypatch, name):
    monkeypatch.chdir(run.path.parent)
    here = make_player(name, TIC_TAC_TOE, 1, batch_size=len(exact.positions().boards(1)))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="unknown player|is neither"):
        make_player(name, TIC_TAC_TOE, 1)
    there = make_player(name, TIC_TAC_TOE, 1, batch_size=len(exact.positions().boards(1)), folder=run.path.parent)
    assert there.name == here.name == name
    np.testing.assert_array_equal(there.act(everywhere(1)), here.act(everywhere(1)))  # and draws the same numbers


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a run folder"):
        make_player(str(tmp_path), TIC_TAC_TOE)


def test_damaged_checkpoints_and_snapshots_are_refused(tmp_path):
    run = make_run(tmp_path / "run")
    (run.checkpoints()[-1] / "state.index").write_bytes(b"nonsense")
    (run.path / "snapshots" / "0000000010.npz").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="is damaged"):
        make_player(str(run.path), TIC_TAC_TOE)
    with pytest.raises(ValueError, match="is not a snapshot of a run"):
        make_player(f"{run.path}/snapshots/0000000010.npz:player_1", TIC_TAC_TOE)


class TestPolicyPlayer:
    """With an agent that counts its moves in its internal state, and plays the cell of that number."""

    def agent(self):
        from imagents.learning.agent import IMAgent

        environment = BoardGameEnvironment(TIC_TAC_TOE)
        return IMAgent(
            environment.time_step_spec(),
            environment.action_spec(),
            initial_state=tf.constant(0),
            state_fn=lambda state, time_step, seat: state + 1,
            action_fn=lambda action, seat, state: 0 * action + state,
        )

    def test_an_internal_state_takes_a_step_per_move_and_begins_anew_with_every_game(self, at):
        agent = self.agent()
        player = agent_player(agent, environment_settings("tic_tac_toe"), 1, "counter")
        boards = ["... ... ..X", ".O. ... .XX", ".OO ..X .XX", "X.. ... ...", "OX. ... ..X"]
        moves = [int(player.act(at(TIC_TAC_TOE, board, seat=1))[0]) for board in boards]
        assert moves == [1, 2, 3, 1, 1]  # in the fourth its stones are not those it left; in the fifth neither
        assert player.act(at(TIC_TAC_TOE, "X.. ... ...", seat=0)).numpy() == [PASS]

    def test_it_needs_to_know_which_games_are_new(self):
        with pytest.raises(ValueError, match="counter has an internal state: give its player a memory of its games"):
            PolicyPlayer(self.agent().policy, 0, "counter")
