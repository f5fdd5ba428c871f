"""Settings: what they are, what they refuse, and what becomes of them in a run's config.json."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagents import InputError
from imagents.cloud.sagemaker.description import config_of, hyperparameters
from imagents.commands import Train
from imagents.config import (
    DEFAULT_ENVIRONMENT,
    ENVIRONMENTS,
    TrainConfig,
    environment_class,
    environment_settings,
    load_config,
)
from imagents.environments.boards.settings import BoardSettings
from imagents.flags import parse_training
from imagents.settings import A2C, ALGORITHMS, Learning, QLearning, Training, settings_of

NAMES = [name for name in ENVIRONMENTS if name != "ROWSxCOLUMNSxK"] + ["5x5x4", "8x8x4-gravity"]
PRESETS = [(name, preset) for name in NAMES for preset in environment_class(name).presets]
FIELDS = TrainConfig().to_dict()
EVERY_SETTING = "environment, preset, algorithm, " + ", ".join(TrainConfig().fields())

every_preset = pytest.mark.parametrize("name, preset", PRESETS)


def refusal(function, *arguments, **keywords):
    """The one sentence of an InputError."""
    with pytest.raises(InputError) as error:
        function(*arguments, **keywords)
    assert type(error.value) is InputError and "\n" not in str(error.value)
    return str(error.value)


# What a training cannot have


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("preset", "huge", "tic_tac_toe has the presets default, perfect"),
        ("preset", ["default"], "tic_tac_toe has the presets default, perfect"),
        ("seed", -1, "at least 0 is needed"),
        ("steps", 0, "a budget is more than 0"),
        ("steps", -5, "a budget is more than 0"),
        ("minutes", 0.0, "a budget is more than 0"),
        ("minutes", -1.5, "a budget is more than 0"),
        ("minutes", math.inf, "a budget is more than 0"),
        ("minutes", math.nan, "a budget is more than 0"),
        ("algorithm", "sarsa", "choose dqn, double_dqn, c51, tabular, drqn, ppo, a2c, reinforce, recurrent_ppo"),
        ("hidden_layers", (64, 0), "a layer has at least 1 unit"),
        ("learning_rate", 0.0, "a learning rate is more than 0"),
        ("learning_rate", math.inf, "a learning rate is more than 0"),
        ("final_learning_rate", -1e-3, "a learning rate is more than 0"),
        ("final_learning_rate", math.nan, "a learning rate is more than 0"),
        ("discount", 1.01, "0 to 1 is needed"),
        ("discount", math.nan, "0 to 1 is needed"),
        ("target_update_period", 0, "at least 1 is needed"),
        ("target_update_tau", -0.1, "0 to 1 is needed"),
        ("parallel_games", 0, "at least 1 is needed"),
        ("batch_size", -5, "at least 1 is needed"),
        ("train_steps_per_round", -1, "at least 0 is needed"),
        ("warmup_rounds", 1, "at least 2 is needed"),
        ("replay_length", 1, "at least 2 is needed"),
        ("epsilon_min", -0.1, "0 to 1 is needed"),
        ("epsilon_max", 1.1, "0 to 1 is needed"),
        ("epsilon_max", 0.01, "it is not below epsilon_min = 0.05"),
        ("first_mover", "black", "choose random, seat_0, seat_1, alternate"),
        ("opening_plies", -1, "tic_tac_toe takes 0 to 8"),
        ("opening_plies", 9, "tic_tac_toe takes 0 to 8"),
        ("reward_win", math.inf, "a reward is a finite number"),
        ("reward_loss", -math.inf, "a reward is a finite number"),
        ("reward_draw", math.nan, "a reward is a finite number"),
        ("reward_illegal", math.nan, "a reward is a finite number"),
        ("symmetry", "all", "choose none, mirror"),
        ("rounds_per_chunk", 0, "at least 1 is needed"),
        ("evaluate_every", 0, "at least 1 is needed"),
        ("league_size", 0, "at least 1 is needed"),
        ("league_win_rate", 1.5, "0 to 1 is needed"),
        ("snapshots", -1, "at least 0 is needed"),
        ("checkpoint_minutes", 0.0, "more than 0 is needed"),
        ("checkpoint_minutes", math.nan, "more than 0 is needed"),
        ("execution", "fast", "choose xla, graph, eager"),
    ],
)
def test_a_value_that_no_training_can_have_is_refused(name, value, needed):
    shown = 0 if name == "hidden_layers" else value  # the width that does not fit
    assert refusal(TrainConfig, **{name: value}) == f"{name} = {shown!r}: {needed}"


@pytest.mark.parametrize("name", ["chess", "5x5", "5x5x4-", ""])
def test_an_environment_that_does_not_exist_is_refused_with_the_names_of_those_there_are(name):
    assert refusal(TrainConfig, name) == (
        f"unknown environment {name!r}: choose one of {', '.join(ENVIRONMENTS)}, such as 5x5x4, or "
        "8x8x4-gravity if stones fall, one of another package, such as gymnasium:CartPole-v1, or your own "
        "MODULE:FUNCTION"
    )


def test_mirror_images_need_layers_of_an_even_width():
    assert TrainConfig(symmetry="mirror", hidden_layers=(64, 2)).algorithm.hidden_layers == (64, 2)
    sentence = "hidden_layers = 63: with symmetry mirror, a layer has an even width"
    assert refusal(TrainConfig, symmetry="mirror", hidden_layers=(64, 63)) == sentence


HUGE = f"1{'0' * 154} ... {'0' * 40}"  # 10**400, as a message quotes it


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("seed", "1", "seed = '1': int is needed"),
        ("seed", 1.0, "seed = 1.0: int is needed"),
        ("seed", True, "seed = True: int is needed"),
        ("seed", None, "seed = None: int is needed"),
        ("seed", 2**63, f"seed = {2**63}: a whole number of at most 64 bits is needed"),
        ("steps", 2e6, "steps = 2000000.0: int is needed"),
        ("steps", 10**400, f"steps = {HUGE}: a whole number of at most 64 bits is needed"),
        ("minutes", "5", "minutes = '5': int or float is needed"),
        ("reward_win", 10**400, f"reward_win = {HUGE}: a whole number of at most 64 bits is needed"),
        ("learning_rate", [1e-3], "learning_rate = [0.001]: int or float is needed"),
        ("environment", 3, "environment = 3: str is needed"),
        ("opponent", None, "opponent = None: str is needed"),
        ("algorithm", ["dqn"], "algorithm = ['dqn']: str is needed"),
        ("hidden_layers", 128, "hidden_layers = 128: list or tuple is needed"),
        ("hidden_layers", "128", "hidden_layers = '128': list or tuple is needed"),
        ("hidden_layers", [64, "64"], "hidden_layers = '64': int is needed"),
        ("hidden_layers", [64, 64.0], "hidden_layers = 64.0: int is needed"),
        ("hidden_layers", [[64]], "hidden_layers = [64]: int is needed"),
    ],
)
def test_a_value_of_another_type_is_refused_before_a_run_writes_it_down(name, value, sentence):
    assert refusal(TrainConfig, **{name: value}) == sentence


def test_an_unknown_setting_is_refused_with_the_names_of_those_there_are():
    sentence = refusal(TrainConfig, seed=1, sead=2)
    assert sentence == f"unknown setting 'sead': the settings are {EVERY_SETTING}"


@pytest.mark.parametrize("old, new, value", [("game", "environment", "connect_four"), ("plies", "steps", 500)])
def test_a_setting_that_was_called_otherwise_is_refused_with_its_new_name(old, new, value):
    assert refusal(TrainConfig, **{old: value}) == f"unknown setting {old!r}: it is called {new} now"


def test_whole_numbers_serve_where_a_fraction_could_stand():
    config = TrainConfig(minutes=5, reward_win=2, discount=1, learning_rate=1)
    assert (config.training.minutes, config.environment.reward_win, config.algorithm.discount) == (5, 2, 1)


@pytest.mark.parametrize(
    "settings, plain",
    [
        ({"seed": np.int64(7), "steps": np.int32(500), "parallel_games": np.uint8(16)},
         {"seed": 7, "steps": 500, "parallel_games": 16}),
        ({"learning_rate": np.float32(0.5), "discount": np.float64(0.9), "minutes": np.float16(2.5)},
         {"learning_rate": 0.5, "discount": 0.9, "minutes": 2.5}),
        ({"hidden_layers": np.array([8, 4]), "opponent": np.str_("random")},
         {"hidden_layers": (8, 4), "opponent": "random"}),
        ({"hidden_layers": (np.int64(8), 4), "batch_size": np.array(32)}, {"hidden_layers": (8, 4), "batch_size": 32}),
    ],
)  # fmt: skip
def test_numbers_of_numpy_are_taken_as_pythons_own(settings, plain):
    config = TrainConfig(**settings)
    assert config == TrainConfig(**plain)
    assert TrainConfig().replace(**settings) == TrainConfig().replace(**plain)
    assert json.loads(json.dumps(config.to_dict())) == TrainConfig(**plain).to_dict()


@pytest.mark.parametrize("value", [np.bool_(True), np.float64(1.0), np.array([1]), np.int64(-1), np.str_("1")])
def test_what_python_could_not_say_numpy_cannot_either(value):
    assert refusal(TrainConfig, seed=value).startswith("seed = ")


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=3)
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(["preset", *FIELDS]), values, min_size=1, max_size=3))
def test_any_values_make_a_config_that_survives_json_or_one_sentence_that_names_a_setting(changes):
    try:
        config = TrainConfig(**changes)
    except InputError as error:
        assert type(error) is InputError and "\n" not in str(error)
        assert str(error).split(" = ")[0] in {"preset", *FIELDS} or str(error).startswith("unknown environment ")
    else:
        assert TrainConfig(**json.loads(json.dumps(config.to_dict(), allow_nan=False))) == config


# Three parts, flat at every edge


def test_no_setting_is_in_two_parts():
    """Which would be told apart by nobody who writes them flat."""
    for name in NAMES:
        for algorithm in set(ALGORITHMS.values()):
            parts = [settings_of(part) for part in (environment_class(name), algorithm, Training)]
            for one, other in itertools.combinations(parts, 2):
                assert not one.keys() & other.keys()
            assert not {"environment", "algorithm", "preset", "name"} & {*parts[0], *parts[1], *parts[2]}


def test_every_setting_is_in_its_part():
    config = TrainConfig("connect_four", opening_plies=3, algorithm="double_dqn", discount=0.5, seed=7)
    assert (config.environment.name, config.environment.opening_plies) == ("connect_four", 3)
    assert (config.algorithm.name, config.algorithm.discount, config.training.seed) == ("double_dqn", 0.5, 7)
    flat = config.to_dict()
    assert set(flat) == {"environment", "algorithm", *config.fields()}
    assert (flat["environment"], flat["opening_plies"], flat["seed"]) == ("connect_four", 3, 7)
    assert (flat["algorithm"], flat["discount"]) == ("double_dqn", 0.5)


@every_preset
def test_settings_come_back_from_json_as_they_were(name, preset):
    layers = {"algorithm": "dqn", "hidden_layers": [6]}
    for changes in ({}, layers | {"seed": 3, "minutes": 0.5}, {"algorithm": "double_dqn", "steps": 7}):
        config = TrainConfig(name, preset, **changes)
        again = TrainConfig(**json.loads(json.dumps(config.to_dict(), allow_nan=False)))
        assert again == config and again.to_dict() == config.to_dict()
        assert not changes or type(again.algorithm.hidden_layers) is tuple


def test_settings_cannot_be_changed_in_place():
    for part in (TrainConfig(), TrainConfig().environment, TrainConfig().algorithm, TrainConfig().training):
        with pytest.raises(dataclasses.FrozenInstanceError):
            part.seed = 1
    assert hash(TrainConfig(hidden_layers=[2, 4])) == hash(TrainConfig(hidden_layers=(2, 4)))


def test_settings_are_replaced_in_a_copy():
    config = TrainConfig("connect_four", "quick", seed=1)
    other = config.replace(seed=2, features="stones")
    assert other.to_dict() == config.to_dict() | {"seed": 2, "features": "stones"}
    assert config.training.seed == 1
    assert config.replace(steps=5).training.minutes == config.training.minutes  # the other half of a budget stays
    assert refusal(config.replace, sead=2).startswith("unknown setting 'sead'")


def test_agents_and_measures_follow_from_the_settings():
    assert TrainConfig().agent_names == ["player_1", "player_2"]
    assert TrainConfig(opponent="random").agent_names == TrainConfig(opponent="league").agent_names == ["player_1"]
    measures = TrainConfig("connect_four").measures()
    assert list(measures) == ["good", "perfect", "random_first", "random_second"]
    assert measures["good"]["kind"] == "share" and json.loads(json.dumps(measures)) == measures


@pytest.mark.parametrize("name", [name for name in NAMES if issubclass(environment_class(name), BoardSettings)])
def test_a_boards_face_is_found_by_its_name_and_by_its_rules(name):
    face = environment_settings(name)
    assert face.name == face.game.name == face.grid.name == name
    assert environment_settings(face) is face and environment_settings(face.game) == face


# Presets


def test_the_default_is_the_default_preset_of_the_default_environment():
    config = TrainConfig()
    assert config == TrainConfig(DEFAULT_ENVIRONMENT, "default") == TrainConfig("tic_tac_toe", preset="default")
    assert (config.environment.features, config.environment.opening_plies) == ("lines", 8)
    assert (config.algorithm.epsilon_min, config.algorithm.epsilon_max) == (0.05, 0.5)
    assert (config.training.steps, config.training.minutes) == (16_000_000, None)


@every_preset
def test_a_preset_is_applied_wherever_it_is_named(name, preset):
    """In Python, on the command line, and in the text of a SageMaker job."""
    config, changes = TrainConfig(name, preset), environment_class(name).presets[preset]
    flat = config.to_dict()
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in changes.items()}
    assert {key: flat[key] for key in changes} == plain
    fields = config.fields() | {"algorithm": None}
    rest = {key: value.default for key, value in fields.items() if value and key not in {*changes, "steps", "minutes"}}
    assert {key: tuple(x) if isinstance(x := flat[key], list) else x for key in rest} == rest
    given_settings, _ = parse_training("test", ["--environment", name, "--preset", preset], Train)
    assert TrainConfig(**given_settings) == config
    assert config_of({"environment": name, "preset": preset}) == config
    assert config_of({key: str(value) for key, value in hyperparameters(config).items()}) == config


def test_other_settings_override_those_of_a_preset():
    config = TrainConfig("connect_four", "strong", algorithm="dqn", hidden_layers=(4,))
    assert (config.algorithm.name, config.algorithm.hidden_layers) == ("dqn", (4,))
    arguments = "--environment connect_four --preset strong --algorithm dqn --hidden-layers 4".split()
    given_settings, _ = parse_training("test", arguments, Train)
    assert TrainConfig(**given_settings) == config


@every_preset
def test_a_budget_of_ones_own_replaces_the_presets(name, preset):
    preset_budget = {"steps": None, "minutes": None} | environment_class(name).presets[preset]
    for own in ({"steps": 5}, {"minutes": 0.5}, {"steps": 5, "minutes": 0.5}, {"steps": None, "minutes": 2}):
        budget = {"steps": None, "minutes": None} | own
        training = TrainConfig(name, preset, **own).training
        assert {key: getattr(training, key) for key in budget} == budget
    for none in ({}, {"steps": None}, {"steps": None, "minutes": None}):  # every training ends
        training = TrainConfig(name, preset, **none).training
        assert [training.steps, training.minutes] == [preset_budget["steps"], preset_budget["minutes"]] != [None, None]


def test_an_algorithm_begins_with_the_preset_of_its_name():
    assert TrainConfig("cartpole", algorithm="ppo") == TrainConfig("cartpole", "ppo")
    assert TrainConfig("cartpole", algorithm="ppo", epochs=3) == TrainConfig("cartpole", "ppo", epochs=3)


def test_what_a_preset_says_of_one_kind_of_learning_is_not_said_of_another():
    assert TrainConfig("kuhn_poker").algorithm.learning_rate == 0.02  # of a table
    networks = TrainConfig("kuhn_poker", algorithm="dqn").algorithm
    assert (networks.learning_rate, networks.exploration) == (QLearning.learning_rate, "boltzmann")
    config = TrainConfig("cartpole", algorithm="a2c")
    assert config.algorithm == A2C(discount=0.99)  # what lies ahead is worth the same to both
    assert config.training == TrainConfig("cartpole").training
    assert TrainConfig("cartpole", "ppo", algorithm="dqn").algorithm == QLearning(discount=0.98)


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"seed": 3, "minutes": 0.5},
        {"algorithm": "dqn", "discount": QLearning.discount, "features": BoardSettings.features},  # as without a preset
        {"opening_plies": 0, "hidden_layers": (8,), "execution": "graph", "steps": 2500},
    ],
)
@every_preset
def test_python_and_the_command_line_make_the_same_of_a_preset_and_own_settings(name, preset, own):
    known = TrainConfig(name, preset, **{key: own[key] for key in own if key == "algorithm"}).fields()
    own = {key: value for key, value in own.items() if key in {"algorithm", *known}}  # boards have some alone
    if environment_class(name).presets[preset].get("algorithm", "dqn") != "dqn":  # a test above is about these
        own.pop("algorithm", None)
    arguments = ["--environment", name, "--preset", preset]
    for key, value in own.items():
        arguments += ["--" + key.replace("_", "-"), *map(str, value if isinstance(value, tuple) else [value])]
    given_settings, _ = parse_training("test", arguments, Train)
    config = TrainConfig(environment=name, preset=preset, **own)
    assert TrainConfig(**given_settings) == config
    expected = environment_class(name).presets[preset] | own
    expected |= {key: own.get(key) for key in ("steps", "minutes") if {"steps", "minutes"} & {*own}}
    assert {key: tuple(x) if isinstance(x := config.to_dict()[key], list) else x for key in expected} == expected


@every_preset
def test_a_config_that_is_there_does_not_take_a_presets_name_without_its_values(name, preset):
    for config in (TrainConfig(name), TrainConfig(hidden_layers=(6,))):
        sentence = refusal(config.replace, preset=preset, seed=1)
        assert sentence.startswith(f"preset = {preset!r}: a config begins with a preset, as in TrainConfig(")


def test_an_unknown_preset_is_refused():
    assert refusal(TrainConfig, "connect_four", "tiny") == (
        "preset = 'tiny': connect_four has the presets default, quick, strong"
    )
    assert refusal(TrainConfig, "5x5x4", "strong") == "preset = 'strong': 5x5x4 has the presets default"


# A run's config.json


def test_a_runs_settings_are_read_from_its_config(tmp_path):
    config = TrainConfig("connect_four")
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict() | {"versions": {"imagents": "0.1.0"}}))
    assert load_config(tmp_path) == load_config(str(tmp_path)) == config


FIRST_VERSION = {  # config.json as version 0.1.0 wrote it
    "game": "connect_four", "preset": "quick", "seed": 5, "plies": 60, "minutes": None,
    "opponent": "league", "league_size": 4, "league_win_rate": 0.7, "algorithm": "c51",
    "features": "lines", "symmetry": "mirror", "hidden_layers": [8, 4], "learning_rate": 0.002,
    "final_learning_rate": 0.0001, "discount": 0.9, "target_update_period": 10, "target_update_tau": 0.5,
    "parallel_games": 16, "batch_size": 8, "train_steps_per_round": 2, "warmup_rounds": 3, "replay_length": 5,
    "epsilon_min": 0.1, "epsilon_max": 0.1, "first_mover": "alternate", "opening_plies": 0,
    "reward_win": 2.0, "reward_loss": -2.0, "reward_draw": 0.5, "reward_illegal": -3.0,
    "rounds_per_chunk": 2, "evaluate_every": 4, "checkpoint_minutes": 0.5, "snapshots": 3, "execution": "eager",
    "versions": {"imagents": "0.1.0", "tensorflow": "2.19.1"},
}  # fmt: skip


def test_a_runs_settings_of_version_0_1_0_get_their_present_names(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(FIRST_VERSION))
    config = load_config(tmp_path)
    renamed = {"environment": "connect_four", "steps": 60} | FIRST_VERSION
    expected = {name: value for name, value in renamed.items() if name not in ("game", "plies", "preset", "versions")}
    new = {"loss": "huber", "n_step": 1, "players": [], "agents": "", "share_weights": False, "limits_are_ends": False,
           "record_every": 0, "track": ""}  # fmt: skip
    new |= {name: field.default for name, field in settings_of(Learning).items() if name != "discount"}
    assert config.to_dict() == expected | new  # and nothing of a preset: it held every setting
    assert (config.environment.opening_plies, config.training.minutes) == (0, None)


def test_a_preset_says_nothing_to_an_algorithm_that_lacks_its_settings():
    config = TrainConfig("tic_tac_toe", algorithm="tabular", opening_plies=2)
    assert "batch_size" in config.environment.presets["default"] and "batch_size" not in config.to_dict()
    assert (config.training.steps, config.environment.features) == (16_000_000, "lines")
    assert TrainConfig(**config.to_dict()) == config
    sentence = refusal(TrainConfig, "tic_tac_toe", algorithm="tabular", batch_size=8)
    assert sentence.startswith("unknown setting 'batch_size': the settings are environment, preset, algorithm, ")


@pytest.mark.parametrize(
    "settings, sentence",
    [
        (dict(exploration_start=1.5), "exploration_start = 1.5: 0 to 1 is needed"),
        (dict(exploration="boltzmann"), "exploration_start = 0.0: a temperature is more than 0"),
        (dict(exploration="boltzmann", exploration_start=5e3, exploration_end=6e3),
         "exploration_end = 6000.0: it is not above exploration_start = 5000.0"),
        (dict(exploration_decay=1.1), "exploration_decay = 1.1: 0 to 1 is needed"),
        (dict(hysteretic=-0.1), "hysteretic = -0.1: 0 to 1 is needed"),
        (dict(lenient_temperature=float("inf")), "lenient_temperature = inf: at least 0 is needed"),
        (dict(algorithm="c51", distributed=True), "algorithm = 'c51': it learns distributions, and hysteretic, "
         "distributed and lenient learning are about single values"),
        (dict(algorithm="tabular", learning_rate=2.0), "learning_rate = 2.0: more than 0 and at most 1 is needed"),
    ],
)  # fmt: skip
def test_what_no_learner_can_do_is_one_sentence(settings, sentence):
    assert refusal(TrainConfig, **settings) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "is damaged: Expecting value: line 1 column 1 (char 0)"),
        (b'{"seed": 1', "is damaged: Expecting ',' delimiter: line 1 column 11 (char 10)"),
        (b'{"seed": 1}}', "is damaged: Extra data: line 1 column 12 (char 11)"),
        (b"\x00" * 100, "is damaged: Expecting value: line 1 column 1 (char 0)"),
        (b'{"seed": "\xff"}', "is damaged: 'utf-8' codec can't decode byte 0xff in position 10: invalid start byte"),
        (b"[]", "does not fit: it holds a list, not settings by their names"),
        (b"null", "does not fit: it holds a NoneType, not settings by their names"),
        (b'{"seed": "one"}', "does not fit: seed = 'one': int is needed"),
        (b'{"hidden_layers": ["wide"]}', "does not fit: hidden_layers = 'wide': int is needed"),
        (b'{"discount": NaN}', "does not fit: discount = nan: 0 to 1 is needed"),
        (b'{"reward_win": 1e999}', "does not fit: reward_win = inf: a reward is a finite number"),
        (b'{"game": "chess"}', f"does not fit: unknown environment 'chess': choose one of {', '.join(ENVIRONMENTS)}, "
                               "such as 5x5x4, or 8x8x4-gravity if stones fall, one of another package, such as "
                               "gymnasium:CartPole-v1, or your own MODULE:FUNCTION"),
        (b'{"plies": 5}', "does not fit: unknown setting 'plies': it is called steps now"),
        (b'{"environment": []}', "does not fit: environment = []: str is needed"),
        (b'{"batch_size": 0}', "does not fit: batch_size = 0: at least 1 is needed"),
        (b'{"pace": 9}', f"does not fit: unknown setting 'pace': the settings are {EVERY_SETTING}"),
    ],
)
def test_a_damaged_config_is_named_in_one_sentence(tmp_path, text, sentence):
    (tmp_path / "config.json").write_bytes(text)
    assert refusal(load_config, tmp_path) == f"{tmp_path / 'config.json'} {sentence}"


def test_json_nested_beyond_reason_is_damage(tmp_path):
    (tmp_path / "config.json").write_text("[" * 100_000)
    assert refusal(load_config, tmp_path).startswith(f"{tmp_path / 'config.json'} is damaged: ")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_config_with_any_bytes_flipped_or_cut_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.mkdir(exist_ok=True)
    text = bytearray(json.dumps(TrainConfig().to_dict()), "ascii")
    for index in data.draw(st.lists(st.integers(0, len(text) - 1), max_size=3)):
        text[index] = data.draw(st.integers(0, 255))
    (path / "config.json").write_bytes(text[: data.draw(st.integers(0, len(text)))])
    try:
        assert isinstance(load_config(path), TrainConfig)
    except InputError as error:
        assert str(error).startswith(f"{path / 'config.json'} ")
        assert "\n" not in str(error)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        assert refusal(load_config, folder) == f"{folder} is not a run folder: it has no config.json"
    (tmp_path / "file").write_text("")
    assert refusal(load_config, tmp_path / "file").startswith(f"{tmp_path / 'file'} is not a run folder")


def test_a_config_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "config.json").mkdir()
    assert refusal(load_config, tmp_path) == f"{tmp_path / 'config.json'} cannot be read: Is a directory"


# An algorithm of one's own for an agent


def test_each_seat_can_have_an_algorithm_and_settings_of_its_own():
    own = {"player_2.learning_rate": 1e-3, "player_1.discount": 0.5}
    config = TrainConfig("kuhn_poker", algorithms=["dqn", "ppo"], **own)
    assert config.algorithm_of("player_1") == dataclasses.replace(config.algorithm, discount=0.5)
    preset = TrainConfig("kuhn_poker", algorithm="ppo").algorithm
    assert config.algorithm_of("player_2") == dataclasses.replace(preset, learning_rate=1e-3)
    assert TrainConfig("kuhn_poker").algorithm_of("player_2") == TrainConfig("kuhn_poker").algorithm


def test_what_single_agents_have_of_their_own_is_the_same_in_python_json_and_words():
    words = "--environment kuhn_poker --algorithms dqn ppo --player-1.hidden-layers 8 8 --player-2.epochs=3 --seed 3"
    config = TrainConfig(
        "kuhn_poker", algorithms=("dqn", "ppo"), seed=3, **{"player_1.hidden_layers": [8, 8], "player_2.epochs": 3}
    )
    given_settings, _ = parse_training("test", words.split(), Train)
    assert TrainConfig(**given_settings) == config
    assert TrainConfig(**json.loads(json.dumps(config.to_dict()))) == config
    assert config_of({name: str(value) for name, value in hyperparameters(config).items()}) == config
    assert config.with_copies(1).algorithm_of("player_1").replay_length == 2


def test_one_copy_of_an_agent_has_room_for_a_window():
    assert TrainConfig("cartpole", algorithm="drqn").with_copies(1).algorithm.replay_length == 16


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"player_3.discount": 0.5}, "'player_3': no agent that learns has that name: there are player_1, player_2"),
        ({"player_2.epochs": 1}, "player_2.epochs = 1: tabular has the settings motivation,"),
        ({"player_2.discount": "x"}, "player_2.discount = 'x': int or float is needed"),
        ({"player_2.discount": 2.0}, "player_2.discount = 2.0: 0 to 1 is needed"),
        ({"player_2.algorithm": "sarsa"}, "player_2.algorithm = 'sarsa': choose dqn,"),
        ({"algorithm": "reinforce", "longest_life": 0}, "longest_life = 0: at least 1 is needed"),
        ({"algorithms": ["dqn", "ppo", "a2c"]}, "'player_3': no agent that learns has that name"),
        ({"algorithms": ["dqn"], "algorithm": "ppo"}, r"algorithms = \['dqn'\]: they stand for algorithm"),
    ],
)
def test_what_no_agent_can_have_is_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        TrainConfig("kuhn_poker", **settings)
