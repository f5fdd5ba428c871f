"""Minds choose legal moves from a game's record, and agents say what they expect of each."""

import numpy as np
import pytest

from imagents.app.local import LocalCast, PlayerMind, agent_mind, make_mind, watch
from imagents.app.minds import HeuristicMind, ModelMind, PerfectMind, RandomMind
from imagents.environments.boards.environment import time_step_at
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.players.search import winning_moves
from imagents.environments.boards.record import Record
from imagents.environments.boards.tic_tac_toe import exact
from imagents.errors import InputError
from imagents.export.reading import ExportedAgent
from imagents.opening import open_shipped


def games(game, count=10, seed=0):
    """Positions of random games that go on."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        record = Record(game, int(random.integers(2)))
        while not record.is_over:
            yield record
            record = record.play(int(random.choice(record.legal)))


@pytest.mark.parametrize("name", ["random", "heuristic", "trained", "minimax:2", "first_legal"])
@pytest.mark.parametrize("game", [TIC_TAC_TOE, CONNECT_FOUR], ids=lambda game: game.name)
def test_every_mind_moves_legally_at_both_seats(game, name):
    minds = [make_mind(name, game, seat) for seat in (0, 1)]
    for record in games(game, 3):
        assert minds[record.seat].think(record).action in record.legal


def test_the_heuristic_wins_blocks_or_moves_anywhere_as_the_player_of_that_name_does():
    for record in games(CONNECT_FOUR, 2):
        stones = CONNECT_FOUR.stones(record.board[np.newaxis])
        wins, blocks = (np.flatnonzero(winning_moves(CONNECT_FOUR, stones, seat)[0] & np.isin(range(7), record.legal))
                        for seat in (record.seat, 1 - record.seat))
        allowed = next((set(moves) for moves in (wins, blocks) if len(moves)), set(record.legal))
        chosen = {HeuristicMind().think(record).action for _ in range(60)}
        assert chosen <= allowed and (len(allowed) > 3 or chosen == allowed)


def test_a_perfect_mind_never_loses_tic_tac_toe_and_takes_the_win():
    perfect = PerfectMind(exact.move_scores)
    assert perfect.think(Record(TIC_TAC_TOE, 0, (0, 3, 1, 4))).action == 2
    for _ in range(20):
        record = Record(TIC_TAC_TOE)
        while not record.is_over:
            mind = perfect if record.seat else RandomMind()
            record = record.play(mind.think(record).action)
        assert record.winner != 0


@pytest.mark.parametrize("game", [TIC_TAC_TOE, CONNECT_FOUR], ids=lambda game: game.name)
@pytest.mark.parametrize("seat", [0, 1])
def test_an_agents_mind_moves_as_its_policy_does_and_shows_its_q_values(game, seat):
    agent = ExportedAgent(open_shipped(game, seat).path)
    mind = agent_mind(open_shipped(game, seat).path, "", game, seat)
    for record in games(game, 2):
        if record.seat != seat:
            continue
        thought = mind.think(record)
        time_step = time_step_at(game, record.board[np.newaxis], seat)
        assert thought.action == int(agent.policy.action(time_step).action[0])
        assert np.flatnonzero(~np.isnan(thought.q_values)).tolist() == record.legal
        assert thought.action == np.nanargmax(thought.q_values)


def test_at_the_other_seat_an_agent_sees_the_colours_exchanged():
    mind = agent_mind(open_shipped(TIC_TAC_TOE, 0).path, "", TIC_TAC_TOE, 0)
    for own in games(TIC_TAC_TOE, 2):
        exchanged = Record(TIC_TAC_TOE, 1 - own.first, own.moves)
        np.testing.assert_array_equal(mind.think(own).q_values, mind.think(exchanged).q_values)


def test_an_internal_state_comes_from_the_agents_earlier_decisions_in_this_game():
    asked = []

    def model(inputs):
        """Plays the first free cell, and counts its decisions."""
        asked.append(int(inputs["state_count"][0]))
        free = (inputs["board"].reshape(1, -1) == 0).astype(np.float32)
        return {"action": free.argmax(1), "q_values": free, "next_state_count": inputs["state_count"] + 1}

    mind = ModelMind(model, 0, {"state_count": np.array(0)})
    mind.think(Record(TIC_TAC_TOE, 0, (0, 1, 2, 3)))
    assert asked == [0, 1, 2]
    asked.clear()
    mind.think(Record(TIC_TAC_TOE, 0, (0, 1)))  # after taking back
    mind.think(Record(TIC_TAC_TOE, 1, (5,)))  # another game
    assert asked == [0, 1, 0]


def test_what_is_expected_stays_within_what_a_loss_and_a_win_are_worth():
    def model(inputs):
        return {"action": np.array([0]), "q_values": np.linspace(-1.5, 1.5, 9)[np.newaxis]}

    def expected(mind):
        return mind.think(Record(TIC_TAC_TOE)).q_values.tolist()

    assert (min(expected(ModelMind(model, 0))), max(expected(ModelMind(model, 0)))) == (-1.5, 1.5)
    within = expected(ModelMind(model, 0, scale=(-1.0, 1.0)))
    assert (min(within), max(within), within[4]) == (-1.0, 1.0, 0.0)


def test_the_trained_agent_can_be_watched_in_whole_games():
    game = watch(TIC_TAC_TOE, ["trained", "perfect"], first=1, seed=3)
    assert game.is_over and game.winner is None and game.first == 1
    assert watch(TIC_TAC_TOE, ["random", "random"], seed=3) == watch(TIC_TAC_TOE, ["random", "random"], seed=3)


def test_agents_of_a_run_show_their_q_values_too(tmp_path, make_run):
    run = make_run(tmp_path / "mine").path
    for name, seat in ((str(run), 1), (f"{run}:player_1", 0)):
        mind = make_mind(name, TIC_TAC_TOE, seat)
        assert isinstance(mind, ModelMind)
        assert not np.isnan(mind.think(Record(TIC_TAC_TOE, seat)).q_values).any()
    with pytest.raises(InputError, match="is a run of tic_tac_toe, and this is a game of connect_four"):
        make_mind(str(run), CONNECT_FOUR, 0)
    with pytest.raises(InputError, match="has no agent 'player_3'"):
        make_mind(f"{run}:player_3", TIC_TAC_TOE, 0)


def test_whoever_else_plays_is_asked_for_moves_alone():
    mind = make_mind("minimax:1", TIC_TAC_TOE, 1)
    assert isinstance(mind, PlayerMind)
    thought = mind.think(Record(TIC_TAC_TOE, 0, (0, 3, 8, 4, 7)))
    assert thought.action == 5 and thought.q_values is None


def test_a_page_offers_shipped_agents_and_the_runs_below_its_folder(tmp_path, make_run, write_run):
    make_run(tmp_path / "runs" / "mine")
    write_run(tmp_path / "runs" / "young")  # no checkpoint yet
    make_run(tmp_path / "elsewhere")
    cast = LocalCast(tmp_path / "runs")
    names = list(cast.opponents(TIC_TAC_TOE))
    assert names[0] == "trained" and {"heuristic", "random", "perfect", "minimax:4", "run/mine"} <= set(names)
    assert not {name for name in names if "young" in name or "elsewhere" in name}
    assert "run/mine" not in cast.opponents(CONNECT_FOUR)
    assert cast.mind(TIC_TAC_TOE, "run/mine", 0).think(Record(TIC_TAC_TOE)).q_values is not None
    for name in ("run/../elsewhere", "run/young", "../elsewhere", str(tmp_path / "elsewhere"), "run/", ""):
        with pytest.raises(InputError, match="nobody here is called"):
            cast.mind(TIC_TAC_TOE, name, 0)


def test_a_link_out_of_the_folder_is_no_run_of_it(tmp_path, make_run):
    make_run(tmp_path / "elsewhere" / "secret")
    make_run(tmp_path / "runs" / "mine")
    for name, target in (("out", "../elsewhere/secret"), ("up", ".."), ("twice", "mine"), ("gone", "nowhere")):
        (tmp_path / "runs" / name).symlink_to(target)
    cast = LocalCast(tmp_path / "runs")
    assert [run.name for run in cast.runs()] == ["mine"] and cast.agents(TIC_TAC_TOE) == ["trained", "run/mine"]


def test_what_is_wrong_with_a_run_is_said_without_where_it_lies(tmp_path, make_run):
    run = make_run(tmp_path / "mine")
    cast = LocalCast(tmp_path)
    for path in run.newest_checkpoint().glob("*.data*"):
        path.write_bytes(b"damaged")
    with pytest.raises(InputError, match="mine/checkpoints/0000000000") as error:
        cast.mind(TIC_TAC_TOE, "run/mine", 0)
    assert str(tmp_path) not in str(error.value)


def test_a_run_of_another_game_brings_that_game_along(tmp_path, make_run):
    make_run(tmp_path / "large", environment="4x4x3")
    cast = LocalCast(tmp_path)
    game = cast.games["4x4x3"]
    assert isinstance(game, Grid) and list(cast.opponents(game)) == ["run/large", "heuristic", "random"]


def test_the_exact_table_agrees_that_the_shipped_agent_never_loses():
    """What the page says of it, by minds alone: no game against any line of play is lost."""
    table = exact.positions()
    mind = agent_mind(open_shipped(TIC_TAC_TOE, 1).path, "", TIC_TAC_TOE, 1)

    def value(record):
        if record.is_over:
            return 0 if record.winner is None else 1 - 2 * record.winner
        actions = [mind.think(record).action] if record.seat else record.legal
        return max(value(record.play(action)) for action in actions)

    assert value(Record(TIC_TAC_TOE, 1)) <= 0 and len(table.ply) == exact.NUM_POSITIONS
