"""What the games pay, by hand and as OpenSpiel has it, and what settings they take."""

import itertools
import pathlib
import re

import numpy as np
import pytest

from imagents.config import TrainConfig, environment_class, environment_settings
from imagents.environments.matrix_games.games import Penalty, PublicGoods
from imagents.errors import InputError

NAMES = ("prisoners_dilemma", "stag_hunt", "chicken", "battle_of_the_sexes", "matching_pennies", "rock_paper_scissors",
         "coordination", "climbing", "climbing_partly_stochastic", "climbing_stochastic", "penalty",
         "public_goods")  # fmt: skip


def mean_paid(name: str, **settings) -> np.ndarray:
    """What is paid on average, `[A, ..., A, N]`."""
    return environment_class(name)(name=name, **settings).payoffs.mean(axis=0)


def test_climbing_and_penalty_pay_what_matignon_and_others_have_in_2012():
    common = {name: mean_paid(name)[..., 0] for name in NAMES if "climbing" in name or name == "penalty"}
    np.testing.assert_array_equal(common["climbing"], [[11, -30, 0], [-30, 7, 6], [0, 0, 5]])
    np.testing.assert_array_equal(common["climbing_partly_stochastic"], common["climbing"])
    np.testing.assert_array_equal(common["climbing_stochastic"], [[11, -30, 0], [-30, 7, 6], [0, 6, 5]])  # as published
    np.testing.assert_array_equal(common["penalty"], [[10, 0, -100], [0, 2, 0], [-100, 0, 10]])
    for name in common:
        np.testing.assert_array_equal(*np.moveaxis(mean_paid(name), -1, 0))  # both alike


def test_of_two_outcomes_each_is_one_of_the_published_two():
    drawn = environment_settings("climbing_stochastic").payoffs[..., 0]
    published = [["10 12", "-65 5", "-8 8"], ["-65 5", "0 14", "0 12"], ["-8 8", "0 12", "0 10"]]
    for i, j in itertools.product(range(3), repeat=2):
        assert sorted(drawn[:, i, j]) == [*map(int, published[i][j].split())]
    partly = environment_settings("climbing_partly_stochastic").payoffs[..., 0]
    assert partly[:, 1, 1].tolist() == [14, 0]
    assert [*zip(*np.nonzero(partly[0] != partly[1]), strict=True)] == [(1, 1)]


def test_the_dilemma_is_that_of_5_3_1_0():
    assert mean_paid("prisoners_dilemma").tolist() == [[[3, 3], [0, 5]], [[5, 0], [1, 1]]]


@pytest.mark.parametrize("num_agents", [2, 3, 5])
def test_penalty_is_10_for_all_a_or_all_c_and_2_for_all_b_and_k_where_a_meets_c(num_agents):
    paid = mean_paid("penalty", num_agents=num_agents, penalty=-7.5)
    assert paid.shape == (*[3] * num_agents, num_agents)
    for joint in itertools.product("abc", repeat=num_agents):
        expected = {"a": 10, "b": 2, "c": 10}.get("".join(sorted(set(joint))), -7.5 if {"a", "c"} <= set(joint) else 0)
        assert (paid[tuple(map("abc".index, joint))] == expected).all(), joint


def test_public_goods_are_what_is_kept_and_a_share_of_what_was_contributed():
    paid = mean_paid("public_goods", num_agents=4, multiplier=2.0)
    assert paid[0, 0, 0, 0].tolist() == [2, 2, 2, 2]
    assert paid[1, 1, 1, 1].tolist() == [1, 1, 1, 1]
    assert paid[1, 0, 0, 0].tolist() == [2.5, 1.5, 1.5, 1.5]  # whoever keeps has one more


OPEN_SPIEL = {  # ours: theirs, and the order of its actions as ours have them
    "stag_hunt": ("matrix_sh", [0, 1]),
    "chicken": ("matrix_cd", [1, 0]),
    "battle_of_the_sexes": ("matrix_bos", [0, 1]),
    "matching_pennies": ("matrix_mp", [0, 1]),
    "rock_paper_scissors": ("matrix_rps", [0, 1, 2]),
    "coordination": ("matrix_coordination", [0, 1]),
}


def spiel_paid(name: str) -> np.ndarray:
    """OpenSpiel's payoffs, `[A, A, 2]`."""
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel")
    game = pyspiel.load_matrix_game(name)
    return np.stack([game.row_utilities(), game.col_utilities()], axis=-1)


