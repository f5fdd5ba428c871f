"""Settings: what they are, what they refuse, and what becomes of them in a run's config.json."""

import dataclasses
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagents.config import TrainConfig, load_config, preset_config, presets

FIELDS = {field.name: field for field in dataclasses.fields(TrainConfig)}
GAMES = ["tic_tac_toe", "connect_four"]


def refusal(function, *arguments, **keywords):
    """The one sentence of a ValueError."""
    with pytest.raises(ValueError) as error:
        function(*arguments, **keywords)
    assert type(error.value) is ValueError and "\n" not in str(error.value)
    return str(error.value)


# What a training cannot have


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("preset", "huge", f"tic_tac_toe has the presets {', '.join(presets('tic_tac_toe'))}"),
        ("seed", -1, "at least 0 is needed"),
        ("plies", 0, "a budget is more than 0"),
        ("plies", -5, "a budget is more than 0"),
        ("minutes", 0.0, "a budget is more than 0"),
        ("minutes", -1.5, "a budget is more than 0"),
        ("minutes", math.inf, "a budget is more than 0"),
        ("minutes", math.nan, "a budget is more than 0"),
        ("algorithm", "ppo", "choose dqn, double_dqn, c51"),
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
        ("epsilon_max", 0.05, "it is not below epsilon_min = 0.1"),
        ("first_mover", "black", "choose random, seat_0, seat_1, alternate"),
        ("opening_plies", -1, "at least 0 is needed"),
        ("reward_win", math.inf, "a reward is a finite number"),
        ("reward_loss", -math.inf, "a reward is a finite number"),
        ("reward_draw", math.nan, "a reward is a finite number"),
        ("reward_illegal", math.nan, "a reward is a finite number"),
        ("symmetry", "all", "choose none, mirror"),
        ("rounds_per_chunk", 0, "at least 1 is needed"),
        ("evaluate_every", 0, "at least 1 is needed"),
        ("checkpoint_minutes", 0.0, "more than 0 is needed"),
        ("checkpoint_minutes", math.nan, "more than 0 is needed"),
        ("execution", "fast", "choose xla, graph, eager"),
    ],
)
def test_a_value_that_no_training_can_have_is_refused(name, value, needed):
    shown = 0 if name == "hidden_layers" else value  # the width that does not fit
    assert refusal(TrainConfig, **{name: value}) == f"{name} = {shown!r}: {needed}"


def test_mirror_images_need_layers_of_an_even_width():
    assert TrainConfig(symmetry="mirror", hidden_layers=(64, 2)).hidden_layers == (64, 2)
    sentence = "hidden_layers = 63: with symmetry mirror, a layer has an even width"
    assert refusal(TrainConfig, symmetry="mirror", hidden_layers=(64, 63)) == sentence


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("seed", "1", "seed = '1': int is needed"),
        ("seed", 1.0, "seed = 1.0: int is needed"),
        ("seed", True, "seed = True: int is needed"),
        ("seed", None, "seed = None: int is needed"),
        ("seed", 2**63, f"seed = {2**63}: a whole number of at most 64 bits is needed"),
        ("plies", 2e6, "plies = 2000000.0: int is needed"),
        ("plies", 10**400, f"plies = {10**400}: a whole number of at most 64 bits is needed"),
        ("minutes", "5", "minutes = '5': int or float is needed"),
        ("reward_win", 10**400, f"reward_win = {10**400}: a whole number of at most 64 bits is needed"),
        ("learning_rate", [1e-3], "learning_rate = [0.001]: int or float is needed"),
        ("game", 3, "game = 3: str is needed"),
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
    assert refusal(TrainConfig.from_dict, {name: value}) == sentence


def test_an_unknown_setting_is_refused_with_the_names_of_those_there_are():
    sentence = refusal(TrainConfig.from_dict, {"seed": 1, "sead": 2})
    assert sentence == f"unknown setting 'sead': the settings are {', '.join(FIELDS)}"


def test_whole_numbers_serve_where_a_fraction_could_stand():
    config = TrainConfig(minutes=5, reward_win=2, discount=1, learning_rate=1)
    assert (config.minutes, config.reward_win, config.discount) == (5, 2, 1)


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=3)
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(list(FIELDS)), values, min_size=1, max_size=3))
def test_any_values_make_a_config_that_survives_json_or_one_sentence_that_names_a_field(changes):
    try:
        config = TrainConfig.from_dict(changes)
    except ValueError as error:
        assert type(error) is ValueError and "\n" not in str(error)
        assert str(error).split(" = ")[0] in FIELDS
    else:
        assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict(), allow_nan=False))) == config


