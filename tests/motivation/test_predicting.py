"""What predictions pay is about 1 whatever is seen, and falls as they learn; noise bores learning progress alone."""

import numpy as np
import pytest
import tensorflow as tf
from places import decisions, place

from imagents.motivation import ICM, RND, LearningProgress, foresight, predicting

ROWS = 64


@pytest.fixture(autouse=True)
def settles_soon(monkeypatch):
    monkeypatch.setattr(predicting, "_SETTLING", 64.0)
    monkeypatch.setattr(predicting, "_RATE", 1e-3)
    monkeypatch.setattr(foresight, "_PATIENCE", 0.95)


def world(seed: int, scale: float = 1.0, noise: bool = False):
    """Decisions between four views, of which actions say the next one; or with a next view that nobody can foretell."""
    rng = np.random.default_rng(seed)
    cells, actions = rng.integers(0, 4, ROWS), rng.integers(0, 2, ROWS).astype(np.int32)
    views, after = np.eye(4, 6)[cells], np.eye(4, 6)[(cells + 2 * actions - 1) % 4]
    if noise:
        after = np.concatenate([after[:, :4], rng.normal(size=[ROWS, 2])], axis=1)
    return decisions((views * scale).astype(np.float32), actions, (after * scale).astype(np.float32))


def taught(kind, lessons: int, scale: float = 1.0, noise: bool = False):
    """A motivation after so many lessons, each of its bonuses for all that is learned."""
    motivation = kind(place(tf.TensorSpec([6], tf.float32)))
    counts, paid = tf.ones([ROWS], tf.bool), []

    @tf.function
    def lesson(batch):
        bonus = motivation.bonus(batch)
        motivation.learn(batch, counts)
        return bonus

    for seed in range(lessons):
        paid.append(lesson(world(seed, scale, noise)).numpy())
    return motivation, np.array(paid)


@pytest.mark.parametrize("kind", [RND, ICM])
def test_a_bonus_begins_near_1_and_falls_with_what_is_learned_whatever_the_scale_of_views(kind):
    for scale in (1e-3, 1e3):
        _, paid = taught(kind, 160, scale)
        assert 0.3 < paid[2:12].mean() < 3
        assert paid[-10:].mean() < 0.8 * paid[2:12].mean()


@pytest.mark.parametrize("minibatch", [ROWS, 24], ids=["whole", "in parts"])
def test_a_view_that_was_never_seen_pays_more_than_one_that_was(minibatch, monkeypatch):
    monkeypatch.setattr(predicting, "_MINIBATCH", minibatch)
    rnd, _ = taught(RND, 90)
    known, new = (decisions(tf.zeros([1, 6]), [0], tf.one_hot([cell], 6)) for cell in (1, 5))
    assert rnd.bonus(new) > 2 * rnd.bonus(known)


def test_the_first_lesson_pays_nothing_and_what_is_not_there_teaches_nothing():
    rnd = RND(place(tf.TensorSpec([6], tf.float32)))
    assert rnd.bonus(world(0)).numpy().tolist() == [0.0] * ROWS
    before = [variable.numpy() for variable in rnd.variables]
    rnd.learn(world(0), tf.zeros([ROWS], tf.bool))
    for old, new in zip(before, rnd.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_noise_bores_learning_progress_and_not_what_pays_for_errors():
    progress, paid = taught(LearningProgress, 250, noise=True)
    new = LearningProgress(place(tf.TensorSpec([6], tf.float32)))
    new._mean.assign(progress._mean)
    new._variance.assign(progress._variance)
    errors = [float(tf.reduce_mean(each._error(each._now, world(999, noise=True)))) for each in (new, progress)]
    assert errors[1] > 0.1 * errors[0]  # there is something that it will never know
    assert abs(paid[-50:].mean()) < 0.1 * paid[2:52].mean()


def test_learning_progress_is_the_fall_of_the_error():
    progress, paid = taught(LearningProgress, 30)
    batch = world(99)
    fall = (progress._error(progress._before, batch) - progress._error(progress._now, batch)).numpy()
    assert fall.mean() > 0
    bonus = progress.bonus(batch).numpy()
    np.testing.assert_allclose(bonus / bonus[0], fall / fall[0], rtol=1e-4)
