"""Players that know the last joint action: what each plays after it, in a game and as a table."""

import numpy as np
import pytest
import tensorflow as tf

from imagents.config import environment_class
from imagents.environments.matrix_games.strength import states
from imagents.errors import InputError
from imagents.players.names import make_player, player_names


def face_of(name="prisoners_dilemma", **settings):
    return environment_class(name)(name=name, episode_length=0, **settings)


def plays(name: str, seat: int = 0, face=None) -> str:
    """What it plays at the start, and after every joint action in the order cc, cd, dc, dd; 0 is cooperation."""
    face = face or face_of()
    player = make_player(name, face, seat)
    return "".join(map(str, player.choose(states(face)).numpy()))


def test_what_each_plays_after_every_joint_action():
    assert plays("always:0") == plays("always:cooperate") == "00000"
    assert plays("always:defect", seat=1) == "11111"
    assert (plays("tit_for_tat"), plays("tit_for_tat", seat=1)) == ("00101", "00011")
    assert (plays("grim"), plays("grim", seat=1)) == ("00111", "00111")
    assert (plays("pavlov"), plays("pavlov", seat=1)) == ("00110", "00110")


def test_among_more_than_two_tit_for_tat_cooperates_if_all_others_did():
    face = face_of("public_goods", num_agents=3)  # after ccc, ccd, cdc, cdd, dcc, dcd, ddc, ddd
    assert plays("tit_for_tat", 0, face) == "0" + "01110111"
    assert plays("tit_for_tat", 2, face) == "0" + "00111111"
    assert plays("grim", 0, face) == "0" + "01111111"
    assert plays("pavlov", 0, face) == "0" + "01111110"


def test_grim_never_forgives_and_pavlov_does():
    face = face_of()
    environment = face.build(1, 0)
    opponent = [0, 1, 0, 0, 0]
    for name, expected in [("grim", "00111"), ("tit_for_tat", "00100"), ("pavlov", "00111"), ("always:1", "11111")]:
        player, time_step, played = make_player(name, face), environment.reset(), ""
        for other in opponent:
            action = player.act(time_step)
            played += str(int(action[0]))
            time_step = environment.step((action, tf.constant([other])))
        assert played == expected, name


def test_pavlov_comes_back_to_cooperation_with_its_like_after_a_slip():
    face = face_of()
    environment = face.build(1, 0)
    players = [make_player("pavlov", face, seat) for seat in range(2)]
    environment.reset()
    time_step = environment.step((tf.constant([0]), tf.constant([1])))  # the slip
    joint = []
    for _ in range(3):
        actions = tuple(player.act(time_step) for player in players)
        joint.append([int(action[0]) for action in actions])
        time_step = environment.step(actions)
    assert joint == [[1, 1], [0, 0], [0, 0]]


def test_its_table_is_what_it_plays_also_compiled():
    face = face_of("public_goods", num_agents=3)
    for name in ("tit_for_tat", "grim", "pavlov", "always:keep"):
        player, time_step = make_player(name, face, 1), states(face)
        choose = tf.function(player.choose, jit_compile=True, autograph=False)
        np.testing.assert_array_equal(choose(time_step), player.choose(time_step))
        np.testing.assert_array_equal(player.probabilities(time_step), np.eye(2)[player.choose(time_step)])


def test_random_play_is_even_after_whatever_happened():
    face = face_of("climbing")
    player = make_player("random", face, action_spec=face.build(1, 0).action_spec())
    np.testing.assert_allclose(player.probabilities(states(face)), np.full([10, 3], 1 / 3), rtol=1e-6)


def test_they_are_listed_with_all_others():
    assert player_names("climbing")[-4:] == ["always:ACTION", "tit_for_tat", "grim", "pavlov"]


@pytest.mark.parametrize(
    "name, environment, sentence",
    [
        ("always:9", "chicken", "'always:9' needs an action of chicken, by its number or name: 0 swerve, 1 dare"),
        ("always", "climbing", "'always' needs an action of climbing, by its number or name: 0 a, 1 b, 2 c"),
        ("tit_for_tat", "climbing", "'tit_for_tat' plays games of two actions, and climbing has 3"),
        ("pavlov", "penalty", "'pavlov' plays games of two actions, and penalty has 3"),
    ],
)
def test_names_that_do_not_fit_are_refused_in_one_sentence(name, environment, sentence):
    with pytest.raises(InputError) as error:
        make_player(name, environment)
    assert str(error.value) == sentence
