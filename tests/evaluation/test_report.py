"""What is measured of a run's agents: exact numbers, labelled positions, matches; in training and on demand."""

import importlib.util
import json
import time

import numpy as np
import pytest
from small import small_config, untrained_run

from imagents import InputError
from imagents.config import environment_settings
from imagents.environments.boards.arena import Arena
from imagents.environments.boards.connect_four import positions
from imagents.environments.boards.connect_four.judge import assess as assess_connect_four
from imagents.environments.boards.connect_four.settings import ConnectFour
from imagents.environments.boards.environment import greedy_moves
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.strength import Strength
from imagents.environments.boards.tic_tac_toe import exact
from imagents.environments.boards.tic_tac_toe.judge import assess as assess_tic_tac_toe
from imagents.evaluation.report import evaluate_run, prepare_evaluation, report_text
from imagents.learning.build import build_agents
from imagents.opening import open_shipped
from imagents.players.base import RandomPlayer
from imagents.players.frozen import agent_player

has_solver = importlib.util.find_spec("bitbully") is not None


@pytest.fixture(scope="module")
def tic_tac_toe(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "tic_tac_toe"
    return evaluate_run(untrained_run(path).path, games=100)


@pytest.fixture(scope="module")
def connect_four(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "connect_four"
    return evaluate_run(untrained_run(path, "connect_four").path, games=20, solver_games=2)


def test_tic_tac_toe_is_measured_exactly_and_in_matches(tic_tac_toe):
    assert set(tic_tac_toe["agents"]) == {"player_1", "player_2"}
    assert tic_tac_toe["environment"] == "tic_tac_toe"
    values = tic_tac_toe["agents"]["player_1"]
    assert set(values) == {"optimal", "losing_first", "losing_second", "exact", "matches"}
    assert 0.3 < values["optimal"] < 0.9 and not values["exact"]["unbeatable"]
    details = [values["exact"][name] for name in ("optimal_share", "losing_lines_first", "losing_lines_second")]
    assert [values[name] for name in ("optimal", "losing_first", "losing_second")] == details
    assert set(values["matches"]) == {"random", "heuristic", "perfect", "player_2"}
    assert values["matches"]["random"]["moving_first"]["games"] == 50
    assert values["matches"]["perfect"]["moving_second"]["wins"] == 0
    assert values["matches"]["player_2"]["opening_plies"] == 2  # greedy agents have no chance in them


@pytest.mark.parametrize("games, sentence", [(3, "an even number is needed"), (2**50, "would need .* of memory")])
def test_an_impossible_number_of_games_against_a_slow_opponent_is_refused(games, sentence):
    with pytest.raises(InputError, match=f"{games}.*{sentence}"):
        prepare_evaluation(open_shipped("connect_four").path, 2, solver_games=games)


def test_matches_agree_with_the_exact_numbers():
    config = small_config()
    agent = build_agents(config)[1]
    match = Arena(TIC_TAC_TOE, 4000).play(agent_player(agent, config.environment, 0), RandomPlayer(1))
    known = assess_tic_tac_toe(agent, TIC_TAC_TOE)["exact"]
    for results, turn in ((match.moving_first, "first"), (match.moving_second, "second")):
        assert results.win_rate == pytest.approx(known[f"random_{turn}"]["win"], abs=0.04)
        assert results.losses / results.games == pytest.approx(known[f"random_{turn}"]["loss"], abs=0.04)


@pytest.mark.slow
def test_connect_four_is_measured_in_labelled_positions_and_in_matches(connect_four):
    values = connect_four["agents"]["player_2"]
    assert [values[name] for name in ("good", "perfect")] == [
        values["positions"]["choosing_close"][name] for name in ("good", "perfect")
    ]
    assert set(values["positions"]) == set(positions.SETS)
    for quality in values["positions"].values():
        assert 0 <= quality["perfect"] <= quality["good"] <= 1 and quality["positions"] >= 1000
    expected = {"random", "heuristic", "minimax:4", "player_1"} | ({"perfect"} if has_solver else set())
    assert set(values["matches"]) == expected
    if has_solver:
        assert values["matches"]["perfect"]["moving_second"]["losses"] == 1


def test_without_the_solver_everything_else_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(ConnectFour, "opponents", ("first_legal",))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "bitbully" in name else find(name))
    report = evaluate_run(untrained_run(tmp_path / "run", "connect_four").path, games=2)
    assert "pip install bitbully" in report["solver"]
    assert set(report["agents"]["player_1"]["matches"]) == {"first_legal", "player_2"}
    assert "pip install bitbully" in report_text(report)


def test_reports_read_well_in_80_columns(tic_tac_toe, connect_four):
    for report in (tic_tac_toe, connect_four):
        text = report_text(report)
        assert max(map(len, text.splitlines())) <= 80
        assert "player_1" in text and "moving" in text
    assert "optimal moves" in report_text(tic_tac_toe) and "labelled positions" in report_text(connect_four)
    assert "begin with up to 2 random moves, which can lose by themselves" in report_text(tic_tac_toe)


def test_reports_are_plain_json(tic_tac_toe, connect_four):
    for report in (tic_tac_toe, connect_four):
        assert json.loads(json.dumps(report)) == report


def test_an_evaluation_says_which_policy_was_used(tmp_path, tic_tac_toe):
    run = untrained_run(tmp_path / "run", "matching_pennies", algorithm="dqn")
    for report, policy in ((tic_tac_toe, "greedy"), (evaluate_run(run.path), "sampled")):
        assert report["policy"] == policy and report_text(report).startswith(f"policy: {policy}\n")
    assert evaluate_run(run.path, policy="greedy")["policy"] == "greedy"
    with pytest.raises(InputError, match="policy = 'mode': choose greedy, sampled"):
        evaluate_run(run.path, policy="mode")


def test_bad_input_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a run folder"):
        evaluate_run(tmp_path)
    run = untrained_run(tmp_path / "run")
    with pytest.raises(InputError, match="num_games = 7"):
        evaluate_run(run.path, games=7)
    (run.checkpoints()[-1] / "manifest.json").unlink()
    with pytest.raises(InputError, match="is damaged"):
        evaluate_run(run.path)


class TestStrength:
    def agents(self, environment):
        return build_agents(small_config(environment))

    def test_moves_are_those_of_the_greedy_policy_at_the_agents_own_seat(self):
        for agent in self.agents("tic_tac_toe"):
            moves = greedy_moves(agent, TIC_TAC_TOE, exact.positions().boards(agent.seat))
            assert exact.positions().legal[np.arange(exact.NUM_POSITIONS), moves].all()
            assert assess_tic_tac_toe(agent, TIC_TAC_TOE)["optimal"] == exact.evaluate(moves).optimal_share

    def test_measures_tic_tac_toe_exactly(self):
        environment, agents = environment_settings("tic_tac_toe"), self.agents("tic_tac_toe")
        measured = Strength(environment, agents).report()
        assert list(measured) == ["player_1", "player_2"]
        for agent in agents:
            assert [*measured[agent.name]] == ["optimal", "losing_first", "losing_second", "exact"]
            assert measured[agent.name] == assess_tic_tac_toe(agent, TIC_TAC_TOE)

    def test_measures_connect_four_in_labelled_positions_and_against_random_play(self):
        environment, agents = environment_settings("connect_four"), self.agents("connect_four")
        strength = Strength(environment, agents, num_games=100)
        measured = strength.report()
        for agent in agents:
            values = dict(measured[agent.name])
            matches = values.pop("random")
            for turn in ("random_first", "random_second"):
                assert matches[turn]["games"] == 50 and values.pop(turn) == matches[turn]["win_rate"]
            assert [*values] == ["good", "perfect", "positions"]
            assert values == assess_connect_four(agent, CONNECT_FOUR)
        assert max(map(len, strength.text(measured).splitlines())) <= 80
        for name, values in strength.measured().items():  # without what a row of metrics.csv has no room for
            assert {*values} == {*environment.measures, "random"}
            assert all(values[kind] == measured[name][kind] for kind in ("good", "perfect"))

    def test_measures_other_games_against_random_play(self):
        strength = Strength(environment_settings("3x3x3"), self.agents("3x3x3"), num_games=100)
        measured = strength.report()
        assert set(measured) == {"player_1", "player_2"}
        for values in measured.values():
            assert {*values} == {"random_first", "random_second", "random"}
            assert all(0 <= values[name] <= 1 for name in ("random_first", "random_second"))
        assert max(map(len, strength.text(measured).splitlines())) <= 80

    @pytest.mark.parametrize("name", ["tic_tac_toe", "connect_four", "5x5x4", "4x4x3-gravity"])
    def test_every_measure_of_an_environment_is_measured(self, name):
        environment = environment_settings(name)
        for values in Strength(environment, self.agents(name), num_games=2).report().values():
            assert {*environment.measures} <= {*values}
            assert json.loads(json.dumps(values)) == values

    def test_labelled_positions_take_well_under_a_second(self):
        [agent, _] = self.agents("connect_four")
        assess_connect_four(agent, CONNECT_FOUR)
        began = time.perf_counter()
        assess_connect_four(agent, CONNECT_FOUR)
        assert time.perf_counter() - began < 2  # measured: 0.15 s
