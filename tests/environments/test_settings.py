"""The faces of environments: what each says of itself holds, and costs no TensorFlow to know."""

import dataclasses
import itertools
import json
import math
import re
import subprocess
import sys
import types
import typing

import numpy as np
import pytest
import tensorflow as tf

from imagents.config import ENVIRONMENTS, TrainConfig, agent_name, environment_class, environment_settings
from imagents.environments import Measure
from imagents.environments.boards.connect_four import solver
from imagents.environments.boards.games import get_game
from imagents.environments.boards.settings import BoardSettings
from imagents.errors import InputError
from imagents.learning.build import build_agents
from imagents.players.names import make_player, player_names
from imagents.seats import num_seats
from imagents.settings import ALGORITHMS, QLearning, Training, settings_of

DESCRIBED = ["5x5x4", "6x5x4-gravity"]  # of ROWSxCOLUMNSxK
LONG = {"foraging", "rooms", "phantom_tic_tac_toe"}  # to measure
NAMES = [name for name in ENVIRONMENTS if name != "ROWSxCOLUMNSxK"] + DESCRIBED
every_environment = pytest.mark.parametrize("name", NAMES)
every_board = pytest.mark.parametrize(
    "name", [name for name in NAMES if issubclass(environment_class(name), BoardSettings)]
)


