"""An agent that gets hungry: it uses up energy, eats what it is paid, and feels what it lacks."""

import numpy as np
import pytest
import tensorflow as tf
from places import moment, place
from small import small_config
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.learning.perspective import Perspective
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


def test_who_is_worn_out_sleeps_with_closed_eyes_and_does_nothing_until_rested():
    spec = tensor_spec.BoundedTensorSpec([], tf.int32, 0, 6)
    steps = ts.time_step_spec({"image": tf.TensorSpec([2], tf.bool), "way": tf.TensorSpec([1], tf.float32)})
    own = Perspective(steps, spec, **Drives.body(hunger=0.0, sleep=0.25, idle_action=6))
    state, found = own.initial_state(1), []
    seen = {"image": tf.constant([[True, False]]), "way": tf.constant([[7.0]])}
    for kind in (0, 1, 1, 1, 1, 1, 1, 1, 0):
        time_step = ts.TimeStep(*(tf.constant([x]) for x in (kind, 0.0, 1.0)), seen)
        state = own.next_state(state, time_step)
        sight, done = own.sight(time_step, state).view, own.action(tf.constant([2]), state)
        found.append((sight["rest"].numpy().item(), sight["view"]["way"].numpy().item(), done.numpy().item()))
        assert tf.reduce_any(sight["view"]["image"]) == (done == [2])
    awake = [(1, 7, 2), (0.75, 7, 2), (0.5, 7, 2), (0.25, 7, 2)]
    assert found == [*awake, (0, 0, 6), (0.5, 0, 6), *awake[:2], awake[0]]


def test_an_agent_of_foraging_sees_its_energy_and_rest_and_is_paid_for_what_it_lacks_less():
    trainer = build(small_config("foraging", motivation="drives:2", drives_hunger=0.125, drives_sleep=0.25))
    agent = trainer.agents[0]
    metrics = trainer.run(3)
    np.testing.assert_allclose(agent.internal_state.energy, 1 - 3 * 0.125)  # nobody has eaten so soon
    assert {name: x.shape for name, x in agent.perspective.sight_spec.view.items() if name != "view"} == {
        "energy": [1], "rest": [1]
    }  # fmt: skip
    lack = 0.375**2 + 0.75**2
    assert metrics["player_1_drives"] == pytest.approx(-lack / 3)
    np.testing.assert_allclose(agent.episode_return(), -2 * lack, rtol=1e-5)


def test_where_nothing_feeds_an_agent_there_are_no_drives():
    with pytest.raises(InputError, match="motivation = 'drives': deep_sea does not say what feeds an agent"):
        small_config("deep_sea", motivation="drives")
    with pytest.raises(InputError, match="player_1: drives need a Body"):
        Drives(place())
