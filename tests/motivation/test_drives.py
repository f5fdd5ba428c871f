"""An agent that gets hungry: it uses up energy, eats what it is paid, and feels what it lacks."""

import numpy as np
import pytest
import tensorflow as tf
from places import moment, place
from small import small_config
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.motivation import Body, Drives
from imagents.training.loop import build


def test_energy_falls_rises_with_food_and_is_full_where_a_life_begins():
    live = Drives.body(hunger=0.25)["state_fn"]
    state, found = Body(tf.constant([0.0])), []
    for kind, pay in ((0, 0.0), (1, 0.0), (1, 0.0), (1, 0.5), (2, 5.0), (0, 0.0)):
        state = live(state, ts.TimeStep(tf.constant([kind]), tf.constant([pay]), tf.constant([1.0]), ()), 0)
        found.append(float(state.energy[0]))
    assert found == [1.0, 0.75, 0.5, 0.75, 1.0, 1.0]


def test_a_meal_pays_the_more_the_hungrier_one_is():
    drives, step = Drives(place(state=Body(tf.TensorSpec([2])))), ts.restart(tf.zeros([2]), 2)
    before, after = (Body(tf.constant(x)) for x in ([0.5, 0.25], [0.75, 0.5]))
    felt = drives.felt(moment(step, before=before, after=after)).numpy()
    np.testing.assert_allclose(felt, [0.5**2 - 0.25**2, 0.75**2 - 0.5**2])


def test_an_agent_of_foraging_sees_its_energy_and_is_paid_for_what_it_lacks_less():
    trainer = build(small_config("foraging", motivation="drives:2", drives_hunger=0.125))
    agent = trainer.agents[0]
    metrics = trainer.run(3)
    np.testing.assert_allclose(agent.internal_state.energy, 1 - 3 * 0.125)  # nobody has eaten so soon
    assert agent.perspective.sight_spec.view["energy"].shape == [1]
    assert metrics["player_1_drives"] == pytest.approx(-(0.375**2) / 3)
    np.testing.assert_allclose(agent.episode_return(), -2 * 0.375**2, rtol=1e-5)


def test_where_nothing_feeds_an_agent_there_are_no_drives():
    with pytest.raises(InputError, match="motivation = 'drives': deep_sea does not say what feeds an agent"):
        small_config("deep_sea", motivation="drives")
    with pytest.raises(InputError, match="player_1: drives need a Body"):
        Drives(place())
