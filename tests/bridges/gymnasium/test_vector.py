"""A user's vector environment, whichever way it begins episodes: equal rows, and nobody learns from a dead step."""

import gymnasium
import gyms
import numpy as np
import pytest
import tensorflow as tf
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import imagents
from imagents.bridges.gymnasium import from_gymnasium
from imagents.errors import InputError
from imagents.training.loop import Trainer


def vector(mode, env=gyms.Count, copies=3):
    return lambda: SyncVectorEnv([env] * copies, autoreset_mode=mode)


def trace(environment, steps=40):
    shown = [environment.reset()]
    for step in range(steps):
        shown.append(environment.step(tf.constant([(step + copy) % 2 for copy in range(3)])))
    return [np.asarray(x) for time_step in shown for x in tf.nest.flatten(time_step)]


@pytest.mark.parametrize("env", [gyms.Count, gyms.Masked, gyms.MaskInView])
@pytest.mark.parametrize("mode", AutoresetMode)
def test_its_rows_are_those_of_copies_that_are_stepped_here(mode, env):
    ours, theirs = from_gymnasium(env, 3, seed=1), from_gymnasium(vector(mode, env), 3, seed=1)
    for x, y in zip(trace(ours), trace(theirs), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("mode", AutoresetMode)
def test_nobody_learns_from_the_step_between_two_episodes(mode):
    environment = from_gymnasium(vector(mode), 3)
    agent = imagents.IMAgent(environment, sample_batch_size=4, replay_length=100)
    Trainer(environment, [agent], execution="eager", train_steps_per_round=0).run(40)
    decisions = agent.replay_buffer.gather_all()
    before, after = decisions.view[:, 1].numpy(), decisions.next_view[:, 1].numpy()
    assert len(before) > 60 and (after == before + 1).all()


def test_masks_of_all_modes_are_those_of_the_view_that_they_come_with():
    for mode in AutoresetMode:
        environment = from_gymnasium(vector(mode, gyms.Masked), 3)
        time_step = environment.reset()
        for _ in range(20):
            [mask] = time_step.observation["legal_moves"]
            np.testing.assert_array_equal(mask[:, 2], time_step.observation["views"][0][:, 1] % 2 == 1)
            time_step = environment.step(tf.zeros([3], tf.int32))


def test_gymnasiums_own_vector_of_cartpoles():
    made = lambda: gymnasium.make_vec("CartPole-v1", 3, vectorization_mode="vector_entry_point")  # noqa: E731
    assert imagents.check_environment(lambda copies, seed: from_gymnasium(made, 3, seed=seed)) == []


class Unsaid(SyncVectorEnv):
    """Does not say how it begins episodes."""

    def __init__(self):
        super().__init__([gyms.Count] * 3)
        self.metadata = {}


@pytest.mark.parametrize(
    ("make", "settings", "said"),
    [
        (vector(AutoresetMode.NEXT_STEP), {"workers": 2}, "a vector environment of 3 copies was made: it steps"),
        (vector(AutoresetMode.NEXT_STEP, copies=2), {}, "a vector environment of 2 copies was made"),
        (vector(AutoresetMode.NEXT_STEP, gyms.Shared), {}, "an environment that several share is stepped here"),
        (Unsaid, {}, "does not say how it begins episodes"),
    ],
)
def test_what_does_not_fit_is_one_sentence(make, settings, said):
    with pytest.raises(InputError, match=said):
        from_gymnasium(make, 3, **settings)
