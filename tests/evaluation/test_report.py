"""What is measured of a run's agents: exact numbers, labelled positions, matches; in training and on demand."""

import importlib.util
import json
import time

import numpy as np
import pytest
import tensorflow as tf

from imagents.config import TrainConfig
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.strength import Strength, exact_report, greedy_moves, positions_report
from imagents.environments.boards.tic_tac_toe import exact
from imagents.environments.boards.tic_tac_toe.exact import positions
from imagents.evaluation.matches import Arena
from imagents.evaluation.report import OPPONENTS, evaluate_run, report_text
from imagents.players.base import RandomPlayer
from imagents.players.frozen import PolicyPlayer
from imagents.runs.run import Run
from imagents.training.loop import build

SETTINGS = dict(parallel_games=8, batch_size=8, hidden_layers=(16,), execution="eager")
has_solver = importlib.util.find_spec("bitbully") is not None


def make_run(path, game) -> Run:
    config = TrainConfig(game=game, **SETTINGS)
    run = Run.create(path, config)
    run.save(tf.train.Checkpoint(trainer=build(config)), 0, 0.0)
    return run


@pytest.fixture(scope="module")
def tic_tac_toe(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "tic_tac_toe"
    return evaluate_run(make_run(path, "tic_tac_toe").path, games=100)


@pytest.fixture(scope="module")
def connect_four(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "connect_four"
    return evaluate_run(make_run(path, "connect_four").path, games=20, solver_games=2)


def test_tic_tac_toe_is_measured_exactly_and_in_matches(tic_tac_toe):
    assert set(tic_tac_toe["agents"]) == {"player_1", "player_2"}
    values = tic_tac_toe["agents"]["player_1"]
    assert 0.3 < values["exact"]["optimal_share"] < 0.9 and not values["exact"]["unbeatable"]
    assert set(values["matches"]) == {"random", "heuristic", "perfect", "player_2"}
    assert values["matches"]["random"]["moving_first"]["games"] == 50
    assert values["matches"]["perfect"]["moving_second"]["wins"] == 0
    assert values["matches"]["player_2"]["opening_plies"] == 2  # greedy agents have no chance in them


def test_matches_agree_with_the_exact_numbers():
    agent = build(TrainConfig(**SETTINGS)).agents[1]
    match = Arena(TIC_TAC_TOE, 4000).play(PolicyPlayer(agent.policy, 1, 0, "it"), RandomPlayer(1))
    known = exact_report(agent)
    for record, turn in ((match.moving_first, "first"), (match.moving_second, "second")):
        assert record.win_rate == pytest.approx(known[f"random_{turn}"]["win"], abs=0.04)
        assert record.losses / record.games == pytest.approx(known[f"random_{turn}"]["loss"], abs=0.04)


def test_connect_four_is_measured_in_labelled_positions_and_in_matches(connect_four):
    values = connect_four["agents"]["player_2"]
    assert set(values["positions"]) == set(positions.SETS)
    for quality in values["positions"].values():
        assert 0 <= quality["perfect"] <= quality["good"] <= 1 and quality["positions"] == 1000
    expected = {"random", "heuristic", "minimax:4", "player_1"} | ({"perfect"} if has_solver else set())
    assert set(values["matches"]) == expected
    if has_solver:
        assert values["matches"]["perfect"]["moving_second"]["losses"] == 1


def test_without_the_solver_everything_else_is_measured(tmp_path, monkeypatch):
    monkeypatch.setitem(OPPONENTS, "connect_four", ["first_legal"])
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "bitbully" in name else find(name))
    report = evaluate_run(make_run(tmp_path / "run", "connect_four").path, games=2)
    assert "pip install bitbully" in report["solver"]
    assert set(report["agents"]["player_1"]["matches"]) == {"first_legal", "player_2"}
    assert "pip install bitbully" in report_text(report)


def test_reports_read_well_in_80_columns(tic_tac_toe, connect_four):
    for report in (tic_tac_toe, connect_four):
        text = report_text(report)
        assert max(map(len, text.splitlines())) <= 80
        assert "player_1" in text and "moving" in text
    assert "optimal moves" in report_text(tic_tac_toe) and "labelled positions" in report_text(connect_four)
    assert "begin after 0 to 2 random plies" in report_text(tic_tac_toe)


def test_reports_are_plain_json(tic_tac_toe, connect_four):
    for report in (tic_tac_toe, connect_four):
        assert json.loads(json.dumps(report)) == report


def test_bad_input_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a run folder"):
        evaluate_run(tmp_path)
    run = make_run(tmp_path / "run", "tic_tac_toe")
    with pytest.raises(ValueError, match="num_games = 7"):
        evaluate_run(run.path, games=7)
    (run.checkpoints()[-1] / "manifest.json").unlink()
    with pytest.raises(ValueError, match="is damaged"):
        evaluate_run(run.path)


class TestStrength:
    def agents(self, game):
        return build(TrainConfig(game=game, **SETTINGS)).agents

    def test_moves_are_those_of_the_greedy_policy_at_the_agents_own_seat(self):
        for agent in self.agents("tic_tac_toe"):
            moves = greedy_moves(agent, TIC_TAC_TOE, exact.positions().boards(agent.seat))
            assert exact.positions().legal[np.arange(exact.NUM_POSITIONS), moves].all()
            assert exact_report(agent)["optimal_share"] == exact.evaluate(moves).optimal_share

    def test_logs_tic_tac_toe_exactly(self):
        agents = self.agents("tic_tac_toe")
        measured = Strength(TIC_TAC_TOE, agents).measure()
        assert list(measured) == [
            f"{agent}_{measure}"
            for agent in ("player_1", "player_2")
            for measure in ("optimal", "losing_first", "losing_second")
        ]
        assert measured["player_2_optimal"] == exact_report(agents[1])["optimal_share"]

    def test_logs_connect_four_in_labelled_positions_and_against_random_play(self):
        agents = self.agents("connect_four")
        strength = Strength(CONNECT_FOUR, agents, num_games=100)
        measured = strength.measure()
        assert list(measured)[:4] == [f"player_1_{m}" for m in ("good", "perfect", "random_first", "random_second")]
        assert measured["player_2_good"] == positions_report(agents[1])["mixed"]["good"]
        assert max(map(len, strength.text(strength.report()).splitlines())) <= 80

    def test_logs_other_games_against_random_play(self):
        game = BoardGame("tic_tac_toe_too", 3, 3, 3, gravity=False)
        agents = self.agents("tic_tac_toe")
        measured = Strength(game, agents, num_games=100).measure()
        assert set(measured) == {f"player_{n}_random_{turn}" for n in (1, 2) for turn in ("first", "second")}
        assert all(0 <= value <= 1 for value in measured.values())

    def test_labelled_positions_take_well_under_a_second(self):
        [agent, _] = self.agents("connect_four")
        positions_report(agent)
        began = time.perf_counter()
        positions_report(agent)
        assert time.perf_counter() - began < 2  # measured: 0.15 s
