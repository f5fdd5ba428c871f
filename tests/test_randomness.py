"""Named randomness: numbers that belong to a seed and an owner, in every process, every mode and for good."""

import itertools
import re

import numpy as np
import pytest
import tensorflow as tf

import imagents
from imagents import InputError
from imagents.evaluation.elo import rate
from imagents.randomness import make_generator, make_seed, normal, uniform

MODES = {
    "eager": lambda function: function,
    "graph": lambda function: tf.function(function, autograph=False),
    "compiled": lambda function: tf.function(function, jit_compile=True, autograph=False),
}


def test_a_seed_is_the_first_31_bits_of_a_hash_of_seed_and_owner():
    assert make_seed(7, "player_1") == 0x4C9C4BDA // 2  # printf 7/player_1 | sha256sum


def test_every_seed_and_owner_has_a_seed_of_its_own():
    owners = ["environment", "player_1", "player_2", "replay", "evaluation", "layer 0", "layer 1", "output"]
    seeds = [make_seed(seed, owner) for seed, owner in itertools.product(range(500), owners)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    bits = np.array(seeds)[:, None] >> np.arange(31) & 1
    assert np.all(abs(bits.mean(axis=0) - 0.5) < 0.04)  # of 4,000 seeds: five standard deviations


def test_any_whole_number_from_0_on_is_a_seed():
    assert len({make_seed(seed, "environment") for seed in (0, 2**31, 2**64, 10**30)}) == 4
    assert make_seed(np.int64(7), "environment") == make_seed(7, "environment")
    assert make_seed(1, "2/x") != make_seed(12, "x")


@pytest.mark.parametrize("seed", [-1, np.int64(-1), 1.5, True, None, "1"])
@pytest.mark.parametrize(
    "use",
    [
        lambda seed: make_generator(seed, "environment"),
        lambda seed: imagents.BoardGameEnvironment(imagents.TIC_TAC_TOE, seed=seed),
        lambda seed: imagents.Arena(imagents.TIC_TAC_TOE, 2, seed),
        lambda seed: imagents.play_tournament(["first_legal", "minimax:1"], "tic_tac_toe", 2, seed),
        lambda seed: rate(["a", "b"], np.ones([2, 2, 3]), seed=seed),
    ],
)
def test_what_is_no_seed_is_refused_wherever_one_is_taken(use, seed):
    with pytest.raises(InputError, match=re.escape(f"seed = {seed!r}: a whole number of at least 0 is needed")):
        use(seed)


@pytest.mark.parametrize("mode", MODES)
def test_normal_numbers_are_normal_and_nearly_the_same_in_every_mode(mode):
    generator = make_generator(3, "noise")
    x = MODES[mode](lambda: normal(generator, [100, 50]))().numpy()
    assert np.isfinite(x).all()
    np.testing.assert_allclose([x.mean(), x.var(), (x**3).mean(), (x**4).mean()], [0, 1, 0, 3], atol=0.4)
    np.testing.assert_allclose(x, normal(make_generator(3, "noise"), [100, 50]), atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_the_numbers_of_an_owner_stay_the_same_in_every_process_and_mode(mode):
    """The words of Philox; a number in [0, 1) is the highest 24 of a word's 32 bits."""
    words = [4083598315, 2084752918, 2721464580, 3920580445]
    generator = make_generator(0, "environment")
    assert MODES[mode](lambda: generator.uniform_full_int([4], tf.uint32))().numpy().tolist() == words
    generator = make_generator(0, "environment")
    numbers = MODES[mode](lambda: uniform(generator, [2, 2]))()
    assert numbers.dtype == tf.float32
    assert numbers.numpy().ravel().tolist() == [(word // 2**8) / 2**24 for word in words]


def test_a_generator_goes_on_alike_eagerly_in_a_graph_and_compiled():
    draws = []
    for function in MODES.values():
        generator = make_generator(3, "environment")
        draw = function(lambda g=generator: (uniform(g, [5]), g.uniform_full_int([7], tf.uint32), uniform(g, [2, 3])))
        draws.append([x.numpy().tolist() for _ in range(3) for x in draw()])
    assert draws[0] == draws[1] == draws[2]
    assert draws[0][0] != draws[0][3] != draws[0][6]


def test_uniform_numbers_are_uniform():
    numbers = uniform(make_generator(1, "environment"), [100_000]).numpy()
    assert 0.0 <= numbers.min() < 0.001 and 0.999 < numbers.max() < 1.0
    counts = np.bincount((numbers * 100).astype(int), minlength=100)
    assert 60.0 < ((counts - 1000) ** 2 / 1000).sum() < 149.0  # 0.1 % and 99.9 % of 99 degrees of freedom
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.015


def test_generators_do_not_share_their_numbers():
    one, same, other_seed, other_owner = (
        make_generator(*arguments) for arguments in ((1, "player_1"), (1, "player_1"), (2, "player_1"), (1, "player_2"))
    )
    expected = uniform(one, [1000]).numpy()
    others = [uniform(generator, [1000]).numpy() for generator in (other_seed, other_owner)]
    tf.random.uniform([1000])
    np.testing.assert_array_equal(uniform(same, [1000]), expected)
    for x, y in itertools.combinations([expected, *others], 2):
        assert abs(np.corrcoef(x, y)[0, 1]) < 0.15