# Dictionaries and presets


@pytest.mark.parametrize("config", [TrainConfig(), *map(preset_config, GAMES), TrainConfig(seed=3, hidden_layers=[7])])
def test_settings_come_back_from_json_as_they_were(config):
    text = json.dumps(config.to_dict())
    assert list(json.loads(text)) == list(FIELDS)
    again = TrainConfig.from_dict(json.loads(text))
    assert again == config and again.hidden_layers == tuple(config.hidden_layers)


def test_settings_left_out_have_their_defaults():
    assert TrainConfig.from_dict({}) == TrainConfig()
    assert TrainConfig.from_dict({"seed": 4}) == TrainConfig(seed=4)


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().seed = 1
    assert hash(TrainConfig(hidden_layers=[1, 2])) == hash(TrainConfig(hidden_layers=(1, 2)))


@pytest.mark.parametrize("game", GAMES)
def test_a_preset_changes_what_it_says_and_leaves_the_budget_open(game):
    for name, changes in presets(game).items():
        config = preset_config(game, name)
        assert (config.game, config.preset, config.plies, config.minutes) == (game, name, None, None)
        differences = {key: value for key, value in vars(config).items() if value != getattr(TrainConfig(), key)}
        budget = {"plies", "minutes"}
        expected = {key: value for key, value in changes.items() if key not in budget} | {"game": game, "preset": name}
        assert differences == {key: value for key, value in expected.items() if value != getattr(TrainConfig(), key)}
        assert len(budget & set(changes)) == 1


@pytest.mark.parametrize("game", [*GAMES, "a_game_of_your_own"])
def test_a_run_without_a_budget_has_the_presets(game):
    budget = {"plies": None, "minutes": None} | presets(game)["default"]
    config = preset_config(game).with_budget()
    assert (config.plies, config.minutes) == (budget["plies"], budget["minutes"])
    assert config.plies or config.minutes
    assert config.with_budget() == config


def test_a_budget_of_ones_own_replaces_the_presets():
    for own in ({"plies": 5}, {"minutes": 0.5}, {"plies": 5, "minutes": 0.5}):
        config = TrainConfig(**own)
        assert config.with_budget() == config


def test_an_unknown_preset_is_refused():
    assert refusal(preset_config, "connect_four", "tiny") == (
        f"preset = 'tiny': connect_four has the presets {', '.join(presets('connect_four'))}"
    )


# A run's config.json


def test_a_runs_settings_are_read_from_its_config(tmp_path):
    config = preset_config("connect_four")
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict() | {"versions": {"imagents": "0.1.0"}}))
    assert load_config(tmp_path) == load_config(str(tmp_path)) == config


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "is damaged: Expecting value: line 1 column 1 (char 0)"),
        (b'{"seed": 1', "is damaged: Expecting ',' delimiter: line 1 column 11 (char 10)"),
        (b'{"seed": 1}}', "is damaged: Extra data: line 1 column 12 (char 11)"),
        (b"\x00" * 100, "is damaged: Expecting value: line 1 column 1 (char 0)"),
        (b'{"game": "\xff"}', "is damaged: 'utf-8' codec can't decode byte 0xff in position 10: invalid start byte"),
        (b"[]", "does not fit: it holds a list, not settings by their names"),
        (b"null", "does not fit: it holds a NoneType, not settings by their names"),
        (b'{"seed": "one"}', "does not fit: seed = 'one': int is needed"),
        (b'{"hidden_layers": ["wide"]}', "does not fit: hidden_layers = 'wide': int is needed"),
        (b'{"discount": NaN}', "does not fit: discount = nan: 0 to 1 is needed"),
        (b'{"reward_win": 1e999}', "does not fit: reward_win = inf: a reward is a finite number"),
        (b'{"batch_size": 0}', "does not fit: batch_size = 0: at least 1 is needed"),
        (b'{"speed": 9}', f"does not fit: unknown setting 'speed': the settings are {', '.join(FIELDS)}"),
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
    except ValueError as error:
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