def test_whoever_knows_them_needs_no_tensorflow():
    """Not to find them, not to configure a training, and not to say what they are."""
    program = """
import sys
from imagents.config import TrainConfig, environment_class, environment_settings
for name in sys.argv[1:]:
    for preset in environment_class(name).presets:
        config = TrainConfig(environment=name, preset=preset)
        config.to_dict(), config.measures(), config.agent_names, config.environment.return_range
    face = environment_settings(name)
    face.tallies, face.opponents, face.slow_opponents, getattr(face, "grid", None)
assert not {"tensorflow", "tf_agents", "matplotlib", "pandas"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, *NAMES], check=True)


@every_environment
def test_its_presets_are_trainings_with_a_budget(name):
    presets = environment_class(name).presets
    assert next(iter(presets)) == "default"
    for preset, values in presets.items():
        config = TrainConfig(environment=name, preset=preset)
        assert (config.training.steps is None) != (config.training.minutes is None)
        assert config == config.replace(**values)
        assert TrainConfig(**config.to_dict()) == config


@every_environment
def test_no_settings_name_occurs_in_two_parts_of_a_config(name):
    for algorithm in set(ALGORITHMS.values()):
        parts = [settings_of(environment_class(name)), settings_of(algorithm), settings_of(Training)]
        names = [*itertools.chain(*parts), *(field.name for field in dataclasses.fields(TrainConfig)), "preset", "name"]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in NAMES])
def test_its_measures_are_what_its_strength_and_its_judge_measure(name):
    """Plain values for JSON, by the names that it gives them."""
    face = environment_settings(name)
    config = TrainConfig(environment=name, algorithm="dqn", hidden_layers=(8,))
    agents = build_agents(config)
    trainer = types.SimpleNamespace(agents=agents, players=agents, environment=face.build(1, 0), execution="graph")
    strength = face.strength(trainer)
    report = strength.report()
    assert list(report) == [agent_name(seat) for seat in range(face.num_seats)] == config.agent_names
    for values in json.loads(json.dumps(report)).values():
        assert set(values) >= set(face.measures)
        for measure, value in ((face.measures[key], values[key]) for key in face.measures):
            assert math.isfinite(value) and (measure.kind != "share" or 0 <= value <= 1)
            assert measure.kind != "count" or value == int(value) >= 0
    if face.judge():
        judged = face.judge().assess(agents[0], face.game)
        assert judged == {key: report["player_1"][key] for key in judged}
        assert "\n" not in face.judge().summary(judged)
        assert max(map(len, face.judge().report_lines(judged))) <= 80
    assert max(map(len, strength.text(report).splitlines())) <= 80


@every_environment
def test_its_measures_can_be_told_apart_and_drawn(name):
    measures = environment_settings(name).measures
    assert measures
    panels = {}
    for key, measure in measures.items():
        assert key.isidentifier() and isinstance(measure, Measure) and measure.title
        assert measure.kind in typing.get_args(typing.get_type_hints(Measure)["kind"])
        assert measure.chance is None or measure.kind != "share" or 0 < measure.chance < 1
        panels.setdefault(measure.title, []).append(measure)
    for panel in panels.values():
        assert len({measure.case for measure in panel}) == len(panel)
        assert len({(measure.kind, measure.chance) for measure in panel}) == 1
    assert len({m.short for m in measures.values() if m.short}) == sum(bool(m.short) for m in measures.values())
    assert TrainConfig(environment=name).measures() == {k: dataclasses.asdict(m) for k, m in measures.items()}


@every_environment
def test_its_opponents_are_players_of_it(name):
    face = environment_settings(name)
    assert not set(face.opponents) & set(face.slow_opponents)
    for opponent in (*face.opponents, *face.slow_opponents):
        kind = opponent.partition(":")[0]
        assert kind in {re.match(r"\w+", known)[0] for known in player_names(name)}
        if opponent in face.opponents or solver.find():
            assert make_player(opponent, name, 1).seat == 1


@every_environment
def test_what_it_builds_is_what_it_says(name):
    face, seed = environment_settings(name), 5
    environment = face.build(3, seed)
    assert environment.batch_size == 3 and getattr(environment, "tallies", ()) == face.tallies
    assert num_seats(environment) == face.num_seats
    again = face.build(3, seed)
    for _ in range(3):
        steps = [tf.nest.flatten(each.reset()) for each in (environment, again)]
        for x, y in zip(*steps, strict=True):
            np.testing.assert_array_equal(x, y)


@every_board
def test_its_rules_are_those_of_its_game(name):
    face = environment_settings(name)
    assert face.game == get_game(name) and dataclasses.asdict(face.grid) == dataclasses.asdict(face.game)


def test_its_settings_are_those_of_what_it_builds():
    settings = dict(first_mover="seat_1", opening_plies=0, reward_win=2.0, reward_loss=-3.0, reward_draw=0.5,
                    reward_illegal=-7.0)  # fmt: skip
    face = TrainConfig(**settings).environment
    assert face.return_range == (-3.0, 2.0)
    environment = face.build(1, 0)
    assert environment.reset().observation["seat"].numpy().tolist() == [1]
    assert environment.step([9]).reward.numpy().tolist() == [[0.0, -7.0]]


@every_board
def test_it_is_found_by_its_rules(name):
    assert environment_settings(get_game(name)) == environment_settings(name)


@every_environment
def test_it_is_found_by_its_name_or_itself(name):
    face = environment_settings(name)
    assert face == environment_class(name)(name=name)
    assert environment_settings(face) is face and face.name == name


def test_the_pattern_of_a_name_is_none():
    with pytest.raises(InputError) as error:
        environment_settings("ROWSxCOLUMNSxK")
    assert str(error.value) == "environment = 'ROWSxCOLUMNSxK': a board is described as ROWSxCOLUMNSxK, such as 5x5x4"


@pytest.mark.parametrize("name", ["chess", "5x5", "", "tic-tac-toe"])
def test_other_names_are_refused_in_one_sentence(name):
    choice = r"(did you mean tic_tac_toe\? )?choose one of tic_tac_toe, "
    with pytest.raises(InputError, match=f"^unknown environment {name!r}: {choice}") as error:
        environment_settings(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("9x9x5", "a board of 9 rows and 9 columns is not supported: "),
        ("3x3x4", "k = 4 stones in a line do not fit on 3 rows and 3 columns: choose 1 to 3"),
        ("5x5x4-float", "environment = '5x5x4-float': a board is described as ROWSxCOLUMNSxK, such as 5x5x4"),
        ("5x05x4", "environment = '5x05x4': a board is described as ROWSxCOLUMNSxK, such as 5x5x4"),
    ],
)
def test_boards_that_cannot_be_are_refused_in_one_sentence(name, sentence):
    with pytest.raises(InputError, match=f"^{sentence}") as error:
        environment_settings(name)
    assert "\n" not in str(error.value)


def test_a_network_that_does_not_fit_its_board_is_refused():
    assert TrainConfig(symmetry="mirror", hidden_layers=(8, 6)).environment.network()["mirror"] == 3
    with pytest.raises(InputError, match="^hidden_layers = 7: with symmetry mirror, a layer has an even width$"):
        environment_settings("tic_tac_toe").__class__(symmetry="mirror").check(QLearning(hidden_layers=(8, 7)))