@pytest.mark.parametrize("name", OPEN_SPIEL)
def test_what_open_spiel_has_too_pays_the_same_there(name):
    theirs, order = OPEN_SPIEL[name]
    np.testing.assert_array_equal(mean_paid(name), spiel_paid(theirs)[np.ix_(order, order)])


def test_open_spiels_dilemma_has_other_figures_in_the_same_order():
    ours, theirs = mean_paid("prisoners_dilemma"), spiel_paid("matrix_pd")
    np.testing.assert_array_equal(np.argsort(ours.ravel()), np.argsort(theirs.ravel()))
    assert theirs.max() == 10  # of who defects alone


@pytest.mark.parametrize("name", NAMES)
def test_every_action_has_a_name_and_every_seat_a_pay(name):
    face = environment_settings(name)
    actions, seats = len(face.actions), face.num_seats
    assert face.payoffs.shape[1:] == (*[actions] * seats, seats)
    assert [f"plays_{action}" for action in face.actions] == [key for key in face.measures if key.startswith("plays_")]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_measure_is_the_share_of_best_joint_actions_where_all_are_paid_alike(name):
    face = environment_settings(name)
    common = (face.payoffs == face.payoffs[..., :1]).all()
    assert next(iter(face.measures)) == ("optimal_joint_share" if common else "mean_return")


@pytest.mark.parametrize("name", NAMES)
def test_what_random_play_scores_is_the_share_of_joint_actions_that_are_best(name):
    total = mean_paid(name).sum(axis=-1)
    chance = environment_settings(name).measures["optimal_joint_share"].chance
    share = (total == total.max()).mean()
    assert chance == (None if share == 1 or name in ("penalty", "public_goods") else pytest.approx(share))


def test_returns_of_an_episode_lie_in_the_range_that_is_named():
    assert environment_settings("climbing").return_range == (-30, 11)
    assert environment_class("climbing")("climbing", episode_length=25).return_range == (-750, 275)
    assert environment_class("climbing")("climbing", episode_length=0).return_range is None
    assert Penalty("penalty", penalty=-5.0).return_range == (-5, 10)


@pytest.mark.parametrize(
    "name, settings, sentence",
    [
        ("climbing", dict(episode_length=-1),
         "episode_length = -1: 1 or more plays, or 0 for an episode that never ends"),
        ("penalty", dict(num_agents=7), "num_agents = 7: 2 to 6 play"),
        ("penalty", dict(penalty=5.0), "penalty = 5.0: a finite number that is not above 0"),
        ("penalty", dict(penalty=float("nan")), "penalty = nan: a finite number that is not above 0"),
        ("public_goods", dict(num_agents=1), "num_agents = 1: 2 to 10 play"),
        ("public_goods", dict(multiplier=0.0), "multiplier = 0.0: a finite number above 0"),
        ("climbing", dict(num_agents=3), "unknown setting 'num_agents': did you mean agents? the settings are "),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_in_one_sentence(name, settings, sentence):
    with pytest.raises(InputError) as error:
        TrainConfig(name, **settings)
    assert str(error.value).startswith(sentence) and "\n" not in str(error.value)


def test_as_many_play_as_the_setting_says():
    assert TrainConfig("penalty", num_agents=3).agent_names == ["player_1", "player_2", "player_3"]
    assert PublicGoods("public_goods", num_agents=10).num_seats == 10


PAGE = pathlib.Path(__file__).parents[3] / "docs" / "environments" / "matrix-games.md"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_matrix_games_says_what_they_pay(name):
    actions, paid = re.search(rf"^\| `{name}` \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE).groups()
    face = environment_settings(name)
    assert actions == ", ".join(face.actions)
    if not re.search(r"as climbing|if|each who", paid):
        cells = [[cell.replace(" or ", " ").split() for cell in row.split(", ")] for row in paid.split(" / ")]
        for (i, row), j in itertools.product(enumerate(cells), range(len(cells))):
            both = face.payoffs[:, i, j]  # [outcomes, 2]
            expected = both[:, 0] if len(both) == 2 or (len(row[j]) == 1 and both[0, 0] == both[0, 1]) else both[0]
            assert sorted(map(float, row[j])) == sorted(expected) and list(map(float, row[j])) == list(expected), (i, j)
