"""The players of Kuhn poker that know its equilibria."""

import numpy as np
import pytest
import tensorflow as tf

from imagents.config import environment_settings
from imagents.environments.cards.environment import PokerEnvironment, State
from imagents.environments.cards.players import equilibrium
from imagents.environments.cards.rules import KUHN
from imagents.errors import InputError
from imagents.players.names import make_player, player_names


def asked(seat: int, times: int = 1):
    """What is shown in all of a seat's information states, so many times each, and their numbers."""
    states = np.repeat(np.flatnonzero(KUHN.information.seat == seat), times)
    environment, information = PokerEnvironment(KUHN), KUHN.information
    return environment.time_step_at(State(information.deal[states], information.node[states])), states


@pytest.mark.parametrize("seat", [0, 1])
def test_it_plays_its_part_of_an_equilibrium(seat):
    player = make_player("nash:0.2", "kuhn_poker", seat, seed=3)
    time_step, states = asked(seat)
    np.testing.assert_allclose(player.probabilities(time_step), equilibrium(0.2)[states], rtol=1e-6)
    time_step, states = asked(seat, 4000)
    shares = player.act(time_step).numpy().reshape(-1, 4000).mean(axis=1)
    np.testing.assert_allclose(shares, equilibrium(0.2)[states[::4000], 1], atol=0.04)


def test_without_a_number_it_never_bluffs_at_the_start():
    player = make_player("nash", "kuhn_poker", 0)
    assert not tf.reduce_any(player.act(asked(0)[0])[:3] == 1)


@pytest.mark.parametrize(
    "name, sentence",
    [("nash:x", "'nash:x' needs alpha, a number from 0 to 1/3, such as nash:0.2"),
     ("nash:0.5", "'nash:0.5': alpha is a number from 0 to 1/3, such as nash:0.2")],
)  # fmt: skip
def test_other_numbers_are_refused(name, sentence):
    with pytest.raises(InputError) as error:
        make_player(name, "kuhn_poker")
    assert str(error.value) == sentence


def test_leduc_has_none():
    assert "nash:ALPHA" in player_names("kuhn_poker") and "nash:ALPHA" not in player_names("leduc_poker")


def test_whoever_takes_the_first_legal_action_says_so():
    environment = environment_settings("leduc_poker").build(2, 0)
    time_step = environment.step([2, 1])  # the first one may fold now
    player = make_player("first_legal", "leduc_poker", 1)
    np.testing.assert_array_equal(player.probabilities(time_step), [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(player.act(time_step), [0, 1])
